package io.github.cudnn4j.optim;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.Launch;
import io.github.cudnn4j.tape.Parameters;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Weights that an {@link Optimizer} moves, with all that it may need: a part without gaps of the
 * flat buffers of {@link Parameters}, most often all of it.
 *
 * <p>Everything is in device memory. Weights, gradients and moments have the same number of
 * elements, padding between tensors included, which is zero and must stay so, and the same type:
 * FLOAT64 if the model has that, else FLOAT32. Buffers are borrowed from the {@link Updater}.
 */
public final class ParameterRange {

  private final Updater updater;
  private final Parameters parameters;
  private final GroupRange range;
  private final DeviceBuffer state;
  private final double valueLimit;
  private final DeviceBuffer masters;
  private @Nullable DeviceBuffer ready;
  private @Nullable Launch makeReady;
  private @Nullable Launch round;

  /**
   * Makes a range.
   *
   * @param state of its group
   * @param valueLimit of the absolute value of its gradients
   */
  ParameterRange(
      Updater updater,
      Parameters parameters,
      GroupRange range,
      DeviceBuffer state,
      double valueLimit) {
    this.updater = updater;
    this.parameters = parameters;
    this.range = range;
    this.state = state;
    this.valueLimit = valueLimit;
    masters = range.in(parameters.masters());
  }

  /** Returns the device. */
  public Device device() {
    return masters.device();
  }

  /** Returns the number of weights, padding included. */
  public long elements() {
    return masters.elements();
  }

  /**
   * Returns the weights to be moved. If the model computes in 16 bits these are the masters, which
   * are rounded for it after the rule.
   */
  public DeviceBuffer weights() {
    if (round == null && parameters.hasMasters()) {
      DeviceBuffer rounded = range.in(parameters.weights());
      round =
          own(
              device()
                  .kernels()
                  .get("optimizer", "round_weights", rounded.type())
                  .overElements(elements(), masters, rounded, elements()));
    }
    return masters;
  }

  /**
   * Returns the gradients as the rule is to see them: divided by the scale of the loss and the
   * number of micro-batches, and clipped. The rule may overwrite them.
   */
  public DeviceBuffer gradients() {
    if (ready == null) {
      DeviceBuffer raw = range.in(parameters.gradients());
      ready = scratch();
      makeReady =
          own(
              device()
                  .kernels()
                  .get("optimizer", "ready_gradients", raw.type())
                  .overElements(elements(), raw, ready, state, valueLimit, elements()));
    }
    return ready;
  }

  /**
   * Returns what the rule keeps from step to step under a name, zero at first. Checkpoints save it.
   */
  public DeviceBuffer moment(String name) {
    return range.in(updater.moment(Objects.requireNonNull(name, "name")));
  }

  /** Allocates a buffer for what the rule needs within a step; it is not saved. */
  public DeviceBuffer scratch() {
    return own(DeviceBuffer.allocate(device(), masters.type(), elements()));
  }

  /** Returns the learning rate of the step. */
  public Scalar learningRate() {
    return new Scalar(1, state.slice(StepState.LEARNING_RATE, 1));
  }

  /**
   * Returns the state of the step, {@value StepState#SIZE} FLOAT64 whose places {@link StepState}
   * names; not to be written. {@link StepState#SKIP} is not 0 in a refused step, in which the rule
   * must change nothing.
   */
  public DeviceBuffer state() {
    return state;
  }

  /**
   * Asks for 1 − beta1<sup>t</sup> and √(1 − beta2<sup>t</sup>) in the state's places {@link
   * StepState#CORRECTION1} and {@link StepState#CORRECTION2}, where t counts the steps that were
   * not refused, this one included.
   *
   * @throws IllegalArgumentException if others were asked for
   */
  public void biasCorrections(double beta1, double beta2) {
    updater.biasCorrections(beta1, beta2);
  }

  /** Begins a rule; operations in it do nothing in a refused step. */
  public VectorProgram program() {
    return updater.program(state.slice(StepState.SKIP, 1));
  }

  /** Takes over what the rule needs, to be closed with the updater. */
  public <T extends AutoCloseable> T own(T resource) {
    return updater.own(resource);
  }

  /**
   * Returns one launch of a kernel of optimizer.cu for the whole rule.
   *
   * @param own the arguments between the gradients and the limit of their values
   */
  Runnable fused(String rule, Object... own) {
    var arguments = new ArrayList<Object>();
    arguments.add(masters);
    if (parameters.hasMasters()) {
      arguments.add(range.in(parameters.weights()));
    }
    arguments.add(range.in(parameters.gradients()));
    arguments.addAll(List.of(own));
    arguments.add(valueLimit);
    arguments.add(elements());
    Launch launch =
        own(
            device()
                .kernels()
                .get("optimizer", rule, parameters.type())
                .overElements(elements(), arguments.toArray()));
    return launch::run;
  }

  /** Returns an argument for a moment that the kernel does not touch. */
  DeviceBuffer untouched() {
    return masters;
  }

  /** Binds a rule, and what has to be done before and after it. */
  List<Runnable> bind(Optimizer optimizer) {
    Runnable rule = Objects.requireNonNull(optimizer.bind(this), "what the optimizer bound");
    var runs = new ArrayList<Runnable>();
    if (makeReady != null) {
      runs.add(makeReady::run);
    }
    runs.add(rule);
    if (round != null) {
      runs.add(round::run);
    }
    return runs;
  }
}
