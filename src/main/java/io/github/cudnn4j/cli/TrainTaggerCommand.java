package io.github.cudnn4j.cli;

import io.github.cudnn4j.cli.RecordOptions.Split;
import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.data.BatchSource;
import io.github.cudnn4j.data.Batches;
import io.github.cudnn4j.model.SequenceTagger;
import io.github.cudnn4j.model.SequenceTagger.Sentence;
import io.github.cudnn4j.model.Vocabulary;
import io.github.cudnn4j.model.Vocabulary.Units;
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

/** Trains a tagger of words. */
@Command(
    name = "tagger",
    description = {
      "Train a tagger of words on lines of a word, a TAB and its tag, with a blank line between"
          + " sentences.",
      "The last line on standard output is one JSON object with the result."
    },
    mixinStandardHelpOptions = true,
    sortOptions = false)
final class TrainTaggerCommand extends TrainingCommand<SequenceTagger> {

  @Mixin private RecordOptions records = new RecordOptions();
  @Mixin private VocabularyOptions vocabulary = new VocabularyOptions();
  @Mixin private EncodingOption encoding = new EncodingOption();
  @Mixin private NetworkOptions network = new NetworkOptions();

  @Option(
      names = "--softmax",
      description = "Tag each word by itself, without a conditional random field.")
  private boolean softmax;

  @Override
  String kind() {
    return "tagger";
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
  TrainingTask<SequenceTagger> task(@Nullable Checkpoint from) throws IOException {
    Set<String> tags =
        from == null
            ? new TreeSet<>()
            : new LinkedHashSet<>(SequenceTagger.tags(from.modelConfiguration()));
    Split<Sentence> split =
        records.read(
            (option, file) -> {
              List<Sentence> read = TaggerFile.read(option, file, encoding, tags);
              if (tags.isEmpty()) {
                read.forEach(sentence -> tags.addAll(sentence.tags()));
              }
              return read;
            },
            run());
    if (tags.size() < 2) {
      throw new IOException(
          "all words have the tag " + Terminal.named(tags) + "; a tagger needs two tags");
    }
    RecordOptions.refuseExchanged(
        tags,
        "tags",
        split.training().stream().flatMap(sentence -> sentence.words().stream()),
        "words",
        TaggerFile.EXPECTED);
    return new Task(split, List.copyOf(tags), from);
  }

  private final class Task implements TrainingTask<SequenceTagger> {
    private final Split<Sentence> split;
    private final List<String> tags;
    private final @Nullable Checkpoint from;

    Task(Split<Sentence> split, List<String> tags, @Nullable Checkpoint from) {
      this.split = split;
      this.tags = tags;
      this.from = from;
    }

    @Override
    public SequenceTagger model(Device device) {
      if (from != null) {
        return SequenceTagger.of(device, from.modelConfiguration());
      }
      Stream<String> words = split.training().stream().flatMap(s -> s.words().stream());
      return SequenceTagger.create(
          device,
          Vocabulary.mostFrequent(Units.WORDS, words, vocabulary.size()),
          tags,
          network.config(run().seed()),
          !softmax,
          run().seed());
    }

    @Override
    public BatchSource training(SequenceTagger model) {
      return records.training(batches(model), split.training(), run().seed());
    }

    @Override
    public @Nullable BatchSource heldOut(SequenceTagger model) {
      return records.heldOut(batches(model), split.heldOut());
    }

    private Batches<Sentence> batches(SequenceTagger model) {
      return model.batches(records.batch(), vocabulary.maxLength());
    }

    /** Nobody finds spans by guessing. */
    @Override
    public Score score() {
      return SequenceTagger.areSpans(tags)
          ? new Score("f1", Double.NaN, "nobody")
          : Score.accuracy(tagsOf(split.training()), tagsOf(split.heldOut()));
    }

    private static List<String> tagsOf(List<Sentence> sentences) {
      return sentences.stream().flatMap(sentence -> sentence.tags().stream()).toList();
    }

    @Override
    public String description(SequenceTagger model) {
      return NetworkOptions.describe(network.config(run().seed()))
          + (softmax ? ", each word by itself, " : ", conditional random field, ")
          + VocabularyOptions.describe(model.vocabulary());
    }

    @Override
    public String data() {
      return String.format(
          Locale.ROOT,
          "sentences %,d to learn from, %,d held out, %d tags%s",
          split.training().size(),
          split.heldOut().size(),
          tags.size(),
          2 * tags.size() > split.training().stream().mapToInt(s -> s.tags().size()).sum()
              ? "\ncaution   few words for each tag; it is what is behind the TAB"
              : "");
    }
  }
}
