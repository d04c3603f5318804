package io.github.cudnn4j.tape;

import io.github.cudnn4j.cudnn.Softmax;
import io.github.cudnn4j.cudnn.SoftmaxAlgorithm;

/** Softmax over the last extent, or its logarithm. */
record RowSoftmax(Softmax softmax, Tensor x, Tensor y) implements Operation {

  static Tensor record(Tape tape, Tensor x, SoftmaxAlgorithm algorithm) {
    return tape.record(
        x.shape(),
        (in, y) ->
            new RowSoftmax(
                tape.own(
                    Softmax.create(tape.device(), algorithm, tape.type(), x.rows(), x.columns())),
                in.get(0),
                y),
        x);
  }

  @Override
  public void forward() {
    softmax.forward(x.value(), y.value());
  }

  @Override
  public void backward() {
    if (y.gradient() != null && x.gradient() != null) {
      softmax.backward(y.value(), y.gradient(), x.gradient());
    }
  }
}
