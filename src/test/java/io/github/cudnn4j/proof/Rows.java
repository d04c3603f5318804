package io.github.cudnn4j.proof;

import io.github.cudnn4j.cudnn.RnnDataLayout;
import io.github.cudnn4j.rnn.SequenceBatch;
import io.github.cudnn4j.rnn.SequenceShape;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;

/**
 * The rows of a batch and how their vectors lie: a plan's {@link SequenceShape}, a plan for lengths
 * that vary and is given these, or the rows of a {@link SequenceBatch}, in any order, empty ones
 * among them.
 */
record Rows(RnnDataLayout layout, int time, List<Integer> lengths, Kind kind) {

  enum Kind {
    FIXED,
    VARYING,
    ANY_ORDER
  }

  static Rows of(RnnDataLayout layout, int time, int... lengths) {
    return of(Kind.FIXED, layout, time, lengths);
  }

  static Rows of(Kind kind, RnnDataLayout layout, int time, int... lengths) {
    return new Rows(layout, time, Arrays.stream(lengths).boxed().toList(), kind);
  }

  static Rows anyOrder(RnnDataLayout layout, int time, int... lengths) {
    return of(Kind.ANY_ORDER, layout, time, lengths);
  }

  boolean anyOrder() {
    return kind == Kind.ANY_ORDER;
  }

  SequenceShape shape() {
    return varies()
        ? new SequenceShape(layout, time, Collections.nCopies(batch(), time), true)
        : new SequenceShape(layout, time, lengths);
  }

  boolean varies() {
    return kind == Kind.VARYING;
  }

  int batch() {
    return lengths.size();
  }

  int[] lengthArray() {
    return lengths.stream().mapToInt(Integer::intValue).toArray();
  }

  /** The vectors of x and of y in memory, padding included. */
  int vectors() {
    return layout.padded() ? time * batch() : lengths.stream().mapToInt(Integer::intValue).sum();
  }

  /** Which vector of x and y is the one of a row at a time. */
  int vector(int t, int row) {
    return switch (layout) {
      case SEQ_MAJOR_UNPACKED -> t * batch() + row;
      case BATCH_MAJOR_UNPACKED -> row * time + t;
      case SEQ_MAJOR_PACKED -> lengths.stream().mapToInt(length -> Math.min(length, t)).sum() + row;
    };
  }

  /** A copy of a sequence in which the padding has a value. */
  double[] padded(double[] sequence, double padding) {
    int width = sequence.length / vectors();
    double[] result = new double[sequence.length];
    Arrays.fill(result, padding);
    for (int row = 0; row < batch(); row++) {
      for (int t = 0; t < lengths.get(row); t++) {
        int start = vector(t, row) * width;
        System.arraycopy(sequence, start, result, start, width);
      }
    }
    return result;
  }

  @Override
  public String toString() {
    return layout + " T " + time + " " + kind + " " + lengths;
  }
}
