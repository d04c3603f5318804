package io.github.cudnn4j.cli;

import io.github.cudnn4j.cli.BenchRun.Pass;
import io.github.cudnn4j.cli.BenchRun.Result;
import io.github.cudnn4j.cli.BenchRun.Timing;
import io.github.cudnn4j.cudnn.RnnAlgorithm;
import io.github.cudnn4j.io.Json;
import io.github.cudnn4j.io.WholeFile;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The results of a sweep as they come: for people as a table, and as JSON. The runs of one shape in
 * one precision, which differ in the algorithm, are a group; a group is written when its last run
 * is done, because only then its fastest is known.
 *
 * <p>May be ended by another thread than the one that measures.
 */
final class BenchReport {
  private final Map<String, Object> facts;
  private final List<BenchRun> runs;
  private final BenchPeak peak;
  private final BenchTable table;
  private final PrintWriter out;
  private final @Nullable Path json;
  private final int algorithms;
  private final List<Result> results = new ArrayList<>();
  private final List<Result> group = new ArrayList<>();
  private @Nullable String stopped;
  private boolean ended;

  /**
   * Starts without results.
   *
   * @param facts about the device and the way of measuring
   * @param runs all of the sweep, group by group
   * @param json the file to write, in a folder that there is; null for none
   * @throws IOException if the file cannot be written
   */
  BenchReport(
      Map<String, Object> facts,
      List<BenchRun> runs,
      BenchPeak peak,
      BenchTable table,
      PrintWriter out,
      @Nullable Path json)
      throws IOException {
    this.facts = facts;
    this.runs = List.copyOf(runs);
    this.peak = peak;
    this.table = table;
    this.out = out;
    this.json = json;
    this.algorithms = (int) runs.stream().takeWhile(run -> sameGroup(run, runs.getFirst())).count();
    write();
  }

  /** Says on a terminal what is measured now. */
  synchronized void begin(BenchRun run) {
    if (!ended) {
      out.print(table.progress(results.size() + 1, run));
      out.flush();
    }
  }

  /** Takes a result, and writes the group that it completes. */
  synchronized void add(Result result) {
    if (ended) {
      return;
    }
    results.add(result);
    group.add(result);
    if (results.size() == runs.size() || !sameGroup(result.run(), runs.get(results.size()))) {
      flush();
    }
  }

  /**
   * Writes what is left to say; after that nothing is written any more, also if this fails.
   *
   * @param why what is not measured is not, null if all is measured
   */
  synchronized void end(@Nullable String why) {
    if (ended) {
      return;
    }
    ended = true;
    stopped = why;
    try {
      flush();
    } finally {
      out.print(table.ending(results, fastest(), why));
      out.flush();
    }
  }

  private void flush() {
    out.print(table.rows(group, fastest(group)));
    out.flush();
    group.clear();
    try {
      write();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot write " + json + ": " + Main.message(e), e);
    }
  }

  private static boolean sameGroup(BenchRun one, BenchRun other) {
    return one.shape().equals(other.shape()) && one.precision() == other.precision();
  }

  /** The fastest of each group. */
  private List<Map<Pass, Result>> fastest() {
    return groups().stream().map(this::fastest).toList();
  }

  private List<List<Result>> groups() {
    List<List<Result>> groups = new ArrayList<>();
    for (Result result : results) {
      if (groups.isEmpty() || !sameGroup(groups.getLast().getFirst().run(), result.run())) {
        groups.add(new ArrayList<>());
      }
      groups.getLast().add(result);
    }
    return groups;
  }

  /** By pass the fastest of a group; none if it is not complete, or nothing to compare. */
  private Map<Pass, Result> fastest(List<Result> group) {
    Map<Pass, Result> best = new EnumMap<>(Pass.class);
    boolean comparable =
        group.size() == algorithms
            && group.stream().filter(result -> result.run().algorithm() != null).count() > 1;
    for (Result result : comparable ? group : List.<Result>of()) {
      if (result.run().algorithm() != null) {
        result
            .timings()
            .keySet()
            .forEach(
                pass ->
                    best.merge(pass, result, (a, b) -> a.median(pass) <= b.median(pass) ? a : b));
      }
    }
    return best;
  }

  /** The file is replaced as a whole, so that it can be read at any time. */
  private void write() throws IOException {
    if (json == null) {
      return;
    }
    Map<String, Object> all = new LinkedHashMap<>(facts);
    Map<String, Object> peaks = new LinkedHashMap<>();
    peak.teraflops().forEach((precision, value) -> peaks.put(precision.name(), value));
    all.put("peakTeraflops", peaks);
    all.put("peakSource", peak.source());
    List<Map<String, Object>> rows = new ArrayList<>();
    for (List<Result> each : groups()) {
      Map<Pass, Result> best = fastest(each);
      each.forEach(result -> rows.add(json(result, best)));
    }
    all.put("rows", rows);
    all.put(
        "leftOut",
        runs.subList(results.size(), runs.size()).stream().map(BenchRun::toString).toList());
    all.put("leftOutBecause", stopped);
    WholeFile.write(json, (Json.write(all) + "\n").getBytes(StandardCharsets.UTF_8));
  }

  private Map<String, Object> json(Result result, Map<Pass, Result> best) {
    Map<String, Object> row = new LinkedHashMap<>();
    RnnAlgorithm used = result.used();
    row.put("shape", result.run().shape().toString());
    row.put("precision", result.run().precision().name());
    row.put("algorithm", result.run().algorithmName());
    row.put("supported", result.refusal() == null);
    row.put("refusal", result.refusal());
    row.put("used", used == null ? null : used.name());
    row.put("workspaceBytes", result.workspaceBytes());
    row.put("reserveBytes", result.reserveBytes());
    for (Pass pass : Pass.values()) {
      Timing timing = result.timings().get(pass);
      row.put(pass.key, timing == null ? null : json(result, timing, best.get(pass) == result));
    }
    return row;
  }

  private Map<String, Object> json(Result result, Timing timing, boolean fastest) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("medianMilliseconds", timing.median());
    json.put("spread", timing.spread());
    json.put("teraflops", timing.teraflops());
    Double best = peak.teraflops().get(result.run().precision());
    json.put("ofPeak", best == null ? null : timing.teraflops() / best);
    json.put("fastest", fastest);
    json.put("milliseconds", Arrays.stream(timing.milliseconds()).boxed().toList());
    return json;
  }
}
