package io.github.cudnn4j.tape;

import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.Launch;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/** Tensors put together, taken apart, repeated and put in another order. */
final class Rearrangement {

  private Rearrangement() {}

  static Tensor concatenate(Tape tape, int extent, Tensor... tensors) {
    if (tensors.length == 0) {
      throw new IllegalArgumentException("nothing to concatenate");
    }
    int[] shape = tensors[0].shape();
    checkExtent(tensors[0], extent);
    long together = 0;
    for (Tensor tensor : tensors) {
      int[] other = tensor.shape();
      if (other.length != shape.length
          || Arrays.mismatch(shape, 0, extent, other, 0, extent) >= 0
          || Arrays.mismatch(shape, extent + 1, shape.length, other, extent + 1, shape.length)
              >= 0) {
        throw new IllegalArgumentException(
            String.format(
                Locale.ROOT,
                "%s and %s, must differ in extent %d only",
                tensors[0],
                tensor,
                extent));
      }
      together += tensor.dim(extent);
    }
    if (together > Integer.MAX_VALUE) {
      throw new IllegalArgumentException(
          together + " is too much for one extent, at most " + Integer.MAX_VALUE + " is possible");
    }
    shape[extent] = (int) together;
    return tape.record(
        shape,
        (in, y) -> {
          var forward = new ArrayList<Launch>();
          var backward = new ArrayList<Launch>();
          int first = 0;
          for (Tensor x : in) {
            var range = new ExtentRange(y, extent, first, x.dim(extent));
            forward.add(range.put(tape, x.value(), y.value()));
            DeviceBuffer dx = x.gradient();
            if (dx != null && y.gradient() != null) {
              backward.add(range.take(tape, y.gradient(), dx));
            }
            first += x.dim(extent);
          }
          return new Launches(forward, backward);
        },
        tensors);
  }

  static Tensor slice(Tape tape, Tensor x, int extent, int first, int count) {
    checkExtent(x, extent);
    if (first < 0 || count < 1 || count > x.dim(extent) - first) {
      throw new IllegalArgumentException(
          first + " to " + ((long) first + count) + " of extent " + extent + " of " + x);
    }
    int[] shape = x.shape();
    shape[extent] = count;
    var range = new ExtentRange(x, extent, first, count);
    return tape.record(
        shape,
        (in, y) -> {
          Launch forward = range.take(tape, x.value(), y.value());
          DeviceBuffer dy = y.gradient();
          DeviceBuffer dx = in.get(0).gradient();
          return dy == null || dx == null
              ? new Launches(List.of(forward), List.of())
              : new Slice(forward, dx, range.put(tape, dy, dx));
        },
        x);
  }

  static List<Tensor> unbind(Tape tape, Tensor x) {
    if (x.rank() < 2) {
      throw new IllegalArgumentException(x + " has one extent, at least 2 are needed");
    }
    int[] shape = Arrays.copyOfRange(x.shape(), 1, x.rank());
    long elements = x.elements() / x.dim(0);
    List<Tensor> parts = new ArrayList<>();
    DeviceBuffer gradient = SharedGradient.of(tape, x).gradient();
    for (long i = 0; i < x.dim(0); i++) {
      parts.add(
          tape.produced(
              new Tensor(
                  tape,
                  x.value().slice(i * elements, elements),
                  gradient == null ? null : gradient.slice(i * elements, elements),
                  shape)));
    }
    return parts;
  }

  static Tensor stack(Tape tape, Tensor... tensors) {
    var rows = new Tensor[tensors.length];
    for (int i = 0; i < rows.length; i++) {
      int[] shape = tensors[i].shape();
      int[] row = new int[shape.length + 1];
      row[0] = 1;
      System.arraycopy(shape, 0, row, 1, shape.length);
      rows[i] = tape.reshape(tensors[i], row);
    }
    return concatenate(tape, 0, rows);
  }

  static Tensor repeat(Tape tape, Tensor x, int count) {
    int[] shape = new int[x.rank() + 1];
    shape[0] = count;
    System.arraycopy(x.shape(), 0, shape, 1, x.rank());
    int columns = Math.toIntExact(x.elements());
    return tape.record(
        (in, y) -> {
          Launch forward = copy(tape, count, columns, x.value(), 0, 0, y.value(), columns, 0);
          DeviceBuffer dx = in.get(0).gradient();
          return new Launches(
              List.of(forward),
              dx == null || y.gradient() == null
                  ? List.of()
                  : List.of(Linear.biasGradient(tape, y.gradient(), dx, count, columns)));
        },
        tape.output(x.gradient() != null, shape),
        List.of(),
        List.of(x));
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

  private static void checkExtent(Tensor x, int extent) {
    if (extent < 0 || extent >= x.rank()) {
      throw new IllegalArgumentException(
          String.format(Locale.ROOT, "extent %d of %s, must be in [0, %d)", extent, x, x.rank()));
    }
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

  /** A part of one extent of a tensor, from {@code first} on. */
  private record ExtentRange(Tensor whole, int extent, int first, int count) {

    /** Copies a tensor to its place. */
    Launch put(Tape tape, DeviceBuffer part, DeviceBuffer all) {
      return copy(tape, part, all, false);
    }

    /** Copies a tensor from its place. */
    Launch take(Tape tape, DeviceBuffer all, DeviceBuffer part) {
      return copy(tape, part, all, true);
    }

    private Launch copy(Tape tape, DeviceBuffer part, DeviceBuffer all, boolean out) {
      long rows = 1;
      for (int i = 0; i < extent; i++) {
        rows *= whole.dim(i);
      }
      long width = whole.elements() / rows;
      long vector = width / whole.dim(extent);
      long columns = count * vector;
      long place = first * vector;
      if (rows == 1 && extent < whole.rank() - 1) {
        // A part without gaps, which can be cut into more rows.
        all = all.slice(place, columns);
        columns = whole.columns();
        width = columns;
        place = 0;
        rows = part.elements() / columns;
      }
      return out
          ? Rearrangement.copy(tape, rows, columns, all, width, place, part, columns, 0)
          : Rearrangement.copy(tape, rows, columns, part, columns, 0, all, width, place);
    }
  }

  /** Copies columns from those of x, rows being {@code stride} elements apart, to those of y. */
  private static Launch copy(
      Tape tape,
      long rows,
      long columns,
      DeviceBuffer x,
      long xStride,
      long xFirst,
      DeviceBuffer y,
      long yStride,
      long yFirst) {
    return tape.own(
        tape.kernel("elementwise", "copy_columns", tape.type())
            .overRows(
                rows,
                x,
                Math.toIntExact(xStride),
                Math.toIntExact(xFirst),
                y,
                Math.toIntExact(yStride),
                Math.toIntExact(yFirst),
                Math.toIntExact(columns),
                Math.toIntExact(rows)));
  }
}
