package io.github.cudnn4j.rnn;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.cudnn4j.bindings.Cudart;
import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.DeviceOutOfMemoryException;
import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.cudnn.CudnnException;
import io.github.cudnn4j.cudnn.CudnnHandle;
import io.github.cudnn4j.cudnn.CudnnStatus;
import io.github.cudnn4j.library.HostControl;
import io.github.cudnn4j.testing.LeakCheck;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag(LeakCheck.LEAVES_TO_DEVICE)
class RnnLifecycleTest {
  private static final RnnConfig CONFIG = RnnConfig.lstm(3, 5).layers(2).dropout(0.5, 1);
  private static final SequenceShape SHAPE = SequenceShape.of(4, 2);

  private static final List<String> ACQUIRING =
      List.of(
          "cudaMalloc",
          "cudaMemsetAsync",
          "cudnnCreateDropoutDescriptor",
          "cudnnCreateRNNDataDescriptor",
          "cudnnCreateRNNDescriptor",
          "cudnnCreateTensorDescriptor",
          "cudnnDropoutGetStatesSize",
          "cudnnGetRNNTempSpaceSizes",
          "cudnnGetRNNWeightParams",
          "cudnnGetRNNWeightSpaceSize",
          "cudnnGetTensorNdDescriptor",
          "cudnnSetDropoutDescriptor",
          "cudnnSetRNNDataDescriptor",
          "cudnnSetRNNDescriptor_v8",
          "cudnnSetTensorNdDescriptor");

  /** What closes temporary objects; its failure leaves one alive, as it should. */
  private static final List<String> RELEASING =
      List.of("cudnnDestroyRNNDescriptor", "cudnnDestroyTensorDescriptor");

  private static Device device;

  @BeforeAll
  static void open() {
    device = Device.open();
    CudnnHandle.of(device);
  }

  @AfterAll
  static void close() {
    device.close();
  }

  private static HostControl host() {
    HostControl host = HostControl.ifHost().orElse(null);
    assumeTrue(host != null, "only the host device counts and injects faults");
    return host;
  }

  private static int failure(String function) {
    return function.startsWith("cudnn")
        ? CudnnStatus.BAD_PARAM.code()
        : Cudart.cudaErrorMemoryAllocation();
  }

  private static Map<String, Long> calls(HostControl host, List<String> functions) {
    Map<String, Long> calls = new LinkedHashMap<>();
    functions.forEach(function -> calls.put(function, host.calls(function)));
    return calls;
  }

  /** Lets every call of every function fail once; nothing may stay alive, and then all works. */
  private static void assertSurvivesEveryFailure(Runnable work) {
    HostControl host = host();
    long total = host.calls();
    Map<String, Long> acquiring = calls(host, ACQUIRING);
    Map<String, Long> releasing = calls(host, RELEASING);
    work.run();
    acquiring.replaceAll((function, before) -> host.calls(function) - before);
    releasing.replaceAll((function, before) -> host.calls(function) - before);
    long known =
        acquiring.values().stream().mapToLong(Long::longValue).sum()
            + releasing.values().stream().mapToLong(Long::longValue).sum();
    // The owners themselves are closed inside work, by calls that are not listed.
    assertTrue(known > 10 && known <= host.calls() - total, acquiring + " " + releasing);
    var live = host.live();
    acquiring.forEach(
        (function, count) -> {
          for (long k = 1; k <= count; k++) {
            String at = "call " + k + " of " + function;
            host.fail(function, k, failure(function), false);
            RuntimeException e = assertThrows(RuntimeException.class, work::run, at);
            host.clearFault();
            assertTrue(e.getMessage().contains(function), at + ": " + e.getMessage());
            assertEquals(0, e.getSuppressed().length, at);
            assertEquals(live, host.live(), at);
          }
        });
    work.run();
    assertEquals(live, host.live());
  }

  @Test
  void creatingANetworkRollsBack() {
    assertSurvivesEveryFailure(() -> Rnn.create(device, CONFIG).close());
  }

  @Test
  void makingAPlanRollsBack() {
    try (Rnn rnn = Rnn.create(device, CONFIG)) {
      assertSurvivesEveryFailure(() -> rnn.plan(SHAPE).close());
    }
  }

  @Test
  void tooLittleMemorySaysForWhat() {
    HostControl host = host();
    host.fail("cudaMalloc", 1, Cudart.cudaErrorMemoryAllocation(), false);
    var network = assertThrows(DeviceOutOfMemoryException.class, () -> Rnn.create(device, CONFIG));
    assertTrue(network.getMessage().contains("bytes asked for " + CONFIG), network::getMessage);
    assertEquals(Rnn.weightElements(device, CONFIG) * Float.BYTES, network.requestedBytes());
    try (Rnn rnn = Rnn.create(device, CONFIG)) {
      host.fail("cudaMalloc", 2, Cudart.cudaErrorMemoryAllocation(), false);
      var plan = assertThrows(DeviceOutOfMemoryException.class, () -> rnn.plan(SHAPE));
      assertTrue(
          plan.getMessage().contains("bytes asked for " + CONFIG + ", " + SHAPE), plan::getMessage);
      assertTrue(plan.requestedBytes() > 0);
    }
  }

  @Test
  void aFailedForwardLeavesThePassUnusable() {
    HostControl host = host();
    try (RnnFixture fixture = new RnnFixture(device, CONFIG, SHAPE)) {
      RnnPass pass = fixture.plan.forward(fixture.x, fixture.y, fixture.states);
      host.fail("cudnnRNNForward", 1, CudnnStatus.EXECUTION_FAILED.code(), false);
      CudnnException e =
          assertThrows(
              CudnnException.class,
              () -> fixture.plan.forward(fixture.x, fixture.y, fixture.states));
      assertEquals("cudnnRNNForward", e.function());
      assertEquals(fixture.plan.toString(), e.context());
      assertThrows(IllegalStateException.class, () -> pass.backward(fixture.dy, fixture.dx));
      host.fail("cudnnRNNBackwardWeights_v8", 1, CudnnStatus.EXECUTION_FAILED.code(), false);
      fixture.plan.forward(fixture.x, fixture.y, fixture.states);
      assertThrows(CudnnException.class, () -> pass.backward(fixture.dy, fixture.dx));
      assertThrows(IllegalStateException.class, () -> pass.backward(fixture.dy, fixture.dx));
      fixture.step();
      device.synchronize();
    }
  }

  @Test
  void anythingMayBeClosedFirst() {
    Rnn rnn = Rnn.create(device, CONFIG);
    RnnPlan plan = rnn.plan(SHAPE);
    rnn.plan(SHAPE).close();
    rnn.close();
    rnn.close();
    plan.close();
    assertThrows(IllegalStateException.class, rnn::weights);
    assertThrows(IllegalStateException.class, () -> rnn.initialize(1));
    assertThrows(IllegalStateException.class, () -> rnn.plan(SHAPE));
    assertThrows(IllegalStateException.class, rnn::dropoutState);
  }

  @Test
  void closingTheDeviceClosesEverything() {
    Device other = Device.open();
    RnnFixture fixture = new RnnFixture(other, CONFIG, SHAPE);
    RnnPass pass = fixture.plan.forward(fixture.x, fixture.y, fixture.states);
    other.close();
    assertThrows(IllegalStateException.class, () -> pass.backward(fixture.dy, fixture.dx));
    assertThrows(
        IllegalStateException.class,
        () -> fixture.plan.forward(fixture.x, fixture.y, fixture.states));
    assertThrows(IllegalStateException.class, () -> Rnn.create(other, CONFIG));
    fixture.close();
  }

  @Test
  void anOperandOfAnotherDeviceIsRefused() {
    try (Device other = Device.open();
        RnnFixture fixture = new RnnFixture(device, CONFIG, SHAPE);
        DeviceBuffer x = DeviceBuffer.allocate(other, ElementType.FLOAT32, fixture.x.elements())) {
      IllegalArgumentException e =
          assertThrows(
              IllegalArgumentException.class,
              () -> fixture.plan.forward(x, fixture.y, fixture.states));
      assertEquals("x is on " + other.name() + ", but this runs on another device", e.getMessage());
    }
  }

  @Test
  void anotherThreadIsRefused() throws InterruptedException {
    try (RnnFixture fixture = new RnnFixture(device, CONFIG, SHAPE)) {
      AtomicReference<Throwable> thrown = new AtomicReference<>();
      Thread thread =
          new Thread(
              () -> {
                try {
                  fixture.plan.forward(fixture.x, fixture.y, fixture.states);
                } catch (Throwable t) {
                  thrown.set(t);
                }
              });
      thread.start();
      thread.join();
      assertEquals(WrongThreadException.class, thrown.get().getClass());
    }
  }

  @Test
  void slicesOfOneBufferServeAsWeightsAndGradients() {
    RnnConfig config = RnnConfig.lstm(3, 5);
    int elements = Math.toIntExact(Rnn.weightElements(device, config));
    int guard = 64;
    int total = 2 * elements + 3 * guard;
    float[] marks = new float[total];
    Arrays.fill(marks, 7);
    int second = (elements / guard + 2) * guard;
    try (DeviceBuffer flat = DeviceBuffer.allocate(device, ElementType.FLOAT32, total)) {
      flat.copyFrom(marks);
      try (Rnn rnn =
              Rnn.create(
                  device,
                  config,
                  flat.slice(guard, elements),
                  flat.slice(guard + second, elements));
          Rnn own = Rnn.create(device, config)) {
        rnn.initialize(1);
        own.initialize(1);
        assertArrayEquals(own.weights().space().toFloats(), rnn.weights().space().toFloats());
      }
      float[] after = flat.toFloats();
      for (int i = 0; i < total; i++) {
        boolean used =
            i >= guard && i < guard + elements
                || i >= guard + second && i < guard + second + elements;
        assertEquals(!used, after[i] == 7, "element " + i);
      }
    }
  }

  @Test
  void unfitBuffersForWeightsAreRefused() {
    RnnConfig config = RnnConfig.lstm(3, 5);
    long elements = Rnn.weightElements(device, config);
    try (DeviceBuffer flat = DeviceBuffer.allocate(device, ElementType.FLOAT32, 2 * elements + 8)) {
      DeviceBuffer first = flat.slice(0, elements);
      assertEquals(
          "weights has " + (elements + 1) + " elements, but it must have " + elements,
          assertThrows(
                  IllegalArgumentException.class,
                  () -> Rnn.create(device, config, flat.slice(0, elements + 1), first))
              .getMessage());
      assertEquals(
          "gradients and weights overlap in memory, but they must be apart",
          assertThrows(
                  IllegalArgumentException.class, () -> Rnn.create(device, config, first, first))
              .getMessage());
      DeviceBuffer crooked = flat.slice(1, elements);
      assertEquals(
          "weights starts at address 0x%x, but it must start at a multiple of 16 bytes"
              .formatted(crooked.address()),
          assertThrows(
                  IllegalArgumentException.class, () -> Rnn.create(device, config, crooked, first))
              .getMessage());
    }
  }
}
