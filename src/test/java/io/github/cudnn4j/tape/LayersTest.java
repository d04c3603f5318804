package io.github.cudnn4j.tape;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.cudnn.BiasMode;
import io.github.cudnn4j.io.SafeTensors;
import io.github.cudnn4j.io.SafeTensorsWriter;
import io.github.cudnn4j.proof.Numbers;
import io.github.cudnn4j.rnn.RnnConfig;
import io.github.cudnn4j.testing.Closeness;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.TreeSet;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Layers with weights, names and shapes of PyTorch's {@code state_dict}, from {@code
 * pytorch-layers.safetensors}, which {@code pytorch_layers.py} beside it made.
 */
class LayersTest {

  private static SafeTensors vectors;
  private static Device device;

  @TempDir Path folder;

  @BeforeAll
  static void open() throws IOException, URISyntaxException {
    vectors =
        SafeTensors.open(
            Path.of(LayersTest.class.getResource("pytorch-layers.safetensors").toURI()));
    device = Device.open();
  }

  @AfterAll
  static void close() throws IOException {
    vectors.close();
    device.close();
  }

  private static BiFunction<Tape, Indices, Tensor> classifier(Parameters p) {
    var embed = p.embedding("embed", 7, 5);
    var rnn = p.rnn("rnn", RnnConfig.lstm(5, 4).layers(2).bidirectional());
    var norm = p.layerNorm("norm", rnn.outputSize());
    var head = p.linear("head", norm.size(), 3, false);
    assertEquals(
        "7 5 5 8 8 3",
        "%d %d %d %d %d %d"
            .formatted(
                embed.inputSize(),
                embed.outputSize(),
                rnn.inputSize(),
                rnn.outputSize(),
                head.inputSize(),
                head.outputSize()));
    return (tape, tokens) ->
        head.on(tape, norm.on(tape, rnn.on(tape, embed.on(tape, tokens)).last()));
  }

  private static BiFunction<Tape, Indices, Tensor> tied(Parameters p) {
    var embed = p.embedding("embed", 7, 4);
    var rnn = p.rnn("rnn", RnnConfig.gru(4, 4));
    var head = p.linear("head", embed.weight(), true);
    assertSame(embed.weight(), head.weight());
    return (tape, tokens) -> head.on(tape, rnn.on(tape, embed.on(tape, tokens)).y());
  }

  @ParameterizedTest
  @EnumSource(names = {"FP32", "FP64", "FP16", "BF16"})
  void computeAsPyTorchsLayers(Precision precision) throws IOException {
    compare("classifier", precision, LayersTest::classifier);
  }

  @ParameterizedTest
  @EnumSource(names = {"FP32", "FP64", "FP16", "BF16"})
  void sharedWeightsGetTheGradientsOfAllUses(Precision precision) throws IOException {
    compare("tied", precision, LayersTest::tied);
  }

  private static void compare(
      String model,
      Precision precision,
      Function<Parameters, BiFunction<Tape, Indices, Tensor>> declare)
      throws IOException {
    var within = Closeness.within(4 * Numbers.tolerance(precision));
    try (var p = Parameters.on(device, precision);
        var tape = Tape.training(device, precision)) {
      var layers = declare.apply(p);
      p.load(vectors, name -> withoutPrefix(name, model + ".state."));
      Indices tokens = tape.indices(5, 3);
      tokens.buffer().copyFrom(vectors.ints(model + ".tokens"));
      Tensor y = layers.apply(tape, tokens);
      for (String weights : List.of("weights", "read-only weights")) {
        if (!weights.equals("weights")) {
          p.setReadOnly();
        }
        String of = " of " + weights + " in " + precision;
        p.gradients().clear();
        tape.forward();
        within.check("y" + of, vectors.doubles(model + ".y"), Numbers.read(y.value()));
        Numbers.write(y.gradient(), vectors.doubles(model + ".dy"));
        tape.backward();
        for (String name : p.names()) {
          double[] expected = vectors.doubles(model + ".grad." + name);
          within.check(name + of, expected, p.readGradient(name));
        }
      }
    }
  }

  private static String withoutPrefix(String name, String prefix) {
    return name.startsWith(prefix) ? name.substring(prefix.length()) : null;
  }

  @Test
  void saveWhatPyTorchCanLoad() throws IOException {
    var file = folder.resolve("saved.safetensors");
    String prefix = "classifier.state.";
    try (var p = Parameters.on(device, Precision.FP64)) {
      classifier(p);
      p.load(vectors, name -> withoutPrefix(name, prefix));
      var writer = new SafeTensorsWriter();
      p.save(writer);
      writer.write(file);
    }
    try (var saved = SafeTensors.open(file)) {
      var expected =
          vectors.names().stream()
              .filter(name -> name.startsWith(prefix))
              .map(name -> withoutPrefix(name, prefix))
              .collect(Collectors.toCollection(TreeSet::new));
      assertEquals(expected, new TreeSet<>(saved.names()));
      for (String name : expected) {
        assertArrayEquals(vectors.shape(prefix + name), saved.shape(name), name);
        assertArrayEquals(vectors.doubles(prefix + name), saved.doubles(name), name);
      }
    }
  }

  @Test
  void aSharedWeightIsOneTensorWithTwoNames() throws IOException {
    var file = folder.resolve("tied.safetensors");
    try (var p = Parameters.on(device, Precision.FP32)) {
      var embed = p.embedding("embed", 3, 1);
      p.linear("head", embed.weight(), false);
      assertEquals(
          "the name head.weight is taken",
          assertThrows(
                  IllegalArgumentException.class, () -> p.tensor("head.weight", Init.zeros(), 1))
              .getMessage());
      p.initialize(1);
      assertEquals("[embed.weight]", p.names().toString());
      p.write("head.weight", new double[] {1, 2, 3});
      assertArrayEquals(new double[] {1, 2, 3}, p.read("embed.weight"));
      for (String name : new String[] {"embed.weight", "head.weight"}) {
        new SafeTensorsWriter().add(name, new long[] {3, 1}, new float[] {4, 5, 6}).write(file);
        p.initialize(2);
        try (var tensors = SafeTensors.open(file)) {
          p.load(tensors);
        }
        assertArrayEquals(new double[] {4, 5, 6}, p.read("embed.weight"));
      }
      new SafeTensorsWriter()
          .add("embed.weight", new long[] {3, 1}, new float[] {7, 8, 9})
          .add("head.weight", new long[] {3, 1}, new float[] {7, 8, 0})
          .write(file);
      try (var tensors = SafeTensors.open(file)) {
        assertEquals(
            file + ": embed.weight and head.weight differ, but both are embed.weight of the model",
            assertThrows(IOException.class, () -> p.load(tensors)).getMessage());
      }
      assertArrayEquals(new double[] {4, 5, 6}, p.read("embed.weight"));
    }
  }

  @Test
  void onlyAMatrixOfTheSameSetCanBeShared() {
    try (var p = Parameters.on(device, Precision.FP32);
        var other = Parameters.on(device, Precision.FP32)) {
      Parameter vector = p.tensor("v", Init.zeros(), 3);
      Parameter foreign = other.tensor("w", Init.zeros(), 3, 2);
      for (Parameter weight : new Parameter[] {vector, foreign}) {
        assertEquals(
            weight + " is no matrix of this set",
            assertThrows(IllegalArgumentException.class, () -> p.linear("head", weight, true))
                .getMessage());
      }
      p.linear("head", 2, 2);
    }
  }

  /** A generator and a discriminator, say, each with an optimizer of its own. */
  @Test
  void gradientsReachBothSetsOfATape() {
    try (var first = Parameters.on(device, Precision.FP64);
        var second = Parameters.on(device, Precision.FP64);
        var tape = Tape.training(device, Precision.FP64)) {
      var below = first.linear("layer", 4, 3);
      var rnn = second.rnn("layer", RnnConfig.tanh(3, 2));
      first.initialize(1);
      second.initialize(2);
      Tensor x = tape.input(5, 2, 4);
      x.value().copyFrom(new SplittableRandom(3).doubles(40, -1, 1).toArray());
      Tensor y = rnn.on(tape, below.on(tape, x)).y();
      double[] dy = new SplittableRandom(4).doubles(20, -1, 1).toArray();
      for (Parameters moved : new Parameters[] {first, second}) {
        for (String name : moved.names()) {
          first.gradients().clear();
          second.gradients().clear();
          loss(tape, y, dy);
          tape.backward();
          double gradient = moved.readGradient(name)[0];
          double[] weights = moved.read(name);
          double middle = weights[0];
          weights[0] = middle + 1e-6;
          moved.write(name, weights);
          double upper = loss(tape, y, dy);
          weights[0] = middle - 1e-6;
          moved.write(name, weights);
          double lower = loss(tape, y, dy);
          weights[0] = middle;
          moved.write(name, weights);
          assertEquals((upper - lower) / 2e-6, gradient, 1e-8, name);
          assertTrue(gradient != 0, name);
        }
      }
      double[] kept = second.readGradient("layer.weight_hh_l0");
      first.gradients().clear();
      assertArrayEquals(new double[12], first.readGradient("layer.weight"));
      assertArrayEquals(kept, second.readGradient("layer.weight_hh_l0"));
    }
  }

  private static double loss(Tape tape, Tensor y, double[] dy) {
    tape.forward();
    y.gradient().copyFrom(dy);
    double[] values = Numbers.read(y.value());
    double sum = 0;
    for (int i = 0; i < dy.length; i++) {
      sum += dy[i] * values[i];
    }
    return sum;
  }

  @Test
  void aLinearChainIsThatOfItsWeights() {
    try (var p = Parameters.on(device, Precision.FP64);
        var tape = Tape.training(device, Precision.FP64)) {
      p.tensor("chain.end_transitions", Init.zeros(), 1);
      assertThrows(IllegalArgumentException.class, () -> p.linearChain("chain", 2));
      assertThrows(IllegalArgumentException.class, () -> p.linearChain("none", 0));
      var layer = p.linearChain("crf", 2);
      assertThrows(IllegalArgumentException.class, () -> p.linearChain("crf", 2));
      assertEquals(2, layer.labels());
      p.initialize(1);
      assertEquals(
          List.of("crf.transitions", "crf.start_transitions", "crf.end_transitions"),
          p.names("crf.*"));
      for (double weight : p.read("crf.transitions")) {
        assertTrue(weight != 0 && Math.abs(weight) <= 0.1, () -> "drawn " + weight);
      }
      p.write("crf.transitions", new double[] {1, 2, 3, 4});
      p.write("crf.start_transitions", new double[] {5, 6});
      p.write("crf.end_transitions", new double[] {7, 8});
      Lengths lengths = tape.lengths(1);
      lengths.set(2);
      Tensor emissions = tape.input(2, 1, 2);
      Indices labels = tape.indices(2, 1);
      labels.buffer().copyFrom(new int[] {1, 0});
      Loss loss = layer.on(tape, lengths).loss(emissions, labels);
      tape.forward();
      // start + transition + end of the labels, and of all paths.
      double all = Math.log(Math.exp(13) + Math.exp(15) + Math.exp(16) + Math.exp(18));
      assertEquals(all - (6 + 3 + 7), loss.read(), 1e-12);
      tape.backward();
      assertNotEquals(0, p.readGradient("crf.end_transitions")[0]);
    }
  }

  @Test
  void aNetworkHasThePrecisionOfItsSet() {
    try (var p = Parameters.on(device, Precision.FP16)) {
      var rnn = p.rnn("rnn", RnnConfig.lstm(2, 3));
      assertEquals(Precision.FP16, rnn.config().precision());
      p.initialize(1);
      assertEquals(rnn.config(), rnn.rnn().config());
      assertEquals("rnn.weight_hh_l0 [12, 3]", rnn.parameter("weight_hh_l0").toString());
      assertEquals(4, rnn.parameter("weight_hh_l0").slices().size());
    }
  }

  @Test
  void forgetGatesBeginWithTheirBias() {
    try (var p = Parameters.on(device, Precision.FP32)) {
      p.rnn("both", RnnConfig.lstm(2, 3)).forgetBias(1);
      p.rnn("state", RnnConfig.lstm(2, 3).bias(BiasMode.SINGLE_RECURRENT)).forgetBias(2);
      p.initialize(1);
      assertForgetBias(1, p.read("both.bias_ih_l0"));
      assertForgetBias(0, p.read("both.bias_hh_l0"));
      assertForgetBias(2, p.read("state.bias_hh_l0"));
    }
    try (var p = Parameters.on(device, Precision.FP32)) {
      var gru = p.rnn("gru", RnnConfig.gru(2, 3));
      assertEquals(
          "a cell of kind GRU has no forget gate; only an LSTM has",
          assertThrows(IllegalArgumentException.class, () -> gru.forgetBias(1)).getMessage());
      var bare = p.rnn("bare", RnnConfig.lstm(2, 3).bias(BiasMode.NONE));
      assertEquals(
          "the forget gate has no bias with bias mode NONE",
          assertThrows(IllegalArgumentException.class, () -> bare.forgetBias(1)).getMessage());
      assertEquals(
          "forget bias NaN, must be finite",
          assertThrows(
                  IllegalArgumentException.class,
                  () -> p.rnn("lstm", RnnConfig.lstm(2, 3)).forgetBias(Double.NaN))
              .getMessage());
    }
  }

  private static void assertForgetBias(double value, double[] bias) {
    for (int i = 0; i < bias.length; i++) {
      assertEquals(i / 3 == 1, bias[i] == value, Arrays.toString(bias));
    }
  }
}
