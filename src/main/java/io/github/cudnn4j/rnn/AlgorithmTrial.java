package io.github.cudnn4j.rnn;

import io.github.cudnn4j.cuda.CudaException;
import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.DeviceOutOfMemoryException;
import io.github.cudnn4j.cuda.Event;
import io.github.cudnn4j.cuda.Parts;
import io.github.cudnn4j.cudnn.CudnnException;
import io.github.cudnn4j.cudnn.ForwardMode;
import io.github.cudnn4j.cudnn.RnnAlgorithm;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/**
 * Runs a network by one algorithm and another, on operands of its own. Changes neither weights nor
 * gradients, and puts the generator of the dropout back.
 */
final class AlgorithmTrial implements AutoCloseable {
  private static final int REPETITIONS = 5;
  private static final double MIN_MILLISECONDS = 1;
  private static final int MAX_RUNS = 20;

  /** The algorithm does not run the network; the message says why. */
  static final class RefusedException extends Exception {
    private static final long serialVersionUID = 1;

    RefusedException(String message) {
      super(message);
    }
  }

  private final Rnn rnn;
  private final SequenceShape shape;
  private final ForwardMode mode;
  private final Parts parts;
  private final byte[] dropoutState;
  private final DeviceBuffer x;
  private final DeviceBuffer y;
  private final DeviceBuffer dx;
  private final DeviceBuffer dy;
  private final DeviceBuffer weightGradients;
  private final Event start;
  private final Event end;

  private AlgorithmTrial(Rnn rnn, SequenceShape shape, ForwardMode mode, Parts parts) {
    long inputs = shape.rows() * rnn.config().inputSize();
    long outputs = shape.rows() * rnn.config().outputSize();
    boolean trains = mode == ForwardMode.TRAINING;
    this.rnn = rnn;
    this.shape = shape;
    this.mode = mode;
    this.parts = parts;
    x = zeros(inputs);
    y = zeros(outputs);
    dx = zeros(trains ? inputs : 0);
    dy = zeros(trains ? outputs : 0);
    weightGradients = zeros(trains ? rnn.weights().space().elements() : 0);
    start = parts.add(Event.create(rnn.device()));
    end = parts.add(Event.create(rnn.device()));
    dropoutState = trains ? rnn.dropoutState() : new byte[0];
  }

  /**
   * Makes the operands.
   *
   * @throws DeviceOutOfMemoryException if they do not fit into the device
   */
  static AlgorithmTrial create(Rnn rnn, SequenceShape shape, ForwardMode mode) {
    Parts parts = new Parts();
    try {
      return new AlgorithmTrial(rnn, shape, mode, parts);
    } catch (Throwable t) {
      throw parts.abandon(t);
    }
  }

  private DeviceBuffer zeros(long elements) {
    DeviceBuffer buffer =
        parts.add(DeviceBuffer.allocate(rnn.device(), rnn.config().type(), elements));
    // Numbers below the normal ones can take longer.
    buffer.clear();
    return buffer;
  }

  /**
   * Makes a candidate, which belongs to this, and makes every call with it that a plan can make.
   *
   * @throws RefusedException if cuDNN refuses it, it fails on the device or does not fit into it,
   *     or has weights in other places than the network
   */
  CudnnRnn candidate(RnnAlgorithm algorithm) throws RefusedException {
    CudnnRnn candidate = null;
    String refusal;
    try {
      candidate = parts.add(CudnnRnn.create(rnn, shape, mode, algorithm));
      if (candidate.findsWeights()) {
        candidate.forward(ForwardMode.INFERENCE, x, y, RnnStates.NONE);
        run(candidate);
        rnn.device().stream().synchronize();
        return candidate;
      }
      refusal = "its weights lie in other places";
    } catch (CudnnException e) {
      requireClear(e);
      if (e.function().startsWith("cudnnDestroy")) {
        throw e;
      }
      refusal = e.function() + " returned " + e.codeName();
    } catch (CudaException e) {
      requireClear(e);
      refusal = e.getMessage();
    }
    if (candidate != null) {
      take(candidate).close();
    }
    throw new RefusedException(refusal);
  }

  /** Throws what is suppressed in a refusal: that something made for the trial is still there. */
  static void requireClear(Exception refusal) {
    RuntimeException first = null;
    for (Throwable left : refusal.getSuppressed()) {
      if (first == null) {
        first = (RuntimeException) left;
      } else {
        first.addSuppressed(left);
      }
    }
    if (first != null) {
      throw first;
    }
  }

  /** Gives a candidate to the caller. */
  CudnnRnn take(CudnnRnn candidate) {
    parts.remove(candidate);
    return candidate;
  }

  /**
   * The median time of a run of each candidate. They take turns, so that whatever else goes on
   * slows all of them.
   */
  Map<RnnAlgorithm, Double> milliseconds(List<CudnnRnn> candidates) {
    double[][] times = new double[candidates.size()][REPETITIONS];
    for (int i = 0; i < REPETITIONS; i++) {
      for (int e = 0; e < times.length; e++) {
        times[e][i] = milliseconds(candidates.get(e));
      }
    }
    Map<RnnAlgorithm, Double> medians = new EnumMap<>(RnnAlgorithm.class);
    for (int e = 0; e < times.length; e++) {
      Arrays.sort(times[e]);
      medians.put(candidates.get(e).algorithm(), times[e][REPETITIONS / 2]);
    }
    return medians;
  }

  private double milliseconds(CudnnRnn candidate) {
    double once = milliseconds(candidate, 1);
    if (once >= MIN_MILLISECONDS) {
      return once;
    }
    int runs = (int) Math.clamp(Math.ceil(MIN_MILLISECONDS / once), 1, MAX_RUNS);
    return milliseconds(candidate, runs) / runs;
  }

  private double milliseconds(CudnnRnn candidate, int runs) {
    start.record();
    for (int i = 0; i < runs; i++) {
      run(candidate);
    }
    end.record();
    end.synchronize();
    return end.millisSince(start);
  }

  private void run(CudnnRnn candidate) {
    candidate.forward(mode, x, y, RnnStates.NONE);
    if (mode == ForwardMode.TRAINING) {
      candidate.backward(x, y, RnnStates.NONE, dy, dx, RnnStateGradients.NONE, weightGradients);
    }
  }

  /** Closes everything but the candidates that were taken. */
  @Override
  public void close() {
    try (parts) {
      if (dropoutState.length > 0) {
        rnn.restoreDropoutState(dropoutState);
      }
    }
  }
}
