package io.github.cudnn4j.rnn;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.github.cudnn4j.cuda.Device;
import java.util.Arrays;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class RnnDropoutTest {
  private static final SequenceShape SHAPE = SequenceShape.of(6, 4);
  private static final RnnConfig PLAIN = RnnConfig.gru(8, 16).layers(3);
  private static Device device;

  @BeforeAll
  static void open() {
    device = Device.open();
  }

  @AfterAll
  static void close() {
    device.close();
  }

  private static double[] train(RnnFixture fixture) {
    fixture.step();
    return RnnFixture.read(fixture.rnn.gradients().space());
  }

  @Test
  void theSeedDecides() {
    try (RnnFixture fixture = new RnnFixture(device, PLAIN.dropout(0.5, 11), SHAPE);
        RnnFixture twin = new RnnFixture(device, PLAIN.dropout(0.5, 11), SHAPE);
        RnnFixture other = new RnnFixture(device, PLAIN.dropout(0.5, 12), SHAPE)) {
      double[] first = train(fixture);
      double[] second = train(fixture);
      assertFalse(Arrays.equals(first, second), "every pass draws a new mask");
      assertArrayEquals(first, train(twin));
      assertArrayEquals(second, train(twin));
      assertFalse(Arrays.equals(first, train(other)), "another seed, another mask");
    }
  }

  @Test
  void aRestoredGeneratorRepeatsItself() {
    try (RnnFixture fixture = new RnnFixture(device, PLAIN.dropout(0.5, 11), SHAPE)) {
      train(fixture);
      byte[] state = fixture.rnn.dropoutState();
      double[] second = train(fixture);
      double[] third = train(fixture);
      fixture.rnn.restoreDropoutState(state);
      assertArrayEquals(second, train(fixture));
      assertArrayEquals(third, train(fixture));
      IllegalArgumentException e =
          assertThrows(
              IllegalArgumentException.class, () -> fixture.rnn.restoreDropoutState(new byte[3]));
      assertEquals(
          "a dropout state of 3 bytes given, but on " + device.name() + " it has " + state.length,
          e.getMessage());
    }
  }

  @Test
  void inferenceDropsNothingAndDrawsNothing() {
    try (RnnFixture fixture = new RnnFixture(device, PLAIN.dropout(0.5, 11), SHAPE);
        RnnFixture twin = new RnnFixture(device, PLAIN.dropout(0.5, 11), SHAPE);
        RnnFixture plain = new RnnFixture(device, PLAIN, SHAPE)) {
      plain.plan.infer(plain.x, plain.y, plain.states);
      fixture.plan.infer(fixture.x, fixture.y, fixture.states);
      assertArrayEquals(RnnFixture.read(plain.y), RnnFixture.read(fixture.y));
      assertArrayEquals(train(twin), train(fixture));
    }
  }

  @Test
  void oneLayerHasNothingToDrop() {
    try (RnnFixture fixture = new RnnFixture(device, PLAIN.layers(1).dropout(0.5, 11), SHAPE);
        RnnFixture plain = new RnnFixture(device, PLAIN.layers(1), SHAPE)) {
      assertArrayEquals(train(plain), train(fixture));
      assertEquals(0, fixture.rnn.dropoutState().length);
      fixture.rnn.restoreDropoutState(new byte[0]);
      IllegalArgumentException e =
          assertThrows(
              IllegalArgumentException.class, () -> fixture.rnn.restoreDropoutState(new byte[3]));
      assertEquals(
          "a dropout state of 3 bytes given, but " + fixture.config + " has none", e.getMessage());
    }
  }

  /** Of a layer that puts out 1 everywhere, to a layer that passes on what it gets. */
  @Test
  void everyPartIsDroppedAtTheRate() {
    int hidden = 800;
    int parts = 8;
    RnnConfig config = RnnConfig.relu(1, hidden).layers(2).dropout(0.25, 11);
    try (RnnFixture fixture = new RnnFixture(device, config, SHAPE)) {
      for (RnnParameter parameter : fixture.rnn.weights().parameters()) {
        double[] values = new double[Math.toIntExact(parameter.elements())];
        switch (parameter.name()) {
          case "bias_ih_l0" -> Arrays.fill(values, 1);
          case "weight_ih_l1" -> {
            for (int i = 0; i < hidden; i++) {
              values[i * hidden + i] = 1;
            }
          }
          default -> {
            // 0
          }
        }
        parameter.copyFrom(values);
      }
      fixture.plan.forward(fixture.x, fixture.y, RnnStates.NONE);
      double[] y = RnnFixture.read(fixture.y);
      int size = y.length / parts;
      double deviation = Math.sqrt(0.25 * 0.75 * size);
      for (int part = 0; part < parts; part++) {
        int dropped = 0;
        for (int i = part * size; i < (part + 1) * size; i++) {
          dropped += y[i] == 0 ? 1 : 0;
          assertEquals(y[i] == 0 ? 0 : 4 / 3.0, y[i], 1e-6, "element " + i);
        }
        assertEquals(0.25 * size, dropped, 5 * deviation, "dropped in part " + part);
      }
    }
  }
}
