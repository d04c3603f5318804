package io.github.cudnn4j.library;

import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The whole story of finding the native libraries: what was asked for, tried, found and refused,
 * what is in use, and what to do about it. {@link #toString} is that story as ASCII text for
 * people.
 *
 * @param choice the device asked for
 * @param kind the device in use, null when none is available
 * @param platform operating system, architecture, C library and Java version
 * @param attempts every library looked for, in order
 * @param facts versions and places of what is in use, in the order to show them
 * @param devices the devices that can be used
 * @param notes what a user should know, for example why the host device was chosen
 * @param advice what a user can do to get the other device, most useful first
 */
public record LibraryReport(
    DeviceChoice choice,
    @Nullable DeviceKind kind,
    String platform,
    List<LibraryAttempt> attempts,
    List<Fact> facts,
    List<DeviceInfo> devices,
    List<String> notes,
    List<String> advice) {

  /**
   * A named value, for example {@code cuDNN} and {@code 9.24.0}.
   *
   * @param name what it is
   * @param value the value, on one line
   */
  public record Fact(String name, String value) {

    /** Refuses what is missing. */
    public Fact {
      Objects.requireNonNull(name, "name");
      Objects.requireNonNull(value, "value");
    }
  }

  /**
   * One device.
   *
   * @param ordinal its number, from 0
   * @param name its name
   * @param computeCapability ten times the major plus the minor compute capability, 90 for 9.0
   * @param multiprocessors streaming multiprocessors; a fixed number on the host device
   * @param memoryBytes its memory in bytes
   */
  public record DeviceInfo(
      int ordinal, String name, int computeCapability, int multiprocessors, long memoryBytes) {

    /** Refuses a name that is missing. */
    public DeviceInfo {
      Objects.requireNonNull(name, "name");
    }
  }

  /** Copies the lists. */
  public LibraryReport {
    Objects.requireNonNull(choice, "choice");
    Objects.requireNonNull(platform, "platform");
    attempts = copy(attempts, "attempts");
    facts = copy(facts, "facts");
    devices = copy(devices, "devices");
    notes = copy(notes, "notes");
    advice = copy(advice, "advice");
  }

  private static <T> List<T> copy(List<T> list, String name) {
    Objects.requireNonNull(list, name);
    list.forEach(element -> Objects.requireNonNull(element, () -> "an element of " + name));
    return List.copyOf(list);
  }

  @Override
  public String toString() {
    return ReportText.of(this);
  }
}
