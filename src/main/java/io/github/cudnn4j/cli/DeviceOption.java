package io.github.cudnn4j.cli;

import io.github.cudnn4j.library.DeviceChoice;
import io.github.cudnn4j.library.Settings;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Where to run. */
final class DeviceOption {

  @Option(
      names = "--device",
      paramLabel = "auto|cuda|host",
      description = {
        "Where to run: an NVIDIA GPU, this machine's processor, or the GPU if it is usable.",
        "Without this option: the property "
            + Settings.DEVICE
            + ", else "
            + Settings.DEVICE_VARIABLE
            + ", else auto."
      })
  private @Nullable DeviceChoice chosen;

  DeviceChoice choice() {
    return chosen == null ? DeviceChoice.configured() : chosen;
  }
}
