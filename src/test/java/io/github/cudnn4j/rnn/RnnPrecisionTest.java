package io.github.cudnn4j.rnn;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cudnn4j.cuda.CapturedGraph;
import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.cudnn.RnnDataLayout;
import io.github.cudnn4j.library.DeviceKind;
import io.github.cudnn4j.testing.Closeness;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Networks of every precision against the same network in FP64 on the same numbers. */
class RnnPrecisionTest {
  private static final SequenceShape SHAPE = SequenceShape.of(6, 3);

  private static Device device;

  @BeforeAll
  static void open() {
    device = Device.open();
  }

  @AfterAll
  static void close() {
    device.close();
  }

  /**
   * Of results up to about 1, or sums of 18 such ones: a few units in the last place of the type,
   * because the state is rounded at every step; on a GPU also the gates and their gradients.
   */
  private static Closeness closeness(Precision precision) {
    double tolerance =
        switch (precision) {
          case FP64 -> 1e-13;
          case FP32 -> 1e-5;
          case TF32, FP16 -> 5e-3;
          case FP16_MATH -> 2e-2;
          case BF16 -> 4e-2;
        };
    boolean keepsGates = device.kind() == DeviceKind.CUDA && precision.type().bytes() == 2;
    return Closeness.within((keepsGates ? 3 : 1) * tolerance);
  }

  /** Gives the second one the weights and operands of the first. */
  private static void copy(RnnFixture from, RnnFixture to) {
    for (RnnParameter parameter : from.rnn.weights().parameters()) {
      double[] values = new double[Math.toIntExact(parameter.elements())];
      parameter.copyTo(values);
      to.rnn.weights().parameter(parameter.name()).copyFrom(values);
    }
    to.set(to.x, RnnFixture.read(from.x));
    to.set(to.dy, RnnFixture.read(from.dy));
    to.set(to.states.hx(), RnnFixture.read(from.states.hx()));
    to.set(to.stateGradients.dhy(), RnnFixture.read(from.stateGradients.dhy()));
    if (from.config.hasCellState()) {
      to.set(to.states.cx(), RnnFixture.read(from.states.cx()));
      to.set(to.stateGradients.dcy(), RnnFixture.read(from.stateGradients.dcy()));
    }
  }

  @ParameterizedTest
  @EnumSource
  void everyPrecisionComputesTheSameNetwork(Precision precision) {
    for (RnnConfig config :
        List.of(
            RnnConfig.lstm(7, 16).layers(2).bidirectional(),
            RnnConfig.lstm(8, 8).projection(4),
            RnnConfig.gru(5, 9).layers(2),
            RnnConfig.tanh(3, 5).bidirectional())) {
      try (RnnFixture fixture = new RnnFixture(device, config.precision(precision), SHAPE);
          RnnFixture exact = new RnnFixture(device, config.precision(Precision.FP64), SHAPE)) {
        assertEquals(precision.type(), fixture.rnn.weights().space().type());
        copy(fixture, exact);
        fixture.step();
        exact.step();
        double[][] expected = exact.results();
        double[][] results = fixture.results();
        List<String> names = List.of("y", "hy", "cy", "dx", "dhx", "dcx", "gradients");
        for (int i = 0; i < results.length; i++) {
          closeness(precision).check(config + ": " + names.get(i), expected[i], results[i]);
        }
        if (precision.type() != Precision.FP64.type()) {
          assertNotEquals(Arrays.toString(expected[0]), Arrays.toString(results[0]));
        }
        try (CapturedGraph graph = device.stream().capture(fixture::step)) {
          fixture.spoil();
          graph.launch();
          assertTrue(Arrays.deepEquals(results, fixture.results()), "replayed");
        }
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void rowsOfAnyLengthsAreThoseOfAPaddedBatch(Precision precision) {
    RnnConfig config = RnnConfig.gru(3, 5).bidirectional().precision(precision);
    RnnDataLayout layout = RnnDataLayout.BATCH_MAJOR_UNPACKED;
    try (RnnFixture fixture =
            new RnnFixture(device, config, SequenceShape.ofLengths(layout, 4, 2, 4, 1));
        SequenceBatch batch = SequenceBatch.create(fixture.rnn, layout, 4, 2, 4, 1)) {
      fixture.step();
      double[][] expected = fixture.results();
      fixture.spoil();
      fixture.rnn.gradients().space().clear();
      batch.forward(fixture.x, fixture.y, fixture.states);
      batch.backward(fixture.dy, fixture.dx, fixture.stateGradients);
      double[][] results = fixture.results();
      closeness(precision).check("y", expected[0], results[0]);
      closeness(precision).check("hy", expected[1], results[1]);
      closeness(precision).check("gradients", expected[6], results[6]);
    }
  }
}
