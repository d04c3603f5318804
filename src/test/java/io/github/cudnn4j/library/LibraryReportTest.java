package io.github.cudnn4j.library;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

/** A report as a terminal shows it. */
class LibraryReportTest {
  @Test
  void tellsTheStoryInAscii() {
    var missing = LibraryAttempt.Outcome.MISSING;
    var report =
        new LibraryReport(
            DeviceChoice.AUTO,
            DeviceKind.HOST,
            "Linux amd64, Java 25",
            List.of(
                new LibraryAttempt("liba.so.1", "/usr/lib", "folders", missing, "no such file"),
                new LibraryAttempt("liba.so.1", "/lib", "folders", missing, "no such file"),
                new LibraryAttempt(
                    "libbb.so.1",
                    "/h\u00e4/libbb.so.1",
                    "property p",
                    LibraryAttempt.Outcome.FOUND,
                    "version 3")),
            List.of(new LibraryReport.Fact("cuDNN", "9.24.0")),
            List.of(new LibraryReport.DeviceInfo(0, "A CPU", 90, 32, 3L << 29)),
            List.of("word ".repeat(25).strip()),
            List.of("Do this."));
    assertEquals(
        """
        cudnn4j on Linux amd64, Java 25
        Device asked for: auto
        Device in use:    host (CPU)

        Devices
          0  A CPU, compute capability 9.0, 32 multiprocessors, 1.5 GiB

        In use
          cuDNN  9.24.0

        Notes
          - word word word word word word word word word word word word word word word word word word word
            word word word word word word

        Looked for, in this order
          folders
              missing  liba.so.1   no such file: /usr/lib, /lib
          property p
            /h?/
              found    libbb.so.1  version 3

        What to do
          * Do this.
        """,
        report.toString());
  }

  @Test
  void whatIsMissingIsNamed() {
    missing("choice", () -> report(null, "", List.of(), List.of()));
    missing("platform", () -> report(DeviceChoice.HOST, null, List.of(), List.of()));
    missing("attempts", () -> report(DeviceChoice.HOST, "", null, List.of()));
    missing("advice", () -> report(DeviceChoice.HOST, "", List.of(), null));
    var nothing = Collections.<String>singletonList(null);
    missing("an element of advice", () -> report(DeviceChoice.HOST, "", List.of(), nothing));
    missing("value", () -> new LibraryReport.Fact("cuDNN", null));
    missing("name", () -> new LibraryReport.DeviceInfo(0, null, 90, 1, 1));
    missing("reason", () -> new LibraryAttempt("a", "b", "c", LibraryAttempt.Outcome.FOUND, null));
    var libraries = NativeLibraries.load(DeviceChoice.configured());
    missing("function", () -> libraries.has(null));
  }

  private static LibraryReport report(
      @Nullable DeviceChoice choice,
      @Nullable String platform,
      @Nullable List<LibraryAttempt> attempts,
      @Nullable List<String> advice) {
    return new LibraryReport(
        choice, null, platform, attempts, List.of(), List.of(), List.of(), advice);
  }

  private static void missing(String name, Executable action) {
    assertEquals(name, assertThrows(NullPointerException.class, action).getMessage());
  }
}
