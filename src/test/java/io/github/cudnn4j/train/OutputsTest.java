package io.github.cudnn4j.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.data.Batches;
import io.github.cudnn4j.tape.Init;
import io.github.cudnn4j.tape.Parameters;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class OutputsTest {

  /** Five records in batches of two, of several shapes, the last of which is filled up. */
  @ParameterizedTest
  @EnumSource
  void areOfEachRecordInItsOrder(Precision precision) throws IOException {
    var records =
        List.of(new int[] {0}, new int[] {1, 2, 3}, new int[] {2}, new int[4], new int[] {3});
    var source = Batches.<int[]>of(2).tokens("tokens", 4, row -> row).over(records);
    try (var device = Device.open();
        var p = Parameters.on(device, precision)) {
      var table = p.tensor("table", (_, _) -> new double[] {1, 0, 2, 1, 3, 2, 4, 3}, 4, 2);
      p.initialize(0);
      var sums =
          Outputs.of(
              p,
              source,
              (tape, in) -> {
                var vectors = tape.embedding(in.tokens("tokens"), table.tensor());
                return in.lengths("tokens").sum(vectors);
              });
      var expected = new double[][] {{1, 0}, {9, 6}, {3, 2}, {4, 0}, {4, 3}};
      assertArrayEquals(expected, sums.toArray(double[][]::new));
    }
  }

  @Test
  void refusesWhatIsNotOneRowEach() throws IOException {
    var source = Batches.<int[]>of(2).tokens("tokens", 4, row -> row).over(List.of(new int[3]));
    try (var device = Device.open();
        var p = Parameters.on(device, Precision.FP32)) {
      p.tensor("unused", Init.zeros(), 1);
      p.initialize(0);
      var refused =
          assertThrows(
              IllegalArgumentException.class,
              () -> Outputs.of(p, source, (tape, in) -> tape.oneHot(in.tokens("tokens"), 3)));
      assertEquals("Tensor[3, 2, 3] of FLOAT32 for a batch of 2 rows", refused.getMessage());
    }
  }
}
