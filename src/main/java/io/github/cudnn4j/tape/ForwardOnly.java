package io.github.cudnn4j.tape;

import io.github.cudnn4j.cuda.Launch;

/** One kernel that has no derivative. */
record ForwardOnly(Launch launch) implements Operation {

  @Override
  public void forward() {
    launch.run();
  }

  @Override
  public void backward() {}
}
