package io.github.cudnn4j.data;

import java.util.Locale;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** A record on its way into a batch. Used again and again. */
final class Row<R> {

  /** Takes one slot out of a record. */
  interface Encoder<R> {
    void encode(R record, Row<R> row, int slot);
  }

  @Nullable R record;

  /** Counted from 1. */
  long number;

  /** Of each slot that is no label, its int[], float[] or float[][]. */
  final @Nullable Object[] values;

  /** Of each slot that is one, the label. */
  final int[] labels;

  /** Of each slot that is a sequence, its steps; 0 of the others. */
  final int[] times;

  Row(int slots) {
    values = new Object[slots];
    labels = new int[slots];
    times = new int[slots];
  }

  void set(R record, long number) {
    this.record = record;
    this.number = number;
  }

  void set(Row<R> other) {
    record = other.record;
    number = other.number;
  }

  /** Takes a slot out of the record, and checks it. */
  void encode(BatchLayout layout, int slot, Encoder<R> encoder) throws RecordException {
    var described = layout.slots().get(slot);
    try {
      encoder.encode(record, this, slot);
    } catch (RuntimeException e) {
      throw new RecordException(number, described.name() + " failed: " + e, e);
    }
    if (described.kind() == BatchLayout.Kind.LABEL) {
      return;
    }
    if (values[slot] == null) {
      throw refused(described, "is null");
    }
    Object value = value(slot);
    switch (described.kind()) {
      case TOKENS -> {
        int[] tokens = (int[]) value;
        setTime(described, slot, tokens.length);
        for (int t = 0; t < tokens.length; t++) {
          if (tokens[t] < 0) {
            throw refused(
                described,
                String.format(Locale.ROOT, "has %d at step %d, must be 0 or more", tokens[t], t));
          }
        }
      }
      case LABELS -> {
        int count = ((int[]) value).length;
        int like = layout.index(described.like());
        if (count != times[like]) {
          throw refused(
              described,
              String.format(
                  Locale.ROOT,
                  "has %d labels, %s has %d steps",
                  count,
                  described.like(),
                  times[like]));
        }
      }
      case FLOATS -> {
        float[][] vectors = (float[][]) value;
        setTime(described, slot, vectors.length);
        for (float[] vector : vectors) {
          checkColumns(described, vector);
        }
      }
      default -> checkColumns(described, (float[]) value);
    }
  }

  /** Returns what an encoder has set. */
  Object value(int slot) {
    return Objects.requireNonNull(values[slot]);
  }

  private void setTime(BatchLayout.Slot slot, int index, int time) throws RecordException {
    if (time < slot.minTime() || time > slot.maxTime()) {
      throw refused(
          slot,
          String.format(
              Locale.ROOT,
              "has %d steps, must have %d to %d",
              time,
              slot.minTime(),
              slot.maxTime()));
    }
    times[index] = time;
  }

  private void checkColumns(BatchLayout.Slot slot, float @Nullable [] vector)
      throws RecordException {
    if (vector == null || vector.length != slot.columns()) {
      throw refused(
          slot,
          String.format(
              Locale.ROOT,
              "has a vector of %s elements, must be of %d",
              vector == null ? null : vector.length,
              slot.columns()));
    }
  }

  private RecordException refused(BatchLayout.Slot slot, String why) {
    return new RecordException(number, slot.name() + " " + why, null);
  }
}
