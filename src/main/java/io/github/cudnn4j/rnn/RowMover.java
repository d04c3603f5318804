package io.github.cudnn4j.rnn;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.cuda.Launch;
import io.github.cudnn4j.cuda.Parts;
import org.jspecify.annotations.Nullable;

/**
 * Moves vectors and states between the user's order and the packed one, by a kernel on the device's
 * stream. One launch serves all moves, so that moving allocates nothing.
 */
final class RowMover {
  private static final int PLACES = 0;
  private static final int SOURCE = 1;
  private static final int OTHERWISE = 2;
  private static final int HAS_OTHERWISE = 3;
  private static final int TARGET = 4;
  private static final int ROWS = 5;
  private static final int WIDTH = 6;

  private final DeviceBuffer packedVectors;
  private final DeviceBuffer paddedVectors;
  private final DeviceBuffer packedStates;
  private final DeviceBuffer paddedStates;
  private final Launch launch;

  /**
   * Uploads the places.
   *
   * @param parts takes over what is made
   */
  RowMover(Device device, ElementType type, RowOrder order, int pseudoLayers, Parts parts) {
    packedVectors = upload(device, order.packedVectors(), parts);
    paddedVectors = upload(device, order.paddedVectors(), parts);
    packedStates = upload(device, order.packedStates(pseudoLayers), parts);
    paddedStates = upload(device, order.paddedStates(pseudoLayers), parts);
    launch =
        parts.add(
            device
                .kernels()
                .get("sequence", "gather_rows_" + type.bytes())
                .overRows(
                    order.padded(),
                    paddedVectors,
                    paddedVectors,
                    paddedVectors,
                    0,
                    paddedVectors,
                    0,
                    0));
  }

  private static DeviceBuffer upload(Device device, int[] places, Parts parts) {
    DeviceBuffer buffer =
        parts.add(DeviceBuffer.allocate(device, ElementType.INT32, places.length));
    if (places.length > 0) {
      buffer.copyFrom(places);
    }
    return buffer;
  }

  /** Takes the vectors of x or dy out of the padding. */
  void pack(DeviceBuffer padded, DeviceBuffer packed, int width) {
    move(packedVectors, padded, null, packed, width);
  }

  /** Puts the vectors of y or dx where they belong; the padding becomes 0. */
  void pad(DeviceBuffer packed, DeviceBuffer padded, int width) {
    move(paddedVectors, packed, null, padded, width);
  }

  /**
   * Sorts states, without those of empty rows.
   *
   * @param states null if there are none
   * @param packed null if the cell has no such state
   */
  void packStates(@Nullable DeviceBuffer states, @Nullable DeviceBuffer packed, int width) {
    if (packed != null && states != null) {
      move(packedStates, states, null, packed, width);
    }
  }

  /**
   * Puts states back into the order of the rows.
   *
   * @param packed null if the cell has no such state
   * @param ofEmptyRows where empty rows have theirs from, in the order of the rows; null for zeros
   * @param states null if they are not wanted
   */
  void padStates(
      @Nullable DeviceBuffer packed,
      @Nullable DeviceBuffer ofEmptyRows,
      @Nullable DeviceBuffer states,
      int width) {
    if (packed != null && states != null) {
      move(paddedStates, packed, ofEmptyRows, states, width);
    }
  }

  private void move(
      DeviceBuffer places,
      DeviceBuffer source,
      @Nullable DeviceBuffer otherwise,
      DeviceBuffer target,
      int width) {
    int rows = (int) places.elements();
    if (rows == 0) {
      return;
    }
    launch
        .set(PLACES, places)
        .set(SOURCE, source)
        .set(OTHERWISE, otherwise == null ? target : otherwise)
        .set(HAS_OTHERWISE, otherwise == null ? 0 : 1)
        .set(TARGET, target)
        .set(ROWS, rows)
        .set(WIDTH, width)
        .run();
  }
}
