package io.github.cudnn4j.tape;

import io.github.cudnn4j.rnn.Rnn;
import io.github.cudnn4j.rnn.RnnConfig;
import java.util.Objects;

/**
 * Declarations of a {@link Parameters} set: the layers of a model, and tensors of one's own.
 *
 * <p>Each is given a name of its own, which those of its tensors begin with, such as {@code
 * name.weight}; what they are first drawn from holds unless {@link Parameters#init} says otherwise.
 */
public sealed interface LayerDeclarations permits Parameters {

  /**
   * Declares a table of vectors.
   *
   * @param vocabulary V, the number of classes of token
   * @param size E, the size of a vector
   * @throws IllegalArgumentException if the name is taken or a size is not positive
   * @throws IllegalStateException if the set has its memory already or is closed
   */
  default EmbeddingLayer embedding(String name, int vocabulary, int size) {
    set().checkFree(name, name + ".weight");
    Parameter weight = tensor(name + ".weight", Init.normal(1), vocabulary, size);
    set().layout.take(name);
    return new EmbeddingLayer(weight);
  }

  /**
   * Declares a linear layer with a bias.
   *
   * @param inputSize I
   * @param outputSize O
   * @throws IllegalArgumentException if the name is taken or a size is not positive
   * @throws IllegalStateException if the set has its memory already or is closed
   */
  default LinearLayer linear(String name, int inputSize, int outputSize) {
    return linear(name, inputSize, outputSize, true);
  }

  /** As {@link #linear(String, int, int)}, without a bias if {@code biased} is false. */
  default LinearLayer linear(String name, int inputSize, int outputSize, boolean biased) {
    set().checkFree(name, name + ".weight", name + ".bias");
    Init init = Init.uniform(1 / Math.sqrt(Math.max(1, inputSize)));
    Parameter weight = tensor(name + ".weight", init, outputSize, inputSize);
    set().layout.take(name);
    return new LinearLayer(weight, biased ? tensor(name + ".bias", init, outputSize) : null);
  }

  /**
   * Declares a linear layer whose weight is another layer's, such as the table of an embedding.
   * {@code name.weight} is another name of it, under which a file may have it.
   *
   * @param weight {@code [O, I]}, of this set
   * @throws IllegalArgumentException if the name is taken, or the weight is of another set or is no
   *     matrix
   * @throws IllegalStateException if the set has its memory already or is closed
   */
  default LinearLayer linear(String name, Parameter weight, boolean biased) {
    set().checkFree(name, name + ".weight", name + ".bias");
    int[] shape = weight.shape();
    if (shape.length != 2 || !set().layout.has(weight)) {
      throw new IllegalArgumentException(weight + " is no matrix of this set");
    }
    set().layout.take(name);
    set().layout.alias(name + ".weight", weight);
    Init init = Init.uniform(1 / Math.sqrt(shape[1]));
    return new LinearLayer(weight, biased ? tensor(name + ".bias", init, shape[0]) : null);
  }

  /**
   * Declares a recurrent network, which will compute in the set's precision.
   *
   * @throws IllegalArgumentException if the name is taken, or the configuration's algorithm does
   *     not compute in the set's precision
   * @throws io.github.cudnn4j.cudnn.CudnnException if cuDNN does not accept the configuration
   * @throws IllegalStateException if the set has its memory already, or it or the device is closed
   */
  default RnnLayer rnn(String name, RnnConfig config) {
    set().checkFree(name);
    RnnConfig own = config.precision(set().precision());
    long elements = Rnn.weightElements(set().device(), own);
    var layer = new RnnLayer(set(), name, own);
    set().layout.add(name, layer, elements);
    return layer;
  }

  /**
   * Declares a layer normalization over C columns, with PyTorch's ε, 10⁻⁵.
   *
   * @throws IllegalArgumentException if the name is taken or the size is not positive
   * @throws IllegalStateException if the set has its memory already or is closed
   */
  default LayerNormLayer layerNorm(String name, int size) {
    return layerNorm(name, size, LayerNormLayer.EPSILON);
  }

  /**
   * As {@link #layerNorm(String, int)}.
   *
   * @param epsilon above 0 and finite
   */
  default LayerNormLayer layerNorm(String name, int size, double epsilon) {
    set().checkFree(name, name + ".weight", name + ".bias");
    LayerNorm.checkEpsilon(epsilon);
    Parameter weight = tensor(name + ".weight", Init.constant(1), size);
    set().layout.take(name);
    return new LayerNormLayer(weight, tensor(name + ".bias", Init.zeros(), size), epsilon);
  }

  /**
   * Declares attention of queries of one size over a memory of another; an additive one compares
   * vectors of the query's size.
   *
   * @param querySize H
   * @param memorySize M; H unless the kind has weights
   * @throws IllegalArgumentException if the name is taken, a size is not positive, or the sizes
   *     differ and the kind has no weights
   * @throws IllegalStateException if the set has its memory already or is closed
   */
  default AttentionLayer attention(String name, AttentionKind kind, int querySize, int memorySize) {
    return attention(name, kind, querySize, memorySize, querySize);
  }

  /**
   * As {@link #attention(String, AttentionKind, int, int)}, of the additive kind.
   *
   * @param size A, the size of the vectors that are compared; H for the other kinds
   */
  default AttentionLayer attention(
      String name, AttentionKind kind, int querySize, int memorySize, int size) {
    return AttentionLayer.declare(set(), name, kind, querySize, memorySize, size);
  }

  /**
   * Declares the weights of a conditional random field.
   *
   * @param labels K
   * @throws IllegalArgumentException if the name is taken or there is no label
   * @throws IllegalStateException if the set has its memory already or is closed
   */
  default LinearChainLayer linearChain(String name, int labels) {
    set()
        .checkFree(
            name, name + ".transitions", name + ".start_transitions", name + ".end_transitions");
    var layer = new LinearChainLayer(set(), name, labels);
    set().layout.take(name);
    return layer;
  }

  /**
   * Declares a tensor of one's own, for operations or for a layer that is not here.
   *
   * @param shape the extents, outermost first, at least one
   * @throws IllegalArgumentException if the name is taken, an extent is not positive, or there are
   *     more elements than can be counted
   * @throws IllegalStateException if the set has its memory already or is closed
   */
  default Parameter tensor(String name, Init init, int... shape) {
    Objects.requireNonNull(init, "init");
    set().checkFree(name);
    return set().layout.add(set(), name, init, shape);
  }

  private Parameters set() {
    return (Parameters) this;
  }
}
