package io.github.cudnn4j.tape;

import io.github.cudnn4j.cudnn.CtcLoss;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a {@link Tape} can minimize, and count of what a model predicts.
 *
 * <p>Each records an operation whose result, owned by the tape, is read where it is of interest.
 * All losses of a tape are differentiated, whether they are read or not. All methods throw
 * IllegalArgumentException if shapes or types do not fit, and IllegalStateException if the tape is
 * closed.
 */
public sealed interface LossOperations permits Tape {

  /**
   * Records the cross-entropy between softmax(logits) and the targets, averaged over the targets
   * that count.
   *
   * @param logits {@code [..., V]}
   * @param targets {@code [...]}; a negative target does not count, a target that is no class gives
   *     NaN
   */
  default Loss crossEntropy(Tensor logits, Indices targets) {
    return CrossEntropy.record(tape(), logits, targets, null, 0);
  }

  /**
   * As {@link #crossEntropy(Tensor, Indices)}, with weights and smooth targets: a row costs Σ q(c)
   * · w(c) · −log softmax(logits)(c), where q is 1 − ε for the target and ε / V for each class. The
   * mean is the sum of the costs divided by the sum of the targets' weights, as in PyTorch.
   *
   * @param classWeights w, one for each class, finite and 0 or more; null: all 1
   * @param labelSmoothing ε, from 0 to 1
   * @throws IllegalArgumentException also if a number is not as stated
   */
  default Loss crossEntropy(
      Tensor logits, Indices targets, double @Nullable [] classWeights, double labelSmoothing) {
    return CrossEntropy.record(tape(), logits, targets, classWeights, labelSmoothing);
  }

  /**
   * Records the binary cross-entropy −y · log σ(x) − (1 − y) · log(1 − σ(x)), averaged over all
   * elements.
   *
   * @param logits x, of any shape
   * @param targets y, of the same shape, from 0 to 1; no gradient flows into them
   */
  default Loss binaryCrossEntropy(Tensor logits, Tensor targets) {
    return binaryCrossEntropy(logits, targets, null, null);
  }

  /**
   * As {@link #binaryCrossEntropy(Tensor, Tensor)}, with weights and elements that do not count.
   *
   * @param positiveWeights what y · log σ(x) is multiplied by, one for each of the last extent,
   *     finite and 0 or more; null: all 1
   * @param counted of the shape of {@code logits} or of its first extents; what has a negative
   *     number does not count; null: everything counts
   * @throws IllegalArgumentException also if a number is not as stated
   */
  default Loss binaryCrossEntropy(
      Tensor logits,
      Tensor targets,
      double @Nullable [] positiveWeights,
      @Nullable Indices counted) {
    return RowLoss.binaryCrossEntropy(tape(), logits, targets, positiveWeights, counted);
  }

  /** Records the mean of (x − y)² over all elements; gradients flow into both. */
  default Loss meanSquaredError(Tensor x, Tensor y) {
    return RowLoss.squaredError(tape(), x, y, null);
  }

  /**
   * As {@link #meanSquaredError(Tensor, Tensor)}, over the elements that count.
   *
   * @param counted of the shape of {@code x} or of its first extents, as {@link Lengths#steps} or
   *     the rows of a batch; what has a negative number does not count
   */
  default Loss meanSquaredError(Tensor x, Tensor y, Indices counted) {
    return RowLoss.squaredError(tape(), x, y, counted);
  }

  /**
   * Records connectionist temporal classification: −log of the probability that a sequence of
   * labels is what remains of a sequence of steps without repetitions and then without blanks,
   * averaged over the sequences. cuDNN computes it in FLOAT32, whatever the tape's precision.
   *
   * <p>A sequence without steps, or with too few for its labels, has no alignment and does not
   * count; {@link Loss#meter} tells how many did. PyTorch's mean divides each sequence by its
   * number of labels too, this one does not.
   *
   * @param logits {@code [T, B, C]}, symbol 0 being the blank
   * @param inputLengths of the B sequences, in {@code logits}
   * @param labels {@code [L, B]}, L at most {@value io.github.cudnn4j.cudnn.CtcLoss#MAX_LABELS}; a
   *     negative one ends a sequence, one that is 0 or no symbol gives NaN
   * @param labelLengths of the B sequences of labels
   * @see CtcLoss
   */
  default Loss ctc(Tensor logits, Lengths inputLengths, Indices labels, Lengths labelLengths) {
    return ctc(logits, inputLengths, labels, labelLengths, tape().indices(logits.dim(1)));
  }

  /**
   * As {@link #ctc(Tensor, Lengths, Indices, Lengths)}, over the sequences that count.
   *
   * @param counted {@code [B]}; a sequence with a negative number does not count, as the rows that
   *     fill up a batch
   */
  default Loss ctc(
      Tensor logits, Lengths inputLengths, Indices labels, Lengths labelLengths, Indices counted) {
    return Ctc.record(tape(), logits, inputLengths, labels, labelLengths, counted);
  }

  /**
   * Records counting of how many predictions are right, and out of how many: two numbers.
   *
   * @param loss one of class labels, also of a conditional random field; a label that is no class
   *     does not count, so what is behind a sequence should be negative
   * @throws IllegalArgumentException if it is another loss
   */
  default Counts accuracy(Loss loss) {
    return Counts.right(tape(), loss);
  }

  /**
   * Records counting of predictions, {@code [C, C]}: how many rows of each label, the first extent,
   * were predicted to be of each class, the second.
   *
   * @param loss one of class labels
   * @throws IllegalArgumentException if it is another loss
   */
  default Counts confusion(Loss loss) {
    return Counts.confusions(tape(), loss);
  }

  /**
   * Records the mean of losses, which becomes a loss: so a loss of one's own is made of operations,
   * of the tape or, with {@link Tape#recordLosses}, of one's own.
   *
   * @param rows the loss of each row, of any shape
   */
  default Loss loss(Tensor rows) {
    return loss(rows, tape().indices(rows.shape()));
  }

  /**
   * As {@link #loss(Tensor)}, over the rows that count.
   *
   * @param counted the shape of {@code rows}; a row with a negative number does not count, and is
   *     not read
   */
  default Loss loss(Tensor rows, Indices counted) {
    return MeanLoss.record(tape(), rows, counted);
  }

  /**
   * Records the sum of losses, each multiplied by what {@link Loss#times} says. It is there to be
   * read: backwards every loss of the tape counts, whether it is in a sum or not.
   *
   * @throws IllegalArgumentException if there is none, one is there twice or of another tape
   */
  default Loss sum(Loss... losses) {
    return LossSum.record(tape(), List.of(losses));
  }

  /**
   * Makes a conditional random field over K labels, whose losses and best paths are recorded by its
   * methods.
   *
   * @param transitions {@code [K, K]}, from and to
   * @param start {@code [K]}
   * @param end {@code [K]}
   */
  default LinearChain linearChain(Tensor transitions, Tensor start, Tensor end, Lengths lengths) {
    return new LinearChain(tape(), transitions, start, end, lengths);
  }

  private Tape tape() {
    return (Tape) this;
  }
}
