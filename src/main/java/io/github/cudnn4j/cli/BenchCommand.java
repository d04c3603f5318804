package io.github.cudnn4j.cli;

import io.github.cudnn4j.cli.BenchShape.Preset;
import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.cudnn.CudnnHandle;
import io.github.cudnn4j.cudnn.RnnAlgorithm;
import io.github.cudnn4j.library.DeviceKind;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Measures how fast networks run, by every algorithm and in every precision. */
@Command(
    name = "bench",
    description = {
      "Measure recurrent networks on this device: inference, forward in training, and forward with"
          + " backward.",
      "Every shape is run in every precision by every algorithm; a combination that cannot run is"
          + " listed with the reason. Rows appear shape by shape as they are measured, those that"
          + " the screen has no room for with fewer columns. Times are taken on the device: the"
          + " median of the samples, with half of the distance between their quartiles as ±."
          + " TFLOP/s count the matrix products only, as DeepBench does: forward 2*T*B*G*H*(I+P)"
          + " for each layer and direction, G gates, P = H without projection, no I for a skipped"
          + " input matrix, and 2*T*B*H*P more for a projection; backward twice as many.",
      ""
    },
    footerHeading = "%nExamples%n",
    footer = {
      "  bench                                        a minute's look at this device",
      "  bench --preset deepbench --precision bf16 --time-limit 120 --json deepbench.json",
      "  bench --shapes LSTM:H1024:B64:T50,GRU:I80:H512:B16:T200:L2:bi --algorithm auto%n"
    },
    mixinStandardHelpOptions = true,
    sortOptions = false)
final class BenchCommand implements Callable<Integer> {
  private static final String AUTO = "AUTO";
  private static final String ALL = "ALL";

  /** All, the most important first. */
  private static final List<Precision> PRECISIONS =
      List.of(
          Precision.FP32,
          Precision.TF32,
          Precision.FP16,
          Precision.BF16,
          Precision.FP64,
          Precision.FP16_MATH);

  private static final List<RnnAlgorithm> ALGORITHMS = List.of(RnnAlgorithm.values());

  @Option(
      names = "--preset",
      split = ",",
      paramLabel = "small|d2l|deepbench",
      description = {
        "Shapes to measure. small: every cell at common sizes; d2l: the character models of d2l.ai;"
            + " deepbench: the 53 training problems of Baidu's DeepBench. Default: small, if there"
            + " is no --shapes"
      })
  private List<Preset> presets = List.of();

  @Option(
      names = {"--shape", "--shapes"},
      split = ",",
      paramLabel = "SHAPE",
      description = {
        "Shapes of your own, each " + BenchShape.SYNTAX + ".",
        "CELL: LSTM, GRU, TANH or RELU. H: units; B: sequences in a batch; T: time steps; I: width"
            + " of the input, H if left out; L: layers; P: size of an LSTM's projection; bi: both"
            + " directions; skip: no input matrix."
      })
  private List<String> shapes = List.of();

  @Option(
      names = "--precision",
      split = ",",
      paramLabel = "P",
      defaultValue = "FP32,TF32,FP16,BF16",
      description =
          "FP32, TF32, FP16, BF16, FP16_MATH, FP64, or all. Default:" + " ${DEFAULT-VALUE}")
  private List<String> precisionNames = List.of();

  @Option(
      names = "--algorithm",
      split = ",",
      paramLabel = "A",
      description = {
        "STANDARD, PERSIST_STATIC, PERSIST_DYNAMIC, PERSIST_STATIC_SMALL_H, all for these four, or"
            + " auto for the one that is measured to be the fastest. Default: all four; STANDARD on"
            + " the host device, to which they are the same"
      })
  private List<String> algorithms = List.of();

  @Option(
      names = "--repeat",
      converter = Limits.Count.class,
      defaultValue = "10",
      paramLabel = "N",
      description =
          "Samples of each pass, at least 3; of a pass that takes long there are fewer. Default:"
              + " ${DEFAULT-VALUE}")
  private int repeat;

  @Option(names = "--graph", description = "Replay each pass from a CUDA graph, as training does.")
  private boolean graph;

  @Option(
      names = "--time-limit",
      converter = Limits.NonNegative.class,
      defaultValue = "0",
      paramLabel = "SECONDS",
      description =
          "Begin nothing new after this time and tell what is left out, the last shapes. 0: no"
              + " limit. Default: 0")
  private double timeLimit;

  @Option(
      names = "--json",
      paramLabel = "FILE",
      description =
          "Write every sample as JSON; whenever the run is stopped, the file has what was"
              + " measured.")
  private @Nullable Path json;

  @Mixin private DeviceOption device = new DeviceOption();

  @Spec private CommandSpec spec;

  @Override
  public Integer call() throws IOException {
    long begin = System.nanoTime();
    if (repeat < 3) {
      throw usage("--repeat is " + repeat + ", must be at least 3");
    }
    List<BenchShape> asked = askedShapes();
    List<Precision> precisions = askedPrecisions();
    PrintWriter out = spec.commandLine().getOut();
    if (json != null) {
      Main.makeFolderOf("--json", json);
    }
    try (Device opened = Device.open(device.choice())) {
      BenchPeak peak = BenchPeak.of(opened, EnumSet.copyOf(precisions));
      List<BenchRun> runs = runs(asked, precisions, askedAlgorithms(opened.kind()));
      BenchTable table = new BenchTable(runs, peak, screenWidth());
      BenchReport report = new BenchReport(facts(opened), runs, peak, table, out, json);
      header(out, opened, precisions, peak);
      // Who interrupts a long sweep, or whose time is up, keeps what it has found.
      Thread interrupted = new Thread(() -> report.end("because it was interrupted"));
      Runtime.getRuntime().addShutdownHook(interrupted);
      try {
        report.end(measure(opened, runs, report, begin));
      } finally {
        forget(interrupted);
        report.end("because of the failure that is told below");
      }
    }
    return 0;
  }

  /** Returns why not all of it was measured, null if it was. */
  private @Nullable String measure(
      Device opened, List<BenchRun> runs, BenchReport report, long begin) {
    for (BenchRun run : runs) {
      if (timeLimit > 0 && (System.nanoTime() - begin) * 1e-9 > timeLimit) {
        return String.format(Locale.ROOT, "because the time limit of %s s was reached", timeLimit);
      }
      report.begin(run);
      try {
        report.add(run.measure(opened, new BenchRun.Settings(repeat, graph)));
      } catch (BenchRun.DeviceLostException e) {
        return String.format(
            Locale.ROOT, "because the device failed in %s: %s", run, e.getMessage());
      }
    }
    return null;
  }

  private static void forget(Thread hook) {
    try {
      Runtime.getRuntime().removeShutdownHook(hook);
    } catch (IllegalStateException e) {
      // It is running.
    }
  }

  /** The columns of the terminal; as many as it likes where the output goes elsewhere. */
  private int screenWidth() {
    return Terminal.isOutput() ? spec.usageMessage().autoWidth(true).width() : Integer.MAX_VALUE;
  }

  private List<BenchShape> askedShapes() {
    Set<BenchShape> asked = new LinkedHashSet<>();
    List<Preset> sets = presets.isEmpty() && shapes.isEmpty() ? List.of(Preset.SMALL) : presets;
    try {
      shapes.forEach(text -> asked.add(BenchShape.parse(text)));
    } catch (IllegalArgumentException e) {
      throw usage("--shapes: " + e.getMessage());
    }
    sets.forEach(preset -> asked.addAll(preset.shapes()));
    return List.copyOf(asked);
  }

  private List<Precision> askedPrecisions() {
    Set<Precision> asked = new LinkedHashSet<>();
    for (String text : precisionNames) {
      String name = text.strip().toUpperCase(Locale.ROOT).replace('-', '_');
      try {
        asked.addAll(name.equals(ALL) ? PRECISIONS : List.of(Precision.valueOf(name)));
      } catch (IllegalArgumentException e) {
        throw usage(
            String.format(
                Locale.ROOT, "--precision: '%s' is none of %s, all", text, names(PRECISIONS)));
      }
    }
    return List.copyOf(asked);
  }

  private List<@Nullable RnnAlgorithm> askedAlgorithms(DeviceKind kind) {
    List<@Nullable RnnAlgorithm> asked = new ArrayList<>();
    for (String text : algorithms) {
      String name = text.strip().toUpperCase(Locale.ROOT).replace('-', '_');
      try {
        if (name.equals(ALL)) {
          asked.addAll(ALGORITHMS);
        } else {
          asked.add(name.equals(AUTO) ? null : RnnAlgorithm.valueOf(name));
        }
      } catch (IllegalArgumentException e) {
        throw usage(
            String.format(
                Locale.ROOT,
                "--algorithm: '%s' is none of %s, all, auto",
                text,
                names(ALGORITHMS)));
      }
    }
    if (asked.isEmpty()) {
      return kind == DeviceKind.HOST ? List.of(RnnAlgorithm.STANDARD) : ALGORITHMS;
    }
    return asked;
  }

  private static String names(List<? extends Enum<?>> constants) {
    return constants.stream().map(Enum::name).collect(Collectors.joining(", "));
  }

  /** One shape after the other, so that what a limit leaves of the sweep is complete. */
  private static List<BenchRun> runs(
      List<BenchShape> asked, List<Precision> precisions, List<@Nullable RnnAlgorithm> how) {
    Set<BenchRun> runs = new LinkedHashSet<>();
    for (BenchShape shape : asked) {
      for (Precision precision : precisions) {
        for (RnnAlgorithm algorithm : how) {
          runs.add(new BenchRun(shape, precision, algorithm));
        }
      }
    }
    return List.copyOf(runs);
  }

  private Map<String, Object> facts(Device opened) {
    Map<String, Object> facts = new LinkedHashMap<>();
    facts.put("device", opened.name());
    facts.put("computeCapability", opened.computeCapability());
    facts.put("multiprocessors", opened.multiprocessors());
    facts.put("cudnn", CudnnHandle.version());
    facts.put("driverCuda", opened.driverVersion());
    facts.put("java", Runtime.version().toString());
    facts.put("graph", graph);
    facts.put("samples", repeat);
    return facts;
  }

  private static void header(
      PrintWriter out, Device opened, List<Precision> precisions, BenchPeak peak) {
    out.println("device    " + opened.name() + ", cuDNN " + CudnnHandle.version());
    String peaks =
        precisions.stream()
            .filter(peak.teraflops()::containsKey)
            .map(of -> String.format(Locale.ROOT, "%s %.4g", of, peak.teraflops().get(of)))
            .collect(Collectors.joining(", "));
    if (!peaks.isEmpty()) {
      peaks += " TFLOP/s" + System.lineSeparator() + "          ";
    }
    out.println("peak      " + peaks + peak.source());
    out.println(BenchTable.legend());
    out.flush();
  }

  private ParameterException usage(String message) {
    return new ParameterException(spec.commandLine(), message);
  }
}
