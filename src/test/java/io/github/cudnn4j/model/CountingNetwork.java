package io.github.cudnn4j.model;

import io.github.cudnn4j.tape.Operation;
import io.github.cudnn4j.tape.Tensor;
import java.util.List;

/** Its state counts how often each of four tokens was read, and is its output. */
final class CountingNetwork {
  static final List<StepNetwork.State> STATES = List.of(new StepNetwork.State(1, 4));

  static final StepNetwork NETWORK =
      (tape, in) -> {
        Tensor counts = tape.add(in.state(0), tape.oneHot(in.tokens(), 4));
        return new StepNetwork.Output(counts, List.of(counts));
      };

  private CountingNetwork() {}

  /** The same, which does something in the midst of each step, on the thread that runs it. */
  static StepNetwork with(Runnable action) {
    return (tape, in) -> {
      StepNetwork.Output out = NETWORK.record(tape, in);
      Tensor same =
          tape.record(
              out.logits().shape(), (ins, y) -> new Copy(ins.get(0), y, action), out.logits());
      return new StepNetwork.Output(same, List.of(same));
    };
  }

  private record Copy(Tensor x, Tensor y, Runnable action) implements Operation {
    @Override
    public void forward() {
      action.run();
      y.value().copyFrom(x.value());
    }

    @Override
    public void backward() {}

    @Override
    public boolean isCapturable() {
      return false;
    }
  }
}
