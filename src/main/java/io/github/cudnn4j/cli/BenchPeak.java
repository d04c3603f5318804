package io.github.cudnn4j.cli;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.cuda.Event;
import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.library.DeviceKind;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * How fast a device multiplies at best.
 *
 * @param teraflops TFLOP/s by precision; a precision that is missing has no known peak
 * @param source where the figures come from, or why there are none
 */
record BenchPeak(Map<Precision, Double> teraflops, String source) {
  private static final String TABLE = "peaks.tsv";
  private static final List<Precision> COLUMNS =
      List.of(Precision.FP32, Precision.TF32, Precision.FP16, Precision.BF16, Precision.FP64);
  private static final Pattern SUFFIX = Pattern.compile("([ -](SXM\\d|PCIE|PCIe|\\d+GB|HBM\\w+))*");

  private static final int SIZE = 1024;
  private static final int ROUNDS = 5;

  /** The peak of a GPU that the table knows, or of the host device, measured here. */
  static BenchPeak of(Device device, Set<Precision> wanted) {
    return device.kind() == DeviceKind.HOST ? measured(device, wanted) : known(device.name());
  }

  /** The peak of a GPU by its driver's name for it. */
  static BenchPeak known(String name) {
    for (String line : table().lines().toList()) {
      String[] cells = line.split("\t");
      if (!line.startsWith("#") && names(cells[0], name)) {
        Map<Precision, Double> peaks = new EnumMap<>(Precision.class);
        for (int i = 0; i < COLUMNS.size(); i++) {
          if (!cells[i + 1].equals("-")) {
            peaks.put(COLUMNS.get(i), Double.valueOf(cells[i + 1]));
          }
        }
        if (peaks.containsKey(Precision.FP16)) {
          peaks.put(Precision.FP16_MATH, peaks.get(Precision.FP16));
        }
        return new BenchPeak(peaks, cells[cells.length - 1]);
      }
    }
    return new BenchPeak(Map.of(), "no peak is known of " + name + ", so no percentage is given");
  }

  /** Whether a GPU is of a model: behind it stands only how it is built in and its memory. */
  private static boolean names(String model, String name) {
    return name.startsWith(model) && SUFFIX.matcher(name.substring(model.length())).matches();
  }

  private static String table() {
    try (var in = Objects.requireNonNull(BenchPeak.class.getResourceAsStream(TABLE), TABLE)) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The best of some products of square matrices. */
  private static BenchPeak measured(Device device, Set<Precision> wanted) {
    // Whatever the type in memory, the host device computes in FP32 or in FP64.
    Map<Precision, Double> computed = new EnumMap<>(Precision.class);
    Map<Precision, Double> peaks = new EnumMap<>(Precision.class);
    for (Precision precision : wanted) {
      Precision units = precision == Precision.FP64 ? Precision.FP64 : Precision.FP32;
      peaks.put(precision, computed.computeIfAbsent(units, key -> product(device, key)));
    }
    return new BenchPeak(
        peaks,
        String.format(
            Locale.ROOT, "measured: the best of %d products of %d x %d", ROUNDS, SIZE, SIZE));
  }

  private static double product(Device device, Precision precision) {
    ElementType type = precision.type();
    Precision before = device.blas().precision(type);
    device.blas().precision(precision);
    try (DeviceBuffer a = BenchRun.random(device, type, (long) SIZE * SIZE, 1);
        DeviceBuffer b = BenchRun.random(device, type, (long) SIZE * SIZE, 1);
        DeviceBuffer c = DeviceBuffer.allocate(device, type, (long) SIZE * SIZE);
        Event start = Event.create(device);
        Event end = Event.create(device)) {
      double best = Double.POSITIVE_INFINITY;
      for (int round = 0; round <= ROUNDS; round++) {
        start.record();
        device.blas().gemm(false, false, SIZE, SIZE, SIZE, 1, a, b, 0, c);
        end.record();
        end.synchronize();
        best = Math.min(best, end.millisSince(start));
      }
      return 2.0 * SIZE * SIZE * SIZE / best * 1e-9;
    } finally {
      device.blas().precision(before);
    }
  }
}
