package io.github.cudnn4j.onnx;

import io.github.cudnn4j.io.HalfFloat;
import io.github.cudnn4j.io.Message;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * Numbers of a file, or computed of such, on the host.
 *
 * @param shape without extents for a single number
 * @param values row-major; whole numbers beyond 2⁵³ are rounded, of which there are none but those
 *     that mean the end of everything
 */
record OnnxArray(OnnxType type, int[] shape, double[] values) {

  /** What is computed on the host is about shapes and initial states, so no more than this. */
  static final int MOST_COMPUTED = 1 << 22;

  private static final int EXTERNAL = 1;

  static OnnxArray whole(long... values) {
    return new OnnxArray(
        OnnxType.INT64,
        new int[] {values.length},
        Arrays.stream(values).asDoubleStream().toArray());
  }

  /** Returns an array of one number many times. */
  static OnnxArray filled(OnnxType type, double value, long[] shape) {
    double[] values = new double[computable(shape)];
    Arrays.fill(values, value);
    return new OnnxArray(type, ints(shape), values);
  }

  /** Returns how many elements a shape has that is to be computed. */
  static int computable(long... shape) {
    long elements = 1;
    for (long extent : shape) {
      if (extent < 0 || extent > MOST_COMPUTED || (elements *= extent) > MOST_COMPUTED) {
        throw new IllegalArgumentException(
            "the shape "
                + Arrays.toString(shape)
                + " has more than "
                + MOST_COMPUTED
                + " elements");
      }
    }
    return (int) elements;
  }

  static int[] ints(long[] numbers) {
    return Arrays.stream(numbers).mapToInt(Math::toIntExact).toArray();
  }

  /** Reads a TensorProto. */
  static OnnxArray parse(String what, Message tensor) throws IOException {
    if (tensor.number(14, 0) == EXTERNAL || tensor.count(13) > 0) {
      throw new IOException(what + " has its data in another file, which is not read");
    }
    long typeNumber = tensor.number(2, 0);
    OnnxType type =
        OnnxType.of(typeNumber)
            .orElseThrow(
                () ->
                    new IOException(
                        what
                            + " is of the type number "
                            + typeNumber
                            + ", read are "
                            + Arrays.toString(OnnxType.values())));
    double[] values;
    ByteBuffer raw = tensor.bytes(9);
    if (raw != null) {
      values = raw(type, raw, what);
    } else {
      values =
          switch (type) {
            case FLOAT -> raw(type, tensor.fixed(4, Float.BYTES), what);
            case DOUBLE -> raw(type, tensor.fixed(10, Double.BYTES), what);
            case INT32 -> Arrays.stream(tensor.numbers(5)).asDoubleStream().toArray();
            case INT64 -> Arrays.stream(tensor.numbers(7)).asDoubleStream().toArray();
            case FLOAT16, BFLOAT16 ->
                Arrays.stream(tensor.numbers(5)).mapToDouble(bits -> half(type, bits)).toArray();
          };
    }
    long[] shape = tensor.numbers(1);
    long elements = 1;
    for (long extent : shape) {
      // No product of what passes here exceeds the number of values times an int.
      if (extent < 0 || extent > Integer.MAX_VALUE || elements > values.length) {
        elements = -1;
        break;
      }
      elements *= extent;
    }
    if (elements != values.length) {
      throw new IOException(
          what + " has " + values.length + " values for the shape " + Arrays.toString(shape));
    }
    return new OnnxArray(type, ints(shape), values);
  }

  private static double[] raw(OnnxType type, ByteBuffer bytes, String what) throws IOException {
    int size = type.type().bytes();
    if (bytes.remaining() % size != 0) {
      throw new IOException(what + " has " + bytes.remaining() + " bytes of " + type);
    }
    double[] values = new double[bytes.remaining() / size];
    for (int i = 0; i < values.length; i++) {
      values[i] =
          switch (type) {
            case FLOAT -> bytes.getFloat();
            case DOUBLE -> bytes.getDouble();
            case INT32 -> bytes.getInt();
            case INT64 -> bytes.getLong();
            case FLOAT16, BFLOAT16 -> half(type, bytes.getShort());
          };
    }
    return values;
  }

  private static double half(OnnxType type, long bits) {
    HalfFloat half = type == OnnxType.FLOAT16 ? HalfFloat.FLOAT16 : HalfFloat.BFLOAT16;
    return half.toFloat((short) bits);
  }

  int rank() {
    return shape.length;
  }

  boolean isFloating() {
    return type.isFloating();
  }

  /** Returns whole numbers, as extents and places are. */
  long[] numbers() {
    return Arrays.stream(values).mapToLong(value -> (long) value).toArray();
  }

  /** Returns the only number. */
  double number() {
    if (values.length != 1) {
      throw new IllegalArgumentException("one number is needed, these are " + values.length);
    }
    return values[0];
  }

  boolean isZero() {
    return Arrays.stream(values).allMatch(value -> value == 0);
  }

  OnnxArray reshape(int... extents) {
    return new OnnxArray(type, extents, values);
  }

  /** Returns by how many elements the places of a shape's extents lie apart; 0 where repeated. */
  static int[] strides(int[] shape, int[] repeated) {
    int[] strides = new int[repeated.length];
    int stride = 1;
    for (int i = shape.length - 1, to = strides.length - 1; i >= 0; i--, to--) {
      strides[to] = shape[i] == 1 ? 0 : stride;
      stride *= shape[i];
    }
    return strides;
  }

  /** Returns some places of an extent, in their order. */
  OnnxArray select(int axis, int[] places) {
    int[] selected = shape.clone();
    selected[axis] = places.length;
    int inner = IntStream.range(axis + 1, rank()).map(i -> shape[i]).reduce(1, (a, b) -> a * b);
    int outer = IntStream.range(0, axis).map(i -> shape[i]).reduce(1, (a, b) -> a * b);
    double[] result = new double[computable(Arrays.stream(selected).asLongStream().toArray())];
    for (int i = 0; i < outer; i++) {
      for (int j = 0; j < places.length; j++) {
        System.arraycopy(
            values,
            (i * shape[axis] + places[j]) * inner,
            result,
            (i * places.length + j) * inner,
            inner);
      }
    }
    return new OnnxArray(type, selected, result);
  }
}
