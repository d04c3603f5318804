package io.github.cudnn4j.optim;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.cuda.Kernel;
import io.github.cudnn4j.cuda.Launch;
import io.github.cudnn4j.cuda.Parts;
import io.github.cudnn4j.tape.Parameters;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * An optimizer at work on a parameter set: its moments, the state of its steps, and the launches of
 * one update.
 *
 * <pre>{@code
 * try (Updater updater =
 *         Updater.create(parameters, Optimizer.adam(1e-3), Clip.byNorm(1), LossScale.NONE);
 *     Tape tape = Tape.training(device, Precision.FP32)) {
 *   Loss loss = ...; // recorded on the tape
 *   for (int step = 0; step < steps; step++) {
 *     parameters.gradients().clear();
 *     tape.forward();
 *     tape.backward();
 *     updater.run(loss.value());
 *   }
 * }
 * }</pre>
 *
 * <p>An update reads the gradients and the loss, and changes the weights, the moments and the
 * state. Norm, clipping, the scale of the loss and the learning rate stay on the device, so that
 * nothing waits and an update may be captured, once it has run outside of a capture. An update is
 * <em>refused</em>, and changes nothing but the state, if the norm of the gradients or the loss is
 * not finite.
 *
 * <p>Owner of all of that, not of the parameters. Belongs to the device's thread and works on the
 * device's stream.
 */
public final class Updater implements AutoCloseable {

  // Where the kernel that prepares a step has the arguments that change.
  private static final int LOSS = 2;
  private static final int LOSS_LIMIT = 6;
  private static final int MICRO_BATCHES = 10;

  private final Device device;
  private final Parameters parameters;
  private final Map<String, DeviceBuffer> moments = new LinkedHashMap<>();
  private final Parts parts = new Parts();
  private final DeviceBuffer state;
  private final DeviceBuffer scale;
  private final DeviceBuffer one;

  /** What an update takes for the loss if it is given none. */
  private final DeviceBuffer noLoss;

  private DeviceBuffer loss;

  /** Sets the learning rate, unless the caller does. */
  private final @Nullable Launch setRate;

  private final Launch prepare;

  /** One update, from the norms to the weights. */
  private final List<Runnable> runs = new ArrayList<>();

  /** Those of the bias corrections, if a rule has asked for them. */
  private @Nullable Betas betas;

  private record Betas(double beta1, double beta2) {
    @Override
    public String toString() {
      return beta1 + " and " + beta2;
    }
  }

  private Updater(
      Parameters parameters,
      Optimizer optimizer,
      Clip clip,
      LossScale lossScale,
      List<ParameterGroup> groups,
      @Nullable DeviceBuffer given) {
    this.device = parameters.device();
    this.parameters = parameters;
    List<GroupRange> ranges =
        GroupRange.of(parameters, groups).stream().filter(r -> !r.group().frozen()).toList();
    if (ranges.isEmpty()) {
      throw new IllegalArgumentException("all parameters are frozen");
    }
    parameters.requireWritable();
    try {
      state = parts.add(StepState.allocate(device, lossScale));
      scale = state.slice(StepState.SCALE, 1);
      one = zeroed(ElementType.FLOAT64, 1);
      one.copyFrom(new double[] {1});
      DeviceBuffer rate = given == null ? zeroed(ElementType.FLOAT64, 1) : given;
      if (given == null) {
        Kernel fill = device.kernels().get("fill", "fill", ElementType.FLOAT64);
        setRate = parts.add(fill.overElements(1, rate, optimizer.learningRate(), 1L));
        setRate.run();
      } else {
        setRate = null;
      }
      noLoss = zeroed(parameters.masters().type(), 1);
      loss = noLoss;
      var norms = new GradientNorms(parts, parameters, ranges);
      var states = new LinkedHashMap<ParameterGroup, DeviceBuffer>();
      var afterPrepare = new ArrayList<Runnable>();
      for (GroupRange range : ranges) {
        ParameterGroup group = range.group();
        Clip limits = group.clip() == null ? clip : group.clip();
        DeviceBuffer seen = states.get(group);
        if (seen == null) {
          seen = state(group, limits.norm(), norms, afterPrepare);
          states.put(group, seen);
        }
        Double decay = group.weightDecay();
        afterPrepare.addAll(
            new ParameterRange(this, parameters, range, seen, limits.value())
                .bind(decay == null ? optimizer : optimizer.withWeightDecay(decay)));
      }
      prepare =
          parts.add(
              kernel("prepare_step", noLoss.type())
                  .overElements(
                      1,
                      norms.total(),
                      norms.of(ParameterGroup.REST),
                      loss,
                      rate,
                      state,
                      clip.norm(),
                      Double.POSITIVE_INFINITY,
                      betas == null ? 0.0 : betas.beta1,
                      betas == null ? 0.0 : betas.beta2,
                      (double) lossScale.growEvery(),
                      1.0));
      runs.addAll(norms.runs());
      runs.add(prepare::run);
      runs.addAll(afterPrepare);
    } catch (RuntimeException | Error e) {
      throw parts.abandon(e);
    }
  }

  /** Returns the state that a group's rule sees: of its own where it differs from all others'. */
  private DeviceBuffer state(
      ParameterGroup group, double normLimit, GradientNorms norms, List<Runnable> runs) {
    if (group.rateFactor() == 1 && group.clip() == null) {
      return state;
    }
    DeviceBuffer own = zeroed(ElementType.FLOAT64, StepState.SIZE);
    DeviceBuffer norm = norms.of(group);
    Launch launch =
        parts.add(
            kernel("prepare_group", norm.type())
                .overElements(1, norm, state, own, normLimit, group.rateFactor()));
    runs.add(launch::run);
    return own;
  }

  /**
   * Prepares updates, at first with the optimizer's learning rate.
   *
   * @param lossScale how the loss is scaled: {@link LossScale#NONE} unless the gradients are
   *     FLOAT16
   */
  public static Updater create(
      Parameters parameters, Optimizer optimizer, Clip clip, LossScale lossScale) {
    return create(parameters, optimizer, clip, lossScale, List.of());
  }

  /**
   * As {@link #create(Parameters, Optimizer, Clip, LossScale)}, with parameters that are trained in
   * ways of their own. Without groups all weights are moved at once, else part by part.
   *
   * @throws IllegalArgumentException if no tensor fits a group's pattern, one is in two groups, all
   *     are frozen, or the optimizer has no weight decay and a group has
   * @throws IllegalStateException if the parameters are read-only
   */
  public static Updater create(
      Parameters parameters,
      Optimizer optimizer,
      Clip clip,
      LossScale lossScale,
      List<ParameterGroup> groups) {
    return new Updater(parameters, optimizer, clip, lossScale, groups, null);
  }

  /**
   * As {@link #create(Parameters, Optimizer, Clip, LossScale, List)}, with learning rates that the
   * caller writes.
   *
   * @param rate where each update finds its learning rate, one FLOAT64; the optimizer's own is not
   *     used
   */
  public static Updater create(
      Parameters parameters,
      Optimizer optimizer,
      Clip clip,
      LossScale lossScale,
      List<ParameterGroup> groups,
      DeviceBuffer rate) {
    return new Updater(
        parameters, optimizer, clip, lossScale, groups, Objects.requireNonNull(rate, "rate"));
  }

  /**
   * Sets the learning rate of the updates that are enqueued after this, without waiting.
   *
   * <p>To be called outside of a capture: a graph would set this rate again at every launch.
   *
   * @throws IllegalArgumentException if it is negative or not finite
   * @throws IllegalStateException if the caller's buffer has the rate
   */
  public void learningRate(double rate) {
    Hyperparameters.checkNonNegative("learning rate", rate);
    if (setRate == null) {
      throw new IllegalStateException("the learning rate is in a buffer of the caller's");
    }
    setRate.set(1, rate).run();
  }

  /**
   * Sets the loss above which a step counts as {@linkplain StepState#bad bad}, at first infinity.
   * What was captured keeps the old one.
   *
   * @throws IllegalArgumentException if it is NaN
   */
  public void lossLimit(double limit) {
    if (Double.isNaN(limit)) {
      throw new IllegalArgumentException("loss limit NaN, must be a number");
    }
    prepare.set(LOSS_LIMIT, limit);
  }

  /**
   * Sets how many micro-batches the gradients of the updates to come are the sum of, at first 1:
   * the sum is divided by it before it is clipped. So, with a loss that is the mean of a batch, k
   * backward passes without clearing and one update make the step of one batch of k times the size.
   * In FP16 the sum, not the mean, must have room. What was captured keeps the old number.
   *
   * @throws IllegalArgumentException if it is below 1
   */
  public void microBatches(int count) {
    if (count < 1) {
      throw new IllegalArgumentException("micro-batches = " + count + ", must be at least 1");
    }
    prepare.set(MICRO_BATCHES, (double) count);
  }

  /** As {@link #run(DeviceBuffer)}, whatever the loss is: the state has 0 for it. */
  public void run() {
    run(noLoss);
  }

  /**
   * Enqueues one update of the weights by their gradients.
   *
   * @param loss one element of the masters' type; it decides whether the step is refused or bad,
   *     and is kept in the state. What was captured goes on reading this buffer.
   * @throws IllegalArgumentException if it is of another type or device, or not one element
   * @throws IllegalStateException if the parameters are read-only
   */
  public void run(DeviceBuffer loss) {
    parameters.requireWritable();
    if (loss != this.loss) {
      if (loss.elements() != 1) {
        throw new IllegalArgumentException(
            "the loss has " + loss.elements() + " elements, must have 1");
      }
      prepare.set(LOSS, loss);
      this.loss = loss;
    }
    for (int i = 0; i < runs.size(); i++) {
      runs.get(i).run();
    }
  }

  /**
   * Returns what the next step's loss is to be multiplied by before it is differentiated, one
   * FLOAT64, borrowed: for the tape.
   */
  public DeviceBuffer lossScale() {
    return scale;
  }

  /**
   * Returns the state of the steps, {@value StepState#SIZE} FLOAT64, borrowed. Checkpoints need it
   * beside the moments.
   */
  public DeviceBuffer state() {
    return state;
  }

  /** Waits for the device and reads the state. */
  public StepState read() {
    double[] places = state.toDoubles();
    return StepState.of(place -> places[place]);
  }

  /**
   * Returns the flat buffers that the optimizer keeps, by name, borrowed; each lies as the
   * parameters do.
   */
  public Map<String, DeviceBuffer> moments() {
    return Collections.unmodifiableMap(moments);
  }

  /**
   * Returns a launch that clears a buffer if the latest update was refused: for a carried state,
   * which may have what spoiled the loss. The caller closes it.
   */
  public Launch clearIfSkipped(DeviceBuffer buffer) {
    return kernel("clear_if_skipped", buffer.type())
        .overElements(buffer.elements(), buffer, state, buffer.elements());
  }

  @Override
  public void close() {
    parts.close();
  }

  /** Returns a flat buffer of the optimizer's, which it has not asked for or again. */
  DeviceBuffer moment(String name) {
    return moments.computeIfAbsent(
        name, n -> zeroed(parameters.masters().type(), parameters.masters().elements()));
  }

  /** See {@link ParameterRange#biasCorrections}. */
  void biasCorrections(double beta1, double beta2) {
    var asked = new Betas(beta1, beta2);
    if (betas != null && !betas.equals(asked)) {
      throw new IllegalArgumentException(
          "bias corrections of betas " + asked + ", must be the earlier " + betas);
    }
    betas = asked;
  }

  /** Begins a rule. */
  VectorProgram program(DeviceBuffer skip) {
    return new VectorProgram(parts, skip, one);
  }

  /** Takes over what a rule needs. */
  <T extends AutoCloseable> T own(T resource) {
    return parts.add(resource);
  }

  private Kernel kernel(String name, ElementType type) {
    return device.kernels().get("optimizer", name, type);
  }

  private DeviceBuffer zeroed(ElementType type, long elements) {
    DeviceBuffer buffer = parts.add(DeviceBuffer.allocate(device, type, elements));
    buffer.clear();
    return buffer;
  }
}
