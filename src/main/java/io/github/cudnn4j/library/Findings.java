package io.github.cudnn4j.library;

import io.github.cudnn4j.library.LibraryAttempt.Outcome;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Collects what a report is made of while libraries are looked for. */
final class Findings {
  private final List<LibraryAttempt> attempts = new ArrayList<>();
  private final List<LibraryReport.Fact> facts = new ArrayList<>();
  private final List<LibraryReport.DeviceInfo> devices = new ArrayList<>();
  private final List<String> notes = new ArrayList<>();
  private final Set<String> advice = new LinkedHashSet<>();
  private String lastProblem = "";
  private boolean lastWasThere;

  void found(String library, LibraryLocation location, Object path, String version) {
    attempt(library, location, path, Outcome.FOUND, version);
  }

  void missing(String library, LibraryLocation location, Object path, String reason) {
    attempt(library, location, path, Outcome.MISSING, reason);
  }

  void refused(String library, LibraryLocation location, Object path, String reason) {
    attempt(library, location, path, Outcome.REFUSED, reason);
  }

  private void attempt(
      String library, LibraryLocation location, Object path, Outcome outcome, String reason) {
    attempts.add(new LibraryAttempt(library, path.toString(), location.origin(), outcome, reason));
    if (outcome != Outcome.FOUND) {
      lastProblem = library + " of " + location.describe() + ": " + reason;
      lastWasThere = outcome == Outcome.REFUSED;
    }
  }

  /** Says in one line why the library that failed last cannot be used. */
  String lastProblem() {
    return lastProblem;
  }

  /** Returns whether the library that failed last is there. */
  boolean lastWasThere() {
    return lastWasThere;
  }

  void fact(String name, String value) {
    facts.add(new LibraryReport.Fact(name, value));
  }

  void device(LibraryReport.DeviceInfo device) {
    devices.add(device);
  }

  void note(String note) {
    notes.add(note);
  }

  void advise(String step) {
    advice.add(step);
  }

  LibraryReport report(DeviceChoice choice, @Nullable DeviceKind kind) {
    return new LibraryReport(
        choice, kind, Platform.describe(), attempts, facts, devices, notes, List.copyOf(advice));
  }
}
