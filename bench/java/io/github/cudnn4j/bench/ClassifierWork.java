package io.github.cudnn4j.bench;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.Parts;
import io.github.cudnn4j.data.Batches;
import io.github.cudnn4j.data.Records;
import io.github.cudnn4j.optim.Clip;
import io.github.cudnn4j.optim.Optimizer;
import io.github.cudnn4j.tape.EmbeddingLayer;
import io.github.cudnn4j.tape.LinearLayer;
import io.github.cudnn4j.tape.Parameters;
import io.github.cudnn4j.tape.RnnLayer;
import io.github.cudnn4j.train.Step;
import io.github.cudnn4j.train.TrainerConfig;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/**
 * Training steps of a classifier of texts: an embedding of width I, the network, a linear layer of
 * the last states; rows of 5 to T tokens, bucketed by length. Once is a pass over 4 batches, so
 * that both sides of a comparison do the same ones.
 */
public final class ClassifierWork implements Peer.Job {
  private static final int WORDS = 20_000;
  private static final int CLASSES = 2;
  private static final int SHORTEST = 5;
  private static final double LEARNING_RATE = 0.001;

  private record Text(int[] words, int label) {}

  private final Parts parts = new Parts();
  private final Passes passes;

  /**
   * Makes the classifier and its training.
   *
   * @throws UnsupportedOperationException unless the workload's rows are of any lengths
   */
  public ClassifierWork(Device device, Workload workload) {
    var config = workload.config();
    Passes.requireAnyOrder(workload);
    try {
      var parameters = parts.add(Parameters.on(device, config.precision()));
      EmbeddingLayer embedding = parameters.embedding("embedding", WORDS, config.inputSize());
      RnnLayer rnn = parameters.rnn("rnn", config);
      LinearLayer linear = parameters.linear("linear", rnn.outputSize(), CLASSES);
      parameters.initialize(1);
      Fill.set(parameters, config.hiddenSize());
      Step step =
          parts.add(
              Step.create(
                  parameters,
                  (tape, in) ->
                      tape.crossEntropy(
                          linear.on(
                              tape,
                              rnn.on(
                                      tape,
                                      embedding.on(tape, in.tokens("words")),
                                      in.lengths("words"))
                                  .last()),
                          in.labels("label")),
                  batches(workload),
                  TrainerConfig.of(Optimizer.adam(LEARNING_RATE)).clip(Clip.byNorm(1))));
      passes = new Passes(step, LEARNING_RATE);
    } catch (RuntimeException | Error e) {
      throw parts.abandon(e);
    }
  }

  private static Records<Text> batches(Workload workload) {
    int rows = Passes.BATCHES * workload.batch();
    int shortest = Math.min(SHORTEST, workload.time());
    int[] more = Fill.ints(Fill.LENGTHS, rows, workload.time() - shortest + 1);
    int[] labels = Fill.ints(Fill.LABELS, rows, CLASSES);
    int[] words = Fill.ints(Fill.TOKENS, rows * shortest + Arrays.stream(more).sum(), WORDS);
    List<Text> texts = new ArrayList<>();
    int begin = 0;
    for (int row = 0; row < rows; row++) {
      int end = begin + shortest + more[row];
      texts.add(new Text(Arrays.copyOfRange(words, begin, end), labels[row]));
      begin = end;
    }
    return Batches.<Text>of(workload.batch())
        .tokens("words", workload.time(), Text::words)
        .label("label", Text::label)
        .over(texts)
        .bucketed(Passes.BATCHES);
  }

  /** Does so many passes, then reads the loss. */
  @Override
  public void run(int times) {
    passes.steps(times * Passes.BATCHES);
  }

  /** The loss of the first step, the mean of the rest of the first pass, and that one's tokens. */
  @Override
  public Map<String, Double> check() {
    double first = passes.steps(1).loss();
    double next = passes.steps(Passes.BATCHES - 1).loss();
    return Map.of("first", first, "next", next, "tokens", (double) passes.tokens());
  }

  /** Frees everything but the device. */
  @Override
  public void close() {
    parts.close();
  }
}
