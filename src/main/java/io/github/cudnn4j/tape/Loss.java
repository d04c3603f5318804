package io.github.cudnn4j.tape;

import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.ElementType;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A mean of the losses of rows, such as the negative log likelihoods of labels, or a sum of such
 * means, kept on the device.
 *
 * <p>{@link Tape#backward} differentiates every loss of its tape. The meter sums over plays, so
 * that many steps can be averaged and read once; a play whose loss is not finite is left out of it.
 */
public final class Loss {

  /** The elements of a meter. */
  public static final int METER = 3;

  private final Tape tape;
  private final @Nullable Tensor logits;
  private final @Nullable Indices targets;
  private final int classes;
  private final boolean differentiable;
  private final @Nullable Supplier<Indices> predictor;
  private @Nullable Indices predictions;
  private final List<Loss> parts;
  private final DeviceBuffer value;
  private final DeviceBuffer meter;
  private final DeviceBuffer factor;
  private double weight = 1;

  /** Makes one without classes, of something that has a gradient or not. */
  Loss(Tape tape, boolean differentiable) {
    this(tape, null, null, 0, differentiable, null, List.of());
  }

  /** Makes the sum of losses. */
  Loss(Tape tape, List<Loss> parts) {
    this(tape, null, null, 0, parts.stream().anyMatch(Loss::isDifferentiable), null, parts);
  }

  /** Makes one of labels, to be predicted by the largest of the logits of each. */
  Loss(Tape tape, Tensor logits, Indices targets) {
    this(
        tape,
        logits,
        targets,
        logits.columns(),
        logits.gradient() != null,
        () -> tape.argmax(logits),
        List.of());
  }

  /** Makes one of labels that are predicted in a way of their own, recorded when asked for. */
  Loss(
      Tape tape,
      Indices targets,
      int classes,
      boolean differentiable,
      Supplier<Indices> predictor) {
    this(tape, null, targets, classes, differentiable, predictor, List.of());
  }

  private Loss(
      Tape tape,
      @Nullable Tensor logits,
      @Nullable Indices targets,
      int classes,
      boolean differentiable,
      @Nullable Supplier<Indices> predictor,
      List<Loss> parts) {
    this.tape = tape;
    this.logits = logits;
    this.targets = targets;
    this.classes = classes;
    this.differentiable = differentiable;
    this.predictor = predictor;
    this.parts = parts;
    value = tape.zeroed(tape.lossType(), 1);
    meter = tape.zeroed(ElementType.FLOAT64, METER);
    factor = tape.buffer(ElementType.FLOAT64, 1);
    factor.copyFrom(new double[] {weight});
  }

  /**
   * Returns one FLOAT64 element on a tape of FP64, else FLOAT32: the mean over the rows that count,
   * in nats where it is one of likelihoods.
   */
  public DeviceBuffer value() {
    return value;
  }

  /**
   * Returns {@value #METER} FLOAT64 elements, of which the first divided by the second is the mean
   * since the meter was cleared: the sum of the loss over all rows that counted, and their number,
   * or with class weights the sum of their weights. A sum of losses counts as one row. The third is
   * how many plays were left out, because their loss was not finite.
   */
  public DeviceBuffer meter() {
    return meter;
  }

  /** Returns the logits of each target if it is a cross-entropy, otherwise null. */
  public @Nullable Tensor logits() {
    return logits;
  }

  /** Returns the classes that are to be predicted, null if there are none. */
  public @Nullable Indices targets() {
    return targets;
  }

  /**
   * Records, when called first, which classes are predicted: of each row of logits the largest, of
   * a conditional random field the best path.
   *
   * @return the shape of {@link #targets}, null if there are none
   */
  public @Nullable Indices predictions() {
    if (predictions == null && predictor != null) {
      predictions = predictor.get();
    }
    return predictions;
  }

  /** Tells whether a gradient flows from here to anything, as to parameters. */
  public boolean isDifferentiable() {
    return differentiable;
  }

  /** Returns the number of classes, 0 if there are none. */
  int classes() {
    return classes;
  }

  /**
   * Multiplies how much this loss counts: its gradients, and what it adds to a sum of losses, from
   * the next {@link Tape#forward} on. Its own value and meter stay what they are. To multiply a sum
   * is to multiply each of its parts.
   *
   * @return this
   * @throws IllegalArgumentException if the factor is not finite
   */
  public Loss times(double factor) {
    if (!Double.isFinite(factor)) {
      throw new IllegalArgumentException("a loss times " + factor + ", must be finite");
    }
    parts.forEach(part -> part.times(factor));
    if (parts.isEmpty()) {
      weight *= factor;
      this.factor.copyFrom(new double[] {weight});
    }
    return this;
  }

  /** Reads {@link #value}; waits for the device. */
  public double read() {
    return value.toDoubles()[0];
  }

  /** Returns the tape that this is recorded on. */
  public Tape tape() {
    return tape;
  }

  List<Loss> parts() {
    return parts;
  }

  /** Returns how much this counts, one FLOAT64. */
  DeviceBuffer factor() {
    return factor;
  }
}
