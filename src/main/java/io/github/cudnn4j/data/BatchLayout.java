package io.github.cudnn4j.data;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.StringJoiner;
import org.jspecify.annotations.Nullable;

/**
 * What a batch of B records holds: slots with names, and the K shapes that it can have.
 *
 * <pre>{@code
 * TOKENS  [T, B]     INT32, -1 behind the end of a row, and lengths [B]
 * LABELS  [T, B]     INT32, one for each step of another slot, -1 behind the end
 * LABEL   [B]        INT32
 * FLOATS  [T, B, F]  of the network's element type, 0 behind the end, and lengths [B]
 * VECTOR  [B, F]     of the network's element type
 * }</pre>
 *
 * <p>Shape k, from 0 to K-1, has ⌈T·(k+1)/K⌉ steps in place of T in each sequence whose length
 * varies; a batch gets the smallest into which all of its rows fit. Rows that a batch lacks do not
 * count, see {@link Batch#counted}: their tokens and labels are -1, their floats 0, their length is
 * the least that is allowed, but at most 1.
 *
 * <p>Immutable: a method that adds a slot returns another layout.
 */
public final class BatchLayout {

  private static final int SHAPES = 8;

  /** So many that their bytes, and those of many slots, can be counted. */
  private static final long MOST_ELEMENTS = 1L << 48;

  /** What a slot is made of. */
  public enum Kind {
    /** A sequence of numbers, 0 or more. */
    TOKENS,
    /** A number for each step of a sequence; a negative one does not count. */
    LABELS,
    /** A number; a negative one does not count. */
    LABEL,
    /** A sequence of vectors. */
    FLOATS,
    /** A vector. */
    VECTOR
  }

  /**
   * One slot.
   *
   * @param minTime the fewest steps of a row, 1 if it is no sequence
   * @param maxTime the most steps of a row, T, 1 if it is no sequence
   * @param columns the elements of a step, F
   * @param like the slot whose length a row of {@link Kind#LABELS} has, null in others
   */
  public record Slot(
      String name, Kind kind, int minTime, int maxTime, int columns, @Nullable String like) {

    /** Tells whether it is a sequence with lengths of its own: not all rows have T steps. */
    public boolean hasLengths() {
      return isSequence() && varies();
    }

    /** Tells whether its elements are INT32, not floating-point numbers. */
    public boolean isOfInts() {
      return kind != Kind.FLOATS && kind != Kind.VECTOR;
    }

    boolean isSequence() {
      return kind == Kind.TOKENS || kind == Kind.FLOATS;
    }

    boolean varies() {
      return minTime < maxTime;
    }
  }

  private final int batch;
  private final List<Slot> slots;
  private final int wantedShapes;
  private final int shapes;

  private BatchLayout(int batch, List<Slot> slots, int wantedShapes) {
    this.batch = batch;
    this.slots = slots;
    this.wantedShapes = wantedShapes;
    int longest = slots.stream().filter(Slot::varies).mapToInt(Slot::maxTime).max().orElse(1);
    shapes = Math.min(wantedShapes, longest);
  }

  /**
   * Begins a layout without slots.
   *
   * @param batch the number of rows, B
   * @throws IllegalArgumentException if it is not positive
   */
  public static BatchLayout of(int batch) {
    requireAtLeast(1, batch, "batch");
    return new BatchLayout(batch, List.of(), SHAPES);
  }

  /**
   * Adds a sequence of tokens.
   *
   * @param minTime the fewest steps of a row; the rows have no lengths if it is {@code maxTime}
   * @throws IllegalArgumentException if there is a slot of this name, {@code minTime} is negative
   *     or more than {@code maxTime}, or the slot has 2³¹ steps or more, or more than 2⁴⁸ numbers
   */
  public BatchLayout tokens(String name, int minTime, int maxTime) {
    return with(new Slot(name, Kind.TOKENS, minTime, maxTime, 1, null));
  }

  /**
   * Adds a label for each step of a sequence.
   *
   * @param like the name of the sequence, added before
   * @throws IllegalArgumentException if there is a slot of this name, or no such sequence
   */
  public BatchLayout labels(String name, String like) {
    Slot sequence = slots.get(index(like));
    if (!sequence.isSequence()) {
      throw new IllegalArgumentException(like + " is no sequence that could be labelled");
    }
    return with(new Slot(name, Kind.LABELS, sequence.minTime(), sequence.maxTime(), 1, like));
  }

  /**
   * Adds a label.
   *
   * @throws IllegalArgumentException if there is a slot of this name
   */
  public BatchLayout label(String name) {
    return with(new Slot(name, Kind.LABEL, 1, 1, 1, null));
  }

  /**
   * Adds a sequence of vectors; as {@link #tokens}.
   *
   * @param columns the elements of a vector, F
   * @throws IllegalArgumentException as {@link #tokens} does, and if {@code columns} is not
   *     positive
   */
  public BatchLayout floats(String name, int minTime, int maxTime, int columns) {
    return with(new Slot(name, Kind.FLOATS, minTime, maxTime, columns, null));
  }

  /**
   * Adds a vector.
   *
   * @param columns its elements, F
   * @throws IllegalArgumentException if there is a slot of this name, {@code columns} is not
   *     positive, or the slot has more than 2⁴⁸ numbers
   */
  public BatchLayout vector(String name, int columns) {
    return with(new Slot(name, Kind.VECTOR, 1, 1, columns, null));
  }

  /**
   * Sets how many shapes a batch can have, K, 8 if this is not called. Each that occurs needs
   * activations of its own; the more there are, the less of a batch is padding.
   *
   * @throws IllegalArgumentException if it is not positive
   */
  public BatchLayout shapes(int shapes) {
    requireAtLeast(1, shapes, "shapes");
    return new BatchLayout(batch, slots, shapes);
  }

  /**
   * Returns this with a part of the rows.
   *
   * @throws IllegalArgumentException if they cannot be divided by as many
   */
  BatchLayout divided(int shards) {
    if (shards < 1 || batch % shards != 0) {
      throw new IllegalArgumentException(
          "a batch of " + batch + " rows cannot be divided among " + shards);
    }
    return new BatchLayout(batch / shards, slots, wantedShapes);
  }

  /** Returns the number of rows, B. */
  public int batch() {
    return batch;
  }

  /**
   * Returns the number of shapes, K: 1 if no length varies, and never more than the longest
   * sequence has steps.
   */
  public int shapes() {
    return shapes;
  }

  /** Returns the slots in the order in which they were added. */
  public List<Slot> slots() {
    return slots;
  }

  /**
   * Returns the place of a slot among {@link #slots}.
   *
   * @throws IllegalArgumentException if there is none of this name
   */
  public int index(String name) {
    Objects.requireNonNull(name, "name");
    for (int i = 0; i < slots.size(); i++) {
      if (slots.get(i).name().equals(name)) {
        return i;
      }
    }
    throw new IllegalArgumentException(
        "no slot " + name + " in a batch of " + slots.stream().map(Slot::name).toList());
  }

  /** Returns the place of the sequence that a slot labels, of others their own. */
  int sequence(int slot) {
    String like = slots.get(slot).like();
    return like == null ? slot : index(like);
  }

  /** Returns the number of steps of a slot in a batch of a shape, 1 if it is no sequence. */
  public int time(int slot, int shape) {
    Objects.checkIndex(shape, shapes);
    Slot which = slots.get(slot);
    return which.varies()
        ? Math.toIntExact(Math.ceilDiv((long) which.maxTime() * (shape + 1), shapes))
        : which.maxTime();
  }

  /** Returns the smallest shape into which a row of a slot fits. */
  public int shape(int slot, int length) {
    Slot which = slots.get(slot);
    return which.varies() && length > 0 ? (int) ((length - 1L) * shapes / which.maxTime()) : 0;
  }

  /** Returns the steps of all sequences of a batch of a shape, padding too; B without any. */
  public long steps(int shape) {
    long time = 0;
    for (int i = 0; i < slots.size(); i++) {
      time += slots.get(i).isSequence() ? time(i, shape) : 0;
    }
    return batch * Math.max(1, time);
  }

  /**
   * Refuses memory for other batches.
   *
   * @throws IllegalArgumentException if a slot, the number of rows or of shapes is another
   */
  void require(BatchLayout other) {
    boolean same =
        other == this
            || other.batch == batch && other.shapes == shapes && other.slots.equals(slots);
    if (!same) {
      throw new IllegalArgumentException("memory for " + other + ", the batches are " + this);
    }
  }

  /** Returns the elements of a slot in a batch of a shape. */
  long elements(int slot, int shape) {
    return (long) time(slot, shape) * batch * slots.get(slot).columns();
  }

  private BatchLayout with(Slot slot) {
    Objects.requireNonNull(slot.name(), "name");
    if (slots.stream().anyMatch(other -> other.name().equals(slot.name()))) {
      throw new IllegalArgumentException("two slots " + slot.name());
    }
    requireAtLeast(0, slot.minTime(), slot.name() + ": fewest steps");
    requireAtLeast(Math.max(1, slot.minTime()), slot.maxTime(), slot.name() + ": most steps");
    requireAtLeast(1, slot.columns(), slot.name() + ": columns");
    if ((long) slot.maxTime() * batch > Integer.MAX_VALUE) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "%s: %d rows of %d steps, together at most %d",
              slot.name(),
              batch,
              slot.maxTime(),
              Integer.MAX_VALUE));
    }
    long elements = (long) slot.maxTime() * batch * slot.columns();
    if (elements > MOST_ELEMENTS) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "%s: a batch has %d numbers, together at most %d",
              slot.name(),
              elements,
              MOST_ELEMENTS));
    }
    var more = new ArrayList<>(slots);
    more.add(slot);
    return new BatchLayout(batch, List.copyOf(more), wantedShapes);
  }

  private static void requireAtLeast(int least, int value, String name) {
    if (value < least) {
      throw new IllegalArgumentException(name + " = " + value + ", must be at least " + least);
    }
  }

  /** All that two layouts must have in common for the same batches to fit into both. */
  @Override
  public String toString() {
    var text = new StringJoiner(", ", batch + " x (", ")");
    for (Slot slot : slots) {
      String time = slot.varies() ? slot.minTime() + ".." + slot.maxTime() : "" + slot.maxTime();
      String like = slot.like() == null ? "" : " of " + slot.like();
      text.add(slot.kind() + " " + slot.name() + "[" + time + ", " + slot.columns() + "]" + like);
    }
    return text + (shapes > 1 ? " in " + shapes + " shapes" : "");
  }
}
