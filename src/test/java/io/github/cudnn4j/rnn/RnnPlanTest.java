package io.github.cudnn4j.rnn;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.cudnn.RnnDataLayout;
import java.util.Arrays;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class RnnPlanTest {
  private static final SequenceShape SHAPE = SequenceShape.of(4, 2);
  private static Device device;
  private RnnFixture lstm;
  private RnnFixture gru;

  @BeforeAll
  static void open() {
    device = Device.open();
  }

  @AfterAll
  static void close() {
    device.close();
  }

  @BeforeEach
  void fixtures() {
    lstm = new RnnFixture(device, RnnConfig.lstm(3, 5).layers(2).bidirectional(), SHAPE);
    gru = new RnnFixture(device, RnnConfig.gru(3, 5), SHAPE);
  }

  @AfterEach
  void closeRigs() {
    lstm.close();
    gru.close();
  }

  private static <T extends RuntimeException> void assertRefused(
      Class<T> type, String message, Executable executable) {
    assertEquals(message, assertThrows(type, executable).getMessage());
  }

  private static void assertRefused(String message, Executable executable) {
    assertRefused(IllegalArgumentException.class, message, executable);
  }

  @Test
  void sizesFollowTheShape() {
    assertEquals(4 * 2 * 3, lstm.plan.inputElements());
    assertEquals(4 * 2 * 10, lstm.plan.outputElements());
    assertEquals(4 * 2 * 5, lstm.plan.stateElements());
    assertTrue(lstm.plan.reserveBytes() > 0);
    assertEquals(
        "LSTM I 3 H 5 L 2 D 2 bias DOUBLE dropout 0.0 FP32, SEQ_MAJOR_UNPACKED T 4 B 2",
        lstm.plan.toString());
    try (RnnPlan packed =
        gru.rnn.plan(SequenceShape.ofLengths(RnnDataLayout.SEQ_MAJOR_PACKED, 4, 4, 1))) {
      assertEquals(5 * 3, packed.inputElements());
      assertEquals(5 * 5, packed.outputElements());
      assertEquals(2 * 5, packed.stateElements());
    }
    try (Rnn rnn = Rnn.create(lstm.rnn.device(), RnnConfig.lstm(3, 5).projection(2).layers(2));
        RnnPlan projected = rnn.plan(SequenceShape.of(4, 3))) {
      assertEquals(4 * 3 * 2, projected.outputElements());
      assertEquals(2 * 3 * 2, projected.stateElements());
      assertEquals(2 * 3 * 5, projected.cellStateElements());
    }
  }

  @Test
  void operandsOfAnotherSizeTypeOrDeviceAreRefused() {
    DeviceBuffer small = lstm.x.slice(0, lstm.x.elements() - 1);
    assertRefused(
        "x has 23 elements, but it must have 24",
        () -> lstm.plan.forward(small, lstm.y, RnnStates.NONE));
    assertRefused(
        "y has 24 elements, but it must have 80",
        () -> lstm.plan.infer(lstm.x, lstm.dx, RnnStates.NONE));
    try (DeviceBuffer doubles = DeviceBuffer.allocate(device, ElementType.FLOAT64, 24)) {
      assertRefused(
          "x is FLOAT64, but it must be FLOAT32",
          () -> lstm.plan.infer(doubles, lstm.y, RnnStates.NONE));
    }
    assertRefused(
        "hy has 24 elements, but it must have 40",
        () -> lstm.plan.infer(lstm.x, lstm.y, RnnStates.of(null, lstm.dx)));
  }

  @Test
  void closedOperandsAreRefused() {
    DeviceBuffer closed = DeviceBuffer.allocate(device, ElementType.FLOAT32, 24);
    closed.close();
    assertThrows(
        IllegalStateException.class, () -> lstm.plan.infer(closed, lstm.y, RnnStates.NONE));
  }

  @Test
  void overlapsAreRefused() {
    DeviceBuffer hx = lstm.states.hx();
    assertRefused(
        "hy and hx overlap in memory, but they must be apart",
        () -> lstm.plan.forward(lstm.x, lstm.y, new RnnStates(hx, null, hx, null)));
    DeviceBuffer block = lstm.buffer(24 + 80 - 1);
    DeviceBuffer x = block.slice(0, 24);
    DeviceBuffer y = block.slice(23, 80);
    assertRefused(
        "y and x overlap in memory, but they must be apart",
        () -> lstm.plan.forward(x, y, RnnStates.NONE));
    assertRefused(
        "dx and x overlap in memory, but they must be apart",
        () -> lstm.plan.forward(lstm.x, lstm.y, RnnStates.NONE).backward(lstm.dy, lstm.x));
    assertRefused(
        "dhx and dhy overlap in memory, but they must be apart",
        () ->
            lstm.plan
                .forward(lstm.x, lstm.y, RnnStates.NONE)
                .backward(lstm.dy, lstm.dx, new RnnStateGradients(hx, null, hx, null)));
    DeviceBuffer inWeights = lstm.rnn.weights().space().slice(0, 80);
    assertRefused(
        "y and weights overlap in memory, but they must be apart",
        () -> lstm.plan.infer(lstm.x, inWeights, RnnStates.NONE));
  }

  @Test
  void neighboursInOneBlockDoNotOverlap() {
    DeviceBuffer block = lstm.buffer(24 + 80, 9);
    lstm.plan.infer(block.slice(0, 24), block.slice(24, 80), RnnStates.NONE);
    device.synchronize();
  }

  @Test
  void aCellStateIsRefusedWhereThereIsNone() {
    DeviceBuffer state = gru.states.hx();
    assertRefused(
        "cx is given, but a cell of kind GRU has no cell state",
        () -> gru.plan.infer(gru.x, gru.y, new RnnStates(null, state, null, null)));
    assertRefused(
        "dcx is given, but a cell of kind GRU has no cell state",
        () ->
            gru.plan
                .forward(gru.x, gru.y, RnnStates.NONE)
                .backward(gru.dy, gru.dx, new RnnStateGradients(null, null, null, state)));
  }

  @Test
  void aPassGoesBackwardOnce() {
    RnnPass pass = lstm.plan.forward(lstm.x, lstm.y, lstm.states);
    pass.backward(lstm.dy, lstm.dx);
    String message = "backward runs once after each forward of the plan";
    assertRefused(IllegalStateException.class, message, () -> pass.backward(lstm.dy, lstm.dx));
    lstm.plan.forward(lstm.x, lstm.y, lstm.states).backward(lstm.dy, lstm.dx);
    device.synchronize();
  }

  @Test
  void refusedArgumentsDoNotEndAPass() {
    RnnPass pass = lstm.plan.forward(lstm.x, lstm.y, lstm.states);
    assertThrows(IllegalArgumentException.class, () -> pass.backward(lstm.x, lstm.dx));
    assertThrows(
        IllegalArgumentException.class, () -> lstm.plan.forward(lstm.y, lstm.y, lstm.states));
    pass.backward(lstm.dy, lstm.dx);
    device.synchronize();
  }

  @Test
  void anInferencePlanDoesNotTrain() {
    try (RnnPlan plan = lstm.rnn.inferencePlan(SHAPE)) {
      assertEquals(0, plan.reserveBytes());
      assertRefused(
          IllegalStateException.class,
          "this plan is for inference; Rnn.plan makes one that trains",
          () -> plan.forward(lstm.x, lstm.y, RnnStates.NONE));
      plan.infer(lstm.x, lstm.y, lstm.states);
      double[] y = RnnFixture.read(lstm.y);
      double[] cy = RnnFixture.read(lstm.states.cy());
      lstm.spoil();
      lstm.plan.infer(lstm.x, lstm.y, lstm.states);
      assertArrayEquals(y, RnnFixture.read(lstm.y));
      assertArrayEquals(cy, RnnFixture.read(lstm.states.cy()));
    }
  }

  @Test
  void inferenceDoesNotDisturbAPass() {
    lstm.step();
    double[][] expected = lstm.results();
    lstm.rnn.gradients().space().clear();
    RnnPass pass = lstm.plan.forward(lstm.x, lstm.y, lstm.states);
    DeviceBuffer other = lstm.buffer(lstm.y.elements());
    lstm.plan.infer(lstm.x, other, RnnStates.NONE);
    pass.backward(lstm.dy, lstm.dx, lstm.stateGradients);
    assertTrue(Arrays.deepEquals(expected, lstm.results()));
  }

  @Test
  void weightGradientsAreAddedAndTheOthersOverwritten() {
    RnnFixture fixture = lstm;
    fixture.step();
    double[][] once = fixture.results();
    fixture
        .plan
        .forward(fixture.x, fixture.y, fixture.states)
        .backward(fixture.dy, fixture.dx, fixture.stateGradients);
    double[][] twice = fixture.results();
    assertArrayEquals(once[3], twice[3]);
    double[] expected = Arrays.stream(once[6]).map(g -> 2 * g).toArray();
    assertArrayEquals(expected, twice[6], 1e-5);
    assertTrue(Arrays.stream(expected).anyMatch(g -> Math.abs(g) > 0.1));
  }

  @Test
  void dxAndStateGradientsMayBeLeftOut() {
    RnnFixture fixture = lstm;
    fixture.step();
    double[] expected = RnnFixture.read(fixture.rnn.gradients().space());
    fixture.rnn.gradients().space().clear();
    RnnStateGradients gradients =
        new RnnStateGradients(
            fixture.stateGradients.dhy(), fixture.stateGradients.dcy(), null, null);
    fixture
        .plan
        .forward(fixture.x, fixture.y, fixture.states)
        .backward(fixture.dy, null, gradients);
    assertArrayEquals(expected, RnnFixture.read(fixture.rnn.gradients().space()));
  }

  @ParameterizedTest
  @EnumSource(
      value = RnnDataLayout.class,
      names = {"SEQ_MAJOR_UNPACKED", "BATCH_MAJOR_UNPACKED"})
  void paddingIsNotReadAndIsZeroInTheOutput(RnnDataLayout layout) {
    SequenceShape ragged = SequenceShape.ofLengths(layout, 4, 2, 4, 1);
    try (RnnFixture fixture =
        new RnnFixture(device, RnnConfig.lstm(3, 5).layers(2).bidirectional(), ragged)) {
      fixture.step();
      double[][] expected = fixture.results();
      double[] x = RnnFixture.read(fixture.x);
      double[] dy = RnnFixture.read(fixture.dy);
      double[] y = expected[0];
      double[] dx = expected[3];
      for (int row = 0; row < 3; row++) {
        for (int t = ragged.lengths().get(row); t < 4; t++) {
          int vector = layout == RnnDataLayout.SEQ_MAJOR_UNPACKED ? t * 3 + row : row * 4 + t;
          Arrays.fill(x, vector * 3, (vector + 1) * 3, Double.NaN);
          Arrays.fill(dy, vector * 10, (vector + 1) * 10, Double.NaN);
          assertArrayEquals(new double[10], Arrays.copyOfRange(y, vector * 10, vector * 10 + 10));
          Arrays.fill(dx, vector * 3, (vector + 1) * 3, 0);
        }
      }
      fixture.set(fixture.x, x);
      fixture.set(fixture.dy, dy);
      fixture.spoil();
      fixture.step();
      double[][] results = fixture.results();
      for (int i = 0; i < dx.length; i++) {
        // What stands in the padding of dx is nobody's business.
        results[3][i] = Double.isNaN(x[i]) ? 0 : results[3][i];
      }
      assertTrue(Arrays.deepEquals(expected, results));
    }
  }

  @Test
  void operandsOfTooManyElementsAreRefused() {
    try (var device = Device.open();
        var rnn = Rnn.create(device, RnnConfig.gru(2, 3))) {
      var shape = SequenceShape.of(65_535, 32_768);
      var e = assertThrows(IllegalArgumentException.class, () -> rnn.plan(shape));
      assertEquals(
          "x of " + shape + " would have 2147450880 vectors of 2, must have at most 1073741823",
          e.getMessage());
      e =
          assertThrows(
              IllegalArgumentException.class,
              () ->
                  SequenceBatch.create(
                      rnn, RnnDataLayout.SEQ_MAJOR_UNPACKED, Integer.MAX_VALUE, 1));
      assertEquals("T is 2147483647, but a sequence has at most 65535 steps", e.getMessage());
    }
  }

  @Test
  void whatIsMissingIsNamed() {
    var config = RnnConfig.lstm(2, 3);
    missing("device", () -> Rnn.create(null, config));
    missing("config", () -> Rnn.create(device, null));
    try (var rnn = Rnn.create(device, config)) {
      missing("shape", () -> rnn.plan(null));
    }
  }

  private static void missing(String name, Executable action) {
    assertEquals(name, assertThrows(NullPointerException.class, action).getMessage());
  }
}
