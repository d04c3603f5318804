package io.github.cudnn4j.tape;

import static io.github.cudnn4j.proof.Numbers.precision;
import static io.github.cudnn4j.proof.Numbers.read;
import static io.github.cudnn4j.proof.Numbers.round;
import static io.github.cudnn4j.proof.Numbers.tolerance;
import static io.github.cudnn4j.proof.Numbers.write;
import static io.github.cudnn4j.testing.Refusals.refuses;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.library.HostControl;
import io.github.cudnn4j.rnn.Rnn;
import io.github.cudnn4j.rnn.RnnConfig;
import io.github.cudnn4j.testing.Closeness;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Lengths that are set for each batch, and the networks that run over them. */
class LengthsTest {
  private static final int TIME = 5;
  private static final int BATCH = 3;
  private static final RnnConfig CONFIG = RnnConfig.lstm(2, 3).layers(2).bidirectional();

  private Device device;

  @BeforeEach
  void open() {
    device = Device.open();
  }

  @AfterEach
  void close() {
    device.close();
  }

  /** What a network makes of sequences, on a tape of its own. */
  private final class Played implements AutoCloseable {
    final Rnn rnn;
    final DeviceBuffer gradient;
    final Tape tape;
    final Tensor x;
    final Lengths lengths;
    final RecurrentOutput out;
    final Tensor last;

    Played(Precision precision) {
      rnn = Rnn.create(device, CONFIG.precision(precision));
      rnn.initialize(1);
      tape = Tape.training(device, precision);
      var value = tape.zeroed(precision.type(), TIME * BATCH * 2);
      gradient = tape.zeroed(precision.type(), TIME * BATCH * 2);
      x = new Tensor(value, gradient, TIME, BATCH, 2);
      lengths = tape.lengths(BATCH);
      out = tape.rnn(rnn, x, lengths);
      last = out.last();
    }

    /** Plays it once, from arriving gradients of 1 for y and 2 for the last state. */
    Map<String, double[]> results() {
      rnn.gradients().space().clear();
      gradient.clear();
      tape.forward();
      write(out.y().gradient(), filled(out.y(), 1));
      write(last.gradient(), filled(last, 2));
      tape.backward();
      return Map.of(
          "y", read(out.y().value()),
          "last", read(last.value()),
          "dx", read(gradient),
          "weights", read(rnn.gradients().space()));
    }

    @Override
    public void close() {
      tape.close();
      rnn.close();
    }
  }

  private static double[] filled(Tensor tensor, double value) {
    var values = new double[(int) tensor.elements()];
    Arrays.fill(values, value);
    return values;
  }

  private static double[] random(int elements) {
    return new SplittableRandom(2).doubles(elements, -1, 1).toArray();
  }

  /** Steps that do not count are not read and become 0, whatever the type. */
  @ParameterizedTest
  @EnumSource(names = {"FLOAT32", "FLOAT64", "FLOAT16", "BFLOAT16"})
  void whatIsBehindTheLengthsIsZero(ElementType type) {
    double[] values = round(ElementType.BFLOAT16, random(TIME * BATCH * 2));
    int[] numbers = {2, 5, 1};
    for (int t = 0; t < TIME; t++) {
      for (int row = 0; row < BATCH; row++) {
        if (t >= numbers[row]) {
          Arrays.fill(values, (t * BATCH + row) * 2, (t * BATCH + row + 1) * 2, Double.NaN);
        }
      }
    }
    try (var exact = new Played(Precision.FP64);
        var played = new Played(precision(type))) {
      exact
          .rnn
          .weights()
          .parameters()
          .forEach(
              p -> {
                var weights = new double[Math.toIntExact(p.elements())];
                p.copyTo(weights);
                p.copyFrom(round(ElementType.BFLOAT16, weights));
                played.rnn.weights().parameters().stream()
                    .filter(q -> q.name().equals(p.name()))
                    .forEach(q -> q.copyFrom(round(ElementType.BFLOAT16, weights)));
              });
      for (Played each : List.of(exact, played)) {
        write(each.x.value(), values);
        each.lengths.set(numbers);
      }
      Map<String, double[]> expected = exact.results();
      Map<String, double[]> actual = played.results();
      var closeness = Closeness.within(Math.max(1e-12, tolerance(precision(type), device)));
      for (String name : List.of("y", "last", "dx")) {
        closeness.check(name, expected.get(name), actual.get(name));
      }
      for (int i = 0; i < values.length; i++) {
        assertEquals(Double.isNaN(values[i]), actual.get("dx")[i] == 0, "dx " + i);
      }
      for (int i = 0; i < actual.get("y").length; i++) {
        assertEquals(Double.isNaN(values[i / 6 * 2]), actual.get("y")[i] == 0, "y " + i);
      }
    }
  }

  /** Batch after batch, more of them than can be on their way, and nothing waits in between. */
  @Test
  void everyForwardHasTheLengthsThatWereSetForIt() {
    var random = new SplittableRandom(4);
    double[] values = random(TIME * BATCH * 2);
    var numbers = new ArrayList<int[]>();
    for (int i = 0; i < 20; i++) {
      numbers.add(random.ints(BATCH, 1, TIME + 1).toArray());
    }
    try (var played = new Played(Precision.FP64);
        var alone = new Played(Precision.FP64)) {
      Tensor masked = played.lengths.mean(played.out.y());
      write(played.x.value(), values);
      write(alone.x.value(), values);
      Tensor expected = alone.lengths.mean(alone.out.y());
      var copies = new ArrayList<DeviceBuffer>();
      for (int[] each : numbers) {
        int[] given = each.clone();
        played.lengths.set(given);
        Arrays.fill(given, -1);
        played.tape.forward();
        played.tape.backward();
        var copy = played.tape.buffer(ElementType.FLOAT64, masked.elements());
        copy.copyFrom(masked.value());
        copies.add(copy);
      }
      for (int i = 0; i < numbers.size(); i++) {
        alone.lengths.set(numbers.get(i));
        alone.tape.forward();
        Closeness.within(1e-13).check("batch " + i, read(expected.value()), read(copies.get(i)));
      }
    }
  }

  @Test
  void numbersThatSomeoneElseKeeps() {
    try (var played = new Played(Precision.FP64);
        var tape = Tape.inference(device, Precision.FP64);
        var onDevice = DeviceBuffer.allocate(device, ElementType.INT32, BATCH)) {
      var onHost = new int[BATCH];
      var lengths = tape.lengths(onDevice, onHost);
      write(played.x.value(), random(TIME * BATCH * 2));
      Tensor last = tape.rnn(played.rnn, played.x, lengths).last();
      for (int[] numbers : new int[][] {{1, 2, 3}, {4, 4, 1}}) {
        played.lengths.set(numbers);
        played.tape.forward();
        System.arraycopy(numbers, 0, onHost, 0, BATCH);
        onDevice.copyFrom(numbers);
        tape.forward();
        assertArrayEquals(read(played.last.value()), read(last.value()));
      }
      assertEquals(
          "these lengths are set by whoever keeps them",
          assertThrows(IllegalStateException.class, () -> lengths.set(1, 2, 3)).getMessage());
      refuses(
          "3 INT32 elements for 2 lengths, needed are as many INT32",
          () -> tape.lengths(onDevice, new int[2]));
    }
  }

  @Test
  void refusesLengthsThatDoNotFit() {
    try (var played = new Played(Precision.FP64);
        var tape = Tape.training(device, Precision.FP64)) {
      refuses("2 lengths for 3 sequences", () -> played.lengths.set(1, 2));
      refuses("lengths[1] is -4, must be 0 or more", () -> played.lengths.set(1, -4, 2));
      played.lengths.set(1, 0, 2);
      refuses(
          "lengths[1] is 0, but a sequence has at least 1 step; leave empty ones out",
          () -> played.tape.forward());
      played.lengths.set(1, 6, 2);
      refuses("lengths[1] is 6, but it must be in [1, T = 5]", () -> played.tape.forward());
      played.lengths.set(1, 5, 2);
      played.results();
      refuses(
          "Tensor[5, 4, 2] of FLOAT64 for the lengths of 3 sequences, needed is [T, B, C]",
          () -> tape.rnn(played.rnn, tape.input(TIME, 4, 2), tape.lengths(3)));
      assertEquals(List.of(), tape.generatorStates());
      assertTrue(tape.isCapturable());
      assertThrows(
          IllegalStateException.class,
          () -> device.stream().capture(() -> played.lengths.set(2, 2, 2)).close());
    }
  }

  @Test
  void aLayerRunsOverLengths() {
    try (var parameters = Parameters.on(device, Precision.FP64)) {
      var layer = parameters.rnn("rnn", RnnConfig.gru(2, 3).bidirectional());
      parameters.initialize(1);
      try (var tape = Tape.inference(device, Precision.FP64)) {
        var x = tape.input(TIME, BATCH, 2);
        var h0 = tape.input(2, BATCH, 3);
        write(x.value(), random(TIME * BATCH * 2));
        write(h0.value(), random(2 * BATCH * 3));
        var lengths = tape.lengths(BATCH);
        lengths.set(2, 5, 1);
        var zero = layer.on(tape, x, lengths);
        var given = layer.on(tape, x, lengths, h0, null);
        var expected = tape.rnn(layer.rnn(), x, lengths);
        var expectedGiven = tape.rnn(layer.rnn(), x, lengths, h0, null);
        tape.forward();
        assertArrayEquals(read(expected.y().value()), read(zero.y().value()));
        assertArrayEquals(read(expectedGiven.h().value()), read(given.h().value()));
        assertFalse(Arrays.equals(read(zero.h().value()), read(given.h().value())));
      }
    }
  }

  @Test
  void aTapeWithANetworkOverLengthsIsNotCapturable() {
    try (var played = new Played(Precision.FP32);
        var tape = Tape.training(device, Precision.FP32)) {
      assertFalse(played.tape.isCapturable());
      var x = tape.input(TIME, BATCH, 2);
      tape.lengths(BATCH).mask(tape.rnn(played.rnn, x).y());
      assertTrue(tape.isCapturable());
    }
  }

  @Test
  void otherLengthsAllocateNothing() {
    var threads = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
    int[][] numbers = {{1, 2, 3}, {5, 4, 3}, {2, 2, 2}};
    try (var played = new Played(Precision.FP32)) {
      // Until everything is linked and the compiler has seen it.
      steps(played, numbers, 3000);
      var host = HostControl.ifHost();
      var before = host.map(HostControl::live);
      // The least of several rounds: the compiler may put something of its own into one.
      long least = Long.MAX_VALUE;
      for (int round = 0; round < 5; round++) {
        long start = threads.getCurrentThreadAllocatedBytes();
        steps(played, numbers, 200);
        least = Math.min(least, threads.getCurrentThreadAllocatedBytes() - start);
      }
      assertEquals(before, host.map(HostControl::live));
      assertEquals(0, least, "bytes of Java heap in 200 steps");
      device.synchronize();
    }
  }

  private static void steps(Played played, int[][] numbers, int count) {
    for (int i = 0; i < count; i++) {
      played.lengths.set(numbers[i % numbers.length]);
      played.tape.forward();
      played.tape.backward();
    }
  }
}
