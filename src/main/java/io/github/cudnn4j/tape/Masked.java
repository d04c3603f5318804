package io.github.cudnn4j.tape;

import io.github.cudnn4j.cudnn.Dropout;

/** Dropout with its own generator. */
record Masked(Dropout dropout, Tensor x, Tensor y) implements Operation {

  @Override
  public void forward() {
    dropout.forward(x.value(), y.value());
  }

  @Override
  public void backward() {
    if (y.gradient() != null && x.gradient() != null) {
      dropout.backward(y.gradient(), x.gradient());
    }
  }
}
