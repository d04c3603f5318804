package io.github.cudnn4j.tape;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.rnn.Rnn;
import io.github.cudnn4j.rnn.RnnConfig;
import io.github.cudnn4j.testing.Closeness;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CarriedStatesTest {

  private static final int TIME = 3;
  private static final int BATCH = 2;

  private Device device;

  @BeforeEach
  void open() {
    device = Device.open();
  }

  @AfterEach
  void close() {
    device.close();
  }

  private static Rnn network(Device device, RnnConfig config) {
    var rnn = Rnn.create(device, config.precision(Precision.FP64));
    rnn.initialize(3);
    return rnn;
  }

  /** Two networks, one after the other, window by window and all at once. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void windowsGoOnWhereTheLastOneEndedUntilTheNextReset(boolean training) {
    int windows = 3;
    double[] text = new SplittableRandom(1).doubles(windows * TIME * BATCH * 5, -1, 1).toArray();
    try (var lstm = network(device, RnnConfig.lstm(5, 4).projection(3).layers(2));
        var gru = network(device, RnnConfig.gru(3, 4));
        var whole = Tape.inference(device, Precision.FP64);
        var tape =
            training
                ? Tape.training(device, Precision.FP64)
                : Tape.inference(device, Precision.FP64)) {
      Tensor all = whole.input(windows * TIME, BATCH, 5);
      all.value().copyFrom(text);
      Tensor expected = whole.rnn(gru, whole.rnn(lstm, all).y()).y();
      whole.forward();
      Tensor x = tape.input(TIME, BATCH, 5);
      Tensor y = tape.carried(gru, tape.carried(lstm, x));
      assertEquals(
          List.of(2 * BATCH * 3L, 2 * BATCH * 4L, BATCH * 4L),
          tape.carriedStates().stream().map(DeviceBuffer::elements).toList());
      var closeness = new Closeness(1e-14, 1e-14);
      for (int round = 0; round < 2; round++) {
        tape.resetStates();
        for (int i = 0; i < windows; i++) {
          x.value().copyFrom(part(text, i, windows));
          tape.forward();
          tape.carry();
          closeness.check(
              "window " + i, part(expected.value().toDoubles(), i, windows), y.value().toDoubles());
        }
      }
      tape.resetStates();
      // The final states too: carrying them without another forward brings nothing back.
      tape.carry();
      for (DeviceBuffer state : tape.carriedStates()) {
        assertArrayEquals(new double[(int) state.elements()], state.toDoubles());
      }
    }
  }

  private static double[] part(double[] values, int index, int parts) {
    int length = values.length / parts;
    return Arrays.copyOfRange(values, index * length, (index + 1) * length);
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aClosedTapeCarriesNothing(boolean reset) {
    try (var gru = network(device, RnnConfig.gru(3, 4))) {
      var tape = Tape.inference(device, Precision.FP64);
      tape.carried(gru, tape.input(TIME, BATCH, 3));
      tape.close();
      var e =
          assertThrows(
              IllegalStateException.class,
              () -> {
                if (reset) {
                  tape.resetStates();
                } else {
                  tape.carry();
                }
              });
      assertEquals("the tape is closed", e.getMessage());
    }
  }
}
