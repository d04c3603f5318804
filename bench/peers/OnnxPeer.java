import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import io.github.cudnn4j.bench.Fill;
import io.github.cudnn4j.bench.Peer;
import io.github.cudnn4j.bench.Workload;
import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.onnx.OnnxGraph;
import io.github.cudnn4j.onnx.OnnxValue;
import io.github.cudnn4j.rnn.RnnConfig;
import io.github.cudnn4j.tape.Parameters;
import io.github.cudnn4j.tape.RnnLayer;
import io.github.cudnn4j.train.StepWork;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.nio.LongBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * ONNX Runtime on the processor as one side of a comparison, see {@link Peer}: it runs what ours
 * writes as ONNX. Its inputs and outputs are made once, and a state is computed where the next step
 * takes it from. The number of threads comes from OMP_NUM_THREADS.
 */
final class OnnxPeer {
  private final OrtEnvironment environment = OrtEnvironment.getEnvironment();
  private final int threads = Integer.parseInt(System.getenv("OMP_NUM_THREADS"));

  private OnnxPeer() {}

  public static void main(String[] arguments) throws IOException {
    var peer = new OnnxPeer();
    Peer.serve(
        "ONNX Runtime %s, Java %s".formatted(peer.environment.getVersion(), Runtime.version()),
        peer::open);
  }

  private Peer.Job open(String kind, Workload workload) {
    if (workload.config().precision() != Precision.FP32 || workload.name().contains("VAR")) {
      throw new UnsupportedOperationException("ONNX has no such network");
    }
    try {
      return switch (kind) {
        case "infer" -> new Network(workload);
        case "stream" -> new Stream(workload);
        default -> throw new UnsupportedOperationException("ONNX Runtime infers only");
      };
    } catch (OrtException e) {
      throw new IllegalStateException(e);
    }
  }

  /** A graph that has been loaded, and the tensors that go in and come out. */
  private abstract class Graph implements Peer.Job {
    final OrtSession session;
    private final List<OnnxTensor> tensors = new ArrayList<>();

    Graph(OnnxGraph graph) throws OrtException {
      try (var options = new OrtSession.SessionOptions()) {
        options.setIntraOpNumThreads(threads);
        session = environment.createSession(graph.toByteArray(), options);
      }
    }

    private ByteBuffer bytes(int elements, int each) {
      return ByteBuffer.allocateDirect(elements * each).order(ByteOrder.nativeOrder());
    }

    private static int elements(long... shape) {
      return (int) Arrays.stream(shape).reduce(1, Math::multiplyExact);
    }

    private OnnxTensor keep(OnnxTensor tensor) {
      tensors.add(tensor);
      return tensor;
    }

    OnnxTensor floats(FloatBuffer values, long... shape) throws OrtException {
      return keep(OnnxTensor.createTensor(environment, values, shape));
    }

    OnnxTensor zeros(long... shape) throws OrtException {
      return floats(floatBuffer(shape), shape);
    }

    FloatBuffer floatBuffer(long... shape) {
      return bytes(elements(shape), Float.BYTES).asFloatBuffer();
    }

    OnnxTensor ints(int[] values) throws OrtException {
      IntBuffer buffer = bytes(values.length, Integer.BYTES).asIntBuffer().put(values).flip();
      return keep(OnnxTensor.createTensor(environment, buffer, new long[] {values.length}));
    }

    OnnxTensor longs(LongBuffer values, long... shape) throws OrtException {
      return keep(OnnxTensor.createTensor(environment, values, shape));
    }

    LongBuffer longBuffer(int elements) {
      return bytes(elements, Long.BYTES).asLongBuffer();
    }

    void run(Map<String, OnnxTensor> inputs, Map<String, OnnxTensor> outputs) {
      try {
        session.run(inputs, Set.of(), outputs).close();
      } catch (OrtException e) {
        throw new IllegalStateException(e);
      }
    }

    @Override
    public void close() {
      try {
        tensors.forEach(OnnxTensor::close);
        session.close();
      } catch (OrtException e) {
        throw new IllegalStateException(e);
      }
    }
  }

  private static double meanAbsolute(FloatBuffer values) {
    double sum = 0;
    for (int i = 0; i < values.capacity(); i++) {
      sum += Math.abs(values.get(i));
    }
    return sum / values.capacity();
  }

  /** Forward from a zero state. */
  private final class Network extends Graph {
    private final FloatBuffer y;
    private final Map<String, OnnxTensor> inputs = new HashMap<>();
    private final Map<String, OnnxTensor> outputs;

    Network(Workload workload) throws OrtException {
      super(graph(workload));
      RnnConfig config = workload.config();
      long[] shape = {workload.time(), workload.batch(), config.inputSize()};
      FloatBuffer x = floatBuffer(shape);
      inputs.put("x", floats(x.put(Fill.floats(Fill.X, x.capacity(), 1)).flip(), shape));
      if (workload.anyOrder()) {
        inputs.put("lengths", ints(workload.lengths()));
      }
      shape[2] = config.outputSize();
      y = floatBuffer(shape);
      outputs = Map.of("y", floats(y, shape));
    }

    private static OnnxGraph graph(Workload workload) {
      try (var device = Device.open();
          var p = Parameters.on(device, Precision.FP32)) {
        RnnLayer rnn = p.rnn("rnn", workload.config());
        p.initialize(1);
        Fill.set(p, workload.config().hiddenSize());
        var graph = new OnnxGraph(workload.name());
        String inputSize = String.valueOf(workload.config().inputSize());
        OnnxValue x = graph.input("x", ElementType.FLOAT32, "T", "B", inputSize);
        graph.output(
            "y",
            workload.anyOrder()
                ? graph.rnn(rnn, x, graph.input("lengths", ElementType.INT32, "B")).y()
                : graph.rnn(rnn, x).y());
        return graph;
      }
    }

    @Override
    public void run(int times) {
      for (int i = 0; i < times; i++) {
        run(inputs, outputs);
      }
    }

    @Override
    public Map<String, Double> check() {
      run(1);
      return Map.of("y", meanAbsolute(y));
    }
  }

  /** Steps of a character model whose states stay, as StreamWork. */
  private final class Stream extends Graph {
    private final int[] tokens;
    private final LongBuffer given;
    private final FloatBuffer logits;
    private final List<Map<String, OnnxTensor>> inputs = new ArrayList<>();
    private final List<Map<String, OnnxTensor>> outputs = new ArrayList<>();
    private final float[] result;
    private int turn;

    Stream(Workload workload) throws OrtException {
      super(graph(workload));
      RnnConfig config = workload.config();
      int batch = workload.batch();
      tokens = Fill.ints(Fill.TOKENS, batch, config.inputSize());
      result = new float[batch * config.inputSize()];
      given = longBuffer(batch);
      OnnxTensor read = longs(given, 1, batch);
      logits = floatBuffer(1, batch, config.inputSize());
      OnnxTensor written = floats(logits, 1, batch, config.inputSize());
      List<String> states = config.hasCellState() ? List.of("h", "c") : List.of("h");
      for (int side = 0; side < 2; side++) {
        inputs.add(new HashMap<>(Map.of("tokens", read)));
        outputs.add(new HashMap<>(Map.of("logits", written)));
      }
      for (int side = 0; side < 2; side++) {
        for (String state : states) {
          OnnxTensor tensor = zeros(config.layers(), batch, config.hiddenSize());
          inputs.get(side).put(state + "0", tensor);
          outputs.get(1 - side).put(state, tensor);
        }
      }
    }

    private static OnnxGraph graph(Workload workload) {
      try (var device = Device.open();
          var model = StepWork.model(device, workload)) {
        return model.onnx();
      }
    }

    @Override
    public void run(int times) {
      for (int i = 0; i < times; i++) {
        for (int row = 0; row < tokens.length; row++) {
          given.put(row, tokens[row]);
        }
        run(inputs.get(turn), outputs.get(turn));
        turn = 1 - turn;
        logits.get(0, result);
      }
    }

    @Override
    public Map<String, Double> check() {
      run(1);
      double first = meanAbsolute(logits);
      run(10);
      return Map.of("first", first, "next", meanAbsolute(logits));
    }
  }
}
