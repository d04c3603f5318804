package io.github.cudnn4j.tape;

import static io.github.cudnn4j.testing.Refusals.refusesNow;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.io.SafeTensors;
import io.github.cudnn4j.io.SafeTensorsWriter;
import io.github.cudnn4j.optim.Clip;
import io.github.cudnn4j.optim.LossScale;
import io.github.cudnn4j.optim.Optimizer;
import io.github.cudnn4j.optim.Updater;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Function;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Parameters that are read-only serve, and are neither set nor trained. */
class ReadOnlyParametersTest {
  @TempDir Path folder;
  private Device device;

  @BeforeEach
  void open() {
    device = Device.open();
  }

  @AfterEach
  void close() {
    device.close();
  }

  @ParameterizedTest
  @EnumSource(names = {"FP32", "BF16"})
  void areNeitherSetNorTrained(Precision precision) throws IOException {
    var file = folder.resolve("weights.safetensors");
    var writer = new SafeTensorsWriter();
    try (var parameters = Parameters.on(device, precision)) {
      var head = parameters.linear("head", 4, 2);
      refusesNow(
          "the parameters have no memory yet; call initialize or load first",
          parameters::setReadOnly);
      parameters.init("head.bias", Init.zeros()).initialize(1);
      double[] before = parameters.read("head.weight");
      parameters.save(writer);
      writer.write(file);
      parameters.requireWritable();
      var updater = Updater.create(parameters, Optimizer.sgd(1), Clip.NONE, LossScale.NONE);
      // The weights alone do; a set whose masters move and whose weights stay would be none.
      for (Runnable promise :
          List.<Runnable>of(parameters.weights()::setReadOnly, parameters::setReadOnly)) {
        promise.run();
        for (Executable change :
            List.<Executable>of(
                () -> parameters.initialize(2),
                () -> parameters.write("head.weight", new double[8]),
                () -> load(file, parameters::load),
                () -> load(file, tensors -> parameters.loadMatching(tensors, Function.identity())),
                parameters::requireWritable,
                updater::run,
                () -> Updater.create(parameters, Optimizer.sgd(1), Clip.NONE, LossScale.NONE))) {
          refusesNow("the parameters are read-only", change);
        }
        assertThrows(IllegalStateException.class, parameters.weights()::clear);
        assertArrayEquals(before, parameters.read("head.weight"));
      }
      updater.close();
      try (var tape = Tape.inference(device, precision)) {
        var x = tape.input(3, 4);
        x.value().clear();
        var y = head.on(tape, x);
        tape.forward();
        assertArrayEquals(new float[6], y.value().toFloats());
      }
    }
  }

  private interface Load {
    void from(SafeTensors tensors) throws IOException;
  }

  private static void load(Path file, Load load) throws IOException {
    try (var tensors = SafeTensors.open(file)) {
      load.from(tensors);
    }
  }
}
