package io.github.cudnn4j.onnx;

import io.github.cudnn4j.tape.Indices;
import io.github.cudnn4j.tape.Lengths;
import io.github.cudnn4j.tape.Tape;
import io.github.cudnn4j.tape.Tensor;
import java.util.Arrays;
import java.util.stream.IntStream;

/** A value of a graph that is being recorded. */
sealed interface Value {

  int[] shape();

  /** Numbers that are known. */
  record Host(OnnxArray array) implements Value {
    @Override
    public int[] shape() {
      return array.shape();
    }
  }

  /** Whole numbers that the caller will write. */
  record Numbers(Indices indices) implements Value {
    @Override
    public int[] shape() {
      return indices.shape();
    }
  }

  /** Lengths that the caller will set. */
  record Counts(Lengths lengths) implements Value {
    @Override
    public int[] shape() {
      return new int[] {lengths.batch()};
    }
  }

  /**
   * A tensor of the tape, seen with its extents in another order. Most transpositions of exporters
   * take back what an operator of ONNX had done, so they are recorded only where they are needed.
   *
   * @param order which extent of the tensor each extent of the value is
   */
  record OnDevice(Tensor tensor, int[] order) implements Value {

    static OnDevice of(Tensor tensor) {
      return new OnDevice(tensor, IntStream.range(0, tensor.rank()).toArray());
    }

    @Override
    public int[] shape() {
      return Arrays.stream(order).map(tensor::dim).toArray();
    }

    OnDevice transpose(int[] permutation) {
      return new OnDevice(tensor, Arrays.stream(permutation).map(i -> order[i]).toArray());
    }

    /** Tells whether the elements lie in the order of the value; where extents of 1 are is one. */
    boolean isInOrder() {
      int[] counting = Arrays.stream(order).filter(i -> tensor.dim(i) > 1).toArray();
      return Arrays.equals(counting, Arrays.stream(counting).sorted().toArray());
    }

    /** Tells whether this is a matrix whose transpose lies there. */
    boolean isTransposedMatrix() {
      return Arrays.equals(order, new int[] {1, 0});
    }

    /** Returns the value with its elements in order. */
    Tensor inOrder(Tape tape) {
      int[] shape = shape();
      if (isInOrder()) {
        return tape.reshape(tensor, shape);
      }
      int last = order.length;
      int columns = 1;
      while (order[last - 1] == last - 1) {
        columns *= shape[--last];
      }
      if (last == 2) {
        return tape.reshape(
            tape.transpose(tape.reshape(tensor, shape[1], shape[0], columns)), shape);
      }
      int[] strides = new int[order.length];
      for (int i = order.length - 1, stride = 1; i >= 0; stride *= tensor.dim(i--)) {
        strides[i] = stride;
      }
      int rows = (int) (tensor.elements() / columns);
      int[] sources = new int[rows];
      for (int row = 0; row < rows; row++) {
        int rest = row;
        for (int i = last - 1; i >= 0; i--) {
          sources[row] += rest % shape[i] * (strides[order[i]] / columns);
          rest /= shape[i];
        }
      }
      Indices indices = tape.indices(rows);
      indices.buffer().copyFrom(sources);
      return tape.reshape(tape.gather(tape.reshape(tensor, rows, columns), indices), shape);
    }
  }
}
