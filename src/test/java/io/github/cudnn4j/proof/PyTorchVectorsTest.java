package io.github.cudnn4j.proof;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.cudnn.BiasMode;
import io.github.cudnn4j.cudnn.RnnDataLayout;
import io.github.cudnn4j.cudnn.RnnMode;
import io.github.cudnn4j.io.SafeTensors;
import io.github.cudnn4j.rnn.Rnn;
import io.github.cudnn4j.rnn.RnnConfig;
import io.github.cudnn4j.rnn.RnnParameter;
import io.github.cudnn4j.testing.Closeness;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Forward and backward against PyTorch 2.13: every case of {@code pytorch-vectors.safetensors},
 * which {@code pytorch_vectors.py} beside it made, in every layout that can hold its rows. The
 * equations of {@link ReferenceRnn} are held against the same cases.
 */
class PyTorchVectorsTest {

  private static SafeTensors vectors;
  private static Device device;

  @BeforeAll
  static void open() throws IOException, URISyntaxException {
    vectors =
        SafeTensors.open(
            Path.of(PyTorchVectorsTest.class.getResource("pytorch-vectors.safetensors").toURI()));
    device = Device.open();
  }

  @AfterAll
  static void close() throws IOException {
    vectors.close();
    device.close();
  }

  static Stream<String> cases() {
    return vectors.names().stream().filter(n -> n.endsWith(".x")).map(n -> n.replace(".x", ""));
  }

  @ParameterizedTest
  @MethodSource("cases")
  void inDoublePrecision(String name) throws IOException {
    compare(name, Precision.FP64, Closeness.within(1e-10));
  }

  @ParameterizedTest
  @MethodSource("cases")
  void inSinglePrecision(String name) throws IOException {
    compare(name, Precision.FP32, Closeness.within(1e-5));
  }

  @ParameterizedTest
  @MethodSource("cases")
  void inHalfPrecision(String name) throws IOException {
    for (Precision precision : Precision.values()) {
      if (precision.type().bytes() == 2) {
        compare(name, precision, Closeness.within(Numbers.tolerance(precision, device)));
      }
    }
  }

  @ParameterizedTest
  @MethodSource("cases")
  void byTheReference(String name) throws IOException {
    RnnConfig config = config(name, Precision.FP64);
    try (Rnn rnn = Rnn.create(device, config)) {
      Rows rows = rows(name);
      Map<String, double[]> parameters = parameters(rnn, tensor(name, "parameters"), "");
      check(
          name,
          Closeness.within(1e-13),
          expected(name, rnn),
          Reference.results(config, rows, parameters, inputs(name), null));
    }
  }

  private static void compare(String name, Precision precision, Closeness closeness)
      throws IOException {
    Rows rows = rows(name);
    try (Rnn rnn = Rnn.create(device, config(name, precision))) {
      Run.set(rnn, parameters(rnn, tensor(name, "parameters"), ""));
      Run.Inputs in = inputs(name);
      Map<String, double[]> expected = expected(name, rnn);
      for (Rows placed : placings(rows)) {
        Run.Inputs moved =
            new Run.Inputs(
                move(rows, placed, in.x()),
                in.hx(),
                in.cx(),
                move(rows, placed, in.dy()),
                in.dhy(),
                in.dcy());
        Map<String, double[]> actual = Run.once(rnn, placed, moved);
        actual.replaceAll((n, v) -> n.equals("y") || n.equals("dx") ? move(placed, rows, v) : v);
        check(precision + " " + name + " " + placed, closeness, expected, actual);
      }
    }
  }

  /** Results whose state was not given have no counterpart in PyTorch. */
  private static void check(
      String what,
      Closeness closeness,
      Map<String, double[]> expected,
      Map<String, double[]> actual) {
    expected.forEach(
        (name, values) -> closeness.check(what + " " + name, values, actual.get(name)));
    long more = actual.keySet().stream().filter(name -> !expected.containsKey(name)).count();
    assertEquals(what.contains("no-states") ? actual.containsKey("dcx") ? 2 : 1 : 0, more);
  }

  private static RnnConfig config(String name, Precision precision) throws IOException {
    RnnMode mode = RnnMode.valueOf(name.substring(0, name.indexOf('.')).toUpperCase(Locale.ROOT));
    int[] h = shape(name + ".hy");
    boolean bidirectional = name.contains(".bi.");
    RnnConfig config =
        RnnConfig.of(
                mode, shape(name + ".x")[2], mode.hasCellState() ? shape(name + ".cy")[2] : h[2])
            .projection(h[2])
            .layers(h[0] / (bidirectional ? 2 : 1))
            .precision(precision);
    config = name.contains("no-bias") ? config.bias(BiasMode.NONE) : config;
    return bidirectional ? config.bidirectional() : config;
  }

  private static Rows rows(String name) throws IOException {
    int[] lengths =
        Arrays.stream(vectors.longs(name + ".lengths")).mapToInt(Math::toIntExact).toArray();
    return Rows.of(RnnDataLayout.SEQ_MAJOR_UNPACKED, shape(name + ".x")[0], lengths);
  }

  /** The same rows in every layout, as a shape, in a plan with more room and in any order. */
  private static List<Rows> placings(Rows rows) {
    int[] lengths = rows.lengthArray();
    Stream<Rows> shapes =
        Stream.of(RnnDataLayout.values())
            .filter(layout -> layout.padded() || lengths[0] == rows.time())
            .map(layout -> Rows.of(layout, rows.time(), lengths));
    Stream<Rows> batches =
        Stream.of(RnnDataLayout.values())
            .filter(RnnDataLayout::padded)
            .map(layout -> Rows.anyOrder(layout, rows.time(), lengths));
    Stream<Rows> varying =
        Stream.of(RnnDataLayout.values())
            .filter(RnnDataLayout::padded)
            .map(layout -> Rows.of(Rows.Kind.VARYING, layout, rows.time() + 2, lengths));
    return Stream.of(shapes, varying, batches).flatMap(all -> all).toList();
  }

  /** The vectors of a sequence in another layout, padding 0. */
  private static double[] move(Rows from, Rows to, double[] sequence) {
    int width = sequence.length / from.vectors();
    double[] result = new double[to.vectors() * width];
    for (int row = 0; row < from.batch(); row++) {
      for (int t = 0; t < from.lengths().get(row); t++) {
        System.arraycopy(
            sequence, from.vector(t, row) * width, result, to.vector(t, row) * width, width);
      }
    }
    return result;
  }

  private static Run.Inputs inputs(String name) throws IOException {
    return new Run.Inputs(
        tensor(name, "x"),
        state(name, "h0"),
        state(name, "c0"),
        tensor(name, "dy"),
        tensor(name, "dhy"),
        state(name, "dcy"));
  }

  private static Map<String, double[]> expected(String name, Rnn rnn) throws IOException {
    Map<String, double[]> expected = new LinkedHashMap<>();
    Map<String, String> names =
        Map.of("y", "y", "hy", "hy", "cy", "cy", "dx", "dx", "dhx", "dh0", "dcx", "dc0");
    for (Map.Entry<String, String> entry : names.entrySet()) {
      if (vectors.contains(name + "." + entry.getValue())) {
        expected.put(entry.getKey(), tensor(name, entry.getValue()));
      }
    }
    expected.putAll(parameters(rnn, tensor(name, "gradients"), "gradient of "));
    return expected;
  }

  /** Cuts what PyTorch has one after the other, in the order that the names have here too. */
  private static Map<String, double[]> parameters(Rnn rnn, double[] values, String prefix) {
    Map<String, double[]> parameters = new LinkedHashMap<>();
    int from = 0;
    for (RnnParameter parameter : rnn.weights().parameters()) {
      int to = from + Math.toIntExact(parameter.elements());
      parameters.put(prefix + parameter.name(), Arrays.copyOfRange(values, from, to));
      from = to;
    }
    assertEquals(values.length, from);
    return parameters;
  }

  private static int[] shape(String tensor) throws IOException {
    return Arrays.stream(vectors.shape(tensor)).mapToInt(Math::toIntExact).toArray();
  }

  private static double @Nullable [] state(String name, String tensor) throws IOException {
    return vectors.contains(name + "." + tensor) ? tensor(name, tensor) : null;
  }

  private static double[] tensor(String name, String tensor) throws IOException {
    return vectors.doubles(name + "." + tensor);
  }
}
