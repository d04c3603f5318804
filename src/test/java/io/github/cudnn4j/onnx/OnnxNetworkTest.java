package io.github.cudnn4j.onnx;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.io.HalfFloat;
import io.github.cudnn4j.io.MessageWriter;
import io.github.cudnn4j.io.WeightLayout;
import io.github.cudnn4j.optim.Clip;
import io.github.cudnn4j.optim.LossScale;
import io.github.cudnn4j.optim.Optimizer;
import io.github.cudnn4j.optim.Updater;
import io.github.cudnn4j.rnn.RnnConfig;
import io.github.cudnn4j.tape.Indices;
import io.github.cudnn4j.tape.Init;
import io.github.cudnn4j.tape.Lengths;
import io.github.cudnn4j.tape.Loss;
import io.github.cudnn4j.tape.Parameters;
import io.github.cudnn4j.tape.Tape;
import io.github.cudnn4j.tape.Tensor;
import io.github.cudnn4j.testing.Closeness;
import io.github.cudnn4j.testing.OnnxRuntime;
import io.github.cudnn4j.testing.OnnxRuntime.Array;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class OnnxNetworkTest {

  private static final Closeness CLOSENESS = Closeness.within(1e-5);

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

  static byte[] resource(String name) throws IOException {
    try (var in = OnnxNetworkTest.class.getResourceAsStream(name)) {
      return Objects.requireNonNull(in, name).readAllBytes();
    }
  }

  private Path file(byte[] bytes) throws IOException {
    return Files.write(folder.resolve("network.onnx"), bytes);
  }

  /** Gives an input of random numbers to both, and returns what we got. */
  private OnnxRecording input(
      OnnxRecording recording, Tape tape, OnnxValue input, int[] shape, Map<String, Array> inputs) {
    long[] longs = Arrays.stream(shape).asLongStream().toArray();
    int count = Arrays.stream(shape).reduce(1, (a, b) -> a * b);
    if (input.type() == ElementType.FLOAT32) {
      Tensor tensor = tape.input(shape);
      float[] values = new float[count];
      for (int i = 0; i < count; i++) {
        values[i] = random.nextFloat(-1, 1);
      }
      tensor.value().copyFrom(values);
      inputs.put(input.name(), new Array(values, longs));
      return recording.with(input.name(), tensor);
    }
    Indices indices = tape.indices(shape);
    int[] tokens = random.ints(count, 0, 7).toArray();
    indices.buffer().copyFrom(tokens);
    inputs.put(input.name(), new Array(Arrays.stream(tokens).asLongStream().toArray(), longs));
    return recording.with(input.name(), indices);
  }

  /** Compares all outputs with ONNX Runtime's for inputs of some shape. */
  private void compare(byte[] bytes, int time, int batch) throws Exception {
    try (OnnxRuntime other = OnnxRuntime.load(bytes);
        Parameters p = Parameters.on(device, Precision.FP32);
        Tape tape = Tape.inference(device, Precision.FP32)) {
      OnnxNetwork network = OnnxNetwork.read(file(bytes), p);
      p.initialize(1);
      network.load();
      OnnxRecording recording = network.on(tape);
      Map<String, Array> inputs = new HashMap<>();
      for (OnnxValue input : network.inputs()) {
        int[] shape = new int[input.shape().size()];
        for (int i = 0; i < shape.length; i++) {
          String extent = input.shape().get(i);
          shape[i] =
              switch (extent) {
                case "T" -> time;
                case "B" -> batch;
                default -> Integer.parseInt(extent);
              };
        }
        if (input.name().equals("lengths")) {
          Lengths lengths = tape.lengths(batch);
          int[] numbers = random.ints(batch, 1, time + 1).toArray();
          lengths.set(numbers);
          inputs.put("lengths", new Array(numbers, batch));
          recording = recording.with("lengths", lengths);
        } else {
          recording = input(recording, tape, input, shape, inputs);
        }
      }
      Map<String, Tensor> outputs = recording.record();
      tape.forward();
      Map<String, Array> expected = other.run(inputs);
      assertEquals(List.copyOf(expected.keySet()), List.copyOf(outputs.keySet()));
      outputs.forEach(
          (name, tensor) -> {
            Array array = expected.get(name);
            assertArrayEquals(
                array.shape(), Arrays.stream(tensor.shape()).asLongStream().toArray(), name);
            CLOSENESS.check(name, array.doubles(), tensor.value().toFloats());
          });
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "lstm-older",
        "gru-older",
        "tanh-older",
        "relu-older",
        "tagger-older",
        "classifier-older",
        "classifier-newer"
      })
  void networksOfPyTorchAreThoseOfOnnxRuntime(String name) throws Exception {
    byte[] bytes = resource("pytorch-" + name + ".onnx");
    compare(bytes, 5, 2);
    compare(bytes, 1, 1);
    compare(bytes, 3, 4);
  }

  /** The newer exporter writes the number of steps into these. */
  @ParameterizedTest
  @ValueSource(strings = {"lstm-newer", "gru-newer", "tagger-newer"})
  void networksOfFixedTimeAreThoseOfOnnxRuntime(String name) throws Exception {
    byte[] bytes = resource("pytorch-" + name + ".onnx");
    compare(bytes, 5, 3);
  }

  /** What we write, and operators that PyTorch's files have not. */
  @Test
  void networksOfOurOwnAreThoseOfOnnxRuntime() throws Exception {
    try (Parameters p = Parameters.on(device, Precision.FP32)) {
      var embedding = p.embedding("embedding", 7, 4);
      var gru = p.rnn("gru", RnnConfig.gru(4, 3).layers(2).bidirectional());
      var lstm = p.rnn("lstm", RnnConfig.lstm(7, 3).layers(2));
      var norm = p.layerNorm("norm", 6);
      var head = p.linear("head", 6, 5);
      var scale = p.tensor("scale", Init.uniform(1), 5);
      p.initialize(3);
      OnnxGraph graph = new OnnxGraph("network");
      OnnxValue tokens = graph.input("tokens", ElementType.INT64, "T", "B");
      OnnxValue lengths = graph.input("lengths", ElementType.INT32, "B");
      OnnxValue h0 = graph.input("h0", ElementType.FLOAT32, "4", "B", "3");
      OnnxRecurrent out = graph.rnn(gru, graph.embedding(embedding, tokens), lengths, h0, null);
      graph.output("y", out.y());
      graph.output("last", graph.softmax(graph.linear(head, graph.layerNorm(norm, out.last()))));
      OnnxRecurrent hot = graph.rnn(lstm, graph.oneHot(tokens, 7));
      graph.output("c", hot.c());
      OnnxValue scores = graph.linear(head, out.y());
      List<String> shape = scores.shape();
      OnnxValue product = graph.node("Mul", Map.of(), shape, graph.weight(scale), scores);
      OnnxValue difference = graph.node("Sub", Map.of(), shape, product, graph.weight(scale));
      graph.output("difference", graph.node("LogSoftmax", Map.of(), shape, difference));
      OnnxValue turned =
          graph.node(
              "Transpose", Map.of("perm", new long[] {2, 1, 0}), List.of("5", "B", "T"), scores);
      graph.output("turned", graph.node("Sigmoid", Map.of(), turned.shape(), turned));
      OnnxValue exchanged =
          graph.node(
              "Transpose", Map.of("perm", new long[] {0, 2, 1}), List.of("T", "5", "B"), scores);
      graph.output("exchanged", exchanged);
      graph.output("mean", graph.mean(out.y(), lengths));
      compare(graph.toByteArray(), 4, 3);
      compare(graph.toByteArray(), 1, 2);
    }
  }

  private static OnnxValue constant(OnnxGraph graph, long... numbers) {
    return graph.node(
        "Constant", Map.of("value_ints", numbers), List.of(String.valueOf(numbers.length)));
  }

  @Test
  void sumsAndWhatIsRepeatedAreThoseOfOnnxRuntime() throws Exception {
    try (Parameters p = Parameters.on(device, Precision.FP32)) {
      var column = p.tensor("column", Init.uniform(1), 3, 1);
      var row = p.tensor("row", Init.uniform(1), 3);
      p.initialize(3);
      OnnxGraph graph = new OnnxGraph("network");
      OnnxValue x = graph.input("x", ElementType.FLOAT32, "T", "3", "2");
      OnnxValue tokens = graph.input("tokens", ElementType.INT64, "T", "3");
      OnnxValue numbers =
          graph.node("Cast", Map.of("to", (long) OnnxType.FLOAT.number()), tokens.shape(), tokens);
      graph.output("numbers", graph.node("Tanh", Map.of(), numbers.shape(), numbers));
      graph.output("columns", graph.node("Mul", Map.of(), x.shape(), graph.weight(column), x));
      graph.output(
          "outer",
          graph.node("Sub", Map.of(), List.of("3", "3"), graph.weight(column), graph.weight(row)));
      for (long[] axes : new long[][] {{0}, {1}, {-1}, {2, 0}, {0, 1}, {0, 1, 2}, {}}) {
        String name = Arrays.toString(axes);
        OnnxValue told = axes.length == 0 ? OnnxValue.NONE : constant(graph, axes);
        OnnxValue kept = graph.node("ReduceSum", Map.of(), List.of("a", "b", "c"), x, told);
        graph.output(name, graph.node("Sub", Map.of(), x.shape(), x, kept));
        if (axes.length % 3 != 0) {
          OnnxValue alone = graph.node("ReduceSum", Map.of("keepdims", 0L), List.of("a"), x, told);
          graph.output(name + " alone", alone);
        }
      }
      graph.output(
          "none", graph.node("ReduceSum", Map.of("noop_with_empty_axes", 1L), x.shape(), x));
      compare(graph.toByteArray(), 4, 3);
      compare(graph.toByteArray(), 1, 3);
    }
  }

  /** Each row is read from its last step on, whatever its length. */
  @ParameterizedTest
  @ValueSource(strings = {"LSTM", "GRU", "RNN"})
  void networksThatReadBackwardAreThoseOfOnnxRuntime(String operator) throws Exception {
    int gates = WeightLayout.Cell.valueOf(operator).gates();
    boolean lstm = operator.equals("LSTM");
    for (boolean lengthsGiven : new boolean[] {false, true}) {
      try (Parameters p = Parameters.on(device, Precision.FP32)) {
        var w = p.tensor("W", Init.uniform(1), 1, gates * 2, 3);
        var r = p.tensor("R", Init.uniform(1), 1, gates * 2, 2);
        var b = p.tensor("B", Init.uniform(1), 1, 2 * gates * 2);
        p.initialize(1);
        OnnxGraph graph = new OnnxGraph("network");
        OnnxValue x = graph.input("x", ElementType.FLOAT32, "T", "B", "3");
        String lengths = lengthsGiven ? graph.input("lengths", ElementType.INT32, "B").name() : "";
        OnnxValue h0 = graph.input("h0", ElementType.FLOAT32, "1", "B", "2");
        List<OnnxValue> given = new ArrayList<>();
        given.add(graph.value(List.of("T", "1", "B", "2")));
        given.add(graph.value(h0.shape()));
        if (lstm) {
          given.add(graph.value(h0.shape()));
        }
        graph.add(
            operator,
            Map.of("direction", "reverse", "hidden_size", 2L, "linear_before_reset", 1L)
                .entrySet()
                .stream()
                .filter(each -> operator.equals("GRU") || !each.getKey().startsWith("linear"))
                .collect(Collectors.toMap(Map.Entry::getKey, Map.Entry::getValue)),
            List.of(
                x.name(),
                graph.weight(w).name(),
                graph.weight(r).name(),
                graph.weight(b).name(),
                lengths,
                h0.name()),
            given.stream().map(OnnxValue::name).toList());
        for (int i = 0; i < given.size(); i++) {
          graph.output(List.of("y", "h", "c").get(i), given.get(i));
        }
        compare(graph.toByteArray(), 4, 3);
        compare(graph.toByteArray(), 1, 2);
      }
    }
  }

  private static MessageWriter half(
      String name, HalfFloat type, short[] bits, boolean raw, int... shape) {
    MessageWriter tensor = new MessageWriter();
    Arrays.stream(shape).forEach(extent -> tensor.varint(1, extent));
    tensor.varint(2, OnnxType.valueOf(type.name()).number()).text(8, name);
    var bytes = ByteBuffer.allocate(2 * bits.length).order(ByteOrder.LITTLE_ENDIAN);
    for (short each : bits) {
      bytes.putShort(each);
      if (!raw) {
        tensor.varint(5, Short.toUnsignedLong(each));
      }
    }
    return raw ? tensor.bytes(9, bytes.array()) : tensor;
  }

  private static MessageWriter widened(String from, String to) {
    return OnnxMessages.node(to, "Cast", Map.of("to", 1L), List.of(from), List.of(to));
  }

  /** Returns a file of one input, one output and what is told. */
  private static byte[] network(OnnxValue x, OnnxValue y, MessageWriter nodesAndWeights) {
    MessageWriter graph =
        nodesAndWeights
            .text(2, "network")
            .message(11, OnnxMessages.description(x.name(), x))
            .message(12, OnnxMessages.description(y.name(), y));
    return new MessageWriter()
        .varint(1, 8)
        .message(7, graph)
        .message(8, new MessageWriter().varint(2, 17))
        .toByteArray();
  }

  /** Weights of 16 bits, which a node casts. */
  @Test
  void weightsOf16BitsAreThoseOfOnnxRuntime() throws Exception {
    float[] weights = {1.5f, -2, 0.333f, 7, -0.001f, 3e-6f};
    OnnxValue x = new OnnxValue("x", ElementType.FLOAT32, List.of("B", "3"));
    OnnxValue y = new OnnxValue("y", ElementType.FLOAT32, List.of("B", "2"));
    for (HalfFloat type : HalfFloat.values()) {
      short[] bits = type.fromFloats(weights);
      for (boolean raw : new boolean[] {true, false}) {
        MessageWriter product =
            OnnxMessages.node("m", "MatMul", Map.of(), List.of("x", "wide"), List.of("y"));
        byte[] bytes =
            network(
                x,
                y,
                new MessageWriter()
                    .message(1, widened("w", "wide"))
                    .message(1, product)
                    .message(5, half("w", type, bits, raw, 3, 2)));
        compare(bytes, 1, 3);
        OnnxFile file = OnnxFile.parse(ByteBuffer.wrap(bytes));
        assertEquals(Set.of("w"), file.parameters());
        double[] values = file.arrays().get("w").values();
        for (int i = 0; i < values.length; i++) {
          assertEquals(type.toFloat(bits[i]), values[i]);
        }
      }
    }
  }

  /** They are weights of the network all the same, and nothing else. */
  @ParameterizedTest
  @EnumSource(HalfFloat.class)
  void recurrentWeightsOf16BitsAreThoseOfOnnxRuntime(HalfFloat type) throws Exception {
    MessageWriter graph = new MessageWriter();
    Map<String, int[]> shapes =
        Map.of("W", new int[] {1, 8, 3}, "R", new int[] {1, 8, 2}, "B", new int[] {1, 16});
    shapes.forEach(
        (name, shape) -> {
          float[] weights = new float[Arrays.stream(shape).reduce(1, (a, b) -> a * b)];
          for (int i = 0; i < weights.length; i++) {
            weights[i] = random.nextFloat(-1, 1);
          }
          graph
              .message(5, half(name, type, type.fromFloats(weights), true, shape))
              .message(1, widened(name, "wide " + name))
              .message(
                  1,
                  OnnxMessages.node(
                      "same " + name,
                      "Identity",
                      Map.of(),
                      List.of("wide " + name),
                      List.of("same " + name)));
        });
    graph.message(
        1,
        OnnxMessages.node(
            "lstm",
            "LSTM",
            Map.of("hidden_size", 2L),
            List.of("x", "wide W", "same R", "same B"),
            List.of("y")));
    OnnxValue x = new OnnxValue("x", ElementType.FLOAT32, List.of("T", "B", "3"));
    OnnxValue y = new OnnxValue("y", ElementType.FLOAT32, List.of("T", "1", "B", "2"));
    byte[] bytes = network(x, y, graph);
    compare(bytes, 4, 3);
    assertEquals(Set.of(), OnnxFile.parse(ByteBuffer.wrap(bytes)).parameters());
  }

  @Test
  void aNetworkIsTrainedOn() throws Exception {
    try (Parameters p = Parameters.on(device, Precision.FP32)) {
      OnnxNetwork network = OnnxNetwork.read(file(resource("pytorch-classifier-older.onnx")), p);
      p.initialize(1);
      network.load();
      assertTrue(p.names().contains("embedding.weight"), p.names()::toString);
      assertTrue(p.names().contains("/rnn/LSTM.weight_hh_l0_reverse"), p.names()::toString);
      try (Tape tape = Tape.training(device, Precision.FP32);
          Updater updater = Updater.create(p, Optimizer.adam(0.05), Clip.NONE, LossScale.NONE)) {
        Indices tokens = tape.indices(3, 4); // [B, T]
        tokens.buffer().copyFrom(new int[] {0, 1, 2, 3, 4, 5, 6, 0, 2, 2, 1, 1});
        Tensor probabilities =
            network.on(tape).with("tokens", tokens).record().values().iterator().next();
        Indices labels = tape.indices(3);
        labels.buffer().copyFrom(new int[] {0, 1, 2});
        Loss loss = tape.crossEntropy(tape.log(probabilities), labels);
        double first = 0;
        for (int step = 0; step < 30; step++) {
          p.gradients().clear();
          tape.forward();
          tape.backward();
          updater.run(loss.value());
          first = step == 0 ? loss.read() : first;
        }
        assertTrue(first > 0.8 && loss.read() < 0.1, first + " to " + loss.read());
        for (String name : p.names()) {
          assertTrue(Arrays.stream(p.readGradient(name)).anyMatch(g -> g != 0), name);
        }
      }
    }
  }

  /** Also what is computed on the host tells its node. */
  @ParameterizedTest
  @CsvSource({
    "1099511627776, 1, the shape [1099511627776] has more than 4194304 elements",
    "4194304, 5, 'with it 20971520 numbers are computed on the host, may be 16777216'"
  })
  void aShapeBeyondAllMeasureIsRefusedByNode(long extent, int last, String reason)
      throws IOException {
    OnnxGraph graph = new OnnxGraph("network");
    OnnxValue x = graph.input("x", ElementType.FLOAT32, "T");
    OnnxValue shape = constant(graph, extent);
    for (int i = 0; i < last; i++) {
      OnnxValue zeros = graph.node("ConstantOfShape", Map.of(), List.of("n"), shape);
      graph.output("y" + i, zeros);
    }
    try (Parameters p = Parameters.on(device, Precision.FP32);
        Tape tape = Tape.inference(device, Precision.FP32)) {
      OnnxRecording recording =
          OnnxNetwork.read(file(graph.toByteArray()), p).on(tape).with("x", tape.input(3));
      assertEquals(
          "node \"ConstantOfShape_%d\" (ConstantOfShape): %s".formatted(2 * last - 1, reason),
          assertThrows(IllegalArgumentException.class, recording::record).getMessage());
    }
  }
}
