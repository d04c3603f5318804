package io.github.cudnn4j.optim;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.io.SafeTensors;
import io.github.cudnn4j.proof.Numbers;
import io.github.cudnn4j.tape.Init;
import io.github.cudnn4j.tape.Parameters;
import io.github.cudnn4j.testing.Closeness;
import io.github.cudnn4j.testing.OwnOptimizers;
import io.github.cudnn4j.train.TrainerConfig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

class UpdaterTest {

  /** The loss above which a step is bad. */
  private static final double LIMIT = 5;

  @TempDir static Path folder;
  private static Device device;
  private static SafeTensors vectors;

  @BeforeAll
  static void open() throws IOException {
    var file = folder.resolve("optimizers.safetensors");
    try (var in = UpdaterTest.class.getResourceAsStream("optimizers.safetensors")) {
      Files.copy(in, file);
    }
    vectors = SafeTensors.open(file);
    device = Device.open();
  }

  @AfterAll
  static void close() throws IOException {
    device.close();
    vectors.close();
  }

  /** The cases of make_optimizers.py. */
  static Stream<Arguments> optimizers() {
    return Stream.of(
            Arguments.of("sgd", Optimizer.sgd(0.1)),
            Arguments.of("sgd-decay", new Sgd(0.1, 0, 0, 0.01, false)),
            Arguments.of("sgd-momentum", new Sgd(0.1, 0.9, 0.3, 0.01, false)),
            Arguments.of("sgd-nesterov", new Sgd(0.1, 0.9, 0, 0, true)),
            Arguments.of("rmsprop", Optimizer.rmsProp(0.01)),
            Arguments.of("rmsprop-all", new RmsProp(0.02, 0.9, 1e-6, 0.01, 0.8, true)),
            Arguments.of("adam", Optimizer.adam(1e-3)),
            Arguments.of("adam-decay", new Adam(0.01, 0.8, 0.99, 1e-6, 0.1)),
            Arguments.of("adamw", Optimizer.adamW(1e-3)),
            Arguments.of("adamw-decay", new AdamW(0.01, 0.8, 0.99, 1e-6, 0.1)),
            Arguments.of("adagrad", new OwnOptimizers.Adagrad(0.1, 1e-6)),
            Arguments.of("adamax", new OwnOptimizers.Adamax(0.02, 0.9, 0.99, 1e-8)),
            Arguments.of("lion", new OwnOptimizers.Lion(0.01, 0.9, 0.99, 0.1)))
        .flatMap(
            c ->
                Stream.of(
                    Arguments.of(c.get()[0], c.get()[1], ElementType.FLOAT32, 1e-6),
                    Arguments.of(c.get()[0], c.get()[1], ElementType.FLOAT64, 1e-14)));
  }

  @ParameterizedTest
  @MethodSource("optimizers")
  void agreesWithPyTorch(String name, Optimizer optimizer, ElementType type, double tolerance)
      throws IOException {
    double[] start = vectors.doubles("weights");
    double[] gradients = vectors.doubles("gradients");
    double[] expected = vectors.doubles(name + (type == ElementType.FLOAT32 ? ".f32" : ".f64"));
    int size = start.length;
    try (var run = new Run(type, size, optimizer, Clip.NONE)) {
      run.parameters.write("w", start);
      for (int step = 0; step * size < gradients.length; step++) {
        run.step(Arrays.copyOfRange(gradients, step * size, (step + 1) * size));
        double[] found = run.parameters.read("w");
        for (int i = 0; i < size; i++) {
          double want = expected[step * size + i];
          assertEquals(
              want,
              found[i],
              tolerance * (1 + Math.abs(want)),
              "%s, step %d, element %d".formatted(name, step + 1, i));
        }
      }
      assertPaddingIsZero(run);
    }
  }

  /** What has had no gradient is divided by nothing then. */
  @ParameterizedTest
  @EnumSource(names = {"FLOAT32", "FLOAT64"})
  void paddingStaysZeroWithoutEpsilon(ElementType type) {
    for (Optimizer optimizer :
        List.of(
            new Adam(0.1, 0.9, 0.99, 0, 0.1),
            new AdamW(0.1, 0.9, 0.99, 0, 0.1),
            new RmsProp(0.1, 0.9, 0, 0, 0.9, true),
            new OwnOptimizers.Adagrad(0.1, 0))) {
      try (var run = new Run(type, 3, optimizer, Clip.NONE)) {
        run.step(new double[] {1, -2, 0});
        double[] weights = run.parameters.read("w");
        assertTrue(weights[0] < 0 && weights[1] > 0, optimizer + " " + Arrays.toString(weights));
        assertEquals(0, weights[2], optimizer.toString());
        assertPaddingIsZero(run);
      }
    }
  }

  /** The variance of a gradient that does not change is 0, or just below it. */
  @ParameterizedTest
  @EnumSource(names = {"FLOAT32", "FLOAT64"})
  void aConstantGradientHasAVariance(ElementType type) {
    double[] gradient = new double[64];
    Arrays.setAll(gradient, i -> 1 / (3.0 + i));
    try (var run =
        new Run(type, gradient.length, new RmsProp(1e-6, 0.9, 1e-3, 0, 0, true), Clip.NONE)) {
      for (int step = 0; step < 1000; step++) {
        run.step(gradient);
      }
      for (double weight : run.parameters.read("w")) {
        assertTrue(weight < 0 && weight > -1, "weight " + weight);
      }
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"FLOAT32", "FLOAT64"})
  void clipsByNormThenByValue(ElementType type) {
    double[] gradient = {3, -4, 0};
    try (var run = new Run(type, 3, Optimizer.sgd(1), Clip.byNorm(1).andValue(0.7))) {
      run.step(gradient);
      assertArrayEquals(new double[] {-0.6, 0.7, 0}, run.parameters.read("w"), 1e-6);
      assertEquals(5, run.state().norm(), 1e-6);
      assertEquals(0.2, run.state().clipFactor(), 1e-7);
    }
    try (var run = new Run(type, 3, Optimizer.sgd(1), Clip.byNorm(5))) {
      run.step(gradient);
      assertEquals(1, run.state().clipFactor());
      assertArrayEquals(new double[] {-3, 4, 0}, run.parameters.read("w"));
    }
    try (var run = new Run(type, 3, Optimizer.sgd(1), Clip.byValue(3.5))) {
      run.step(gradient);
      assertArrayEquals(new double[] {-3, 3.5, 0}, run.parameters.read("w"));
    }
  }

  /** Gradients from half to a thousand times as long as the limit. */
  @ParameterizedTest
  @CsvSource({
    "FLOAT64, f64, 1e-12",
    "FLOAT32, f32, 1e-6",
    "FLOAT16, f16, 1e-6",
    "BFLOAT16, bf16, 1e-6"
  })
  void clippedGradientsHaveTheNormOfTheLimitAsInPyTorch(
      ElementType type, String name, double tolerance) throws IOException {
    double[] gradient = vectors.doubles("clipped." + name + ".gradient");
    double[] limits = vectors.doubles("clipped." + name + ".limits");
    double[] expected = vectors.doubles("clipped." + name);
    double length = norm(gradient);
    int size = gradient.length;
    for (int i = 0; i < limits.length; i++) {
      double limit = limits[i];
      var config =
          TrainerConfig.of(Optimizer.sgd(1))
              .clip(Clip.byNorm(limit))
              .lossScale(new LossScale(8, 0));
      for (boolean captured : new boolean[] {false, true}) {
        try (var run = new Run(type, size, config)) {
          double scale = run.state().scale();
          run.setGradient(Arrays.stream(gradient).map(g -> g * scale).toArray());
          if (captured) {
            try (var graph = device.stream().capture(() -> run.updater.run())) {
              graph.launch();
            }
          } else {
            run.updater.run();
          }
          double[] clipped = Arrays.stream(run.parameters.read("w")).map(w -> -w).toArray();
          String where = "limit " + limit + (captured ? " captured" : "");
          assertEquals(Math.min(length, limit) / limit, norm(clipped) / limit, tolerance, where);
          if (length < limit) {
            assertArrayEquals(gradient, clipped, where);
          }
          // PyTorch divides by the norm and one millionth.
          Closeness.within(2e-6)
              .check(where, Arrays.copyOfRange(expected, i * size, (i + 1) * size), clipped);
        }
      }
    }
  }

  private static double norm(double[] values) {
    return Math.sqrt(Arrays.stream(values).map(value -> value * value).sum());
  }

  @ParameterizedTest
  @MethodSource("optimizers")
  void aStepWithoutFiniteNormChangesNothing(
      String name, Optimizer optimizer, ElementType type, double tolerance) {
    try (var run = new Run(type, 3, optimizer, Clip.byNorm(1))) {
      run.parameters.write("w", new double[] {1, 2, 3});
      run.step(new double[] {1, -1, 0.5});
      double[] weights = run.parameters.read("w");
      var moments = run.updater.moments().values().stream().map(Numbers::read).toList();
      for (double bad : new double[] {Double.NaN, Double.POSITIVE_INFINITY, -1 / 0.0}) {
        run.step(new double[] {0, bad, 1});
      }
      assertArrayEquals(weights, run.parameters.read("w"));
      int i = 0;
      for (DeviceBuffer moment : run.updater.moments().values()) {
        assertArrayEquals(moments.get(i++), Numbers.read(moment));
      }
      assertEquals(1, run.state().step());
      assertEquals(3, run.state().skipped());
      assertEquals(3, run.state().bad());
      run.step(new double[] {1, -1, 0.5});
      assertEquals(2, run.state().step());
      assertEquals(3, run.state().skipped());
      assertEquals(0, run.state().bad());
      assertTrue(run.parameters.read("w")[0] < weights[0]);
    }
  }

  @Test
  void aHighLossIsCountedAndOneThatIsNotFiniteRefused() {
    try (var run = new Run(ElementType.FLOAT32, 1, Optimizer.sgd(1), Clip.NONE)) {
      for (float loss : new float[] {1, 6, 1e30f, Float.NaN, Float.POSITIVE_INFINITY}) {
        run.loss.copyFrom(new float[] {loss});
        run.step(new double[] {1});
      }
      assertEquals(4, run.state().bad());
      assertEquals(2, run.state().skipped());
      assertArrayEquals(new double[] {-3}, run.parameters.read("w"));
      run.loss.copyFrom(new float[] {5});
      run.step(new double[] {1});
      assertEquals(0, run.state().bad());
      assertEquals(5, run.state().loss());
    }
  }

  @Test
  void clearsOnlyAfterARefusedStep() {
    try (var run = new Run(ElementType.FLOAT32, 1, Optimizer.sgd(1), Clip.NONE);
        var buffer = DeviceBuffer.allocate(device, ElementType.FLOAT32, 3);
        var clear = run.updater.clearIfSkipped(buffer)) {
      float[] values = {1, Float.NaN, 3};
      buffer.copyFrom(values);
      run.step(new double[] {1});
      clear.run();
      assertArrayEquals(values, buffer.toFloats());
      run.step(new double[] {Double.NaN});
      clear.run();
      assertArrayEquals(new float[3], buffer.toFloats());
    }
  }

  /** Weights of 16 bits are trained as FP32 would train them on the same gradients. */
  @ParameterizedTest
  @MethodSource("optimizers")
  void mastersOfNarrowWeightsAreTrainedInSinglePrecision(
      String name, Optimizer optimizer, ElementType unused, double tolerance) throws IOException {
    double[] start = vectors.doubles("weights");
    double[] gradients = vectors.doubles("gradients");
    int size = start.length;
    for (var type : List.of(ElementType.FLOAT16, ElementType.BFLOAT16)) {
      var config = TrainerConfig.of(optimizer).lossScale(new LossScale(512, 0));
      double scale = type == ElementType.FLOAT16 ? 512 : 1;
      try (var narrow = new Run(type, size, config);
          var single = new Run(ElementType.FLOAT32, size, config)) {
        narrow.parameters.write("w", start);
        single.parameters.write("w", start);
        for (int step = 0; step * size < gradients.length; step++) {
          double[] gradient = Arrays.copyOfRange(gradients, step * size, (step + 1) * size);
          narrow.step(Arrays.stream(gradient).map(g -> g * scale).toArray());
          double[] rounded = narrow.parameters.readGradient("w");
          single.step(Arrays.stream(rounded).map(g -> g / scale).toArray());
          assertArrayEquals(single.parameters.read("w"), narrow.parameters.read("w"));
          assertEquals(single.state().norm(), narrow.state().norm(), 1e-5);
        }
        assertWeightsAreRoundedMasters(narrow.parameters);
        assertPaddingIsZero(narrow);
      }
    }
  }

  /** GradScaler, Adam and a clipped norm, with gradients that are too large now and then. */
  @Test
  void scalesTheLossAsPyTorch() throws IOException {
    double[] gradients = vectors.doubles("scaled.gradients");
    double[] weights = vectors.doubles("scaled.weights");
    double[] scales = vectors.doubles("scaled.scales");
    double[] start = vectors.doubles("weights");
    int size = start.length;
    var config =
        TrainerConfig.of(Optimizer.adam(0.01))
            .clip(Clip.byNorm(2))
            .lossScale(new LossScale(1024, 5));
    try (var run = new Run(ElementType.FLOAT16, size, config)) {
      run.parameters.write("w", start);
      double[] before = run.parameters.read("w");
      for (int step = 0; step < scales.length; step++) {
        double scale = run.state().scale();
        double[] gradient = Arrays.copyOfRange(gradients, step * size, (step + 1) * size);
        run.step(Arrays.stream(gradient).map(g -> g * scale).toArray());
        double[] found = run.parameters.read("w");
        for (int i = 0; i < size; i++) {
          double want = weights[step * size + i];
          String where = "step %d, weight %d".formatted(step + 1, i);
          assertEquals(want, found[i], 2e-6 * (1 + Math.abs(want)), where);
        }
        assertEquals(scales[step], run.state().scale(), "scale after step " + (step + 1));
        if (scales[step] < scale) {
          assertArrayEquals(before, found, "a refused step changes nothing");
        }
        before = found;
      }
      assertEquals(7, run.state().skipped());
      assertWeightsAreRoundedMasters(run.parameters);
    }
  }

  @Test
  void theScaleHasBoundsAndOverflowsAreBadOnlyBelow() {
    double infinite = Double.POSITIVE_INFINITY;
    var config = TrainerConfig.of(Optimizer.sgd(1)).lossScale(new LossScale(4, 1));
    try (var run = new Run(ElementType.FLOAT16, 1, config)) {
      for (double scale : new double[] {2, 1}) {
        run.step(new double[] {infinite});
        assertEquals(scale, run.state().scale());
        assertEquals(0, run.state().bad());
      }
      run.step(new double[] {infinite});
      assertEquals(1, run.state().scale());
      assertEquals(1, run.state().bad());
      assertEquals(3, run.state().skipped());
      for (int i = 1; i <= 30; i++) {
        run.step(new double[] {0});
        assertEquals(Math.min(1 << 24, Math.pow(2, i)), run.state().scale());
      }
      run.loss.copyFrom(new float[] {Float.NaN});
      run.step(new double[] {0});
      assertEquals(1, run.state().bad(), "no scale makes up for such a loss");
    }
    var fixed = config.lossScale(new LossScale(4, 0));
    for (var type : List.of(ElementType.FLOAT16, ElementType.BFLOAT16, ElementType.FLOAT32)) {
      try (var run = new Run(type, 1, fixed)) {
        run.step(new double[] {infinite});
        run.step(new double[] {8});
        assertEquals(type == ElementType.FLOAT16 ? 4 : 1, run.state().scale());
        assertEquals(type == ElementType.FLOAT16 ? 2 : 8, run.state().norm());
        assertEquals(1, run.state().skipped());
      }
    }
    assertMessage(
        "loss scale 0.5 doubled every 1 steps, must be from 1 to 1.6777216E7 and a number of steps",
        () -> new LossScale(0.5, 1));
  }

  @ParameterizedTest
  @EnumSource(names = {"FLOAT16", "BFLOAT16"})
  void theNormOfManyNarrowGradientsDoesNotOverflow(ElementType type) {
    int size = 10_001;
    var random = new SplittableRandom(3);
    var config = TrainerConfig.of(Optimizer.sgd(0)).lossScale(new LossScale(1, 0));
    try (var run = new Run(type, size, config)) {
      run.step(random.doubles(size, -60_000, 60_000).toArray());
      double sum = 0;
      for (double gradient : run.parameters.readGradient("w")) {
        sum += gradient * gradient;
      }
      assertEquals(1, run.state().norm() / Math.sqrt(sum), 1e-5);
    }
  }

  private static void assertWeightsAreRoundedMasters(Parameters parameters) {
    try (var rounded =
        DeviceBuffer.allocate(device, parameters.type(), parameters.masters().elements())) {
      rounded.copyFrom(parameters.masters().toFloats());
      assertArrayEquals(rounded.toFloats(), parameters.weights().toFloats());
    }
  }

  @Test
  void refusesHyperparametersThatPyTorchRefuses() {
    assertMessage("learning rate -1.0, must be finite and at least 0", () -> Optimizer.sgd(-1));
    assertMessage(
        "learning rate Infinity, must be finite and at least 0", () -> Optimizer.sgd(1 / 0.0));
    assertMessage("beta1 1.0, must be in [0, 1)", () -> new Adam(1, 1, 0.9, 1e-8, 0));
    assertMessage("beta2 -0.1, must be in [0, 1)", () -> new AdamW(1, 0.9, -0.1, 1e-8, 0));
    assertMessage("alpha NaN, must be in [0, 1)", () -> new RmsProp(1, Double.NaN, 1, 0, 0, false));
    assertMessage(
        "Nesterov's rule with momentum 0.0 and dampening 0.0, needed are a positive momentum and no"
            + " dampening",
        () -> new Sgd(1, 0, 0, 0, true));
    assertMessage(
        "clip limits norm 0.0 and value Infinity, both must be positive", () -> Clip.byNorm(0));
    assertMessage(
        "clip limits norm Infinity and value NaN, both must be positive",
        () -> Clip.byValue(Double.NaN));
  }

  private static void assertMessage(
      String message, org.junit.jupiter.api.function.Executable action) {
    assertEquals(message, assertThrows(IllegalArgumentException.class, action).getMessage());
  }

  private static void assertPaddingIsZero(Run run) {
    double[] all = Numbers.read(run.parameters.weights());
    for (int i = run.size; i < all.length; i++) {
      assertEquals(0, all[i], "padding at " + i);
    }
  }

  /** A set of one tensor. */
  private static Parameters one(ElementType type, int size) {
    var parameters = Parameters.on(device, Numbers.precision(type));
    parameters.tensor("w", Init.zeros(), size);
    parameters.initialize(1);
    return parameters;
  }

  /** One tensor and its optimizer. */
  private static final class Run implements AutoCloseable {
    final int size;
    final Parameters parameters;
    final DeviceBuffer loss;
    final Updater updater;

    Run(ElementType type, int size, Optimizer optimizer, Clip clip) {
      this(type, size, TrainerConfig.of(optimizer).clip(clip));
    }

    Run(ElementType type, int size, TrainerConfig config) {
      this.size = size;
      parameters = one(type, size);
      loss = DeviceBuffer.allocate(device, parameters.masters().type(), 1);
      loss.clear();
      LossScale scale = type == ElementType.FLOAT16 ? config.lossScale() : LossScale.NONE;
      updater = Updater.create(parameters, config.optimizer(), config.clip(), scale);
      updater.lossLimit(LIMIT);
    }

    void step(double[] gradient) {
      setGradient(gradient);
      updater.run(loss);
    }

    void setGradient(double[] gradient) {
      Numbers.write(parameters.parameter("w").tensor().gradient(), gradient);
    }

    StepState state() {
      return updater.read();
    }

    @Override
    public void close() {
      updater.close();
      loss.close();
      parameters.close();
    }
  }
}
