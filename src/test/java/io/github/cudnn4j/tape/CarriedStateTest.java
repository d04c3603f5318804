package io.github.cudnn4j.tape;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.rnn.Rnn;
import io.github.cudnn4j.rnn.RnnConfig;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class CarriedStateTest {

  @Test
  void theFinalStateBecomesTheInitialOneUntilTheNextReset() {
    for (RnnConfig config :
        List.of(RnnConfig.lstm(3, 4).projection(2).layers(2), RnnConfig.gru(3, 4))) {
      int states = config.hasCellState() ? 2 : 1;
      try (Device device = Device.open();
          Rnn rnn = Rnn.create(device, config);
          CarriedState state = CarriedState.create(rnn, 5)) {
        assertEquals(states, state.buffers().size());
        assertEquals(config.hasCellState(), state.states().cy() != null);
        int elements = config.layers() * 5 * config.outputSize();
        float[] last = new float[elements];
        Arrays.fill(last, 7);
        state.states().hy().copyFrom(last);
        assertArrayEquals(new float[elements], state.states().hx().toFloats());
        state.carry();
        assertArrayEquals(last, state.buffers().getFirst().toFloats());
        state.reset();
        assertArrayEquals(new float[elements], state.states().hx().toFloats());
      }
    }
  }

  @Test
  void refusesABatchOfNoSequences() {
    try (Device device = Device.open();
        Rnn rnn = Rnn.create(device, RnnConfig.gru(3, 4))) {
      assertEquals(
          "batch 0, at least 1 is needed",
          assertThrows(IllegalArgumentException.class, () -> CarriedState.create(rnn, 0))
              .getMessage());
    }
  }
}
