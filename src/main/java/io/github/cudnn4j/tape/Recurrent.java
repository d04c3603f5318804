package io.github.cudnn4j.tape;

import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.Launch;
import io.github.cudnn4j.rnn.Rnn;
import io.github.cudnn4j.rnn.RnnConfig;
import io.github.cudnn4j.rnn.RnnPass;
import io.github.cudnn4j.rnn.RnnPlan;
import io.github.cudnn4j.rnn.RnnStateGradients;
import io.github.cudnn4j.rnn.RnnStates;
import io.github.cudnn4j.rnn.SequenceShape;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A recurrent network over all steps of a batch, or over as many of each sequence as count. */
final class Recurrent implements Operation {

  private final RnnPlan plan;
  private final RnnStates states;
  private final RnnStateGradients gradients;
  private final Tensor x;
  private final Tensor y;
  private final @Nullable Lengths lengths;
  private final @Nullable Launch clearing;
  private @Nullable RnnPass pass;

  private Recurrent(
      RnnPlan plan,
      RnnStates states,
      RnnStateGradients gradients,
      Tensor x,
      Tensor y,
      @Nullable Lengths lengths) {
    this.plan = plan;
    this.states = states;
    this.gradients = gradients;
    this.x = x;
    this.y = y;
    this.lengths = lengths;
    DeviceBuffer dx = x.gradient();
    clearing = lengths == null || dx == null ? null : lengths.clearing(x, dx);
  }

  /** Returns the network. */
  Rnn rnn() {
    return plan.rnn();
  }

  /** Records the network with states of its own that are carried. */
  static Tensor record(Tape tape, Rnn rnn, Tensor x, CarriedStates carried) {
    check(tape, rnn, x);
    RnnPlan plan = plan(tape, rnn, SequenceShape.of(x.dim(0), x.dim(1)));
    Tensor y = tape.output(true, x.dim(0), x.dim(1), rnn.config().outputSize());
    return tape.record(
        (in, out) -> {
          RnnStates states = carried.add(tape, rnn.config(), x.dim(1));
          return tape.generators()
              .add(new Recurrent(plan, states, RnnStateGradients.NONE, in.get(0), out, null));
        },
        y,
        x);
  }

  /**
   * Records the network with states that gradients flow into.
   *
   * @param lengths null if all steps count
   * @param h0 null for a zero state
   */
  static RecurrentOutput record(
      Tape tape,
      Rnn rnn,
      Tensor x,
      @Nullable Lengths lengths,
      @Nullable Tensor h0,
      @Nullable Tensor c0) {
    RnnConfig config = rnn.config();
    check(tape, rnn, x);
    if (lengths != null) {
      tape.check(lengths);
      lengths.check(x);
    }
    int batch = x.dim(1);
    int[] shapeOfH = {config.pseudoLayers(), batch, config.projectionSize()};
    int[] shapeOfC = {config.pseudoLayers(), batch, config.hiddenSize()};
    if (h0 != null && config.hasCellState() != (c0 != null)) {
      throw new IllegalArgumentException(
          "a cell of kind "
              + config.mode()
              + (c0 == null ? " needs an initial cell state too" : " has no cell state"));
    }
    checkState("h0", h0, shapeOfH);
    checkState("c0", c0, shapeOfC);
    RnnPlan plan =
        plan(
            tape,
            rnn,
            lengths == null
                ? SequenceShape.of(x.dim(0), batch)
                : SequenceShape.varying(x.dim(0), batch));
    Tensor y = tape.output(true, x.dim(0), batch, config.outputSize());
    Tensor h = tape.output(true, shapeOfH);
    Tensor c = config.hasCellState() ? tape.output(true, shapeOfC) : null;
    List<Tensor> inputs = new ArrayList<>(List.of(x));
    if (h0 != null) {
      inputs.add(h0);
    }
    if (c0 != null) {
      inputs.add(c0);
    }
    tape.record(
        (in, out) ->
            tape.generators()
                .add(
                    new Recurrent(
                        plan,
                        new RnnStates(value(h0), value(c0), h.value(), value(c)),
                        new RnnStateGradients(
                            h.gradient(),
                            c == null ? null : c.gradient(),
                            in.size() > 1 ? in.get(1).gradient() : null,
                            in.size() > 2 ? in.get(2).gradient() : null),
                        in.get(0),
                        out,
                        lengths)),
        y,
        inputs.toArray(Tensor[]::new));
    return new RecurrentOutput(tape, y, h, c);
  }

  private static void check(Tape tape, Rnn rnn, Tensor x) {
    tape.checkTensor("x", x, 3);
    if (x.columns() != rnn.config().inputSize() || rnn.config().precision() != tape.precision()) {
      throw new IllegalArgumentException(
          x
              + " for a network with input "
              + rnn.config().inputSize()
              + " of "
              + rnn.config().precision()
              + " on a tape of "
              + tape.precision());
    }
  }

  private static RnnPlan plan(Tape tape, Rnn rnn, SequenceShape shape) {
    return tape.own(tape.isTraining() ? rnn.plan(shape) : rnn.inferencePlan(shape));
  }

  private static void checkState(String name, @Nullable Tensor state, int[] shape) {
    if (state != null && !Arrays.equals(state.shape(), shape)) {
      throw new IllegalArgumentException(
          name + " is " + state + ", needed is the shape " + Arrays.toString(shape));
    }
  }

  private static @Nullable DeviceBuffer value(@Nullable Tensor tensor) {
    return tensor == null ? null : tensor.value();
  }

  @Override
  public boolean isCapturable() {
    return lengths == null;
  }

  @Override
  public void forward() {
    if (lengths != null) {
      plan.setLengths(lengths.numbers());
    }
    if (y.gradient() != null) {
      pass = plan.forward(x.value(), y.value(), states);
    } else {
      plan.infer(x.value(), y.value(), states);
    }
  }

  @Override
  public void backward() {
    if (pass != null && y.gradient() != null) {
      pass.backward(y.gradient(), x.gradient(), gradients);
      if (clearing != null) {
        clearing.run();
      }
    }
  }
}
