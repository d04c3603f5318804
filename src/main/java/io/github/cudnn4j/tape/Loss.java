package io.github.cudnn4j.tape;

import io.github.cudnn4j.cuda.DeviceBuffer;

/**
 * A mean negative log likelihood, kept on the device.
 *
 * <p>The meter sums over plays, so that many steps can be averaged and read once. A window whose
 * loss is not finite is left out of the meter.
 */
public final class Loss {

  private final DeviceBuffer value;
  private final DeviceBuffer meter;

  Loss(DeviceBuffer value, DeviceBuffer meter) {
    this.value = value;
    this.meter = meter;
  }

  /**
   * Returns one FLOAT64 element on a tape of FP64, else FLOAT32: the mean over the counted
   * positions, in nats.
   */
  public DeviceBuffer value() {
    return value;
  }

  /**
   * Returns two FLOAT64 elements: the sum of the loss over all positions counted since the meter
   * was cleared, in nats, and their number.
   */
  public DeviceBuffer meter() {
    return meter;
  }

  /** Reads {@link #value}; waits for the device. */
  public double read() {
    return switch (value.type()) {
      case FLOAT32 -> value.toFloats()[0];
      default -> value.toDoubles()[0];
    };
  }
}
