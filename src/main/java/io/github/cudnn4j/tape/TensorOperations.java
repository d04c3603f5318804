package io.github.cudnn4j.tape;

import io.github.cudnn4j.cudnn.SoftmaxAlgorithm;
import java.util.List;

/**
 * Operations of a {@link Tape} on tensors: of each element, of matrices, along an extent, of shape.
 *
 * <p>Each records an operation and returns its output, owned by the tape, or describes a tensor's
 * memory in another way. All throw IllegalArgumentException if shapes or types do not fit, and
 * IllegalStateException if the tape is closed.
 */
public sealed interface TensorOperations permits Tape {

  /**
   * Records the choice of rows, in any order and any number of times.
   *
   * @param x {@code [..., C]}
   * @param rows {@code [...]}, counted through all extents of {@code x} but the last; a negative
   *     one gives zeros, one that is not there NaN
   * @return the shape of {@code rows} and C
   */
  default Tensor gather(Tensor x, Indices rows) {
    return Embedding.record(tape(), rows, reshape(x, x.rows(), x.columns()));
  }

  /**
   * Records the sum x + y of each element.
   *
   * @return the shape of both
   */
  default Tensor add(Tensor x, Tensor y) {
    return Elementwise.sum(tape(), x, y);
  }

  /**
   * Records the product x · y of each element.
   *
   * @return the shape of both
   */
  default Tensor multiply(Tensor x, Tensor y) {
    return Elementwise.product(tape(), x, y);
  }

  /**
   * Records the quotient x / y of each element, as the product of x and 1 / y.
   *
   * @return the shape of both
   */
  default Tensor divide(Tensor x, Tensor y) {
    return multiply(x, Elementwise.function(tape(), UnaryFunction.RECIPROCAL, y));
  }

  /** Records the multiplication of each element by a number. */
  default Tensor scale(Tensor x, double factor) {
    return Elementwise.multiple(tape(), x, factor);
  }

  /** Records the hyperbolic tangent of each element. */
  default Tensor tanh(Tensor x) {
    return Elementwise.function(tape(), UnaryFunction.TANH, x);
  }

  /** Records the logistic function 1 / (1 + e⁻ˣ) of each element. */
  default Tensor sigmoid(Tensor x) {
    return Elementwise.function(tape(), UnaryFunction.SIGMOID, x);
  }

  /** Records the larger of each element and 0; the derivative at 0 is 0. */
  default Tensor relu(Tensor x) {
    return Elementwise.function(tape(), UnaryFunction.RELU, x);
  }

  /** Records e to the power of each element. */
  default Tensor exp(Tensor x) {
    return Elementwise.function(tape(), UnaryFunction.EXP, x);
  }

  /** Records the natural logarithm of each element. */
  default Tensor log(Tensor x) {
    return Elementwise.function(tape(), UnaryFunction.LOG, x);
  }

  /**
   * Records the concatenation of tensors along their last extents.
   *
   * @param tensors at least one, {@code [..., Cᵢ]}, the other extents being equal
   * @return {@code [..., ΣCᵢ]}
   * @throws IllegalArgumentException also if there is none
   */
  default Tensor concatenate(Tensor... tensors) {
    return concatenate(tensors.length == 0 ? 0 : tensors[0].rank() - 1, tensors);
  }

  /**
   * As {@link #concatenate(Tensor...)}, along any extent, 0 being the outermost: in {@code [T, B,
   * C]} the time.
   */
  default Tensor concatenate(int extent, Tensor... tensors) {
    return Rearrangement.concatenate(tape(), extent, tensors);
  }

  /**
   * Records a part of the last extent.
   *
   * @param x {@code [..., C]}
   * @return {@code [..., count]}, from column {@code first} on
   * @throws IllegalArgumentException if the part is empty or ends behind the last column
   */
  default Tensor slice(Tensor x, int first, int count) {
    return slice(x, x.rank() - 1, first, count);
  }

  /** As {@link #slice(Tensor, int, int)}, of any extent, 0 being the outermost. */
  default Tensor slice(Tensor x, int extent, int first, int count) {
    return Rearrangement.slice(tape(), x, extent, first, count);
  }

  /**
   * Returns the parts of the first extent, as the steps of a sequence; nothing is copied.
   *
   * @param x {@code [N, ...]}, of two extents at least
   * @return N tensors {@code [...]}, whose gradients are parts of one
   */
  default List<Tensor> unbind(Tensor x) {
    return Rearrangement.unbind(tape(), x);
  }

  /**
   * Records a tensor of tensors of one shape, as a sequence of its steps.
   *
   * @return {@code [N, ...]} of N tensors {@code [...]}
   * @throws IllegalArgumentException also if there is none
   */
  default Tensor stack(Tensor... tensors) {
    return Rearrangement.stack(tape(), tensors);
  }

  /**
   * Records a tensor that holds another many times, as a sequence of one vector. So vectors are
   * added to each step or each row of a larger tensor.
   *
   * @param x {@code [...]}
   * @return {@code [count, ...]}
   * @throws IllegalArgumentException if {@code count} is not positive
   */
  default Tensor repeat(Tensor x, int count) {
    return Rearrangement.repeat(tape(), x, count);
  }

  /**
   * Records products of matrices, one for each of the first extent.
   *
   * @param x {@code [N, M, K]}, or {@code [N, K, M]} to be transposed
   * @param y {@code [N, K, C]}, or {@code [N, C, K]} to be transposed
   * @return {@code [N, M, C]}
   */
  default Tensor product(Tensor x, boolean transX, Tensor y, boolean transY) {
    return MatrixProduct.record(tape(), x, transX, y, transY);
  }

  /**
   * Records the exchange of the first two extents, as from time-major to batch-major.
   *
   * @param x {@code [M, N, C]}
   * @return {@code [N, M, C]}
   */
  default Tensor transpose(Tensor x) {
    return Rearrangement.transpose(tape(), x);
  }

  /**
   * Returns the same elements, and the same gradient, with other extents.
   *
   * @param shape of as many elements
   */
  default Tensor reshape(Tensor x, int... shape) {
    return new Tensor(x.tape(), x.value(), x.gradient(), shape);
  }

  /**
   * Returns the same elements without a gradient, so that none flows from here to {@code x}.
   * Operations of other tapes can take these, too, as this one's has computed them last.
   */
  default Tensor detach(Tensor x) {
    return new Tensor(x.value(), null, x.shape());
  }

  /**
   * Records the softmax over the last extent.
   *
   * @param x {@code [..., C]}, fewer than 2<sup>31</sup> elements
   * @return the shape of {@code x}
   */
  default Tensor softmax(Tensor x) {
    return RowSoftmax.record(tape(), x, SoftmaxAlgorithm.ACCURATE);
  }

  /** As {@link #softmax}, the logarithm of it. */
  default Tensor logSoftmax(Tensor x) {
    return RowSoftmax.record(tape(), x, SoftmaxAlgorithm.LOG);
  }

  /**
   * Records the column of the largest element of each row: the first of several, -1 in a row of
   * NaN.
   *
   * @param x {@code [..., C]}, of two extents at least
   * @return {@code [...]}
   */
  default Indices argmax(Tensor x) {
    return Counts.argmax(tape(), x);
  }

  private Tape tape() {
    return (Tape) this;
  }
}
