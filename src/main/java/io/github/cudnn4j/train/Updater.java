package io.github.cudnn4j.train;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.cuda.Kernel;
import io.github.cudnn4j.cuda.Launch;
import io.github.cudnn4j.cuda.Parts;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * An optimizer at work on a parameter set: its moments, its {@link StepState} and the launches of
 * one update, in which the gradient's norm never leaves the device.
 */
final class Updater implements AutoCloseable {

  private final Device device;
  private final ParameterSet parameters;
  private final Map<String, DeviceBuffer> moments = new LinkedHashMap<>();
  private final Parts parts = new Parts();
  private final DeviceBuffer state;
  private final DeviceBuffer norm;
  private final Launch prepare;
  private final Launch update;

  private Updater(
      ParameterSet parameters,
      TrainerConfig config,
      DeviceBuffer rate,
      DeviceBuffer loss,
      double lossLimit) {
    this.device = parameters.weights().device();
    this.parameters = parameters;
    Optimizer optimizer = config.optimizer();
    Clip clip = config.clip();
    try {
      state = zeroed(ElementType.FLOAT64, StepState.SIZE);
      norm = zeroed(parameters.type(), 1);
      double beta1 = optimizer instanceof Adam adam ? adam.beta1() : 0;
      double beta2 = optimizer instanceof Adam adam ? adam.beta2() : 0;
      if (optimizer instanceof AdamW adam) {
        beta1 = adam.beta1();
        beta2 = adam.beta2();
      }
      prepare =
          parts.add(
              kernel("prepare_step")
                  .overElements(1, norm, loss, rate, state, clip.norm(), lossLimit, beta1, beta2));
      update = parts.add(bind(optimizer, clip.value()));
    } catch (RuntimeException | Error e) {
      throw parts.abandon(e);
    }
  }

  /**
   * Prepares updates.
   *
   * @param rate where each update finds its learning rate, one FLOAT64
   * @param loss where it finds the loss, one element
   * @param lossLimit the loss above which a step counts as bad
   */
  static Updater create(
      ParameterSet parameters,
      TrainerConfig config,
      DeviceBuffer rate,
      DeviceBuffer loss,
      double lossLimit) {
    return new Updater(parameters, config, rate, loss, lossLimit);
  }

  /** Enqueues one update of the weights by their gradients. */
  void run() {
    device.blas().nrm2(parameters.gradients(), norm);
    prepare.run();
    update.run();
  }

  /** Returns the step state, FLOAT64. */
  DeviceBuffer state() {
    return state;
  }

  /** Returns the flat buffers that the optimizer keeps, by name. */
  Map<String, DeviceBuffer> moments() {
    return moments;
  }

  /**
   * Returns a launch that clears a buffer if the latest update was refused; the caller closes it.
   */
  Launch clearIfSkipped(DeviceBuffer buffer) {
    return kernel("clear_if_skipped")
        .overElements(buffer.elements(), buffer, state, buffer.elements());
  }

  @Override
  public void close() {
    parts.close();
  }

  private Launch bind(Optimizer optimizer, double limit) {
    DeviceBuffer weights = parameters.weights();
    DeviceBuffer gradients = parameters.gradients();
    long n = weights.elements();
    return switch (optimizer) {
      case Sgd sgd ->
          kernel("sgd")
              .overElements(
                  n,
                  weights,
                  gradients,
                  sgd.momentum() == 0 ? weights : moment("velocity"),
                  state,
                  sgd.momentum(),
                  sgd.dampening(),
                  sgd.weightDecay(),
                  sgd.nesterov() ? 1 : 0,
                  limit,
                  n);
      case RmsProp rms ->
          kernel("rms_prop")
              .overElements(
                  n,
                  weights,
                  gradients,
                  moment("square"),
                  rms.centered() ? moment("mean") : weights,
                  rms.momentum() == 0 ? weights : moment("velocity"),
                  state,
                  rms.alpha(),
                  rms.epsilon(),
                  rms.weightDecay(),
                  rms.momentum(),
                  rms.centered() ? 1 : 0,
                  limit,
                  n);
      case Adam a -> adam(a.beta1(), a.beta2(), a.epsilon(), a.weightDecay(), false, limit);
      case AdamW a -> adam(a.beta1(), a.beta2(), a.epsilon(), a.weightDecay(), true, limit);
    };
  }

  private Launch adam(
      double beta1, double beta2, double epsilon, double decay, boolean decoupled, double limit) {
    long n = parameters.weights().elements();
    return kernel("adam")
        .overElements(
            n,
            parameters.weights(),
            parameters.gradients(),
            moment("mean"),
            moment("square"),
            state,
            beta1,
            beta2,
            epsilon,
            decay,
            decoupled ? 1 : 0,
            limit,
            n);
  }

  private DeviceBuffer moment(String name) {
    DeviceBuffer buffer = zeroed(parameters.type(), parameters.weights().elements());
    moments.put(name, buffer);
    return buffer;
  }

  private Kernel kernel(String name) {
    String suffix = parameters.type() == ElementType.FLOAT32 ? "_f32" : "_f64";
    return device.kernels().get("optimizer", name + suffix);
  }

  private DeviceBuffer zeroed(ElementType type, long elements) {
    DeviceBuffer buffer = parts.add(DeviceBuffer.allocate(device, type, elements));
    buffer.clear();
    return buffer;
  }
}
