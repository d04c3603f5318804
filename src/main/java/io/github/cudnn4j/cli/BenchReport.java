package io.github.cudnn4j.cli;

import io.github.cudnn4j.cli.BenchRun.Result;
import io.github.cudnn4j.cli.BenchRun.Timing;
import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.cudnn.RnnAlgorithm;
import io.github.cudnn4j.io.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The results of a sweep as a table for people and as JSON. */
final class BenchReport {
  private static final String BLANK = "";

  /** Characters of a reason in the table; JSON has all of them. */
  private static final int ROOM = 110;

  private final Map<String, Object> facts;
  private final List<BenchRun> runs;
  private final BenchPeak peak;
  private final List<Result> results = new ArrayList<>();
  private @Nullable String stopped;

  /**
   * Starts without results.
   *
   * @param facts about the device and the way of measuring
   * @param runs all of the sweep, in the order of the table
   */
  BenchReport(Map<String, Object> facts, List<BenchRun> runs, BenchPeak peak) {
    this.facts = facts;
    this.runs = List.copyOf(runs);
    this.peak = peak;
  }

  void add(Result result) {
    results.add(result);
  }

  /** Says why what is not measured is not. */
  void stopped(String why) {
    stopped = why;
  }

  /** The runs of which there is no result. */
  List<BenchRun> leftOut() {
    List<BenchRun> rest = new ArrayList<>(runs);
    results.forEach(result -> rest.remove(result.run()));
    return rest;
  }

  /** One result on one line, for the time being. */
  String line(Result result) {
    String head =
        "[%d/%d] %s %s %s: "
            .formatted(
                results.size(),
                runs.size(),
                result.run().shape(),
                result.run().precision(),
                name(result.run().algorithm()));
    Timing inference = result.inference();
    Timing training = result.training();
    return inference == null || training == null
        ? head + "refused, " + result.refusal()
        : head
            + String.format(
                Locale.ROOT,
                "inference %.3f ms, forward and backward %.3f ms",
                inference.median(),
                training.median());
  }

  /** The table, with what follows from it. */
  String table() {
    List<String[]> rows = new ArrayList<>();
    rows.add(
        new String[] {
          "shape",
          "precision",
          "algorithm",
          "inference",
          "±",
          "TFLOP/s",
          "of peak",
          "forward",
          "±",
          "TFLOP/s",
          "of peak",
          "with backward",
          "±",
          "TFLOP/s",
          "of peak"
        });
    rows.add(
        new String[] {
          BLANK, BLANK, BLANK, "ms", "%", BLANK, "%", "ms", "%", BLANK, "%", "ms", "%", BLANK, "%"
        });
    Map<Integer, String> refusals = new LinkedHashMap<>();
    String shape = "";
    String precision = "";
    for (Result result : sorted()) {
      String nextShape = result.run().shape().toString();
      String nextPrecision = result.run().precision().toString();
      boolean sameShape = nextShape.equals(shape);
      boolean samePrecision = sameShape && nextPrecision.equals(precision);
      shape = nextShape;
      precision = nextPrecision;
      String[] row = new String[rows.getFirst().length];
      Arrays.fill(row, BLANK);
      row[0] = sameShape ? BLANK : shape;
      row[1] = samePrecision ? BLANK : precision;
      row[2] = name(result.run().algorithm());
      if (result.run().algorithm() == null && result.used() != null) {
        row[2] += " → " + result.used();
      }
      if (result.refusal() != null) {
        String why = result.refusal();
        refusals.put(
            rows.size(),
            "refused: " + (why.length() <= ROOM ? why : why.substring(0, ROOM - 1) + "…"));
      } else {
        timing(row, 3, result.inference(), result.run().precision());
        timing(row, 7, result.forward(), result.run().precision());
        timing(row, 11, result.training(), result.run().precision());
      }
      rows.add(row);
    }
    return aligned(rows, refusals) + fastest() + missing();
  }

  /** In the order of the sweep by shape, then precision, then algorithm. */
  private List<Result> sorted() {
    List<BenchShape> shapes = runs.stream().map(BenchRun::shape).distinct().toList();
    List<Precision> precisions = runs.stream().map(BenchRun::precision).distinct().toList();
    return results.stream()
        .sorted(
            Comparator.comparingInt((Result r) -> shapes.indexOf(r.run().shape()))
                .thenComparingInt(r -> precisions.indexOf(r.run().precision())))
        .toList();
  }

  private void timing(String[] row, int at, @Nullable Timing timing, Precision precision) {
    if (timing == null) {
      return;
    }
    Double best = peak.teraflops().get(precision);
    row[at] = decimal(timing.median(), 3);
    row[at + 1] = decimal(100 * timing.spread(), 1);
    double speed = timing.teraflops();
    row[at + 2] = decimal(speed, speed >= 100 ? 0 : speed >= 10 ? 1 : speed >= 1 ? 2 : 3);
    row[at + 3] = best == null ? "-" : decimal(100 * timing.teraflops() / best, 1);
  }

  /** Names to the left, numbers to the right, refusals across the numbers. */
  private static String aligned(List<String[]> rows, Map<Integer, String> refusals) {
    int columns = rows.getFirst().length;
    int[] widths = new int[columns];
    for (String[] row : rows) {
      for (int i = 0; i < columns; i++) {
        widths[i] = Math.max(widths[i], row[i].length());
      }
    }
    StringBuilder text = new StringBuilder();
    for (int r = 0; r < rows.size(); r++) {
      StringBuilder line = new StringBuilder();
      for (int i = 0; i < columns; i++) {
        String cell = rows.get(r)[i];
        String room = " ".repeat(widths[i] - cell.length());
        String gap = i == 0 ? "" : i == 3 || i == 7 || i == 11 ? "   " : "  ";
        line.append(gap).append(i < 3 ? cell + room : room + cell);
        if (i == 2 && refusals.containsKey(r)) {
          line.append("   ").append(refusals.get(r));
          break;
        }
      }
      text.append(line.toString().stripTrailing()).append('\n');
    }
    return text.toString();
  }

  /** Of each shape and precision with several algorithms, the fastest one in training. */
  private String fastest() {
    Map<String, Result> standard = new LinkedHashMap<>();
    Map<String, Result> best = new LinkedHashMap<>();
    for (Result result : sorted()) {
      if (result.training() == null || result.run().algorithm() == null) {
        continue;
      }
      String key = result.run().shape() + " " + result.run().precision();
      if (result.run().algorithm() == RnnAlgorithm.STANDARD) {
        standard.put(key, result);
      }
      best.merge(key, result, (a, b) -> a.training().median() <= b.training().median() ? a : b);
    }
    StringBuilder text = new StringBuilder();
    best.forEach(
        (key, result) -> {
          Result other = standard.get(key);
          if (other != null && other != result) {
            text.append(
                String.format(
                    Locale.ROOT,
                    "  %s: %s, %.2f times as fast as STANDARD%n",
                    key,
                    result.used(),
                    other.training().median() / result.training().median()));
          }
        });
    return text.isEmpty() ? "" : "\nFaster in training than STANDARD\n" + text;
  }

  private String missing() {
    List<BenchRun> rest = leftOut();
    if (rest.isEmpty()) {
      return "";
    }
    Map<String, Integer> groups = new LinkedHashMap<>();
    rest.forEach(
        run -> groups.merge(run.precision() + " " + name(run.algorithm()), 1, Integer::sum));
    StringBuilder text = new StringBuilder("\nLeft out, ").append(stopped).append('\n');
    groups.forEach(
        (group, count) ->
            text.append("  ")
                .append(group)
                .append(count == 1 ? ": 1 shape" : ": " + count + " shapes")
                .append('\n'));
    return text.toString();
  }

  private static String name(@Nullable RnnAlgorithm algorithm) {
    return algorithm == null ? "auto" : algorithm.name();
  }

  private static String decimal(double value, int digits) {
    return String.format(Locale.ROOT, "%." + digits + "f", value);
  }

  /** Writes everything that is known by now. */
  void write(Path file) throws IOException {
    Map<String, Object> json = new LinkedHashMap<>(facts);
    Map<String, Object> peaks = new LinkedHashMap<>();
    peak.teraflops().forEach((precision, value) -> peaks.put(precision.name(), value));
    json.put("peakTeraflops", peaks);
    json.put("peakSource", peak.source());
    json.put("rows", sorted().stream().map(this::json).toList());
    json.put(
        "leftOut",
        leftOut().stream()
            .map(run -> run.shape() + " " + run.precision() + " " + name(run.algorithm()))
            .toList());
    json.put("leftOutBecause", stopped);
    Files.writeString(file, Json.write(json) + "\n");
  }

  private Map<String, Object> json(Result result) {
    Map<String, Object> row = new LinkedHashMap<>();
    row.put("shape", result.run().shape().toString());
    row.put("precision", result.run().precision().name());
    row.put("algorithm", name(result.run().algorithm()));
    row.put("supported", result.refusal() == null);
    row.put("refusal", result.refusal());
    row.put("used", result.used() == null ? null : result.used().name());
    row.put("workspaceBytes", result.workspaceBytes());
    row.put("reserveBytes", result.reserveBytes());
    row.put("inference", json(result.inference(), result.run().precision()));
    row.put("forward", json(result.forward(), result.run().precision()));
    row.put("forwardBackward", json(result.training(), result.run().precision()));
    return row;
  }

  private @Nullable Map<String, Object> json(@Nullable Timing timing, Precision precision) {
    if (timing == null) {
      return null;
    }
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("medianMilliseconds", timing.median());
    json.put("spread", timing.spread());
    json.put("teraflops", timing.teraflops());
    Double best = peak.teraflops().get(precision);
    json.put("ofPeak", best == null ? null : timing.teraflops() / best);
    json.put("milliseconds", Arrays.stream(timing.milliseconds()).boxed().toList());
    return json;
  }
}
