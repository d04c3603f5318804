package io.github.cudnn4j.proof;

import static io.github.cudnn4j.testing.Refusals.refuses;
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
import java.lang.foreign.MemorySegment;
import java.lang.module.ModuleFinder;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.FloatPointer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Memory and streams of another library: JavaCPP's pointers, which Deeplearning4j and TensorFlow's
 * Java API are made of, and CUDA's own functions below all of it.
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
        copy(
            theirX.segment(), DeviceFloats.segment(hostX), Cudart.cudaMemcpyHostToDevice(), stream);
        theirs.record(done);
        device.stream().waitFor(done);
        plan.infer(x, y, RnnStates.NONE);
        device.stream().record(done);
        theirs.waitFor(done);
        copy(
            DeviceFloats.segment(hostY), theirY.segment(), Cudart.cudaMemcpyDeviceToHost(), stream);
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
      ours.copyFrom(DeviceFloats.segment(theirs));
      device.blas().scal(2, ours);
      ours.copyTo(DeviceFloats.segment(theirs));
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
      var y = PinnedBuffer.register(device, ElementType.FLOAT32, DeviceFloats.segment(theirY));
      try (var x =
              PinnedBuffer.register(device, ElementType.FLOAT32, DeviceFloats.segment(theirX));
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
                () ->
                    PinnedBuffer.register(
                        device, ElementType.FLOAT32, DeviceFloats.segment(theirX)));
        assertEquals(Cudart.cudaErrorHostMemoryAlreadyRegistered(), again.code());
        y.close();
        assertThrows(IllegalStateException.class, onDevice::clear);
      }
      // It is theirs again, to be freed or registered once more.
      theirX.put(0, 1);
      PinnedBuffer.register(device, ElementType.FLOAT32, DeviceFloats.segment(theirX)).close();
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
  void theBindingsAreExported() throws URISyntaxException {
    var place = Path.of(Cudnn.class.getProtectionDomain().getCodeSource().getLocation().toURI());
    var module = ModuleFinder.of(place).findAll().iterator().next().descriptor();
    assertEquals("io.github.cudnn4j", module.name());
    assertTrue(
        module.exports().stream()
            .anyMatch(e -> e.source().equals(Cudnn.class.getPackageName()) && !e.isQualified()));
    assertTrue(Cudnn.cudnnGetVersion() >= 90000);
  }
}
