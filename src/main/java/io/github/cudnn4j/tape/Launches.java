package io.github.cudnn4j.tape;

import io.github.cudnn4j.cuda.Launch;
import java.util.List;

/** Kernels in their order; a list without any means that there is nothing to be done. */
record Launches(List<Launch> onForward, List<Launch> onBackward) implements Operation {

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
