package io.github.cudnn4j.library;

import java.util.Locale;

/** Which kind of device a program asks for. */
public enum DeviceChoice {
  /** CUDA when it is complete and working, the host device otherwise. */
  AUTO,
  /** CUDA or nothing. */
  CUDA,
  /** The host device or nothing. */
  HOST;

  /**
   * Returns the choice made outside of the program: system property {@value Settings#DEVICE}, else
   * environment variable {@value Settings#DEVICE_VARIABLE}, else {@link #AUTO}.
   *
   * @throws IllegalArgumentException if the value is none of auto, cuda, host
   */
  public static DeviceChoice configured() {
    var property = System.getProperty(Settings.DEVICE);
    var value = property != null ? property : System.getenv(Settings.DEVICE_VARIABLE);
    return value == null || value.isBlank() ? AUTO : parse(value);
  }

  /**
   * Parses {@code auto}, {@code cuda} or {@code host} in any case.
   *
   * @throws IllegalArgumentException if the text is none of them
   */
  public static DeviceChoice parse(String text) {
    for (var choice : values()) {
      if (choice.name().equalsIgnoreCase(text.strip())) {
        return choice;
      }
    }
    throw new IllegalArgumentException("device '" + text + "' is none of auto, cuda, host");
  }

  /** Returns the name that {@link #parse} accepts. */
  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }
}
