package io.github.cudnn4j.cli;

import io.github.cudnn4j.cli.RecordOptions.Split;
import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.data.BatchSource;
import io.github.cudnn4j.data.Batches;
import io.github.cudnn4j.model.SequenceClassifier;
import io.github.cudnn4j.model.SequenceClassifier.Example;
import io.github.cudnn4j.model.SequenceClassifier.Pooling;
import io.github.cudnn4j.model.Vocabulary;
import io.github.cudnn4j.train.Checkpoint;
import java.io.IOException;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Trains a classifier of texts. */
@Command(
    name = "classifier",
    description = {
      "Train a classifier of texts on lines of a label, a TAB and a text.",
      "The last line on standard output is one JSON object with the result."
    },
    mixinStandardHelpOptions = true,
    sortOptions = false)
final class TrainClassifierCommand extends TrainingCommand<SequenceClassifier> {

  @Mixin private RecordOptions records = new RecordOptions();
  @Mixin private UnitsOption units = new UnitsOption();
  @Mixin private VocabularyOptions vocabulary = new VocabularyOptions();
  @Mixin private EncodingOption encoding = new EncodingOption();
  @Mixin private NetworkOptions network = new NetworkOptions();

  @Option(
      names = "--pooling",
      converter = PoolingName.class,
      defaultValue = "last",
      paramLabel = "last|mean",
      description =
          "What stands for a text: the last state, or the mean of all outputs. Default:"
              + " ${DEFAULT-VALUE}")
  private Pooling pooling;

  static final class PoolingName extends Limits.Choice<Pooling> {
    PoolingName() {
      super(Pooling.class);
    }
  }

  @Override
  String kind() {
    return "classifier";
  }

  @Override
  void check() {
    network.config(run().seed());
  }

  @Override
  boolean hasValidationFile() {
    return records.hasValidationFile();
  }

  @Override
  TrainingTask<SequenceClassifier> task(@Nullable Checkpoint from) throws IOException {
    Set<String> labels =
        from == null
            ? new TreeSet<>()
            : new LinkedHashSet<>(SequenceClassifier.labels(from.modelConfiguration()));
    Split<Example> split =
        records.read(
            (option, file) -> {
              List<Example> read =
                  ClassifierFile.read(option, file, encoding, units.value(), labels);
              if (labels.isEmpty()) {
                read.forEach(example -> labels.add(example.label()));
              }
              return read;
            },
            run());
    if (labels.size() < 2) {
      throw new IOException(
          "all texts have the label " + Terminal.named(labels) + "; a classifier needs two labels");
    }
    RecordOptions.refuseExchanged(
        labels,
        "labels",
        split.training().stream().map(Example::text),
        "texts",
        ClassifierFile.EXPECTED);
    return new Task(split, List.copyOf(labels), from);
  }

  private final class Task implements TrainingTask<SequenceClassifier> {
    private final Split<Example> split;
    private final List<String> labels;
    private final @Nullable Checkpoint from;

    Task(Split<Example> split, List<String> labels, @Nullable Checkpoint from) {
      this.split = split;
      this.labels = labels;
      this.from = from;
    }

    @Override
    public SequenceClassifier model(Device device) {
      if (from != null) {
        return SequenceClassifier.of(device, from.modelConfiguration());
      }
      Stream<String> symbols =
          split.training().stream()
              .flatMap(example -> units.value().split(example.text()).stream());
      return SequenceClassifier.create(
          device,
          Vocabulary.mostFrequent(units.value(), symbols, vocabulary.size()),
          labels,
          network.config(run().seed()),
          pooling,
          run().seed());
    }

    @Override
    public BatchSource training(SequenceClassifier model) {
      return records.training(batches(model), split.training(), run().seed());
    }

    @Override
    public @Nullable BatchSource heldOut(SequenceClassifier model) {
      return records.heldOut(batches(model), split.heldOut());
    }

    private Batches<Example> batches(SequenceClassifier model) {
      return model.batches(records.batch(), vocabulary.maxLength());
    }

    @Override
    public Score score() {
      return Score.accuracy(
          split.training().stream().map(Example::label).toList(),
          split.heldOut().stream().map(Example::label).toList());
    }

    @Override
    public String description(SequenceClassifier model) {
      return NetworkOptions.describe(network.config(run().seed()))
          + ", "
          + VocabularyOptions.describe(model.vocabulary());
    }

    @Override
    public String data() {
      return String.format(
          Locale.ROOT,
          "texts     %,d to learn from, %,d held out, %d labels%s",
          split.training().size(),
          split.heldOut().size(),
          labels.size(),
          2 * labels.size() > split.training().size()
              ? "\ncaution   few texts for each label; it is what is in front of the TAB"
              : "");
    }
  }
}
