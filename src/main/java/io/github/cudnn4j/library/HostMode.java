package io.github.cudnn4j.library;

import io.github.cudnn4j.bindings.HostDevice;
import java.util.Locale;

/** When the host device does the work handed to a stream. */
public enum HostMode {
  /** At once, before the call that enqueues it returns. */
  EAGER(HostDevice.CUDNN4J_HOST_EAGER()),
  /** Only when something waits for it, so that a missing synchronization is a wrong result. */
  LAZY(HostDevice.CUDNN4J_HOST_LAZY());

  final int code;

  HostMode(int code) {
    this.code = code;
  }

  static HostMode parse(String text) {
    for (var mode : values()) {
      if (mode.name().equalsIgnoreCase(text.strip())) {
        return mode;
      }
    }
    throw new IllegalArgumentException("host device mode '" + text + "' is none of eager, lazy");
  }

  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }
}
