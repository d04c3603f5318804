import org.jspecify.annotations.NullMarked;

/**
 * cuDNN's recurrent networks on the JVM.
 *
 * <p>The command line's libraries are optional: only {@code io.github.cudnn4j.cli} uses them.
 */
@NullMarked
module io.github.cudnn4j {
  requires static transitive org.jspecify;
  requires static java.desktop;
  requires static jdk.jfr;
  requires static info.picocli;
  requires static me.tongfei.progressbar;
  requires static org.knowm.xchart;

  exports io.github.cudnn4j.bindings;
  exports io.github.cudnn4j.cuda;
  exports io.github.cudnn4j.cudnn;
  exports io.github.cudnn4j.data;
  exports io.github.cudnn4j.io;
  exports io.github.cudnn4j.library;
  exports io.github.cudnn4j.model;
  exports io.github.cudnn4j.onnx;
  exports io.github.cudnn4j.optim;
  exports io.github.cudnn4j.rnn;
  exports io.github.cudnn4j.tape;
  exports io.github.cudnn4j.train;
}
