package io.github.cudnn4j.library;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.junit.jupiter.api.Test;

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
}
