package io.github.cudnn4j.onnx;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.cudnn.BiasMode;
import io.github.cudnn4j.cudnn.RnnMode;
import io.github.cudnn4j.rnn.RnnConfig;
import io.github.cudnn4j.tape.Init;
import io.github.cudnn4j.tape.Lengths;
import io.github.cudnn4j.tape.Parameters;
import io.github.cudnn4j.tape.RecurrentOutput;
import io.github.cudnn4j.tape.RnnLayer;
import io.github.cudnn4j.tape.Tape;
import io.github.cudnn4j.tape.Tensor;
import io.github.cudnn4j.testing.Closeness;
import io.github.cudnn4j.testing.JavaProcess;
import io.github.cudnn4j.testing.OnnxRuntime;
import io.github.cudnn4j.testing.OnnxRuntime.Array;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class OnnxGraphTest {

  private static final Closeness CLOSENESS = Closeness.within(1e-5);
  private static final int TIME = 5;
  private static final int BATCH = 3;
  private static final int INPUT = 4;
  private static final int HIDDEN = 6;

  @TempDir private Path folder;

  private Device device;
  private final Random random = new Random(5);

  @BeforeEach
  void open() {
    device = Device.open();
  }

  @AfterEach
  void close() {
    device.close();
  }

  private float[] floats(int count) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = random.nextFloat(-1, 1);
    }
    return values;
  }

  private static void compare(String what, Tensor expected, Array actual) {
    long[] shape = new long[expected.rank()];
    for (int i = 0; i < shape.length; i++) {
      shape[i] = expected.dim(i);
    }
    assertArrayEquals(shape, actual.shape(), what);
    float[] floats = expected.value().toFloats();
    CLOSENESS.check(what, new Array(floats).doubles(), actual.doubles());
  }

  private void compare(RnnConfig config, boolean lengthsGiven, boolean statesGiven)
      throws Exception {
    String what = config + " lengths " + lengthsGiven + " states " + statesGiven;
    try (Parameters p = Parameters.on(device, Precision.FP32);
        Tape tape = Tape.inference(device, Precision.FP32)) {
      RnnLayer rnn = p.rnn("rnn", config);
      p.initialize(random.nextLong());

      OnnxGraph graph = new OnnxGraph("network");
      int states = config.pseudoLayers();
      OnnxValue x = graph.input("x", ElementType.FLOAT32, "T", "B", String.valueOf(INPUT));
      OnnxValue lengths = lengthsGiven ? graph.input("lengths", ElementType.INT32, "B") : null;
      String[] state = {String.valueOf(states), "B", String.valueOf(HIDDEN)};
      OnnxValue h0 = statesGiven ? graph.input("h0", ElementType.FLOAT32, state) : null;
      boolean cell = statesGiven && config.hasCellState();
      OnnxValue c0 = cell ? graph.input("c0", ElementType.FLOAT32, state) : null;
      OnnxRecurrent written = graph.rnn(rnn, x, lengths, h0, c0);
      graph.output("y", written.y());
      graph.output("h", written.h());
      graph.output("last", written.last());
      if (written.c() != null) {
        graph.output("c", written.c());
      }

      Map<String, Array> inputs = new HashMap<>();
      Tensor ownX = input(tape, inputs, "x", TIME, BATCH, INPUT);
      Tensor ownH0 = statesGiven ? input(tape, inputs, "h0", states, BATCH, HIDDEN) : null;
      Tensor ownC0 = cell ? input(tape, inputs, "c0", states, BATCH, HIDDEN) : null;
      Lengths ownLengths = tape.lengths(BATCH);
      int[] numbers = lengthsGiven ? new int[] {2, TIME, 1} : new int[] {TIME, TIME, TIME};
      ownLengths.set(numbers);
      if (lengthsGiven) {
        inputs.put("lengths", new Array(numbers, BATCH));
      }
      RecurrentOutput out =
          ownH0 == null
              ? rnn.on(tape, ownX, ownLengths)
              : rnn.on(tape, ownX, ownLengths, ownH0, ownC0);
      Tensor last = out.last();
      tape.forward();

      try (OnnxRuntime network = OnnxRuntime.load(graph.toByteArray())) {
        Map<String, Array> outputs = network.run(inputs);
        compare(what + " y", out.y(), outputs.get("y"));
        compare(what + " h", out.h(), outputs.get("h"));
        compare(what + " last", last, outputs.get("last"));
        if (out.c() != null) {
          compare(what + " c", out.c(), outputs.get("c"));
        }
      }
    }
  }

  private Tensor input(Tape tape, Map<String, Array> inputs, String name, int... shape) {
    Tensor tensor = tape.input(shape);
    float[] values = floats((int) tensor.elements());
    tensor.value().copyFrom(values);
    inputs.put(name, new Array(values, shape[0], shape[1], shape[2]));
    return tensor;
  }

  @ParameterizedTest
  @EnumSource
  void networksOfOnnxRuntimeAreOurs(RnnMode mode) throws Exception {
    RnnConfig config = RnnConfig.of(mode, INPUT, HIDDEN);
    for (RnnConfig each :
        List.of(
            config, config.bidirectional(), config.layers(3), config.layers(2).bidirectional())) {
      compare(each, false, false);
      compare(each, true, true);
    }
    for (BiasMode bias : BiasMode.values()) {
      compare(config.bias(bias), true, false);
    }
  }

  @Test
  void whatOnnxHasNotIsRefused() {
    try (Parameters p = Parameters.on(device, Precision.FP32)) {
      RnnConfig lstm = RnnConfig.lstm(INPUT, INPUT);
      List<RnnLayer> layers =
          List.of(
              p.rnn("projects", lstm.projection(2)),
              p.rnn("skips", lstm.skipInput()),
              p.rnn("clips", lstm.clip(-1, 1)));
      p.initialize(1);
      for (RnnLayer layer : layers) {
        OnnxGraph graph = new OnnxGraph("network");
        OnnxValue x = graph.input("x", ElementType.FLOAT32, "T", "B", String.valueOf(INPUT));
        String message =
            assertThrows(IllegalArgumentException.class, () -> graph.rnn(layer, x)).getMessage();
        assertEquals(true, message.contains("ONNX"), message);
        assertThrows(
            IllegalArgumentException.class, () -> graph.input("x", ElementType.FLOAT32, "T"));
      }
    }
  }

  private static void assertRefused(String message, Executable use) {
    assertEquals(message, assertThrows(IllegalArgumentException.class, use).getMessage());
  }

  @Test
  void whatDoesNotBelongIntoAGraphIsRefused() throws IOException {
    try (Parameters p = Parameters.on(device, Precision.FP32)) {
      var linear = p.linear("linear", INPUT, INPUT);
      var gru = p.rnn("gru", RnnConfig.gru(INPUT, INPUT).layers(2));
      var embedding = p.embedding("embedding", 3, INPUT);
      p.initialize(1);
      var graph = new OnnxGraph("network");
      var x = graph.input("x", ElementType.FLOAT32, "T", "B", "4");
      var tokens = graph.input("tokens", ElementType.INT64, "T", "B");
      var lengths = graph.input("lengths", ElementType.INT32, "2");
      var other = new OnnxGraph("other");
      var others = other.input("x", ElementType.FLOAT32, "T", "B", "4");

      String ofOther = " is OnnxValue[name=x, type=FLOAT32, shape=[T, B, 4]], which is of another";
      assertRefused("x" + ofOther + " graph", () -> graph.linear(linear, others));
      assertRefused("x" + ofOther + " graph", () -> graph.rnn(gru, others));
      assertRefused("x" + ofOther + " graph", () -> graph.softmax(others));
      assertRefused("y" + ofOther + " graph", () -> graph.mean(others, lengths));
      assertRefused("the output" + ofOther + " graph", () -> graph.output("y", others));
      assertRefused(
          "input 1" + ofOther + " graph", () -> graph.node("Add", Map.of(), x.shape(), x, others));

      for (String extent : List.of("0", "-1", "", "+1", "1.5", "9".repeat(19), "?")) {
        assertRefused(
            "extent \"" + extent + "\", must be a number above 0 or a name",
            () -> graph.input("z", ElementType.FLOAT32, "T", extent));
      }
      assertRefused("classes = 0, must be at least 1", () -> graph.oneHot(tokens, 0));
      assertRefused("the name \"x\" is taken or empty", () -> graph.output("x", x));
      assertRefused("the name of the graph is empty", () -> new OnnxGraph(""));
      assertRefused(
          "the name of the operator is empty", () -> graph.node("", Map.of(), List.of("T"), x));
      assertRefused(
          "attribute axis is 1, must be of a type that is written",
          () -> graph.node("Softmax", Map.of("axis", 1), x.shape(), x));
      assertRefused(
          "UINT8 is not written to ONNX", () -> graph.input("bytes", ElementType.UINT8, "T"));

      String isTokens = " is OnnxValue[name=tokens, type=INT64, shape=[T, B]], must be ";
      assertRefused("x" + isTokens + "of [FLOAT32]", () -> graph.linear(linear, tokens));
      assertRefused("lengths" + isTokens + "of [INT32]", () -> graph.rnn(gru, x, tokens));
      var state = graph.input("state", ElementType.FLOAT32, "2", "B", "4");
      var narrow = graph.input("narrow", ElementType.FLOAT32, "2", "B", "3");
      assertRefused(
          "h0 is " + narrow + ", must be [2, B, 4]", () -> graph.rnn(gru, x, null, narrow, null));
      assertRefused("c0 for a GRU, which has no cell", () -> graph.rnn(gru, x, null, state, state));
      assertRefused("x is " + narrow + ", must be [T, B, 4]", () -> graph.rnn(gru, narrow));
      assertRefused("x is " + narrow + ", must be [..., 4]", () -> graph.linear(linear, narrow));
      assertRefused(
          "tokens is " + x + ", must be of [INT32, INT64]", () -> graph.embedding(embedding, x));

      assertThrows(NullPointerException.class, () -> graph.output("y", null));
      assertThrows(NullPointerException.class, () -> graph.metadata("note", null));
      assertThrows(
          NullPointerException.class, () -> graph.node("Tanh", Map.of(), x.shape(), x, null));
    }
  }

  @Test
  void weightsOfOneNameAreNotTakenForEachOther() {
    try (Parameters one = Parameters.on(device, Precision.FP32);
        Parameters other = Parameters.on(device, Precision.FP32)) {
      var linear = one.linear("linear", INPUT, INPUT);
      var lstm = one.rnn("rnn", RnnConfig.lstm(INPUT, INPUT));
      var otherLinear = other.linear("linear", INPUT, INPUT);
      var otherLstm = other.rnn("rnn", RnnConfig.lstm(INPUT, INPUT));
      one.initialize(1);
      other.initialize(2);
      OnnxGraph graph = new OnnxGraph("network");
      OnnxValue x = graph.input("x", ElementType.FLOAT32, "T", "B", String.valueOf(INPUT));
      graph.linear(linear, graph.linear(linear, x));
      graph.rnn(lstm, graph.rnn(lstm, x).y());
      assertThrows(IllegalArgumentException.class, () -> graph.linear(otherLinear, x));
      assertThrows(IllegalArgumentException.class, () -> graph.rnn(otherLstm, x));
    }
  }

  /** What is there is replaced, not written over, so that there is never a part of a file. */
  @Test
  void aFileIsWrittenAsAWhole() throws IOException {
    Path file = Files.writeString(folder.resolve("network.onnx"), "before");
    Path before = Files.createLink(folder.resolve("before"), file);
    OnnxGraph graph = new OnnxGraph("network");
    graph.output("y", graph.input("value_1", ElementType.FLOAT32, "T"));
    graph.write(file);
    assertArrayEquals(graph.toByteArray(), Files.readAllBytes(file));
    assertEquals("before", Files.readString(before));
  }

  @Test
  void onnxRuntimeLoadsLayersWithoutAWarning() throws Exception {
    List<String> files = new ArrayList<>();
    try (Parameters p = Parameters.on(device, Precision.FP32)) {
      RnnLayer rnn = p.rnn("rnn", RnnConfig.gru(INPUT, HIDDEN).layers(2).bidirectional());
      var embedding = p.embedding("embedding", 7, INPUT);
      var norm = p.layerNorm("norm", 2 * HIDDEN);
      var tied = p.linear("tied", p.tensor("table.weight", Init.normal(1), 7, 2 * HIDDEN), false);
      p.initialize(1);
      OnnxGraph graph = new OnnxGraph("network");
      OnnxValue tokens = graph.input("tokens", ElementType.INT64, "T", "B");
      OnnxValue lengths = graph.input("lengths", ElementType.INT32, "B");
      OnnxRecurrent out = graph.rnn(rnn, graph.embedding(embedding, tokens), lengths);
      graph.output("mean", graph.mean(out.y(), lengths));
      graph.output("tied", graph.softmax(graph.linear(tied, graph.layerNorm(norm, out.y()))));
      graph.metadata("note", "a test");
      Path file = folder.resolve("network.onnx");
      graph.write(file);
      files.add(file.toString());
      OnnxRuntime.load(graph.toByteArray()).close();
    }
    JavaProcess process =
        JavaProcess.run(OnnxRuntime.class, List.of(), Map.of(), files.toArray(String[]::new));
    assertEquals("", process.errors());
    assertEquals(0, process.status());
  }
}
