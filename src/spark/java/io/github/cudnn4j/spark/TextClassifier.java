package io.github.cudnn4j.spark;

import static org.apache.spark.sql.functions.col;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.library.DeviceChoice;
import io.github.cudnn4j.model.SequenceClassifier;
import io.github.cudnn4j.model.SequenceClassifier.Example;
import io.github.cudnn4j.model.SequenceClassifier.Pooling;
import io.github.cudnn4j.model.Vocabulary;
import io.github.cudnn4j.model.Vocabulary.Units;
import io.github.cudnn4j.optim.Clip;
import io.github.cudnn4j.optim.Optimizer;
import io.github.cudnn4j.rnn.RnnConfig;
import io.github.cudnn4j.train.Checkpoint;
import io.github.cudnn4j.train.Checkpoints;
import io.github.cudnn4j.train.RankGroup;
import io.github.cudnn4j.train.Trainer;
import io.github.cudnn4j.train.TrainerConfig;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.ml.Estimator;
import org.apache.spark.ml.param.Param;
import org.apache.spark.ml.param.ParamMap;
import org.apache.spark.ml.util.Identifiable;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.StructType;

/**
 * Learns which of some labels a text has: a bidirectional LSTM over embedded words or characters,
 * see {@link SequenceClassifier}, trained with AdamW by all ranks together.
 *
 * <p>The rows are collected and sent to each executor, whose memory must hold them: each rank reads
 * its part of every batch. If a rank is lost, all end and {@link #fit} fails; with {@link
 * #setCheckpoints} the same call again goes on where the last checkpoint was written.
 */
public final class TextClassifier extends Estimator<TextClassifierModel> {
  private static final long serialVersionUID = 1;

  /** Rows of about one length in a batch: taken from so many batches. */
  private static final int BUCKETED = 50;

  /** Parts of a batch whose gradients are added in an order of their own. */
  private static final int SHARDS = 4;

  private final String uid;
  private final Param<String> inputCol = param("inputCol", "the column of texts", "text");
  private final Param<String> labelCol = param("labelCol", "the column of labels", "label");
  private final Param<Integer> ranks = param("ranks", "how many tasks train together", 1);
  private final Param<String> device = param("device", "auto, cuda or host", "auto");
  private final Param<String> units = param("units", "words, characters or bytes", "words");
  private final Param<Integer> vocabulary = param("vocabulary", "the most symbols known", 10_000);
  private final Param<Integer> maxLength = param("maxLength", "the most symbols read", 200);
  private final Param<Integer> hidden = param("hidden", "the units of each direction", 128);
  private final Param<Integer> layers = param("layers", "the recurrent layers", 1);
  private final Param<Double> dropout = param("dropout", "the part of outputs dropped", 0.0);
  private final Param<Integer> batch = param("batch", "the texts of a step, of all ranks", 32);
  private final Param<Integer> epochs = param("epochs", "how often texts are read", 5);
  private final Param<Double> learningRate = param("learningRate", "the rate of AdamW", 1e-3);
  private final Param<Double> clipNorm = param("clipNorm", "the longest gradient", 1.0);
  private final Param<Boolean> deterministic =
      param("deterministic", "whether 1, 2 and 4 ranks come to the same bits", false);
  private final Param<Long> seed = param("seed", "of weights, order and dropout", 42L);
  private final Param<String> checkpoints =
      param("checkpoints", "a folder that all executors share; empty for none", "");

  /** Makes one with a name of its own. */
  public TextClassifier() {
    this(Identifiable.randomUID("textClassifier"));
  }

  /** Makes one of this name. */
  public TextClassifier(String uid) {
    this.uid = uid; // Parameters name it, before this constructor's body.
    super();
  }

  private <T> Param<T> param(String name, String doc, T value) {
    Param<T> param = new Param<>(uid, name, doc);
    setDefault(param, value);
    return param;
  }

  @Override
  public Param<?>[] params() {
    return new Param<?>[] {
      batch,
      checkpoints,
      clipNorm,
      deterministic,
      device,
      dropout,
      epochs,
      hidden,
      inputCol,
      labelCol,
      layers,
      learningRate,
      maxLength,
      ranks,
      seed,
      units,
      vocabulary
    };
  }

  private <T> TextClassifier with(Param<T> param, T value) {
    set(param, value);
    return this;
  }

  private <T> T value(Param<T> param) {
    return getOrDefault(param);
  }

  /** Sets the column of texts, by default {@code text}. */
  public TextClassifier setInputCol(String value) {
    return with(inputCol, value);
  }

  /** Sets the column of labels, by default {@code label}; numbers are read as their digits. */
  public TextClassifier setLabelCol(String value) {
    return with(labelCol, value);
  }

  /** Sets how many tasks train together, by default 1; they must divide the batch. */
  public TextClassifier setRanks(int value) {
    return with(ranks, value);
  }

  /** Sets what to train on, by default {@link DeviceChoice#AUTO}. */
  public TextClassifier setDevice(DeviceChoice value) {
    return with(device, value.toString());
  }

  /** Sets what a text consists of, by default words. */
  public TextClassifier setUnits(Units value) {
    return with(units, value.name().toLowerCase(Locale.ROOT));
  }

  /** Sets how many symbols the model knows, by default the 10,000 most frequent. */
  public TextClassifier setVocabulary(int value) {
    return with(vocabulary, value);
  }

  /** Sets how many symbols of a text are read, by default the first 200. */
  public TextClassifier setMaxLength(int value) {
    return with(maxLength, value);
  }

  /** Sets the units of each direction and the width of an embedded symbol, by default 128. */
  public TextClassifier setHidden(int value) {
    return with(hidden, value);
  }

  /** Sets the recurrent layers, by default 1. */
  public TextClassifier setLayers(int value) {
    return with(layers, value);
  }

  /** Sets the part of outputs that is dropped, by default none. */
  public TextClassifier setDropout(double value) {
    return with(dropout, value);
  }

  /** Sets the texts of a step, of all ranks together, by default 32. */
  public TextClassifier setBatch(int value) {
    return with(batch, value);
  }

  /** Sets how often the texts are read, by default 5 times. */
  public TextClassifier setEpochs(int value) {
    return with(epochs, value);
  }

  /** Sets the learning rate of AdamW, by default 0.001. */
  public TextClassifier setLearningRate(double value) {
    return with(learningRate, value);
  }

  /** Sets the norm to which longer gradients are clipped, by default 1. */
  public TextClassifier setClipNorm(double value) {
    return with(clipNorm, value);
  }

  /**
   * Sets whether 1, 2 and 4 ranks come to the same bits, in smaller steps, from rows that come in
   * the same order; by default not.
   */
  public TextClassifier setDeterministic(boolean value) {
    return with(deterministic, value);
  }

  /** Sets the seed of weights, order and dropout, by default 42. */
  public TextClassifier setSeed(long value) {
    return with(seed, value);
  }

  /** Sets a folder for checkpoints that all executors share, by default none. */
  public TextClassifier setCheckpoints(String value) {
    return with(checkpoints, value);
  }

  /**
   * Trains on the executors.
   *
   * @throws IllegalArgumentException if a text or label is null, all labels are the same, or a
   *     parameter is out of its range
   */
  @Override
  public TextClassifierModel fit(Dataset<?> dataset) {
    transformSchema(dataset.schema());
    List<Row> rows =
        dataset
            .select(col(value(inputCol)).cast("string"), col(value(labelCol)).cast("string"))
            .collectAsList();
    String[] texts = column(rows, 0, inputCol);
    String[] labels = column(rows, 1, labelCol);
    SparkSession spark = SparkSession.active();
    Broadcast<String[][]> data =
        JavaSparkContext.fromSparkContext(spark.sparkContext())
            .broadcast(new String[][] {texts, labels});
    DeviceChoice choice = DeviceChoice.parse(value(device));
    try {
      List<byte[]> weights =
          SparkRanks.run(
              spark, value(ranks), choice, (opened, group) -> train(opened, group, data));
      return new TextClassifierModel(weights.getFirst(), value(inputCol), choice).setParent(this);
    } finally {
      data.unpersist();
    }
  }

  private String[] column(List<Row> rows, int index, Param<String> column) {
    for (int row = 0; row < rows.size(); row++) {
      if (rows.get(row).isNullAt(index)) {
        throw new IllegalArgumentException(
            "column " + value(column) + " is null in row " + row + " of " + rows.size());
      }
    }
    return rows.stream().map(row -> row.getString(index)).toArray(String[]::new);
  }

  private byte[] train(Device opened, RankGroup group, Broadcast<String[][]> data)
      throws IOException {
    String[] texts = data.value()[0];
    String[] labels = data.value()[1];
    List<Example> examples =
        IntStream.range(0, texts.length).mapToObj(i -> new Example(labels[i], texts[i])).toList();
    Units unit = Units.valueOf(value(units).toUpperCase(Locale.ROOT));
    Stream<String> symbols = Stream.of(texts).flatMap(text -> unit.split(text).stream());
    RnnConfig network =
        RnnConfig.lstm(value(hidden), value(hidden))
            .bidirectional()
            .layers(value(layers))
            .dropout(value(dropout), value(seed));
    try (SequenceClassifier model =
        SequenceClassifier.create(
            opened,
            Vocabulary.mostFrequent(unit, symbols, value(vocabulary)),
            Stream.of(labels).distinct().sorted().toList(),
            network,
            Pooling.LAST,
            value(seed))) {
      var source =
          model.batches(value(batch), value(maxLength)).over(examples).shuffled(value(seed));
      try (Trainer trainer =
          Trainer.of(model.parameters(), model, source.bucketed(BUCKETED), config(), group)) {
        if (!value(checkpoints).isEmpty()) {
          Checkpoints folder = Checkpoints.in(Path.of(value(checkpoints)), 1);
          Optional<Checkpoint> latest = folder.latest();
          trainer.checkpoints(folder);
          if (latest.isPresent()) {
            trainer.resume(latest.get());
          }
        }
        trainer.run();
      }
      return group.isFirst() ? TextClassifierModel.weights(model) : new byte[0];
    }
  }

  private TrainerConfig config() {
    return TrainerConfig.of(Optimizer.adamW(value(learningRate)))
        .clip(Clip.byNorm(value(clipNorm)))
        .epochs(value(epochs))
        .shards(value(deterministic) ? SHARDS : 0)
        .seed(value(seed));
  }

  @Override
  public StructType transformSchema(StructType schema) {
    schema.fieldIndex(value(labelCol));
    return TextClassifierModel.withPrediction(schema, value(inputCol));
  }

  @Override
  public TextClassifier copy(ParamMap extra) {
    return defaultCopy(extra);
  }

  @Override
  public String uid() {
    return uid;
  }
}
