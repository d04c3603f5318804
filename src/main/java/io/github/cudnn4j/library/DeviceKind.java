package io.github.cudnn4j.library;

/** What does the work behind the CUDA and cuDNN functions of this process. */
public enum DeviceKind {
  /** An NVIDIA GPU, through NVIDIA's libraries. */
  CUDA("CUDA"),
  /** The CPU, through the host device that comes with this library. */
  HOST("host (CPU)");

  private final String text;

  DeviceKind(String text) {
    this.text = text;
  }

  @Override
  public String toString() {
    return text;
  }
}
