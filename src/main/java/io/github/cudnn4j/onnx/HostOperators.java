package io.github.cudnn4j.onnx;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.DoubleBinaryOperator;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Operators on numbers that are known when the network is recorded: exporters compute shapes and
 * zero states by them.
 */
final class HostOperators {

  /** Computes the output of a node. */
  private interface Operator {
    OnnxArray compute(OnnxNode node, List<OnnxArray> in);
  }

  private static final Map<String, Operator> OPERATORS =
      Map.ofEntries(
          Map.entry("Identity", (_, in) -> in.get(0)),
          Map.entry("Cast", HostOperators::cast),
          Map.entry("Gather", HostOperators::gather),
          Map.entry("Concat", HostOperators::concat),
          Map.entry("Squeeze", HostOperators::squeeze),
          Map.entry("Unsqueeze", HostOperators::unsqueeze),
          Map.entry("Expand", HostOperators::expand),
          Map.entry("ConstantOfShape", HostOperators::constantOfShape),
          Map.entry("Slice", HostOperators::slice),
          Map.entry("Reshape", (node, in) -> in.get(0).reshape(extents(node, in))),
          Map.entry("Add", (node, in) -> each(node, in, (a, b) -> a + b)),
          Map.entry("Sub", (node, in) -> each(node, in, (a, b) -> a - b)),
          Map.entry("Mul", (node, in) -> each(node, in, (a, b) -> a * b)),
          Map.entry("Div", HostOperators::divide));

  private HostOperators() {}

  static boolean isKnown(String operator) {
    return OPERATORS.containsKey(operator);
  }

  /**
   * Computes a node.
   *
   * @param in null for an input that is left out
   */
  static OnnxArray compute(OnnxNode node, List<@Nullable OnnxArray> in) {
    List<OnnxArray> given = new ArrayList<>();
    for (OnnxArray each : in) {
      given.add(each == null ? OnnxArray.whole() : each);
    }
    return OPERATORS.get(node.operator()).compute(node, given);
  }

  private static OnnxArray cast(OnnxNode node, List<OnnxArray> in) {
    OnnxType type = castTo(node);
    double[] values = in.get(0).values();
    return new OnnxArray(
        type,
        in.get(0).shape(),
        type.isFloating() ? values : Arrays.stream(values).map(value -> (long) value).toArray());
  }

  static OnnxType castTo(OnnxNode node) {
    long to = node.number("to", 0);
    return OnnxType.of(to).orElseThrow(() -> node.refused("it casts to the type number " + to));
  }

  private static OnnxArray gather(OnnxNode node, List<OnnxArray> in) {
    OnnxArray data = in.get(0);
    OnnxArray places = in.get(1);
    int axis = node.axis(0, data.rank());
    int[] shape =
        IntStream.concat(
                IntStream.concat(
                    Arrays.stream(data.shape(), 0, axis), Arrays.stream(places.shape())),
                Arrays.stream(data.shape(), axis + 1, data.rank()))
            .toArray();
    return data.select(axis, places(node, places, data.shape()[axis])).reshape(shape);
  }

  /** Returns places in an extent, in [0, extent). */
  static int[] places(OnnxNode node, OnnxArray places, int extent) {
    return Arrays.stream(places.numbers())
        .mapToInt(
            place -> {
              if (place < -extent || place >= extent) {
                throw node.refused("place " + place + " of " + extent);
              }
              return (int) (place < 0 ? place + extent : place);
            })
        .toArray();
  }

  private static OnnxArray concat(OnnxNode node, List<OnnxArray> in) {
    int axis = node.axis(0, in.get(0).rank());
    if (in.stream().anyMatch(each -> each.rank() != in.get(0).rank())) {
      throw node.refused("its inputs have different numbers of extents");
    }
    if (axis != 0) {
      throw node.refused("numbers of the host are concatenated along extent 0, not " + axis);
    }
    int[] shape = in.get(0).shape().clone();
    shape[0] = in.stream().mapToInt(each -> each.shape()[0]).sum();
    double[] values = in.stream().flatMapToDouble(each -> Arrays.stream(each.values())).toArray();
    if (OnnxArray.computable(Arrays.stream(shape).asLongStream().toArray()) != values.length) {
      throw node.refused("its inputs do not fit each other");
    }
    return new OnnxArray(in.get(0).type(), shape, values);
  }

  private static OnnxArray squeeze(OnnxNode node, List<OnnxArray> in) {
    return in.get(0).reshape(squeezed(node, in.get(0).shape(), in.size() > 1 ? in.get(1) : null));
  }

  /** Returns the shape without the extents of 1 that are told, or without any. */
  static int[] squeezed(OnnxNode node, int[] shape, @Nullable OnnxArray axes) {
    boolean[] gone = new boolean[shape.length];
    if (axes == null || axes.values().length == 0) {
      for (int i = 0; i < shape.length; i++) {
        gone[i] = shape[i] == 1;
      }
    } else {
      for (long axis : axes.numbers()) {
        gone[OnnxNode.axis(axis, shape.length, node)] = true;
      }
    }
    for (int i = 0; i < shape.length; i++) {
      if (gone[i] && shape[i] != 1) {
        throw node.refused("extent " + i + " of " + Arrays.toString(shape) + " is not 1");
      }
    }
    return IntStream.range(0, shape.length).filter(i -> !gone[i]).map(i -> shape[i]).toArray();
  }

  private static OnnxArray unsqueeze(OnnxNode node, List<OnnxArray> in) {
    return in.get(0).reshape(unsqueezed(node, in.get(0).shape(), in.get(1)));
  }

  /** Returns the shape with extents of 1 at the places that are told. */
  static int[] unsqueezed(OnnxNode node, int[] shape, OnnxArray axes) {
    int rank = shape.length + axes.values().length;
    int[] longer = new int[rank];
    for (long axis : axes.numbers()) {
      longer[OnnxNode.axis(axis, rank, node)] = 1;
    }
    int next = 0;
    for (int i = 0; i < rank; i++) {
      longer[i] = longer[i] == 1 ? 1 : shape[next++];
    }
    if (next != shape.length) {
      throw node.refused("an axis is told twice: " + Arrays.toString(axes.numbers()));
    }
    return longer;
  }

  private static OnnxArray expand(OnnxNode node, List<OnnxArray> in) {
    OnnxArray value = in.get(0);
    long[] shape = in.get(1).numbers();
    if (value.values().length == 1 && value.rank() <= shape.length) {
      return OnnxArray.filled(value.type(), value.values()[0], shape);
    }
    double[] zeros = new double[OnnxArray.computable(shape)];
    OnnxArray like = new OnnxArray(value.type(), OnnxArray.ints(shape), zeros);
    return each(node, List.of(value, like), Double::sum);
  }

  private static OnnxArray constantOfShape(OnnxNode node, List<OnnxArray> in) {
    Object value = node.attributes().get("value");
    OnnxArray one =
        value instanceof OnnxArray array
            ? array
            : new OnnxArray(OnnxType.FLOAT, new int[0], new double[1]);
    return OnnxArray.filled(one.type(), one.number(), in.get(0).numbers());
  }

  private static OnnxArray slice(OnnxNode node, List<OnnxArray> in) {
    OnnxArray result = in.get(0);
    for (Part part : parts(node, result.shape(), in)) {
      result =
          result.select(part.axis, IntStream.range(part.first, part.first + part.count).toArray());
    }
    return result;
  }

  /** A part of an extent. */
  record Part(int axis, int first, int count) {}

  /** Returns what a Slice takes. */
  static List<Part> parts(OnnxNode node, int[] shape, List<OnnxArray> in) {
    long[] starts = in.get(1).numbers();
    long[] ends = in.get(2).numbers();
    boolean all = in.size() < 4 || in.get(3).values().length == 0;
    long[] axes =
        all ? IntStream.range(0, starts.length).asLongStream().toArray() : in.get(3).numbers();
    if (in.size() > 4 && Arrays.stream(in.get(4).numbers()).anyMatch(step -> step != 1)) {
      throw node.refused("its steps are " + Arrays.toString(in.get(4).numbers()) + ", not 1");
    }
    List<Part> parts = new ArrayList<>();
    for (int i = 0; i < starts.length; i++) {
      int axis = OnnxNode.axis(axes[i], shape.length, node);
      int extent = shape[axis];
      int first = Math.clamp(starts[i] < 0 ? starts[i] + extent : starts[i], 0, extent);
      int end = Math.clamp(ends[i] < 0 ? ends[i] + extent : ends[i], 0, extent);
      parts.add(new Part(axis, first, Math.max(0, end - first)));
    }
    return parts;
  }

  private static int[] extents(OnnxNode node, List<OnnxArray> in) {
    return reshaped(node, in.get(0).shape(), in.get(1));
  }

  /** Returns the shape that a Reshape gives. */
  static int[] reshaped(OnnxNode node, int[] shape, OnnxArray wanted) {
    long[] extents = wanted.numbers();
    boolean zeroStays = node.number("allowzero", 0) == 0;
    long elements = Arrays.stream(shape).asLongStream().reduce(1, (a, b) -> a * b);
    long rest = 1;
    int open = -1;
    for (int i = 0; i < extents.length; i++) {
      if (extents[i] == 0 && zeroStays && i < shape.length) {
        extents[i] = shape[i];
      }
      if (extents[i] == -1 && open < 0) {
        open = i;
      } else if (extents[i] < 0 || extents[i] > elements) {
        rest = 0;
      } else {
        rest *= extents[i];
      }
    }
    if (open >= 0 && rest > 0) {
      extents[open] = elements / rest;
      rest *= extents[open];
    }
    if (rest != elements || open >= 0 && rest == 0) {
      throw node.refused(
          "elements "
              + Arrays.toString(shape)
              + " do not have the shape "
              + Arrays.toString(wanted.numbers()));
    }
    return OnnxArray.ints(extents);
  }

  private static OnnxArray divide(OnnxNode node, List<OnnxArray> in) {
    if (in.get(0).isFloating()) {
      return each(node, in, (a, b) -> a / b);
    }
    return each(node, in, (a, b) -> (double) ((long) a / (long) b));
  }

  private static OnnxArray each(OnnxNode node, List<OnnxArray> in, DoubleBinaryOperator operator) {
    OnnxArray a = in.get(0);
    OnnxArray b = in.get(1);
    int[] shape = broadcast(node, a.shape(), b.shape());
    int[] ofA = OnnxArray.strides(a.shape(), shape);
    int[] ofB = OnnxArray.strides(b.shape(), shape);
    double[] values = new double[OnnxArray.computable(longs(shape))];
    for (int i = 0; i < values.length; i++) {
      int rest = i;
      int inA = 0;
      int inB = 0;
      for (int extent = shape.length - 1; extent >= 0; extent--) {
        int place = rest % shape[extent];
        rest /= shape[extent];
        inA += place * ofA[extent];
        inB += place * ofB[extent];
      }
      values[i] = operator.applyAsDouble(a.values()[inA], b.values()[inB]);
    }
    return new OnnxArray((a.rank() >= b.rank() ? a : b).type(), shape, values);
  }

  private static long[] longs(int[] numbers) {
    return Arrays.stream(numbers).asLongStream().toArray();
  }

  /** Returns the shape of what is computed of each pair of elements; an extent of 1 is repeated. */
  static int[] broadcast(OnnxNode node, int[] a, int[] b) {
    int[] shape = new int[Math.max(a.length, b.length)];
    for (int i = 1; i <= shape.length; i++) {
      int ofA = i <= a.length ? a[a.length - i] : 1;
      int ofB = i <= b.length ? b[b.length - i] : 1;
      if (ofA != ofB && ofA != 1 && ofB != 1) {
        throw node.refused(
            "the shapes "
                + Arrays.toString(a)
                + " and "
                + Arrays.toString(b)
                + " do not fit each other");
      }
      shape[shape.length - i] = ofA == 1 ? ofB : ofA;
    }
    return shape;
  }
}
