package io.github.cudnn4j.cli;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.data.BatchSource;
import io.github.cudnn4j.data.TextWindows;
import io.github.cudnn4j.data.Tokens;
import io.github.cudnn4j.model.Corpus;
import io.github.cudnn4j.model.LanguageModel;
import io.github.cudnn4j.model.LanguageModelConfig;
import io.github.cudnn4j.model.Text;
import io.github.cudnn4j.model.TextGenerator;
import io.github.cudnn4j.model.Vocabulary;
import io.github.cudnn4j.model.Vocabulary.Units;
import io.github.cudnn4j.train.Checkpoint;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/**
 * Trains a language model on a text: the command {@code train} without another command, and {@code
 * train lm}.
 */
abstract class LanguageModelTraining extends TrainingCommand<LanguageModel> {

  @Mixin private TextOptions text = new TextOptions();
  @Mixin private EncodingOption encoding = new EncodingOption();
  @Mixin private NetworkOptions network = new NetworkOptions();
  @Mixin private LanguageModelOptions shape = new LanguageModelOptions();
  @Mixin private WindowOptions window = new WindowOptions();

  @Option(
      names = "--validation",
      paramLabel = "FILE",
      description = "Text to validate on, instead of the end of the other.")
  private @Nullable Path validation;

  @Option(
      names = "--tokens",
      converter = Limits.LongCount.class,
      defaultValue = "0",
      paramLabel = "N",
      description = "Train on the first N characters, bytes or words only. Default: all")
  private long tokens;

  @Override
  final String kind() {
    return "language-model";
  }

  @Override
  final boolean hasValidationFile() {
    return validation != null;
  }

  @Override
  final void check() {
    text.require();
    shape.config(network, 1, run().seed()); // refuses what cannot be before anything is opened
    window.check();
  }

  @Override
  final TrainingTask<LanguageModel> task(@Nullable Checkpoint from) throws IOException {
    Corpus corpus = validated(corpus(from));
    window.requireIn(corpus.training().length(), shape.units());
    int classes = corpus.vocabulary().size();
    return new Task(corpus, shape.config(network, classes, run().seed()), from);
  }

  /** With the text to validate on, if that is another. */
  private Corpus validated(Corpus corpus) throws IOException {
    if (validation == null) {
      return corpus;
    }
    Text other = text.open("--validation", validation, encoding, shape.units());
    try {
      Tokens heldOut = Corpus.of(other, corpus.vocabulary(), 0, 0).training();
      return new Corpus(corpus.vocabulary(), corpus.training(), heldOut);
    } catch (IllegalArgumentException e) {
      throw usage("--validation: " + e.getMessage());
    }
  }

  /** The text by the characters of a checkpoint's model, or by its own. */
  private Corpus corpus(@Nullable Checkpoint from) throws IOException {
    Text content = text.open(encoding, shape.units());
    double heldOut = validation == null ? run().heldOut() : 0;
    if (from == null) {
      return Corpus.of(content, shape.units(), shape.vocabulary(), tokens, heldOut);
    }
    Vocabulary known = Vocabulary.ofMap(from.modelConfiguration());
    Set<String> unknown = new TreeSet<>();
    Corpus corpus = Corpus.of(content, known, tokens, heldOut);
    if (known.units() == Units.WORDS) {
      return corpus;
    }
    long[] left = {corpus.training().length()};
    content.read(
        character -> {
          if (known.id(character) == 0) {
            unknown.add(Character.toString(character));
          }
          return --left[0] > 0;
        });
    if (!unknown.isEmpty()) {
      throw usage(
          "--resume: the model does not know "
              + unknown.size()
              + " of the text's characters: "
              + Terminal.named(unknown));
    }
    return corpus;
  }

  private final class Task implements TrainingTask<LanguageModel> {
    private final Corpus corpus;
    private final LanguageModelConfig config;
    private final @Nullable Checkpoint from;

    Task(Corpus corpus, LanguageModelConfig config, @Nullable Checkpoint from) {
      this.corpus = corpus;
      this.config = config;
      this.from = from;
    }

    @Override
    public BatchSource training(LanguageModel model) {
      return TextWindows.training(corpus.training(), window.batch(), window.time(), false);
    }

    @Override
    public @Nullable BatchSource heldOut(LanguageModel model) {
      return corpus.heldOut().length() > 1
          ? TextWindows.evaluation(corpus.heldOut(), window.batch(), window.time())
          : null;
    }

    @Override
    public LanguageModel model(Device device) {
      return from == null
          ? LanguageModel.create(device, corpus.vocabulary(), config)
          : LanguageModel.of(device, from.modelConfiguration());
    }

    @Override
    public Score score() {
      return Score.perplexity(corpus.vocabulary().size());
    }

    @Override
    public String description(LanguageModel model) {
      return NetworkOptions.describe(config.network())
          + (config.oneHot()
              ? ", one-hot " + units().many()
              : ", " + units().many() + " as vectors of " + config.network().inputSize())
          + (config.tied() ? ", tied" : "");
    }

    @Override
    public String data() {
      return String.format(
          Locale.ROOT,
          "text      %,d %s to learn from, %,d held out, %d different, and one for all others",
          corpus.training().length(),
          units().many(),
          corpus.heldOut().length(),
          corpus.vocabulary().size() - 1);
    }

    private Units units() {
      return corpus.vocabulary().units();
    }

    @Override
    public Samples samples(LanguageModel model) {
      return new TextSamples(TextGenerator.of(model), corpus);
    }
  }
}
