package io.github.cudnn4j.tape;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.io.SafeTensors;
import io.github.cudnn4j.proof.Numbers;
import io.github.cudnn4j.rnn.Rnn;
import io.github.cudnn4j.rnn.RnnConfig;
import io.github.cudnn4j.rnn.RnnParameter;
import io.github.cudnn4j.testing.Closeness;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.BiFunction;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The outputs and all gradients of each operation of a tape against PyTorch 2.13: the cases of
 * {@code pytorch-operations.safetensors}, which {@code pytorch_operations.py} beside it made.
 */
class PyTorchOperationsTest {

  /** What returns a tensor and has no counterpart, or no value of its own. */
  private static final Set<String> NOT_COMPARED =
      Set.of("input", "constant", "record", "recordLosses", "dropout", "carried", "detach");

  private static final Map<String, BiFunction<Tape, Inputs, List<Tensor>>> CASES = cases();

  private static SafeTensors vectors;
  private static Device device;

  @BeforeAll
  static void open() throws IOException, URISyntaxException {
    vectors =
        SafeTensors.open(
            Path.of(
                PyTorchOperationsTest.class.getResource("pytorch-operations.safetensors").toURI()));
    device = Device.open();
  }

  @AfterAll
  static void close() throws IOException {
    vectors.close();
    device.close();
  }

  private static Map<String, BiFunction<Tape, Inputs, List<Tensor>>> cases() {
    Map<String, BiFunction<Tape, Inputs, List<Tensor>>> cases = new LinkedHashMap<>();
    cases.put("add", (tape, in) -> List.of(tape.add(in.of("x"), in.of("y"))));
    cases.put("multiply", (tape, in) -> List.of(tape.multiply(in.of("x"), in.of("y"))));
    cases.put("divide", (tape, in) -> List.of(tape.divide(in.of("x"), in.of("y"))));
    cases.put("scale", (tape, in) -> List.of(tape.scale(in.of("x"), -1.5)));
    cases.put("tanh", (tape, in) -> List.of(tape.tanh(in.of("input"))));
    cases.put("sigmoid", (tape, in) -> List.of(tape.sigmoid(in.of("input"))));
    cases.put("relu", (tape, in) -> List.of(tape.relu(in.of("input"))));
    cases.put("exp", (tape, in) -> List.of(tape.exp(in.of("input"))));
    cases.put("log", (tape, in) -> List.of(tape.log(in.of("input"))));

    cases.put(
        "concatenate", (tape, in) -> List.of(tape.concatenate(in.of("y"), in.of("x"), in.of("y"))));
    cases.put(
        "concatenate.time", (tape, in) -> List.of(tape.concatenate(0, in.of("x"), in.of("y"))));
    cases.put("slice", (tape, in) -> List.of(tape.slice(in.of("x"), 1, 3)));
    cases.put("slice.time", (tape, in) -> List.of(tape.slice(in.of("x"), 0, 1, 2)));
    cases.put("unbind", (tape, in) -> tape.unbind(in.of("x")));
    cases.put("stack", (tape, in) -> List.of(tape.stack(in.of("x"), in.of("y"), in.of("x"))));
    cases.put("repeat", (tape, in) -> List.of(tape.repeat(in.of("x"), 4)));
    cases.put("transpose", (tape, in) -> List.of(tape.transpose(in.of("x"))));
    // A view shares a gradient, which here is that of an input.
    cases.put("reshape", (tape, in) -> List.of(tape.scale(tape.reshape(in.of("x"), 3, 20), 1)));

    for (String trans : List.of("nn", "nt", "tn", "tt")) {
      boolean transX = trans.charAt(0) == 't';
      boolean transY = trans.charAt(1) == 't';
      cases.put(
          "product." + trans,
          (tape, in) -> List.of(tape.product(in.of("x"), transX, in.of("y"), transY)));
    }
    cases.put(
        "linear",
        (tape, in) -> List.of(tape.linear(in.of("input"), in.of("weight"), in.of("bias"))));
    cases.put(
        "linear.unbiased",
        (tape, in) -> List.of(tape.linear(in.of("input"), in.of("weight"), null)));
    cases.put(
        "embedding",
        (tape, in) -> {
          Tensor table = in.of("table");
          Tensor first = tape.embedding(in.indices("first"), table);
          Tensor second = tape.embedding(in.indices("second"), table);
          return List.of(tape.linear(tape.multiply(first, second), table, null));
        });
    cases.put("gather", (tape, in) -> List.of(tape.gather(in.of("x"), in.indices("rows"))));
    cases.put("oneHot", (tape, in) -> List.of(tape.oneHot(in.indices("tokens"), 6)));

    cases.put("softmax", (tape, in) -> List.of(tape.softmax(in.of("x"))));
    cases.put("logSoftmax", (tape, in) -> List.of(tape.logSoftmax(in.of("x"))));
    cases.put(
        "layerNorm",
        (tape, in) -> List.of(tape.layerNorm(in.of("x"), in.of("weight"), in.of("bias"), 1e-3)));

    rnn(cases, "lstm", RnnConfig.lstm(5, 6).layers(2).bidirectional());
    rnn(cases, "gru", RnnConfig.gru(5, 6).layers(2));
    rnn(cases, "tanh", RnnConfig.tanh(5, 6).layers(2));
    rnn(cases, "relu", RnnConfig.relu(5, 6));

    cases.put("mask", (tape, in) -> List.of(in.lengths().mask(in.of("x"))));
    cases.put("reverse", (tape, in) -> List.of(in.lengths().reverse(in.of("x"))));
    cases.put("last", (tape, in) -> List.of(in.lengths().last(in.of("x"))));
    cases.put("sum", (tape, in) -> List.of(in.lengths().sum(in.of("x"))));
    cases.put("mean", (tape, in) -> List.of(in.lengths().mean(in.of("x"))));
    cases.put("softmax.lengths", (tape, in) -> List.of(in.lengths().softmax(in.of("x"))));

    attention(cases, "dot", (tape, in) -> Attention.dot(tape, in.memory(), in.lengths()));
    attention(cases, "scaled", (tape, in) -> Attention.scaledDot(tape, in.memory(), in.lengths()));
    attention(
        cases,
        "multiplicative",
        (tape, in) -> Attention.multiplicative(tape, in.memory(), in.lengths(), in.of("weight")));
    attention(
        cases,
        "additive",
        (tape, in) ->
            Attention.additive(
                tape,
                in.memory(),
                in.lengths(),
                in.of("ofQuery"),
                in.of("ofMemory"),
                in.of("vector")));
    return cases;
  }

  /** Sequences of one length, and of others. */
  private static void rnn(
      Map<String, BiFunction<Tape, Inputs, List<Tensor>>> cases, String cell, RnnConfig config) {
    cases.put("rnn." + cell, (tape, in) -> rnn(tape, in, config, null));
    cases.put("rnn." + cell + ".lengths", (tape, in) -> rnn(tape, in, config, in.lengths()));
  }

  private static List<Tensor> rnn(
      Tape tape, Inputs in, RnnConfig config, @Nullable Lengths lengths) {
    Rnn rnn = in.rnn(config.precision(tape.precision()));
    Tensor x = in.of("x");
    Tensor h0 = in.of("h0");
    Tensor c0 = config.hasCellState() ? in.of("c0") : null;
    var output = lengths == null ? tape.rnn(rnn, x, h0, c0) : tape.rnn(rnn, x, lengths, h0, c0);
    return Stream.of(output.y(), output.h(), output.c()).filter(t -> t != null).toList();
  }

  /** All queries at once, and each with something of the weights before. */
  private static void attention(
      Map<String, BiFunction<Tape, Inputs, List<Tensor>>> cases,
      String kind,
      BiFunction<Tape, Inputs, Attention> over) {
    cases.put(
        "attention." + kind,
        (tape, in) -> {
          var output = over.apply(tape, in).on(in.of("query"));
          // The context takes the weights, so their gradient would not be the test's.
          return List.of(output.context(), tape.scale(output.weights(), 1));
        });
    cases.put(
        "attention." + kind + ".fed",
        (tape, in) -> {
          Attention attention = over.apply(tape, in);
          List<Tensor> contexts = new ArrayList<>();
          Tensor before = null;
          for (Tensor step : tape.unbind(in.of("query"))) {
            Tensor query = before == null ? step : tape.multiply(step, before);
            AttentionOutput output = attention.on(query);
            contexts.add(output.context());
            before = tape.slice(output.weights(), 0, query.columns());
          }
          return contexts;
        });
  }

  @ParameterizedTest
  @EnumSource
  void outputsAndGradientsAgree(Precision precision) {
    CASES.forEach(
        (name, operation) -> {
          try (var tape = Tape.training(device, precision);
              var in = new Inputs(name, tape)) {
            List<Tensor> outputs = operation.apply(tape, in);
            tape.forward();
            var within = Closeness.within(Numbers.tolerance(precision, device));
            for (int i = 0; i < outputs.size(); i++) {
              Tensor y = outputs.get(i);
              String what = precision + " " + name + " y." + i;
              assertArrayEquals(shape(name + ".y." + i), y.shape(), what);
              within.check(what, doubles(name + ".y." + i), Numbers.read(y.value()));
              if (y.gradient() != null) {
                Numbers.write(y.gradient(), doubles(name + ".dy." + i));
              }
            }
            assertEquals(outputs.size(), count(name + ".y."), name);
            tape.backward();
            in.check(within, precision.toString());
          }
        });
  }

  @Test
  void everyOperationIsCompared() {
    Stream<Method> methods =
        Stream.of(Tape.class, Lengths.class).flatMap(type -> Arrays.stream(type.getMethods()));
    Set<String> operations =
        methods
            .filter(method -> !Modifier.isStatic(method.getModifiers()))
            .filter(
                method ->
                    Set.of(Tensor.class, List.class, RecurrentOutput.class)
                        .contains(method.getReturnType()))
            .filter(
                method ->
                    Arrays.asList(method.getParameterTypes()).contains(Tensor.class)
                        || method.getReturnType() == Tensor.class)
            .map(Method::getName)
            .filter(name -> !NOT_COMPARED.contains(name))
            .collect(Collectors.toCollection(TreeSet::new));
    operations.add("attention");
    var compared = new TreeSet<String>();
    CASES.keySet().forEach(name -> compared.add(name.split("\\.")[0]));
    assertEquals(operations, compared);
    assertEquals(
        CASES.keySet().size(), vectors.names().stream().filter(n -> n.endsWith(".y.0")).count());
  }

  /** What a case is given, and the gradients that it leaves. */
  private static final class Inputs implements AutoCloseable {
    private final String name;
    private final Tape tape;
    private final Map<String, Tensor> tensors = new LinkedHashMap<>();
    private @Nullable Rnn rnn;

    Inputs(String name, Tape tape) {
      this.name = name;
      this.tape = tape;
    }

    Tensor of(String input) {
      return tensors.computeIfAbsent(
          input,
          _ -> {
            int[] shape = shape(name + ".in." + input);
            long elements = Tensor.elements(shape);
            var value = tape.own(DeviceBuffer.allocate(device, tape.type(), elements));
            var gradient = tape.own(DeviceBuffer.allocate(device, tape.type(), elements));
            gradient.clear();
            Numbers.write(value, doubles(name + ".in." + input));
            return new Tensor(value, gradient, shape);
          });
    }

    /** The memory, with what must not be read. */
    Tensor memory() {
      Tensor memory = of("memory");
      double[] values = doubles(name + ".in.memory");
      int[] lengths = ints(name + ".in.lengths");
      int columns = memory.columns();
      for (int i = 0; i < values.length; i++) {
        int row = i / columns;
        if (row / lengths.length >= lengths[row % lengths.length]) {
          values[i] = Double.NaN;
        }
      }
      Numbers.write(memory.value(), values);
      return memory;
    }

    Indices indices(String input) {
      Indices indices = tape.indices(shape(name + ".in." + input));
      indices.buffer().copyFrom(ints(name + ".in." + input));
      return indices;
    }

    Lengths lengths() {
      int[] numbers = ints(name + ".in.lengths");
      Lengths lengths = tape.lengths(numbers.length);
      lengths.set(numbers);
      return lengths;
    }

    Rnn rnn(RnnConfig config) {
      rnn = Rnn.create(device, config);
      for (RnnParameter parameter : rnn.weights().parameters()) {
        parameter.copyFrom(doubles(name + ".in." + parameter.name()));
      }
      rnn.gradients().space().clear();
      return rnn;
    }

    void check(Closeness within, String what) {
      tensors.forEach(
          (input, tensor) -> compare(within, what, input, Numbers.read(tensor.gradient())));
      int checked = tensors.size();
      if (rnn != null) {
        for (RnnParameter parameter : rnn.gradients().parameters()) {
          var gradient = new double[Math.toIntExact(parameter.elements())];
          parameter.copyTo(gradient);
          compare(within, what, parameter.name(), gradient);
          checked++;
        }
      }
      assertEquals(count(name + ".grad."), checked, name);
    }

    private void compare(Closeness within, String what, String input, double[] gradient) {
      String expected = name + ".grad." + input;
      within.check(what + " " + expected, doubles(expected), gradient);
    }

    @Override
    public void close() {
      if (rnn != null) {
        rnn.close();
      }
    }
  }

  private static int count(String prefix) {
    return (int) vectors.names().stream().filter(name -> name.startsWith(prefix)).count();
  }

  private static double[] doubles(String name) {
    try {
      return vectors.doubles(name);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static int[] ints(String name) {
    try {
      return vectors.ints(name);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static int[] shape(String name) {
    try {
      return Arrays.stream(vectors.shape(name)).mapToInt(Math::toIntExact).toArray();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
