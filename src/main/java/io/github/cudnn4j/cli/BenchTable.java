package io.github.cudnn4j.cli;

import io.github.cudnn4j.cli.BenchRun.Pass;
import io.github.cudnn4j.cli.BenchRun.Result;
import io.github.cudnn4j.cli.BenchRun.Timing;
import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.cudnn.RnnAlgorithm;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.ToIntFunction;
import org.jspecify.annotations.Nullable;

/**
 * The lines that a sweep prints. Each shape is a block: a line with its name and those of the
 * columns, then a row for each precision and algorithm. On a screen that has no room for all
 * columns the most important are printed.
 */
final class BenchTable {
  private static final String MARK = "*";
  private static final String INDENT = "  ";
  private static final String GAP = "  ";

  /** What follows the times of a pass: spread, speed, part of the peak. */
  private static final List<String> DETAILS = List.of("±%", "TFLOP/s", "peak%");

  private static final int DETAIL_WIDTH = 7;

  /** Reasons are broken into lines no longer than this, even where there is more room. */
  private static final int READABLE = 120;

  private final List<BenchRun> runs;
  private final BenchPeak peak;
  private final int screen;
  private final int precisionWidth;
  private final int algorithmWidth;
  private final int left;
  private final boolean wide;
  private final Map<String, Integer> reasons = new LinkedHashMap<>();
  private @Nullable BenchShape shape;
  private int transientLength;

  /**
   * Starts a table.
   *
   * @param runs all that may come
   * @param screen the columns of the terminal; {@link Integer#MAX_VALUE} if there is none
   */
  BenchTable(List<BenchRun> runs, BenchPeak peak, int screen) {
    this.runs = runs;
    this.peak = peak;
    this.screen = screen;
    precisionWidth = widest(run -> run.precision().name().length());
    // "auto" is followed by the algorithm that it has come to.
    algorithmWidth = widest(run -> run.algorithm() == null ? 29 : run.algorithmName().length());
    int names = INDENT.length() + precisionWidth + GAP.length() + algorithmWidth;
    left = Math.max(names, widest(run -> run.shape().toString().length()));
    wide = header("", true).length() <= screen;
  }

  private int widest(ToIntFunction<BenchRun> length) {
    return runs.stream().mapToInt(length).max().orElse(0);
  }

  /** What the columns mean. */
  static String legend() {
    return "columns   ms, the median; training is forward and backward; "
        + MARK
        + " is the fastest";
  }

  /** A line that the next one overwrites; nothing if there is no terminal. */
  String progress(int number, BenchRun run) {
    if (screen == Integer.MAX_VALUE) {
      return "";
    }
    String text = String.format(Locale.ROOT, "[%d/%d] %s", number, runs.size(), run);
    text = text.substring(0, Math.min(text.length(), screen - 1));
    String line = erasure() + text;
    transientLength = text.length();
    return line;
  }

  private String erasure() {
    String blanks = transientLength == 0 ? "" : "\r" + " ".repeat(transientLength) + "\r";
    transientLength = 0;
    return blanks;
  }

  /**
   * The rows of one shape in one precision, below the names of the columns if the shape is new.
   *
   * @param fastest by pass, the result to be marked
   */
  String rows(List<Result> group, Map<Pass, Result> fastest) {
    StringBuilder text = new StringBuilder(erasure());
    for (Result result : group) {
      BenchRun run = result.run();
      if (!run.shape().equals(shape)) {
        shape = run.shape();
        text.append('\n').append(header(shape.toString(), wide)).append('\n');
      }
      String precision = result == group.getFirst() ? run.precision().name() : "";
      RnnAlgorithm used = run.algorithm() == null ? result.used() : null;
      StringBuilder line = new StringBuilder();
      line.append(INDENT).append(padded(precision, precisionWidth)).append(GAP);
      line.append(run.algorithmName()).append(used == null ? "" : " → " + used);
      line.append(" ".repeat(Math.max(0, left - line.length())));
      if (result.refusal() == null) {
        for (Pass pass : Pass.values()) {
          line.append(cells(result, pass, fastest.get(pass) == result));
        }
      } else {
        line.append(GAP).append(refused(result.refusal()));
      }
      text.append(line.toString().stripTrailing()).append('\n');
    }
    return text.toString();
  }

  private static boolean detailed(Pass pass, String detail, boolean wide) {
    return wide || pass == Pass.TRAINING && !detail.equals(DETAILS.getFirst());
  }

  private String header(String name, boolean wide) {
    StringBuilder line = new StringBuilder(padded(name, left));
    for (Pass pass : Pass.values()) {
      line.append(before(wide)).append(" ".repeat(timeWidth(pass) - pass.title.length()));
      line.append(pass.title).append(' ');
      for (String detail : DETAILS) {
        if (detailed(pass, detail, wide)) {
          line.append(" ".repeat(DETAIL_WIDTH + 1 - detail.length())).append(detail);
        }
      }
    }
    return line.toString().stripTrailing();
  }

  private static String before(boolean wide) {
    return wide ? "  " : "";
  }

  private static int timeWidth(Pass pass) {
    return Math.max(9, pass.title.length() + 1);
  }

  private String cells(Result result, Pass pass, boolean fastest) {
    Timing timing = result.timings().get(pass);
    if (timing == null) {
      return "";
    }
    Double best = peak.teraflops().get(result.run().precision());
    double speed = timing.teraflops();
    List<String> values =
        List.of(
            decimal(100 * timing.spread(), 1),
            decimal(speed, speed >= 100 ? 0 : speed >= 10 ? 1 : speed >= 1 ? 2 : 3),
            best == null ? "-" : decimal(100 * speed / best, 1));
    StringBuilder text = new StringBuilder(before(wide));
    text.append(
        String.format(Locale.ROOT, "%" + timeWidth(pass) + "s", decimal(timing.median(), 3)));
    text.append(fastest ? MARK : " ");
    for (int i = 0; i < values.size(); i++) {
      if (detailed(pass, DETAILS.get(i), wide)) {
        text.append(String.format(Locale.ROOT, " %" + DETAIL_WIDTH + "s", values.get(i)));
      }
    }
    return text.toString();
  }

  /** The reason in full where it is new, its number where it is not. */
  private String refused(String reason) {
    Integer known = reasons.putIfAbsent(reason, reasons.size() + 1);
    if (known != null) {
      return "refused (" + known + ")";
    }
    int room = Math.max(30, Math.min(screen, READABLE) - left - GAP.length());
    List<String> lines = new ArrayList<>();
    String line = "refused (" + reasons.size() + "):";
    for (String word : reason.strip().split("\\s+")) {
      if (line.length() + 1 + word.length() > room) {
        lines.add(line);
        line = word;
      } else {
        line += " " + word;
      }
    }
    lines.add(line);
    return String.join("\n" + " ".repeat(left + GAP.length()), lines);
  }

  /**
   * What follows from all of it.
   *
   * @param fastest of each group
   * @param why something is left out, null if nothing is
   */
  String ending(List<Result> results, List<Map<Pass, Result>> fastest, @Nullable String why) {
    StringBuilder text = new StringBuilder(erasure());
    if (fastest.stream().anyMatch(best -> !best.isEmpty())) {
      text.append(comparison(results, fastest));
    }
    List<BenchRun> rest = runs.subList(results.size(), runs.size());
    if (!rest.isEmpty()) {
      text.append(
              String.format(Locale.ROOT, "\nLeft out, %s%n", why == null ? "for no reason" : why))
          .append(
              String.format(
                  Locale.ROOT,
                  "%s%d of %d runs, the first one being%n%1$s%s%n",
                  INDENT,
                  rest.size(),
                  runs.size(),
                  rest.getFirst()));
    }
    return text.toString();
  }

  /** What the algorithms have in common over all shapes. */
  private String comparison(List<Result> results, List<Map<Pass, Result>> fastest) {
    StringBuilder text = new StringBuilder();
    text.append("\nTraining; speed-up is against STANDARD, geometric mean and range\n");
    text.append(padded(INDENT + padded("", precisionWidth) + GAP + "algorithm", left))
        .append("      runs  refused  fastest  speed-up\n");
    Map<Precision, Map<RnnAlgorithm, List<Result>>> table = new LinkedHashMap<>();
    Map<String, Result> standard = new LinkedHashMap<>();
    for (Result result : results) {
      BenchRun run = result.run();
      if (run.algorithm() != null) {
        table
            .computeIfAbsent(run.precision(), key -> new TreeMap<>())
            .computeIfAbsent(run.algorithm(), key -> new ArrayList<>())
            .add(result);
      }
      if (run.algorithm() == RnnAlgorithm.STANDARD && result.refusal() == null) {
        standard.put(group(run), result);
      }
    }
    table.forEach(
        (precision, algorithms) ->
            algorithms.forEach(
                (algorithm, of) -> {
                  boolean first = algorithms.keySet().iterator().next() == algorithm;
                  String name = padded(first ? precision.name() : "", precisionWidth);
                  text.append(padded(INDENT + name + GAP + algorithm, left))
                      .append(counts(of, fastest))
                      .append(ratios(of, standard))
                      .append('\n');
                }));
    return text.toString();
  }

  private static String counts(List<Result> of, List<Map<Pass, Result>> fastest) {
    long refused = of.stream().filter(result -> result.refusal() != null).count();
    long wins = fastest.stream().filter(best -> of.contains(best.get(Pass.TRAINING))).count();
    return String.format(Locale.ROOT, "%10d%9d%9d", of.size() - refused, refused, wins);
  }

  /** Geometric mean, least and most of the times that STANDARD takes longer. */
  private static String ratios(List<Result> of, Map<String, Result> standard) {
    List<Double> ratios = new ArrayList<>();
    for (Result result : of) {
      Result base = standard.get(group(result.run()));
      if (base != null && base != result && result.refusal() == null) {
        ratios.add(base.median(Pass.TRAINING) / result.median(Pass.TRAINING));
      }
    }
    if (ratios.isEmpty()) {
      return "";
    }
    double mean = Math.exp(ratios.stream().mapToDouble(Math::log).average().orElseThrow());
    return "  "
        + decimal(mean, 2)
        + (ratios.size() == 1
            ? ""
            : String.format(
                Locale.ROOT,
                " (%s to %s)",
                decimal(Collections.min(ratios), 2),
                decimal(Collections.max(ratios), 2)));
  }

  private static String group(BenchRun run) {
    return run.shape() + " " + run.precision();
  }

  private static String padded(String text, int width) {
    return text + " ".repeat(Math.max(0, width - text.length()));
  }

  private static String decimal(double value, int digits) {
    return String.format(Locale.ROOT, "%." + digits + "f", value);
  }
}
