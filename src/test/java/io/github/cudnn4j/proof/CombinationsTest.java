package io.github.cudnn4j.proof;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.cudnn.CudnnException;
import io.github.cudnn4j.cudnn.CudnnStatus;
import io.github.cudnn4j.cudnn.RnnAlgorithm;
import io.github.cudnn4j.library.DeviceKind;
import io.github.cudnn4j.library.HostControl;
import io.github.cudnn4j.library.HostMode;
import io.github.cudnn4j.rnn.Rnn;
import io.github.cudnn4j.rnn.RnnConfig;
import io.github.cudnn4j.testing.Closeness;
import java.io.IOException;
import java.io.InputStream;
import java.math.BigDecimal;
import java.math.MathContext;
import java.math.RoundingMode;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/**
 * Every combination that is accepted runs, forward and backward, and agrees with its reference;
 * every other one is refused with a sentence. {@code combinations.md} is the table of both: it must
 * name the same combinations and tolerances, while errors may be others within the tolerance. A GPU
 * runs a part, and says what it met. {@code -Dcudnn4j.combinations=write} writes it anew.
 */
class CombinationsTest {
  private static final String TABLE = "combinations.md";

  private static final String INTRODUCTION =
      """
      # What is accepted, and what it was checked against

      Made by `CombinationsTest`, which fails if this is not what it finds;
      `mvn test -Dtest=CombinationsTest -Dcudnn4j.combinations=write` writes it anew.

      A line stands for all combinations of 1 and 2 directions; 1 layer, 2 layers, 2 layers with
      dropout; an input that is multiplied or skipped; the four bias modes; and of rows: in the
      three layouts with lengths that are equal, descending or in no order, and through a
      `SequenceBatch` in the two padded layouts, empty rows among them. Initial states and gradients
      of final ones are given or absent at random. Each ran forward and backward in training, and
      all outputs and all gradients were compared with `ReferenceRnn`: the published equations in
      double, which agree with PyTorch 2.13 within 1e-13. An error is `|a - e| / (1 + |e|)`, the
      largest of all, rounded up to one digit; these are the host device's.

      What `autoAlgorithm` chooses is one of the algorithms here. That the configurations accepted
      here are those that cuDNN 9.24 accepts is what `CudnnAcceptanceTest` asks it.

      """;

  /** What one line of the table is about. */
  private record Key(String kind, RnnAlgorithm algorithm) {}

  /** What was met of it in one precision. */
  private static final class Met {
    int combinations;
    double worst;
    String worstAt = "";
  }

  private final Map<Key, Map<Precision, Met>> accepted = new LinkedHashMap<>();
  private final Map<String, Integer> refused = new TreeMap<>();
  private final List<Rows> allRows = Combination.rows();
  private final Map<String, double[][][][]> masks = new HashMap<>();
  private final Map<String, Integer> refusedByGpu = new TreeMap<>();
  private int built;

  @Test
  void theTableIsComplete() throws IOException {
    assumeTrue(runsAll(), "all of it takes long; in lazy mode and on a GPU a part has to do");
    checkEvery(1);
    List<String> table = table();
    if ("write".equals(System.getProperty("cudnn4j.combinations"))) {
      Files.write(Path.of("src/test/resources/io/github/cudnn4j/proof", TABLE), table);
      return;
    }
    assertEquals(withoutErrors(committed()), withoutErrors(table));
  }

  @Test
  void aPartOfItAgrees() {
    assumeFalse(runsAll(), "all of it is checked");
    // Steps that have no factor in common with the number of choices, to meet all of each.
    checkEvery(HostControl.ifHost().isPresent() ? 7 : 11);
  }

  private static boolean runsAll() {
    return HostControl.ifHost().map(host -> host.mode() == HostMode.EAGER).orElse(false);
  }

  private void checkEvery(int step) {
    List<Combination> combinations = Combination.all();
    try (Device device = Device.open();
        Run.Memory memory = new Run.Memory(device)) {
      boolean onHost = device.kind() == DeviceKind.HOST;
      for (int i = 0; i < combinations.size(); i += step) {
        check(device, combinations.get(i), onHost ? null : memory);
      }
      if (!onHost) {
        accepted.forEach(
            (key, precisions) ->
                precisions.forEach(
                    (precision, met) -> System.out.println(precision + ": " + met.worstAt)));
        System.out.println("Refused by the GPU: " + refusedByGpu);
      }
      accepted.forEach(
          (key, precisions) ->
              precisions.forEach(
                  (precision, met) ->
                      assertTrue(
                          met.worst <= Numbers.tolerance(precision, device), () -> met.worstAt)));
    }
  }

  /** Runs a combination in every precision and by every algorithm that takes it. */
  private void check(Device device, Combination combination, Run.@Nullable Memory memory) {
    Cases cases = null;
    for (RnnConfig config : configs(combination)) {
      try (Rnn rnn = Rnn.create(device, config)) {
        cases = cases == null ? cases(rnn, combination) : cases;
        Run.set(rnn, cases.parameters);
        byte[] generator = rnn.dropoutState();
        for (Rows rows : allRows) {
          if (memory != null
              && config.algorithm() == RnnAlgorithm.PERSIST_DYNAMIC
              && built++ % 8 > 0) {
            continue; // Each of its plans compiles, which takes a GPU tenths of a second.
          }
          rnn.restoreDropoutState(generator);
          try (Run run = new Run(rnn, rows, memory)) {
            Case c = cases.byRows.get(rows);
            run.set(c.in());
            add(combination, config, rows, distance(c.expected(), run.forwardAndBackward()));
          } catch (IllegalArgumentException e) {
            refuse(e);
          } catch (CudnnException e) {
            // Which sizes a persistent algorithm takes is up to the GPU.
            if (device.kind() == DeviceKind.HOST
                || config.algorithm() == RnnAlgorithm.STANDARD
                || e.code() / 1000 != CudnnStatus.NOT_SUPPORTED.code() / 1000) {
              throw e;
            }
            String what = config.algorithm() + " in " + config.precision() + ": " + e.function();
            refusedByGpu.merge(what + " returned " + e.codeName(), 1, Integer::sum);
          }
        }
      }
    }
  }

  /** What all precisions and algorithms compute of one combination. */
  private record Cases(Map<String, double[]> parameters, Map<Rows, Case> byRows) {}

  private Cases cases(Rnn rnn, Combination combination) {
    RandomGenerator random = RandomSetup.random(combination.toString().hashCode());
    List<Rows> accepted = allRows.stream().filter(rows -> accepts(rnn, rows)).toList();
    Cases cases;
    do {
      // Numbers that all types have.
      RandomSetup setup =
          new RandomSetup(rnn.config(), accepted.getFirst(), ElementType.BFLOAT16, random);
      cases = new Cases(setup.parameters(rnn), new HashMap<>());
      for (Rows rows : accepted) {
        Case c =
            Case.draw(
                new RandomSetup(rnn.config(), rows, ElementType.BFLOAT16, random),
                cases.parameters,
                masks(rnn, rows),
                combination.jumps());
        if (c == null) {
          break;
        }
        cases.byRows.put(rows, c);
      }
    } while (cases.byRows.size() < accepted.size());
    return cases;
  }

  private static boolean accepts(Rnn rnn, Rows rows) {
    try {
      new Run(rnn, rows).close();
      return true;
    } catch (IllegalArgumentException e) {
      return false;
    }
  }

  private static double distance(Map<String, double[]> expected, Map<String, double[]> actual) {
    assertEquals(expected.keySet(), actual.keySet());
    return expected.keySet().stream()
        .mapToDouble(name -> Closeness.distance(expected.get(name), actual.get(name)))
        .max()
        .orElseThrow();
  }

  /** Those of the first pass, which depend on nothing else. */
  private double @Nullable [][][][] masks(Rnn rnn, Rows rows) {
    RnnConfig config = rnn.config();
    if (config.dropout() == 0) {
      return null;
    }
    return masks.computeIfAbsent(
        rows + " " + config.directions() + " " + config.projectionSize(),
        key -> DropoutMasks.of(rnn.device(), config, rows));
  }

  /** Counts a sentence, of which the end may name one shape of many. */
  private void refuse(IllegalArgumentException e) {
    refused.merge(e.getMessage().replaceFirst("(shape is) .*", "$1 ..."), 1, Integer::sum);
  }

  private List<RnnConfig> configs(Combination combination) {
    List<RnnConfig> configs = new ArrayList<>();
    for (RnnAlgorithm algorithm : RnnAlgorithm.values()) {
      for (Precision precision : Precision.values()) {
        try {
          configs.add(combination.config(precision, algorithm));
        } catch (IllegalArgumentException e) {
          refuse(e);
        }
      }
    }
    return configs;
  }

  private void add(Combination combination, RnnConfig config, Rows rows, double error) {
    Met met =
        accepted
            .computeIfAbsent(
                new Key(combination.kind(), config.algorithm()),
                key -> new EnumMap<>(Precision.class))
            .computeIfAbsent(config.precision(), precision -> new Met());
    met.combinations++;
    if (error >= met.worst) {
      met.worst = error;
      met.worstAt = config + " " + rows + ": error " + error;
    }
  }

  private List<String> table() {
    List<String> lines = new ArrayList<>(INTRODUCTION.lines().toList());
    int taken =
        accepted.values().stream()
            .flatMap(m -> m.values().stream())
            .mapToInt(m -> m.combinations)
            .sum();
    int left = refused.values().stream().mapToInt(Integer::intValue).sum();
    lines.add(
        String.format(Locale.ROOT, "%,d combinations are accepted, %,d refused.", taken, left));
    lines.add("");
    List<String> head = new ArrayList<>(List.of("cell", "algorithm", "combinations"));
    List<String> tolerances = new ArrayList<>(List.of("", "", "tolerance"));
    for (Precision precision : Precision.values()) {
      head.add(precision.toString());
      tolerances.add(rounded(Numbers.tolerance(precision)));
    }
    lines.add(line(head));
    lines.add("|" + " --- |".repeat(head.size()));
    lines.add(line(tolerances));
    accepted.forEach((key, precisions) -> lines.add(line(cells(key, precisions))));
    lines.add("");
    lines.add("## Refused");
    lines.add("");
    lines.add(line(List.of("combinations", "sentence")));
    lines.add("| --- | --- |");
    refused.forEach((sentence, count) -> lines.add(line(List.of(count.toString(), sentence))));
    return lines;
  }

  private static List<String> cells(Key key, Map<Precision, Met> precisions) {
    int combinations = precisions.values().iterator().next().combinations;
    List<String> cells =
        new ArrayList<>(
            List.of(key.kind, key.algorithm.toString(), Integer.toString(combinations)));
    for (Precision precision : Precision.values()) {
      Met met = precisions.get(precision);
      cells.add(met == null ? "refused" : "≤ " + rounded(met.worst));
      assertEquals(combinations, met == null ? combinations : met.combinations);
    }
    return cells;
  }

  private static String line(List<String> cells) {
    return "| " + String.join(" | ", cells) + " |";
  }

  /** One digit, rounded up. */
  private static String rounded(double error) {
    return error == 0
        ? "0"
        : String.format(
            Locale.ROOT,
            "%.0e",
            BigDecimal.valueOf(error).round(new MathContext(1, RoundingMode.UP)));
  }

  private static List<String> committed() throws IOException {
    try (InputStream in =
        Objects.requireNonNull(CombinationsTest.class.getResourceAsStream(TABLE))) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8).lines().toList();
    }
  }

  private static String withoutErrors(List<String> lines) {
    return String.join("\n", lines).replaceAll("≤ [0-9e-]+", "≤");
  }
}
