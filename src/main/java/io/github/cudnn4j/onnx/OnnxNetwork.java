package io.github.cudnn4j.onnx;

import io.github.cudnn4j.io.FileFailure;
import io.github.cudnn4j.io.WholeFile;
import io.github.cudnn4j.tape.Init;
import io.github.cudnn4j.tape.Parameter;
import io.github.cudnn4j.tape.Parameters;
import io.github.cudnn4j.tape.RnnLayer;
import io.github.cudnn4j.tape.Tape;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A network of a file of ONNX, to be used and trained on.
 *
 * <pre>{@code
 * try (Parameters p = Parameters.on(device, Precision.FP32)) {
 *   OnnxNetwork network = OnnxNetwork.read(Path.of("moods.onnx"), p);
 *   p.initialize(42); // also what else is declared there
 *   network.load();
 *   try (Tape tape = Tape.inference(device, Precision.FP32)) {
 *     Indices tokens = tape.indices(time, batch);
 *     Tensor y = network.on(tape).with("tokens", tokens).record().get("probabilities");
 *     ...
 *   }
 * }
 * }</pre>
 *
 * <p>Read are the operators LSTM, GRU and RNN, in all directions; Gather, OneHot, MatMul, Gemm,
 * LayerNormalization; Add, Sub, Mul, Div, ReduceSum, Tanh, Sigmoid, Relu, Exp, Log, Softmax,
 * LogSoftmax; Squeeze, Unsqueeze, Reshape, Flatten, Transpose, Concat, Slice, Split, Identity, Cast
 * and Dropout, which does nothing; and, of numbers that are known when the network is recorded,
 * Constant, Shape, Expand and ConstantOfShape. That is what PyTorch's exporters write for its
 * recurrent layers, and what {@link OnnxGraph} writes. All else is refused, with the node's name,
 * its operator and the reason.
 *
 * <p>Weights of FLOAT16 and BFLOAT16 are widened. All floating-point numbers are computed with in
 * the tape's precision, whatever the file's type is.
 *
 * <p>The parameters have the file's names. Those of a recurrent node are PyTorch's behind the name
 * of the node, such as {@code /rnn/LSTM.weight_ih_l0}.
 *
 * <p>It borrows the parameters, and belongs to the device's thread as they do.
 */
public final class OnnxNetwork {

  private final OnnxFile file;
  private final Parameters parameters;
  private final Map<String, Parameter> tensors = new LinkedHashMap<>();
  private final Map<String, RnnLayer> networks = new LinkedHashMap<>();

  private OnnxNetwork(OnnxFile file, Parameters parameters) {
    this.file = file;
    this.parameters = parameters;
    for (String name : file.parameters()) {
      int[] shape = file.arrays().get(name).shape();
      tensors.put(name, parameters.tensor(name, Init.zeros(), shape));
    }
    file.recurrent()
        .forEach((name, node) -> networks.put(name, parameters.rnn(name, node.config())));
  }

  /**
   * Reads a file and declares its weights.
   *
   * @param parameters without memory yet
   * @throws IOException if the file cannot be read, is no file of ONNX, has its weights in another
   *     file, or has something that is not read, which the message names; nothing is declared then
   * @throws IllegalArgumentException if the name of a weight is taken
   * @throws IllegalStateException if the set has its memory already or is closed
   */
  public static OnnxNetwork read(Path file, Parameters parameters) throws IOException {
    OnnxFile parsed;
    try {
      parsed = OnnxFile.parse(ByteBuffer.wrap(WholeFile.read(file)));
    } catch (IOException e) {
      throw FileFailure.of(file, e);
    }
    return new OnnxNetwork(parsed, parameters);
  }

  /** Returns what goes in, with the file's names of extents that are not fixed. */
  public List<OnnxValue> inputs() {
    return file.inputs();
  }

  /** Returns the names of what comes out. */
  public List<String> outputs() {
    return file.outputs();
  }

  /**
   * Sets the weights to the file's; waits for the device.
   *
   * @throws IllegalStateException if the set has no memory yet or is closed
   */
  public void load() {
    tensors.keySet().forEach(name -> parameters.write(name, file.arrays().get(name).values()));
    file.recurrent().values().forEach(node -> node.load(parameters));
  }

  /** Begins to record the network. */
  public OnnxRecording on(Tape tape) {
    return new OnnxRecording(tape, file, tensors, networks);
  }
}
