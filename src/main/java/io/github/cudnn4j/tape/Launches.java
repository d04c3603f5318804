package io.github.cudnn4j.tape;

import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.Launch;
import java.util.List;

/** Kernels in their order; a list without any means that there is nothing to be done. */
record Launches(List<Launch> onForward, List<Launch> onBackward) implements Operation {

  /** Makes the launch that computes one gradient from another. */
  interface Derivative {
    Launch of(DeviceBuffer dy, DeviceBuffer dx);
  }

  /** One kernel for each direction, the way back only where the gradient of x is wanted. */
  static Launches of(Launch forward, Tensor x, Tensor y, Derivative derivative) {
    DeviceBuffer dy = y.gradient();
    DeviceBuffer dx = x.gradient();
    return new Launches(
        List.of(forward), dy == null || dx == null ? List.of() : List.of(derivative.of(dy, dx)));
  }

  @Override
  public void forward() {
    run(onForward);
  }

  @Override
  public void backward() {
    run(onBackward);
  }

  private static void run(List<Launch> launches) {
    for (int i = 0; i < launches.size(); i++) {
      launches.get(i).run();
    }
  }
}
