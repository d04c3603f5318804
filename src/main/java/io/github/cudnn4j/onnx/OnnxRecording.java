package io.github.cudnn4j.onnx;

import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.tape.Indices;
import io.github.cudnn4j.tape.Lengths;
import io.github.cudnn4j.tape.Parameter;
import io.github.cudnn4j.tape.RnnLayer;
import io.github.cudnn4j.tape.Tape;
import io.github.cudnn4j.tape.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** An {@link OnnxNetwork} that is being recorded on a tape, for inputs of one shape. */
public final class OnnxRecording {

  private final Tape tape;
  private final OnnxFile file;
  private final Map<String, Parameter> tensors;
  private final Map<String, RnnLayer> networks;
  private final Map<String, Value> values = new HashMap<>();

  OnnxRecording(
      Tape tape, OnnxFile file, Map<String, Parameter> tensors, Map<String, RnnLayer> networks) {
    this.tape = tape;
    this.file = file;
    this.tensors = tensors;
    this.networks = networks;
  }

  /**
   * Gives an input of floating-point numbers.
   *
   * @throws IllegalArgumentException if there is no such input, or its shape or type is another one
   */
  public OnnxRecording with(String input, Tensor tensor) {
    return with(input, Value.OnDevice.of(tensor), true);
  }

  /**
   * Gives an input of whole numbers, such as tokens.
   *
   * @throws IllegalArgumentException as {@link #with(String, Tensor)}
   */
  public OnnxRecording with(String input, Indices indices) {
    return with(input, new Value.Numbers(indices), false);
  }

  /**
   * Gives an input {@code [B]} that only goes to recurrent networks, as the lengths of sequences.
   *
   * @throws IllegalArgumentException as {@link #with(String, Tensor)}
   */
  public OnnxRecording with(String input, Lengths lengths) {
    return with(input, new Value.Counts(lengths), false);
  }

  private OnnxRecording with(String name, Value value, boolean floating) {
    OnnxValue input =
        file.inputs().stream()
            .filter(each -> each.name().equals(name))
            .findFirst()
            .orElseThrow(
                () -> new IllegalArgumentException("no input " + name + " among " + file.inputs()));
    int[] shape = value.shape();
    boolean fits = shape.length == input.shape().size();
    for (int i = 0; fits && i < shape.length; i++) {
      String extent = input.extent(i);
      fits = !extent.matches("[0-9]+") || extent.equals(String.valueOf(shape[i]));
    }
    boolean whole = input.type() == ElementType.INT32 || input.type() == ElementType.INT64;
    if (!fits || whole == floating) {
      throw new IllegalArgumentException(
          (floating ? "a tensor" : "whole numbers")
              + " of the shape "
              + Arrays.toString(shape)
              + " for the input "
              + input);
    }
    values.put(name, value);
    return this;
  }

  /**
   * Records the network.
   *
   * @return the outputs by name, owned by the tape or, of one that is a weight, by its parameters
   * @throws IllegalArgumentException if an input was not given, or a node cannot be recorded for
   *     these shapes; the message tells the node, its operator and the reason
   * @throws IllegalStateException if the parameters have no memory yet, or they or the tape is
   *     closed
   */
  public Map<String, Tensor> record() {
    for (OnnxValue input : file.inputs()) {
      if (!values.containsKey(input.name())) {
        throw new IllegalArgumentException("the input " + input + " was not given");
      }
    }
    file.arrays().forEach((name, array) -> values.put(name, new Value.Host(array)));
    tensors.forEach((name, parameter) -> values.put(name, Value.OnDevice.of(parameter.tensor())));
    OnnxOperators operators = new OnnxOperators(tape, networks);
    for (OnnxNode node : file.nodes()) {
      record(operators, node);
    }
    Map<String, Tensor> outputs = new LinkedHashMap<>();
    for (String name : file.outputs()) {
      if (!(values.get(name) instanceof Value.OnDevice tensor)) {
        throw new IllegalArgumentException("the output " + name + " is no tensor of the device");
      }
      outputs.put(name, tensor.inOrder(tape));
    }
    return outputs;
  }

  private void record(OnnxOperators operators, OnnxNode node) {
    List<@Nullable Value> in = new ArrayList<>();
    for (String input : node.inputs()) {
      Value value = input.isEmpty() ? null : values.get(input);
      if (value == null && !input.isEmpty()) {
        throw node.refused("its input \"" + input + "\" is not computed");
      }
      in.add(value);
    }
    List<@Nullable Value> out = operators.record(node, in);
    for (int i = 0; i < Math.min(out.size(), node.outputs().size()); i++) {
      values.put(node.outputs().get(i), out.get(i));
    }
  }
}
