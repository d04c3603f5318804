package io.github.cudnn4j.onnx;

import io.github.cudnn4j.cudnn.RnnMode;
import io.github.cudnn4j.rnn.ForeignWeights;
import io.github.cudnn4j.rnn.RnnConfig;
import io.github.cudnn4j.tape.RnnLayer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A recurrent network that is added to a graph: a node for each of its layers. */
final class RecurrentWriter {

  private final OnnxGraph graph;
  private final RnnLayer layer;
  private final RnnConfig config;
  private final OnnxValue x;

  /**
   * Checks a network.
   *
   * @param x of the graph, {@code [T, B, I]}
   * @throws IllegalArgumentException if ONNX has no such network
   */
  RecurrentWriter(OnnxGraph graph, RnnLayer layer, OnnxValue x) {
    this.graph = graph;
    this.layer = layer;
    this.x = x;
    config = layer.config();
    if (config.clip() != null) {
      throw new IllegalArgumentException(
          "ONNX bounds what goes into activations, no cell states, but this is " + config);
    }
  }

  /** Adds the nodes; what is null is left out. */
  OnnxRecurrent write(@Nullable OnnxValue lengths, @Nullable OnnxValue h0, @Nullable OnnxValue c0) {
    boolean lstm = config.hasCellState();
    List<OnnxValue> hs = split(h0);
    List<OnnxValue> cs = split(c0);
    List<OnnxValue> lastHs = new ArrayList<>();
    List<OnnxValue> lastCs = new ArrayList<>();
    OnnxValue y = x;
    for (int number = 0; number < config.layers(); number++) {
      List<String> taken = new ArrayList<>(List.of(y.name()));
      taken.addAll(weights(number));
      taken.add(lengths == null ? "" : lengths.name());
      taken.add(hs.isEmpty() ? "" : hs.get(number).name());
      if (lstm) {
        taken.add(cs.isEmpty() ? "" : cs.get(number).name());
      }
      String directions = String.valueOf(config.directions());
      List<String> state = List.of(directions, x.extent(1), String.valueOf(config.hiddenSize()));
      OnnxValue steps = graph.value(List.of(x.extent(0), directions, state.get(1), state.get(2)));
      lastHs.add(graph.value(state));
      List<String> given = new ArrayList<>(List.of(steps.name(), lastHs.getLast().name()));
      if (lstm) {
        lastCs.add(graph.value(state));
        given.add(lastCs.getLast().name());
      }
      graph.add(operator(config.mode()), attributes(config), taken, given);
      y = sideBySide(steps);
    }
    return new OnnxRecurrent(graph, y, join(lastHs), lstm ? join(lastCs) : null, lastHs.getLast());
  }

  /** Returns the names of W, R and B. */
  private List<String> weights(int number) {
    ForeignWeights.Onnx arrays = ForeignWeights.onnx(layer.rnn().weights(), number);
    String prefix = layer.parameter("weight_hh_l0").name().replace("weight_hh_l0", "");
    String suffix = "_l" + number;
    int directions = config.directions();
    int rows = config.gates() * config.hiddenSize();
    int columns = arrays.w().length / directions / rows;
    OnnxValue w = graph.weight(layer, prefix + "W" + suffix, arrays.w(), directions, rows, columns);
    OnnxValue r =
        graph.weight(
            layer, prefix + "R" + suffix, arrays.r(), directions, rows, config.hiddenSize());
    double[] b = arrays.b();
    return List.of(
        w.name(),
        r.name(),
        b == null
            ? ""
            : graph.weight(layer, prefix + "B" + suffix, b, directions, 2 * rows).name());
  }

  private static String operator(RnnMode mode) {
    return switch (mode) {
      case LSTM -> "LSTM";
      case GRU -> "GRU";
      case TANH, RELU -> "RNN";
    };
  }

  private static Map<String, Object> attributes(RnnConfig config) {
    Map<String, Object> attributes = new LinkedHashMap<>();
    attributes.put("hidden_size", (long) config.hiddenSize());
    attributes.put("direction", config.directions() == 2 ? "bidirectional" : "forward");
    switch (config.mode()) {
      case GRU -> attributes.put("linear_before_reset", 1L);
      case TANH -> attributes.put("activations", activations("Tanh", config));
      case RELU -> attributes.put("activations", activations("Relu", config));
      case LSTM -> {}
    }
    return attributes;
  }

  private static String[] activations(String activation, RnnConfig config) {
    String[] all = new String[config.directions()];
    Arrays.fill(all, activation);
    return all;
  }

  /** Makes {@code [T, D, B, H]} to {@code [T, B, D·H]}. */
  private OnnxValue sideBySide(OnnxValue steps) {
    List<String> shape =
        List.of(steps.extent(0), steps.extent(2), String.valueOf(config.outputSize()));
    OnnxValue batchFirst =
        graph.node(
            "Transpose",
            Map.of("perm", new long[] {0, 2, 1, 3}),
            List.of(steps.extent(0), steps.extent(2), steps.extent(1), steps.extent(3)),
            steps);
    return graph.reshape(batchFirst, shape, 0, 0, -1);
  }

  /** Returns the state of each layer; none of none. */
  private List<OnnxValue> split(@Nullable OnnxValue state) {
    if (state == null || config.layers() == 1) {
      return state == null ? List.of() : List.of(state);
    }
    List<OnnxValue> parts = new ArrayList<>();
    for (int i = 0; i < config.layers(); i++) {
      parts.add(
          graph.value(
              List.of(String.valueOf(config.directions()), state.extent(1), state.extent(2))));
    }
    graph.add(
        "Split",
        Map.of("axis", 0L),
        List.of(state.name()),
        parts.stream().map(OnnxValue::name).toList());
    return parts;
  }

  private OnnxValue join(List<OnnxValue> states) {
    OnnxValue first = states.getFirst();
    if (states.size() == 1) {
      return first;
    }
    return graph.node(
        "Concat",
        Map.of("axis", 0L),
        List.of(String.valueOf(config.pseudoLayers()), first.extent(1), first.extent(2)),
        states.toArray(OnnxValue[]::new));
  }
}
