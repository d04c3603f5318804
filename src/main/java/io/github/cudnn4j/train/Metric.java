package io.github.cudnn4j.train;

import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.data.Batch;
import io.github.cudnn4j.tape.Counts;
import io.github.cudnn4j.tape.Loss;
import io.github.cudnn4j.tape.Tape;
import java.util.List;
import java.util.Objects;
import java.util.function.ToDoubleFunction;

/**
 * A number that tells how good a model is, counted while it is evaluated.
 *
 * <p>What is counted is recorded on the tape of each shape of batches, behind the loss, so it stays
 * on the device until the evaluation is over. Where that is not possible, as for what is decoded on
 * the host, {@link Meter#batchDone} reads what it needs after each batch.
 *
 * <pre>{@code
 * trainer.validation(heldOut, Metric.macroF1(), Metric.accuracy()); // the first decides
 *
 * Evaluator.Result found = Evaluator.evaluate(parameters, objective, heldOut, Metric.f1(SPAM));
 * System.out.println(found.metrics().get("f1"));
 *
 * // One of one's own: the part of the labels that is wrong, of the same two counts.
 * Metric errors =
 *     Metric.of(
 *         "errors",
 *         false,
 *         (tape, in, loss) -> Metric.Meter.of(tape.accuracy(loss).buffer()),
 *         counts -> 1 - counts[0] / counts[1]);
 * }</pre>
 */
public interface Metric {

  /** Returns what the number is called in logs, such as {@code accuracy}. */
  String name();

  /** Returns whether more is better. */
  boolean isHigherBetter();

  /**
   * Records what is to be counted on a tape for inference.
   *
   * @param loss what the objective has returned
   * @throws IllegalArgumentException if the loss is of a kind that cannot be counted so
   */
  Meter meter(Tape tape, Batch in, Loss loss);

  /** Returns the number, from the counts of all batches of all shapes. */
  double value(double[] counts);

  /** The counts of the batches of one shape. */
  interface Meter {

    /** Begins an evaluation. */
    void reset();

    /** Called when the work of a batch is enqueued; may wait for the device. */
    default void batchDone() {}

    /** Returns the counts; waits for the device. */
    double[] read();

    /** Counts that the tape's operations add to. */
    static Meter of(DeviceBuffer counts) {
      if (counts.type() != ElementType.FLOAT64) {
        throw new IllegalArgumentException("counts of " + counts.type() + ", must be FLOAT64");
      }
      return new Meter() {
        @Override
        public void reset() {
          counts.clear();
        }

        @Override
        public double[] read() {
          return counts.toDoubles();
        }
      };
    }
  }

  /** Records the counts of one tape. */
  @FunctionalInterface
  interface Recorder {
    Meter record(Tape tape, Batch in, Loss loss);
  }

  /** Returns a metric of one's own. */
  static Metric of(
      String name, boolean higherIsBetter, Recorder recorder, ToDoubleFunction<double[]> value) {
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(recorder, "recorder");
    Objects.requireNonNull(value, "value");
    return new Metric() {
      @Override
      public String name() {
        return name;
      }

      @Override
      public boolean isHigherBetter() {
        return higherIsBetter;
      }

      @Override
      public Meter meter(Tape tape, Batch in, Loss loss) {
        return recorder.record(tape, in, loss);
      }

      @Override
      public double value(double[] counts) {
        return value.applyAsDouble(counts);
      }
    };
  }

  /** The mean loss. */
  static Metric loss() {
    return of("loss", false, (_, _, loss) -> Meter.of(loss.meter()), Metric::ratio);
  }

  /** The exponential of the mean loss. */
  static Metric perplexity() {
    return of(
        "perplexity",
        false,
        (_, _, loss) -> Meter.of(loss.meter()),
        counts -> Math.exp(ratio(counts)));
  }

  /** The part of the labels that is predicted, where the loss is one of class labels. */
  static Metric accuracy() {
    return of("accuracy", true, (tape, _, loss) -> of(tape.accuracy(loss)), Metric::ratio);
  }

  /** The F1 of one label, where the loss is one of class labels. */
  static Metric f1(int label) {
    return of(
        "f1",
        true,
        (tape, _, loss) -> of(tape.confusion(loss)),
        counts -> ConfusionMatrix.of(counts).label(label).f1());
  }

  /**
   * The mean of the labels' F1, each counting as much as the others, where the loss is one of class
   * labels.
   */
  static Metric macroF1() {
    return of(
        "macroF1",
        true,
        (tape, _, loss) -> of(tape.confusion(loss)),
        counts -> ConfusionMatrix.of(counts).macroF1());
  }

  /**
   * The F1 of spans, where the loss is one of tags {@code [T, B]}: decoded on the host after each
   * batch, and counted as {@link SpanScore#lenient} does.
   *
   * @param tags by their numbers, {@code O}, {@code B-TYPE} or {@code I-TYPE} each
   */
  static Metric spanF1(List<String> tags) {
    return of(
        "f1",
        true,
        (_, _, loss) -> new SpanMeter(tags, loss),
        counts -> new PrecisionRecall((long) counts[0], (long) counts[1], (long) counts[2]).f1());
  }

  private static Meter of(Counts counts) {
    return Meter.of(counts.buffer());
  }

  private static double ratio(double[] counts) {
    return counts[1] > 0 ? counts[0] / counts[1] : Double.NaN;
  }
}
