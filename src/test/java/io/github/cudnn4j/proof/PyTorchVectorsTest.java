package io.github.cudnn4j.proof;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.cudnn.RnnDataLayout;
import io.github.cudnn4j.cudnn.RnnMode;
import io.github.cudnn4j.io.SafeTensors;
import io.github.cudnn4j.rnn.RnnConfig;
import io.github.cudnn4j.rnn.SequenceShape;
import io.github.cudnn4j.testing.Closeness;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Forward and backward against PyTorch 2.13: every case of {@code pytorch-vectors.safetensors} (4
 * cells and the projected LSTM × layers × directions × equal and varying lengths), which {@code
 * pytorch_vectors.py} beside it made.
 */
class PyTorchVectorsTest {

  private static SafeTensors vectors;
  private static Device device;

  @BeforeAll
  static void open() throws IOException, URISyntaxException {
    vectors =
        SafeTensors.open(
            Path.of(PyTorchVectorsTest.class.getResource("pytorch-vectors.safetensors").toURI()));
    device = Device.open();
  }

  @AfterAll
  static void close() throws IOException {
    vectors.close();
    device.close();
  }

  static Stream<String> cases() {
    return vectors.names().stream().filter(n -> n.endsWith(".x")).map(n -> n.replace(".x", ""));
  }

  @ParameterizedTest
  @MethodSource("cases")
  void inDoublePrecision(String name) throws IOException {
    compare(name, Precision.FP64, Closeness.within(1e-10));
  }

  @ParameterizedTest
  @MethodSource("cases")
  void inSinglePrecision(String name) throws IOException {
    compare(name, Precision.FP32, Closeness.within(1e-5));
  }

  private static void compare(String name, Precision precision, Closeness closeness)
      throws IOException {
    int[] xShape = shape(name + ".x");
    int[] hShape = shape(name + ".h0");
    boolean bidirectional = name.contains(".bi.");
    RnnMode mode = RnnMode.valueOf(name.substring(0, name.indexOf('.')).toUpperCase(Locale.ROOT));
    boolean projects = name.contains(".proj.");
    RnnConfig config =
        RnnConfig.of(mode, xShape[2], projects ? shape(name + ".c0")[2] : hShape[2])
            .projection(hShape[2])
            .layers(hShape[0] / (bidirectional ? 2 : 1))
            .precision(precision);
    if (bidirectional) {
      config = config.bidirectional();
    }
    int[] lengths = new int[xShape[1]];
    for (int row = 0; row < lengths.length; row++) {
      lengths[row] = Math.toIntExact(vectors.longs(name + ".lengths")[row]);
    }
    SequenceShape shape =
        SequenceShape.ofLengths(RnnDataLayout.SEQ_MAJOR_UNPACKED, xShape[0], lengths);
    boolean cell = config.hasCellState();

    try (Run run = new Run(device, config)) {
      Map<String, double[]> parameters = new LinkedHashMap<>();
      for (String parameter : run.rnn.weights().names()) {
        parameters.put(parameter, tensor(name, parameter));
      }
      run.parameters(parameters);
      Run.Outputs out =
          run.forwardAndBackward(
              shape,
              new Run.Inputs(
                  tensor(name, "x"),
                  tensor(name, "h0"),
                  cell ? tensor(name, "c0") : null,
                  tensor(name, "dy"),
                  tensor(name, "dhy"),
                  cell ? tensor(name, "dcy") : null));

      closeness.check(name + " y", tensor(name, "y"), real(shape, out.y()));
      closeness.check(name + " hy", tensor(name, "hy"), out.hy());
      closeness.check(name + " dx", tensor(name, "dx"), real(shape, out.dx()));
      closeness.check(name + " dh0", tensor(name, "dh0"), out.dhx());
      if (cell) {
        closeness.check(name + " cy", tensor(name, "cy"), out.cy());
        closeness.check(name + " dc0", tensor(name, "dc0"), out.dcx());
      }
      assertEquals(List.copyOf(parameters.keySet()), List.copyOf(out.dParameters().keySet()));
      for (String p : parameters.keySet()) {
        closeness.check(name + " " + p, tensor(name, "grad." + p), out.dParameters().get(p));
      }
    }
  }

  private static int[] shape(String tensor) throws IOException {
    return Arrays.stream(vectors.shape(tensor)).mapToInt(Math::toIntExact).toArray();
  }

  private static double[] tensor(String name, String tensor) throws IOException {
    return vectors.doubles(name + "." + tensor);
  }

  /** Padding set to zero, as PyTorch pads; what the library leaves there is not defined. */
  private static double[] real(SequenceShape shape, double[] values) {
    double[] result = values.clone();
    int width = values.length / (shape.time() * shape.batch());
    for (int row = 0; row < shape.batch(); row++) {
      for (int t = shape.lengths().get(row); t < shape.time(); t++) {
        int start = Run.rowOffset(shape, t, row) * width;
        Arrays.fill(result, start, start + width, 0);
      }
    }
    return result;
  }
}
