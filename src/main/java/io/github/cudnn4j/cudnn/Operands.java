package io.github.cudnn4j.cudnn;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.ElementType;

/**
 * What every buffer must be before it goes into native code. Allocates nothing when all is well.
 */
public final class Operands {
  private Operands() {}

  /**
   * Checks one operand.
   *
   * @param name of the operand, for the message
   * @throws IllegalArgumentException if the buffer is on another device, of another type or not of
   *     exactly that many elements
   */
  public static void check(
      String name, DeviceBuffer buffer, Device device, ElementType type, long elements) {
    if (buffer.device() != device) {
      throw new IllegalArgumentException(
          name + " is on " + buffer.device().name() + ", but this runs on another device");
    }
    if (buffer.type() != type) {
      throw new IllegalArgumentException(
          name + " is " + buffer.type() + ", but it must be " + type);
    }
    if (buffer.elements() != elements) {
      throw new IllegalArgumentException(
          name + " has " + buffer.elements() + " elements, but it must have " + elements);
    }
  }

  /**
   * Checks that two operands have no byte in common.
   *
   * @throws IllegalArgumentException if they have
   */
  public static void checkDisjoint(
      String name, DeviceBuffer buffer, String otherName, DeviceBuffer other) {
    if (buffer.address() < other.address() + other.bytes()
        && other.address() < buffer.address() + buffer.bytes()) {
      throw new IllegalArgumentException(
          name + " and " + otherName + " overlap in memory, but they must be apart");
    }
  }

  /**
   * Checks that two operands are either the same bytes or have none in common.
   *
   * @throws IllegalArgumentException if they share some bytes only
   */
  public static void checkSameOrDisjoint(
      String name, DeviceBuffer buffer, String otherName, DeviceBuffer other) {
    if (buffer.address() != other.address()) {
      checkDisjoint(name, buffer, otherName, other);
    }
  }
}
