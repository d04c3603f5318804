package io.github.cudnn4j.tape;

import io.github.cudnn4j.rnn.RnnPass;
import io.github.cudnn4j.rnn.RnnPlan;
import io.github.cudnn4j.rnn.RnnStates;
import org.jspecify.annotations.Nullable;

/** A recurrent network over a whole window. */
final class Recurrent implements Operation {

  private final RnnPlan plan;
  private final RnnStates states;
  private final Tensor x;
  private final Tensor y;
  private @Nullable RnnPass pass;

  Recurrent(RnnPlan plan, RnnStates states, Tensor x, Tensor y) {
    this.plan = plan;
    this.states = states;
    this.x = x;
    this.y = y;
  }

  @Override
  public void forward() {
    if (y.gradient() != null) {
      pass = plan.forward(x.value(), y.value(), states);
    } else {
      plan.infer(x.value(), y.value(), states);
    }
  }

  @Override
  public void backward() {
    if (pass != null && y.gradient() != null) {
      pass.backward(y.gradient(), x.gradient());
    }
  }
}
