package io.github.cudnn4j.data;

import io.github.cudnn4j.cuda.ElementType;

/**
 * Where in a place of the ring things are, in bytes: first a number of FLOAT64, then each slot and,
 * if it has them, its lengths.
 */
final class BatchOffsets {

  /** As many bytes as a vectorised load takes. */
  private static final int ALIGNMENT = 16;

  private final BatchLayout layout;
  private final ElementType type;
  private final long[][] slots;
  private final long[][] lengths;
  private final long[] bytes;

  /**
   * Lays out a batch.
   *
   * @param type that of floating-point slots
   */
  BatchOffsets(BatchLayout layout, ElementType type) {
    this.layout = layout;
    this.type = type;
    int count = layout.slots().size();
    slots = new long[layout.shapes()][count];
    lengths = new long[layout.shapes()][count];
    bytes = new long[layout.shapes()];
    for (int shape = 0; shape < layout.shapes(); shape++) {
      long at = aligned(ALIGNMENT, (long) layout.batch() * Integer.BYTES);
      for (int slot = 0; slot < count; slot++) {
        slots[shape][slot] = at;
        at = aligned(at, Math.multiplyExact(layout.elements(slot, shape), type(slot).bytes()));
        lengths[shape][slot] = at;
        if (layout.slots().get(slot).hasLengths()) {
          at = aligned(at, (long) layout.batch() * Integer.BYTES);
        }
      }
      bytes[shape] = at;
    }
  }

  private static long aligned(long at, long bytes) {
    return Math.multiplyExact(Math.ceilDiv(Math.addExact(at, bytes), ALIGNMENT), ALIGNMENT);
  }

  BatchLayout layout() {
    return layout;
  }

  /** Returns the element type of a slot. */
  ElementType type(int slot) {
    return layout.slots().get(slot).isOfInts() ? ElementType.INT32 : type;
  }

  /** Returns the element type of floating-point slots. */
  ElementType floatType() {
    return type;
  }

  /** Returns where it is told for each row whether it counts. */
  long counted() {
    return ALIGNMENT;
  }

  long slot(int slot, int shape) {
    return slots[shape][slot];
  }

  long lengths(int slot, int shape) {
    return lengths[shape][slot];
  }

  /** Returns the size of a batch of a shape, a number of whole words. */
  long bytes(int shape) {
    return bytes[shape];
  }

  /** Returns the size of the largest batch. */
  long bytes() {
    return bytes[bytes.length - 1];
  }
}
