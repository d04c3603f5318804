package io.github.cudnn4j.rnn;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.DeviceOutOfMemoryException;
import io.github.cudnn4j.cudnn.CudnnException;
import io.github.cudnn4j.cudnn.CudnnHandle;
import io.github.cudnn4j.cudnn.ForwardMode;
import io.github.cudnn4j.cudnn.RnnAlgorithm;
import io.github.cudnn4j.rnn.AlgorithmChoices.Choice;
import io.github.cudnn4j.rnn.AlgorithmChoices.Subject;
import io.github.cudnn4j.rnn.AlgorithmTrial.RefusedException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Finds the fastest algorithm for a network and a shape of batch: the one that {@link
 * AlgorithmChoices} has, or by a trial of each. One that cuDNN refuses, or that has its weights in
 * other places, is out; the standard one takes its place.
 */
final class AlgorithmChooser {
  /** So much faster than the standard one another must be, or noise would decide. */
  private static final double CLEARLY = 0.98;

  private final Rnn rnn;
  private final SequenceShape shape;
  private final ForwardMode mode;
  private final Map<RnnAlgorithm, String> refused = new EnumMap<>(RnnAlgorithm.class);

  AlgorithmChooser(Rnn rnn, SequenceShape shape, ForwardMode mode) {
    this.rnn = rnn;
    this.shape = shape;
    this.mode = mode;
  }

  /** A candidate with the algorithm that was chosen, which the caller closes, and why. */
  record Chosen(CudnnRnn candidate, String note) {}

  /**
   * Chooses.
   *
   * @throws CudnnException if cuDNN refuses the standard algorithm
   * @throws DeviceOutOfMemoryException if not even the standard algorithm fits into the device
   */
  Chosen choose() {
    for (RnnAlgorithm algorithm : RnnAlgorithm.values()) {
      String refusal = refusal(algorithm, rnn.config(), shape);
      if (refusal != null) {
        refused.put(algorithm, refusal);
      }
    }
    if (refused.size() == RnnAlgorithm.values().length - 1) {
      String why = refused.values().iterator().next();
      return new Chosen(candidate(RnnAlgorithm.STANDARD), "STANDARD alone runs it: " + why);
    }
    Subject subject = subject();
    AlgorithmChoices choices = AlgorithmChoices.ofUser();
    if (choices == null) {
      return measure(subject, null, " (not kept: there is no home folder)");
    }
    try {
      Choice known = choices.find(subject);
      return known == null ? measure(subject, choices, "") : reuse(known);
    } catch (IOException e) {
      return measure(subject, choices, " (" + e.getMessage() + ")");
    }
  }

  /**
   * The algorithm that the configuration names, but for inference on a single step, as of a
   * sampler: there nothing persists from step to step, and cuDNN may refuse what it trains with.
   *
   * @throws CudnnException if cuDNN refuses it
   */
  Chosen named(RnnAlgorithm algorithm) {
    if (algorithm != RnnAlgorithm.STANDARD && mode == ForwardMode.INFERENCE && shape.time() == 1) {
      CudnnRnn standard = candidate(RnnAlgorithm.STANDARD);
      if (standard.findsWeights()) {
        return new Chosen(
            standard, String.format(Locale.ROOT, "STANDARD, because %s needs steps", algorithm));
      }
      standard.close();
    }
    return new Chosen(candidate(algorithm), "");
  }

  /** Why an algorithm never runs a network on batches of a shape; null if it may. */
  static @Nullable String refusal(RnnAlgorithm algorithm, RnnConfig config, SequenceShape shape) {
    String refusal = config.refusal(algorithm);
    if (refusal == null && algorithm != RnnAlgorithm.STANDARD && !shape.hasEqualLengths()) {
      refusal =
          String.format(
              Locale.ROOT,
              "algorithm %s needs sequences of T steps each, but the shape is %s",
              algorithm,
              shape);
    }
    return refusal;
  }

  private Subject subject() {
    Device device = rnn.device();
    return new Subject(
        device.name(),
        device.driverVersion(),
        CudnnHandle.version(),
        rnn.config().algorithm(RnnAlgorithm.STANDARD).toString(),
        shape.toString(),
        mode == ForwardMode.TRAINING);
  }

  private CudnnRnn candidate(RnnAlgorithm algorithm) {
    return CudnnRnn.create(rnn, shape, mode, algorithm);
  }

  private Chosen reuse(Choice known) {
    RnnAlgorithm algorithm = known.algorithm();
    if (algorithm == RnnAlgorithm.STANDARD) {
      return new Chosen(candidate(algorithm), "STANDARD, measured before: " + known.figures());
    }
    try (AlgorithmTrial trial = AlgorithmTrial.create(rnn, shape, mode)) {
      CudnnRnn candidate = trial.candidate(algorithm);
      return new Chosen(
          trial.take(candidate),
          String.format(Locale.ROOT, "%s, measured before: %s", algorithm, known.figures()));
    } catch (RefusedException | DeviceOutOfMemoryException e) {
      AlgorithmTrial.requireClear(e);
      return new Chosen(
          candidate(RnnAlgorithm.STANDARD),
          String.format(
              Locale.ROOT,
              "STANDARD, because %s, measured before, is refused now: %s",
              algorithm,
              e.getMessage()));
    }
  }

  private Chosen measure(Subject subject, @Nullable AlgorithmChoices choices, String problem) {
    Map<RnnAlgorithm, Double> milliseconds;
    CudnnRnn best;
    try (AlgorithmTrial trial = AlgorithmTrial.create(rnn, shape, mode)) {
      CudnnRnn standard = trial.candidate(RnnAlgorithm.STANDARD);
      List<CudnnRnn> candidates = new ArrayList<>(List.of(standard));
      for (RnnAlgorithm algorithm : RnnAlgorithm.values()) {
        if (algorithm != RnnAlgorithm.STANDARD && !refused.containsKey(algorithm)) {
          try {
            candidates.add(trial.candidate(algorithm));
          } catch (RefusedException e) {
            refused.put(algorithm, e.getMessage());
          }
        }
      }
      milliseconds = trial.milliseconds(candidates);
      RnnAlgorithm fastest = fastest(milliseconds);
      best =
          trial.take(
              candidates.stream().filter(e -> e.algorithm() == fastest).findFirst().orElseThrow());
    } catch (RefusedException | DeviceOutOfMemoryException e) {
      AlgorithmTrial.requireClear(e);
      return new Chosen(
          candidate(RnnAlgorithm.STANDARD), "STANDARD, not measured: " + e.getMessage());
    }
    Choice choice = new Choice(subject, best.algorithm(), milliseconds, refused);
    String note =
        String.format(Locale.ROOT, "%s, measured: %s", best.algorithm(), choice.figures());
    try {
      if (choices != null) {
        choices.add(choice);
      }
    } catch (IOException e) {
      problem += " (not kept: " + e + ")";
    }
    return new Chosen(best, note + problem);
  }

  /** The fastest algorithm if it is clearly faster than the standard one, which is among them. */
  static RnnAlgorithm fastest(Map<RnnAlgorithm, Double> milliseconds) {
    RnnAlgorithm best = RnnAlgorithm.STANDARD;
    double bound = CLEARLY * milliseconds.getOrDefault(best, 0.0);
    for (Map.Entry<RnnAlgorithm, Double> each : milliseconds.entrySet()) {
      if (each.getValue() < bound) {
        best = each.getKey();
        bound = each.getValue();
      }
    }
    return best;
  }
}
