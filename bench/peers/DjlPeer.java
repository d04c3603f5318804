import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.nn.Parameter;
import ai.djl.nn.core.Linear;
import ai.djl.nn.recurrent.GRU;
import ai.djl.nn.recurrent.LSTM;
import ai.djl.nn.recurrent.RNN;
import ai.djl.training.ParameterStore;
import ai.djl.training.loss.Loss;
import ai.djl.training.optimizer.Optimizer;
import ai.djl.training.tracker.Tracker;
import io.github.cudnn4j.bench.Fill;
import io.github.cudnn4j.bench.Peer;
import io.github.cudnn4j.bench.Workload;
import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.cudnn.RnnMode;
import io.github.cudnn4j.rnn.RnnConfig;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * The PyTorch engine of DJL as one side of a comparison, see {@link Peer}. The number of threads
 * comes from OMP_NUM_THREADS.
 */
final class DjlPeer {
  private static final int CHARACTERS = 10_000;

  private DjlPeer() {}

  public static void main(String[] arguments) throws IOException {
    Engine engine = Engine.getEngine("PyTorch");
    try (NDManager manager = NDManager.newBaseManager(ai.djl.Device.cpu(), "PyTorch")) {
      Peer.serve(
          "DJL %s, PyTorch %s, Java %s"
              .formatted(Engine.getDjlVersion(), engine.getVersion(), Runtime.version().toString()),
          (kind, workload) -> open(engine, manager, kind, workload));
    }
  }

  private static Peer.Job open(Engine engine, NDManager manager, String kind, Workload workload) {
    RnnConfig config = workload.config();
    if (config.directions() == 2) {
      // Its parameters are weights, then biases, of both directions; the engine wants them by
      // turns.
      throw new UnsupportedOperationException("DJL's PyTorch engine fails with both directions");
    }
    if (config.precision() != Precision.FP32
        || config.inputSkipped()
        || workload.name().contains("VAR")
        || workload.anyOrder()) {
      throw new UnsupportedOperationException("DJL has no such network");
    }
    return switch (kind) {
      case "sgd" -> new Steps(engine, manager, workload);
      case "adam" -> throw new UnsupportedOperationException("compared with SGD");
      default -> new Network(engine, manager, kind, workload);
    };
  }

  private static Block block(RnnConfig config, boolean returnsState) {
    int hidden = config.hiddenSize();
    return switch (config.mode()) {
      case LSTM ->
          LSTM.builder()
              .setStateSize(hidden)
              .setNumLayers(config.layers())
              .optBatchFirst(false)
              .optReturnState(returnsState)
              .build();
      case GRU ->
          GRU.builder()
              .setStateSize(hidden)
              .setNumLayers(config.layers())
              .optBatchFirst(false)
              .optReturnState(returnsState)
              .build();
      case TANH, RELU ->
          new RNN.Builder()
              .setActivation(
                  config.mode() == RnnMode.TANH ? RNN.Activation.TANH : RNN.Activation.RELU)
              .setStateSize(hidden)
              .setNumLayers(config.layers())
              .optBatchFirst(false)
              .optReturnState(returnsState)
              .build();
    };
  }

  /** Makes a network with the weights that all peers give it. */
  private static Block network(NDManager manager, Workload workload, boolean returnsState) {
    RnnConfig config = workload.config();
    Block block = block(config, returnsState);
    block.initialize(
        manager,
        DataType.FLOAT32,
        new Shape(workload.time(), workload.batch(), config.inputSize()));
    double scale = 1 / Math.sqrt(config.hiddenSize());
    int salt = Fill.PARAMETERS;
    for (Parameter parameter : block.getParameters().values()) {
      set(parameter, salt++, scale);
    }
    return block;
  }

  private static void set(Parameter parameter, int salt, double scale) {
    NDArray array = parameter.getArray();
    array.set(Fill.floats(salt, Math.toIntExact(array.size()), scale));
    array.setRequiresGradient(true);
  }

  private static double meanAbsolute(NDArray array) {
    double sum = 0;
    float[] values = array.toFloatArray();
    for (float value : values) {
      sum += Math.abs(value);
    }
    return sum / values.length;
  }

  /** Forward, and backward if it trains. */
  private static final class Network implements Peer.Job {
    private final Engine engine;
    private final NDManager manager;
    private final String kind;
    private final Block block;
    private final ParameterStore store;
    private final NDArray x;
    private final NDArray dy;

    Network(Engine engine, NDManager parent, String kind, Workload workload) {
      this.engine = engine;
      this.kind = kind;
      manager = parent.newSubManager();
      store = new ParameterStore(manager, false);
      block = network(manager, workload, false);
      RnnConfig config = workload.config();
      var inputs = new Shape(workload.time(), workload.batch(), config.inputSize());
      var outputs = new Shape(workload.time(), workload.batch(), config.outputSize());
      x = manager.create(Fill.floats(Fill.X, (int) inputs.size(), 1), inputs);
      dy = manager.create(Fill.floats(Fill.DY, (int) outputs.size(), 1), outputs);
      if (kind.equals("train")) {
        x.setRequiresGradient(true);
      }
    }

    @Override
    public void run(int times) {
      for (int i = 0; i < times; i++) {
        once(null);
      }
    }

    /** Does the work with a gradient of ones, or if the results are wanted, with that of peers. */
    private void once(Map<String, Double> results) {
      try (NDManager scope = manager.newSubManager()) {
        x.tempAttach(scope);
        if (kind.equals("infer")) {
          read(results, block.forward(store, new NDList(x), false).singletonOrThrow());
          return;
        }
        try (var collector = engine.newGradientCollector()) {
          NDArray y = block.forward(store, new NDList(x), true).singletonOrThrow();
          if (kind.equals("train")) {
            collector.backward(results == null ? y : y.mul(dy).sum());
          }
          read(results, y);
        }
      }
    }

    private void read(Map<String, Double> results, NDArray y) {
      if (results == null) {
        return;
      }
      results.put("y", meanAbsolute(y));
      if (kind.equals("train")) {
        results.put("dx", meanAbsolute(x.getGradient()));
        double sum = 0;
        long count = 0;
        for (Parameter parameter : block.getParameters().values()) {
          NDArray gradient = parameter.getArray().getGradient();
          sum += meanAbsolute(gradient) * gradient.size();
          count += gradient.size();
        }
        results.put("dw", sum / count);
      }
    }

    @Override
    public Map<String, Double> check() {
      var results = new LinkedHashMap<String, Double>();
      once(results);
      return results;
    }

    @Override
    public void close() {
      manager.close();
    }
  }

  /** Whole training steps of a character model, as StepWork. */
  private static final class Steps implements Peer.Job {
    private final Engine engine;
    private final NDManager manager;
    private final Block rnn;
    private final Block linear;
    private final ParameterStore store;
    private final Optimizer optimizer;
    private final Map<String, Parameter> parameters = new LinkedHashMap<>();
    private final List<NDList> windows = new ArrayList<>();
    private final NDArray lossSum;
    private final int classes;
    private NDList state = new NDList();
    private int window;

    Steps(Engine engine, NDManager parent, Workload workload) {
      this.engine = engine;
      RnnConfig config = workload.config();
      classes = config.inputSize();
      manager = parent.newSubManager();
      store = new ParameterStore(manager, false);
      rnn = network(manager, workload, true);
      linear = Linear.builder().setUnits(classes).build();
      linear.initialize(manager, DataType.FLOAT32, new Shape(1, config.hiddenSize()));
      double scale = 1 / Math.sqrt(config.hiddenSize());
      int salt = Fill.LINEAR_WEIGHT;
      for (Parameter parameter : linear.getParameters().values()) {
        set(parameter, salt++, scale);
      }
      rnn.getParameters().forEach(pair -> parameters.put("rnn." + pair.getKey(), pair.getValue()));
      linear
          .getParameters()
          .forEach(pair -> parameters.put("linear." + pair.getKey(), pair.getValue()));
      optimizer = Optimizer.sgd().setLearningRateTracker(Tracker.fixed(1)).build();
      lossSum = manager.zeros(new Shape());
      int[] text = Fill.ints(Fill.TOKENS, CHARACTERS, classes);
      int length = (CHARACTERS - 1) / workload.batch();
      for (int start = 0; start + workload.time() <= length; start += workload.time()) {
        windows.add(
            new NDList(
                tokens(workload, text, length, start), tokens(workload, text, length, start + 1)));
      }
    }

    private NDArray tokens(Workload workload, int[] text, int length, int start) {
      int batch = workload.batch();
      long[] tokens =
          IntStream.range(0, workload.time() * batch)
              .mapToLong(i -> text[i % batch * length + start + i / batch])
              .toArray();
      return manager.create(tokens, new Shape(workload.time(), batch));
    }

    private void step() {
      if (window == windows.size()) {
        window = 0;
        state.close();
        state = new NDList();
      }
      NDList tokens = windows.get(window++);
      try (NDManager scope = manager.newSubManager();
          var collector = engine.newGradientCollector()) {
        tokens.tempAttach(scope);
        NDArray x = tokens.get(0).oneHot(classes);
        NDList output = rnn.forward(store, new NDList(x).addAll(state), true);
        NDArray logits = linear.forward(store, new NDList(output.get(0)), true).singletonOrThrow();
        NDArray loss =
            Loss.softmaxCrossEntropyLoss()
                .evaluate(
                    new NDList(tokens.get(1).flatten()), new NDList(logits.reshape(-1, classes)));
        collector.backward(loss);
        update(scope);
        lossSum.addi(loss.stopGradient());
        state.close();
        state = new NDList();
        for (NDArray part : output.subNDList(1)) {
          NDArray kept = part.stopGradient();
          kept.attach(manager);
          state.add(kept);
        }
      }
    }

    /** DJL's own clipping is element by element, so the norm is taken here. */
    private void update(NDManager scope) {
      double squares = 0;
      var gradients = new LinkedHashMap<String, NDArray>();
      for (var entry : parameters.entrySet()) {
        NDArray gradient = entry.getValue().getArray().getGradient();
        gradient.attach(scope);
        gradients.put(entry.getKey(), gradient);
        double norm = gradient.norm().getFloat();
        squares += norm * norm;
      }
      double factor = Math.min(1, 1 / (Math.sqrt(squares) + 1e-6));
      gradients.forEach(
          (name, gradient) -> {
            gradient.muli(factor);
            optimizer.update(name, parameters.get(name).getArray(), gradient);
          });
    }

    @Override
    public void run(int times) {
      meanLoss(times);
    }

    private double meanLoss(int times) {
      for (int i = 0; i < times; i++) {
        step();
      }
      double mean = lossSum.getFloat() / times;
      lossSum.set(new float[] {0});
      return mean;
    }

    @Override
    public Map<String, Double> check() {
      return Map.of("first", meanLoss(1), "next", meanLoss(10));
    }

    @Override
    public void close() {
      manager.close();
    }
  }
}
