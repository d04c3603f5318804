package io.github.cudnn4j.tape;

import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * {@link Attention} and its weights, each drawn uniformly from ±1/√(columns) unless said otherwise:
 *
 * <pre>
 *   MULTIPLICATIVE   name.weight [H, M]
 *   ADDITIVE         name.query.weight [A, H], name.memory.weight [A, M], name.score.weight [1, A]
 * </pre>
 *
 * <p>The others have none. H is the query's size, M the memory's, A that of what is compared.
 */
public final class AttentionLayer {

  private final AttentionKind kind;
  private final int querySize;
  private final int memorySize;

  /** What has the weights, in the order above. */
  private final List<LinearLayer> layers;

  private AttentionLayer(
      AttentionKind kind, int querySize, int memorySize, List<LinearLayer> layers) {
    this.kind = kind;
    this.querySize = querySize;
    this.memorySize = memorySize;
    this.layers = layers;
  }

  static AttentionLayer declare(
      Parameters set, String name, AttentionKind kind, int querySize, int memorySize, int size) {
    if (querySize < 1 || memorySize < 1 || size < 1) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "sizes %d, %d and %d of %s, must be positive",
              querySize,
              memorySize,
              size,
              name));
    }
    if (kind != AttentionKind.ADDITIVE && size != querySize) {
      throw new IllegalArgumentException(
          "attention of kind " + kind + " compares vectors of the query's size, not of " + size);
    }
    List<LinearLayer> layers =
        switch (kind) {
          case DOT, SCALED_DOT -> {
            if (querySize != memorySize) {
              throw new IllegalArgumentException(
                  String.format(
                      Locale.ROOT,
                      "attention of kind %s of queries of size %d over a memory of size %d,"
                          + " must be equal",
                      kind,
                      querySize,
                      memorySize));
            }
            yield List.of();
          }
          case MULTIPLICATIVE -> List.of(set.linear(name, memorySize, querySize, false));
          case ADDITIVE ->
              List.of(
                  set.linear(name + ".query", querySize, size, false),
                  set.linear(name + ".memory", memorySize, size, false),
                  set.linear(name + ".score", size, 1, false));
        };
    return new AttentionLayer(kind, querySize, memorySize, layers);
  }

  /** Returns how a query is compared. */
  public AttentionKind kind() {
    return kind;
  }

  /** Returns H. */
  public int querySize() {
    return querySize;
  }

  /** Returns M, the size of a context. */
  public int memorySize() {
    return memorySize;
  }

  /**
   * Records what depends on the memory alone.
   *
   * @param memory {@code [T2, B, M]}
   * @param lengths of the memory, of B sequences; null if all T2 steps count
   * @return what the queries are put {@linkplain Attention#on on}
   * @throws IllegalArgumentException if shapes or types do not fit
   * @throws IllegalStateException if the set has no memory yet, or it or the tape is closed
   */
  public Attention on(Tape tape, Tensor memory, @Nullable Lengths lengths) {
    if (memory.columns() != memorySize) {
      throw new IllegalArgumentException(
          "memory is " + memory + ", needed is [T2, B, " + memorySize + "]");
    }
    return switch (kind) {
      case DOT -> Attention.dot(tape, memory, lengths);
      case SCALED_DOT -> Attention.scaledDot(tape, memory, lengths);
      case MULTIPLICATIVE -> Attention.multiplicative(tape, memory, lengths, tensor(0));
      case ADDITIVE -> {
        Tensor vector = tape.reshape(tensor(2), tensor(2).columns());
        yield Attention.additive(tape, memory, lengths, tensor(0), tensor(1), vector);
      }
    };
  }

  private Tensor tensor(int index) {
    return layers.get(index).weight().tensor();
  }
}
