package io.github.cudnn4j.bench;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.Parts;
import io.github.cudnn4j.model.Translator;
import io.github.cudnn4j.model.Translator.Pair;
import io.github.cudnn4j.model.Vocabulary;
import io.github.cudnn4j.optim.Clip;
import io.github.cudnn4j.optim.Optimizer;
import io.github.cudnn4j.train.Step;
import io.github.cudnn4j.train.TrainerConfig;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * Training steps of a {@link Translator}: texts of 3 to T - 1 symbols, each to be written
 * backwards. Once is a pass over 4 batches, so that both sides of a comparison do the same ones.
 */
public final class TranslatorWork implements Peer.Job {
  private static final int SYMBOLS = 200;
  private static final int SHORTEST = 3;
  private static final int CURVE = 300;
  private static final int POINT = 50;
  private static final double LEARNING_RATE = 0.0003;

  private final Parts parts = new Parts();
  private final Passes passes;

  /**
   * Makes the translator and its training.
   *
   * @throws UnsupportedOperationException unless the workload's rows are of any lengths
   */
  public TranslatorWork(Device device, Workload workload) {
    var config = workload.config();
    Passes.requireAnyOrder(workload);
    List<String> symbols =
        IntStream.range(1, SYMBOLS).mapToObj(i -> Character.toString('a' + i)).toList();
    var vocabulary = Vocabulary.of(Vocabulary.Units.CHARACTERS, symbols);
    int longest = Math.max(SHORTEST, workload.time() - 1);
    try {
      var model = parts.add(Translator.create(device, vocabulary, vocabulary, config, 1));
      Fill.set(model.parameters(), config.hiddenSize());
      Step step =
          parts.add(
              Step.create(
                  model.parameters(),
                  model,
                  model
                      .batches(workload.batch(), longest, longest)
                      .over(pairs(vocabulary, Passes.BATCHES * workload.batch(), longest)),
                  TrainerConfig.of(Optimizer.adam(LEARNING_RATE)).clip(Clip.byNorm(1))));
      passes = new Passes(step, LEARNING_RATE);
    } catch (RuntimeException | Error e) {
      throw parts.abandon(e);
    }
  }

  private static List<Pair> pairs(Vocabulary vocabulary, int rows, int longest) {
    int[] more = Fill.ints(Fill.LENGTHS, rows, longest - SHORTEST + 1);
    int[] symbols =
        Fill.ints(Fill.TOKENS, rows * SHORTEST + Arrays.stream(more).sum(), SYMBOLS - 1);
    List<Pair> pairs = new ArrayList<>();
    int begin = 0;
    for (int row = 0; row < rows; row++) {
      int end = begin + SHORTEST + more[row];
      String text =
          vocabulary.decode(IntStream.range(begin, end).map(i -> symbols[i] + 1).toArray());
      pairs.add(new Pair(text, new StringBuilder(text).reverse().toString()));
      begin = end;
    }
    return pairs;
  }

  /** Does so many passes, then reads the loss. */
  @Override
  public void run(int times) {
    passes.steps(times * Passes.BATCHES);
  }

  /**
   * The loss of the first step, the symbols that the first pass predicts, and the loss of each 50
   * of the first 300 steps.
   */
  @Override
  public Map<String, Double> check() {
    Map<String, Double> results = new LinkedHashMap<>();
    Step.Reading first = passes.steps(1);
    Step.Reading pass = passes.steps(Passes.BATCHES - 1);
    results.put("first", first.loss());
    results.put("tokens", first.lossCount() + pass.lossCount());
    passes.steps(POINT - Passes.BATCHES);
    for (int done = POINT; done < CURVE; done += POINT) {
      results.put("curve" + (done + POINT), passes.steps(POINT).loss());
    }
    return results;
  }

  /** Frees everything but the device. */
  @Override
  public void close() {
    parts.close();
  }
}
