import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.model.Model;
import io.github.cudnn4j.model.SequenceClassifier;
import io.github.cudnn4j.train.Checkpoints;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.List;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.functions.RichMapFunction;
import org.apache.kafka.streams.processor.api.FixedKeyProcessor;
import org.apache.kafka.streams.processor.api.FixedKeyProcessorContext;
import org.apache.kafka.streams.processor.api.FixedKeyRecord;

/**
 * A classifier that {@code train classifier} has written, in a stream of texts. Kafka Streams and
 * Flink call each processor from one thread, to which its device belongs.
 */
final class StreamClassifier implements AutoCloseable {
  private final Device device = Device.open();
  private final SequenceClassifier model;

  StreamClassifier(Path checkpoints) {
    try {
      var checkpoint =
          Checkpoints.in(checkpoints, 1)
              .latest()
              .orElseThrow(() -> new IOException(checkpoints + " holds no checkpoint"));
      model = (SequenceClassifier) Model.of(device, checkpoint);
    } catch (IOException e) {
      device.close();
      throw new UncheckedIOException(e);
    }
  }

  String label(String text) {
    return model.classify(List.of(text)).getFirst().label();
  }

  @Override
  public void close() {
    try (device) {
      model.close();
    }
  }

  /** For {@code stream.processValues(() -> new StreamClassifier.ForKafka(folder))}. */
  static final class ForKafka implements FixedKeyProcessor<String, String, String> {
    private final Path checkpoints;
    private FixedKeyProcessorContext<String, String> context;
    private StreamClassifier classifier;

    ForKafka(Path checkpoints) {
      this.checkpoints = checkpoints;
    }

    @Override
    public void init(FixedKeyProcessorContext<String, String> context) {
      this.context = context;
      classifier = new StreamClassifier(checkpoints);
    }

    @Override
    public void process(FixedKeyRecord<String, String> text) {
      context.forward(text.withValue(classifier.label(text.value())));
    }

    @Override
    public void close() {
      classifier.close();
    }
  }

  /** For {@code stream.map(new StreamClassifier.ForFlink(folder))}. */
  static final class ForFlink extends RichMapFunction<String, String> {
    private static final long serialVersionUID = 1;

    private final String checkpoints;
    private transient StreamClassifier classifier;

    ForFlink(String checkpoints) {
      this.checkpoints = checkpoints;
    }

    @Override
    public void open(OpenContext context) {
      classifier = new StreamClassifier(Path.of(checkpoints));
    }

    @Override
    public String map(String text) {
      return classifier.label(text);
    }

    @Override
    public void close() {
      if (classifier != null) {
        classifier.close();
      }
    }
  }
}
