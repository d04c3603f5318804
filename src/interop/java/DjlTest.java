import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.engine.EngineException;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.nn.recurrent.GRU;
import ai.djl.nn.recurrent.LSTM;
import ai.djl.nn.recurrent.RNN;
import ai.djl.nn.recurrent.RecurrentBlock;
import ai.djl.training.ParameterStore;
import ai.djl.training.initializer.UniformInitializer;
import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.rnn.Rnn;
import io.github.cudnn4j.rnn.RnnConfig;
import io.github.cudnn4j.rnn.RnnStates;
import io.github.cudnn4j.rnn.SequenceShape;
import io.github.cudnn4j.testing.SourceProgram;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the guide shows of DJL, with the real one and its PyTorch on the processor. */
class DjlTest {
  private static final int TIME = 5;
  private static final int BATCH = 2;
  private static final int INPUT = 3;

  /** More than 16: libtorch 2.7.1 computes smaller LSTMs wrongly on some processors. */
  private static final int HIDDEN = 32;

  private Device device;
  private NDManager manager;

  @BeforeEach
  void open() {
    device = Device.open();
    manager = NDManager.newBaseManager("PyTorch");
  }

  @AfterEach
  void close() {
    manager.close();
    device.close();
  }

  @Test
  void anArrayIsComputedWithWhereItIs() {
    NDArray array = manager.create(new float[] {1, 2, 3, 4, 5, 6}, new Shape(2, 3));
    try (var tensor = Djl.share(device, array)) {
      assertArrayEquals(new long[] {2, 3}, tensor.shape());
      device.blas().scal(2, tensor.buffer());
      device.synchronize();
      assertArrayEquals(new float[] {2, 4, 6, 8, 10, 12}, array.toFloatArray());
      array.addi(1);
      assertArrayEquals(new float[] {3, 5, 7, 9, 11, 13}, tensor.buffer().toFloats());
      array.close();
      assertArrayEquals(new float[] {3, 5, 7, 9, 11, 13}, tensor.buffer().toFloats());
    }
  }

  @Test
  void aBufferIsComputedWithWhereItIs() {
    try (var buffer = DeviceBuffer.allocate(device, ElementType.FLOAT32, 6)) {
      buffer.copyFrom(new float[] {1, 2, 3, 4, 5, 6});
      NDArray array = Djl.share(manager, buffer.slice(2, 4), 2, 1, 2);
      assertEquals(new Shape(2, 1, 2), array.getShape());
      assertArrayEquals(new float[] {3, 4, 5, 6}, array.toFloatArray());
      array.muli(10);
      assertArrayEquals(new float[] {1, 2, 30, 40, 50, 60}, buffer.toFloats());
      buffer.clear();
      device.synchronize();
      assertArrayEquals(new float[4], array.toFloatArray());
      // It comes back through the same memory.
      try (var tensor = Djl.share(device, array)) {
        assertEquals(buffer.address() + 8, tensor.buffer().address());
      }
      var wrong =
          assertThrows(IllegalArgumentException.class, () -> Djl.share(manager, buffer, 2, 2));
      assertEquals("the shape has 4 elements, the buffer 6", wrong.getMessage());
    }
  }

  @Test
  void everyTypeIsShared() {
    for (ElementType type : ElementType.values()) {
      try (var buffer = DeviceBuffer.allocate(device, type, 6)) {
        buffer.clear();
        device.synchronize();
        NDArray array = Djl.share(manager, buffer, 2, 3);
        // DJL has a type of that name, but does not see it in libtorch's.
        assertEquals(
            type == ElementType.BFLOAT16 ? DataType.UNKNOWN : DataType.valueOf(type.name()),
            array.getDataType());
        try (var tensor = Djl.share(device, array)) {
          assertEquals(type, tensor.buffer().type());
          assertEquals(buffer.address(), tensor.buffer().address());
        }
      }
    }
  }

  @Test
  void anArrayWithGapsIsRefused() {
    NDArray array = manager.create(new float[6], new Shape(2, 3)).transpose();
    var refused = assertThrows(IllegalArgumentException.class, () -> Djl.share(device, array));
    assertTrue(refused.getMessage().contains("strides [1, 3]"), refused.getMessage());
  }

  @Test
  void theWeightsOfItsNetworksAreTaken() {
    assertSame(LSTM.builder().setNumLayers(2), RnnConfig.lstm(INPUT, HIDDEN).layers(2));
    assertSame(GRU.builder().setNumLayers(2), RnnConfig.gru(INPUT, HIDDEN).layers(2));
    assertSame(
        new RNN.Builder().setActivation(RNN.Activation.RELU).setNumLayers(1),
        RnnConfig.relu(INPUT, HIDDEN));
  }

  private void assertSame(RecurrentBlock.BaseBuilder<?> builder, RnnConfig config) {
    Block theirs = block(builder);
    NDArray x = input();
    assertArrayEquals(forward(theirs, x).toFloatArray(), run(config, theirs, x), 1e-5f);
  }

  /** DJL 0.36 gives its engine the weights of both directions in an order that it refuses. */
  @Test
  void theWeightsOfBothDirectionsAreTaken() {
    Block both = block(LSTM.builder().setNumLayers(1).optBidirectional(true));
    NDArray x = input();
    assertThrows(EngineException.class, () -> forward(both, x));

    NDArray[] expected = new NDArray[2];
    for (int direction = 0; direction < 2; direction++) {
      Block one = block(LSTM.builder().setNumLayers(1));
      String prefix = direction == 0 ? "l_" : "r_";
      for (var parameter : one.getParameters()) {
        String name = parameter.getKey().replace("l_", prefix);
        NDArray weights = both.getParameters().get(name).getArray();
        parameter.getValue().getArray().set(weights.toFloatArray());
      }
      expected[direction] = direction == 0 ? forward(one, x) : forward(one, x.flip(0)).flip(0);
    }
    assertArrayEquals(
        expected[0].concat(expected[1], 2).toFloatArray(),
        run(RnnConfig.lstm(INPUT, HIDDEN).bidirectional(), both, x),
        1e-5f);
  }

  private Block block(RecurrentBlock.BaseBuilder<?> builder) {
    builder.setStateSize(HIDDEN);
    builder.optBatchFirst(false);
    builder.optReturnState(false);
    Block block = built(builder);
    block.setInitializer(new UniformInitializer(0.2f), _ -> true);
    block.initialize(manager, DataType.FLOAT32, new Shape(TIME, BATCH, INPUT));
    return block;
  }

  private static Block built(RecurrentBlock.BaseBuilder<?> builder) {
    return switch (builder) {
      case LSTM.Builder lstm -> lstm.build();
      case GRU.Builder gru -> gru.build();
      case RNN.Builder rnn -> rnn.build();
      default -> throw new AssertionError(builder);
    };
  }

  private NDArray input() {
    return manager.randomUniform(-1, 1, new Shape(TIME, BATCH, INPUT));
  }

  private NDArray forward(Block block, NDArray x) {
    return block
        .forward(new ParameterStore(manager, false), new NDList(x), false)
        .singletonOrThrow();
  }

  private float[] run(RnnConfig config, Block weights, NDArray input) {
    try (var rnn = Rnn.create(device, config);
        var plan = rnn.inferencePlan(SequenceShape.of(TIME, BATCH));
        var y = DeviceBuffer.allocate(device, ElementType.FLOAT32, plan.outputElements())) {
      Djl.load(rnn.weights(), weights);
      try (var x = Djl.share(device, input)) {
        plan.infer(x.buffer(), y, RnnStates.NONE);
        return y.toFloats();
      }
    }
  }

  /** The network of TorchScript is of torch.jit.trace, without what debugging takes. */
  @Test
  void aPredictorRunsOurNetwork(@TempDir Path classes) throws Exception {
    List<String> lines =
        SourceProgram.run(
            Path.of("src/examples/guide/DjlPredictor.java"),
            classes,
            Path.of("src/interop/resources").toAbsolutePath().toString());
    assertEquals(5, lines.size());
    for (String line : lines) {
      double worst = Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1));
      assertTrue(worst < 1e-5, line);
    }
  }
}
