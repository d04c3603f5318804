package io.github.cudnn4j.tape;

import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.Launch;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Vectors, the last extent, put together, taken apart and put in another order. */
final class Columns {

  private Columns() {}

  static Tensor concatenate(Tape tape, Tensor... tensors) {
    if (tensors.length == 0) {
      throw new IllegalArgumentException("nothing to concatenate");
    }
    int[] shape = tensors[0].shape();
    long columns = 0;
    for (Tensor tensor : tensors) {
      int[] other = tensor.shape();
      if (other.length != shape.length
          || Arrays.mismatch(shape, 0, shape.length - 1, other, 0, shape.length - 1) >= 0) {
        throw new IllegalArgumentException(
            tensors[0] + " and " + tensor + ", must differ in the last extent only");
      }
      columns += tensor.columns();
    }
    if (columns > Integer.MAX_VALUE) {
      throw new IllegalArgumentException(
          columns + " columns in all, at most " + Integer.MAX_VALUE + " are possible");
    }
    shape[shape.length - 1] = (int) columns;
    return tape.record(
        shape,
        (in, y) -> {
          var forward = new ArrayList<Launch>();
          var backward = new ArrayList<Launch>();
          int first = 0;
          for (Tensor x : in) {
            int count = x.columns();
            forward.add(copy(tape, x.value(), count, 0, y.value(), y.columns(), first, count));
            DeviceBuffer dx = x.gradient();
            if (dx != null && y.gradient() != null) {
              backward.add(copy(tape, y.gradient(), y.columns(), first, dx, count, 0, count));
            }
            first += count;
          }
          return new Launches(forward, backward);
        },
        tensors);
  }

  static Tensor slice(Tape tape, Tensor x, int first, int count) {
    if (first < 0 || count < 1 || count > x.columns() - first) {
      throw new IllegalArgumentException(
          "columns " + first + " to " + ((long) first + count) + " of " + x);
    }
    int[] shape = x.shape();
    shape[shape.length - 1] = count;
    return tape.record(
        shape,
        (in, y) -> {
          Launch forward = copy(tape, x.value(), x.columns(), first, y.value(), count, 0, count);
          DeviceBuffer dy = y.gradient();
          DeviceBuffer dx = in.get(0).gradient();
          return dy == null || dx == null
              ? new Launches(List.of(forward), List.of())
              : new Slice(forward, dx, copy(tape, dy, count, 0, dx, x.columns(), first, count));
        },
        x);
  }

  static Tensor transpose(Tape tape, Tensor x) {
    tape.checkTensor("x", x, 3);
    int first = x.dim(0);
    int second = x.dim(1);
    return tape.record(
        new int[] {second, first, x.columns()},
        (in, y) ->
            Launches.of(
                swap(tape, x.value(), y.value(), first, second, x),
                in.get(0),
                y,
                (dy, dx) -> swap(tape, dy, dx, second, first, x)),
        x);
  }

  private static Launch swap(
      Tape tape, DeviceBuffer from, DeviceBuffer to, int first, int second, Tensor x) {
    return tape.own(
        tape.kernel("time", "swap", tape.type())
            .overRows(x.rows(), from, to, first, second, x.columns()));
  }

  /** What is outside of the part has no gradient from here. */
  private record Slice(Launch part, DeviceBuffer dx, Launch gradient) implements Operation {

    @Override
    public void forward() {
      part.run();
    }

    @Override
    public void backward() {
      dx.clear();
      gradient.run();
    }
  }

  private static Launch copy(
      Tape tape,
      DeviceBuffer x,
      int xColumns,
      int xFirst,
      DeviceBuffer y,
      int yColumns,
      int yFirst,
      int columns) {
    int rows = Math.toIntExact(x.elements() / xColumns);
    return tape.own(
        tape.kernel("elementwise", "copy_columns", tape.type())
            .overRows(rows, x, xColumns, xFirst, y, yColumns, yFirst, columns, rows));
  }
}
