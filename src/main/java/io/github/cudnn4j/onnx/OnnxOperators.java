package io.github.cudnn4j.onnx;

import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.cuda.Kernel;
import io.github.cudnn4j.cuda.Launch;
import io.github.cudnn4j.tape.Lengths;
import io.github.cudnn4j.tape.Operation;
import io.github.cudnn4j.tape.RnnLayer;
import io.github.cudnn4j.tape.Tape;
import io.github.cudnn4j.tape.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.BinaryOperator;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** Plays the operators of a graph onto a tape. */
final class OnnxOperators {

  /** Records a node. */
  private interface Operator {
    List<Value> record(OnnxOperators on, OnnxNode node, List<@Nullable Value> in);
  }

  private static final Map<String, Operator> OPERATORS =
      Map.ofEntries(
          Map.entry("Shape", (_, node, in) -> shape(node, in)),
          Map.entry("Identity", (_, node, in) -> List.of(given(node, in, 0))),
          Map.entry("Dropout", (_, node, in) -> List.of(given(node, in, 0))),
          Map.entry("Cast", (on, node, in) -> List.of(on.cast(node, given(node, in, 0)))),
          Map.entry("Gather", OnnxOperators::gather),
          Map.entry("MatMul", OnnxOperators::matMul),
          Map.entry("Gemm", OnnxOperators::gemm),
          Map.entry("Add", (on, node, in) -> on.both(node, in, on.tape::add)),
          Map.entry("Sub", (on, node, in) -> on.both(node, in, on::subtract)),
          Map.entry("Mul", (on, node, in) -> on.both(node, in, on.tape::multiply)),
          Map.entry("Div", (on, node, in) -> on.both(node, in, on.tape::divide)),
          Map.entry("Tanh", (on, node, in) -> on.each(node, in, on.tape::tanh)),
          Map.entry("Sigmoid", (on, node, in) -> on.each(node, in, on.tape::sigmoid)),
          Map.entry("Relu", (on, node, in) -> on.each(node, in, on.tape::relu)),
          Map.entry("Exp", (on, node, in) -> on.each(node, in, on.tape::exp)),
          Map.entry("Log", (on, node, in) -> on.each(node, in, on.tape::log)),
          Map.entry("ReduceSum", OnnxOperators::reduceSum),
          Map.entry("Softmax", (on, node, in) -> on.rows(node, in, on.tape::softmax)),
          Map.entry("LogSoftmax", (on, node, in) -> on.rows(node, in, on.tape::logSoftmax)),
          Map.entry("LayerNormalization", OnnxOperators::layerNorm),
          Map.entry("OneHot", OnnxOperators::oneHot),
          Map.entry("Transpose", OnnxOperators::transpose),
          Map.entry("Squeeze", OnnxOperators::squeeze),
          Map.entry("Unsqueeze", OnnxOperators::unsqueeze),
          Map.entry("Reshape", OnnxOperators::reshape),
          Map.entry("Flatten", OnnxOperators::flatten),
          Map.entry("Concat", OnnxOperators::concat),
          Map.entry("Slice", OnnxOperators::slice),
          Map.entry("Split", OnnxOperators::split),
          Map.entry("LSTM", (on, node, in) -> on.recurrent.record(node, in)),
          Map.entry("GRU", (on, node, in) -> on.recurrent.record(node, in)),
          Map.entry("RNN", (on, node, in) -> on.recurrent.record(node, in)));

  private static final long MOST_COMPUTED = 4L * OnnxArray.MOST_COMPUTED;

  private final Tape tape;
  private final RecurrentOperator recurrent;
  private long computed;

  /**
   * Plays onto a tape.
   *
   * @param networks the layers of the recurrent nodes, by their names
   */
  OnnxOperators(Tape tape, Map<String, RnnLayer> networks) {
    this.tape = tape;
    recurrent = new RecurrentOperator(this, tape, networks);
  }

  static boolean isKnown(String operator) {
    return OPERATORS.containsKey(operator) || HostOperators.isKnown(operator);
  }

  /**
   * Records a node, or computes it if its inputs are known.
   *
   * @param in null for an input that is left out
   * @return the outputs, from the first on; null for one that is not computed
   */
  List<@Nullable Value> record(OnnxNode node, List<@Nullable Value> in) {
    try {
      boolean known = in.stream().allMatch(each -> each == null || each instanceof Value.Host);
      if (known && HostOperators.isKnown(node.operator())) {
        return List.of(new Value.Host(compute(node, arrays(node, in, 0))));
      }
      Operator operator = OPERATORS.get(node.operator());
      if (operator == null) {
        throw node.refused("its inputs must be known when it is recorded");
      }
      return new ArrayList<>(operator.record(this, node, in));
    } catch (ArithmeticException | IndexOutOfBoundsException e) {
      throw node.refused("its inputs do not fit: " + e.getMessage());
    } catch (IllegalArgumentException e) {
      String message = String.valueOf(e.getMessage());
      throw message.startsWith("node ") ? e : node.refused(message);
    }
  }

  /** Computes a node on the host, where all together may only take so much memory. */
  private OnnxArray compute(OnnxNode node, List<OnnxArray> in) {
    OnnxArray out = HostOperators.compute(node, in);
    if (in.stream().noneMatch(each -> each.values() == out.values())) {
      computed += out.values().length;
      if (computed > MOST_COMPUTED) {
        throw node.refused(
            "with it " + computed + " numbers are computed on the host, may be " + MOST_COMPUTED);
      }
    }
    return out;
  }

  private static List<OnnxArray> arrays(OnnxNode node, List<@Nullable Value> in, int from) {
    List<OnnxArray> arrays = new ArrayList<>();
    for (Value value : in.subList(from, in.size())) {
      arrays.add(value == null ? OnnxArray.whole() : array(node, value));
    }
    return arrays;
  }

  private static OnnxArray array(OnnxNode node, Value value) {
    if (!(value instanceof Value.Host host)) {
      throw node.refused("numbers that it needs to be known are computed on the device");
    }
    return host.array();
  }

  private static Value given(OnnxNode node, List<@Nullable Value> in, int index) {
    Value value = index < in.size() ? in.get(index) : null;
    if (value == null) {
      throw node.refused("input " + index + " is missing");
    }
    return value;
  }

  private static @Nullable Value optional(List<@Nullable Value> in, int index) {
    return index < in.size() ? in.get(index) : null;
  }

  /** Returns an input as it lies in memory, of numbers that are known a copy. */
  private Value.OnDevice device(OnnxNode node, Value value) {
    return switch (value) {
      case Value.OnDevice tensor -> tensor;
      case Value.Host host -> Value.OnDevice.of(upload(node, host.array()));
      default -> throw node.refused("one of its inputs is indices or lengths");
    };
  }

  private Tensor upload(OnnxNode node, OnnxArray array) {
    if (!array.isFloating()) {
      throw node.refused("one of its inputs is of whole numbers");
    }
    Tensor tensor = tape.input(array.rank() == 0 ? new int[] {1} : array.shape());
    double[] values = array.values();
    if (tensor.type() == ElementType.FLOAT64) {
      tensor.value().copyFrom(values);
    } else {
      float[] floats = new float[values.length];
      for (int i = 0; i < floats.length; i++) {
        floats[i] = (float) values[i];
      }
      tensor.value().copyFrom(floats);
    }
    return tensor;
  }

  /** Returns an input with its elements in order. */
  Tensor tensor(OnnxNode node, Value value) {
    return device(node, value).inOrder(tape);
  }

  Tensor tensor(OnnxNode node, List<@Nullable Value> in, int index) {
    return tensor(node, given(node, in, index));
  }

  private static List<Value> one(Tensor tensor) {
    return List.of(Value.OnDevice.of(tensor));
  }

  private static List<Value> shape(OnnxNode node, List<@Nullable Value> in) {
    int[] shape = given(node, in, 0).shape();
    int first = clamp(node.number("start", 0), shape.length);
    int end = clamp(node.number("end", shape.length), shape.length);
    long[] extents = Arrays.stream(shape, first, Math.max(first, end)).asLongStream().toArray();
    return List.of(new Value.Host(OnnxArray.whole(extents)));
  }

  private static int clamp(long place, int rank) {
    return Math.clamp(place < 0 ? place + rank : place, 0, rank);
  }

  /** Floating-point numbers are all of the tape's type, whole ones all INT32. */
  private Value cast(OnnxNode node, Value value) {
    boolean floating = HostOperators.castTo(node).isFloating();
    return switch (value) {
      case Value.OnDevice tensor when floating -> tensor;
      case Value.Numbers numbers ->
          floating ? floats(numbers.indices().buffer(), numbers.indices().shape()) : numbers;
      case Value.Counts counts ->
          floating ? floats(counts.lengths().buffer(), counts.shape()) : counts;
      default -> throw node.refused("it makes whole numbers of what is computed on the device");
    };
  }

  private Value floats(DeviceBuffer whole, int[] shape) {
    long n = whole.elements();
    Kernel kernel = tape.device().kernels().get("elementwise", "from_int", tape.type());
    return Value.OnDevice.of(
        tape.record(
            shape, (_, y) -> new Unlearned(tape.own(kernel.overElements(n, whole, y.value(), n)))));
  }

  /** What has no gradient, for nothing in it is learnt. */
  private record Unlearned(Launch launch) implements Operation {
    @Override
    public void forward() {
      launch.run();
    }

    @Override
    public void backward() {}
  }

  private List<Value> gather(OnnxNode node, List<@Nullable Value> in) {
    Value places = given(node, in, 1);
    if (places instanceof Value.Numbers numbers) {
      Tensor table = tensor(node, in, 0);
      if (node.axis(0, table.rank()) != 0 || table.rank() != 2) {
        throw node.refused("it looks up in " + table + ", read are rows of a matrix");
      }
      return one(tape.embedding(numbers.indices(), table));
    }
    OnnxArray known = array(node, places);
    Tensor data = tensor(node, in, 0);
    int axis = node.axis(0, data.rank());
    int[] rows = HostOperators.places(node, known, data.dim(axis));
    if (known.rank() > 1 || rows.length == 0) {
      throw node.refused("the shape of its places is " + Arrays.toString(known.shape()));
    }
    Tensor[] parts =
        Arrays.stream(rows).mapToObj(row -> tape.slice(data, axis, row, 1)).toArray(Tensor[]::new);
    Tensor joined = parts.length == 1 ? parts[0] : tape.concatenate(axis, parts);
    if (known.rank() == 0) {
      int[] shape = IntStream.range(0, data.rank()).filter(i -> i != axis).map(data::dim).toArray();
      return one(tape.reshape(joined, shape));
    }
    return one(joined);
  }

  private List<Value> matMul(OnnxNode node, List<@Nullable Value> in) {
    Tensor x = tensor(node, in, 0);
    Value.OnDevice y = device(node, given(node, in, 1));
    if (y.shape().length == 2) {
      return one(product(x, y));
    }
    if (x.rank() != 3 || y.shape().length != 3) {
      throw node.refused("a product of " + x + " and extents " + Arrays.toString(y.shape()));
    }
    return one(tape.product(x, false, y.inOrder(tape), false));
  }

  /** Records the product of rows and a matrix. */
  private Tensor product(Tensor x, Value.OnDevice matrix) {
    if (matrix.isTransposedMatrix()) {
      return tape.linear(x, matrix.tensor(), null);
    }
    Tensor y = matrix.inOrder(tape);
    int[] shape = x.shape();
    shape[shape.length - 1] = y.columns();
    Tensor product =
        tape.product(
            tape.reshape(x, 1, x.rows(), x.columns()),
            false,
            tape.reshape(y, 1, y.rows(), y.columns()),
            false);
    return tape.reshape(product, shape);
  }

  private List<Value> gemm(OnnxNode node, List<@Nullable Value> in) {
    boolean plain = node.decimal("alpha", 1) == 1 && node.decimal("beta", 1) == 1;
    if (!plain || node.number("transA", 0) != 0) {
      throw node.refused("alpha and beta must be 1, and transA 0");
    }
    Tensor x = tensor(node, in, 0);
    Value.OnDevice matrix = device(node, given(node, in, 1));
    if (node.number("transB", 0) != 0) {
      matrix = matrix.transpose(new int[] {1, 0});
    }
    Tensor product = product(x, matrix);
    Value bias = optional(in, 2);
    return one(
        bias == null
            ? product
            : tape.add(product, repeated(node, tensor(node, bias), product.shape())));
  }

  private List<Value> each(
      OnnxNode node, List<@Nullable Value> in, UnaryOperator<Tensor> operator) {
    return one(operator.apply(tensor(node, in, 0)));
  }

  private List<Value> rows(
      OnnxNode node, List<@Nullable Value> in, UnaryOperator<Tensor> operator) {
    Tensor x = tensor(node, in, 0);
    if (node.axis(-1, x.rank()) != x.rank() - 1) {
      throw node.refused("its axis is not the last one of " + x);
    }
    return one(operator.apply(x));
  }

  private Tensor subtract(Tensor x, Tensor y) {
    return tape.add(x, tape.scale(y, -1));
  }

  private List<Value> both(
      OnnxNode node, List<@Nullable Value> in, BinaryOperator<Tensor> operator) {
    Tensor x = tensor(node, in, 0);
    Tensor y = tensor(node, in, 1);
    int[] shape = HostOperators.broadcast(node, x.shape(), y.shape());
    return one(operator.apply(repeated(node, x, shape), repeated(node, y, shape)));
  }

  /** Records a tensor whose extents of 1 are repeated to have a shape. */
  private Tensor repeated(OnnxNode node, Tensor x, int[] shape) {
    if (!Arrays.equals(HostOperators.broadcast(node, x.shape(), shape), shape)) {
      throw node.refused(x + " does not fit the shape " + Arrays.toString(shape));
    }
    int missing = shape.length - x.rank();
    int[] order =
        IntStream.concat(
                IntStream.range(0, shape.length).filter(i -> !isKept(x, i - missing, shape[i])),
                IntStream.range(0, shape.length).filter(i -> isKept(x, i - missing, shape[i])))
            .toArray();
    int times = Math.toIntExact(elements(shape) / x.elements());
    if (times == 1) {
      return tape.reshape(x, shape);
    }
    Tensor flat = tape.repeat(tape.reshape(x, Math.toIntExact(x.elements())), times);
    Tensor inOrder = tape.reshape(flat, Arrays.stream(order).map(i -> shape[i]).toArray());
    int[] back = new int[order.length];
    for (int i = 0; i < order.length; i++) {
      back[order[i]] = i;
    }
    return Value.OnDevice.of(inOrder).transpose(back).inOrder(tape);
  }

  private static boolean isKept(Tensor x, int extent, int size) {
    return extent >= 0 && x.dim(extent) == size;
  }

  private static long elements(int... shape) {
    return Arrays.stream(shape).asLongStream().reduce(1, (a, b) -> a * b);
  }

  private List<Value> reduceSum(OnnxNode node, List<@Nullable Value> in) {
    Value.OnDevice x = device(node, given(node, in, 0));
    int[] shape = x.shape();
    Value told = optional(in, 1);
    long[] axes = told == null ? new long[0] : array(node, told).numbers();
    if (axes.length == 0 && node.number("noop_with_empty_axes", 0) != 0) {
      return List.of(x);
    }
    boolean[] summed = new boolean[shape.length];
    Arrays.fill(summed, axes.length == 0);
    for (long axis : axes) {
      summed[OnnxNode.axis(axis, shape.length, node)] = true;
    }
    int[] gone = IntStream.range(0, shape.length).filter(i -> summed[i]).toArray();
    int[] kept = IntStream.range(0, shape.length).filter(i -> !summed[i]).toArray();
    int[] order = IntStream.concat(Arrays.stream(gone), Arrays.stream(kept)).toArray();
    int columns = kept.length == 0 ? 1 : shape[kept[kept.length - 1]];
    int count = Math.toIntExact(elements(Arrays.stream(gone).map(i -> shape[i]).toArray()));
    int rows = Math.toIntExact(x.tensor().elements() / count / columns);
    Lengths all = tape.lengths(rows);
    int[] lengths = new int[rows];
    Arrays.fill(lengths, count);
    all.set(lengths);
    Tensor sum = all.sum(tape.reshape(x.transpose(order).inOrder(tape), count, rows, columns));
    int[] left =
        node.number("keepdims", 1) != 0
            ? IntStream.range(0, shape.length).map(i -> summed[i] ? 1 : shape[i]).toArray()
            : Arrays.stream(kept).map(i -> shape[i]).toArray();
    return one(tape.reshape(sum, left.length == 0 ? new int[] {1} : left));
  }

  private List<Value> layerNorm(OnnxNode node, List<@Nullable Value> in) {
    Tensor x = tensor(node, in, 0);
    if (node.axis(-1, x.rank()) != x.rank() - 1 || optional(in, 2) == null) {
      throw node.refused("read is the normalization of the last extent, with a bias");
    }
    double epsilon = node.decimal("epsilon", 1e-5);
    return one(tape.layerNorm(x, tensor(node, in, 1), tensor(node, in, 2), epsilon));
  }

  private List<Value> oneHot(OnnxNode node, List<@Nullable Value> in) {
    OnnxArray depth = array(node, given(node, in, 1));
    double[] values = array(node, given(node, in, 2)).values();
    if (!(given(node, in, 0) instanceof Value.Numbers numbers)
        || !Arrays.equals(values, new double[] {0, 1})
        || node.number("axis", -1) != -1) {
      throw node.refused("read are indices to vectors of 0 and 1 along a new last extent");
    }
    return one(tape.oneHot(numbers.indices(), OnnxArray.computable((long) depth.number())));
  }

  private List<Value> transpose(OnnxNode node, List<@Nullable Value> in) {
    Value.OnDevice x = device(node, given(node, in, 0));
    int rank = x.order().length;
    int[] reversed = IntStream.range(0, rank).map(i -> rank - 1 - i).toArray();
    int[] permutation =
        node.attributes().get("perm") instanceof long[] perm ? OnnxArray.ints(perm) : reversed;
    int[] sorted = Arrays.stream(permutation).sorted().toArray();
    if (!Arrays.equals(sorted, IntStream.range(0, rank).toArray())) {
      throw node.refused(Arrays.toString(permutation) + " is no order of " + rank + " extents");
    }
    return List.of(x.transpose(permutation));
  }

  private List<Value> squeeze(OnnxNode node, List<@Nullable Value> in) {
    Value.OnDevice x = device(node, given(node, in, 0));
    List<OnnxArray> axes = arrays(node, in, 1);
    int[] shape = HostOperators.squeezed(node, x.shape(), axes.isEmpty() ? null : axes.get(0));
    return one(tape.reshape(x.inOrder(tape), shape));
  }

  private List<Value> unsqueeze(OnnxNode node, List<@Nullable Value> in) {
    Tensor x = tensor(node, in, 0);
    OnnxArray axes = array(node, given(node, in, 1));
    return one(tape.reshape(x, HostOperators.unsqueezed(node, x.shape(), axes)));
  }

  private List<Value> reshape(OnnxNode node, List<@Nullable Value> in) {
    Tensor x = tensor(node, in, 0);
    OnnxArray shape = array(node, given(node, in, 1));
    return one(tape.reshape(x, HostOperators.reshaped(node, x.shape(), shape)));
  }

  private List<Value> flatten(OnnxNode node, List<@Nullable Value> in) {
    Tensor x = tensor(node, in, 0);
    int axis = clamp(node.number("axis", 1), x.rank());
    int rows = Arrays.stream(x.shape(), 0, axis).reduce(1, (a, b) -> a * b);
    return one(tape.reshape(x, rows, (int) (x.elements() / rows)));
  }

  private List<Value> concat(OnnxNode node, List<@Nullable Value> in) {
    Tensor[] parts =
        IntStream.range(0, in.size()).mapToObj(i -> tensor(node, in, i)).toArray(Tensor[]::new);
    return one(tape.concatenate(node.axis(0, parts[0].rank()), parts));
  }

  private List<Value> slice(OnnxNode node, List<@Nullable Value> in) {
    Tensor x = tensor(node, in, 0);
    List<OnnxArray> known = new ArrayList<>(List.of(OnnxArray.whole()));
    known.addAll(arrays(node, in, 1));
    for (HostOperators.Part part : HostOperators.parts(node, x.shape(), known)) {
      if (part.count() != x.dim(part.axis())) {
        x = tape.slice(x, part.axis(), part.first(), part.count());
      }
    }
    return one(x);
  }

  private List<Value> split(OnnxNode node, List<@Nullable Value> in) {
    Tensor x = tensor(node, in, 0);
    int axis = node.axis(0, x.rank());
    int parts = node.outputs().size();
    int each = Math.ceilDiv(x.dim(axis), parts);
    Value told = optional(in, 1);
    long[] counts = told == null ? new long[0] : array(node, told).numbers();
    List<Value> outputs = new ArrayList<>();
    int first = 0;
    for (int i = 0; i < parts; i++) {
      int count = told == null ? Math.min(each, x.dim(axis) - first) : Math.toIntExact(counts[i]);
      outputs.add(Value.OnDevice.of(tape.slice(x, axis, first, count)));
      first += count;
    }
    return outputs;
  }
}
