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

  private static double[] train(Rig rig) {
    rig.step();
    return Rig.read(rig.rnn.gradients().space());
  }

  @Test
  void theSeedDecides() {
    try (Rig rig = new Rig(device, PLAIN.dropout(0.5, 11), SHAPE);
        Rig twin = new Rig(device, PLAIN.dropout(0.5, 11), SHAPE);
        Rig other = new Rig(device, PLAIN.dropout(0.5, 12), SHAPE)) {
      double[] first = train(rig);
      double[] second = train(rig);
      assertFalse(Arrays.equals(first, second), "every pass draws a new mask");
      assertArrayEquals(first, train(twin));
      assertArrayEquals(second, train(twin));
      assertFalse(Arrays.equals(first, train(other)), "another seed, another mask");
    }
  }

  @Test
  void aRestoredGeneratorRepeatsItself() {
    try (Rig rig = new Rig(device, PLAIN.dropout(0.5, 11), SHAPE)) {
      train(rig);
      byte[] state = rig.rnn.dropoutState();
      double[] second = train(rig);
      double[] third = train(rig);
      rig.rnn.restoreDropoutState(state);
      assertArrayEquals(second, train(rig));
      assertArrayEquals(third, train(rig));
      IllegalArgumentException e =
          assertThrows(
              IllegalArgumentException.class, () -> rig.rnn.restoreDropoutState(new byte[3]));
      assertEquals(
          "a dropout state of 3 bytes given, but on " + device.name() + " it has " + state.length,
          e.getMessage());
    }
  }

  @Test
  void inferenceDropsNothingAndDrawsNothing() {
    try (Rig rig = new Rig(device, PLAIN.dropout(0.5, 11), SHAPE);
        Rig twin = new Rig(device, PLAIN.dropout(0.5, 11), SHAPE);
        Rig plain = new Rig(device, PLAIN, SHAPE)) {
      plain.plan.infer(plain.x, plain.y, plain.states);
      rig.plan.infer(rig.x, rig.y, rig.states);
      assertArrayEquals(Rig.read(plain.y), Rig.read(rig.y));
      assertArrayEquals(train(twin), train(rig));
    }
  }

  @Test
  void oneLayerHasNothingToDrop() {
    try (Rig rig = new Rig(device, PLAIN.layers(1).dropout(0.5, 11), SHAPE);
        Rig plain = new Rig(device, PLAIN.layers(1), SHAPE)) {
      assertArrayEquals(train(plain), train(rig));
      assertEquals(0, rig.rnn.dropoutState().length);
      rig.rnn.restoreDropoutState(new byte[0]);
      IllegalArgumentException e =
          assertThrows(
              IllegalArgumentException.class, () -> rig.rnn.restoreDropoutState(new byte[3]));
      assertEquals(
          "a dropout state of 3 bytes given, but " + rig.config + " has none", e.getMessage());
    }
  }
}
