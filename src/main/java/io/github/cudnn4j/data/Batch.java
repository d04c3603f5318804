package io.github.cudnn4j.data;

import io.github.cudnn4j.tape.Indices;
import io.github.cudnn4j.tape.Lengths;
import io.github.cudnn4j.tape.Tape;
import io.github.cudnn4j.tape.Tensor;
import java.io.IOException;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * A batch as a network sees it while it is recorded on a tape: memory of the device in which each
 * batch of one shape will be. Borrowed from a {@link Feed}; for the device's thread.
 */
public final class Batch {

  private final Feed feed;
  private final BatchLayout layout;
  private final Tape tape;
  private final int shape;

  /** Of each slot that was asked for: what operations have said that they can take. */
  private final @Nullable Indices[] indices;

  Batch(Feed feed, Tape tape, int shape) {
    this.feed = feed;
    this.layout = feed.layout();
    this.tape = tape;
    this.shape = shape;
    indices = new Indices[layout.slots().size()];
  }

  /** Returns the number of rows, B, those that do not count too. */
  public int size() {
    return layout.batch();
  }

  /**
   * Returns which rows count, for losses of slots that do not tell it themselves.
   *
   * @return {@code [B]}, negative for a row that only fills up the last batch of a pass
   */
  public Indices counted() {
    return tape.indices(feed.counted(), layout.batch());
  }

  /**
   * Returns a sequence of tokens.
   *
   * @return {@code [T, B]}, -1 behind the end of a row
   * @throws IllegalArgumentException if there is no such slot
   */
  public Indices tokens(String name) {
    return indices(slot(name, BatchLayout.Kind.TOKENS, BatchLayout.Kind.TOKENS));
  }

  /**
   * Returns labels.
   *
   * @return {@code [B]}, or {@code [T, B]} if each step has one; one that is negative does not
   *     count
   * @throws IllegalArgumentException if there is no such slot
   */
  public Indices labels(String name) {
    return indices(slot(name, BatchLayout.Kind.LABEL, BatchLayout.Kind.LABELS));
  }

  /**
   * Returns the lengths of a sequence, or of that which {@code name} labels.
   *
   * @throws IllegalArgumentException if there is no such sequence, or all its rows have T steps
   */
  public Lengths lengths(String name) {
    int slot = layout.sequence(layout.index(name));
    var described = layout.slots().get(slot);
    if (!described.hasLengths()) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "slot %s has no lengths: %s",
              name,
              described.isSequence()
                  ? "all of its rows have " + described.maxTime() + " steps"
                  : "it holds " + described.kind()));
    }
    return tape.lengths(feed.lengths(slot, shape), feed.hostLengths(slot));
  }

  /**
   * Returns a sequence of vectors.
   *
   * @return {@code [T, B, F]}, 0 behind the end of a row and in rows that are not {@link #counted}
   * @throws IllegalArgumentException if there is no such slot
   */
  public Tensor floats(String name) {
    return tensor(slot(name, BatchLayout.Kind.FLOATS, BatchLayout.Kind.FLOATS));
  }

  /**
   * Returns vectors.
   *
   * @return {@code [B, F]}, 0 in rows that are not {@link #counted}
   * @throws IllegalArgumentException if there is no such slot
   */
  public Tensor vector(String name) {
    return tensor(slot(name, BatchLayout.Kind.VECTOR, BatchLayout.Kind.VECTOR));
  }

  /**
   * Refuses what the feed has taken if it holds a number that an operation which was given it here
   * cannot take, see {@link Indices#limit}.
   *
   * @throws RecordException if it holds one, and the source tells of which record it is
   * @throws IOException if it holds one
   */
  public void check() throws IOException {
    HostBatch taken = feed.taken();
    for (int slot = 0; slot < indices.length; slot++) {
      Indices known = indices[slot];
      if (known != null) {
        taken.require(slot, known);
      }
    }
  }

  private int slot(String name, BatchLayout.Kind kind, BatchLayout.Kind orKind) {
    int slot = layout.index(name);
    var found = layout.slots().get(slot).kind();
    if (found != kind && found != orKind) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "slot %s holds %s, not %s",
              name,
              found,
              kind == orKind ? kind : kind + " or " + orKind));
    }
    return slot;
  }

  private Indices indices(int slot) {
    feed.checkOpen();
    Indices known = indices[slot];
    if (known == null) {
      known = tape.indices(feed.slot(slot, shape), shape(slot));
      indices[slot] = known;
    }
    return known;
  }

  private Tensor tensor(int slot) {
    return tape.input(feed.slot(slot, shape), shape(slot));
  }

  private int[] shape(int slot) {
    int batch = layout.batch();
    int time = layout.time(slot, shape);
    var described = layout.slots().get(slot);
    return switch (described.kind()) {
      case TOKENS, LABELS -> new int[] {time, batch};
      case LABEL -> new int[] {batch};
      case FLOATS -> new int[] {time, batch, described.columns()};
      case VECTOR -> new int[] {batch, described.columns()};
    };
  }
}
