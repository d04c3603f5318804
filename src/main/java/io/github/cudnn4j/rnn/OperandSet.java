package io.github.cudnn4j.rnn;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.cudnn.Operands;
import org.jspecify.annotations.Nullable;

/**
 * The operands of one call, checked as they are named: each by itself, and what is written against
 * everything else for overlap, which cuDNN permits nowhere. Made once and used for every call, so
 * that checking allocates nothing.
 */
final class OperandSet {
  /** Backward names the most: x, y, hx, cx, dy, dhy, dcy, dx, dhx, dcx and two weight spaces. */
  private static final int CAPACITY = 12;

  private final Device device;
  private final ElementType type;
  private final String[] names = new String[CAPACITY];
  private final @Nullable DeviceBuffer[] buffers = new @Nullable DeviceBuffer[CAPACITY];
  private final boolean[] written = new boolean[CAPACITY];
  private int count;

  OperandSet(Device device, ElementType type) {
    this.device = device;
    this.type = type;
  }

  /** Starts the next call. */
  OperandSet next() {
    count = 0;
    return this;
  }

  /** Names an operand that is read; null is an absent one. */
  OperandSet read(String name, @Nullable DeviceBuffer buffer, long elements) {
    return add(name, buffer, elements, false);
  }

  /** Names an operand that is written; null is an absent one. */
  OperandSet write(String name, @Nullable DeviceBuffer buffer, long elements) {
    return add(name, buffer, elements, true);
  }

  private OperandSet add(
      String name, @Nullable DeviceBuffer buffer, long elements, boolean isWritten) {
    if (buffer == null) {
      return this;
    }
    Operands.check(name, buffer, device, type, elements);
    for (int i = 0; i < count; i++) {
      DeviceBuffer other = buffers[i];
      if (other != null && (isWritten || written[i])) {
        Operands.checkDisjoint(name, buffer, names[i], other);
      }
    }
    names[count] = name;
    buffers[count] = buffer;
    written[count] = isWritten;
    count++;
    return this;
  }
}
