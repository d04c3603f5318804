package io.github.cudnn4j.proof;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.cudnn.RnnDataLayout;
import io.github.cudnn4j.cudnn.RnnMode;
import io.github.cudnn4j.rnn.Rnn;
import io.github.cudnn4j.rnn.RnnConfig;
import io.github.cudnn4j.testing.Closeness;
import java.util.Map;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;

/**
 * Forward and backward against {@link ReferenceRnn}, over configurations drawn from all that can be
 * expressed: cells, layers, directions, bias modes, projections, clipped cell states, skipped input
 * matrices, dropout, layouts, equal and varying lengths, empty rows, absent and given states. Sizes
 * go past every vector width, so that each kernel's remainders are met.
 */
class ReferenceTest {

  private static final int[] SIZES = {1, 2, 3, 7, 16, 33, 64, 70};
  static final long[] seeds = LongStream.range(0, 120).toArray();
  static final long[] fewSeeds = LongStream.range(0, 40).toArray();

  private static Device device;

  @BeforeAll
  static void open() {
    device = Device.open();
  }

  @AfterAll
  static void close() {
    device.close();
  }

  @ParameterizedTest
  @FieldSource("seeds")
  void inDoublePrecision(long seed) {
    compare(RandomSetup.anything(seed, Precision.FP64, 3, SIZES, 9), Closeness.within(1e-11));
  }

  @ParameterizedTest
  @FieldSource("seeds")
  void inSinglePrecision(long seed) {
    compare(RandomSetup.anything(seed, Precision.FP32, 3, SIZES, 9), Closeness.within(5e-5));
  }

  /** Without cells whose derivative jumps: the half types may be on the other side of a jump. */
  @ParameterizedTest
  @FieldSource("fewSeeds")
  void inHalfPrecision(long seed) {
    for (Precision precision : Precision.values()) {
      RandomSetup setup = RandomSetup.anything(seed, precision, 3, SIZES, 9);
      boolean jumps = setup.config().mode() == RnnMode.RELU || setup.config().clip() != null;
      if (precision.type().bytes() == 2 && !jumps) {
        compare(setup, Closeness.within(Numbers.tolerance(precision, device)));
      }
    }
  }

  /** As TensorFlow's issue 8311 has it: zero weights, x = 1, no state. */
  @Test
  void aSkippedInputReachesEveryGateOfAGru() {
    RnnConfig config = RnnConfig.gru(1, 1).skipInput().precision(Precision.FP64);
    try (Rnn rnn = Rnn.create(device, config)) {
      double[] one = {1};
      Map<String, double[]> results =
          Run.once(
              rnn,
              Rows.of(RnnDataLayout.SEQ_MAJOR_UNPACKED, 1, 1),
              new Run.Inputs(one, null, null, one, null, null));
      assertEquals(0.2048, results.get("y")[0], 1e-4);
    }
  }

  private static void compare(RandomSetup setup, Closeness closeness) {
    try (Rnn rnn = Rnn.create(device, setup.config())) {
      Map<String, double[]> parameters = setup.parameters(rnn);
      Run.Inputs in = setup.inputs();
      Run.set(rnn, parameters);
      Map<String, double[]> actual = Run.once(rnn, setup.rows(), in);
      Map<String, double[]> expected =
          Reference.results(
              setup.config(),
              setup.rows(),
              parameters,
              in,
              DropoutMasks.of(device, setup.config(), setup.rows()));
      assertEquals(expected.keySet(), actual.keySet());
      expected.forEach((name, e) -> closeness.check(setup + " " + name, e, actual.get(name)));
    }
  }
}
