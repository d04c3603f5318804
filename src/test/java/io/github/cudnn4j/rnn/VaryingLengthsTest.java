package io.github.cudnn4j.rnn;

import static io.github.cudnn4j.testing.Refusals.refuses;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cudnn4j.cuda.CapturedGraph;
import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.cudnn.RnnDataLayout;
import io.github.cudnn4j.cudnn.RnnMode;
import io.github.cudnn4j.library.HostControl;
import io.github.cudnn4j.testing.Closeness;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A plan that is given other lengths before each call. */
class VaryingLengthsTest {
  private static final int TIME = 5;
  private static final int BATCH = 3;
  private static final int[][] LENGTHS = {{5, 5, 5}, {1, 4, 2}, {2, 2, 2}, {1, 5, 1}};
  private static final RnnConfig CONFIG =
      RnnConfig.lstm(3, 4).layers(2).bidirectional().precision(Precision.FP64);

  private Device device;
  private RnnFixture fixture;

  @BeforeEach
  void open() {
    device = Device.open();
    fixture = new RnnFixture(device, CONFIG, SequenceShape.varying(TIME, BATCH));
  }

  @AfterEach
  void close() {
    fixture.close();
    device.close();
  }

  /** The output of a plan made for these lengths alone. */
  private double[] expected(int[] lengths) {
    try (RnnPlan plan =
            fixture.rnn.plan(
                SequenceShape.ofLengths(RnnDataLayout.SEQ_MAJOR_UNPACKED, TIME, lengths));
        DeviceBuffer y = fixture.buffer(fixture.y.elements())) {
      plan.infer(fixture.x, y, new RnnStates(fixture.states.hx(), fixture.states.cx(), null, null));
      return RnnFixture.read(y);
    }
  }

  private static void check(String what, double[] expected, double[] actual) {
    Closeness.within(1e-12).check(what, expected, actual);
  }

  /** Nothing waits between the calls: the lengths of each are those of its own moment. */
  @Test
  void aCallHasTheLengthsOfItsMoment() {
    DeviceBuffer[] outputs = new DeviceBuffer[LENGTHS.length];
    Arrays.setAll(outputs, i -> fixture.buffer(fixture.y.elements()));
    for (int i = 0; i < LENGTHS.length; i++) {
      int[] lengths = LENGTHS[i].clone();
      fixture.plan.setLengths(lengths);
      Arrays.fill(lengths, -1);
      fixture.plan.infer(
          fixture.x,
          outputs[i],
          new RnnStates(fixture.states.hx(), fixture.states.cx(), null, null));
    }
    for (int i = 0; i < LENGTHS.length; i++) {
      check(Arrays.toString(LENGTHS[i]), expected(LENGTHS[i]), RnnFixture.read(outputs[i]));
    }
  }

  @Test
  void aGraphHasTheLengthsOfItsCapture() {
    fixture.plan.setLengths(LENGTHS[1]);
    fixture.step();
    try (CapturedGraph graph = device.stream().capture(fixture::step)) {
      fixture.plan.setLengths(LENGTHS[3]);
      fixture.step();
      check("called", expected(LENGTHS[3]), RnnFixture.read(fixture.y));
      graph.launch();
      check("replayed", expected(LENGTHS[1]), RnnFixture.read(fixture.y));
    }
  }

  @Test
  void onlyOtherLengthsAreSetAndEndAPass() {
    int[] lengths = LENGTHS[1];
    fixture.plan.setLengths(lengths);
    RnnPass pass = fixture.plan.forward(fixture.x, fixture.y, fixture.states);
    fixture.plan.setLengths(lengths.clone());
    pass.backward(fixture.dy, fixture.dx, fixture.stateGradients);
    fixture.plan.forward(fixture.x, fixture.y, fixture.states);
    fixture.plan.setLengths(LENGTHS[2]);
    assertThrows(IllegalStateException.class, () -> pass.backward(fixture.dy, fixture.dx));
  }

  @Test
  void sameLengthsAreNoCallAndOthersAreTwo() {
    HostControl host = HostControl.ifHost().orElse(null);
    Assumptions.assumeTrue(host != null, "only the host device counts calls");
    long before = host.calls();
    fixture.plan.setLengths(LENGTHS[0]);
    assertEquals(before, host.calls());
    fixture.plan.setLengths(LENGTHS[1]);
    assertEquals(before + 2, host.calls());
  }

  /** After a failure the descriptors may differ, so that no lengths are taken for set. */
  @Test
  void lengthsThatCouldNotBeSetAreSetAgain() {
    HostControl host = HostControl.ifHost().orElse(null);
    Assumptions.assumeTrue(host != null, "only the host device can be made to refuse");
    for (int call = 1; call <= 2; call++) {
      fixture.plan.setLengths(LENGTHS[1]);
      host.fail("cudnnSetRNNDataDescriptor", call, 2000, false);
      try {
        assertThrows(RuntimeException.class, () -> fixture.plan.setLengths(LENGTHS[2]));
      } finally {
        host.clearFault();
      }
      fixture.plan.setLengths(LENGTHS[1]);
      fixture.step();
      check("call " + call, expected(LENGTHS[1]), RnnFixture.read(fixture.y));
    }
  }

  @Test
  void refusesLengthsThatDoNotFit() {
    refuses(
        "lengths[1] is 6, but it must be in [1, T = 5]", () -> fixture.plan.setLengths(5, 6, 1));
    refuses(
        "lengths[2] is -1, but it must be in [1, T = 5]", () -> fixture.plan.setLengths(5, 5, -1));
    refuses(
        "lengths[0] is 0, but a sequence has at least 1 step; leave empty ones out",
        () -> fixture.plan.setLengths(0, 1, 2));
    refuses("2 lengths given, but B is 3", () -> fixture.plan.setLengths(5, 5));
    try (RnnPlan fixed = fixture.rnn.plan(SequenceShape.of(TIME, BATCH))) {
      assertEquals(
          "the lengths of SEQ_MAJOR_UNPACKED T 5 B 3 are fixed; SequenceShape.varying has others",
          assertThrows(IllegalStateException.class, () -> fixed.setLengths(1, 2, 3)).getMessage());
    }
    fixture.plan.close();
    assertThrows(IllegalStateException.class, () -> fixture.plan.setLengths(1, 2, 3));
  }

  /** What a plan for lengths that vary stands on. */
  @Test
  void shorterRowsNeedNoMoreMemoryThanFullOnes() {
    SplittableRandom random = new SplittableRandom(3);
    for (RnnMode mode : RnnMode.values()) {
      for (Precision precision : List.of(Precision.FP32, Precision.FP16)) {
        for (int layers = 1; layers <= 3; layers++) {
          RnnConfig config =
              RnnConfig.of(mode, random.nextInt(1, 40), random.nextInt(1, 40))
                  .layers(layers)
                  .dropout(layers == 3 ? 0.5 : 0, 1)
                  .precision(precision);
          for (RnnDataLayout layout :
              List.of(RnnDataLayout.SEQ_MAJOR_UNPACKED, RnnDataLayout.BATCH_MAJOR_UNPACKED)) {
            try (Rnn rnn =
                Rnn.create(device, random.nextBoolean() ? config.bidirectional() : config)) {
              checkMemory(rnn, layout, random.nextInt(1, 12), random.nextInt(1, 20), random);
            }
          }
        }
      }
    }
  }

  private static void checkMemory(
      Rnn rnn, RnnDataLayout layout, int time, int batch, SplittableRandom random) {
    int[] lengths = random.ints(batch, 1, time + 1).toArray();
    SequenceShape full = new SequenceShape(layout, time, Collections.nCopies(batch, time), true);
    SequenceShape shorter = SequenceShape.ofLengths(layout, time, lengths);
    try (RnnPlan most = rnn.plan(full);
        RnnPlan less = rnn.plan(shorter)) {
      assertTrue(less.workspaceBytes() <= most.workspaceBytes(), () -> "workspace of " + less);
      assertTrue(less.reserveBytes() <= most.reserveBytes(), () -> "reserve of " + less);
    }
  }
}
