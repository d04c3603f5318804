package io.github.cudnn4j.onnx;

import io.github.cudnn4j.tape.Lengths;
import io.github.cudnn4j.tape.RecurrentOutput;
import io.github.cudnn4j.tape.RnnLayer;
import io.github.cudnn4j.tape.Tape;
import io.github.cudnn4j.tape.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Plays LSTM, GRU and RNN onto a tape. */
final class RecurrentOperator {

  private final OnnxOperators operators;
  private final Tape tape;
  private final Map<String, RnnLayer> networks;

  /**
   * Plays onto a tape.
   *
   * @param networks the layers of the nodes, by their names
   */
  RecurrentOperator(OnnxOperators operators, Tape tape, Map<String, RnnLayer> networks) {
    this.operators = operators;
    this.tape = tape;
    this.networks = networks;
  }

  /** Records a node, as {@link OnnxOperators#record}. */
  List<Value> record(OnnxNode node, List<@Nullable Value> in) {
    RnnLayer layer = Objects.requireNonNull(networks.get(node.name()));
    Tensor x = operators.tensor(node, in, 0);
    Lengths lengths = lengths(node, input(in, 4), x);
    Lengths reversing = !RecurrentNode.isReverse(node) ? null : lengths == null ? all(x) : lengths;
    RecurrentOutput out =
        run(
            layer,
            reversing == null ? x : reversing.reverse(x),
            lengths,
            state(node, input(in, 5)),
            state(node, input(in, 6)));
    Tensor y = reversing == null ? out.y() : reversing.reverse(out.y());
    Tensor steps =
        tape.reshape(
            y, x.dim(0), x.dim(1), layer.config().directions(), layer.config().hiddenSize());
    List<Value> outputs = new ArrayList<>();
    outputs.add(Value.OnDevice.of(steps).transpose(new int[] {0, 2, 1, 3}));
    outputs.add(Value.OnDevice.of(out.h()));
    Tensor c = out.c();
    if (c != null) {
      outputs.add(Value.OnDevice.of(c));
    }
    return outputs;
  }

  private RecurrentOutput run(
      RnnLayer layer,
      Tensor x,
      @Nullable Lengths lengths,
      @Nullable Tensor h0,
      @Nullable Tensor c0) {
    Tensor h = h0;
    Tensor c = c0;
    if (layer.config().hasCellState() && (h == null) != (c == null)) {
      Tensor zeros = tape.input((h == null ? c : h).shape());
      h = h == null ? zeros : h;
      c = c == null ? zeros : c;
    }
    if (lengths == null) {
      return h == null ? layer.on(tape, x) : layer.on(tape, x, h, c);
    }
    return h == null ? layer.on(tape, x, lengths) : layer.on(tape, x, lengths, h, c);
  }

  /** Returns lengths of all steps. */
  private Lengths all(Tensor x) {
    int[] lengths = new int[x.dim(1)];
    Arrays.fill(lengths, x.dim(0));
    Lengths all = tape.lengths(lengths.length);
    all.set(lengths);
    return all;
  }

  private static @Nullable Value input(List<@Nullable Value> in, int index) {
    return index < in.size() ? in.get(index) : null;
  }

  private @Nullable Tensor state(OnnxNode node, @Nullable Value value) {
    boolean zero = value == null || value instanceof Value.Host host && host.array().isZero();
    return zero ? null : operators.tensor(node, value);
  }

  private static @Nullable Lengths lengths(OnnxNode node, @Nullable Value value, Tensor x) {
    return switch (value) {
      case null -> null;
      case Value.Counts counts -> counts.lengths();
      case Value.Host host
          when Arrays.stream(host.array().values()).allMatch(length -> length == x.dim(0)) ->
          null;
      default -> throw node.refused("its sequence_lens must be Lengths that are given");
    };
  }
}
