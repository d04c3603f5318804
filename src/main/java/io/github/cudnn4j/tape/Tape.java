package io.github.cudnn4j.tape;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.cuda.Kernel;
import io.github.cudnn4j.cuda.Parts;
import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.cudnn.CtcLoss;
import io.github.cudnn4j.cudnn.SoftmaxAlgorithm;
import io.github.cudnn4j.rnn.Rnn;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A list of operations for one shape, with every activation and gradient allocated beforehand.
 *
 * <p>Each method that records an operation allocates what the operation needs and returns its
 * output, owned by the tape. {@link #forward} then plays the operations, {@link #backward} plays
 * their derivatives in reverse; neither allocates nor waits, and both may run inside {@link
 * io.github.cudnn4j.cuda.Stream#capture}, once each has run outside of it, if the tape {@link
 * #isCapturable}.
 *
 * <p>A tensor may be the input of any number of operations: the last of them to be played, in
 * reverse, writes its gradient, and what the others give it is added. Gradients of parameters are
 * added to, so clear them before a step. The gradient of a tensor that no operation takes is zero,
 * unless the caller writes it between {@link #forward} and {@link #backward}.
 *
 * <p>All losses are differentiated, multiplied by the {@link #lossScale} and by what {@link
 * Loss#times} says. One that the tape does not have is the mean, {@link #loss(Tensor)}, of what
 * operations give for each row.
 *
 * <p>A classifier of sequences of any lengths, and a step of gradient descent:
 *
 * <pre>{@code
 * // A parameter is a value and a gradient of one's own; Parameters keeps many in one buffer.
 * Tensor weight = new Tensor(values, gradients, classes, hidden);
 * try (Tape tape = Tape.training(device, Precision.FP32)) {
 *   Tensor x = tape.input(time, batch, inputs); // to be filled: x.value().copyFrom(...)
 *   Lengths lengths = tape.lengths(batch); // likewise: lengths.set(...)
 *   Indices labels = tape.indices(batch); // likewise: labels.buffer().copyFrom(...)
 *   Tensor h = tape.rnn(lstm, x, lengths).last();
 *   Loss loss = tape.crossEntropy(tape.linear(h, weight, null), labels);
 *   for (int step = 0; step < steps; step++) {
 *     lstm.gradients().space().clear();
 *     gradients.clear();
 *     tape.forward();
 *     tape.backward();
 *     device.blas().axpy(-0.1, lstm.gradients().space(), lstm.weights().space());
 *     device.blas().axpy(-0.1, gradients, values);
 *   }
 * }
 * }</pre>
 *
 * <p>All tensors are of the element type of the tape's precision, in the memory of its device;
 * losses are FLOAT32 where that has 16 bits. A tape belongs to the device's thread and works on the
 * device's stream.
 */
public final class Tape implements AutoCloseable {

  private final Device device;
  private final Precision precision;
  private final boolean training;
  private @Nullable DeviceBuffer lossScale;
  private final List<Operation> operations = new ArrayList<>();
  private final Generators generators = new Generators();
  private final CarriedStates carriedStates = new CarriedStates();
  private final Uses uses = new Uses(this);
  private final Parts parts = new Parts();
  private boolean making;
  private boolean played;
  private boolean closed;

  private Tape(
      Device device, Precision precision, boolean training, @Nullable DeviceBuffer lossScale) {
    this.device = Objects.requireNonNull(device, "device");
    this.precision = Objects.requireNonNull(precision, "precision");
    this.training = training;
    this.lossScale = lossScale;
  }

  /** Makes a tape that can be played backwards. */
  public static Tape training(Device device, Precision precision) {
    return new Tape(device, precision, true, null);
  }

  /**
   * Makes a tape that can be played backwards, with gradients that are multiplied by a number, all
   * the way to the parameters'.
   *
   * @param lossScale one FLOAT64, read at each {@link #forward}; losses are not multiplied
   * @throws IllegalArgumentException if the scale has another type or number of elements
   */
  public static Tape training(Device device, Precision precision, DeviceBuffer lossScale) {
    if (lossScale.type() != ElementType.FLOAT64 || lossScale.elements() != 1) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "the loss scale has %d elements of %s, must have 1 of FLOAT64",
              lossScale.elements(),
              lossScale.type()));
    }
    return new Tape(device, precision, true, lossScale);
  }

  /** Makes a tape without gradients, on which dropout does nothing. */
  public static Tape inference(Device device, Precision precision) {
    return new Tape(device, precision, false, null);
  }

  /** Tells whether the tape can be played backwards. */
  public boolean isTraining() {
    return training;
  }

  /** Returns the device whose memory and stream the tape uses. */
  public Device device() {
    return device;
  }

  /** Returns how the operations compute. */
  public Precision precision() {
    return precision;
  }

  /** Returns the element type of all tensors. */
  public ElementType type() {
    return precision.type();
  }

  /** Returns the element type of losses. */
  ElementType lossType() {
    return type() == ElementType.FLOAT64 ? ElementType.FLOAT64 : ElementType.FLOAT32;
  }

  /** Returns the number that gradients are multiplied by, one FLOAT64. */
  public DeviceBuffer lossScale() {
    if (lossScale == null) {
      lossScale = buffer(ElementType.FLOAT64, 1);
      lossScale.copyFrom(new double[] {1});
    }
    return lossScale;
  }

  /** Allocates indices to be filled by the caller, zero at first. */
  public Indices indices(int... shape) {
    return new Indices(zeroed(ElementType.INT32, Tensor.elements(shape)), shape);
  }

  /** Allocates the lengths of {@code batch} sequences, to be set by the caller, 0 at first. */
  public Lengths lengths(int batch) {
    return new Lengths(this, batch);
  }

  /**
   * Describes lengths that the caller keeps, the same numbers in both places whenever the tape is
   * played.
   *
   * @param onDevice {@code [B]} INT32, borrowed
   * @param onHost B numbers, borrowed too: not copied
   * @throws IllegalArgumentException if the buffer has another type or number of elements
   */
  public Lengths lengths(DeviceBuffer onDevice, int[] onHost) {
    return new Lengths(this, onDevice, onHost);
  }

  /** Allocates a tensor without gradient to be filled by the caller, zero at first. */
  public Tensor input(int... shape) {
    return new Tensor(zeroed(type(), Tensor.elements(shape)), null, shape);
  }

  /**
   * Records the lookup of vectors.
   *
   * @param tokens {@code [...]}; a negative token is padding and gives a zero vector without
   *     gradient, a token that the table does not have gives NaN
   * @param table {@code [V, E]}
   * @return {@code [..., E]}
   * @throws IllegalArgumentException if shapes or types do not fit
   */
  public Tensor embedding(Indices tokens, Tensor table) {
    return Embedding.record(this, tokens, table);
  }

  /**
   * Records the choice of rows, in any order and any number of times.
   *
   * @param x {@code [..., C]}
   * @param rows {@code [...]}, counted through all extents of {@code x} but the last; a negative
   *     one gives zeros, one that is not there NaN
   * @return the shape of {@code rows} and C
   * @throws IllegalArgumentException if the type does not fit
   */
  public Tensor gather(Tensor x, Indices rows) {
    return Embedding.record(this, rows, reshape(x, x.rows(), x.columns()));
  }

  /**
   * Records the encoding of tokens as unit vectors.
   *
   * @param tokens {@code [...]}; a negative token is padding and gives a zero vector, a token that
   *     is no class gives NaN
   * @param classes V
   * @return {@code [..., V]}, without gradient
   * @throws IllegalArgumentException if there is no class
   */
  public Tensor oneHot(Indices tokens, int classes) {
    return Embedding.oneHot(this, tokens, classes);
  }

  /**
   * Records a recurrent network over sequences of equal length, from a zero state, with final
   * states through which gradients flow.
   *
   * @param x {@code [T, B, I]}
   * @throws IllegalArgumentException if shapes or types do not fit
   */
  public RecurrentOutput rnn(Rnn rnn, Tensor x) {
    return Recurrent.record(this, rnn, x, null, null, null);
  }

  /**
   * As {@link #rnn(Rnn, Tensor)}, with initial states through which gradients flow too, as from a
   * decoder to its encoder.
   *
   * @param h0 {@code [L·D, B, P]}
   * @param c0 {@code [L·D, B, H]}; null unless the cell is an LSTM
   * @throws IllegalArgumentException if shapes or types do not fit, or a cell state is given or
   *     missing against the cell's kind
   */
  public RecurrentOutput rnn(Rnn rnn, Tensor x, Tensor h0, @Nullable Tensor c0) {
    return Recurrent.record(this, rnn, x, null, h0, c0);
  }

  /**
   * As {@link #rnn(Rnn, Tensor)}, over sequences of the lengths that are set at each {@link
   * #forward}, each in [1, T]: a backward direction starts with a sequence's own last step, final
   * states are those after it, and what is behind it is 0 in y and in the gradient of {@code x}.
   */
  public RecurrentOutput rnn(Rnn rnn, Tensor x, Lengths lengths) {
    return Recurrent.record(this, rnn, x, Objects.requireNonNull(lengths, "lengths"), null, null);
  }

  /** As {@link #rnn(Rnn, Tensor, Lengths)} and {@link #rnn(Rnn, Tensor, Tensor, Tensor)}. */
  public RecurrentOutput rnn(Rnn rnn, Tensor x, Lengths lengths, Tensor h0, @Nullable Tensor c0) {
    return Recurrent.record(this, rnn, x, Objects.requireNonNull(lengths, "lengths"), h0, c0);
  }

  /**
   * As {@link #rnn(Rnn, Tensor)}, from the state that {@link #carry} has carried there, zero at
   * first. Truncated backpropagation through time: no gradient flows into a carried state.
   *
   * @return y, {@code [T, B, D·P]}
   * @see <a href="https://doi.org/10.1162/neco.1990.2.4.490">Williams and Peng, 1990</a>
   */
  public Tensor carried(Rnn rnn, Tensor x) {
    return Recurrent.record(this, rnn, x, carriedStates);
  }

  /** Enqueues making the final states of the {@link #carried} networks their initial ones. */
  public void carry() {
    checkOpen();
    carriedStates.carry();
  }

  /** Enqueues setting the states of the {@link #carried} networks to zero. */
  public void resetStates() {
    checkOpen();
    carriedStates.reset();
  }

  /**
   * Returns the initial states of the {@link #carried} networks in the order of recording, of each
   * {@code [L·D, B, P]} (h), then {@code [L·D, B, H]} (c) if it is an LSTM. The tape owns them.
   */
  public List<DeviceBuffer> carriedStates() {
    return carriedStates.initial();
  }

  /**
   * Records a linear layer over the last extent, y = x · Wᵀ + b.
   *
   * @param x {@code [..., I]}
   * @param weight {@code [O, I]}
   * @param bias {@code [O]}, null for none
   * @return {@code [..., O]}
   * @throws IllegalArgumentException if shapes or types do not fit
   */
  public Tensor linear(Tensor x, Tensor weight, @Nullable Tensor bias) {
    return Linear.record(this, x, weight, bias);
  }

  /**
   * Records the sum x + y of each element.
   *
   * @return the shape of both
   * @throws IllegalArgumentException if shapes or types differ
   */
  public Tensor add(Tensor x, Tensor y) {
    return Elementwise.sum(this, x, y);
  }

  /**
   * Records the product x · y of each element.
   *
   * @return the shape of both
   * @throws IllegalArgumentException if shapes or types differ
   */
  public Tensor multiply(Tensor x, Tensor y) {
    return Elementwise.product(this, x, y);
  }

  /**
   * Records the quotient x / y of each element, as the product of x and 1 / y.
   *
   * @return the shape of both
   * @throws IllegalArgumentException if shapes or types differ
   */
  public Tensor divide(Tensor x, Tensor y) {
    return multiply(x, Elementwise.function(this, UnaryFunction.RECIPROCAL, y));
  }

  /** Records the multiplication of each element by a number. */
  public Tensor scale(Tensor x, double factor) {
    return Elementwise.multiple(this, x, factor);
  }

  /** Records the hyperbolic tangent of each element. */
  public Tensor tanh(Tensor x) {
    return Elementwise.function(this, UnaryFunction.TANH, x);
  }

  /** Records the logistic function 1 / (1 + e⁻ˣ) of each element. */
  public Tensor sigmoid(Tensor x) {
    return Elementwise.function(this, UnaryFunction.SIGMOID, x);
  }

  /** Records the larger of each element and 0; the derivative at 0 is 0. */
  public Tensor relu(Tensor x) {
    return Elementwise.function(this, UnaryFunction.RELU, x);
  }

  /** Records e to the power of each element. */
  public Tensor exp(Tensor x) {
    return Elementwise.function(this, UnaryFunction.EXP, x);
  }

  /** Records the natural logarithm of each element. */
  public Tensor log(Tensor x) {
    return Elementwise.function(this, UnaryFunction.LOG, x);
  }

  /**
   * Records the concatenation of tensors along their last extents.
   *
   * @param tensors at least one, {@code [..., Cᵢ]}, the other extents being equal
   * @return {@code [..., ΣCᵢ]}
   * @throws IllegalArgumentException if there is none, or shapes or types do not fit
   */
  public Tensor concatenate(Tensor... tensors) {
    return concatenate(tensors.length == 0 ? 0 : tensors[0].rank() - 1, tensors);
  }

  /**
   * As {@link #concatenate(Tensor...)}, along any extent, 0 being the outermost: in {@code [T, B,
   * C]} the time.
   */
  public Tensor concatenate(int extent, Tensor... tensors) {
    return Columns.concatenate(this, extent, tensors);
  }

  /**
   * Records a part of the last extent.
   *
   * @param x {@code [..., C]}
   * @return {@code [..., count]}, from column {@code first} on
   * @throws IllegalArgumentException if the part is empty or ends behind the last column
   */
  public Tensor slice(Tensor x, int first, int count) {
    return slice(x, x.rank() - 1, first, count);
  }

  /** As {@link #slice(Tensor, int, int)}, of any extent, 0 being the outermost. */
  public Tensor slice(Tensor x, int extent, int first, int count) {
    return Columns.slice(this, x, extent, first, count);
  }

  /**
   * Returns the parts of the first extent, as the steps of a sequence; nothing is copied.
   *
   * @param x {@code [N, ...]}
   * @return N tensors {@code [...]}, whose gradients are parts of one
   * @throws IllegalArgumentException if {@code x} has one extent only
   */
  public List<Tensor> unbind(Tensor x) {
    return Columns.unbind(this, x);
  }

  /**
   * Records a tensor of tensors of one shape, as a sequence of its steps.
   *
   * @return {@code [N, ...]} of N tensors {@code [...]}
   * @throws IllegalArgumentException if there is none, or shapes or types differ
   */
  public Tensor stack(Tensor... tensors) {
    return Columns.stack(this, tensors);
  }

  /**
   * Records a tensor that holds another many times, as a sequence of one vector. So vectors are
   * added to each step or each row of a larger tensor.
   *
   * @param x {@code [...]}
   * @return {@code [count, ...]}
   * @throws IllegalArgumentException if {@code count} is not positive
   */
  public Tensor repeat(Tensor x, int count) {
    return Columns.repeat(this, x, count);
  }

  /**
   * Records products of matrices, one for each of the first extent.
   *
   * @param x {@code [N, M, K]}, or {@code [N, K, M]} to be transposed
   * @param y {@code [N, K, C]}, or {@code [N, C, K]} to be transposed
   * @return {@code [N, M, C]}
   * @throws IllegalArgumentException if shapes or types do not fit
   */
  public Tensor product(Tensor x, boolean transX, Tensor y, boolean transY) {
    return Product.record(this, x, transX, y, transY);
  }

  /**
   * Records the exchange of the first two extents, as from time-major to batch-major.
   *
   * @param x {@code [M, N, C]}
   * @return {@code [N, M, C]}
   * @throws IllegalArgumentException if the shape does not fit
   */
  public Tensor transpose(Tensor x) {
    return Columns.transpose(this, x);
  }

  /**
   * Returns the same elements, and the same gradient, with other extents.
   *
   * @throws IllegalArgumentException if the number of elements differs
   */
  public Tensor reshape(Tensor x, int... shape) {
    return new Tensor(x.value(), x.gradient(), shape);
  }

  /**
   * Records the softmax over the last extent.
   *
   * @param x {@code [..., C]}, fewer than 2<sup>31</sup> elements
   * @return the shape of {@code x}
   */
  public Tensor softmax(Tensor x) {
    return Normalized.record(this, x, SoftmaxAlgorithm.ACCURATE);
  }

  /** As {@link #softmax}, the logarithm of it. */
  public Tensor logSoftmax(Tensor x) {
    return Normalized.record(this, x, SoftmaxAlgorithm.LOG);
  }

  /**
   * Records layer normalization over the last extent: y = (x − mean) / √(variance + ε) · weight +
   * bias, mean and variance being those of a row.
   *
   * @param x {@code [..., C]}
   * @param weight {@code [C]}
   * @param bias {@code [C]}
   * @param epsilon above 0; PyTorch has 10⁻⁵
   * @return the shape of {@code x}
   * @throws IllegalArgumentException if shapes or types do not fit, or {@code epsilon} is not as
   *     stated
   * @see <a href="https://arxiv.org/abs/1607.06450">Ba, Kiros and Hinton, 2016</a>
   */
  public Tensor layerNorm(Tensor x, Tensor weight, Tensor bias, double epsilon) {
    return LayerNorm.record(this, x, weight, bias, epsilon);
  }

  /**
   * Records dropout: in training each element is zero with the given probability, otherwise divided
   * by one minus it, with a new mask at each forward; in inference nothing happens.
   *
   * @param probability at least 0, below 1
   * @param seed of the operation's own generator, whose state {@link #generatorStates} returns; the
   *     same seed gives the same masks on every device
   * @return the shape of {@code x}; {@code x} itself in inference or if the probability is 0
   * @throws IllegalArgumentException if the probability is outside its range
   */
  public Tensor dropout(Tensor x, double probability, long seed) {
    if (!(probability >= 0 && probability < 1)) {
      throw new IllegalArgumentException("dropout " + probability + ", must be in [0, 1)");
    }
    checkTensor("x", x, x.rank());
    if (!training || probability == 0) {
      return x;
    }
    return record(
        x.shape(),
        (in, y) -> generators.add(new Dropout(this, in.get(0), y, probability, seed)),
        x);
  }

  /**
   * Records the cross-entropy between softmax(logits) and the targets, averaged over the targets
   * that count.
   *
   * @param logits {@code [..., V]}
   * @param targets {@code [...]}; a negative target does not count, a target that is no class gives
   *     NaN
   * @throws IllegalArgumentException if shapes or types do not fit
   */
  public Loss crossEntropy(Tensor logits, Indices targets) {
    return CrossEntropy.record(this, logits, targets, null, 0);
  }

  /**
   * As {@link #crossEntropy(Tensor, Indices)}, with weights and smooth targets: a row costs Σ q(c)
   * · w(c) · −log softmax(logits)(c), where q is 1 − ε for the target and ε / V for each class. The
   * mean is the sum of the costs divided by the sum of the targets' weights, as in PyTorch.
   *
   * @param classWeights w, one for each class, finite and 0 or more; null: all 1
   * @param labelSmoothing ε, from 0 to 1
   * @throws IllegalArgumentException if shapes or types do not fit, or a number is not as stated
   */
  public Loss crossEntropy(
      Tensor logits, Indices targets, double @Nullable [] classWeights, double labelSmoothing) {
    return CrossEntropy.record(this, logits, targets, classWeights, labelSmoothing);
  }

  /**
   * Records the binary cross-entropy −y · log σ(x) − (1 − y) · log(1 − σ(x)), averaged over all
   * elements.
   *
   * @param logits x, of any shape
   * @param targets y, of the same shape, from 0 to 1; no gradient flows into them
   * @throws IllegalArgumentException if shapes or types do not fit
   */
  public Loss binaryCrossEntropy(Tensor logits, Tensor targets) {
    return binaryCrossEntropy(logits, targets, null, null);
  }

  /**
   * As {@link #binaryCrossEntropy(Tensor, Tensor)}, with weights and elements that do not count.
   *
   * @param positiveWeights what y · log σ(x) is multiplied by, one for each of the last extent,
   *     finite and 0 or more; null: all 1
   * @param counted of the shape of {@code logits} or of its first extents; what has a negative
   *     number does not count; null: everything counts
   * @throws IllegalArgumentException if shapes or types do not fit, or a number is not as stated
   */
  public Loss binaryCrossEntropy(
      Tensor logits,
      Tensor targets,
      double @Nullable [] positiveWeights,
      @Nullable Indices counted) {
    return RowLoss.binaryCrossEntropy(this, logits, targets, positiveWeights, counted);
  }

  /**
   * Records the mean of (x − y)² over all elements; gradients flow into both.
   *
   * @throws IllegalArgumentException if shapes or types differ
   */
  public Loss meanSquaredError(Tensor x, Tensor y) {
    return RowLoss.squaredError(this, x, y, null);
  }

  /**
   * As {@link #meanSquaredError(Tensor, Tensor)}, over the elements that count.
   *
   * @param counted of the shape of {@code x} or of its first extents, as {@link Lengths#steps};
   *     what has a negative number does not count
   * @throws IllegalArgumentException if shapes or types do not fit
   */
  public Loss meanSquaredError(Tensor x, Tensor y, Indices counted) {
    return RowLoss.squaredError(this, x, y, counted);
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
   * @throws IllegalArgumentException if shapes or types do not fit
   * @see CtcLoss
   */
  public Loss ctc(Tensor logits, Lengths inputLengths, Indices labels, Lengths labelLengths) {
    return Ctc.record(this, logits, inputLengths, labels, labelLengths);
  }

  /**
   * Records the column of the largest element of each row: the first of several, -1 in a row of
   * NaN.
   *
   * @param x {@code [..., C]}
   * @return {@code [...]}
   * @throws IllegalArgumentException if there is but one extent
   */
  public Indices argmax(Tensor x) {
    return Counts.argmax(this, x);
  }

  /**
   * Records counting of how many predictions are right, and out of how many: two numbers.
   *
   * @param loss one of class labels, also of a conditional random field; a label that is no class
   *     does not count, so what is behind a sequence should be negative
   * @throws IllegalArgumentException if it is another loss
   */
  public Counts accuracy(Loss loss) {
    return Counts.right(this, loss);
  }

  /**
   * Records counting of predictions, {@code [C, C]}: how many rows of each label, the first extent,
   * were predicted to be of each class, the second.
   *
   * @param loss one of class labels
   * @throws IllegalArgumentException if it is another loss
   */
  public Counts confusion(Loss loss) {
    return Counts.confusions(this, loss);
  }

  /**
   * Records the mean of losses, which becomes a loss: so a loss of one's own is made of operations,
   * of the tape or, with {@link #recordLosses}, of one's own.
   *
   * @param rows the loss of each row, of any shape
   * @throws IllegalArgumentException if the type is not one of losses
   */
  public Loss loss(Tensor rows) {
    return loss(rows, indices(rows.shape()));
  }

  /**
   * As {@link #loss(Tensor)}, over the rows that count.
   *
   * @param counted the shape of {@code rows}; a row with a negative number does not count, and is
   *     not read
   * @throws IllegalArgumentException if shapes or types do not fit
   */
  public Loss loss(Tensor rows, Indices counted) {
    return MeanLoss.record(this, rows, counted);
  }

  /**
   * Records the sum of losses, each multiplied by what {@link Loss#times} says. It is there to be
   * read: backwards every loss of the tape counts, whether it is in a sum or not.
   *
   * @throws IllegalArgumentException if there is none, one is there twice or of another tape
   */
  public Loss sum(Loss... losses) {
    return LossSum.record(this, List.of(losses));
  }

  /**
   * Makes a conditional random field over K labels, whose losses and best paths are recorded by its
   * methods.
   *
   * @param transitions {@code [K, K]}, from and to
   * @param start {@code [K]}
   * @param end {@code [K]}
   * @throws IllegalArgumentException if shapes or types do not fit
   */
  public LinearChain linearChain(Tensor transitions, Tensor start, Tensor end, Lengths lengths) {
    return new LinearChain(this, transitions, start, end, lengths);
  }

  /**
   * Records an operation with one output.
   *
   * @param shape of the output
   * @param inputs the tensors whose gradients the operation computes
   * @return the output, owned by the tape
   * @throws IllegalArgumentException if an extent is not positive, or an input is of another
   *     element type
   * @throws IllegalStateException if the tape is closed, or this is called by a maker
   */
  public Tensor record(int[] shape, Operation.Maker maker, Tensor... inputs) {
    return record(maker, output(anyGradient(inputs), shape), inputs);
  }

  /**
   * As {@link #record(int[], Operation.Maker, Tensor...)}, with losses as output, for {@link
   * #loss(Tensor)}: they and their gradients are FLOAT64 on a tape of FP64, else FLOAT32, because
   * what is to be averaged should not be rounded to 16 bits.
   */
  public Tensor recordLosses(int[] shape, Operation.Maker maker, Tensor... inputs) {
    return record(maker, output(lossType(), anyGradient(inputs), shape), inputs);
  }

  private static boolean anyGradient(Tensor... inputs) {
    return Arrays.stream(inputs).anyMatch(x -> x.gradient() != null);
  }

  /** Records an operation that computes {@code output}. */
  Tensor record(Operation.Maker maker, Tensor output, Tensor... inputs) {
    return record(maker, output, List.of(inputs), List.of());
  }

  /** As {@link #record}, with inputs to whose gradients the operation adds, behind the others. */
  Tensor record(Operation.Maker maker, Tensor output, List<Tensor> inputs, List<Tensor> weights) {
    for (Tensor input : inputs) {
      checkTensor("input", input, input.rank());
    }
    play(in -> maker.make(in, output), inputs, weights);
    return output;
  }

  /** Adds an operation without gradients. */
  <O extends Operation> O play(O operation) {
    return play(_ -> operation, List.of());
  }

  /** Adds an operation that has no tensor as output. */
  <O extends Operation> O play(Function<List<Tensor>, O> maker, List<Tensor> inputs) {
    return play(maker, inputs, List.of());
  }

  /** Adds an operation, made for its inputs with the gradients that it is to write. */
  <O extends Operation> O play(
      Function<List<Tensor>, O> maker, List<Tensor> inputs, List<Tensor> weights) {
    if (making) {
      throw new IllegalStateException("an operation is being made, record others before it");
    }
    int place = operations.size();
    making = true;
    O operation;
    try {
      operation = Objects.requireNonNull(maker.apply(uses.of(place, inputs, weights)), "operation");
    } finally {
      making = false;
    }
    operations.add(operation);
    uses.commit();
    played = false;
    return operation;
  }

  /**
   * Enqueues all operations in their order.
   *
   * @throws IllegalStateException if the tape is closed
   */
  public void forward() {
    checkOpen();
    played = false;
    for (int i = 0; i < operations.size(); i++) {
      operations.get(i).forward();
    }
    played = true;
  }

  /**
   * Enqueues the derivatives of all operations in reverse order.
   *
   * @throws IllegalStateException if the tape is closed or not for training, or no {@link #forward}
   *     has run since the last call and the last operation was recorded
   */
  public void backward() {
    checkOpen();
    if (!training || !played) {
      throw new IllegalStateException(
          training ? "backward without a forward before it" : "backward on a tape for inference");
    }
    played = false;
    for (int i = operations.size() - 1; i >= 0; i--) {
      uses.beforeBackward(i);
      operations.get(i).backward();
      uses.afterBackward(i);
    }
  }

  /**
   * Whether a captured graph of {@link #forward} and {@link #backward} can be replayed for other
   * inputs. Not if a network takes {@link Lengths}, which cuDNN is given when its work is enqueued.
   */
  public boolean isCapturable() {
    return operations.stream().allMatch(Operation::isCapturable);
  }

  /** Reads the states of all dropout generators in use; waits for the device. */
  public List<byte[]> generatorStates() {
    return generators.states();
  }

  /**
   * Restores what {@link #generatorStates} returned on a tape with the same operations.
   *
   * @throws IllegalArgumentException if the number or the sizes of the states do not fit
   */
  public void restoreGeneratorStates(List<byte[]> states) {
    generators.restore(states);
  }

  @Override
  public void close() {
    closed = true;
    parts.close();
  }

  /** Returns a kernel. */
  Kernel kernel(String file, String name) {
    return device.kernels().get(file, name);
  }

  /** Returns the variant of a kernel for elements of a type. */
  Kernel kernel(String file, String name, ElementType type) {
    return device.kernels().get(file, name, type);
  }

  /** Takes over what an operation needs, to be closed with the tape. */
  public <T extends AutoCloseable> T own(T resource) {
    return parts.add(resource);
  }

  DeviceBuffer buffer(ElementType elementType, long elements) {
    checkOpen();
    return own(DeviceBuffer.allocate(device, elementType, elements));
  }

  DeviceBuffer zeroed(ElementType elementType, long elements) {
    DeviceBuffer buffer = buffer(elementType, elements);
    buffer.clear();
    return buffer;
  }

  /** Allocates constants of the type of losses. */
  DeviceBuffer lossNumbers(double... numbers) {
    DeviceBuffer buffer = buffer(lossType(), numbers.length);
    if (lossType() == ElementType.FLOAT64) {
      buffer.copyFrom(numbers);
    } else {
      var floats = new float[numbers.length];
      for (int i = 0; i < floats.length; i++) {
        floats[i] = (float) numbers[i];
      }
      buffer.copyFrom(floats);
    }
    return buffer;
  }

  /** Allocates a result; its gradient stays zero until somebody writes it. */
  Tensor output(boolean differentiable, int... shape) {
    return output(type(), differentiable, shape);
  }

  private Tensor output(ElementType elementType, boolean differentiable, int... shape) {
    long elements = Tensor.elements(shape);
    DeviceBuffer gradient = training && differentiable ? zeroed(elementType, elements) : null;
    Tensor output = new Tensor(buffer(elementType, elements), gradient, shape);
    return produced(output);
  }

  /** Takes a tensor for one of the tape's own: its gradient is overwritten, not added to. */
  Tensor produced(Tensor tensor) {
    uses.produced(tensor);
    return tensor;
  }

  void checkTensor(String name, Tensor tensor, int rank) {
    checkOpen();
    if (tensor.type() != type() || tensor.rank() != rank) {
      throw new IllegalArgumentException(
          name + " is " + tensor + ", needed are " + rank + " extents of " + type());
    }
  }

  Generators generators() {
    return generators;
  }

  private void checkOpen() {
    if (closed) {
      throw new IllegalStateException("the tape is closed");
    }
  }
}
