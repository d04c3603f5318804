package io.github.cudnn4j.rnn;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.sun.management.ThreadMXBean;
import io.github.cudnn4j.cuda.CapturedGraph;
import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cudnn.RnnDataLayout;
import io.github.cudnn4j.library.HostControl;
import io.github.cudnn4j.library.HostCounter;
import io.github.cudnn4j.testing.Closeness;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What a training step costs on the host, and that it can be captured. */
class RnnStepTest {
  private static final SequenceShape TINY = SequenceShape.of(1, 1);
  private static Device device;

  @BeforeAll
  static void open() {
    device = Device.open();
  }

  @AfterAll
  static void close() {
    device.close();
  }

  private static void steps(RnnFixture fixture, int count) {
    for (int i = 0; i < count; i++) {
      fixture
          .plan
          .forward(fixture.x, fixture.y, fixture.states)
          .backward(fixture.dy, null, fixture.stateGradients);
    }
  }

  @Test
  void aStepAllocatesNothingOnTheHeap() {
    var threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    assumeTrue(threads.isThreadAllocatedMemorySupported());
    try (RnnFixture fixture = new RnnFixture(device, RnnConfig.lstm(1, 1), TINY)) {
      long least = Long.MAX_VALUE;
      // Linking native calls and profiling them for the compiler allocates, on this thread, when it
      // pleases the JVM. What a step itself allocates shows in every round.
      for (int round = 0; round < 600 && least != 0; round++) {
        long before = threads.getCurrentThreadAllocatedBytes();
        steps(fixture, 100);
        least = Math.min(least, threads.getCurrentThreadAllocatedBytes() - before);
        device.synchronize();
      }
      assertEquals(0, least, "bytes allocated by 100 steps");
    }
  }

  @Test
  void aStepIsThreeNativeCallsAndAllocatesNothingOnTheDevice() {
    HostControl host = HostControl.ifHost().orElse(null);
    assumeTrue(host != null, "only the host device counts");
    try (RnnFixture fixture =
        new RnnFixture(device, RnnConfig.lstm(3, 5).layers(2).dropout(0.5, 1), TINY)) {
      steps(fixture, 1);
      Map<HostCounter, Long> live = host.live();
      long calls = host.calls();
      steps(fixture, 10);
      assertEquals(30, host.calls() - calls);
      assertEquals(live, host.live());
      device.synchronize();
    }
  }

  @ParameterizedTest
  @EnumSource(RnnDataLayout.class)
  void replayOfACapturedStepEqualsTheStepBitForBit(RnnDataLayout layout) {
    RnnConfig config = RnnConfig.lstm(3, 5).layers(2).bidirectional();
    try (RnnFixture fixture =
        new RnnFixture(device, config, SequenceShape.ofLengths(layout, 4, 4, 2, 1))) {
      fixture.step();
      double[][] expected = fixture.results();
      fixture.spoil();
      try (CapturedGraph graph = device.stream().capture(fixture::step)) {
        for (int replay = 0; replay < 2; replay++) {
          fixture.spoil();
          graph.launch();
          assertTrue(Arrays.deepEquals(expected, fixture.results()), "replay " + replay);
        }
      }
    }
  }

  /** Windows of a sequence, each from the state that the last one left. */
  private static double[][] windows(
      RnnFixture whole, RnnFixture window, Runnable even, Runnable odd) {
    int count = (int) (whole.x.elements() / window.x.elements());
    for (DeviceBuffer state : List.of(window.states.hx(), window.states.cx())) {
      state.clear();
    }
    window.rnn.gradients().space().clear();
    double[][] outputs = new double[count][];
    for (int i = 0; i < count; i++) {
      window.x.copyFrom(whole.x.slice(i * window.x.elements(), window.x.elements()));
      (i % 2 == 0 ? even : odd).run();
      outputs[i] = RnnFixture.read(window.y);
    }
    return outputs;
  }

  @Test
  void swappedStatesCarryFromWindowToWindow() {
    RnnConfig config = RnnConfig.lstm(3, 5).layers(2);
    try (RnnFixture whole = new RnnFixture(device, config, SequenceShape.of(12, 2));
        RnnFixture window = new RnnFixture(device, config, SequenceShape.of(3, 2))) {
      whole.plan.infer(whole.x, whole.y, RnnStates.NONE);
      RnnStates states = window.states;
      RnnStates swapped = states.swapped();
      assertEquals(new RnnStates(states.hy(), states.cy(), states.hx(), states.cx()), swapped);
      Runnable even =
          () -> window.plan.forward(window.x, window.y, states).backward(window.dy, window.dx);
      Runnable odd =
          () -> window.plan.forward(window.x, window.y, swapped).backward(window.dy, window.dx);
      double[][] outputs = windows(whole, window, even, odd);
      double[] gradients = RnnFixture.read(window.rnn.gradients().space());
      double[] all = Arrays.stream(outputs).flatMapToDouble(Arrays::stream).toArray();
      Closeness.within(1e-5).check("y", RnnFixture.read(whole.y), all);

      Runnable copying =
          () -> {
            even.run();
            states.hx().copyFrom(states.hy());
            states.cx().copyFrom(states.cy());
          };
      assertTrue(Arrays.deepEquals(outputs, windows(whole, window, copying, copying)));
      assertArrayEquals(gradients, RnnFixture.read(window.rnn.gradients().space()));

      try (CapturedGraph first = device.stream().capture(even);
          CapturedGraph second = device.stream().capture(odd)) {
        double[][] replayed = windows(whole, window, first::launch, second::launch);
        assertTrue(Arrays.deepEquals(outputs, replayed));
        assertArrayEquals(gradients, RnnFixture.read(window.rnn.gradients().space()));
      }
    }
  }

  @Test
  void everyReplayDrawsItsOwnDropout() {
    RnnConfig config = RnnConfig.gru(8, 16).layers(2).dropout(0.5, 3);
    try (RnnFixture fixture = new RnnFixture(device, config, SequenceShape.of(6, 4))) {
      byte[] start = fixture.rnn.dropoutState();
      fixture.step();
      double[][] first = fixture.results();
      fixture.step();
      double[][] second = fixture.results();
      fixture.rnn.restoreDropoutState(start);
      try (CapturedGraph graph = device.stream().capture(fixture::step)) {
        graph.launch();
        assertTrue(Arrays.deepEquals(first, fixture.results()));
        graph.launch();
        assertTrue(Arrays.deepEquals(second, fixture.results()));
      }
    }
  }

  @Test
  void theFirstBackwardWithoutDxIsNotForACapture() {
    try (RnnFixture fixture =
        new RnnFixture(device, RnnConfig.lstm(3, 5), SequenceShape.of(4, 2))) {
      Runnable step =
          () ->
              fixture.plan.forward(fixture.x, fixture.y, fixture.states).backward(fixture.dy, null);
      IllegalStateException e =
          assertThrows(IllegalStateException.class, () -> device.stream().capture(step).close());
      assertEquals(
          "the first backward without dx allocates, which a capture cannot record; run one before",
          e.getMessage());
      step.run();
      device.stream().capture(step).close();
    }
  }
}
