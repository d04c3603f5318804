package io.github.cudnn4j.rnn;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.cudnn4j.cuda.CudaException;
import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.cuda.Parts;
import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.cudnn.CudnnException;
import io.github.cudnn4j.library.HostControl;
import io.github.cudnn4j.testing.Closeness;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Weights that are read-only compute what others do. */
class ReadOnlyWeightsTest {
  private Device device;

  @BeforeEach
  void open() {
    device = Device.open();
  }

  @AfterEach
  void close() {
    device.close();
  }

  static Stream<Arguments> networks() {
    return Stream.concat(
        RnnOnHostTest.networks(),
        Stream.of(
            Arguments.argumentSet(
                "one step of one row", RnnConfig.lstm(28, 256), SequenceShape.of(1, 1)),
            Arguments.argumentSet(
                "one step of many rows", RnnConfig.gru(28, 256), SequenceShape.of(1, 64)),
            Arguments.argumentSet(
                "bfloat16, few rows",
                RnnConfig.gru(32, 64).bidirectional().precision(Precision.BF16),
                SequenceShape.of(3, 2))));
  }

  /** Sums of products may be in another order. */
  private static Closeness tolerance(RnnConfig config) {
    return Closeness.within(
        switch (config.type()) {
          case FLOAT64 -> 1e-13;
          case FLOAT32 -> 1e-5;
          case FLOAT16 -> 4e-3;
          default -> 3e-2;
        });
  }

  @ParameterizedTest
  @MethodSource("networks")
  void everyPassComputesTheSame(RnnConfig config, SequenceShape shape) {
    try (var fixture = new RnnFixture(device, config.dropout(0, 0), shape)) {
      fixture.y.clear();
      fixture.dx.clear();
      fixture.step();
      double[][] expected = fixture.results();
      fixture.rnn.weights().space().setReadOnly();
      for (String pass : new String[] {"the first", "the second"}) {
        fixture.spoil();
        fixture.y.clear();
        fixture.plan.infer(fixture.x, fixture.y, fixture.states);
        double[][] inferred = fixture.results();
        for (int i = 0; i < 3; i++) {
          tolerance(config).check(pass + " inference, result " + i, expected[i], inferred[i]);
        }
        fixture.dx.clear();
        fixture.step();
        double[][] trained = fixture.results();
        for (int i = 0; i < 3; i++) {
          assertArrayEquals(inferred[i], trained[i], pass + " training, result " + i);
        }
        for (int i = 3; i < expected.length; i++) {
          tolerance(config).check(pass + " training, result " + i, expected[i], trained[i]);
        }
      }
    }
  }

  private double[] inferred(long seed, boolean readOnly) {
    try (var fixture = new RnnFixture(device, RnnConfig.gru(20, 64), SequenceShape.of(3, 2))) {
      fixture.rnn.initialize(seed);
      if (readOnly) {
        fixture.rnn.weights().space().setReadOnly();
      }
      fixture.plan.infer(fixture.x, fixture.y, fixture.states);
      return fixture.results()[0];
    }
  }

  /** The next network has its weights where those of the last one were, as often as not. */
  @Test
  void nothingIsLeftOfWeightsThatWereThereBefore() {
    for (int seed = 1; seed < 10; seed++) {
      Closeness.within(1e-5).check("seed " + seed, inferred(seed, false), inferred(seed, true));
    }
  }

  /** A matrix [8, 4] is not a matrix [4, 8], though both begin at the same place. */
  @Test
  void networksOfOtherShapesShareThem() {
    RnnConfig[] configs = {RnnConfig.tanh(4, 8), RnnConfig.tanh(8, 4)};
    try (var weights = DeviceBuffer.allocate(device, ElementType.FLOAT32, 112);
        var gradients = DeviceBuffer.allocate(device, ElementType.FLOAT32, 112);
        var x = DeviceBuffer.allocate(device, ElementType.FLOAT32, 8);
        var y = DeviceBuffer.allocate(device, ElementType.FLOAT32, 8);
        var parts = new Parts()) {
      var plans = new RnnPlan[configs.length];
      for (int i = 0; i < plans.length; i++) {
        long elements = Rnn.weightElements(device, configs[i]);
        var rnn =
            parts.add(
                Rnn.create(
                    device, configs[i], weights.slice(0, elements), gradients.slice(0, elements)));
        plans[i] = rnn.inferencePlan(SequenceShape.of(1, 1));
      }
      weights.copyFrom(new SplittableRandom(1).doubles(112, -1, 1).toArray());
      x.copyFrom(new SplittableRandom(2).doubles(8, -1, 1).toArray());
      var expected = new double[plans.length][];
      for (int i = 0; i < plans.length; i++) {
        expected[i] = inferred(plans[i], x, y);
      }
      weights.setReadOnly();
      for (int i = 0; i < plans.length; i++) {
        Closeness.within(1e-5).check(configs[i].toString(), expected[i], inferred(plans[i], x, y));
      }
    }
  }

  private static double[] inferred(RnnPlan plan, DeviceBuffer x, DeviceBuffer y) {
    var out = y.slice(0, plan.outputElements());
    plan.infer(x.slice(0, plan.inputElements()), out, RnnStates.NONE);
    return RnnFixture.read(out);
  }

  /** What is written without telling is not seen by those that packed the matrix before. */
  @Test
  void theHostDevicePacksMatricesOnce() {
    assumeTrue(HostControl.ifHost().isPresent(), "this process uses CUDA");
    try (var fixture = new RnnFixture(device, RnnConfig.lstm(20, 64), SequenceShape.of(3, 2))) {
      fixture.rnn.weights().space().setReadOnly();
      fixture.plan.infer(fixture.x, fixture.y, fixture.states);
      double[][] expected = fixture.results();
      for (int gate = 0; gate < 8; gate++) {
        var matrix = MemorySegment.ofAddress(fixture.rnn.weights().matrix(0, gate).address());
        matrix.reinterpret(4).set(ValueLayout.JAVA_FLOAT, 0, 1e6f);
      }
      fixture.plan.infer(fixture.x, fixture.y, fixture.states);
      double[][] actual = fixture.results();
      for (int i = 0; i < 3; i++) {
        assertArrayEquals(expected[i], actual[i], "result " + i);
      }
    }
  }

  /** With GRU's matrices in two parts, there may be memory for one of them only. */
  @Test
  void withoutMemoryForThemTheyArePackedEveryTime() {
    assumeTrue(HostControl.ifHost().isPresent(), "this process uses CUDA");
    double[] expected = inferred(1, false);
    var host = HostControl.get();
    int passes = 0;
    for (int k = 1; k <= 30; k++) {
      try (var fixture = new RnnFixture(device, RnnConfig.gru(20, 64), SequenceShape.of(3, 2))) {
        fixture.rnn.weights().space().setReadOnly();
        host.fail("memory", k, 1, false);
        for (int times = 0; times < 2; times++) {
          try {
            fixture.plan.infer(fixture.x, fixture.y, fixture.states);
            double[] actual = RnnFixture.read(fixture.y);
            passes++;
            Closeness.within(1e-5).check("failure " + k, expected, actual);
          } catch (CudnnException | CudaException e) {
            // The calls themselves need memory, too.
          }
        }
      } finally {
        host.clearFault();
      }
    }
    assertTrue(passes > 40, passes + " of 60 passes");
  }
}
