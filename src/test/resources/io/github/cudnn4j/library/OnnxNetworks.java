import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtLoggingLevel;
import ai.onnxruntime.OrtSession;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/**
 * A client of ONNX Runtime: random recurrent networks by its CUDA provider and by its CPU provider.
 * Prints how far they are apart, a network a line.
 */
final class OnnxNetworks {
  private static final int FLOAT = 1;

  /** A network: gates of the cell, and whether initial states are given. */
  private record Network(
      String cell, int gates, int time, int batch, int input, int hidden, boolean states) {}

  /** A message of Protocol Buffers, as ONNX's files are. */
  private static final class Message {
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

    private void varint(long value) {
      for (; (value & ~0x7FL) != 0; value >>>= 7) {
        bytes.write((int) (value & 0x7F | 0x80));
      }
      bytes.write((int) value);
    }

    Message number(int field, long value) {
      varint((long) field << 3);
      varint(value);
      return this;
    }

    Message bytes(int field, byte[] value) {
      varint((long) field << 3 | 2);
      varint(value.length);
      bytes.writeBytes(value);
      return this;
    }

    Message text(int field, String value) {
      return bytes(field, value.getBytes(StandardCharsets.UTF_8));
    }

    Message message(int field, Message value) {
      return bytes(field, value.bytes.toByteArray());
    }
  }

  private static Message tensor(String name, Random random, int... extents) {
    var tensor = new Message();
    int count = 1;
    for (int extent : extents) {
      tensor.number(1, extent);
      count *= extent;
    }
    var data = ByteBuffer.allocate(count * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < count; i++) {
      data.putFloat((float) random.nextDouble(-0.4, 0.4));
    }
    return tensor.number(2, FLOAT).text(8, name).bytes(9, data.array());
  }

  private static Message value(String name, int... extents) {
    var shape = new Message();
    for (int extent : extents) {
      shape.message(1, new Message().number(1, extent));
    }
    var type = new Message().number(1, FLOAT).message(2, shape);
    return new Message().text(1, name).message(2, new Message().message(1, type));
  }

  private static Message attribute(String name, long value) {
    return new Message().text(1, name).number(3, value).number(20, 2);
  }

  private static byte[] model(Network n, Random random) {
    boolean lstm = n.cell.equals("LSTM");
    var node = new Message();
    var graph = new Message();
    for (String input : List.of("X", "W", "R", "B")) {
      node.text(1, input);
    }
    node.text(1, "");
    if (n.states) {
      node.text(1, "h0");
      if (lstm) {
        node.text(1, "c0");
      }
    }
    var outputs = lstm ? List.of("Y", "Y_h", "Y_c") : List.of("Y", "Y_h");
    outputs.forEach(output -> node.text(2, output));
    node.text(4, n.cell).message(5, attribute("hidden_size", n.hidden));
    if (n.cell.equals("GRU")) {
      node.message(5, attribute("linear_before_reset", 1));
    }
    int rows = n.gates * n.hidden;
    graph.message(1, node).text(2, "graph");
    graph.message(5, tensor("W", random, 1, rows, n.input));
    graph.message(5, tensor("R", random, 1, rows, n.hidden));
    graph.message(5, tensor("B", random, 1, 2 * rows));
    if (n.states) {
      graph.message(5, tensor("h0", random, 1, n.batch, n.hidden));
      if (lstm) {
        graph.message(5, tensor("c0", random, 1, n.batch, n.hidden));
      }
    }
    graph.message(11, value("X", n.time, n.batch, n.input));
    graph.message(12, value("Y", n.time, 1, n.batch, n.hidden));
    outputs
        .subList(1, outputs.size())
        .forEach(output -> graph.message(12, value(output, 1, n.batch, n.hidden)));
    var model = new Message().number(1, 8).message(7, graph);
    return model.message(8, new Message().text(1, "").number(2, 14)).bytes.toByteArray();
  }

  private static Map<String, float[]> run(byte[] model, Network n, float[] x, boolean cuda)
      throws OrtException {
    var environment = OrtEnvironment.getEnvironment(OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR);
    var results = new LinkedHashMap<String, float[]>();
    try (var options = new OrtSession.SessionOptions()) {
      if (cuda) {
        options.addCUDA(0);
        options.addConfigEntry("session.disable_cpu_ep_fallback", "1");
      }
      long[] shape = {n.time, n.batch, n.input};
      try (var session = environment.createSession(model, options);
          var input = OnnxTensor.createTensor(environment, FloatBuffer.wrap(x), shape);
          var result = session.run(Map.of("X", input))) {
        for (var entry : result) {
          var floats = ((OnnxTensor) entry.getValue()).getFloatBuffer();
          var values = new float[floats.remaining()];
          floats.get(values);
          results.put(entry.getKey(), values);
        }
      }
    }
    return results;
  }

  public static void main(String[] arguments) throws OrtException {
    var random = new Random(1);
    var networks = new ArrayList<Network>();
    for (boolean states : new boolean[] {false, true}) {
      for (int size : new int[] {1, 2, 3}) {
        int time = 3 * size;
        int input = 5 + size;
        int hidden = 4 * size;
        networks.add(new Network("LSTM", 4, time, size, input, hidden, states));
        networks.add(new Network("GRU", 3, time, size, input, hidden, states));
        networks.add(new Network("RNN", 1, time, size, input, hidden, states));
      }
    }
    for (var network : networks) {
      byte[] model = model(network, random);
      var x = new float[network.time * network.batch * network.input];
      for (int i = 0; i < x.length; i++) {
        x[i] = (float) random.nextDouble(-1, 1);
      }
      var expected = run(model, network, x, false);
      var actual = run(model, network, x, true);
      double worst = actual.keySet().equals(expected.keySet()) ? 0 : Double.NaN;
      double largest = 0;
      for (var entry : expected.entrySet()) {
        float[] one = entry.getValue();
        float[] other = actual.get(entry.getKey());
        worst = one.length == other.length ? worst : Double.NaN;
        for (int i = 0; i < one.length; i++) {
          worst = Math.max(worst, Math.abs(one[i] - other[i]));
          largest = Math.max(largest, Math.abs(one[i]));
        }
      }
      System.out.println(worst + " of " + largest + ": " + network);
    }
  }
}
