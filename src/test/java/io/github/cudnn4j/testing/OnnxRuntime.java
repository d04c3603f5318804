package io.github.cudnn4j.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.abort;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.ValueLayout;
import java.lang.reflect.InvocationTargetException;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.nio.LongBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * A network in ONNX Runtime on the processor, from Maven Central. Where it is not on the class
 * path, as on a GPU machine that it is too large for, whoever asks for it is skipped; so it is
 * called by name.
 */
public final class OnnxRuntime implements AutoCloseable {

  private static final String ENVIRONMENT = "ai.onnxruntime.OrtEnvironment";

  private final Object environment;
  private final AutoCloseable session;

  private OnnxRuntime(Object environment, AutoCloseable session) {
    this.environment = environment;
    this.session = session;
  }

  /**
   * Some numbers and their shape.
   *
   * @param numbers a {@code float[]}, {@code long[]} or {@code int[]}
   */
  public record Array(Object numbers, long... shape) {

    /** Returns the numbers as those that tests compare. */
    public double[] doubles() {
      float[] floats = (float[]) numbers;
      double[] doubles = new double[floats.length];
      Arrays.setAll(doubles, i -> floats[i]);
      return doubles;
    }
  }

  /** Loads a file; skips the test if ONNX Runtime is not there. */
  public static OnnxRuntime load(byte[] model) throws Exception {
    Class<?> type;
    try {
      type = Class.forName(ENVIRONMENT);
    } catch (ClassNotFoundException _) {
      return abort("ONNX Runtime is not on the class path");
    }
    turnTelemetryOff();
    Object environment = type.getMethod("getEnvironment").invoke(null);
    Class<?> optionsType = Class.forName("ai.onnxruntime.OrtSession$SessionOptions");
    try (var options = (AutoCloseable) optionsType.getConstructor().newInstance()) {
      optionsType.getMethod("setIntraOpNumThreads", int.class).invoke(options, 1);
      var create = type.getMethod("createSession", byte[].class, optionsType);
      return new OnnxRuntime(
          environment, (AutoCloseable) create.invoke(environment, model, options));
    } catch (InvocationTargetException e) {
      throw new AssertionError("ONNX Runtime refuses the file: " + e.getCause(), e.getCause());
    }
  }

  /**
   * Turns off ONNX Runtime's telemetry, which searches the command line by a recursion: a long one
   * overflows the stack, which ends the process without a report. Java cannot set the variable.
   */
  private static void turnTelemetryOff() {
    Linker linker = Linker.nativeLinker();
    var type =
        FunctionDescriptor.of(
            ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.ADDRESS, ValueLayout.JAVA_INT);
    var set = linker.downcallHandle(linker.defaultLookup().findOrThrow("setenv"), type);
    try (Arena arena = Arena.ofConfined()) {
      var name = arena.allocateFrom("ORT_DISABLE_TELEMETRY");
      assertEquals(0, (int) set.invokeExact(name, arena.allocateFrom("1"), 1));
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
  }

  /** Runs the network and returns its outputs by their names. */
  public Map<String, Array> run(Map<String, Array> inputs) throws Exception {
    Class<?> tensorType = Class.forName("ai.onnxruntime.OnnxTensor");
    Map<String, AutoCloseable> tensors = new HashMap<>();
    try {
      for (var input : inputs.entrySet()) {
        Array array = input.getValue();
        var buffer =
            switch (array.numbers) {
              case float[] numbers -> FloatBuffer.wrap(numbers);
              case long[] numbers -> LongBuffer.wrap(numbers);
              case int[] numbers -> IntBuffer.wrap(numbers);
              default -> throw new AssertionError(array);
            };
        Class<?> bufferType =
            switch (array.numbers) {
              case float[] _ -> FloatBuffer.class;
              case long[] _ -> LongBuffer.class;
              default -> IntBuffer.class;
            };
        var create =
            tensorType.getMethod(
                "createTensor", Class.forName(ENVIRONMENT), bufferType, long[].class);
        tensors.put(
            input.getKey(), (AutoCloseable) create.invoke(null, environment, buffer, array.shape));
      }
      var run = session.getClass().getMethod("run", Map.class);
      Map<String, Array> outputs = new LinkedHashMap<>();
      try (var result = (AutoCloseable) run.invoke(session, tensors)) {
        for (Object each : (Iterable<?>) result) {
          var output = (Map.Entry<?, ?>) each;
          Object tensor = output.getValue();
          Object info = tensorType.getMethod("getInfo").invoke(tensor);
          long[] shape = (long[]) info.getClass().getMethod("getShape").invoke(info);
          var buffer = (FloatBuffer) tensorType.getMethod("getFloatBuffer").invoke(tensor);
          float[] numbers = new float[buffer.remaining()];
          buffer.get(numbers);
          outputs.put((String) output.getKey(), new Array(numbers, shape));
        }
      }
      return outputs;
    } catch (InvocationTargetException e) {
      throw new AssertionError("ONNX Runtime: " + e.getCause(), e.getCause());
    } finally {
      for (AutoCloseable tensor : tensors.values()) {
        tensor.close();
      }
    }
  }

  @Override
  public void close() {
    try {
      session.close();
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  /** Loads files, so that what ONNX Runtime says of them on standard error can be read. */
  public static void main(String[] files) throws Exception {
    for (String file : files) {
      load(Files.readAllBytes(Path.of(file))).close();
    }
  }
}
