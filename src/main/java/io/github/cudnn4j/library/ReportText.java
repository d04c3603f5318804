package io.github.cudnn4j.library;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Lays a report out for a terminal, in plain ASCII. */
final class ReportText {
  private static final int WIDTH = 100;
  private static final String LOADER = LibraryLocation.loader().describe();

  private final StringBuilder text = new StringBuilder();

  private ReportText() {}

  static String of(LibraryReport report) {
    var layout = new ReportText();
    layout.line("cudnn4j on " + report.platform());
    layout.line("Device asked for: " + report.choice());
    layout.line("Device in use:    " + (report.kind() == null ? "none" : report.kind()));
    layout.devices(report.devices());
    layout.facts(report.facts());
    layout.list("Notes", "-", report.notes());
    layout.attempts(report.attempts());
    layout.list("What to do", "*", report.advice());
    return layout.text.toString();
  }

  private void devices(List<LibraryReport.DeviceInfo> devices) {
    if (devices.isEmpty()) {
      return;
    }
    heading("Devices");
    for (var device : devices) {
      line(
          String.format(
              Locale.ROOT,
              "  %d  %s, compute capability %d.%d, %d multiprocessors, %.1f GiB",
              device.ordinal(),
              ascii(device.name()),
              device.computeCapability() / 10,
              device.computeCapability() % 10,
              device.multiprocessors(),
              device.memoryBytes() / (double) (1L << 30)));
    }
  }

  private void facts(List<LibraryReport.Fact> facts) {
    if (facts.isEmpty()) {
      return;
    }
    heading("In use");
    var width = facts.stream().mapToInt(fact -> fact.name().length()).max().orElse(0);
    for (var fact : facts) {
      line("  " + pad(fact.name(), width) + "  " + ascii(fact.value()));
    }
  }

  private void attempts(List<LibraryAttempt> attempts) {
    if (attempts.isEmpty()) {
      return;
    }
    heading("Looked for, in this order");
    var nameWidth = attempts.stream().mapToInt(a -> a.library().length()).max().orElse(0);
    var origin = "";
    var folder = "";
    for (var i = 0; i < attempts.size(); i++) {
      var attempt = attempts.get(i);
      if (!attempt.origin().equals(origin)) {
        origin = attempt.origin();
        folder = "";
        line("  " + ascii(origin));
      }
      var text = new StringBuilder(attempt.reason());
      if (attempt.location().endsWith("/" + attempt.library())) {
        // Long paths are told once, above the files that lie side by side.
        var parent =
            attempt
                .location()
                .substring(0, attempt.location().length() - attempt.library().length());
        if (!parent.equals(folder)) {
          folder = parent;
          line("    " + ascii(folder));
        }
      } else if (!attempt.location().equals(LOADER)) {
        text.append(text.isEmpty() ? "" : ": ").append(attempt.location());
        while (i + 1 < attempts.size() && differOnlyInPlace(attempt, attempts.get(i + 1))) {
          text.append(", ").append(attempts.get(++i).location());
        }
      }
      var start =
          "      "
              + pad(attempt.outcome().toString(), 7)
              + "  "
              + pad(attempt.library(), nameWidth)
              + "  ";
      wrapped(start, start.length(), ascii(text.toString()));
    }
  }

  private static boolean differOnlyInPlace(LibraryAttempt one, LibraryAttempt other) {
    return one.outcome() == LibraryAttempt.Outcome.MISSING
        && one.outcome() == other.outcome()
        && one.origin().equals(other.origin())
        && one.library().equals(other.library())
        && one.reason().equals(other.reason());
  }

  private void list(String heading, String mark, List<String> items) {
    if (items.isEmpty()) {
      return;
    }
    heading(heading);
    for (var item : items) {
      wrapped("  " + mark + " ", 4, ascii(item));
    }
  }

  private void heading(String heading) {
    text.append('\n');
    line(heading);
  }

  /** Appends words after {@code start}, breaking lines at {@link #WIDTH} columns. */
  private void wrapped(String start, int indent, String words) {
    var lines = new ArrayList<StringBuilder>();
    lines.add(new StringBuilder(start));
    var empty = true;
    for (var word : words.split(" ")) {
      var last = lines.getLast();
      if (!empty && last.length() + 1 + word.length() > WIDTH) {
        last = new StringBuilder(" ".repeat(indent));
        lines.add(last);
        empty = true;
      }
      last.append(empty ? "" : " ").append(word);
      empty = false;
    }
    lines.forEach(this::line);
  }

  private void line(CharSequence line) {
    text.append(line.toString().stripTrailing()).append('\n');
  }

  private static String pad(String value, int width) {
    return value + " ".repeat(Math.max(0, width - value.length()));
  }

  /** Replaces what a terminal without Unicode, or a log file, could not show. */
  private static String ascii(String value) {
    var result = new StringBuilder(value.length());
    value
        .codePoints()
        .forEach(c -> result.append(c == '\n' ? ' ' : c >= ' ' && c < 127 ? (char) c : '?'));
    return result.toString();
  }
}
