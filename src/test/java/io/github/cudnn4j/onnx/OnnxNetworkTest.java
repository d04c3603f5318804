package io.github.cudnn4j.onnx;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.io.HalfFloat;
import io.github.cudnn4j.io.Message;
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
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
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

  private static byte[] resource(String name) throws IOException {
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

  private static Message half(int type, short[] bits, boolean raw) {
    Message tensor = new Message().varint(1, 3).varint(1, 2).varint(2, type).text(8, "w");
    var bytes = ByteBuffer.allocate(2 * bits.length).order(ByteOrder.LITTLE_ENDIAN);
    for (short each : bits) {
      bytes.putShort(each);
      if (!raw) {
        tensor.varint(5, Short.toUnsignedLong(each));
      }
    }
    return raw ? tensor.bytes(9, bytes.array()) : tensor;
  }

  /** Weights of 16 bits, which a node casts. */
  @Test
  void weightsOf16BitsAreThoseOfOnnxRuntime() throws Exception {
    float[] weights = {1.5f, -2, 0.333f, 7, -0.001f, 3e-6f};
    for (HalfFloat type : HalfFloat.values()) {
      short[] bits = type.fromFloats(weights);
      OnnxType written = OnnxType.valueOf(type.name());
      for (boolean raw : new boolean[] {true, false}) {
        OnnxValue x = new OnnxValue("x", ElementType.FLOAT32, List.of("B", "3"));
        OnnxValue y = new OnnxValue("y", ElementType.FLOAT32, List.of("B", "2"));
        Message graph =
            new Message()
                .message(
                    1,
                    OnnxMessages.node("c", "Cast", Map.of("to", 1L), List.of("w"), List.of("wide")))
                .message(
                    1,
                    OnnxMessages.node("m", "MatMul", Map.of(), List.of("x", "wide"), List.of("y")))
                .text(2, "network")
                .message(5, half(written.number(), bits, raw))
                .message(11, OnnxMessages.description("x", x))
                .message(12, OnnxMessages.description("y", y));
        byte[] bytes =
            new Message()
                .varint(1, 8)
                .message(7, graph)
                .message(8, new Message().varint(2, 17))
                .toByteArray();
        compare(bytes, 1, 3);
        double[] values = OnnxFile.parse(ByteBuffer.wrap(bytes)).arrays().get("w").values();
        for (int i = 0; i < values.length; i++) {
          assertEquals(type.toFloat(bits[i]), values[i]);
        }
      }
    }
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

  private static String refusal(byte[] bytes) {
    return assertThrows(IOException.class, () -> OnnxFile.parse(ByteBuffer.wrap(bytes)))
        .getMessage();
  }

  /** A file with one node, whose inputs are x and the weights of a layer of H = 2 and I = 3. */
  private byte[] node(String operator, int gates, Map<String, ?> attributes, int inputs) {
    try (Parameters p = Parameters.on(device, Precision.FP32)) {
      var w = p.tensor("W", Init.uniform(1), 1, gates * 2, 3);
      var r = p.tensor("R", Init.uniform(1), 1, gates * 2, 2);
      var peepholes = p.tensor("P", Init.uniform(1), 1, 6);
      p.initialize(1);
      OnnxGraph graph = new OnnxGraph("network");
      OnnxValue none = OnnxValue.NONE;
      OnnxValue[] all = {
        graph.input("x", ElementType.FLOAT32, "T", "B", "3"),
        graph.weight(w),
        graph.weight(r),
        none,
        none,
        none,
        none,
        graph.weight(peepholes)
      };
      List<String> shape = List.of("T", "1", "B", "2");
      graph.output("y", graph.node(operator, attributes, shape, Arrays.copyOf(all, inputs)));
      return graph.toByteArray();
    }
  }

  private void assertRefused(
      String reason, String operator, int gates, Map<String, ?> attributes, int inputs) {
    String message = refusal(node(operator, gates, attributes, inputs));
    assertTrue(message.startsWith("node \"" + operator + "_0\" (" + operator + "): "), message);
    assertTrue(message.contains(reason), message);
  }

  @Test
  void whatIsNotReadIsRefusedByNodeAndReason() throws IOException {
    OnnxFile.parse(ByteBuffer.wrap(node("LSTM", 4, Map.of(), 3)));
    OnnxFile.parse(ByteBuffer.wrap(node("GRU", 3, Map.of("linear_before_reset", 1L), 3)));
    assertRefused("this operator is not read", "Einsum", 4, Map.of(), 1);
    assertRefused("linear_before_reset = 0", "GRU", 3, Map.of(), 3);
    assertRefused("layout = 1", "LSTM", 4, Map.of("layout", 1L), 3);
    assertRefused("peepholes", "LSTM", 4, Map.of(), 8);
    assertRefused("input_forget = 1", "LSTM", 4, Map.of("input_forget", 1L), 3);
    assertRefused("clip", "LSTM", 4, Map.of("clip", 3f), 3);
    assertRefused("direction is 1", "RNN", 1, Map.of("direction", 1L), 3);
    assertRefused("direction is sideways", "RNN", 1, Map.of("direction", "sideways"), 3);
    assertRefused(
        "R has the shape [1, 8, 2], must be [2, 8, 2]",
        "LSTM",
        4,
        Map.of("direction", "bidirectional"),
        3);
    assertRefused("hidden_size is 3", "LSTM", 4, Map.of("hidden_size", 3L), 3);
    String[] activations = {"Sigmoid", "Relu", "Tanh"};
    assertRefused("activations are", "LSTM", 4, Map.of("activations", activations), 3);
    assertRefused("its R are no weights of the file", "LSTM", 4, Map.of(), 2);
  }

  /** Also what is computed on the host tells its node. */
  @Test
  void aShapeBeyondAllMeasureIsRefusedByNode() throws IOException {
    OnnxGraph graph = new OnnxGraph("network");
    OnnxValue x = graph.input("x", ElementType.FLOAT32, "T");
    OnnxValue shape = constant(graph, 1L << 40);
    graph.output(
        "y",
        graph.node(
            "Add",
            Map.of(),
            List.of("T"),
            x,
            graph.node("ConstantOfShape", Map.of(), List.of("n"), shape)));
    try (Parameters p = Parameters.on(device, Precision.FP32);
        Tape tape = Tape.inference(device, Precision.FP32)) {
      OnnxRecording recording =
          OnnxNetwork.read(file(graph.toByteArray()), p).on(tape).with("x", tape.input(3));
      assertEquals(
          "node \"ConstantOfShape_1\" (ConstantOfShape): the shape [1099511627776] has more than"
              + " 4194304 elements",
          assertThrows(IllegalArgumentException.class, recording::record).getMessage());
    }
  }

  private static byte[] model(long opset, Message tensor) {
    Message graph = new Message().text(2, "network").message(5, tensor);
    return new Message()
        .varint(1, 8)
        .message(7, graph)
        .message(8, new Message().varint(2, opset))
        .toByteArray();
  }

  @Test
  void whatAFileCannotHaveIsRefused() throws IOException {
    Message floats = new Message().varint(1, 2).varint(2, 1).text(8, "w").bytes(9, new byte[8]);
    assertEquals(
        2, OnnxFile.parse(ByteBuffer.wrap(model(17, floats))).arrays().get("w").values().length);
    assertEquals("the operators are of opset 9, read are 13 to 25", refusal(model(9, floats)));
    assertEquals("the operators are of opset 99, read are 13 to 25", refusal(model(99, floats)));
    Message whole = new Message().varint(1, 2).varint(2, 3).text(8, "w").bytes(9, new byte[2]);
    assertEquals(
        "\"w\" is of the type number 3, read are"
            + " [FLOAT, INT32, INT64, FLOAT16, DOUBLE, BFLOAT16]",
        refusal(model(17, whole)));
    Message external = new Message().varint(1, 2).varint(2, 1).text(8, "w").varint(14, 1);
    assertEquals(
        "\"w\" has its data in another file, which is not read", refusal(model(17, external)));
    Message vast =
        new Message().varint(1, 1L << 31).varint(2, 1).text(8, "w").bytes(9, new byte[8]);
    assertEquals("\"w\" has 2 values for the shape [2147483648]", refusal(model(17, vast)));
    assertEquals("no file of ONNX: it tells no version of the operators", refusal(new byte[0]));
  }

  /** Whatever is wrong with a file, it is refused, or a network that can be recorded or not. */
  @ParameterizedTest
  @ValueSource(strings = {"lstm-newer", "classifier-older"})
  void spoiltFilesAreRefused(String name) throws IOException {
    byte[] bytes = resource("pytorch-" + name + ".onnx");
    for (int length = 0; length < bytes.length; length += 29) {
      refusal(Arrays.copyOf(bytes, length));
    }
    int read = 0;
    for (int i = 0; i < 1000; i++) {
      byte[] spoilt = bytes.clone();
      for (int flips = random.nextInt(1, 4); flips > 0; flips--) {
        spoilt[random.nextInt(spoilt.length)] ^= (byte) (1 << random.nextInt(8));
      }
      try {
        OnnxFile.parse(ByteBuffer.wrap(spoilt));
      } catch (IOException e) {
        assertTrue(e.getMessage() != null && !e.getMessage().isEmpty());
        continue;
      }
      if (read++ < 40) {
        record(spoilt);
      }
    }
    assertTrue(read > 40);
  }

  private void record(byte[] bytes) throws IOException {
    try (Parameters p = Parameters.on(device, Precision.FP32);
        Tape tape = Tape.inference(device, Precision.FP32)) {
      OnnxNetwork network = OnnxNetwork.read(file(bytes), p);
      p.initialize(1);
      network.load();
      OnnxRecording recording = network.on(tape);
      try {
        for (OnnxValue input : network.inputs()) {
          boolean floating = input.type() == ElementType.FLOAT32;
          recording =
              floating
                  ? recording.with(input.name(), tape.input(5, 2, 4))
                  : recording.with(input.name(), tape.indices(2, 5));
        }
        recording.record();
      } catch (IllegalArgumentException e) {
        assertTrue(e.getMessage() != null && !e.getMessage().isEmpty());
      }
    }
  }
}
