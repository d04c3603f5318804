package io.github.cudnn4j.tape;

import static io.github.cudnn4j.proof.Numbers.read;
import static io.github.cudnn4j.proof.Numbers.round;
import static io.github.cudnn4j.proof.Numbers.write;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.cuda.Parts;
import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.rnn.Rnn;
import io.github.cudnn4j.rnn.RnnConfig;
import io.github.cudnn4j.testing.Philox;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Dropout against the generator in plain Java, to the bit on every device. */
class DropoutTest {
  private static final long SEED = -0x123456789ABCDEFL;

  private static Device device;

  @BeforeAll
  static void open() {
    device = Device.open();
  }

  @AfterAll
  static void close() {
    device.close();
  }

  /** A tape with a dropout whose input has a gradient. */
  private static final class Dropping implements AutoCloseable {
    final Tape tape;
    final Tensor x;
    final Tensor y;

    Dropping(Precision precision, int elements, double probability, long seed) {
      tape = Tape.training(device, precision);
      ElementType type = precision.type();
      x =
          new Tensor(
              tape.own(DeviceBuffer.allocate(device, type, elements)),
              tape.own(DeviceBuffer.allocate(device, type, elements)),
              new int[] {elements});
      y = tape.dropout(x, probability, seed);
      write(x.value(), input(type, elements));
    }

    double[] forward() {
      tape.forward();
      return read(y.value());
    }

    double[] backward() {
      write(y.gradient(), read(x.value()));
      // The tape takes x for a parameter, to whose gradient it adds.
      x.gradient().clear();
      tape.backward();
      return read(x.gradient());
    }

    @Override
    public void close() {
      tape.close();
    }
  }

  private static double[] input(ElementType type, int elements) {
    double[] values = new double[elements];
    Arrays.setAll(values, i -> round(type, 0.1 + i % 7));
    return values;
  }

  /** What the draw of a number, from 0, makes of the input. */
  private static double[] expected(
      Precision precision, int elements, double probability, long seed, int draw) {
    ElementType type = precision.type();
    double[] values = input(type, elements);
    double scale = 1 / (1 - probability);
    long first = (long) draw * Math.ceilDiv(elements, 4);
    for (int i = 0; i < elements; i++) {
      double scaled =
          type == ElementType.FLOAT64
              ? values[i] * scale
              : round(type, (float) values[i] * (float) scale);
      boolean kept = Philox.words(seed, first + i / 4)[i % 4] >= probability * 0x1p32;
      values[i] = kept ? scaled : 0;
    }
    return values;
  }

  @Test
  void theReferenceIsThePublishedGenerator() {
    // The first of the known answers that come with Random123.
    assertArrayEquals(
        new long[] {0x6627E8D5L, 0xE169C58DL, 0xBC57AC4CL, 0x9B00DBD8L}, Philox.words(0, 0));
  }

  @ParameterizedTest
  @EnumSource(names = {"FP32", "FP64", "FP16", "BF16"})
  void everyDrawHasItsMaskAndBackwardHasItAgain(Precision precision) {
    for (int elements : new int[] {1, 3, 4, 5, 33, 10_000}) {
      try (var dropping = new Dropping(precision, elements, 0.3, SEED)) {
        for (int draw = 0; draw < 3; draw++) {
          double[] expected = expected(precision, elements, 0.3, SEED, draw);
          assertArrayEquals(expected, dropping.forward());
          assertArrayEquals(expected, dropping.backward());
        }
      }
    }
  }

  @ParameterizedTest
  @ValueSource(doubles = {1e-3, 0.25, 0.5, 0.9, 0.999})
  void dropsAtTheGivenRate(double probability) {
    int elements = 200_000;
    try (var dropping = new Dropping(Precision.FP32, elements, probability, 1)) {
      double[] y = dropping.forward();
      double dropped = Arrays.stream(y).filter(value -> value == 0).count();
      // Five standard deviations of a binomial distribution.
      double deviation = Math.sqrt(probability * (1 - probability) / elements);
      assertEquals(probability, dropped / elements, 5 * deviation);
      double[] x = input(ElementType.FLOAT32, elements);
      for (int i = 0; i < elements; i++) {
        if (y[i] != 0) {
          assertEquals(x[i] / (1 - probability), y[i], 1e-6 * y[i]);
        }
      }
    }
  }

  @Test
  void everyReplayDrawsAnew() {
    try (var dropping = new Dropping(Precision.BF16, 1001, 0.5, SEED)) {
      dropping.forward();
      dropping.backward();
      try (var graph =
          device.stream()
              .capture(
                  () -> {
                    dropping.tape.forward();
                    dropping.tape.backward();
                  })) {
        for (int draw = 1; draw < 4; draw++) {
          dropping.x.gradient().clear();
          graph.launch();
          double[] expected = expected(Precision.BF16, 1001, 0.5, SEED, draw);
          assertArrayEquals(expected, read(dropping.y.value()));
          assertArrayEquals(expected, read(dropping.x.gradient()));
        }
      }
    }
  }

  @Test
  void theStateGoesOnElsewhere() {
    try (var one = new Dropping(Precision.FP32, 10, 0.5, SEED);
        var other = new Dropping(Precision.FP32, 10, 0.5, 2)) {
      one.forward();
      List<byte[]> states = one.tape.generatorStates();
      assertEquals(16, states.getFirst().length);
      double[] next = one.forward();
      other.tape.restoreGeneratorStates(states);
      assertArrayEquals(next, other.forward());
      assertEquals(
          "a dropout state of 17 bytes given, but it has 16",
          assertThrows(
                  IllegalArgumentException.class,
                  () -> other.tape.restoreGeneratorStates(List.of(new byte[17])))
              .getMessage());
      assertThrows(
          IllegalArgumentException.class, () -> other.tape.restoreGeneratorStates(List.of()));
    }
  }

  @Test
  void doesNothingInInference() {
    try (var tape = Tape.inference(device, Precision.FP32)) {
      var x = tape.input(2, 3);
      assertSame(x, tape.dropout(x, 0.5, 1));
    }
    try (var tape = Tape.training(device, Precision.FP32)) {
      var x = tape.input(2, 3);
      assertSame(x, tape.dropout(x, 0, 1));
      assertThrows(IllegalArgumentException.class, () -> tape.dropout(x, 1, 1));
      assertThrows(IllegalArgumentException.class, () -> tape.dropout(x, -0.1, 1));
      assertThrows(IllegalArgumentException.class, () -> tape.dropout(x, Double.NaN, 1));
    }
  }

  /** Not in an order that another run of the program has not: the states are of equal sizes. */
  @Test
  void statesOfNetworksComeInTheOrderOfRecording() {
    try (var tape = Tape.training(device, Precision.FP32);
        var networks = new Parts()) {
      var expected = new ArrayList<byte[]>();
      for (int seed = 0; seed < 12; seed++) {
        var config = RnnConfig.gru(2, 2).layers(2).dropout(0.5, seed);
        var rnn = networks.add(Rnn.create(device, config));
        expected.add(rnn.dropoutState());
        tape.rnn(rnn, tape.input(1, 1, 2));
        tape.carried(rnn, tape.input(1, 1, 2));
      }
      assertArrayEquals(
          expected.toArray(byte[][]::new), tape.generatorStates().toArray(byte[][]::new));
    }
  }
}
