package io.github.cudnn4j.cli;

import io.github.cudnn4j.cli.RecordOptions.Split;
import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.data.BatchSource;
import io.github.cudnn4j.data.Batches;
import io.github.cudnn4j.model.Translator;
import io.github.cudnn4j.model.Translator.Pair;
import io.github.cudnn4j.model.Vocabulary;
import io.github.cudnn4j.train.Checkpoint;
import java.io.IOException;
import java.util.Locale;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** Trains a translator. */
@Command(
    name = "translator",
    description = {
      "Train a translator on lines of a text, a TAB and its translation.",
      "The last line on standard output is one JSON object with the result."
    },
    mixinStandardHelpOptions = true,
    sortOptions = false)
final class TrainTranslatorCommand extends TrainingCommand<Translator> {

  @Mixin private RecordOptions records = new RecordOptions();
  @Mixin private UnitsOption units = new UnitsOption();
  @Mixin private VocabularyOptions vocabulary = new VocabularyOptions();
  @Mixin private EncodingOption encoding = new EncodingOption();
  @Mixin private NetworkOptions network = new NetworkOptions();

  @Override
  String kind() {
    return "translator";
  }

  @Override
  void check() {
    if (network.config(run().seed()).projects()) {
      throw usage("--projection: a translator has none");
    }
  }

  @Override
  boolean hasValidationFile() {
    return records.hasValidationFile();
  }

  @Override
  TrainingTask<Translator> task(@Nullable Checkpoint from) throws IOException {
    return new Task(
        records
            .<Pair>read((option, file) -> TranslatorFile.read(option, file, encoding), run())
            .fitting(pair -> fits(pair.source()) && fits(pair.target()), limit()),
        from);
  }

  private boolean fits(String text) {
    return units.value().split(text).size() <= vocabulary.maxLength();
  }

  private String limit() {
    return String.format(
        Locale.ROOT,
        "longer than --max-length %d %s",
        vocabulary.maxLength(),
        units.value().many());
  }

  private final class Task implements TrainingTask<Translator> {
    private final Split<Pair> split;
    private final @Nullable Checkpoint from;

    Task(Split<Pair> split, @Nullable Checkpoint from) {
      this.split = split;
      this.from = from;
    }

    @Override
    public Translator model(Device device) {
      return from != null
          ? Translator.of(device, from.modelConfiguration())
          : Translator.create(
              device,
              known(Pair::source),
              known(Pair::target),
              network.config(run().seed()),
              run().seed());
    }

    private Vocabulary known(Function<Pair, String> text) {
      return Vocabulary.mostFrequent(
          units.value(),
          split.training().stream().flatMap(pair -> units.value().split(text.apply(pair)).stream()),
          vocabulary.size());
    }

    @Override
    public BatchSource training(Translator model) {
      return records.training(batches(model), split.training(), run().seed());
    }

    @Override
    public @Nullable BatchSource heldOut(Translator model) {
      return records.heldOut(batches(model), split.heldOut());
    }

    private Batches<Pair> batches(Translator model) {
      return model.batches(records.batch(), vocabulary.maxLength(), vocabulary.maxLength());
    }

    @Override
    public Score score() {
      return new Score("exactMatch", Double.NaN, "");
    }

    @Override
    public String description(Translator model) {
      return String.format(
          Locale.ROOT,
          "%s, %s to read, %s to write",
          NetworkOptions.describe(network.config(run().seed())),
          VocabularyOptions.describe(model.source()),
          VocabularyOptions.describe(model.target()));
    }

    @Override
    public String data() {
      return String.format(
          Locale.ROOT,
          "pairs     %,d to learn from, %,d held out%s",
          split.training().size(),
          split.heldOut().size(),
          split.leftOut(limit()));
    }
  }
}
