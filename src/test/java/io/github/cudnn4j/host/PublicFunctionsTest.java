package io.github.cudnn4j.host;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cudnn4j.bindings.Cudart;
import io.github.cudnn4j.bindings.Cudnn;
import io.github.cudnn4j.bindings.NativeTypes;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Functions that programs of others call and that this library's bindings do not have. */
class PublicFunctionsTest extends HostDeviceTest {
  private static final int BAD = Cudnn.CUDNN_STATUS_BAD_PARAM();
  private static final int UNSUPPORTED = Cudnn.CUDNN_STATUS_NOT_SUPPORTED();
  private static final int INVALID = Cudart.cudaErrorInvalidValue();
  private static final int NHWC = 1;
  private static final int UNTOUCHED = -77;

  private Arena arena;

  @BeforeEach
  void open() {
    arena = Arena.ofConfined();
  }

  @AfterEach
  void close() {
    arena.close();
  }

  /** Calls a function of pointers and numbers that returns a status. */
  private static int call(String function, Object... arguments) {
    var layouts = Arrays.stream(arguments).map(PublicFunctionsTest::layout);
    var type = FunctionDescriptor.of(ValueLayout.JAVA_INT, layouts.toArray(MemoryLayout[]::new));
    var address = SymbolLookup.loaderLookup().findOrThrow(function);
    try {
      return (int)
          Linker.nativeLinker().downcallHandle(address, type).invokeWithArguments(arguments);
    } catch (Throwable e) {
      throw new AssertionError(function, e);
    }
  }

  private static MemoryLayout layout(Object argument) {
    return switch (argument) {
      case Integer _ -> ValueLayout.JAVA_INT;
      case Long _ -> ValueLayout.JAVA_LONG;
      case Double _ -> ValueLayout.JAVA_DOUBLE;
      default -> ValueLayout.ADDRESS;
    };
  }

  private MemorySegment pointer() {
    return arena.allocate(NativeTypes.C_POINTER);
  }

  private static MemorySegment at(MemorySegment pointer) {
    return pointer.get(NativeTypes.C_POINTER, 0);
  }

  private MemorySegment create(String function) {
    var out = pointer();
    assertEquals(0, call(function, out));
    return at(out);
  }

  /** Calls a getter that writes so many ints; returns them. */
  private int[] ints(String function, MemorySegment descriptor, int count) {
    var values = new int[count];
    Arrays.fill(values, UNTOUCHED);
    var memory = arena.allocateFrom(ValueLayout.JAVA_INT, values);
    var arguments = new Object[count + 1];
    arguments[0] = descriptor;
    for (int i = 0; i < count; i++) {
      arguments[i + 1] = memory.asSlice(4L * i);
    }
    assertEquals(0, call(function, arguments));
    for (int i = 0; i < count; i++) {
      values[i] = memory.getAtIndex(ValueLayout.JAVA_INT, i);
    }
    return values;
  }

  @Test
  void streamsEventsAndMemoryAreMadeWithoutFlags() {
    ok(Cudart.cudaStreamDestroy(create("cudaStreamCreate")));
    ok(Cudart.cudaEventDestroy(create("cudaEventCreate")));
    assertEquals(INVALID, call("cudaStreamCreate", NULL));
    assertEquals(INVALID, call("cudaEventCreate", NULL));
    var out = pointer();
    ok(call("cudaMallocHost", out, 64L));
    ok(Cudart.cudaFreeHost(at(out)));
    ok(call("cudaMallocManaged", out, 64L, 1));
    var managed = at(out).reinterpret(64);
    ok(Cudart.cudaMemset(managed, 3, 64));
    ok(Cudart.cudaDeviceSynchronize());
    assertEquals(3, managed.get(ValueLayout.JAVA_BYTE, 63));
    ok(Cudart.cudaFree(managed));
    assertEquals(INVALID, call("cudaMallocManaged", out, 64L, 0));
  }

  @Test
  void theDevicesPropertiesAreThoseOfItsAttributes() {
    // The structures of CUDA 13 and of CUDA 12, and where the multiprocessors stand in them.
    int[][] layouts = {{1008, 384}, {1032, 388}};
    for (int[] layout : layouts) {
      var name = layout[0] == 1008 ? "cudaGetDeviceProperties" : "cudaGetDeviceProperties_v2";
      var memory = arena.allocate(layout[0] + 8L, 8);
      for (long i = 0; i < memory.byteSize(); i++) {
        memory.set(ValueLayout.JAVA_BYTE, i, (byte) 0x55);
      }
      ok(call(name, memory, 0));
      assertTrue(memory.getString(0).startsWith("cudnn4j host device"), memory.getString(0));
      assertTrue(memory.get(ValueLayout.JAVA_LONG, 288) > 1 << 20);
      assertEquals(32, memory.get(ValueLayout.JAVA_INT, 308));
      assertEquals(9, memory.get(ValueLayout.JAVA_INT, 360));
      var count = arena.allocate(ValueLayout.JAVA_INT);
      ok(Cudart.cudaDeviceGetAttribute(count, Cudart.cudaDevAttrMultiProcessorCount(), 0));
      assertEquals(count.get(ValueLayout.JAVA_INT, 0), memory.get(ValueLayout.JAVA_INT, layout[1]));
      assertEquals(0, memory.get(ValueLayout.JAVA_BYTE, layout[0] - 1L));
      assertEquals(0x55, memory.get(ValueLayout.JAVA_BYTE, layout[0]));
      assertEquals(INVALID, call(name, NULL, 0));
      assertNotEquals(0, call(name, memory, 1));
    }
  }

  @Test
  void registeredMemoryIsTheCallersBothBeforeAndAfter() {
    var memory = arena.allocate(4096, 8);
    var out = pointer();
    assertEquals(INVALID, Cudart.cudaHostGetDevicePointer(out, memory, 0));
    assertEquals(Cudart.cudaErrorHostMemoryNotRegistered(), Cudart.cudaHostUnregister(memory));
    ok(Cudart.cudaHostRegister(memory, 4096, 0));
    ok(Cudart.cudaHostGetDevicePointer(out, memory, 0));
    assertEquals(memory.address(), at(out).address());
    ok(Cudart.cudaMemset(memory, 1, 4096));
    ok(Cudart.cudaDeviceSynchronize());
    assertEquals(1, memory.get(ValueLayout.JAVA_BYTE, 4095));
    var part = MemorySegment.ofAddress(memory.address() + 4095);
    assertEquals(
        Cudart.cudaErrorHostMemoryAlreadyRegistered(), Cudart.cudaHostRegister(part, 1, 0));
    assertEquals(INVALID, Cudart.cudaFreeHost(memory), "it is not ours to free");
    ok(Cudart.cudaHostUnregister(memory));
    assertNotEquals(0, Cudart.cudaMemset(memory, 1, 4096));
    assertEquals(INVALID, Cudart.cudaHostRegister(NULL, 8, 0));
    assertEquals(INVALID, Cudart.cudaHostRegister(memory, 0, 0));
    assertEquals(INVALID, Cudart.cudaHostRegister(memory, 8, 64));
    var nowhere = MemorySegment.ofAddress(4096);
    assertEquals(INVALID, Cudart.cudaHostRegister(nowhere, 8, 0), "no memory is there");
  }

  @Test
  void tensorsAreSetByFormat() {
    var tensor = create("cudnnCreateTensorDescriptor");
    assertEquals(0, call("cudnnSetTensor4dDescriptor", tensor, 0, 2, 2, 3, 4, 5));
    assertArrayEquals(
        new int[] {2, 2, 3, 4, 5, 60, 20, 5, 1}, ints("cudnnGetTensor4dDescriptor", tensor, 9));
    assertEquals(0, call("cudnnSetTensor4dDescriptor", tensor, NHWC, 0, 2, 3, 4, 5));
    assertArrayEquals(
        new int[] {0, 2, 3, 4, 5, 60, 1, 15, 3}, ints("cudnnGetTensor4dDescriptor", tensor, 9));
    assertEquals(0, call("cudnnSetTensor4dDescriptorEx", tensor, 1, 2, 3, 4, 5, -60, 20, 5, 1));
    assertArrayEquals(
        new int[] {1, 2, 3, 4, 5, -60, 20, 5, 1}, ints("cudnnGetTensor4dDescriptor", tensor, 9));
    var extents = arena.allocateFrom(ValueLayout.JAVA_INT, 2, 3, 4);
    assertEquals(0, call("cudnnSetTensorNdDescriptorEx", tensor, NHWC, 0, 3, extents));
    assertArrayEquals(
        new int[] {0, 2, 3, 4, 0, 12, 1, 3, 0}, ints("cudnnGetTensor4dDescriptor", tensor, 9));
    for (int[] refused :
        new int[][] {
          {-1, 0, 2, 3, BAD},
          {3, 0, 2, 3, BAD},
          {0, 11, 2, 3, BAD},
          {0, 0, 0, 3, BAD},
          {0, 0, 65536, 65536, UNSUPPORTED},
          {2, 5, 2, 32, UNSUPPORTED}
        }) {
      RawCudnn.assertCategory(
          refused[4],
          call(
              "cudnnSetTensor4dDescriptor",
              tensor,
              refused[0],
              refused[1],
              refused[2],
              refused[3],
              1,
              1));
    }
    assertEquals(0, call("cudnnDestroyTensorDescriptor", tensor));
  }

  @Test
  void filtersAreDescribed() {
    var filter = create("cudnnCreateFilterDescriptor");
    assertEquals(0, call("cudnnSetFilter4dDescriptor", filter, 0, NHWC, 4, 3, 2, 5));
    assertArrayEquals(
        new int[] {0, NHWC, 4, 3, 2, 5}, ints("cudnnGetFilter4dDescriptor", filter, 6));
    var size = arena.allocate(ValueLayout.JAVA_LONG);
    assertEquals(0, call("cudnnGetFilterSizeInBytes", filter, size));
    assertEquals(480, size.get(ValueLayout.JAVA_LONG, 0));
    var extents = arena.allocateFrom(ValueLayout.JAVA_INT, 4, 3, 2);
    assertEquals(0, call("cudnnSetFilterNdDescriptor", filter, 0, 0, 3, extents));
    assertArrayEquals(new int[] {0, 0, 4, 3, 2, 0}, ints("cudnnGetFilter4dDescriptor", filter, 6));
    RawCudnn.assertCategory(BAD, call("cudnnSetFilterNdDescriptor", filter, 0, 0, 2, extents));
    RawCudnn.assertCategory(BAD, call("cudnnSetFilter4dDescriptor", filter, 0, 2, 4, 3, 2, 5));
    assertEquals(0, call("cudnnDestroyFilterDescriptor", filter));
  }

  @Test
  void olderFunctionsSetTheSameDescriptors() {
    var ctc = create("cudnnCreateCTCLossDescriptor");
    assertEquals(0, call("cudnnSetCTCLossDescriptor_v8", ctc, 0, 1, 1, 9));
    assertArrayEquals(new int[] {0, 1, 1, 9}, ints("cudnnGetCTCLossDescriptor_v9", ctc, 4));
    assertArrayEquals(new int[] {0, 1, 1, 9}, ints("cudnnGetCTCLossDescriptor_v8", ctc, 4));
    assertEquals(0, call("cudnnSetCTCLossDescriptorEx", ctc, 1, 1, 0));
    assertArrayEquals(new int[] {1, 1, 0, 0}, ints("cudnnGetCTCLossDescriptor_v9", ctc, 4));
    assertArrayEquals(new int[] {1, 1, 0}, ints("cudnnGetCTCLossDescriptorEx", ctc, 3));
    assertEquals(0, call("cudnnSetCTCLossDescriptor", ctc, 0));
    assertArrayEquals(new int[] {0, 0, 0, 0}, ints("cudnnGetCTCLossDescriptor_v9", ctc, 4));
    assertArrayEquals(new int[] {0}, ints("cudnnGetCTCLossDescriptor", ctc, 1));
    RawCudnn.assertCategory(UNSUPPORTED, call("cudnnSetCTCLossDescriptor", ctc, 2));
    assertEquals(0, call("cudnnDestroyCTCLossDescriptor", ctc));

    var rnn = create("cudnnCreateRNNDescriptor");
    assertEquals(0, call("cudnnRNNSetClip_v8", rnn, 1, 1, -2.0, 2.0));
    RawCudnn.assertCategory(BAD, call("cudnnRNNSetClip_v8", rnn, 1, 0, 2.0, -2.0));
    var modes = arena.allocate(ValueLayout.JAVA_INT, 2);
    var bounds = arena.allocate(ValueLayout.JAVA_DOUBLE, 2);
    assertEquals(
        0, call("cudnnRNNGetClip_v8", rnn, modes, modes.asSlice(4), bounds, bounds.asSlice(8)));
    assertEquals(1, modes.getAtIndex(ValueLayout.JAVA_INT, 0));
    assertEquals(1, modes.getAtIndex(ValueLayout.JAVA_INT, 1));
    assertEquals(-2, bounds.getAtIndex(ValueLayout.JAVA_DOUBLE, 0));
    assertEquals(2, bounds.getAtIndex(ValueLayout.JAVA_DOUBLE, 1));
    assertEquals(0, call("cudnnDestroyRNNDescriptor", rnn));

    try (var cudnn = new RawCudnn()) {
      var status = arena.allocateFrom(ValueLayout.JAVA_INT, UNTOUCHED);
      assertEquals(0, call("cudnnQueryRuntimeError", cudnn.handle, status, 0, NULL));
      assertEquals(0, status.get(ValueLayout.JAVA_INT, 0));
      RawCudnn.assertCategory(BAD, call("cudnnQueryRuntimeError", cudnn.handle, status, 3, NULL));
    }
  }
}
