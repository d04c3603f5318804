package io.github.cudnn4j.library;

import java.nio.file.Path;
import java.util.Optional;

/** Where NVIDIA's own cuDNN is on this machine. */
public final class InstalledCudnn {
  private InstalledCudnn() {}

  /** Returns the first folder with all of its libraries, among the locations that are searched. */
  public static Optional<Path> folder() {
    return new SearchPath(Environment.ofProcess())
        .cudnn().stream()
            .filter(location -> !location.isLoader() && CudnnLibraries.isIn(location))
            .map(location -> location.folders().getFirst())
            .findFirst();
  }
}
