import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.model.SequenceClassifier;
import io.github.cudnn4j.model.SequenceClassifier.Example;
import io.github.cudnn4j.model.SequenceClassifier.Pooling;
import io.github.cudnn4j.model.Vocabulary;
import io.github.cudnn4j.model.Vocabulary.Units;
import io.github.cudnn4j.optim.Optimizer;
import io.github.cudnn4j.rnn.RnnConfig;
import io.github.cudnn4j.train.Checkpoints;
import io.github.cudnn4j.train.Metric;
import io.github.cudnn4j.train.Trainer;
import io.github.cudnn4j.train.TrainerConfig;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.TopologyTestDriver;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Produced;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A classifier in streams of Kafka and Flink, and a training that Micrometer hears of. */
class EnginesTest {
  private static final List<String> TEXTS = List.of("up w3 w4 down", "down w1 up", "w5 up w1 down");
  private static final List<String> LABELS = List.of("rising", "falling", "rising");

  @TempDir private static Path folder;

  private static final SimpleMeterRegistry REGISTRY = new SimpleMeterRegistry();

  @BeforeAll
  static void train() throws Exception {
    List<Example> examples =
        IntStream.range(0, 20)
            .boxed()
            .flatMap(
                i ->
                    Stream.of(
                        new Example("rising", "up w" + i + " down"),
                        new Example("rising", "w" + i + " up w1 down"),
                        new Example("falling", "down w" + i + " up")))
            .toList();
    var words = examples.stream().flatMap(example -> Units.WORDS.split(example.text()).stream());
    try (Device device = Device.open();
        var model =
            SequenceClassifier.create(
                device,
                Vocabulary.mostFrequent(Units.WORDS, words, 100),
                List.of("falling", "rising"),
                RnnConfig.lstm(16, 16),
                Pooling.LAST,
                42)) {
      var batches = model.batches(8, 10).over(examples);
      var config = TrainerConfig.of(Optimizer.adamW(0.02)).epochs(15);
      try (var trainer = Trainer.of(model.parameters(), model, batches.shuffled(1), config)) {
        trainer
            .validation(batches, Metric.accuracy())
            .checkpoints(Checkpoints.in(folder, 1))
            .listener(new Telemetry(REGISTRY))
            .run();
      }
    }
  }

  @Test
  void micrometerHasWhatTheTrainingTold() {
    assertEquals(15 * 8, REGISTRY.get("cudnn4j.step").gauge().value());
    assertTrue(REGISTRY.get("cudnn4j.loss").gauge().value() < 0.5);
    assertEquals(1, REGISTRY.get("cudnn4j.validation.accuracy").gauge().value());
    assertTrue(REGISTRY.get("cudnn4j.checkpoints").counter().count() >= 1);
  }

  @Test
  void kafkaStreams() {
    var builder = new StreamsBuilder();
    builder.stream("texts", Consumed.with(Serdes.String(), Serdes.String()))
        .processValues(() -> new StreamClassifier.ForKafka(folder))
        .to("labels", Produced.with(Serdes.String(), Serdes.String()));
    var properties = new Properties();
    properties.put("application.id", "test");
    properties.put("bootstrap.servers", "nowhere:1234");
    properties.put("state.dir", folder.resolve("kafka").toString());
    try (var driver = new TopologyTestDriver(builder.build(), properties)) {
      var in = driver.createInputTopic("texts", new StringSerializer(), new StringSerializer());
      TEXTS.forEach(in::pipeInput);
      var out =
          driver.createOutputTopic("labels", new StringDeserializer(), new StringDeserializer());
      assertEquals(LABELS, out.readValuesToList());
    }
  }

  @Test
  void flink() throws Exception {
    var environment = StreamExecutionEnvironment.createLocalEnvironment(2);
    var found = new ArrayList<String>();
    var labels =
        environment
            .fromData(TEXTS)
            .setParallelism(1)
            .map(new StreamClassifier.ForFlink(folder.toString()))
            .executeAndCollect();
    try {
      labels.forEachRemaining(found::add);
    } finally {
      labels.close();
    }
    assertEquals(LABELS.stream().sorted().toList(), found.stream().sorted().toList());
  }
}
