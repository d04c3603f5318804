package io.github.cudnn4j.model;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.data.Batch;
import io.github.cudnn4j.tape.Tape;
import io.github.cudnn4j.train.Metric;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;

class TextMetricTest {

  private int recorded;
  private int decoded;

  private Supplier<List<TextMetric.Written>> written(Tape tape, Batch in) {
    recorded++;
    return () -> List.of(new TextMetric.Written("ab c", decoded++ % 2 == 0 ? "ab c" : "ab d"));
  }

  /** Metrics of one model see the same texts of each batch, which are decoded once. */
  @Test
  void eachBatchIsDecodedOnce() {
    var texts = new TextMetric(this::written);
    List<Metric> metrics = List.of(texts.characterErrorRate(), texts.exactMatch());
    try (var device = Device.open()) {
      for (int tapes = 1; tapes <= 2; tapes++) {
        try (var tape = Tape.inference(device, Precision.FP32)) {
          List<Metric.Meter> meters = new ArrayList<>();
          metrics.forEach(metric -> meters.add(metric.meter(tape, null, null)));
          assertEquals(tapes, recorded);
          for (int evaluations = 0; evaluations < 2; evaluations++) {
            int before = decoded;
            meters.forEach(Metric.Meter::reset);
            for (int batch = 0; batch < 4; batch++) {
              meters.forEach(Metric.Meter::batchDone);
            }
            assertEquals(4, decoded - before);
            assertEquals(2 / 16., metrics.get(0).value(meters.get(0).read()));
            assertEquals(0.5, metrics.get(1).value(meters.get(1).read()));
          }
        }
      }
    }
  }
}
