package io.github.cudnn4j.host;

import static io.github.cudnn4j.host.ProbeQuestion.answer;
import static io.github.cudnn4j.host.ProbeQuestion.outcome;
import static io.github.cudnn4j.host.ProbeQuestion.summary;
import static io.github.cudnn4j.host.RawCudnn.succeed;

import io.github.cudnn4j.bindings.Cudart;
import io.github.cudnn4j.bindings.Cudnn;
import io.github.cudnn4j.bindings.NativeTypes;
import io.github.cudnn4j.host.ProbeQuestion.Answer;
import io.github.cudnn4j.host.RawRnn.Buffer;
import io.github.cudnn4j.host.RawRnn.Setup;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Random;
import java.util.function.Function;
import java.util.function.ToIntFunction;

/** Questions that the computed numbers answer. */
final class ProbeNumbers {
  private static final int FLOAT = Cudnn.CUDNN_DATA_FLOAT();
  private static final int HALF = Cudnn.CUDNN_DATA_HALF();
  private static final int BFLOAT16 = Cudnn.CUDNN_DATA_BFLOAT16();
  private static final int UNPACKED = Cudnn.CUDNN_RNN_DATA_LAYOUT_SEQ_MAJOR_UNPACKED();
  private static final MemorySegment NONE = MemorySegment.NULL;
  private static final int PROJECTION = 8;

  /** A gate with this much in front of it is open: 1 in FLOAT. */
  private static final double OPEN = 100;

  private static final double BOUND = 2;

  static final List<ProbeQuestion> QUESTIONS =
      List.of(
          new ProbeQuestion(
              "clip",
              "Where does an LSTM with a clip bound its cell state?",
              "where it is read; cy is not bounded",
              cudnn -> clipped(cudnn, 4)),
          new ProbeQuestion(
              "clip-projection",
              "And with a projection?",
              "where it is read; cy is not bounded",
              cudnn -> clipped(cudnn, 2)),
          new ProbeQuestion(
              "clip-nan",
              "What does a clip make of a cell state that is NaN?",
              "NaN",
              ProbeNumbers::clippedNan),
          new ProbeQuestion(
              "clip-gradient",
              "What gradient passes a cell state beyond the bounds, and one within?",
              "0.0 beyond, 1.0 within",
              ProbeNumbers::clippedGradient),
          new ProbeQuestion(
              "gru-skip",
              "What is h of a GRU with skip input, zero weights, x = 1 and h0 = 0?",
              "0.2048",
              ProbeNumbers::skippingGru),
          new ProbeQuestion(
              "math-types",
              "How are factors of a FLOAT product rounded under each mathType?",
              "FLOAT",
              ProbeNumbers::mathTypes),
          new ProbeQuestion(
              "bf16",
              "Do BFLOAT16 networks train?",
              "SUCCESS, close to FLOAT",
              cudnn -> narrow(cudnn, BFLOAT16, FLOAT)),
          new ProbeQuestion(
              "fp16",
              "Do HALF networks that compute in FLOAT train?",
              "SUCCESS, close to FLOAT",
              cudnn -> narrow(cudnn, HALF, FLOAT)),
          new ProbeQuestion(
              "fp16-math",
              "And those that compute in HALF?",
              "SUCCESS, close to FLOAT",
              cudnn -> narrow(cudnn, HALF, HALF)),
          new ProbeQuestion(
              "capture",
              "Can all three calls be captured in one graph, and does a replay give their results?",
              "yes",
              ProbeNumbers::captured));

  private ProbeNumbers() {}

  /** One step of one sequence; all weights 0 and every gate open, so that c = clip(cx) + 1. */
  private static RawRnn openGates(RawCudnn cudnn, int output, double cx) {
    var setup = Setup.lstm(FLOAT).layers(1, false).sizes(4, 4, output).sequences(UNPACKED, 1, 1);
    var rnn = new RawRnn(cudnn, setup);
    var weights = new double[rnn.weightElements()];
    for (int id = 0; id < 4; id++) {
      int bias = (int) ProbeDescriptors.slot(rnn, 0, id).bias();
      Arrays.fill(weights, bias, bias + 4, OPEN);
    }
    if (output < 4) {
      // h is the first units of what it would be without a projection.
      int matrix = (int) ProbeDescriptors.slot(rnn, 0, PROJECTION).matrix();
      for (int p = 0; p < output; p++) {
        weights[matrix + p * 4 + p] = 1;
      }
    }
    cudnn.write(rnn.weights, FLOAT, weights);
    set(rnn, Buffer.CX, cx);
    set(rnn, Buffer.HX, 0);
    succeed(Cudnn.cudnnRNNSetClip_v9(rnn.rnn, Cudnn.CUDNN_RNN_CLIP_MINMAX(), -BOUND, BOUND));
    return rnn;
  }

  private static void set(RawRnn rnn, Buffer buffer, double value) {
    var values = new double[rnn.read(buffer).length];
    Arrays.fill(values, value);
    rnn.cudnn.write(rnn.memory(buffer), rnn.type, values);
  }

  private static Answer clipped(RawCudnn cudnn, int output) {
    var rnn = openGates(cudnn, output, 5);
    int status = rnn.forward();
    if (!outcome(status).equals("SUCCESS")) {
      return answer(status);
    }
    double y = rnn.read(Buffer.Y)[0];
    double cy = rnn.read(Buffer.CY)[0];
    String text = "cy %.4f, h %.4f".formatted(cy, y);
    boolean bounded = Math.abs(y - Math.tanh(BOUND)) < 1e-4;
    if (bounded && Math.abs(cy - BOUND - 1) < 1e-4) {
      return new Answer("where it is read; cy is not bounded", text);
    }
    if (bounded && Math.abs(cy - BOUND) < 1e-4) {
      return new Answer("where it is written; cy is bounded", text);
    }
    return new Answer(text);
  }

  private static Answer clippedNan(RawCudnn cudnn) {
    var rnn = openGates(cudnn, 4, Double.NaN);
    int status = rnn.forward();
    if (!outcome(status).equals("SUCCESS")) {
      return answer(status);
    }
    double y = rnn.read(Buffer.Y)[0];
    return new Answer(
        Double.isNaN(y) ? "NaN" : "a number", "h " + y + ", cy " + rnn.read(Buffer.CY)[0]);
  }

  private static Answer clippedGradient(RawCudnn cudnn) {
    return new Answer("%s beyond, %s within".formatted(gradient(cudnn, 5), gradient(cudnn, 0.25)));
  }

  private static double gradient(RawCudnn cudnn, double cx) {
    var rnn = openGates(cudnn, 4, cx);
    set(rnn, Buffer.DY, 0);
    set(rnn, Buffer.DHY, 0);
    set(rnn, Buffer.DCY, 1);
    succeed(rnn.forward());
    succeed(rnn.backwardData());
    return rnn.read(Buffer.DCX)[0];
  }

  private static Answer skippingGru(RawCudnn cudnn) {
    var setup =
        Setup.lstm(FLOAT)
            .cell(Cudnn.CUDNN_GRU())
            .layers(1, false)
            .sizes(4, 4, 4)
            .skipsInput(true)
            .sequences(UNPACKED, 1, 1);
    var rnn = new RawRnn(cudnn, setup);
    cudnn.write(rnn.weights, FLOAT, new double[rnn.weightElements()]);
    set(rnn, Buffer.X, 1);
    set(rnn, Buffer.HX, 0);
    int status = rnn.forward();
    return outcome(status).equals("SUCCESS")
        ? new Answer("%.4f".formatted(rnn.read(Buffer.Y)[0]))
        : answer(status);
  }

  private static Answer mathTypes(RawCudnn cudnn) {
    var answers = new LinkedHashMap<String, String>();
    var details = new ArrayList<String>();
    String[] names = {"DEFAULT", "TENSOR_OP", "ALLOW_CONVERSION", "FMA"};
    for (int math = 0; math < names.length; math++) {
      double error = productError(cudnn, math, 1);
      double large = productError(cudnn, math, 1e6);
      details.add("%s: %.1e, of large factors %.1e".formatted(names[math], error, large));
      // 24 bits, 11 and 8: the errors lie between the limits.
      String rounding = error < 5e-6 ? "FLOAT" : error < 3e-3 ? "to 11 bits" : "to 8 bits";
      answers.put(names[math], large < 0.1 ? rounding : "to FLOAT16");
    }
    return new Answer(summary(answers), "worst error: " + String.join(", ", details));
  }

  /** The worst error of tanh(Wx), whose factors are scaled up and down: FLOAT16 has no 1e6. */
  private static double productError(RawCudnn cudnn, int math, double scale) {
    int size = 256;
    var rnn =
        new RawRnn(
            cudnn,
            Setup.lstm(FLOAT)
                .cell(Cudnn.CUDNN_RNN_TANH())
                .layers(1, false)
                .sizes(size, size, size)
                .sequences(UNPACKED, 1, ProbeDescriptors.full(1, 64)));
    succeed(
        Cudnn.cudnnSetRNNDescriptor_v8(
            rnn.rnn,
            Cudnn.CUDNN_RNN_ALGO_STANDARD(),
            Cudnn.CUDNN_RNN_TANH(),
            Cudnn.CUDNN_RNN_DOUBLE_BIAS(),
            Cudnn.CUDNN_UNIDIRECTIONAL(),
            Cudnn.CUDNN_LINEAR_INPUT(),
            FLOAT,
            FLOAT,
            math,
            size,
            size,
            size,
            1,
            NONE,
            Cudnn.CUDNN_RNN_PADDED_IO_ENABLED()));
    var random = new Random(1);
    var weights = new double[rnn.weightElements()];
    int from = (int) ProbeDescriptors.slot(rnn, 0, 0).matrix();
    for (int i = 0; i < size * size; i++) {
      weights[from + i] = (float) (random.nextDouble(-1, 1) / 16 / scale);
    }
    var x = new double[64 * size];
    Arrays.setAll(x, _ -> (float) (random.nextDouble(-1, 1) * scale));
    cudnn.write(rnn.weights, FLOAT, weights);
    cudnn.write(rnn.x, FLOAT, x);
    set(rnn, Buffer.HX, 0);
    rnn.workBytes = cudnn.size(out -> rnn.spaces(out, NONE));
    rnn.work = cudnn.allocate(rnn.workBytes);
    rnn.reserveBytes = cudnn.size(out -> rnn.spaces(NONE, out));
    rnn.reserve = cudnn.allocate(rnn.reserveBytes);
    succeed(rnn.forward());
    double[] y = rnn.read(Buffer.Y);
    double worst = 0;
    for (int row = 0; row < 64; row++) {
      for (int unit = 0; unit < size; unit++) {
        double sum = 0;
        for (int i = 0; i < size; i++) {
          sum += weights[from + unit * size + i] * x[row * size + i];
        }
        double error = Math.abs(y[row * size + unit] - Math.tanh(sum));
        worst = Double.isNaN(error) ? Double.POSITIVE_INFINITY : Math.max(worst, error);
      }
    }
    return worst;
  }

  private static Answer narrow(RawCudnn cudnn, int type, int math) {
    var wide = new RawRnn(cudnn, Setup.lstm(FLOAT));
    var rnn = new RawRnn(cudnn, Setup.lstm(type).type(type, math));
    rnn.copyFrom(wide);
    for (var network : List.of(wide, rnn)) {
      for (ToIntFunction<RawRnn> call :
          List.<ToIntFunction<RawRnn>>of(
              RawRnn::forward, RawRnn::backwardData, RawRnn::backwardWeights)) {
        int status = call.applyAsInt(network);
        if (!outcome(status).equals("SUCCESS")) {
          return answer(status);
        }
      }
    }
    double worst = 0;
    for (var buffer : List.of(Buffer.Y, Buffer.DX, Buffer.GRADIENTS)) {
      double[] expected = wide.read(buffer);
      double[] actual = rnn.read(buffer);
      for (int i = 0; i < expected.length; i++) {
        worst = Math.max(worst, Math.abs(actual[i] - expected[i]));
      }
    }
    return new Answer(
        worst < 0.1 ? "SUCCESS, close to FLOAT" : "SUCCESS, far from FLOAT",
        "worst difference %.3g".formatted(worst));
  }

  private static Answer captured(RawCudnn cudnn) {
    var rnn = new RawRnn(cudnn, Setup.lstm(FLOAT));
    return onStream(
        cudnn,
        stream -> {
          cudnn.write(rnn.gradients, FLOAT, new double[rnn.weightElements()]);
          train(rnn);
          synchronize();
          var buffers = List.of(Buffer.Y, Buffer.DX, Buffer.GRADIENTS);
          var expected = buffers.stream().map(rnn::read).toList();
          var exec = capture(cudnn, stream, () -> train(rnn));
          for (var buffer : buffers) {
            cudnn.write(rnn.memory(buffer), FLOAT, new double[rnn.read(buffer).length]);
          }
          ok(Cudart.cudaGraphLaunch(exec, stream));
          synchronize();
          var replayed = buffers.stream().map(rnn::read).toList();
          ok(Cudart.cudaGraphExecDestroy(exec));
          for (int i = 0; i < buffers.size(); i++) {
            if (!Arrays.equals(expected.get(i), replayed.get(i))) {
              return new Answer("other results: " + buffers.get(i));
            }
          }
          return new Answer("yes");
        });
  }

  private static void train(RawRnn rnn) {
    succeed(rnn.forward());
    succeed(rnn.backwardData());
    succeed(rnn.backwardWeights());
  }

  /** Runs something with the handle on a stream of its own. */
  static Answer onStream(RawCudnn cudnn, Function<MemorySegment, Answer> something) {
    var stream = cudnn.arena.allocate(NativeTypes.C_POINTER);
    ok(Cudart.cudaStreamCreateWithFlags(stream, Cudart.cudaStreamNonBlocking()));
    var handle = stream.get(NativeTypes.C_POINTER, 0);
    try {
      succeed(Cudnn.cudnnSetStream(cudnn.handle, handle));
      return something.apply(handle);
    } finally {
      Cudnn.cudnnSetStream(cudnn.handle, NONE);
      Cudart.cudaStreamDestroy(handle);
    }
  }

  /** Records calls as a graph; the caller destroys it. */
  static MemorySegment capture(RawCudnn cudnn, MemorySegment stream, Runnable calls) {
    var out = cudnn.arena.allocate(NativeTypes.C_POINTER);
    ok(Cudart.cudaStreamBeginCapture(stream, Cudart.cudaStreamCaptureModeThreadLocal()));
    try {
      calls.run();
    } catch (AssertionError e) {
      Cudart.cudaStreamEndCapture(stream, out);
      throw e;
    }
    ok(Cudart.cudaStreamEndCapture(stream, out));
    var graph = out.get(NativeTypes.C_POINTER, 0);
    try {
      ok(Cudart.cudaGraphInstantiate(out, graph, 0));
    } finally {
      Cudart.cudaGraphDestroy(graph);
    }
    return out.get(NativeTypes.C_POINTER, 0);
  }

  static void synchronize() {
    ok(Cudart.cudaDeviceSynchronize());
  }

  static void ok(int status) {
    if (status != Cudart.cudaSuccess()) {
      throw new AssertionError(Cudart.cudaGetErrorName(status).getString(0));
    }
  }
}
