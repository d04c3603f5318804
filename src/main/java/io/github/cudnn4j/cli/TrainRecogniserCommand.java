package io.github.cudnn4j.cli;

import io.github.cudnn4j.cli.RecordOptions.Split;
import io.github.cudnn4j.cli.Recordings.Spoken;
import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cudnn.CtcLoss;
import io.github.cudnn4j.data.BatchSource;
import io.github.cudnn4j.data.Batches;
import io.github.cudnn4j.model.LogMel;
import io.github.cudnn4j.model.Recogniser;
import io.github.cudnn4j.model.Recogniser.Recording;
import io.github.cudnn4j.model.Vocabulary;
import io.github.cudnn4j.train.Checkpoint;
import java.io.IOException;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Trains a recogniser of speech. */
@Command(
    name = "recogniser",
    description = {
      "Train a recogniser of speech on lines of a WAV file, a TAB and its transcript; paths begin"
          + " at the folder of the lines.",
      "The last line on standard output is one JSON object with the result."
    },
    mixinStandardHelpOptions = true,
    sortOptions = false)
final class TrainRecogniserCommand extends TrainingCommand<Recogniser> {

  @Mixin private RecordOptions records = new RecordOptions();
  @Mixin private EncodingOption encoding = new EncodingOption();
  @Mixin private NetworkOptions network = new NetworkOptions();

  @Option(
      names = "--bands",
      converter = Limits.PositiveCount.class,
      defaultValue = "40",
      paramLabel = "F",
      description =
          "Bands of the mel scale whose energies the model reads, every 10 ms. Default:"
              + " ${DEFAULT-VALUE}")
  private int bands;

  @Option(
      names = "--max-seconds",
      converter = Limits.Positive.class,
      defaultValue = "20",
      paramLabel = "S",
      description = "Leave out recordings that are longer. Default: ${DEFAULT-VALUE}")
  private double maxSeconds;

  @Override
  String kind() {
    return "recogniser";
  }

  @Override
  void check() {
    if (network.hasEmbeddingSize()) {
      throw usage("--embedding: a recogniser reads --bands, not symbols");
    }
    network.config(bands, run().seed());
  }

  @Override
  boolean hasValidationFile() {
    return records.hasValidationFile();
  }

  @Override
  TrainingTask<Recogniser> task(@Nullable Checkpoint from) throws IOException {
    Vocabulary known = from == null ? null : Vocabulary.ofMap(from.modelConfiguration());
    Split<Spoken> split =
        records.read((option, file) -> Recordings.read(option, file, encoding, known), run());
    LogMel sound =
        from == null
            ? Recordings.features(split.training(), bands)
            : Recordings.features(from.modelConfiguration());
    int frames = (int) Math.min(Integer.MAX_VALUE, maxSeconds * sound.vectorsPerSecond());
    Split<Recording> recordings =
        new Split<>(
                Recordings.of(split.training(), sound), Recordings.of(split.heldOut(), sound), 0)
            .fitting(recording -> Recordings.fits(recording, frames), limit());
    Vocabulary vocabulary = known == null ? Recordings.vocabulary(split.all()) : known;
    return new Task(recordings, vocabulary, sound, from);
  }

  private String limit() {
    return String.format(
        Locale.ROOT,
        "without sound, longer than --max-seconds %s or of more than %d characters",
        maxSeconds,
        CtcLoss.MAX_LABELS);
  }

  private final class Task implements TrainingTask<Recogniser> {
    private final Split<Recording> split;
    private final Vocabulary vocabulary;
    private final LogMel sound;
    private final @Nullable Checkpoint from;

    Task(Split<Recording> split, Vocabulary vocabulary, LogMel sound, @Nullable Checkpoint from) {
      this.split = split;
      this.vocabulary = vocabulary;
      this.sound = sound;
      this.from = from;
    }

    @Override
    public Recogniser model(Device device) {
      return from != null
          ? Recogniser.of(device, from.modelConfiguration())
          : Recogniser.create(
              device, vocabulary, sound, network.config(bands, run().seed()), run().seed());
    }

    @Override
    public BatchSource training(Recogniser model) {
      return records.training(batches(model, split.training()), split.training(), run().seed());
    }

    @Override
    public @Nullable BatchSource heldOut(Recogniser model) {
      return records.heldOut(batches(model, split.heldOut()), split.heldOut());
    }

    /** Of either part by itself: to go on must not depend on what is held out. */
    private Batches<Recording> batches(Recogniser model, List<Recording> part) {
      return Recordings.batches(model, records.batch(), part);
    }

    @Override
    public Score score() {
      return new Score("characterErrorRate", Double.NaN, "");
    }

    @Override
    public String description(Recogniser model) {
      return String.format(
          Locale.ROOT,
          "%s, %d bands every %d ms, %s",
          NetworkOptions.describe(network.config(bands, run().seed())),
          sound.bands(),
          1000 / sound.vectorsPerSecond(),
          VocabularyOptions.describe(vocabulary));
    }

    @Override
    public String data() {
      long vectors = split.all().stream().mapToLong(recording -> recording.frames().length).sum();
      return String.format(
          Locale.ROOT,
          "sound     %,d recordings to learn from, %,d held out, %,.0f s at %,d Hz%s",
          split.training().size(),
          split.heldOut().size(),
          (double) vectors / sound.vectorsPerSecond(),
          sound.sampleRate(),
          split.leftOut(limit()));
    }
  }
}
