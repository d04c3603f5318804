package io.github.cudnn4j.tape;

/**
 * A tensor to whose gradient the operations that take it add, or each writes a part, so that none
 * needs a buffer for the whole. What they do not write is 0.
 */
record SharedGradient(Tensor x) implements Operation {

  /**
   * Returns the tensor to share. Its gradient is complete when all that was recorded after this has
   * been played backwards; {@link Tape#record} must not know of it.
   */
  static Tensor of(Tape tape, Tensor x) {
    var shared = new Tensor[1];
    tape.record(
        (in, _) -> {
          shared[0] = in.get(0);
          return new SharedGradient(in.get(0));
        },
        x,
        x);
    return shared[0];
  }

  @Override
  public void forward() {
    if (x.gradient() != null) {
      x.gradient().clear();
    }
  }

  @Override
  public void backward() {}
}
