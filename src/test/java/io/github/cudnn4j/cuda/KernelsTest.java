package io.github.cudnn4j.cuda;

import static io.github.cudnn4j.cuda.ElementType.FLOAT32;
import static io.github.cudnn4j.cuda.ElementType.FLOAT64;
import static io.github.cudnn4j.cuda.ElementType.INT32;
import static io.github.cudnn4j.testing.Refusals.refuses;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cudnn4j.library.HostControl;
import io.github.cudnn4j.testing.Segments;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Kernels are compiled, checked against their declarations, and launched. */
class KernelsTest {
  private Device device;

  @BeforeEach
  void open() {
    device = Device.open();
  }

  @AfterEach
  void close() {
    device.close();
  }

  @Test
  void aKernelRuns() {
    var n = 100_000;
    try (var buffer = DeviceBuffer.allocate(device, FLOAT32, n);
        var launch =
            device.kernels().get("fill", "fill_f32").overElements(n, buffer, 1.5f, (long) n)) {
      launch.run();
      var values = buffer.toFloats();
      assertEquals(1.5f, values[0]);
      assertEquals(1.5f, values[n - 1]);
    }
  }

  @Test
  void argumentsCanBeChanged() {
    try (var one = DeviceBuffer.allocate(device, INT32, 4);
        var two = DeviceBuffer.allocate(device, INT32, 4);
        var launch = device.kernels().get("fill", "fill_i32").bind(1, 64, one, 1, 4L)) {
      two.clear();
      launch.run();
      launch.set(0, two).set(1, 9).set(2, 3L).run();
      assertArrayEquals(new int[] {1, 1, 1, 1}, one.toInts());
      assertArrayEquals(new int[] {9, 9, 9, 0}, two.toInts());
    }
  }

  @Test
  void aKernelReachesPinnedMemory() {
    var memory = PinnedBuffer.allocate(device, INT32, 4);
    try (var launch = device.kernels().get("fill", "fill_i32").bind(1, 64, memory, 1, 4L)) {
      launch.run();
      device.synchronize();
      assertArrayEquals(new int[] {1, 1, 1, 1}, Segments.ints(memory.segment()));
      try (var graph = device.stream().capture(launch.set(1, 2)::run)) {
        MemorySegment.copy(new int[4], 0, memory.segment(), JAVA_INT, 0, 4);
        graph.launch();
        device.synchronize();
        assertArrayEquals(new int[] {2, 2, 2, 2}, Segments.ints(memory.segment()));
        memory.close();
        assertThrows(IllegalStateException.class, graph::launch);
      }
      assertThrows(IllegalStateException.class, launch::run);
    }
  }

  /** CUDA loads nothing while it captures: a file comes with all its kernels, before. */
  @Test
  void aKernelIsLoadedBeforeItIsCaptured() {
    try (var buffer = DeviceBuffer.allocate(device, INT32, 4);
        var launch = device.kernels().get("fill", "fill_i32").bind(1, 64, buffer, 3, 4L)) {
      var loading = loading();
      try (var graph =
          device.stream()
              .capture(
                  () -> {
                    launch.run();
                    device.kernels().get("fill", "fill_f64");
                  })) {
        assertEquals(loading, loading());
        buffer.clear();
        graph.launch();
        assertArrayEquals(new int[] {3, 3, 3, 3}, buffer.toInts());
      }
      var e =
          assertThrows(
              IllegalStateException.class,
              () -> device.stream().capture(() -> device.kernels().get("loss", "none")));
      assertEquals("compiling kernels cannot be captured", e.getMessage());
    }
  }

  /** How often the driver was made to load; 0 on a GPU, which does not count. */
  private static long loading() {
    return HostControl.ifHost()
        .map(host -> host.calls("cuModuleLoadData") + host.calls("cuModuleGetFunction"))
        .orElse(0L);
  }

  @Test
  void aFileIsCompiledOnce() {
    var kernels = device.kernels();
    assertSame(kernels.get("fill", "fill_f64"), kernels.get("fill", "fill_f64"));
    assertEquals("fill_f64", kernels.get("fill", "fill_f64").name());
  }

  @Test
  void everyFileCompiles() throws Exception {
    var file = Kernels.class.getResource("/io/github/cudnn4j/kernels/fill.cu").toURI();
    if (file.getScheme().equals("jar")) {
      try (var jar = FileSystems.newFileSystem(file, Map.of())) {
        compileAll(jar.getPath("/io/github/cudnn4j/kernels"));
      }
    } else {
      compileAll(Path.of(file).getParent());
    }
  }

  private void compileAll(Path folder) throws IOException {
    try (var files = Files.list(folder)) {
      for (var file : files.toList()) {
        var name = file.getFileName().toString();
        if (name.endsWith(".cu")) {
          var base = name.substring(0, name.length() - 3);
          var e =
              assertThrows(
                  IllegalArgumentException.class, () -> device.kernels().get(base, "missing"));
          assertTrue(
              e.getMessage().startsWith("there is no kernel 'missing' in " + name), e::getMessage);
        }
      }
    }
  }

  @Test
  void argumentsMustFitTheDeclaration() {
    var fill = device.kernels().get("fill", "fill_f32");
    try (var floats = DeviceBuffer.allocate(device, FLOAT32, 4);
        var doubles = DeviceBuffer.allocate(device, FLOAT64, 4)) {
      refuses(
          "fill_f32[DeviceBuffer of FLOAT32 target, float value, long n] takes 3 arguments, got 2",
          () -> fill.bind(1, 32, floats, 1f));
      refuses(
          "argument 0 of fill_f32 is a DeviceBuffer of FLOAT64, must be a DeviceBuffer of FLOAT32"
              + " target",
          () -> fill.bind(1, 32, doubles, 1f, 4L));
      try (var pinned = PinnedBuffer.allocate(device, INT32, 4)) {
        refuses(
            "argument 0 of fill_f32 is a PinnedBuffer of INT32, must be a DeviceBuffer of FLOAT32"
                + " target",
            () -> fill.bind(1, 32, pinned, 1f, 4L));
      }
      refuses(
          "argument 1 of fill_f32 is a double, must be a float value",
          () -> fill.bind(1, 32, floats, 1.0, 4L));
      refuses(
          "argument 2 of fill_f32 is a int, must be a long n",
          () -> fill.bind(1, 32, floats, 1f, 4));
      refuses(
          "argument 1 of fill_f32 is a String, must be a float value",
          () -> fill.bind(1, 32, floats, "1", 4L));
      try (var launch = fill.bind(1, 32, floats, 1f, 4L)) {
        refuses(
            "fill_f32[DeviceBuffer of FLOAT32 target, float value, long n] has no parameter 3",
            () -> launch.set(3, 1f));
      }
      refuses("block = 1025, must be from 32 to 1024", () -> fill.bind(1, 1025, floats, 1f, 4L));
      refuses("block = 100, must be a multiple of 32", () -> fill.bind(1, 100, floats, 1f, 4L));
      refuses("grid = 0, must be from 1 to 2147483647", () -> fill.bind(0, 32, floats, 1f, 4L));
    }
  }

  @Test
  void unknownKernelsAreNamed() {
    refuses(
        "there is no kernel 'fill_f16' in fill.cu, which has [fill_f32, fill_f64, fill_i32]",
        () -> device.kernels().get("fill", "fill_f16"));
    refuses("there is no kernel file 'none.cu'", () -> device.kernels().get("none", "x"));
    refuses("there is no kernel file '../fill.cu'", () -> device.kernels().get("../fill", "x"));
  }

  @Test
  void closedArgumentsAreRefused() {
    var buffer = DeviceBuffer.allocate(device, FLOAT32, 4);
    var launch = device.kernels().get("fill", "fill_f32").overElements(4, buffer, 1f, 4L);
    buffer.close();
    assertEquals(
        "DeviceBuffer is closed",
        assertThrows(IllegalStateException.class, launch::run).getMessage());
    launch.close();
    launch.close();
    assertEquals(
        "Launch is closed", assertThrows(IllegalStateException.class, launch::run).getMessage());
    assertEquals(
        "Launch is closed",
        assertThrows(IllegalStateException.class, () -> launch.set(1, 2f)).getMessage());
  }

  @Test
  void aSourceThatIsWrongIsToldWhy() {
    try (var arena = Arena.ofConfined()) {
      var e =
          assertThrows(
              CudaException.class,
              () -> KernelCompiler.compile(device, "wrong.cu", "this is no C++", "", arena));
      assertEquals("nvrtcCompileProgram", e.function());
      assertTrue(e.getMessage().contains("wrong.cu\n"), e::getMessage);
    }
  }

  @Test
  void parametersAreReadFromDeclarations() {
    assertEquals(
        "[DeviceBuffer of FLOAT64 a, DeviceBuffer b, DeviceBuffer of INT64 c, int d, double e]",
        KernelParameter.parse(
                "const double* __restrict__ a, void *b,\n    const long long* c, const int d,"
                    + " double e",
                "d, times(2, d), 3")
            .toString());
    assertEquals("[]", KernelParameter.parse(" ", "").toString());
    refuses(
        "parameter 'x' has type 'half*', which kernels do not have",
        () -> KernelParameter.parse("half* x", "1"));
    refuses("an extent names 'm'", () -> KernelParameter.parse("int* x, int n", "m"));
    refuses("an extent calls 'sum'", () -> KernelParameter.parse("int* x, int n", "sum(n)"));
  }

  /** The same functions as in the host device, which counts once more. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "7 | 7",
        "n | 10",
        "times(n, 3) | 30",
        "times(2, times(n, m), m) | 320",
        "times(n, zero) | 0",
        "times(n, minus, minus) | 9223372036854775807",
        "times(minus, most, zero) | 9223372036854775807",
        "times(n, most) | 9223372036854775807",
        "times(most, most) | 9223372036854775807",
        "parts(n, m) | 3",
        "parts(8, m) | 2",
        "parts(minus, m) | 0",
        "parts(n, zero) | 9223372036854775807",
        "parts(zero, zero) | 9223372036854775807",
        "reach(3, n, 2, m) | 26",
        "reach(zero, n, 2, m) | 0",
        "reach(3, n, 2, zero) | 0",
        "reach(3, minus, 2, m) | 9223372036854775807",
        "reach(3, n, minus, m) | 9223372036854775807",
        "reach(3, most, 2, m) | 9223372036854775807",
      })
  void extentsAreCountedFromTheNumbers(String extent, long expected) {
    var names = List.of("n", "m", "zero", "minus", "most");
    var numbers = new long[] {10, 4, 0, -1, Long.MAX_VALUE};
    var read = KernelExtent.parse(extent, names);
    assertEquals(1, read.size());
    assertEquals(expected, read.getFirst().elements(i -> numbers[i]));
  }

  @Test
  void aBufferThatIsTooSmallForItsKernelIsRefused() {
    try (var four = DeviceBuffer.allocate(device, INT32, 4);
        var none = DeviceBuffer.allocate(device, INT32, 0);
        var pinned = PinnedBuffer.allocate(device, INT32, 2)) {
      var fill = device.kernels().get("fill", "fill_i32");
      refuses(
          "argument target of fill_i32 has 4 elements, must have at least 5",
          () -> fill.overElements(5, four, 1, 5L));
      refuses(
          "argument target of fill_i32 has 0 elements, must have at least 1",
          () -> fill.overElements(1, none, 1, 1L));
      refuses(
          "argument target of fill_i32 has 2 elements, must have at least 3",
          () -> fill.bind(1, 32, pinned, 1, 3L));
      fill.overElements(5, none, 1, -1L).close();
      try (var launch = fill.overElements(4, four, 7, 4L)) {
        launch.set(0, none);
        refuses("argument target of fill_i32 has 0 elements, must have at least 4", launch::run);
        launch.set(2, 0L).run();
        launch.set(0, four).set(2, 5L);
        refuses("argument target of fill_i32 has 4 elements, must have at least 5", launch::run);
        launch.set(2, 3L).run();
        four.slice(3, 1).clear();
        assertArrayEquals(new int[] {7, 7, 7, 0}, four.toInts());
      }
    }
  }

  @Test
  void numbersBelowZeroWhoseProductIsNotAreRefused() {
    try (var lengths = DeviceBuffer.allocate(device, INT32, 2);
        var x = DeviceBuffer.allocate(device, FLOAT32, 2)) {
      var mask = device.kernels().get("time", "mask_time_f32");
      for (int columns : new int[] {1, 0}) {
        refuses(
            "argument x of mask_time_f32 has 2 elements, must have at least 9223372036854775807",
            () -> mask.bind(1, 32, lengths, x, x, -1, -2, columns));
      }
    }
  }

  /** What a kernel reads from memory no launch can check. */
  @Test
  void placesThatAreNoneAreNotFollowed() {
    var kernel = device.kernels().get("embedding", "embedding_gradient_f32");
    try (var tokens = DeviceBuffer.allocate(device, ElementType.INT32, 4);
        var order = DeviceBuffer.allocate(device, ElementType.INT32, 4);
        var dy = DeviceBuffer.allocate(device, ElementType.FLOAT32, 8);
        var table = DeviceBuffer.allocate(device, ElementType.FLOAT32, 6);
        var launch = kernel.overRows(4, tokens, order, dy, table, 4, 2, 3)) {
      tokens.copyFrom(new int[] {0, 7, -9, 2});
      order.copyFrom(new int[] {Integer.MAX_VALUE, Integer.MIN_VALUE, 0, 4});
      dy.copyFrom(new float[] {1, 2, 3, 4, 5, 6, 7, 8});
      table.clear();
      launch.run();
      assertArrayEquals(new float[] {1, 2, 0, 0, 0, 0}, table.toFloats());
    }
  }
}
