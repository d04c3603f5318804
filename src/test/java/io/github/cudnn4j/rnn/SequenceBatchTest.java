package io.github.cudnn4j.rnn;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.cudnn4j.bindings.Cudart;
import io.github.cudnn4j.cuda.CapturedGraph;
import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.DeviceOutOfMemoryException;
import io.github.cudnn4j.cudnn.RnnDataLayout;
import io.github.cudnn4j.library.HostControl;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

/** What a batch of rows of any lengths promises beside its numbers. */
class SequenceBatchTest {
  private static final RnnDataLayout LAYOUT = RnnDataLayout.SEQ_MAJOR_UNPACKED;
  private static final int[] LENGTHS = {2, 0, 4};
  private static final int[] EMPTY = {0, 0, 0};
  private static Device device;
  private RnnFixture fixture;

  @BeforeAll
  static void open() {
    device = Device.open();
  }

  @AfterAll
  static void close() {
    device.close();
  }

  @BeforeEach
  void fixture() {
    fixture =
        new RnnFixture(
            device, RnnConfig.lstm(3, 5).layers(2).bidirectional(), SequenceShape.of(LAYOUT, 4, 3));
  }

  @AfterEach
  void closeRig() {
    fixture.close();
  }

  private SequenceBatch batch(int... lengths) {
    return SequenceBatch.create(fixture.rnn, LAYOUT, 4, lengths);
  }

  private void step(SequenceBatch batch) {
    fixture.rnn.gradients().space().clear();
    batch.forward(fixture.x, fixture.y, fixture.states);
    batch.backward(fixture.dy, fixture.dx, fixture.stateGradients);
  }

  private static void assertRefused(String message, Executable executable) {
    assertEquals(message, assertThrows(IllegalArgumentException.class, executable).getMessage());
  }

  @Test
  void lengthsOutsideTheRoomAreRefused() {
    assertRefused("lengths[1] is -1, but it must be in [0, T = 4]", () -> batch(4, -1));
    assertRefused("lengths[2] is 5, but it must be in [0, T = 4]", () -> batch(4, 1, 5));
    assertRefused("B is 0, but there must be at least 1 row", this::batch);
    SequenceBatch.create(fixture.rnn, LAYOUT, 1, 1).close();
    assertRefused(
        "T is 0, but it must be at least 1", () -> SequenceBatch.create(fixture.rnn, LAYOUT, 0, 0));
    assertRefused(
        "the layout is SEQ_MAJOR_PACKED, but rows of any order are given padded; they are packed"
            + " inside",
        () -> SequenceBatch.create(fixture.rnn, RnnDataLayout.SEQ_MAJOR_PACKED, 4, 4));
    assertRefused(
        "T 65535 times B 40000 is 2621400000 vectors, but at most 2147483647 can be numbered",
        () -> SequenceBatch.create(fixture.rnn, LAYOUT, 65_535, new int[40_000]));
  }

  @Test
  void unfitOperandsAreRefusedAndEndNothing() {
    try (SequenceBatch batch = batch(LENGTHS)) {
      assertRefused(
          "x has 120 elements, but it must have 36",
          () -> batch.forward(fixture.y, fixture.y, RnnStates.NONE));
      assertRefused(
          "hy and hx overlap in memory, but they must be apart",
          () ->
              batch.forward(
                  fixture.x, fixture.y, RnnStates.of(fixture.states.hx(), fixture.states.hx())));
      batch.forward(fixture.x, fixture.y, fixture.states);
      assertRefused(
          "dy has 36 elements, but it must have 120",
          () -> batch.backward(fixture.x, fixture.dx, fixture.stateGradients));
      batch.backward(fixture.dy, fixture.dx, fixture.stateGradients);
    }
    try (Rnn gru = Rnn.create(device, RnnConfig.gru(3, 5));
        SequenceBatch batch = SequenceBatch.create(gru, LAYOUT, 4, LENGTHS)) {
      DeviceBuffer y = fixture.y.slice(0, batch.outputElements());
      assertRefused(
          "cx is given, but a cell of kind GRU has no cell state",
          () -> batch.infer(fixture.x, y, new RnnStates(null, fixture.dx, null, null)));
    }
  }

  @Test
  void backwardRunsOnceAfterEachForward() {
    try (SequenceBatch batch = batch(LENGTHS)) {
      Executable backward = () -> batch.backward(fixture.dy, fixture.dx, fixture.stateGradients);
      assertThrows(IllegalStateException.class, backward);
      step(batch);
      assertThrows(IllegalStateException.class, backward);
      batch.forward(fixture.x, fixture.y, fixture.states);
      batch.infer(fixture.x, fixture.y, fixture.states);
      assertThrows(IllegalStateException.class, backward);
    }
  }

  @Test
  void theCallersOperandsMayBeOverwrittenBetweenForwardAndBackward() {
    try (SequenceBatch batch = batch(LENGTHS)) {
      step(batch);
      double[][] expected = fixture.results();
      fixture.rnn.gradients().space().clear();
      batch.forward(fixture.x, fixture.y, fixture.states);
      for (DeviceBuffer buffer :
          new DeviceBuffer[] {fixture.x, fixture.y, fixture.states.hx(), fixture.states.cx()}) {
        double[] nan = new double[(int) buffer.elements()];
        Arrays.fill(nan, Double.NaN);
        fixture.set(buffer, nan);
      }
      batch.backward(fixture.dy, fixture.dx, fixture.stateGradients);
      double[][] results = fixture.results();
      for (int i = 3; i < results.length; i++) {
        assertArrayEquals(expected[i], results[i]);
      }
    }
  }

  @Test
  void absentStatesAreZeros() {
    try (SequenceBatch batch = batch(LENGTHS)) {
      double[] zeros = new double[(int) batch.stateElements()];
      for (DeviceBuffer buffer :
          new DeviceBuffer[] {
            fixture.states.hx(),
            fixture.states.cx(),
            fixture.stateGradients.dhy(),
            fixture.stateGradients.dcy()
          }) {
        fixture.set(buffer, zeros);
      }
      step(batch);
      double[][] expected = fixture.results();
      assertTrue(
          Arrays.stream(expected).flatMapToDouble(Arrays::stream).allMatch(Double::isFinite));
      fixture.spoil();
      fixture.rnn.gradients().space().clear();
      batch.forward(
          fixture.x,
          fixture.y,
          new RnnStates(null, null, fixture.states.hy(), fixture.states.cy()));
      RnnStateGradients gradients = fixture.stateGradients;
      batch.backward(
          fixture.dy,
          fixture.dx,
          new RnnStateGradients(null, null, gradients.dhx(), gradients.dcx()));
      assertTrue(Arrays.deepEquals(expected, fixture.results()));
      fixture.rnn.gradients().space().clear();
      batch.forward(fixture.x, fixture.y, RnnStates.NONE);
      batch.backward(fixture.dy, null, RnnStateGradients.NONE);
      assertArrayEquals(expected[6], RnnFixture.read(fixture.rnn.gradients().space()));
    }
  }

  @Test
  void aBatchForInferenceOnlyInfers() {
    try (SequenceBatch trains = batch(LENGTHS);
        SequenceBatch infers = SequenceBatch.createForInference(fixture.rnn, LAYOUT, 4, LENGTHS)) {
      trains.infer(fixture.x, fixture.y, fixture.states);
      double[] y = RnnFixture.read(fixture.y);
      double[] hy = RnnFixture.read(fixture.states.hy());
      fixture.spoil();
      infers.infer(fixture.x, fixture.y, fixture.states);
      assertArrayEquals(y, RnnFixture.read(fixture.y));
      assertArrayEquals(hy, RnnFixture.read(fixture.states.hy()));
      assertThrows(
          IllegalStateException.class, () -> infers.forward(fixture.x, fixture.y, RnnStates.NONE));
    }
  }

  @Test
  void emptyRowsPassTheirStatesOn() {
    double[] hx = RnnFixture.read(fixture.states.hx());
    double[] cx = RnnFixture.read(fixture.states.cx());
    double[] dhy = RnnFixture.read(fixture.stateGradients.dhy());
    double[] dcy = RnnFixture.read(fixture.stateGradients.dcy());
    HostControl host = HostControl.ifHost().orElse(null);
    long calls = host == null ? 0 : host.calls("cudnnRNNForward");
    try (SequenceBatch batch = batch(EMPTY)) {
      fixture.spoil();
      step(batch);
      double[][] results = fixture.results();
      assertArrayEquals(new double[120], results[0]);
      assertArrayEquals(hx, results[1]);
      assertArrayEquals(cx, results[2]);
      assertArrayEquals(new double[36], results[3]);
      assertArrayEquals(dhy, results[4]);
      assertArrayEquals(dcy, results[5]);
      assertArrayEquals(new double[results[6].length], results[6]);
      batch.forward(fixture.x, fixture.y, RnnStates.of(null, fixture.states.hy()));
      assertArrayEquals(new double[hx.length], RnnFixture.read(fixture.states.hy()));
    }
    if (host != null) {
      assertEquals(calls, host.calls("cudnnRNNForward"));
    }
  }

  @Test
  void aCapturedStepGivesTheSame() {
    for (int[] lengths : List.of(LENGTHS, EMPTY)) {
      try (SequenceBatch batch = batch(lengths)) {
        step(batch);
        double[][] expected = fixture.results();
        try (CapturedGraph graph = device.stream().capture(() -> step(batch))) {
          fixture.spoil();
          graph.launch();
          assertTrue(Arrays.deepEquals(expected, fixture.results()));
          double[] x = RnnFixture.read(fixture.x);
          fixture.set(fixture.x, Arrays.stream(x).map(v -> -v).toArray());
          graph.launch();
          if (lengths != EMPTY) {
            assertNotEquals(
                Arrays.toString(expected[0]), Arrays.toString(RnnFixture.read(fixture.y)));
          }
          fixture.set(fixture.x, x);
        }
      }
    }
  }

  @Test
  void aStepNeitherAllocatesNorWaits() {
    HostControl host = HostControl.ifHost().orElse(null);
    assumeTrue(host != null, "only the host device counts calls");
    List<String> unwanted =
        List.of(
            "cudaMalloc",
            "cudaHostAlloc",
            "cudaFree",
            "cudaStreamSynchronize",
            "cudaDeviceSynchronize",
            "cudaMemcpyAsync");
    try (SequenceBatch batch = batch(LENGTHS)) {
      step(batch);
      long[] before = unwanted.stream().mapToLong(host::calls).toArray();
      step(batch);
      assertArrayEquals(before, unwanted.stream().mapToLong(host::calls).toArray());
    }
  }

  @Test
  void creationRollsBack() {
    HostControl host = HostControl.ifHost().orElse(null);
    assumeTrue(host != null, "only the host device injects faults");
    long before = host.calls("cudaMalloc");
    batch(LENGTHS).close();
    long count = host.calls("cudaMalloc") - before;
    var live = host.live();
    assertTrue(count > 10, () -> "only " + count + " allocations");
    for (long k = 1; k <= count; k++) {
      host.fail("cudaMalloc", k, Cudart.cudaErrorMemoryAllocation(), false);
      var e = assertThrows(DeviceOutOfMemoryException.class, () -> batch(LENGTHS));
      host.clearFault();
      assertTrue(e.getMessage().contains(fixture.config.toString()), e::getMessage);
      assertEquals(live, host.live());
    }
  }

  @Test
  void theNetworkMayBeClosedFirst() {
    Rnn rnn = Rnn.create(device, fixture.config);
    SequenceBatch batch = SequenceBatch.create(rnn, LAYOUT, 4, LENGTHS);
    rnn.close();
    assertThrows(
        IllegalStateException.class, () -> batch.infer(fixture.x, fixture.y, RnnStates.NONE));
    assertThrows(IllegalStateException.class, () -> SequenceBatch.create(rnn, LAYOUT, 4, EMPTY));
    batch.close();
    batch.close();
    assertThrows(
        IllegalStateException.class, () -> batch.infer(fixture.x, fixture.y, RnnStates.NONE));
  }
}
