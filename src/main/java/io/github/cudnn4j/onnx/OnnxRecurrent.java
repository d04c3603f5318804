package io.github.cudnn4j.onnx;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What a recurrent network computes in an ONNX graph. */
public final class OnnxRecurrent {

  private final OnnxGraph graph;
  private final OnnxValue y;
  private final OnnxValue h;
  private final @Nullable OnnxValue c;
  private final OnnxValue lastLayer;

  OnnxRecurrent(
      OnnxGraph graph, OnnxValue y, OnnxValue h, @Nullable OnnxValue c, OnnxValue lastLayer) {
    this.graph = graph;
    this.y = y;
    this.h = h;
    this.c = c;
    this.lastLayer = lastLayer;
  }

  /** Returns the output of each step, {@code [T, B, D·H]}; 0 behind a sequence's length. */
  public OnnxValue y() {
    return y;
  }

  /** Returns the final state, {@code [L·D, B, H]}. */
  public OnnxValue h() {
    return h;
  }

  /** Returns the final cell state, {@code [L·D, B, H]}; null unless the cell is an LSTM. */
  public @Nullable OnnxValue c() {
    return c;
  }

  /** Returns the last layer's final state, both directions side by side, {@code [B, D·H]}. */
  public OnnxValue last() {
    OnnxValue rows =
        graph.node(
            "Transpose",
            Map.of("perm", new long[] {1, 0, 2}),
            List.of(lastLayer.extent(1), lastLayer.extent(0), lastLayer.extent(2)),
            lastLayer);
    return graph.reshape(rows, List.of(y.extent(1), y.extent(2)), 0, -1);
  }
}
