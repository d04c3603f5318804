package io.github.cudnn4j.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.tape.Parameters;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class SequenceRunnerTest {

  @Test
  void refusesWhatItCannotRun() {
    try (var device = Device.open()) {
      var runner = new SequenceRunner<>(device, Precision.FP32, (_, tokens, _) -> tokens);
      for (var sequences : List.of(List.of(new int[0]), List.of(new int[2], new int[0]))) {
        var e =
            assertThrows(IllegalArgumentException.class, () -> runner.run(sequences, (_, _) -> {}));
        assertEquals(
            "sequence " + (sequences.size() - 1) + " has 0 tokens, must have from 1 to 1073741824",
            e.getMessage());
      }
      runner.close();
      var e =
          assertThrows(
              IllegalStateException.class, () -> runner.run(List.of(new int[1]), (_, _) -> {}));
      assertEquals("the runner is closed", e.getMessage());
    }
  }

  /** More sequences than a batch has rows, of many lengths: each gets its own vectors. */
  @Test
  void givesVectorsInTheOrderOfTheSequences() {
    var random = new SplittableRandom(1);
    List<int[]> sequences = new ArrayList<>();
    for (int i = 0; i < 150; i++) {
      sequences.add(random.ints(random.nextInt(1, 30), 0, 7).toArray());
    }
    try (var device = Device.open();
        var p = Parameters.on(device, Precision.FP32)) {
      var embed = p.embedding("embed", 7, 3);
      p.initialize(1);
      double[] table = p.read("embed.weight");
      var found = SequenceRunner.vectors(p, sequences, (tape, tokens, _) -> embed.on(tape, tokens));
      assertEquals(sequences.size(), found.size());
      for (int i = 0; i < found.size(); i++) {
        int[] sequence = sequences.get(i);
        assertEquals(sequence.length, found.get(i).length);
        for (int t = 0; t < sequence.length; t++) {
          double[] wanted = {
            table[3 * sequence[t]], table[3 * sequence[t] + 1], table[3 * sequence[t] + 2]
          };
          assertArrayEquals(wanted, found.get(i)[t]);
        }
      }
    }
  }
}
