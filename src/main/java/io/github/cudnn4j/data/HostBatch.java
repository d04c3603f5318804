package io.github.cudnn4j.data;

import static java.lang.foreign.ValueLayout.JAVA_DOUBLE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.tape.Indices;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Locale;
import java.util.Objects;

/**
 * Memory of the host for one batch, which an {@link Epoch} fills: {@link #begin}, then the slots of
 * each row. Slots are counted from 0 in the order of {@link BatchLayout#slots}; what a slot must be
 * is not checked again.
 *
 * <p>Belongs to whoever fills it.
 */
public final class HostBatch {

  /** What does not count: tokens, labels and rows. */
  static final int NONE = -1;

  /** A row that counts. */
  private static final int COUNTS = 1;

  private final BatchOffsets offsets;
  private final BatchLayout layout;
  private final MemorySegment memory;

  /** Of each shape, each slot. */
  private final MemorySegment[][] segments;

  /** Of each row, the number of its record, 0 if it is not known. */
  private final long[] records;

  private int shape;
  private long steps;

  /**
   * Divides memory.
   *
   * @param memory of {@link BatchOffsets#bytes()}
   */
  HostBatch(BatchOffsets offsets, MemorySegment memory) {
    this.offsets = offsets;
    this.layout = offsets.layout();
    this.memory = memory;
    records = new long[layout.batch()];
    segments = new MemorySegment[layout.shapes()][layout.slots().size()];
    for (int shape = 0; shape < segments.length; shape++) {
      for (int slot = 0; slot < segments[shape].length; slot++) {
        segments[shape][slot] =
            memory.asSlice(
                offsets.slot(slot, shape),
                layout.elements(slot, shape) * offsets.type(slot).bytes());
      }
    }
  }

  /** Returns which slots there are. */
  public BatchLayout layout() {
    return layout;
  }

  /**
   * Begins a batch, of which no row counts yet.
   *
   * @param shape one into which all rows fit
   * @throws IndexOutOfBoundsException if there is no such shape
   */
  public void begin(int shape) {
    begin(shape, NONE);
    for (int slot = 0; slot < layout.slots().size(); slot++) {
      var kind = layout.slots().get(slot);
      long elements = layout.elements(slot, shape);
      long at = offsets.slot(slot, shape);
      if (kind.isOfInts()) {
        fillInts(at, elements, NONE);
      } else {
        // Zero is zero bits in each type; a slot ends at a multiple of what is written here.
        fillInts(at, Math.ceilDiv(elements * offsets.type(slot).bytes(), Integer.BYTES), 0);
      }
      if (kind.hasLengths()) {
        fillInts(offsets.lengths(slot, shape), layout.batch(), Math.min(1, kind.minTime()));
      }
    }
  }

  /** Begins a batch whose slots will be written as a whole, and all of whose rows count. */
  void reuse(int shape) {
    begin(shape, COUNTS);
  }

  private void begin(int shape, int counted) {
    this.shape = Objects.checkIndex(shape, layout.shapes());
    steps = 0;
    Arrays.fill(records, 0);
    fillInts(offsets.counted(), layout.batch(), counted);
  }

  private void fillInts(long at, long count, int value) {
    for (long i = 0; i < count; i++) {
      memory.set(JAVA_INT, at + i * Integer.BYTES, value);
    }
  }

  /**
   * Writes a row of tokens, or of a label for each step.
   *
   * @throws IndexOutOfBoundsException if there is no such slot or row, or the row is too long
   */
  public void ints(int slot, int row, int[] values) {
    long at = row(slot, row, values.length) * Integer.BYTES + offsets.slot(slot, shape);
    long step = (long) layout.batch() * Integer.BYTES;
    for (int t = 0; t < values.length; t++) {
      memory.set(JAVA_INT, at + t * step, values[t]);
    }
    length(slot, row, values.length);
  }

  /**
   * Writes a row's label.
   *
   * @throws IndexOutOfBoundsException if there is no such slot or row
   */
  public void label(int slot, int row, int value) {
    memory.set(JAVA_INT, row(slot, row, 1) * Integer.BYTES + offsets.slot(slot, shape), value);
  }

  /**
   * Writes a row of vectors, each rounded to the element type of the batch.
   *
   * @throws IndexOutOfBoundsException if there is no such slot or row, or the row is too long
   */
  public void floats(int slot, int row, float[][] values) {
    long first = row(slot, row, values.length);
    for (int t = 0; t < values.length; t++) {
      write(slot, first + (long) t * layout.batch(), values[t]);
    }
    length(slot, row, values.length);
  }

  /**
   * Writes a row's vector, rounded to the element type of the batch.
   *
   * @throws IndexOutOfBoundsException if there is no such slot or row
   */
  public void vector(int slot, int row, float[] values) {
    write(slot, row(slot, row, 1), values);
  }

  /** Sets which record a row is, counted from 1, for who refuses it. */
  public void record(int row, long number) {
    records[row] = number;
  }

  /** Sets how many steps of sequences count, for reports. */
  public void steps(long steps) {
    this.steps = steps;
  }

  long steps() {
    return steps;
  }

  int shape() {
    return shape;
  }

  void number(double number) {
    memory.set(JAVA_DOUBLE, 0, number);
  }

  /** Reads the lengths of a slot. */
  void lengths(int slot, int[] target) {
    MemorySegment.copy(memory, JAVA_INT, offsets.lengths(slot, shape), target, 0, layout.batch());
  }

  /**
   * Refuses numbers of a slot that who reads them cannot take.
   *
   * @throws RecordException if there is one, and it is known which record it is of
   * @throws IOException if there is one
   */
  void require(int slot, Indices taken) throws IOException {
    MemorySegment numbers = segment(slot);
    int least = taken.least();
    int most = taken.most();
    int count = (int) layout.elements(slot, shape);
    for (int i = 0; i < count; i++) {
      int number = numbers.getAtIndex(JAVA_INT, i);
      if (number > most || number < least && number >= 0) {
        throw refused(slot, i, number, taken);
      }
    }
    if (taken.areAllNeeded()) {
      requireAll(slot, numbers, taken);
    }
  }

  private void requireAll(int slot, MemorySegment numbers, Indices taken) throws IOException {
    int batch = layout.batch();
    int sequence = layout.sequence(slot);
    boolean varies = layout.slots().get(sequence).hasLengths();
    for (int row = 0; row < batch; row++) {
      int time =
          varies
              ? memory.get(JAVA_INT, offsets.lengths(sequence, shape) + (long) row * Integer.BYTES)
              : layout.time(slot, shape);
      for (int t = 1; t < time && numbers.getAtIndex(JAVA_INT, row) >= 0; t++) {
        int place = t * batch + row;
        int number = numbers.getAtIndex(JAVA_INT, place);
        if (number < 0) {
          throw refused(slot, place, number, taken);
        }
      }
    }
  }

  private IOException refused(int slot, int place, int number, Indices taken) {
    var kind = layout.slots().get(slot);
    int row = place % layout.batch();
    String message =
        String.format(
            Locale.ROOT,
            "%s has %d%s, must be %d to %d",
            kind.name(),
            number,
            kind.kind() == BatchLayout.Kind.LABEL ? "" : " at step " + place / layout.batch(),
            taken.least(),
            taken.most());
    return records[row] > 0
        ? new RecordException(records[row], message, null)
        : new IOException("row " + row + " of a batch: " + message);
  }

  /** Returns the elements of a slot. */
  MemorySegment segment(int slot) {
    return segments[shape][slot];
  }

  /** Takes over a batch, but the number. */
  void copyFrom(HostBatch other) {
    shape = other.shape;
    steps = other.steps;
    System.arraycopy(other.records, 0, records, 0, records.length);
    MemorySegment.copy(
        other.memory,
        JAVA_LONG,
        Double.BYTES,
        memory,
        JAVA_LONG,
        Double.BYTES,
        offsets.bytes(shape) / Long.BYTES - 1);
  }

  /** Returns a batch of the same layout in other memory. */
  HostBatch like(MemorySegment other) {
    return new HostBatch(offsets, other);
  }

  /** Returns a batch of another layout, of the same element type, in memory of its own. */
  HostBatch ofOther(BatchLayout other, Arena arena) {
    var laidOut = new BatchOffsets(other, offsets.floatType());
    return new HostBatch(laidOut, arena.allocate(laidOut.bytes(), Long.BYTES));
  }

  /** Takes over every row of a batch whose number has this remainder, and its part of the steps. */
  void takeShard(HostBatch whole, int shard, int shards) {
    shape = whole.shape;
    steps = whole.steps * (shard + 1) / shards - whole.steps * shard / shards;
    for (int row = 0; row < records.length; row++) {
      records[row] = whole.records[shard + row * shards];
    }
    takeRows(whole, whole.offsets.counted(), offsets.counted(), 1, shard, Integer.BYTES);
    for (int slot = 0; slot < layout.slots().size(); slot++) {
      var kind = layout.slots().get(slot);
      long rowBytes = (long) kind.columns() * offsets.type(slot).bytes();
      int time = layout.time(slot, shape);
      long from = whole.offsets.slot(slot, shape);
      takeRows(whole, from, offsets.slot(slot, shape), time, shard, rowBytes);
      if (kind.hasLengths()) {
        takeRows(
            whole,
            whole.offsets.lengths(slot, shape),
            offsets.lengths(slot, shape),
            1,
            shard,
            Integer.BYTES);
      }
    }
  }

  private void takeRows(HostBatch whole, long from, long to, int time, int shard, long rowBytes) {
    int rows = layout.batch();
    int all = whole.layout.batch();
    for (int t = 0; t < time; t++) {
      for (int row = 0; row < rows; row++) {
        long source = from + ((long) t * all + shard + (long) row * (all / rows)) * rowBytes;
        long target = to + ((long) t * rows + row) * rowBytes;
        for (long at = 0; at < rowBytes; at += Short.BYTES) {
          memory.set(JAVA_SHORT, target + at, whole.memory.get(JAVA_SHORT, source + at));
        }
      }
    }
  }

  long bytes() {
    return offsets.bytes();
  }

  /** Lets a row count; returns the vector, from the slot's start on, at which it begins. */
  private long row(int slot, int row, int length) {
    Objects.checkIndex(row, layout.batch());
    Objects.checkFromToIndex(0, length, layout.time(slot, shape));
    memory.set(JAVA_INT, offsets.counted() + (long) row * Integer.BYTES, COUNTS);
    return row;
  }

  private void length(int slot, int row, int length) {
    if (layout.slots().get(slot).hasLengths()) {
      memory.set(JAVA_INT, offsets.lengths(slot, shape) + (long) row * Integer.BYTES, length);
    }
  }

  private void write(int slot, long vector, float[] values) {
    int columns = layout.slots().get(slot).columns();
    Objects.checkFromToIndex(0, values.length, columns);
    ElementType type = offsets.floatType();
    type.write(memory, offsets.slot(slot, shape) + vector * columns * type.bytes(), values);
  }
}
