package io.github.cudnn4j.proof;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.cudnn4j.bindings.Cudart;
import io.github.cudnn4j.bindings.Cudnn;
import io.github.cudnn4j.bindings.NativeTypes;
import io.github.cudnn4j.cuda.CudaException;
import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.DlPackTensor;
import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.cuda.Event;
import io.github.cudnn4j.cuda.PinnedBuffer;
import io.github.cudnn4j.cuda.Stream;
import io.github.cudnn4j.library.DeviceKind;
import io.github.cudnn4j.rnn.Rnn;
import io.github.cudnn4j.rnn.RnnConfig;
import io.github.cudnn4j.rnn.RnnStates;
import io.github.cudnn4j.rnn.SequenceShape;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.module.ModuleFinder;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.SplittableRandom;
import java.util.concurrent.Executors;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Memory and streams of another library: JavaCPP's pointers, which Deeplearning4j and TensorFlow's
 * Java API are made of, DLPack's tensors, and CUDA's own functions below all of it.
 */
class InteropTest {
  private static final float[] VALUES = {1, -2, 3.5f, -4, 5, 6};

  private Device device;

  @BeforeEach
  void open() {
    device = Device.open();
  }

  @AfterEach
  void close() {
    device.close();
  }

  /** Device memory in the hands of JavaCPP, as its presets of CUDA give it to their users. */
  private static final class DeviceFloats extends FloatPointer {
    DeviceFloats(long elements) {
      super((Pointer) null);
      try (var arena = Arena.ofConfined()) {
        var out = arena.allocate(NativeTypes.C_POINTER);
        assertEquals(0, Cudart.cudaMalloc(out, elements * Float.BYTES));
        address = out.get(NativeTypes.C_POINTER, 0).address();
      }
      capacity(elements);
    }

    MemorySegment segment() {
      return MemorySegment.ofAddress(address);
    }

    @Override
    public void close() {
      assertEquals(0, Cudart.cudaFree(segment()));
    }
  }

  private static MemorySegment segment(Pointer host) {
    return MemorySegment.ofAddress(host.address()).reinterpret(host.capacity() * host.sizeof());
  }

  private static void refuses(String message, Runnable action) {
    assertEquals(message, assertThrows(IllegalArgumentException.class, action::run).getMessage());
  }

  /** Their stream brings x, ours computes y, theirs fetches it: nobody waits in between. */
  @Test
  void aNetworkRunsBetweenTheWorkOfAnotherLibrary() {
    var config = RnnConfig.lstm(3, 4);
    var random = new SplittableRandom(1);
    try (var rnn = Rnn.create(device, config);
        var plan = rnn.plan(SequenceShape.of(5, 2));
        var ownX = DeviceBuffer.allocate(device, ElementType.FLOAT32, plan.inputElements());
        var ownY = DeviceBuffer.allocate(device, ElementType.FLOAT32, plan.outputElements());
        var theirX = new DeviceFloats(plan.inputElements());
        var theirY = new DeviceFloats(plan.outputElements());
        var hostX = new FloatPointer(plan.inputElements());
        var hostY = new FloatPointer(plan.outputElements());
        var arena = Arena.ofConfined()) {
      rnn.initialize(2);
      float[] values = new float[(int) plan.inputElements()];
      IntStream.range(0, values.length).forEach(i -> values[i] = (float) random.nextDouble(-1, 1));
      ownX.copyFrom(values);
      plan.infer(ownX, ownY, RnnStates.NONE);
      hostX.put(values);
      var out = arena.allocate(NativeTypes.C_POINTER);
      assertEquals(0, Cudart.cudaStreamCreateWithFlags(out, Cudart.cudaStreamNonBlocking()));
      var stream = out.get(NativeTypes.C_POINTER, 0);

      try (var theirs = Stream.wrap(device, stream.address());
          var done = Event.create(device);
          var x =
              DeviceBuffer.wrap(device, ElementType.FLOAT32, theirX.address(), theirX.capacity());
          var y =
              DeviceBuffer.wrap(device, ElementType.FLOAT32, theirY.address(), theirY.capacity())) {
        copy(theirX.segment(), segment(hostX), Cudart.cudaMemcpyHostToDevice(), stream);
        theirs.record(done);
        device.stream().waitFor(done);
        plan.infer(x, y, RnnStates.NONE);
        device.stream().record(done);
        theirs.waitFor(done);
        copy(segment(hostY), theirY.segment(), Cudart.cudaMemcpyDeviceToHost(), stream);
      }
      // It is still theirs.
      assertEquals(0, Cudart.cudaStreamSynchronize(stream));
      assertEquals(0, Cudart.cudaStreamDestroy(stream));
      var result = new float[(int) plan.outputElements()];
      hostY.get(result);
      assertArrayEquals(ownY.toFloats(), result);
      assertTrue(result[0] != 0);
    }
  }

  private static void copy(MemorySegment to, MemorySegment from, int kind, MemorySegment stream) {
    var bytes = Math.max(to.byteSize(), from.byteSize());
    assertEquals(0, Cudart.cudaMemcpyAsync(to, from, bytes, kind, stream));
  }

  @Test
  void theDefaultStreamCanBeWrapped() {
    try (var stream = Stream.wrap(device, 0);
        var buffer = DeviceBuffer.allocate(device, ElementType.FLOAT32, 6)) {
      buffer.copyFrom(VALUES);
      buffer.clear(stream);
      stream.synchronize();
      assertTrue(stream.isDone());
      assertArrayEquals(new float[6], buffer.toFloats());
    }
  }

  /** On the host device a JavaCPP pointer sees what is computed, as it is memory of the host. */
  @Test
  void theHostDevicesMemoryIsReadInPlace() {
    assumeTrue(device.kind() == DeviceKind.HOST, "memory of a GPU is not read by the host");
    try (var theirs = new DeviceFloats(6);
        var ours = DeviceBuffer.wrap(device, ElementType.FLOAT32, theirs.address(), 6)) {
      theirs.put(VALUES);
      device.blas().scal(2, ours);
      device.synchronize();
      assertEquals(7, theirs.get(2));
      assertEquals(12, theirs.get(5));
    }
  }

  /** Memory of the host is copied; as memory of the device it is an error, not a crash. */
  @Test
  void hostMemoryIsNotMemoryOfTheDevice() {
    try (var theirs = new FloatPointer(VALUES);
        var ours = DeviceBuffer.allocate(device, ElementType.FLOAT32, 6)) {
      ours.copyFrom(segment(theirs));
      device.blas().scal(2, ours);
      ours.copyTo(segment(theirs));
      assertEquals(-8, theirs.get(3));

      assumeTrue(device.kind() == DeviceKind.HOST, "a GPU would stop this process");
      try (var wrapped = DeviceBuffer.wrap(device, ElementType.FLOAT32, theirs.address(), 6)) {
        assertThrows(CudaException.class, wrapped::clear);
        assertEquals(-8, theirs.get(3));
      }
    }
  }

  /** Registered, it is memory of the device as well, without a copy. */
  @Test
  void hostMemoryIsRegisteredAndComputedWithInPlace() {
    var config = RnnConfig.lstm(3, 4);
    try (var rnn = Rnn.create(device, config);
        var plan = rnn.plan(SequenceShape.of(5, 2));
        var ownX = DeviceBuffer.allocate(device, ElementType.FLOAT32, plan.inputElements());
        var ownY = DeviceBuffer.allocate(device, ElementType.FLOAT32, plan.outputElements());
        var theirX = new FloatPointer(plan.inputElements());
        var theirY = new FloatPointer(plan.outputElements())) {
      rnn.initialize(2);
      float[] values = new float[(int) plan.inputElements()];
      IntStream.range(0, values.length).forEach(i -> values[i] = (i % 7 - 3) / 4f);
      ownX.copyFrom(values);
      plan.infer(ownX, ownY, RnnStates.NONE);
      theirX.put(values);
      var y = PinnedBuffer.register(device, ElementType.FLOAT32, segment(theirY));
      try (var x = PinnedBuffer.register(device, ElementType.FLOAT32, segment(theirX));
          var given = DeviceBuffer.wrap(x);
          var onDevice = DeviceBuffer.wrap(y)) {
        plan.infer(given, onDevice, RnnStates.NONE);
        device.synchronize();
        var result = new float[(int) theirY.capacity()];
        theirY.get(result);
        assertArrayEquals(ownY.toFloats(), result);
        assertArrayEquals(result, onDevice.toFloats());
        onDevice.clear();
        ownX.copyFrom(x);
        assertArrayEquals(values, ownX.toFloats());
        assertArrayEquals(new float[result.length], onDevice.toFloats());
        var again =
            assertThrows(
                CudaException.class,
                () -> PinnedBuffer.register(device, ElementType.FLOAT32, segment(theirX)));
        assertEquals(Cudart.cudaErrorHostMemoryAlreadyRegistered(), again.code());
        y.close();
        assertThrows(IllegalStateException.class, onDevice::clear);
      }
      // It is theirs again, to be freed or registered once more.
      theirX.put(0, 1);
      PinnedBuffer.register(device, ElementType.FLOAT32, segment(theirX)).close();
    }
  }

  @Test
  void whatCannotBeRegisteredIsRefused() {
    try (var arena = Arena.ofConfined()) {
      var memory = arena.allocate(16, 8);
      refuses(
          "the memory has 15 bytes, must have a multiple of 4 and more than 0",
          () -> PinnedBuffer.register(device, ElementType.FLOAT32, memory.asSlice(0, 15)));
      refuses(
          memory.asSlice(2, 8) + " must be native memory at a multiple of 4",
          () -> PinnedBuffer.register(device, ElementType.FLOAT32, memory.asSlice(2, 8)));
      var array = MemorySegment.ofArray(new float[2]);
      refuses(
          array + " must be native memory at a multiple of 4",
          () -> PinnedBuffer.register(device, ElementType.FLOAT32, array));
    }
  }

  @Test
  void aTensorIsTakenOverAndGivenBack() {
    try (var theirs = new DeviceFloats(8);
        var library = new DlPackLibrary(theirs.segment())) {
      library.byteOffset(8);
      try (var tensor = DlPackTensor.of(device, library.address())) {
        assertArrayEquals(new long[] {2, 3}, tensor.shape());
        assertEquals(theirs.address() + 8, tensor.buffer().address());
        tensor.buffer().copyFrom(VALUES);
        device.blas().scal(2, tensor.buffer());
        assertArrayEquals(new float[] {2, -4, 7, -8, 10, 12}, tensor.buffer().toFloats());
        assertEquals(0, library.deleted);
      }
      assertEquals(1, library.deleted);
      var taken = DlPackTensor.of(device, library.address());
      taken.close();
      taken.close();
      assertEquals(2, library.deleted);
      assertThrows(IllegalStateException.class, () -> taken.buffer().toFloats());
    }
  }

  /** On the host device a tensor of the CPU is memory of the device for as long as it is taken. */
  @Test
  void aTensorOfTheCpuIsComputedWithInPlace() {
    assumeTrue(device.kind() == DeviceKind.HOST, "a GPU takes no tensor of the CPU");
    try (var theirs = new FloatPointer(VALUES);
        var library = new DlPackLibrary(segment(theirs))) {
      for (int times = 1; times <= 2; times++) {
        try (var tensor = DlPackTensor.of(device, library.address());
            var again = DlPackTensor.of(device, library.address())) {
          device.blas().scal(2, tensor.buffer());
          device.synchronize();
          assertEquals(theirs.address(), again.buffer().address());
          assertEquals(VALUES[5] * (1 << times), theirs.get(5));
        }
        assertEquals(2 * times, library.deleted);
      }
      library.byteOffset(2);
      assertThrows(
          IllegalArgumentException.class, () -> DlPackTensor.of(device, library.address()));
      PinnedBuffer.register(device, ElementType.FLOAT32, segment(theirs)).close();
    }
  }

  @Test
  void whatIsNoBufferIsRefused() {
    var host = device.kind() == DeviceKind.HOST;
    var expected = host ? 1 : 2;
    refuses("the address of the DLPack tensor is 0", () -> DlPackTensor.of(device, 0));
    try (var theirs = new DeviceFloats(6)) {
      refused(
          theirs,
          library -> library.set(ValueLayout.JAVA_INT, 8, host ? 2 : 1),
          "the DLPack tensor is on device 0 of type %d, must be on device 0 of type %d"
              .formatted(3 - expected, expected));
      refused(
          theirs,
          library -> library.set(ValueLayout.JAVA_INT, 12, 1),
          "the DLPack tensor is on device 1 of type %d, must be on device 0 of type %d"
              .formatted(expected, expected));
      refused(
          theirs,
          library -> library.set(ValueLayout.JAVA_BYTE, 20, (byte) 5),
          "the DLPack tensor has elements of type code 5, 32 bits and 1 lanes, must be one of"
              + " [FLOAT32, FLOAT64, FLOAT16, BFLOAT16, INT32, INT64, UINT8]");
      refused(
          theirs,
          library -> library.strides.setAtIndex(ValueLayout.JAVA_LONG, 0, 4),
          "the DLPack tensor of shape [2, 3] has strides [4, 1], must have [3, 1]: rows without"
              + " gaps");
      refused(
          theirs,
          library -> library.shape.setAtIndex(ValueLayout.JAVA_LONG, 1, -1),
          "a dimension's size = -1, must be from 0 to " + Long.MAX_VALUE / 2);
      for (int dimensions : new int[] {-1, 65, Integer.MIN_VALUE, Integer.MAX_VALUE}) {
        refused(
            theirs,
            library -> library.set(ValueLayout.JAVA_INT, 16, dimensions),
            "the DLPack tensor's dimensions = " + dimensions + ", must be from 0 to 64");
      }
      // An offset does not make a place of none.
      refused(
          theirs,
          library -> {
            library.structure.set(ValueLayout.ADDRESS, 0, MemorySegment.NULL);
            library.byteOffset(8);
          },
          "the DLPack tensor's pointer data is NULL");
      refused(
          theirs,
          library -> library.structure.set(ValueLayout.ADDRESS, 24, MemorySegment.NULL),
          "the DLPack tensor's pointer shape is NULL");
      refused(
          theirs,
          library -> library.byteOffset(2),
          "address 0x%x, must not be 0 and be a multiple of 4".formatted(theirs.address() + 2));
    }
  }

  private void refused(DeviceFloats theirs, Consumer<DlPackLibrary> change, String message) {
    try (var library = new DlPackLibrary(theirs.segment())) {
      change.accept(library);
      refuses(message, () -> DlPackTensor.of(device, library.address()));
      assertEquals(0, library.deleted);
    }
  }

  @Test
  void aVersionedTensorIsTakenOverUnlessItMayOnlyBeRead() {
    try (var theirs = new DeviceFloats(6);
        var library = DlPackLibrary.versioned(this, theirs.segment())) {
      MemorySegment head = segment(library.memory);
      try (var tensor = DlPackTensor.ofVersioned(device, library.address())) {
        assertArrayEquals(new long[] {2, 3}, tensor.shape());
        tensor.buffer().copyFrom(VALUES);
        assertArrayEquals(VALUES, tensor.buffer().toFloats());
      }
      assertEquals(1, library.deleted);
      head.set(ValueLayout.JAVA_LONG, 24, 1);
      refuses(
          "the DLPack tensor may only be read, and a buffer may be written: hand over a copy",
          () -> DlPackTensor.ofVersioned(device, library.address()));
      head.set(ValueLayout.JAVA_INT, 0, 2);
      refuses(
          "the DLPack tensor is of version 2.2, must be of 1",
          () -> DlPackTensor.ofVersioned(device, library.address()));
      refuses("the address of the DLPack tensor is 0", () -> DlPackTensor.ofVersioned(device, 0));
      assertEquals(1, library.deleted);
    }
  }

  @Test
  void aBufferIsHandedOverAndComesBack() {
    try (var buffer = DeviceBuffer.allocate(device, ElementType.FLOAT32, 6)) {
      buffer.copyFrom(VALUES);
      for (int times = 0; times < 3; times++) {
        long address = DlPackTensor.export(buffer.slice(2, 4), 2, 1, 2);
        try (var tensor = DlPackTensor.of(device, address)) {
          assertArrayEquals(new long[] {2, 1, 2}, tensor.shape());
          assertArrayEquals(new float[] {3.5f, -4, 5, 6}, tensor.buffer().toFloats());
        }
      }
      long address = DlPackTensor.exportVersioned(buffer.slice(2, 4), 4);
      MemorySegment head = MemorySegment.ofAddress(address).reinterpret(80);
      assertEquals(1, head.get(ValueLayout.JAVA_INT, 0));
      assertEquals(buffer.address() + 8, head.get(ValueLayout.ADDRESS, 32).address());
      try (var tensor = DlPackTensor.ofVersioned(device, address)) {
        assertArrayEquals(new float[] {3.5f, -4, 5, 6}, tensor.buffer().toFloats());
      }
      refuses("the buffer has 6 elements, must be 4", () -> DlPackTensor.export(buffer, 2, 2));
      try (var empty = DeviceBuffer.allocate(device, ElementType.BFLOAT16, 0);
          var tensor = DlPackTensor.of(device, DlPackTensor.export(empty, 3, 0))) {
        assertEquals(ElementType.BFLOAT16, tensor.buffer().type());
        assertEquals(0, tensor.buffer().elements());
      }
    }
  }

  /** The other library frees when and where it likes, and not twice what is gone. */
  @Test
  void whatIsHandedOverIsDeletedOnceByAnyThread() throws Exception {
    long address;
    MemorySegment deleter;
    try (var buffer = DeviceBuffer.allocate(device, ElementType.FLOAT32, 6)) {
      address = DlPackTensor.export(buffer, 2, 3);
      deleter = MemorySegment.ofAddress(address).reinterpret(64).get(ValueLayout.ADDRESS, 56);
    }
    MethodHandle delete =
        Linker.nativeLinker()
            .downcallHandle(deleter, FunctionDescriptor.ofVoid(ValueLayout.ADDRESS));
    try (var threads = Executors.newFixedThreadPool(1)) {
      for (int times = 0; times < 2; times++) {
        threads
            .submit(
                () -> {
                  try {
                    delete.invokeExact(MemorySegment.ofAddress(address));
                  } catch (Throwable e) {
                    throw new AssertionError(e);
                  }
                })
            .get();
      }
    }
  }

  @Test
  void theBindingsAreExported() throws URISyntaxException {
    var place = Path.of(Cudnn.class.getProtectionDomain().getCodeSource().getLocation().toURI());
    var module = ModuleFinder.of(place).findAll().iterator().next().descriptor();
    assertEquals("io.github.cudnn4j", module.name());
    assertTrue(
        module.exports().stream()
            .anyMatch(e -> e.source().equals(Cudnn.class.getPackageName()) && !e.isQualified()));
    assertTrue(Cudnn.cudnnGetVersion() >= 90000);
  }

  /** Another library with one tensor {@code [2, 3]}, its structure written byte by byte. */
  private final class DlPackLibrary implements AutoCloseable {
    private final BytePointer memory = new BytePointer(80);
    private final Arena arena = Arena.ofConfined();
    private final MemorySegment structure;
    private final MemorySegment shape = arena.allocateFrom(ValueLayout.JAVA_LONG, 2, 3);
    private final MemorySegment strides = arena.allocateFrom(ValueLayout.JAVA_LONG, 3, 1);
    private int deleted;

    DlPackLibrary(MemorySegment data) {
      this(data, 0, 56);
    }

    /** Of version 1.2, with flags that do not matter. */
    static DlPackLibrary versioned(InteropTest test, MemorySegment data) {
      DlPackLibrary library = test.new DlPackLibrary(data, 32, 16);
      MemorySegment head = segment(library.memory);
      head.set(ValueLayout.JAVA_INT, 0, 1);
      head.set(ValueLayout.JAVA_INT, 4, 2);
      head.set(ValueLayout.JAVA_LONG, 24, 6);
      return library;
    }

    private DlPackLibrary(MemorySegment data, long tensorAt, long deleterAt) {
      var zeros = new byte[80];
      MemorySegment.copy(zeros, 0, segment(memory), ValueLayout.JAVA_BYTE, 0, zeros.length);
      structure = segment(memory).asSlice(tensorAt);
      set(ValueLayout.JAVA_INT, 8, device.kind() == DeviceKind.HOST ? 1 : 2);
      set(ValueLayout.JAVA_INT, 16, 2);
      set(ValueLayout.JAVA_BYTE, 20, (byte) 2);
      set(ValueLayout.JAVA_BYTE, 21, (byte) 32);
      structure.set(ValueLayout.JAVA_SHORT, 22, (short) 1);
      structure.set(ValueLayout.ADDRESS, 0, data);
      structure.set(ValueLayout.ADDRESS, 24, shape);
      structure.set(ValueLayout.ADDRESS, 32, strides);
      segment(memory).set(ValueLayout.ADDRESS, deleterAt, deleter());
    }

    private MemorySegment deleter() {
      try {
        MethodType type = MethodType.methodType(void.class, MemorySegment.class);
        return Linker.nativeLinker()
            .upcallStub(
                MethodHandles.lookup().bind(this, "delete", type),
                FunctionDescriptor.ofVoid(ValueLayout.ADDRESS),
                arena);
      } catch (ReflectiveOperationException e) {
        throw new AssertionError(e);
      }
    }

    void delete(MemorySegment tensor) {
      deleted += tensor.address() == address() ? 1 : 100;
    }

    long address() {
      return memory.address();
    }

    void set(ValueLayout.OfInt layout, long offset, int value) {
      structure.set(layout, offset, value);
    }

    void set(ValueLayout.OfByte layout, long offset, byte value) {
      structure.set(layout, offset, value);
    }

    void byteOffset(long bytes) {
      structure.set(ValueLayout.JAVA_LONG, 40, bytes);
    }

    @Override
    public void close() {
      arena.close();
      memory.close();
    }
  }
}
