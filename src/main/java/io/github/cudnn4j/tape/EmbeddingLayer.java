package io.github.cudnn4j.tape;

/**
 * A table of vectors, one for each class of token: {@code name.weight} {@code [V, E]}, drawn from
 * the standard normal distribution unless said otherwise.
 *
 * @see <a
 *     href="https://docs.pytorch.org/docs/stable/generated/torch.nn.Embedding.html">torch.nn.Embedding</a>
 */
public final class EmbeddingLayer {

  private final Parameter weight;

  EmbeddingLayer(Parameter weight) {
    this.weight = weight;
  }

  /** Returns V, the number of classes. */
  public int inputSize() {
    return weight.shape()[0];
  }

  /** Returns E, the size of a vector. */
  public int outputSize() {
    return weight.shape()[1];
  }

  /** Returns {@code name.weight} {@code [V, E]}. */
  public Parameter weight() {
    return weight;
  }

  /**
   * Records the lookup of vectors.
   *
   * @param tokens {@code [...]}
   * @return {@code [..., E]}
   * @throws IllegalStateException if the set has no memory yet, or it or the tape is closed
   * @see Tape#embedding
   */
  public Tensor on(Tape tape, Indices tokens) {
    return tape.embedding(tokens, weight.tensor());
  }
}
