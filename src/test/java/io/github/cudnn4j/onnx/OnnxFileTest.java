package io.github.cudnn4j.onnx;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.io.MessageWriter;
import io.github.cudnn4j.tape.Init;
import io.github.cudnn4j.tape.Parameters;
import io.github.cudnn4j.tape.Tape;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What is refused of a file of ONNX, and what reading one takes. */
class OnnxFileTest {

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

  static String refusal(byte[] bytes) {
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

  private static byte[] model(long opset, MessageWriter tensor) {
    MessageWriter graph = new MessageWriter().text(2, "network").message(5, tensor);
    return new MessageWriter()
        .varint(1, 8)
        .message(7, graph)
        .message(8, new MessageWriter().varint(2, opset))
        .toByteArray();
  }

  @Test
  void whatAFileCannotHaveIsRefused() throws IOException {
    MessageWriter floats =
        new MessageWriter().varint(1, 2).varint(2, 1).text(8, "w").bytes(9, new byte[8]);
    assertEquals(
        2, OnnxFile.parse(ByteBuffer.wrap(model(17, floats))).arrays().get("w").values().length);
    assertEquals("the operators are of opset 9, read are 13 to 25", refusal(model(9, floats)));
    assertEquals("the operators are of opset 99, read are 13 to 25", refusal(model(99, floats)));
    MessageWriter whole =
        new MessageWriter().varint(1, 2).varint(2, 3).text(8, "w").bytes(9, new byte[2]);
    assertEquals(
        "\"w\" is of the type number 3, read are"
            + " [FLOAT, INT32, INT64, FLOAT16, DOUBLE, BFLOAT16]",
        refusal(model(17, whole)));
    MessageWriter external =
        new MessageWriter().varint(1, 2).varint(2, 1).text(8, "w").varint(14, 1);
    assertEquals(
        "\"w\" has its data in another file, which is not read", refusal(model(17, external)));
    MessageWriter vast =
        new MessageWriter().varint(1, 1L << 31).varint(2, 1).text(8, "w").bytes(9, new byte[8]);
    assertEquals("\"w\" has 2 values for the shape [2147483648]", refusal(model(17, vast)));
    assertEquals("no file of ONNX: it tells no version of the operators", refusal(new byte[0]));
  }

  private static byte[] repeated(int field, String first, String many, int count) {
    byte[] value = HexFormat.of().parseHex(first + many.repeat(count));
    return new MessageWriter().bytes(field, value).toByteArray();
  }

  private static byte[] model(byte[] graph) {
    return new MessageWriter()
        .message(8, new MessageWriter().varint(2, 17))
        .bytes(7, graph)
        .toByteArray();
  }

  /** Whatever is repeated: fields of no meaning, numbers, packed or not, extents, names. */
  @ParameterizedTest
  @CsvSource({
    "1, '', e03e00",
    "5, 1007420174, 3800",
    "5, 1007420174, 3a0100",
    "5, 1007420174, 0801",
    "5, 1001420174, 2500000000",
    "1, 2203416464, 0a00",
    "1, 2203416464, 1200",
    "1, 2203416464, 2a00",
    "11, 0a0178, 1200"
  })
  void readingTakesMemoryByTheSizeOfTheFile(int field, String first, String many) {
    byte[] file = model(repeated(field, first, many, 1 << 19));
    var threads = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
    long before = threads.getCurrentThreadAllocatedBytes();
    refusal(file);
    double allocated = threads.getCurrentThreadAllocatedBytes() - before;
    assertTrue(allocated < 20.0 * file.length, allocated / file.length + " times the size");
  }

  @ParameterizedTest
  @CsvSource({"5, 2a, tensors", "11, 5a, inputs", "1, 0a, nodes", "12, 62, outputs"})
  void partsAreOnlySoMany(int field, String tag, String parts) {
    byte[] graph = HexFormat.of().parseHex((tag + "00").repeat(131_073));
    assertEquals("it has 131073 " + parts + ", read are at most 131072", refusal(model(graph)));
  }

  /** Whatever is wrong with a file, it is refused, or a network that can be recorded or not. */
  @ParameterizedTest
  @ValueSource(strings = {"lstm-newer", "classifier-older"})
  void spoiltFilesAreRefused(String name) throws IOException {
    byte[] bytes = OnnxNetworkTest.resource("pytorch-" + name + ".onnx");
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
        record(Files.write(folder.resolve("spoilt.onnx"), spoilt));
      }
    }
    assertTrue(read > 40);
  }

  private void record(Path file) throws IOException {
    try (Parameters p = Parameters.on(device, Precision.FP32);
        Tape tape = Tape.inference(device, Precision.FP32)) {
      OnnxNetwork network = OnnxNetwork.read(file, p);
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
