package io.github.cudnn4j.train;

import io.github.cudnn4j.bench.Fill;
import io.github.cudnn4j.bench.Peer;
import io.github.cudnn4j.bench.Workload;
import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.Parts;
import io.github.cudnn4j.data.SavableRandom;
import io.github.cudnn4j.data.TextWindows;
import io.github.cudnn4j.model.LanguageModel;
import io.github.cudnn4j.model.LanguageModelConfig;
import io.github.cudnn4j.model.Vocabulary;
import io.github.cudnn4j.optim.Clip;
import io.github.cudnn4j.optim.Optimizer;
import io.github.cudnn4j.rnn.RnnConfig;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * Training steps of a character model, one at a time: what {@link Trainer} runs between two of its
 * log points. Characters go in one-hot, so their number is I.
 */
public final class StepWork implements Peer.Job {
  /** As many characters as d2l trains on. */
  private static final int CHARACTERS = 10_000;

  private final Parts parts = new Parts();
  private final LanguageModel model;
  private final TextWindows batches;
  private final Step step;
  private final double learningRate;
  private final SavableRandom random = new SavableRandom(0);

  /**
   * Makes the model and its training.
   *
   * @param optimizer its learning rate is that of every step
   */
  public StepWork(Device device, Workload workload, Optimizer optimizer) {
    int[] text = Fill.ints(Fill.TOKENS, CHARACTERS, workload.config().inputSize());
    batches = TextWindows.training(text, workload.batch(), workload.time(), false);
    var training = TrainerConfig.of(optimizer).clip(Clip.byNorm(1));
    learningRate = optimizer.learningRate();
    try {
      model = parts.add(model(device, workload));
      step = parts.add(Step.create(model.parameters(), model, batches, training));
    } catch (RuntimeException | Error e) {
      throw parts.abandon(e);
    }
  }

  /**
   * Makes a character model with the weights that a peer's has.
   *
   * @throws UnsupportedOperationException if no character model is like that
   */
  public static LanguageModel model(Device device, Workload workload) {
    var config = workload.config();
    var plain =
        RnnConfig.of(config.mode(), config.inputSize(), config.hiddenSize())
            .layers(config.layers());
    plain =
        config.algorithm() == null ? plain.autoAlgorithm() : plain.algorithm(config.algorithm());
    if (!config.equals(plain) || !workload.shape().hasEqualLengths()) {
      throw new UnsupportedOperationException("no character model is like " + workload);
    }
    int classes = config.inputSize();
    var vocabulary =
        Vocabulary.of(
            Vocabulary.Units.CHARACTERS,
            IntStream.range(1, classes).mapToObj(i -> Character.toString('a' + i)).toList());
    var characterModel = LanguageModelConfig.of(config).oneHot(true);
    var model = LanguageModel.create(device, vocabulary, characterModel);
    Fill.set(model.parameters(), config.hiddenSize());
    return model;
  }

  /** Hands one step to the device. */
  public void step() {
    try {
      if (!step.hasNext()) {
        step.begin(random, 0);
      }
      step.run(learningRate);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Does so many steps, then reads the loss. */
  @Override
  public void run(int times) {
    meanLoss(times);
  }

  /** The loss of the first step, and the mean of those after it. */
  @Override
  public Map<String, Double> check() {
    return Map.of("first", meanLoss(1), "next", meanLoss(10));
  }

  private double meanLoss(int times) {
    for (int i = 0; i < times; i++) {
      step();
    }
    return step.read().loss();
  }

  /** Frees everything but the device. */
  @Override
  public void close() {
    parts.close();
  }
}
