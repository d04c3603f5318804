package io.github.cudnn4j.optim;

import static io.github.cudnn4j.testing.Refusals.refuses;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.io.SafeTensors;
import io.github.cudnn4j.library.HostControl;
import io.github.cudnn4j.proof.Numbers;
import io.github.cudnn4j.rnn.RnnConfig;
import io.github.cudnn4j.tape.Init;
import io.github.cudnn4j.tape.Parameters;
import io.github.cudnn4j.testing.Closeness;
import io.github.cudnn4j.testing.OwnOptimizers;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class ParameterGroupTest {

  /** As in make_optimizers.py. */
  private static final Map<String, int[]> SHAPES =
      new TreeMap<>(
          Map.of(
              "embed.weight", new int[] {7, 5},
              "rnn.weight", new int[] {6, 5},
              "rnn.bias", new int[] {6},
              "head.weight", new int[] {3, 6},
              "head.bias", new int[] {3}));

  private static final int STEPS = 6;

  @TempDir static Path folder;
  private static Device device;
  private static SafeTensors vectors;

  @BeforeAll
  static void open() throws IOException {
    var file = folder.resolve("optimizers.safetensors");
    try (var in = ParameterGroupTest.class.getResourceAsStream("optimizers.safetensors")) {
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

  @ParameterizedTest
  @CsvSource({
    "sgd, false, FLOAT32, 2e-6",
    "sgd, false, FLOAT64, 1e-13",
    "sgd, true, FLOAT32, 2e-6",
    "sgd, true, FLOAT64, 1e-13",
    "adamw, false, FLOAT32, 2e-6",
    "adamw, false, FLOAT64, 1e-13",
    "adamw, true, FLOAT32, 2e-6",
    "adamw, true, FLOAT64, 1e-13"
  })
  void agreesWithPyTorch(String rule, boolean apart, ElementType type, double tolerance)
      throws IOException {
    Optimizer optimizer =
        rule.equals("sgd")
            ? new Sgd(0.1, 0.9, 0, 0.1, false)
            : new AdamW(0.01, 0.9, 0.999, 1e-8, 0.1);
    ParameterGroup head = ParameterGroup.of("head.*").rateFactor(3);
    var groups =
        List.of(
            ParameterGroup.of("embed.weight").frozen(true),
            ParameterGroup.of("rnn.bias").weightDecay(0),
            apart ? head.clip(Clip.byNorm(1)) : head);
    try (var parameters = parameters(type);
        var updater =
            Updater.create(parameters, optimizer, Clip.byNorm(2), LossScale.NONE, groups)) {
      for (int step = 0; step < STEPS; step++) {
        setGradients(parameters, step, 1);
        if (step == 0) {
          updater.run();
        } else {
          try (var graph = device.stream().capture(() -> updater.run())) {
            graph.launch();
          }
        }
        for (String name : SHAPES.keySet()) {
          double[] all =
              vectors.doubles(
                  "groups."
                      + rule
                      + (apart ? ".apart" : "")
                      + (type == ElementType.FLOAT32 ? ".f32." : ".f64.")
                      + name);
          double[] found = parameters.read(name);
          int size = found.length;
          Closeness.within(tolerance)
              .check(
                  name + " after step " + (step + 1),
                  Arrays.copyOfRange(all, step * size, (step + 1) * size),
                  found);
        }
      }
      assertPaddingIsZero(parameters);
    }
  }

  /** What holds for FP32 holds for the masters, which see the same gradients, but scaled. */
  @ParameterizedTest
  @EnumSource(names = {"FLOAT16", "BFLOAT16"})
  void mastersOfNarrowWeightsAreTrainedInSinglePrecision(ElementType type) throws IOException {
    var groups =
        List.of(
            ParameterGroup.of("embed.weight").frozen(true),
            ParameterGroup.of("rnn.bias").weightDecay(0),
            ParameterGroup.of("head.*").rateFactor(3).clip(Clip.byNorm(1)));
    var optimizer = new Sgd(0.1, 0.9, 0, 0.1, false);
    var scale = new LossScale(256, 0);
    try (var narrow = parameters(type);
        var single = parameters(ElementType.FLOAT32);
        var ofNarrow = Updater.create(narrow, optimizer, Clip.byNorm(2), scale, groups);
        var ofSingle = Updater.create(single, optimizer, Clip.byNorm(2), LossScale.NONE, groups)) {
      for (int step = 0; step < STEPS; step++) {
        setGradients(narrow, step, 256);
        for (String name : SHAPES.keySet()) {
          double[] scaled = narrow.readGradient(name);
          Arrays.setAll(scaled, i -> scaled[i] / 256);
          Numbers.write(single.parameter(name).tensor().gradient(), scaled);
        }
        ofNarrow.run();
        ofSingle.run();
        for (String name : SHAPES.keySet()) {
          Closeness.within(1e-6).check(name, single.read(name), narrow.read(name));
        }
        assertEquals(ofSingle.read().norm(), ofNarrow.read().norm(), 1e-5);
      }
      try (var rounded = DeviceBuffer.allocate(device, type, narrow.weights().elements())) {
        rounded.copyFrom(narrow.masters().toFloats());
        assertArrayEquals(rounded.toFloats(), narrow.weights().toFloats());
      }
    }
  }

  @Test
  void frozenParametersDoNotMoveAndDoNotCount() throws IOException {
    var groups = List.of(ParameterGroup.of("embed.*", "rnn.*").frozen(true));
    try (var parameters = parameters(ElementType.FLOAT64);
        var updater =
            Updater.create(
                parameters, Optimizer.adamW(0.1), Clip.byNorm(1), LossScale.NONE, groups)) {
      double[] embed = parameters.read("embed.weight");
      double[] rnn = parameters.read("rnn.weight");
      double[] head = parameters.read("head.bias");
      Numbers.write(
          parameters.parameter("embed.weight").tensor().gradient(), filled(35, Double.NaN));
      Numbers.write(parameters.parameter("rnn.weight").tensor().gradient(), filled(30, 1e9));
      Numbers.write(parameters.parameter("head.bias").tensor().gradient(), new double[] {3, 0, 4});
      updater.run();
      assertEquals(5, updater.read().norm());
      assertEquals(0.2, updater.read().clipFactor(), 1e-15);
      assertEquals(0, updater.read().skipped());
      assertArrayEquals(embed, parameters.read("embed.weight"));
      assertArrayEquals(rnn, parameters.read("rnn.weight"));
      assertEquals(head[0] * (1 - 1e-3) - 0.1, parameters.read("head.bias")[0], 1e-8);
    }
  }

  /** One that is clipped on its own is refused with all others. */
  @Test
  void aGroupOfItsOwnNormIsRefusedWithTheOthers() throws IOException {
    var groups = List.of(ParameterGroup.of("head.*").clip(Clip.byNorm(1)));
    try (var parameters = parameters(ElementType.FLOAT32);
        var updater =
            Updater.create(parameters, Optimizer.sgd(1), Clip.NONE, LossScale.NONE, groups)) {
      for (String bad : List.of("head.bias", "rnn.bias")) {
        for (String name : SHAPES.keySet()) {
          Numbers.write(
              parameters.parameter(name).tensor().gradient(),
              filled(parameters.read(name).length, name.equals(bad) ? Double.NaN : 1));
        }
        double[] before = Numbers.read(parameters.weights());
        updater.run();
        assertArrayEquals(before, Numbers.read(parameters.weights()));
      }
      assertEquals(2, updater.read().skipped());
    }
  }

  @Test
  void aPartOfTheBuffersIsOneLaunch() throws IOException {
    var host = HostControl.ifHost();
    // In the order of the buffers: embed.weight, head.bias, head.weight, rnn.bias, rnn.weight.
    var cases =
        Map.of(
            List.<ParameterGroup>of(),
            3,
            List.of(ParameterGroup.of("embed.*").frozen(true)),
            3,
            List.of(ParameterGroup.of("*.bias").weightDecay(0)),
            // Five parts with a norm each, their norm, the preparation, five rules.
            12,
            List.of(
                ParameterGroup.of("head.*").weightDecay(0),
                ParameterGroup.of("rnn.*").rateFactor(2)),
            // Three parts, the second and the third of other groups, of which one has a state.
            9);
    for (var entry : cases.entrySet()) {
      try (var parameters = parameters(ElementType.FLOAT32);
          var updater =
              Updater.create(
                  parameters, Optimizer.adamW(1), Clip.NONE, LossScale.NONE, entry.getKey())) {
        updater.run();
        host.ifPresent(
            control -> {
              long calls = control.calls();
              updater.run();
              assertEquals((long) entry.getValue(), control.calls() - calls, entry.toString());
            });
      }
    }
  }

  /** Whose tensors lie in pieces, one for each gate. */
  @ParameterizedTest
  @EnumSource(names = {"FP32", "FP16"})
  void tensorsOfANetworkHaveGroups(Precision precision) {
    try (var parameters = Parameters.on(device, precision)) {
      parameters.rnn("rnn", RnnConfig.lstm(5, 3).bidirectional());
      parameters.linear("head", 6, 3);
      parameters.initialize(3);
      var groups =
          List.of(
              ParameterGroup.of("rnn.weight_hh_*").frozen(true),
              ParameterGroup.of("*.bias*").rateFactor(2));
      var before = new TreeMap<String, double[]>();
      for (String name : parameters.names()) {
        before.put(name, parameters.read(name));
      }
      var ones = new float[(int) parameters.gradients().elements()];
      Arrays.fill(ones, 1);
      parameters.gradients().copyFrom(ones);
      try (var updater =
          Updater.create(parameters, Optimizer.sgd(0.25), Clip.NONE, LossScale.NONE, groups)) {
        updater.run();
      }
      before.forEach(
          (name, weights) -> {
            double step = name.contains("weight_hh") ? 0 : name.contains("bias") ? 0.5 : 0.25;
            double[] expected = Arrays.stream(weights).map(w -> w - step).toArray();
            assertArrayEquals(expected, parameters.read(name), 1e-7, name);
          });
    }
  }

  /** The same rule for each element, whichever part of the buffers it is in. */
  @Test
  void ownRulesHaveGroupsToo() throws IOException {
    var lion = new OwnOptimizers.Lion(0.01, 0.9, 0.99, 0.1);
    var groups =
        List.of(
            ParameterGroup.of("rnn.bias").weightDecay(0),
            ParameterGroup.of("head.*").rateFactor(3),
            ParameterGroup.of("embed.*").frozen(true));
    try (var parameters = parameters(ElementType.FLOAT64);
        var parts = Updater.create(parameters, lion, Clip.NONE, LossScale.NONE, groups)) {
      double[] embed = parameters.read("embed.weight");
      double[] bias = parameters.read("rnn.bias");
      double[] head = parameters.read("head.bias");
      setGradients(parameters, 0, 1);
      parts.run();
      double[] ofBias = parameters.readGradient("rnn.bias");
      double[] ofHead = parameters.readGradient("head.bias");
      Arrays.setAll(bias, i -> bias[i] - 0.01 * Math.signum(ofBias[i]));
      Arrays.setAll(head, i -> head[i] - 0.03 * (Math.signum(ofHead[i]) + 0.1 * head[i]));
      assertArrayEquals(embed, parameters.read("embed.weight"));
      assertArrayEquals(bias, parameters.read("rnn.bias"), 1e-15);
      assertArrayEquals(head, parameters.read("head.bias"), 1e-15);
      assertEquals(List.of("mean"), List.copyOf(parts.moments().keySet()));
    }
  }

  @Test
  void refusesGroupsThatAreNone() throws IOException {
    try (var parameters = parameters(ElementType.FLOAT32)) {
      refuses(
          "no tensor rnn among [embed.weight, head.bias, head.weight, rnn.bias, rnn.weight]",
          () -> create(parameters, Optimizer.sgd(1), ParameterGroup.of("rnn")));
      refuses(
          "rnn.bias is in two groups",
          () ->
              create(
                  parameters,
                  Optimizer.sgd(1),
                  ParameterGroup.of("rnn.*"),
                  ParameterGroup.of("rnn.bias")));
      refuses(
          "all parameters are frozen",
          () -> create(parameters, Optimizer.sgd(1), ParameterGroup.of("*").frozen(true)));
      refuses(
          "Adagrad has no weight decay",
          () ->
              create(
                  parameters,
                  new OwnOptimizers.Adagrad(1, 1),
                  ParameterGroup.of("rnn.*").weightDecay(0.5)));
      refuses(
          "learning-rate factor -1.0, must be finite and at least 0",
          () -> ParameterGroup.of("rnn.*").rateFactor(-1));
      refuses(
          "weight decay NaN, must be finite and at least 0",
          () -> ParameterGroup.of("rnn.*").weightDecay(Double.NaN));
    }
  }

  private static void create(Parameters parameters, Optimizer optimizer, ParameterGroup... groups) {
    Updater.create(parameters, optimizer, Clip.NONE, LossScale.NONE, List.of(groups)).close();
  }

  private static Parameters parameters(ElementType type) throws IOException {
    Parameters parameters = Parameters.on(device, Numbers.precision(type));
    SHAPES.forEach((name, shape) -> parameters.tensor(name, Init.zeros(), shape));
    parameters.initialize(1);
    for (String name : SHAPES.keySet()) {
      parameters.write(name, vectors.doubles("groups." + name));
    }
    return parameters;
  }

  private static void setGradients(Parameters parameters, int step, double scale)
      throws IOException {
    for (String name : SHAPES.keySet()) {
      double[] all = vectors.doubles("groups.gradients." + name);
      int size = all.length / STEPS;
      double[] gradient = Arrays.copyOfRange(all, step * size, (step + 1) * size);
      Arrays.setAll(gradient, i -> gradient[i] * scale);
      Numbers.write(parameters.parameter(name).tensor().gradient(), gradient);
    }
  }

  private static double[] filled(int size, double value) {
    var values = new double[size];
    Arrays.fill(values, value);
    return values;
  }

  private static void assertPaddingIsZero(Parameters parameters) {
    double sum = 0;
    for (double weight : Numbers.read(parameters.weights())) {
      sum += weight;
    }
    double named = 0;
    for (String name : parameters.names()) {
      named += Arrays.stream(parameters.read(name)).sum();
    }
    assertEquals(named, sum, 1e-9);
  }
}
