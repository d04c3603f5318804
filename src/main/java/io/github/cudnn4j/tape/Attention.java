package io.github.cudnn4j.tape;

import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.tape.MatrixProduct.Operand;
import java.util.Arrays;
import java.util.Locale;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * Attention over a memory, such as the outputs of an encoder: each query gets a score for each step
 * of the memory; the scores' softmax weighs the steps.
 *
 * <pre>
 *   scores[b, t, s]  = score(query[t, b], memory[s, b])
 *   weights[b, t]    = softmax of scores[b, t] over the steps s below lengths[b]
 *   context[t, b]    = Σ weights[b, t, s] · memory[s, b]
 * </pre>
 *
 * <p>What depends on the memory alone is recorded once, when this is made. A decoder whose states
 * do not depend on the context asks for all its steps at once, one that is fed with it (input
 * feeding) asks at each step; what the steps keep grows with {@code T2} only. The memory's steps
 * behind a length are not read and have no gradient; a sequence of length 0 has weights and a
 * context of zeros.
 *
 * <p>Shapes: T1 queries, T2 steps of the memory, B sequences, H the query's columns, M the memory's
 * columns, A the columns of the comparison. Borrows the tape, which owns what is computed.
 *
 * @see <a href="https://arxiv.org/abs/1508.04025">Luong, Pham and Manning, 2015</a>
 */
public final class Attention {

  private final Tape tape;
  private final Lengths lengths;
  private final Tensor memory;
  private final Tensor keys;

  private final Scores scores;
  private final int queryColumns;

  private Attention(
      Tape tape,
      Tensor memory,
      @Nullable Lengths lengths,
      UnaryOperator<Tensor> keysOf,
      Scores scores,
      int queryColumns) {
    this.tape = tape;
    this.scores = scores;
    this.queryColumns = queryColumns;
    this.lengths = lengths == null ? whole(tape, memory) : lengths;
    Tensor counted = lengths == null ? memory : lengths.mask(memory);
    Tensor compared = keysOf.apply(counted);
    this.memory = SharedGradient.of(tape, counted);
    this.keys = compared == counted ? this.memory : SharedGradient.of(tape, compared);
  }

  private Attention(Attention other, Tape tape, Lengths lengths, Tensor memory) {
    this.tape = tape;
    this.lengths = lengths;
    this.memory = memory;
    this.keys = other.keys;
    this.scores = other.scores;
    this.queryColumns = other.queryColumns;
  }

  private interface Scores {
    /** Records {@code [B, T1, T2]} of {@code [T1, B, H]}. */
    Tensor of(Tape tape, Tensor query, Tensor keys, Lengths lengths);
  }

  /**
   * Makes attention by the scalar product, {@code query · memory}.
   *
   * @param memory {@code [T2, B, M]}; the queries have H = M
   * @param lengths of the memory, of B sequences; null if all T2 steps count
   * @throws IllegalArgumentException if shapes or types do not fit
   */
  public static Attention dot(Tape tape, Tensor memory, @Nullable Lengths lengths) {
    return dot(tape, memory, lengths, 1);
  }

  /**
   * As {@link #dot(Tape, Tensor, Lengths)}, divided by √M.
   *
   * @see <a href="https://arxiv.org/abs/1706.03762">Vaswani et al., 2017</a>
   */
  public static Attention scaledDot(Tape tape, Tensor memory, @Nullable Lengths lengths) {
    return dot(tape, memory, lengths, 1 / Math.sqrt(memory.columns()));
  }

  private static Attention dot(Tape tape, Tensor memory, @Nullable Lengths lengths, double factor) {
    check(tape, memory);
    return new Attention(
        tape,
        memory,
        lengths,
        UnaryOperator.identity(),
        (to, query, keys, _) -> product(to, factor, query, keys),
        memory.columns());
  }

  /**
   * Makes multiplicative attention, Luong's "general": {@code query · W memory}.
   *
   * @param memory {@code [T2, B, M]}
   * @param lengths of the memory, of B sequences; null if all T2 steps count
   * @param weight W, {@code [H, M]}
   * @throws IllegalArgumentException if shapes or types do not fit
   */
  public static Attention multiplicative(
      Tape tape, Tensor memory, @Nullable Lengths lengths, Tensor weight) {
    check(tape, memory);
    return new Attention(
        tape,
        memory,
        lengths,
        counted -> tape.linear(counted, weight, null),
        (to, query, keys, _) -> product(to, 1, query, keys),
        weight.dim(0));
  }

  /**
   * Makes additive attention: {@code v · tanh(W query + U memory)}.
   *
   * @param memory {@code [T2, B, M]}
   * @param lengths of the memory, of B sequences; null if all T2 steps count
   * @param ofQuery W, {@code [A, H]}
   * @param ofMemory U, {@code [A, M]}
   * @param vector v, {@code [A]}
   * @throws IllegalArgumentException if shapes or types do not fit
   * @see <a href="https://arxiv.org/abs/1409.0473">Bahdanau, Cho and Bengio, 2014</a>
   */
  public static Attention additive(
      Tape tape,
      Tensor memory,
      @Nullable Lengths lengths,
      Tensor ofQuery,
      Tensor ofMemory,
      Tensor vector) {
    check(tape, memory);
    tape.checkTensor("ofQuery", ofQuery, 2);
    tape.checkTensor("ofMemory", ofMemory, 2);
    tape.checkTensor("vector", vector, 1);
    if (ofQuery.dim(0) != vector.dim(0) || ofMemory.dim(0) != vector.dim(0)) {
      throw new IllegalArgumentException(
          "ofQuery " + ofQuery + ", ofMemory " + ofMemory + " and vector " + vector);
    }
    return new Attention(
        tape,
        memory,
        lengths,
        counted -> tape.linear(counted, ofMemory, null),
        (to, query, keys, of) ->
            AdditiveScore.record(to, to.linear(query, ofQuery, null), keys, vector, of),
        ofQuery.columns());
  }

  /**
   * Returns attention that compares queries as this does, and gives means of other vectors: what
   * this was made for is only its keys then.
   *
   * @param values {@code [T2, B, M]}, of any M; what is behind a length is not read
   * @throws IllegalArgumentException if the shape or the type does not fit
   * @see <a href="https://arxiv.org/abs/1503.08895">Sukhbaatar et al., 2015</a>
   */
  public Attention withValues(Tensor values) {
    check(tape, values);
    if (values.dim(0) != keys.dim(0) || values.dim(1) != keys.dim(1)) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "values are %s, needed are [%d, %d, M]",
              values,
              keys.dim(0),
              keys.dim(1)));
    }
    return new Attention(this, tape, lengths, SharedGradient.of(tape, lengths.mask(values)));
  }

  /**
   * Returns the same for queries that are recorded on another tape, such as that of a decoder's
   * step. What depends on the memory is what this one's tape has computed last, and gets no
   * gradient there.
   *
   * @param tape for inference
   * @param lengths of the memory, the same as this one's, on the other tape
   * @throws IllegalArgumentException if the tape is for training, or the lengths are of another
   *     number of sequences
   */
  public Attention on(Tape tape, Lengths lengths) {
    if (tape.isTraining()) {
      throw new IllegalArgumentException("the other tape is for training, must be for inference");
    }
    if (lengths.batch() != memory.dim(1)) {
      throw new IllegalArgumentException(
          lengths.batch() + " lengths, the memory has " + memory.dim(1) + " sequences");
    }
    tape.check(lengths);
    return new Attention(this, tape, lengths, memory);
  }

  /**
   * Records the attention of queries.
   *
   * @param query {@code [T1, B, H]}, or {@code [B, H]} for one step
   * @throws IllegalArgumentException if the shape or the type does not fit
   */
  public AttentionOutput on(Tensor query) {
    int rank = query.rank();
    tape.checkTensor("query", query, rank);
    int batch = memory.dim(1);
    if (rank < 2 || rank > 3 || query.dim(rank - 2) != batch || query.columns() != queryColumns) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "query is %s, needed is [T1, %d, %d] or [%d, %d]",
              query,
              batch,
              queryColumns,
              batch,
              queryColumns));
    }
    if (rank == 3) {
      return ofSteps(query);
    }
    AttentionOutput output = ofSteps(tape.reshape(query, 1, batch, queryColumns));
    return new AttentionOutput(
        tape.reshape(output.context(), batch, memory.columns()),
        tape.reshape(output.weights(), batch, memory.dim(0)));
  }

  private AttentionOutput ofSteps(Tensor query) {
    Tensor weights = lengths.softmax(scores.of(tape, query, keys, lengths));
    Tensor context =
        MatrixProduct.record(
            tape, 1, new Operand(weights, false, false), new Operand(memory, true, false), true);
    return new AttentionOutput(context, weights);
  }

  private static Tensor product(Tape tape, double factor, Tensor query, Tensor keys) {
    return MatrixProduct.record(
        tape, factor, new Operand(query, true, false), new Operand(keys, true, true), false);
  }

  private static void check(Tape tape, Tensor memory) {
    tape.checkTensor("memory", memory, 3);
  }

  private static Lengths whole(Tape tape, Tensor memory) {
    int[] numbers = new int[memory.dim(1)];
    Arrays.fill(numbers, memory.dim(0));
    DeviceBuffer lengths = tape.indices(numbers.length).buffer();
    lengths.copyFrom(numbers);
    return tape.lengths(lengths, numbers);
  }
}
