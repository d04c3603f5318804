package io.github.cudnn4j.optim;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.cuda.Kernel;
import io.github.cudnn4j.cuda.Launch;
import io.github.cudnn4j.cuda.Parts;
import io.github.cudnn4j.tape.Parameters;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * An optimizer at work on a parameter set: its moments and the launches of one update, in which
 * neither the gradient's norm nor the loss's scale leaves the device.
 */
public final class Updater implements AutoCloseable {

  /** How many gradients one block of threads sums up. */
  private static final long CHUNK = 2048;

  private final Device device;
  private final Parameters parameters;
  private final Map<String, DeviceBuffer> moments = new LinkedHashMap<>();
  private final Parts parts = new Parts();
  private final DeviceBuffer state;
  private final DeviceBuffer norm;

  /** The norms of the gradients' chunks, where they have 16 bits, in which a norm has no room. */
  private final @Nullable DeviceBuffer chunkNorms;

  private final @Nullable Launch chunks;
  private final Launch prepare;
  private final Launch update;

  private Updater(
      Parameters parameters,
      Optimizer optimizer,
      Clip clip,
      LossScale scale,
      DeviceBuffer rate,
      DeviceBuffer loss,
      double lossLimit,
      DeviceBuffer state) {
    this.state = state;
    this.device = parameters.weights().device();
    this.parameters = parameters;
    try {
      norm = zeroed(parameters.masters().type(), 1);
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
                      lossLimit,
                      beta1,
                      beta2,
                      (double) scale.growEvery()));
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
   * @param state from {@link StepState#allocate}
   */
  public static Updater create(
      Parameters parameters,
      Optimizer optimizer,
      Clip clip,
      LossScale scale,
      DeviceBuffer rate,
      DeviceBuffer loss,
      double lossLimit,
      DeviceBuffer state) {
    return new Updater(parameters, optimizer, clip, scale, rate, loss, lossLimit, state);
  }

  /** Enqueues one update of the weights by their gradients. */
  public void run() {
    if (chunks != null && chunkNorms != null) {
      chunks.run();
      device.blas().nrm2(chunkNorms, norm);
    } else {
      device.blas().nrm2(parameters.gradients(), norm);
    }
    prepare.run();
    update.run();
  }

  /** Returns the flat buffers that the optimizer keeps, by name. */
  public Map<String, DeviceBuffer> moments() {
    return moments;
  }

  /**
   * Returns a launch that clears a buffer if the latest update was refused; the caller closes it.
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
