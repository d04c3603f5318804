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

  /** How many gradients one block of threads sums up. */
  private static final long CHUNK = 2048;

  // Where the kernel that prepares a step has the arguments that change.
  private static final int LOSS = 1;
  private static final int LOSS_LIMIT = 5;

  private final Device device;
  private final Parameters parameters;
  private final Map<String, DeviceBuffer> moments = new LinkedHashMap<>();
  private final Parts parts = new Parts();
  private final DeviceBuffer state;
  private final DeviceBuffer scale;
  private final DeviceBuffer norm;

  /** What an update takes for the loss if it is given none. */
  private final DeviceBuffer noLoss;

  private DeviceBuffer loss;

  /** The norms of the gradients' chunks, where they have 16 bits, in which a norm has no room. */
  private final @Nullable DeviceBuffer chunkNorms;

  /** Sets the learning rate, unless the caller does. */
  private final @Nullable Launch setRate;

  private final @Nullable Launch chunks;
  private final Launch prepare;
  private final Launch update;

  private Updater(
      Parameters parameters,
      Optimizer optimizer,
      Clip clip,
      LossScale lossScale,
      @Nullable DeviceBuffer given) {
    this.device = parameters.weights().device();
    this.parameters = parameters;
    try {
      state = parts.add(StepState.allocate(device, lossScale));
      scale = state.slice(StepState.SCALE, 1);
      norm = zeroed(parameters.masters().type(), 1);
      noLoss = zeroed(norm.type(), 1);
      loss = noLoss;
      DeviceBuffer rate = given == null ? zeroed(ElementType.FLOAT64, 1) : given;
      if (given == null) {
        Kernel fill = device.kernels().get("fill", "fill", ElementType.FLOAT64);
        setRate = parts.add(fill.overElements(1, rate, optimizer.learningRate(), 1L));
        setRate.run();
      } else {
        setRate = null;
      }
      if (parameters.hasMasters()) {
        long n = parameters.gradients().elements();
        long count = Math.ceilDiv(n, CHUNK);
        chunkNorms = zeroed(ElementType.FLOAT32, count);
        chunks =
            parts.add(
                kernel("chunk_norms", parameters.type())
                    .overRows(count, parameters.gradients(), chunkNorms, CHUNK, n));
      } else {
        chunkNorms = null;
        chunks = null;
      }
      double beta1 = optimizer instanceof Adam adam ? adam.beta1() : 0;
      double beta2 = optimizer instanceof Adam adam ? adam.beta2() : 0;
      if (optimizer instanceof AdamW adam) {
        beta1 = adam.beta1();
        beta2 = adam.beta2();
      }
      prepare =
          parts.add(
              kernel("prepare_step", norm.type())
                  .overElements(
                      1,
                      norm,
                      loss,
                      rate,
                      state,
                      clip.norm(),
                      Double.POSITIVE_INFINITY,
                      beta1,
                      beta2,
                      (double) lossScale.growEvery()));
      update = parts.add(bind(optimizer, clip.value()));
    } catch (RuntimeException | Error e) {
      throw parts.abandon(e);
    }
  }

  /**
   * Prepares updates, at first with the optimizer's learning rate.
   *
   * @param lossScale how the loss is scaled: {@link LossScale#NONE} unless the gradients are
   *     FLOAT16
   */
  public static Updater create(
      Parameters parameters, Optimizer optimizer, Clip clip, LossScale lossScale) {
    return new Updater(parameters, optimizer, clip, lossScale, null);
  }

  /**
   * As {@link #create(Parameters, Optimizer, Clip, LossScale)}, with learning rates that the caller
   * writes.
   *
   * @param rate where each update finds its learning rate, one FLOAT64; the optimizer's own is not
   *     used
   */
  public static Updater create(
      Parameters parameters,
      Optimizer optimizer,
      Clip clip,
      LossScale lossScale,
      DeviceBuffer rate) {
    return new Updater(
        parameters, optimizer, clip, lossScale, Objects.requireNonNull(rate, "rate"));
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

  /** As {@link #run(DeviceBuffer)}, whatever the loss is: the state has 0 for it. */
  public void run() {
    run(noLoss);
  }

  /**
   * Enqueues one update of the weights by their gradients.
   *
   * @param loss one element of the masters' type; it decides whether the step is refused or bad,
   *     and is kept in the state
   * @throws IllegalArgumentException if it is of another type or device
   */
  public void run(DeviceBuffer loss) {
    if (loss != this.loss) {
      prepare.set(LOSS, loss);
      this.loss = loss;
    }
    if (chunks != null && chunkNorms != null) {
      chunks.run();
      device.blas().nrm2(chunkNorms, norm);
    } else {
      device.blas().nrm2(parameters.gradients(), norm);
    }
    prepare.run();
    update.run();
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

  private Launch bind(Optimizer optimizer, double limit) {
    return switch (optimizer) {
      case Sgd sgd ->
          update(
              "sgd",
              sgd.momentum() == 0 ? parameters.masters() : moment("velocity"),
              state,
              sgd.momentum(),
              sgd.dampening(),
              sgd.weightDecay(),
              sgd.nesterov() ? 1 : 0,
              limit);
      case RmsProp rms ->
          update(
              "rms_prop",
              moment("square"),
              rms.centered() ? moment("mean") : parameters.masters(),
              rms.momentum() == 0 ? parameters.masters() : moment("velocity"),
              state,
              rms.alpha(),
              rms.epsilon(),
              rms.weightDecay(),
              rms.momentum(),
              rms.centered() ? 1 : 0,
              limit);
      case Adam a -> adam(a.beta1(), a.beta2(), a.epsilon(), a.weightDecay(), false, limit);
      case AdamW a -> adam(a.beta1(), a.beta2(), a.epsilon(), a.weightDecay(), true, limit);
    };
  }

  private Launch adam(
      double beta1, double beta2, double epsilon, double decay, boolean decoupled, double limit) {
    return update(
        "adam",
        moment("mean"),
        moment("square"),
        state,
        beta1,
        beta2,
        epsilon,
        decay,
        decoupled ? 1 : 0,
        limit);
  }

  /** Binds a rule to the flat buffers, the rule's own arguments and the number of weights. */
  private Launch update(String rule, Object... own) {
    long n = parameters.weights().elements();
    var arguments = new ArrayList<Object>();
    arguments.add(parameters.masters());
    if (parameters.hasMasters()) {
      arguments.add(parameters.weights());
    }
    arguments.add(parameters.gradients());
    arguments.addAll(List.of(own));
    arguments.add(n);
    return kernel(rule, parameters.type()).overElements(n, arguments.toArray());
  }

  private DeviceBuffer moment(String name) {
    DeviceBuffer buffer = zeroed(parameters.masters().type(), parameters.weights().elements());
    moments.put(name, buffer);
    return buffer;
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
