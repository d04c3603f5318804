package io.github.cudnn4j.cli;

import static java.util.stream.Collectors.joining;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.cudnn4j.cli.BenchRun.Pass;
import io.github.cudnn4j.cli.BenchRun.Result;
import io.github.cudnn4j.cli.BenchRun.Timing;
import io.github.cudnn4j.cli.BenchShape.Preset;
import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.cudnn.RnnAlgorithm;
import io.github.cudnn4j.cudnn.RnnMode;
import io.github.cudnn4j.io.Json;
import io.github.cudnn4j.library.HostControl;
import io.github.cudnn4j.testing.JavaProcess;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

/** The sweep over algorithms, precisions and shapes. */
class BenchCommandTest {

  private static final List<String> PASSES = List.of("inference", "forward", "forwardBackward");

  @TempDir private Path folder;

  private record Ran(int status, String out, String err) {}

  private static Ran bench(String... arguments) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    CommandLine commandLine = Main.commandLine();
    commandLine.setOut(new PrintWriter(out, true)).setErr(new PrintWriter(err, true));
    String[] all = new String[arguments.length + 1];
    all[0] = "bench";
    System.arraycopy(arguments, 0, all, 1, arguments.length);
    return new Ran(commandLine.execute(all), out.toString(), err.toString());
  }

  private Map<?, ?> json() throws IOException {
    return assertInstanceOf(
        Map.class, Json.parse(Files.readString(folder.resolve("results/bench.json"))));
  }

  private String jsonFile() {
    return folder.resolve("results/bench.json").toString();
  }

  @Test
  void measuresWhatRunsAndSaysWhyTheRestDoesNot() throws IOException {
    Ran ran =
        bench(
            "--shapes",
            "lstm:h16:b2:t3,GRU:I8:H16:B2:T3:L2:bi",
            "--precision",
            "fp32,fp64",
            "--algorithm",
            "standard,persist-static",
            "--repeat",
            "3",
            "--json",
            jsonFile());

    assertEquals(0, ran.status, ran.err);
    assertTrue(ran.out.contains("LSTM:I16:H16:B2:T3 "), ran.out);
    assertTrue(
        Pattern.compile("refused \\(\\d+\\): algorithm PERSIST_STATIC does not compute in FP64")
            .matcher(ran.out)
            .find(),
        ran.out);
    Map<?, ?> json = json();
    assertEquals(List.of(), json.get("leftOut"));
    List<?> rows = assertInstanceOf(List.class, json.get("rows"));
    assertEquals(8, rows.size());
    for (Object entry : rows) {
      Map<?, ?> row = assertInstanceOf(Map.class, entry);
      assertEquals(row.get("refusal") == null, row.get("supported"), row::toString);
      if (row.get("supported").equals(true)) {
        for (String pass : PASSES) {
          Map<?, ?> timing = assertInstanceOf(Map.class, row.get(pass), row::toString);
          assertTrue((double) timing.get("medianMilliseconds") > 0, timing::toString);
          assertTrue((double) timing.get("teraflops") > 0, timing::toString);
          assertEquals(3, assertInstanceOf(List.class, timing.get("milliseconds")).size());
        }
        // In FP64 there is no other.
        if (row.get("precision").equals("FP64")) {
          assertEquals(true, assertInstanceOf(Map.class, row.get("forward")).get("fastest"));
        }
      } else {
        assertEquals("PERSIST_STATIC", row.get("algorithm"), row::toString);
        assertNull(row.get("forward"));
      }
      if (row.get("algorithm").equals("PERSIST_STATIC") && row.get("precision").equals("FP64")) {
        assertEquals("algorithm PERSIST_STATIC does not compute in FP64", row.get("refusal"));
      }
    }
  }

  @Test
  void allStandsForEveryPrecisionAndAlgorithm() throws IOException {
    Ran ran =
        bench(
            "--shape=LSTM:H8:B2:T3",
            "--precision=all",
            "--algorithm=all",
            "--repeat=3",
            "--json=" + jsonFile());

    assertEquals(0, ran.status, ran.err);
    assertEquals(6 * 4, assertInstanceOf(List.class, json().get("rows")).size());
  }

  @Test
  void namesTheAutomaticChoice() {
    Ran ran = bench("--shape=TANH:H16:B2:T3", "--precision=FP32", "--algorithm=auto", "--repeat=3");

    assertEquals(0, ran.status, ran.err);
    assertTrue(ran.out.contains("auto → "), ran.out);
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void replaysFromAGraphIfAsked(boolean graph) throws IOException {
    Optional<HostControl> host = HostControl.ifHost();
    long before = host.map(control -> control.calls("cudaGraphLaunch")).orElse(0L);
    List<String> arguments =
        new ArrayList<>(
            List.of(
                "--shape=TANH:H16:B2:T3",
                "--precision=FP32",
                "--algorithm=standard",
                "--repeat=3",
                "--json=" + jsonFile()));
    if (graph) {
      arguments.add("--graph");
    }
    Ran ran = bench(arguments.toArray(String[]::new));

    assertEquals(0, ran.status, ran.err);
    assertEquals(graph, json().get("graph"));
    assumeTrue(host.isPresent(), "only the host device counts calls");
    long launches = host.get().calls("cudaGraphLaunch") - before;
    if (graph) {
      int least = 3 * (1 + 1 + 3); // of each pass the first launch, one for its length, the samples
      assertTrue(launches >= least, launches + " launches of a graph, must be at least " + least);
    } else {
      assertEquals(0, launches);
    }
  }

  /**
   * In a table of two groups and in JSON exactly one of each group is marked in each pass, the
   * fastest of those that run: STANDARD everywhere, the others unless a GPU refuses them.
   */
  @Test
  void marksTheFastestOfEachGroup() throws IOException {
    Ran ran =
        bench(
            "--shapes=LSTM:H8:B2:T3,TANH:H8:B2:T3",
            "--precision=FP32",
            "--algorithm=standard,persist-static,persist-dynamic",
            "--repeat=3",
            "--json=" + jsonFile());

    assertEquals(0, ran.status, ran.err);
    Map<String, Double> least = new HashMap<>();
    Map<String, Double> marked = new HashMap<>();
    int supported = 0;
    for (Object entry : assertInstanceOf(List.class, json().get("rows"))) {
      Map<?, ?> row = assertInstanceOf(Map.class, entry);
      if (row.get("supported").equals(false)) {
        continue;
      }
      supported++;
      for (String pass : PASSES) {
        Map<?, ?> timing = assertInstanceOf(Map.class, row.get(pass));
        Double median = assertInstanceOf(Double.class, timing.get("medianMilliseconds"));
        String group = row.get("shape") + " " + pass;
        least.merge(group, median, Math::min);
        if (timing.get("fastest").equals(true)) {
          assertNull(marked.put(group, median), "marked twice");
        }
      }
    }
    assertEquals(2 * 3, marked.size(), ran.out);
    assertEquals(least, marked);
    assertEquals(marked.size(), Pattern.compile("\\.\\d{3}\\*").matcher(ran.out).results().count());
    if (HostControl.ifHost().isPresent()) {
      assertEquals(2 * 3, supported, "the host device refuses none");
    }
  }

  @Test
  void fitsAScreenOfEightyColumns() {
    Result ran = result(RnnAlgorithm.STANDARD, null);
    Result refused = result(RnnAlgorithm.PERSIST_STATIC_SMALL_H, "because ".repeat(30).strip());
    BenchTable table =
        new BenchTable(List.of(ran.run(), refused.run()), BenchPeak.known("NVIDIA H200"), 80);

    String text =
        table.rows(List.of(ran, refused), Map.of(Pass.TRAINING, ran))
            + table.ending(List.of(ran), List.of(Map.of(Pass.TRAINING, ran)), "because it ended");

    assertTrue(text.lines().allMatch(line -> line.length() <= 80), text);
    assertTrue(text.contains(" 1234.500* "), text);
    assertTrue(text.contains("refused (1): because because"), text);
    assertEquals(30 + 1, text.split("because", -1).length - 1, text);
  }

  private static Result result(RnnAlgorithm algorithm, @Nullable String refusal) {
    BenchRun run =
        new BenchRun(BenchShape.parse("GRU:H2816:B32:T1500:skip"), Precision.BF16, algorithm);
    Timing timing = new Timing(new double[] {1234.5}, 1e12);
    return new Result(
        run,
        refusal,
        algorithm,
        0,
        0,
        refusal == null
            ? Map.of(Pass.INFERENCE, timing, Pass.FORWARD, timing, Pass.TRAINING, timing)
            : Map.of());
  }

  /** As Ctrl-C, or timeout(1) when the time is up. */
  @Test
  void anInterruptedSweepKeepsWhatItHasMeasured() throws Exception {
    String shapes =
        IntStream.rangeClosed(1, 200).mapToObj("LSTM:H8:B2:T%d"::formatted).collect(joining(","));
    List<String> command =
        JavaProcess.command(
            Main.class,
            JavaProcess.sameProperties(),
            List.of("bench", "--precision=FP32", "--algorithm=standard", "--shapes=" + shapes));
    command.add("--json=" + jsonFile());
    Path table = folder.resolve("table.txt");
    Process process =
        new ProcessBuilder(command)
            .redirectOutput(table.toFile())
            .redirectError(folder.resolve("errors.txt").toFile())
            .start();
    long end = System.nanoTime() + Duration.ofSeconds(60).toNanos();
    while (!Files.readString(table).contains("STANDARD") && System.nanoTime() < end) {
      Thread.sleep(20);
    }
    process.destroy();

    assertTrue(process.waitFor(60, TimeUnit.SECONDS));
    assertEquals(128 + 15, process.exitValue(), Files.readString(folder.resolve("errors.txt")));
    String text = Files.readString(table);
    assertTrue(text.contains("Left out, because it was interrupted"), text);
    int rows = assertInstanceOf(List.class, json().get("rows")).size();
    assertTrue(rows > 0, text);
    assertEquals(rows, text.lines().filter(line -> line.contains("STANDARD ")).count(), text);
    assertEquals(200 - rows, assertInstanceOf(List.class, json().get("leftOut")).size());
    assertEquals("because it was interrupted", json().get("leftOutBecause"));
  }

  @Test
  void leavesOutWhatTheTimeLimitDoesNotAllow() throws IOException {
    Ran ran = bench("--preset", "deepbench", "--time-limit", "0.000001", "--json", jsonFile());

    assertEquals(0, ran.status, ran.err);
    assertTrue(ran.out.contains("because the time limit of"), ran.out);
    assertTrue(ran.out.contains(" runs, the first one being"), ran.out);
    assertTrue(assertInstanceOf(List.class, json().get("leftOut")).size() >= 4 * 53);
  }

  @Test
  void refusesAFolderForItsFile() throws IOException {
    Path results = Files.createDirectory(folder.resolve("results"));

    Ran ran = bench("--json=" + results);

    assertEquals(2, ran.status, ran.err);
    assertEquals("", ran.out);
    assertTrue(ran.err.contains("--json: " + results + " is a folder"), ran.err);
    assertTrue(Files.isDirectory(results));
  }

  @Test
  void aFileThatCannotBeWrittenIsToldAndTheReportIsOver() throws IOException {
    Result result = result(RnnAlgorithm.STANDARD, null);
    List<BenchRun> runs = List.of(result.run());
    BenchPeak peak = BenchPeak.known("NVIDIA H200");
    StringWriter out = new StringWriter();
    Path json = Files.createDirectory(folder.resolve("results")).resolve("bench.json");
    BenchReport report =
        new BenchReport(
            Map.of(),
            runs,
            peak,
            new BenchTable(runs, peak, Integer.MAX_VALUE),
            new PrintWriter(out),
            json);
    Files.delete(json);
    Files.delete(json.getParent());

    var failure = assertThrows(UncheckedIOException.class, () -> report.add(result));
    assertTrue(failure.getMessage().startsWith("cannot write " + json), failure::getMessage);
    assertThrows(UncheckedIOException.class, () -> report.end("because of a failure"));
    String text = out.toString();
    assertTrue(text.contains("STANDARD"), text);
    report.end("because it was interrupted");
    assertEquals(text, out.toString());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "--shapes=CNN:H3:B1:T1 | begins with none of LSTM, GRU, TANH, RELU",
        "--shapes=LSTM:H3:B1 | lacks H, B or T",
        "--shapes=LSTM:H3:B1:T1:Q2 | unknown part 'Q2'",
        "--shapes=LSTM:H0:B1:T1 | unknown part 'H0'",
        "--shapes=GRU:H8:B1:T1:P4 | only an LSTM can",
        "--shapes=GRU:I4:H8:B1:T1:skip | needs inputSize to be hiddenSize",
        "--algorithm=fastest | is none of STANDARD, PERSIST_STATIC, PERSIST_DYNAMIC",
        "--precision=FP8 | --precision: 'FP8' is none of FP32, TF32",
        "--repeat=2 | --repeat is 2, must be at least 3"
      })
  void refusesWhatCannotBeMeasured(String argument, String message) {
    Ran ran = bench(argument);

    assertEquals(2, ran.status, ran.out);
    assertTrue(ran.err.contains(message), ran.err);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "LSTM:I256:H256:B32:T35",
        "GRU:I28:H256:B32:T35:L2:bi",
        "LSTM:I10:H8:B1:T1:P4",
        "RELU:I8:H8:B3:T2:skip"
      })
  void aShapeIsWrittenAsItIsRead(String text) {
    assertEquals(text, BenchShape.parse(text).toString());
  }

  /** The second column is what DeepBench counts for these problems: 8, 6 and 2 TBH². */
  @ParameterizedTest
  @CsvSource({
    "LSTM:H512:B16:T25:skip,                  838860800",
    "GRU:H1024:B32:T1500:skip,             301989888000",
    "RELU:H1760:B16:T50:skip,                4956160000",
    "LSTM:I28:H256:B32:T35,                   651427840",
    "LSTM:H4:B1:T1:P2,                              208",
    "GRU:I3:H4:B2:T5:L2:bi,                        9120"
  })
  void countsTheProducts(String text, double flops) {
    assertEquals(flops, BenchShape.parse(text).flops());
  }

  @Test
  void deepbenchHasItsProblems() {
    List<BenchShape> shapes = Preset.DEEPBENCH.shapes();
    assertEquals(53, shapes.size());
    assertEquals(53, new HashSet<>(shapes).size());
    // Its vanilla cell is cuDNN's with ReLU.
    assertEquals(12, shapes.stream().filter(shape -> shape.mode() == RnnMode.RELU).count());
  }

  @Test
  void theSpreadIsHalfTheDistanceOfTheQuartiles() {
    Timing timing = new Timing(new double[] {1, 2, 4, 6, 8}, 4e9);
    assertEquals(4, timing.median());
    assertEquals(0.5, timing.spread());
    assertEquals(1, timing.teraflops());
  }

  @Test
  void knowsThePeaksOfGpusByName() {
    assertEquals(989.4, BenchPeak.known("NVIDIA H200").teraflops().get(Precision.BF16));
    assertEquals(835.5, BenchPeak.known("NVIDIA H200 NVL").teraflops().get(Precision.BF16));
    assertEquals(494.7, BenchPeak.known("NVIDIA H100 80GB HBM3").teraflops().get(Precision.TF32));
    assertEquals(378, BenchPeak.known("NVIDIA H100 PCIe").teraflops().get(Precision.TF32));
    assertEquals(19.5, BenchPeak.known("NVIDIA A100-SXM4-80GB").teraflops().get(Precision.FP32));
    assertNull(BenchPeak.known("Tesla T4").teraflops().get(Precision.BF16));
    assertEquals(14, BenchPeak.known("Tesla V100-PCIE-32GB").teraflops().get(Precision.FP32));
    for (String other :
        List.of(
            "NVIDIA L40",
            "NVIDIA A10G",
            "NVIDIA GeForce RTX 4090 Laptop GPU",
            "NVIDIA H100 80GB HBM3 MIG 1g.10gb")) {
      assertEquals(Map.of(), BenchPeak.known(other).teraflops(), other);
    }
    BenchPeak unknown = BenchPeak.known("Some GPU");
    assertEquals(Map.of(), unknown.teraflops());
    assertTrue(unknown.source().startsWith("no peak is known of Some GPU"), unknown::source);
  }

  @Test
  void everyRefusalOfAShapeIsAnArgumentException() {
    assertThrows(IllegalArgumentException.class, () -> BenchShape.parse(""));
    assertThrows(IllegalArgumentException.class, () -> BenchShape.parse("LSTM::"));
    assertThrows(IllegalArgumentException.class, () -> BenchShape.parse("LSTM:H99999999999"));
  }
}
