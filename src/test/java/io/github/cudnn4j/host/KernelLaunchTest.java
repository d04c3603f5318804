package io.github.cudnn4j.host;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cudnn4j.bindings.CudaDriver;
import io.github.cudnn4j.bindings.Cudart;
import io.github.cudnn4j.bindings.NativeTypes;
import io.github.cudnn4j.bindings.Nvrtc;
import io.github.cudnn4j.library.HostMode;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Kernels are compiled, loaded and launched as on a GPU. */
class KernelLaunchTest extends HostDeviceTest {
  private static String resource(String name) throws IOException {
    try (var stream = Cudart.class.getResourceAsStream("/io/github/cudnn4j/kernels/" + name)) {
      return new String(stream.readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  private MemorySegment texts(String... texts) {
    var array = arena.allocate(NativeTypes.C_POINTER, texts.length);
    for (int i = 0; i < texts.length; i++) {
      array.setAtIndex(NativeTypes.C_POINTER, i, arena.allocateFrom(texts[i]));
    }
    return array;
  }

  private MemorySegment program(String source, boolean withHeader) throws IOException {
    var headers = texts(resource("dialect.cuh"));
    var names = texts("dialect.cuh");
    int count = withHeader ? 1 : 0;
    return made(
        out ->
            Nvrtc.nvrtcCreateProgram(
                out,
                arena.allocateFrom(source),
                arena.allocateFrom("kernels.cu"),
                count,
                headers,
                names));
  }

  private static int compile(MemorySegment program) {
    return Nvrtc.nvrtcCompileProgram(program, 0, NULL);
  }

  private String log(MemorySegment program) {
    var size = arena.allocate(NativeTypes.C_LONG);
    ok(Nvrtc.nvrtcGetProgramLogSize(program, size));
    var text = arena.allocate(size.get(NativeTypes.C_LONG, 0));
    ok(Nvrtc.nvrtcGetProgramLog(program, text));
    return text.getString(0);
  }

  private void destroy(MemorySegment program) {
    var handle = arena.allocate(NativeTypes.C_POINTER);
    handle.set(NativeTypes.C_POINTER, 0, program);
    ok(Nvrtc.nvrtcDestroyProgram(handle));
  }

  private MemorySegment module(String file) throws IOException {
    var program = program(resource(file), true);
    ok(compile(program));
    assertEquals("", log(program));
    var size = arena.allocate(NativeTypes.C_LONG);
    ok(Nvrtc.nvrtcGetPTXSize(program, size));
    var ptx = arena.allocate(size.get(NativeTypes.C_LONG, 0));
    ok(Nvrtc.nvrtcGetPTX(program, ptx));
    destroy(program);
    ok(Cudart.cudaSetDevice(0));
    return made(out -> CudaDriver.cuModuleLoadData(out, ptx));
  }

  private MemorySegment function(MemorySegment module, String name) {
    var text = arena.allocateFrom(name);
    return made(out -> CudaDriver.cuModuleGetFunction(out, module, text));
  }

  private MemorySegment arguments(MemorySegment target, float value, long count) {
    var array = arena.allocate(NativeTypes.C_POINTER, 3);
    var address = arena.allocateFrom(ValueLayout.JAVA_LONG, target.address());
    array.setAtIndex(NativeTypes.C_POINTER, 0, address);
    array.setAtIndex(NativeTypes.C_POINTER, 1, floats(value));
    array.setAtIndex(NativeTypes.C_POINTER, 2, arena.allocateFrom(ValueLayout.JAVA_LONG, count));
    return array;
  }

  private static int launch(
      MemorySegment function, int gridX, int gridY, int blockX, int shared, MemorySegment args) {
    return CudaDriver.cuLaunchKernel(
        function, gridX, gridY, 1, blockX, 1, 1, shared, DEFAULT_STREAM, args, NULL);
  }

  @ParameterizedTest
  @CsvSource({"1, 1", "1000, 1", "100000, 1", "100000, 3"})
  void fillsEveryElementAndNoOther(int count, int threads) throws IOException {
    host.threads(threads);
    var module = module("fill.cu");
    var function = function(module, "fill_f32");
    var block = device((count + 1) * 4L);
    ok(launch(function, (count + 255) / 256, 1, 256, 0, arguments(block, 2.5f, count)));
    var values = read(block, count + 1);
    var expected = new float[count + 1];
    Arrays.fill(expected, 0, count, 2.5f);
    expected[count] = Float.NaN;
    assertArrayEquals(expected, values);
    ok(CudaDriver.cuModuleUnload(module));
    free(block);
  }

  @Test
  void argumentsAreTakenAtTheLaunch() throws IOException {
    host.mode(HostMode.LAZY);
    var module = module("fill.cu");
    var function = function(module, "fill_f32");
    var block = device(4);
    var arguments = arguments(block, 1, 1);
    ok(launch(function, 1, 1, 32, 0, arguments));
    arguments.getAtIndex(NativeTypes.C_POINTER, 1).set(ValueLayout.JAVA_FLOAT, 0, 9);
    ok(CudaDriver.cuModuleUnload(module));
    assertEquals(1, read(block, 1)[0]);
    free(block);
  }

  @ParameterizedTest
  @CsvSource({
    "0, 1, 32, 0",
    "1, 0, 32, 0",
    "1, 65536, 32, 0",
    "1, 1, 0, 0",
    "1, 1, 1025, 0",
    "-1, 1, 32, 0",
    "1, 1, 32, 49153"
  })
  void geometryOutsideOfTheLimitsIsRefused(int gridX, int gridY, int blockX, int shared)
      throws IOException {
    var module = module("fill.cu");
    var function = function(module, "fill_f32");
    var block = device(4);
    assertEquals(
        CudaDriver.CUDA_ERROR_INVALID_VALUE(),
        launch(function, gridX, gridY, blockX, shared, arguments(block, 1, 1)));
    assertTrue(Float.isNaN(read(block, 1)[0]));
    ok(CudaDriver.cuModuleUnload(module));
    free(block);
  }

  @Test
  void pointerToWhereTheDeviceHasNoMemoryIsRefused() throws IOException {
    var module = module("fill.cu");
    var function = function(module, "fill_f32");
    var block = device(4);
    int refused = CudaDriver.CUDA_ERROR_ILLEGAL_ADDRESS();
    assertEquals(refused, launch(function, 1, 1, 32, 0, arguments(arena.allocate(4), 1, 1)));
    free(block);
    assertEquals(refused, launch(function, 1, 1, 32, 0, arguments(block, 1, 1)));
    assertEquals(CudaDriver.CUDA_ERROR_INVALID_VALUE(), launch(function, 1, 1, 32, 0, NULL));
    ok(CudaDriver.cuModuleUnload(module));
    assertEquals(
        CudaDriver.CUDA_ERROR_INVALID_HANDLE(),
        launch(function, 1, 1, 32, 0, arguments(block, 1, 1)));
  }

  @Test
  void memoryOfLessThanTheKernelTouchesIsRefused() throws IOException {
    var module = module("fill.cu");
    var function = function(module, "fill_f32");
    var block = device(8);
    var second = MemorySegment.ofAddress(block.address() + 4);
    int refused = CudaDriver.CUDA_ERROR_ILLEGAL_ADDRESS();
    for (long count : new long[] {3, 1L << 40, Long.MAX_VALUE}) {
      assertEquals(refused, launch(function, 1, 1, 32, 0, arguments(block, 1, count)), "" + count);
    }
    assertEquals(refused, launch(function, 1, 1, 32, 0, arguments(second, 1, 2)));
    assertEquals(refused, launch(function, 1, 1, 32, 0, arguments(NULL, 1, 1)));
    ok(launch(function, 1, 1, 32, 0, arguments(NULL, 1, 0)));
    ok(launch(function, 1, 1, 32, 0, arguments(NULL, 1, -1)));
    ok(launch(function, 1, 1, 32, 0, arguments(block, 1, 2)));
    assertArrayEquals(new float[] {1, 1}, read(block, 2));
    ok(CudaDriver.cuModuleUnload(module));
    free(block);
  }

  @Test
  void foreignSourceDoesNotCompileAndTheLogSaysWhy() throws IOException {
    var foreign = program("extern \"C\" __global__ void f() {}", false);
    assertEquals(Nvrtc.NVRTC_ERROR_COMPILATION(), compile(foreign));
    assertEquals(
        "kernels.cu: error: the host device has no compiler; it runs the kernels that it was built"
            + " with, and this source is none of them\n",
        log(foreign));
    var size = arena.allocate(NativeTypes.C_LONG);
    assertEquals(Nvrtc.NVRTC_ERROR_INVALID_PROGRAM(), Nvrtc.nvrtcGetPTXSize(foreign, size));
    destroy(foreign);
    var headless = program(resource("fill.cu"), false);
    assertEquals(Nvrtc.NVRTC_ERROR_COMPILATION(), compile(headless));
    assertEquals("kernels.cu: error: cannot open source file \"dialect.cuh\"\n", log(headless));
    destroy(headless);
    assertEquals(Nvrtc.NVRTC_ERROR_INVALID_PROGRAM(), compile(headless));
  }

  @Test
  void unknownKernelsAndImagesAreRefused() throws IOException {
    var module = module("fill.cu");
    var out = arena.allocate(NativeTypes.C_POINTER);
    assertEquals(
        CudaDriver.CUDA_ERROR_NOT_FOUND(),
        CudaDriver.cuModuleGetFunction(out, module, arena.allocateFrom("fill_f16")));
    assertEquals(
        CudaDriver.CUDA_ERROR_INVALID_IMAGE(),
        CudaDriver.cuModuleLoadData(out, arena.allocateFrom(".version 9.0")));
    ok(CudaDriver.cuModuleUnload(module));
    assertEquals(CudaDriver.CUDA_ERROR_INVALID_HANDLE(), CudaDriver.cuModuleUnload(module));
  }

  @Test
  void aThreadNeedsAContext() throws IOException, InterruptedException {
    var module = module("fill.cu");
    var status = new int[1];
    try (var shared = Arena.ofShared()) {
      var image = shared.allocateFrom("x");
      var out = shared.allocate(NativeTypes.C_POINTER);
      var thread = new Thread(() -> status[0] = CudaDriver.cuModuleLoadData(out, image));
      thread.start();
      thread.join();
    }
    assertEquals(CudaDriver.CUDA_ERROR_INVALID_CONTEXT(), status[0]);
    ok(CudaDriver.cuModuleUnload(module));
  }
}
