package io.github.cudnn4j.tape;

/** How {@link Attention} compares a query with a step of the memory. */
public enum AttentionKind {
  /** {@code query · memory}. */
  DOT,
  /** {@code query · memory / √M}. */
  SCALED_DOT,
  /** {@code query · W memory}, Luong's "general". */
  MULTIPLICATIVE,
  /** {@code v · tanh(W query + U memory)}, Bahdanau's. */
  ADDITIVE
}
