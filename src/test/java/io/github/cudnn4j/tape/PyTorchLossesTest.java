package io.github.cudnn4j.tape;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.io.SafeTensors;
import io.github.cudnn4j.proof.Numbers;
import io.github.cudnn4j.testing.Closeness;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Each loss of a tape and its gradients, multiplied by a loss scale, against PyTorch 2.13: the
 * cases of {@code pytorch-losses.safetensors}, which {@code pytorch_losses.py} beside it made.
 */
class PyTorchLossesTest {

  private static final double SCALE = 64;
  private static final double[] WEIGHTS = {0.5, 2, 0.25, 1, 3};

  private interface Case {
    Loss on(Tape tape, Inputs in) throws IOException;
  }

  private static final Map<String, Case> CASES = cases();

  private static SafeTensors vectors;
  private static Device device;

  @BeforeAll
  static void open() throws IOException, URISyntaxException {
    var file = PyTorchLossesTest.class.getResource("pytorch-losses.safetensors");
    vectors = SafeTensors.open(Path.of(file.toURI()));
    device = Device.open();
  }

  @AfterAll
  static void close() throws IOException {
    vectors.close();
    device.close();
  }

  private static Map<String, Case> cases() {
    Map<String, Case> cases = new LinkedHashMap<>();
    cases.put(
        "crossEntropy.plain",
        (tape, in) -> tape.crossEntropy(in.of("logits"), in.indices("targets")));
    cases.put("crossEntropy.weighted", crossEntropy(WEIGHTS, 0));
    cases.put("crossEntropy.smooth", crossEntropy(null, 0.25));
    cases.put("crossEntropy.both", crossEntropy(WEIGHTS, 0.25));
    cases.put(
        "binaryCrossEntropy.plain",
        (tape, in) -> tape.binaryCrossEntropy(in.of("input"), in.constant("target")));
    for (String counted : List.of("rows", "elements")) {
      cases.put(
          "binaryCrossEntropy." + counted,
          (tape, in) ->
              tape.binaryCrossEntropy(
                  in.of("input"), in.constant("target"), WEIGHTS, in.indices("counted")));
    }
    cases.put(
        "meanSquaredError.plain",
        (tape, in) -> tape.meanSquaredError(in.of("input"), in.of("target")));
    cases.put(
        "meanSquaredError.rows",
        (tape, in) ->
            tape.meanSquaredError(in.of("input"), in.of("target"), in.indices("counted")));
    cases.put(
        "ctc",
        (tape, in) ->
            tape.ctc(
                in.of("logits"),
                in.lengths("lengths"),
                in.indices("labels"),
                in.lengths("labelLengths")));
    return cases;
  }

  private static Case crossEntropy(double[] weights, double smoothing) {
    return (tape, in) ->
        tape.crossEntropy(in.of("logits"), in.indices("targets"), weights, smoothing);
  }

  @ParameterizedTest
  @EnumSource
  void lossesAndGradientsAgree(Precision precision) throws IOException {
    try (var scale = DeviceBuffer.allocate(device, ElementType.FLOAT64, 1)) {
      scale.copyFrom(new double[] {SCALE});
      for (var item : CASES.entrySet()) {
        String name = item.getKey();
        try (var tape = Tape.training(device, precision, scale)) {
          var in = new Inputs(name, tape);
          Loss loss = item.getValue().on(tape, in);
          // Losses are not rounded to 16 bits, and the inputs are what they were for PyTorch.
          double[] expected = vectors.doubles(name + ".loss");
          var exact =
              Closeness.within(precision == Precision.FP64 && !name.equals("ctc") ? 1e-14 : 2e-6);
          var within =
              Closeness.within(Math.max(exact.abs(), Numbers.tolerance(precision, device)));
          Gradients.play(tape);
          exact.check(precision + " " + name, expected, new double[] {loss.read()});
          in.check(within, precision.toString());
          try (var graph = device.stream().capture(() -> Gradients.play(tape))) {
            graph.launch();
            in.check(within, precision + " replayed");
          }
          double[] meter = loss.meter().toDoubles();
          exact.check(precision + " " + name, expected, new double[] {meter[0] / meter[1]});
        }
      }
    }
  }

  @Test
  void everyCaseIsCompared() {
    Set<String> names =
        vectors.names().stream()
            .filter(name -> name.endsWith(".loss"))
            .map(name -> name.substring(0, name.length() - ".loss".length()))
            .collect(Collectors.toSet());
    assertEquals(names, CASES.keySet());
  }

  /** What a case is given, and the gradients that it leaves. */
  private record Inputs(String name, Tape tape, Map<String, Tensor> tensors) {
    Inputs(String name, Tape tape) {
      this(name, tape, new LinkedHashMap<>());
    }

    /** An activation, whose gradient is overwritten. */
    Tensor of(String input) throws IOException {
      var parameter = constant(input);
      DeviceBuffer gradient =
          tape.own(DeviceBuffer.allocate(device, tape.type(), parameter.elements()));
      Tensor given = new Tensor(parameter.value(), gradient, parameter.shape());
      tensors.put(input, tape.produced(given));
      return given;
    }

    Tensor constant(String input) throws IOException {
      Tensor tensor = tape.input(shape(input));
      Numbers.write(tensor.value(), vectors.doubles(name + ".in." + input));
      return tensor;
    }

    Indices indices(String input) throws IOException {
      Indices indices = tape.indices(shape(input));
      indices.buffer().copyFrom(vectors.ints(name + ".in." + input));
      return indices;
    }

    Lengths lengths(String input) throws IOException {
      int[] numbers = vectors.ints(name + ".in." + input);
      Lengths lengths = tape.lengths(numbers.length);
      lengths.set(numbers);
      return lengths;
    }

    private int[] shape(String input) throws IOException {
      return Arrays.stream(vectors.shape(name + ".in." + input))
          .mapToInt(Math::toIntExact)
          .toArray();
    }

    void check(Closeness within, String what) throws IOException {
      for (var input : tensors.entrySet()) {
        String gradient = name + ".grad." + input.getKey();
        double[] expected = Arrays.stream(vectors.doubles(gradient)).map(d -> d * SCALE).toArray();
        within.check(what + " " + gradient, expected, Numbers.read(input.getValue().gradient()));
      }
    }
  }
}
