package io.github.cudnn4j.proof;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.rnn.RnnConfig;
import io.github.cudnn4j.rnn.SequenceShape;
import io.github.cudnn4j.testing.Closeness;
import java.util.Arrays;
import java.util.Map;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;

/**
 * Forward and backward against {@link ReferenceRnn}, over configurations drawn from all that can be
 * expressed: cells, layers, directions, bias modes, projections, clipped cell states, skipped input
 * matrices, layouts, equal and varying lengths, absent and given states. Sizes go past every vector
 * width, so that each kernel's remainders are met.
 */
class ReferenceTest {

  private static final int[] SIZES = {1, 2, 3, 7, 16, 33, 64, 70};
  static final long[] seeds = LongStream.range(0, 120).toArray();

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
    compare(Draw.anything(seed, Precision.FP64, 3, SIZES, 9), Closeness.within(1e-11));
  }

  @ParameterizedTest
  @FieldSource("seeds")
  void inSinglePrecision(long seed) {
    compare(Draw.anything(seed, Precision.FP32, 3, SIZES, 9), Closeness.within(5e-5));
  }

  /** As TensorFlow's issue 8311 has it: zero weights, x = 1, no state. */
  @Test
  void aSkippedInputReachesEveryGateOfAGru() {
    RnnConfig config = RnnConfig.gru(1, 1).skipInput().precision(Precision.FP64);
    try (Run run = new Run(device, config)) {
      double[] one = {1};
      Run.Outputs out =
          run.forwardAndBackward(
              SequenceShape.of(1, 1), new Run.Inputs(one, null, null, one, null, null));
      assertEquals(0.2048, out.y()[0], 1e-4);
    }
  }

  private static void compare(Draw draw, Closeness closeness) {
    RnnConfig config = draw.config();
    SequenceShape shape = draw.shape();
    try (Run run = new Run(device, config)) {
      Map<String, double[]> parameters = draw.parameters(run);
      Run.Inputs in = draw.inputs();
      run.parameters(parameters);
      Run.Outputs out = run.forwardAndBackward(shape, in);

      ReferenceRnn reference = new ReferenceRnn(config);
      for (int p = 0; p < reference.parameters.length; p++) {
        for (String kind : KINDS) {
          double[] values = parameters.get(name(config, p, kind));
          if (values != null) {
            double[] target = part(reference.parameters[p], kind);
            System.arraycopy(values, 0, target, 0, target.length);
          }
        }
      }
      int[] lengths = shape.lengths().stream().mapToInt(Integer::intValue).toArray();
      ReferenceRnn.Output expected =
          reference.forward(
              sequence(shape, in.x(), config.inputSize()),
              lengths,
              states(config, shape, config.projectionSize(), in.hx()),
              states(config, shape, config.hiddenSize(), in.cx()));
      ReferenceRnn.Gradients gradients =
          reference.backward(
              sequence(shape, in.dy(), config.outputSize()),
              states(config, shape, config.projectionSize(), in.dhy()),
              states(config, shape, config.hiddenSize(), in.dcy()));

      check(closeness, draw + " y", shape, expected.y(), out.y());
      check(closeness, draw + " dx", shape, gradients.dx(), out.dx());
      closeness.check(draw + " hy", flat(expected.hy()), out.hy());
      closeness.check(draw + " dhx", flat(gradients.dhx()), out.dhx());
      if (config.hasCellState()) {
        closeness.check(draw + " cy", flat(expected.cy()), out.cy());
        closeness.check(draw + " dcx", flat(gradients.dcx()), out.dcx());
      }
      for (int p = 0; p < reference.parameters.length; p++) {
        for (String kind : KINDS) {
          double[] actual = out.dParameters().get(name(config, p, kind));
          if (actual != null) {
            closeness.check(
                draw + " gradient of " + name(config, p, kind),
                part(gradients.dParameters()[p], kind),
                actual);
          }
        }
      }
    }
  }

  private static final String[] KINDS = {
    "weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr"
  };

  private static String name(RnnConfig config, int pseudoLayer, String kind) {
    int directions = config.directions();
    return kind
        + "_l"
        + pseudoLayer / directions
        + (pseudoLayer % directions == 1 ? "_reverse" : "");
  }

  private static double[] part(ReferenceRnn.Parameters parameters, String kind) {
    return switch (kind) {
      case "weight_ih" -> parameters.wIh();
      case "weight_hh" -> parameters.wHh();
      case "bias_ih" -> parameters.bIh();
      case "bias_hh" -> parameters.bHh();
      case "weight_hr" -> parameters.wHr();
      default -> throw new AssertionError(kind);
    };
  }

  private static double[][][] sequence(SequenceShape shape, double[] values, int width) {
    double[][][] result = new double[shape.time()][shape.batch()][];
    for (int row = 0; row < shape.batch(); row++) {
      for (int t = 0; t < shape.lengths().get(row); t++) {
        int start = Run.rowOffset(shape, t, row) * width;
        result[t][row] = Arrays.copyOfRange(values, start, start + width);
      }
    }
    return result;
  }

  private static double[][][] states(
      RnnConfig config, SequenceShape shape, int width, double @Nullable [] values) {
    double[][][] result = new double[config.pseudoLayers()][shape.batch()][width];
    if (values != null) {
      for (int p = 0; p < result.length; p++) {
        for (int row = 0; row < shape.batch(); row++) {
          System.arraycopy(values, (p * shape.batch() + row) * width, result[p][row], 0, width);
        }
      }
    }
    return result;
  }

  private static double[] flat(double[][][] values) {
    return Arrays.stream(values).flatMap(Arrays::stream).flatMapToDouble(Arrays::stream).toArray();
  }

  /** Compares what lies within the lengths. */
  private static void check(
      Closeness closeness,
      String what,
      SequenceShape shape,
      double[][][] expected,
      double[] actual) {
    int width = Math.toIntExact(actual.length / shape.rows());
    double[] wanted = actual.clone();
    for (int row = 0; row < shape.batch(); row++) {
      for (int t = 0; t < shape.lengths().get(row); t++) {
        int start = Run.rowOffset(shape, t, row) * width;
        System.arraycopy(expected[t][row], 0, wanted, start, width);
      }
    }
    closeness.check(what, wanted, actual);
  }
}
