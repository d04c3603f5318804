package io.github.cudnn4j.train;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.data.Batch;
import io.github.cudnn4j.data.Batches;
import io.github.cudnn4j.data.Records;
import io.github.cudnn4j.data.TextWindows;
import io.github.cudnn4j.optim.Clip;
import io.github.cudnn4j.optim.Optimizer;
import io.github.cudnn4j.rnn.RnnConfig;
import io.github.cudnn4j.tape.EmbeddingLayer;
import io.github.cudnn4j.tape.LinearLayer;
import io.github.cudnn4j.tape.Loss;
import io.github.cudnn4j.tape.ParameterHash;
import io.github.cudnn4j.tape.Parameters;
import io.github.cudnn4j.tape.RnnLayer;
import io.github.cudnn4j.tape.Tape;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** A training as one of several processes, or alone, for {@link RankTrainingTest}. */
final class RankTraining {

  /** The steps of a whole training, and those after which a rank is to end. */
  static final int STEPS = 30;

  static final int LAST_STEP = 17;

  /** Does not divide the batches of an epoch. */
  static final int MICRO_BATCHES = 4;

  private static final int SAVED_EVERY = 5;

  private RankTraining() {}

  private record Row(int[] words, int label) {}

  private static List<Row> rows(int seed, int count) {
    var random = new SplittableRandom(seed);
    return IntStream.range(0, count)
        .mapToObj(
            _ -> {
              int[] words = random.ints(1 + random.nextInt(9), 0, 7).toArray();
              return new Row(words, words[0] % 2);
            })
        .toList();
  }

  private static Records<Row> source(int seed, int count) {
    return Batches.<Row>of(8)
        .tokens("words", 9, Row::words)
        .label("label", Row::label)
        .shapes(2)
        .over(rows(seed, count))
        .shuffled(5)
        .bucketed(2);
  }

  /** A classifier that drops in every way there is. */
  private static final class Classifier implements Objective, AutoCloseable {
    final Parameters parameters;
    private final EmbeddingLayer embedding;
    private final RnnLayer rnn;
    private final LinearLayer linear;

    Classifier(Device device, long seed) {
      parameters = Parameters.on(device, Precision.FP32);
      embedding = parameters.embedding("embedding", 7, 6);
      rnn = parameters.rnn("rnn", RnnConfig.lstm(6, 8).layers(2).bidirectional().dropout(0.2, 5));
      linear = parameters.linear("linear", rnn.outputSize(), 2);
      parameters.initialize(seed);
    }

    @Override
    public Loss record(Tape tape, Batch in) {
      var x = tape.dropout(embedding.on(tape, in.tokens("words")), 0.1, 7);
      var last = rnn.on(tape, x, in.lengths("words")).last();
      return tape.crossEntropy(linear.on(tape, last), in.labels("label"));
    }

    @Override
    public void close() {
      parameters.close();
    }
  }

  /** A language model whose state goes on from window to window. */
  private static final class Carrying implements Objective, AutoCloseable {
    final Parameters parameters;
    private final RnnLayer rnn;
    private final LinearLayer linear;

    Carrying(Device device) {
      parameters = Parameters.on(device, Precision.FP32);
      rnn = parameters.rnn("rnn", RnnConfig.gru(5, 6));
      linear = parameters.linear("linear", 6, 5);
      parameters.initialize(4);
    }

    @Override
    public Loss record(Tape tape, Batch in) {
      var x = tape.oneHot(in.tokens(TextWindows.TOKENS), 5);
      return tape.crossEntropy(
          linear.on(tape, rnn.carried(tape, x)), in.labels(TextWindows.LABELS));
    }

    @Override
    public void close() {
      parameters.close();
    }
  }

  /** Trains with four fixed shards; returns the hash of the weights. */
  static String train(
      Device device, @Nullable RankGroup group, @Nullable Path folder, TrainingListener listener)
      throws IOException {
    return train(device, group, folder, listener, 1);
  }

  /** As {@link #train}, with micro-batches, of which the last step of an epoch has fewer. */
  static String train(
      Device device,
      @Nullable RankGroup group,
      @Nullable Path folder,
      TrainingListener listener,
      int microBatches)
      throws IOException {
    var config =
        TrainerConfig.of(Optimizer.adam(0.02))
            .clip(Clip.byNorm(0.5))
            .shards(4)
            .microBatches(microBatches)
            .epochs(100)
            .steps(STEPS)
            .logEvery(3)
            .validateEvery(10)
            .checkpointEvery(folder == null ? 0 : SAVED_EVERY);
    // Rank 0's weights are those that count.
    try (var model = new Classifier(device, group == null ? 3 : 3 + group.rank());
        var trainer = trainer(model.parameters, model, source(1, 42), config, group)) {
      trainer.validation(source(2, 11), Metric.accuracy(), Metric.loss()).listener(listener);
      if (folder != null) {
        var checkpoints = Checkpoints.in(folder, 2);
        var from = checkpoints.latest();
        if (from.isPresent()) {
          trainer.resume(from.get());
        }
        trainer.checkpoints(checkpoints);
      }
      var summary = trainer.run();
      System.out.println("accuracy " + summary.metrics().get("accuracy"));
      return ParameterHash.sha256(model.parameters);
    }
  }

  private static Trainer trainer(
      Parameters parameters,
      Objective objective,
      io.github.cudnn4j.data.BatchSource source,
      TrainerConfig config,
      @Nullable RankGroup group) {
    return group == null
        ? Trainer.of(parameters, objective, source, config)
        : Trainer.of(parameters, objective, source, config, group);
  }

  /** Trains on a text with as many shards as ranks; returns the loss and the weights. */
  static double[] model(Device device, @Nullable RankGroup group, int seed) throws IOException {
    int[] text = new SplittableRandom(seed).ints(500, 0, 5).toArray();
    for (int i = 1; i < text.length; i += 2) {
      text[i] = (text[i - 1] + 1) % 5;
    }
    var config = TrainerConfig.of(Optimizer.sgd(0.5)).epochs(2).logEvery(5);
    try (var model = new Carrying(device);
        var trainer =
            trainer(
                model.parameters, model, TextWindows.training(text, 4, 6, false), config, group)) {
      var summary = trainer.run();
      double[] weights = model.parameters.read("linear.weight");
      var all = new double[weights.length + 1];
      all[0] = summary.loss();
      System.arraycopy(weights, 0, all, 1, weights.length);
      return all;
    }
  }

  /** Runs one rank: {@code train}, {@code micro}, {@code die} or {@code text}, and a folder. */
  public static void main(String[] arguments) throws IOException {
    var ranks = Ranks.ofEnvironment();
    try (var device = Device.open();
        var group = RankGroup.join(device, ranks)) {
      try {
        switch (arguments[0]) {
          case "train" ->
              System.out.println(
                  train(device, group, folder(arguments), new Slow(group.rank() == 1)));
          case "micro" ->
              System.out.println(train(device, group, null, new Slow(false), MICRO_BATCHES));
          case "die" ->
              System.out.println(
                  train(device, group, folder(arguments), new Dying(group.rank() == 1)));
          case "text" -> {
            for (double number : model(device, group, 1)) {
              System.out.println(number);
            }
            model(device, group, group.rank());
          }
          default -> throw new IllegalArgumentException(arguments[0]);
        }
      } catch (IOException e) {
        System.out.println(e.getClass().getSimpleName() + ": " + e.getMessage());
      }
    }
  }

  private static @Nullable Path folder(String... arguments) {
    return arguments.length > 1 ? Path.of(arguments[1]) : null;
  }

  /** A rank that lets the others wait. */
  private record Slow(boolean slow) implements TrainingListener {
    @Override
    public void logged(Progress progress) throws IOException {
      if (slow && progress.step() % 9 == 0) {
        try {
          Thread.sleep(200);
        } catch (InterruptedException e) {
          throw new IOException(e);
        }
      }
    }
  }

  /** A rank that ends as if it were killed. */
  private record Dying(boolean dying) implements TrainingListener {
    @Override
    public void logged(Progress progress) {
      if (dying && progress.step() >= LAST_STEP) {
        Runtime.getRuntime().halt(9);
      }
    }
  }
}
