package io.github.cudnn4j.bench;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.Parts;
import io.github.cudnn4j.model.InferenceSession;
import io.github.cudnn4j.model.LanguageModel;
import io.github.cudnn4j.model.StepRunner;
import io.github.cudnn4j.train.StepWork;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;

/**
 * A character model that serves B texts step by step: every step reads one character of each, goes
 * on from the states that the step before left, and ends with the logits in memory of the host.
 */
public final class StreamWork implements Peer.Job {

  /** Advances all texts by some steps; returns the logits of the last one. */
  private interface Texts {
    float[][] advance(int steps) throws ExecutionException, InterruptedException;
  }

  private final Parts parts = new Parts();
  private final int classes;
  private final int[] tokens;
  private final Texts texts;

  private StreamWork(Device device, Workload workload, boolean session) {
    if (workload.time() != 1) {
      throw new UnsupportedOperationException("a step is of one character, not of " + workload);
    }
    int batch = workload.batch();
    classes = workload.config().inputSize();
    tokens = Fill.ints(Fill.TOKENS, batch, classes);
    try {
      LanguageModel model = parts.add(StepWork.model(device, workload));
      model.parameters().setReadOnly();
      StepRunner runner = parts.add(model.steps(batch, batch));
      texts = session ? clients(runner, batch) : rows(runner, batch);
    } catch (RuntimeException | Error e) {
      throw parts.abandon(e);
    }
  }

  /** Runs the steps in one thread. */
  public static StreamWork steps(Device device, Workload workload) {
    return new StreamWork(device, workload, false);
  }

  /** Runs the steps of each text in a virtual thread of its own, which waits for its logits. */
  public static StreamWork session(Device device, Workload workload) {
    return new StreamWork(device, workload, true);
  }

  private Texts rows(StepRunner runner, int batch) {
    int[] same = IntStream.range(0, batch).toArray();
    return steps -> {
      float[][] logits = {};
      for (int i = 0; i < steps; i++) {
        logits = runner.advance(same, tokens);
      }
      return logits;
    };
  }

  private Texts clients(StepRunner runner, int batch) {
    InferenceSession session = parts.add(InferenceSession.start(runner));
    ExecutorService executor = parts.add(Executors.newVirtualThreadPerTaskExecutor());
    var clients = IntStream.range(0, batch).mapToObj(i -> session.open()).toList();
    return steps -> {
      var answers =
          IntStream.range(0, batch)
              .mapToObj(
                  row ->
                      executor.submit(
                          () -> {
                            float[] logits = {};
                            for (int i = 0; i < steps; i++) {
                              logits = clients.get(row).step(tokens[row]);
                            }
                            return logits;
                          }))
              .toList();
      float[][] logits = new float[batch][];
      for (int row = 0; row < batch; row++) {
        Future<float[]> answer = answers.get(row);
        logits[row] = answer.get();
      }
      return logits;
    };
  }

  @Override
  public void run(int times) {
    advance(times);
  }

  private double advance(int steps) {
    try {
      double sum = 0;
      for (float[] row : texts.advance(steps)) {
        for (float logit : row) {
          sum += Math.abs(logit);
        }
      }
      return sum / tokens.length / classes;
    } catch (ExecutionException e) {
      throw new IllegalStateException(e.getCause());
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  /** The mean absolute logit of the first step, and of the tenth after it. */
  @Override
  public Map<String, Double> check() {
    return Map.of("first", advance(1), "next", advance(10));
  }

  /** Frees everything but the device. */
  @Override
  public void close() {
    parts.close();
  }
}
