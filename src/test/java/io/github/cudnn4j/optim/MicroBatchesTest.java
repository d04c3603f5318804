package io.github.cudnn4j.optim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.proof.Numbers;
import io.github.cudnn4j.tape.Indices;
import io.github.cudnn4j.tape.Init;
import io.github.cudnn4j.tape.Loss;
import io.github.cudnn4j.tape.Parameters;
import io.github.cudnn4j.tape.Tape;
import io.github.cudnn4j.tape.Tensor;
import io.github.cudnn4j.testing.Closeness;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Gradients of several small batches against those of a large one. */
class MicroBatchesTest {

  private static final int SIZE = 5;
  private static final int CLASSES = 3;
  private static final int BATCH = 12;

  /** FP16 sums up what it has rounded. */
  @ParameterizedTest
  @CsvSource({
    "FP64, 3, 1e-14",
    "FP64, 4, 1e-14",
    "FP32, 3, 1e-6",
    "FP16, 3, 2e-3",
    "FP16, 4, 2e-3",
    "BF16, 4, 2e-2"
  })
  void severalAreOneBatchOfTheirSize(Precision precision, int count, double tolerance) {
    var random = new SplittableRandom(7);
    var scale = precision == Precision.FP16 ? new LossScale(1024, 5) : LossScale.NONE;
    try (var device = Device.open();
        var together = new Classifier(device, precision, BATCH, scale);
        var apart = new Classifier(device, precision, BATCH / count, scale)) {
      apart.updater.microBatches(count);
      double[] start = random.doubles(CLASSES * SIZE, -1, 1).toArray();
      together.parameters.write("w", start);
      apart.parameters.write("w", start);
      for (int step = 0; step < 12; step++) {
        double[] x = random.doubles(BATCH * SIZE, -1, 1).toArray();
        int[] labels = random.ints(BATCH, 0, CLASSES).toArray();
        together.step(x, labels);
        apart.step(x, labels);
      }
      StepState all = together.updater.read();
      StepState sums = apart.updater.read();
      assertEquals(0, sums.skipped());
      assertEquals(all.scale(), sums.scale());
      assertEquals(all.step(), sums.step());
      assertEquals(1, sums.norm() / all.norm(), tolerance);
      assertEquals(all.clipFactor() < 1, sums.clipFactor() < 1);
      Closeness.within(tolerance)
          .check("weights", together.parameters.read("w"), apart.parameters.read("w"));
    }
  }

  /** The number may change from update to update. */
  @Test
  void dividesBeforeItClips() {
    try (var device = Device.open();
        var parameters = parameters(device, Precision.FP64, 2);
        var updater =
            Updater.create(parameters, Optimizer.sgd(1), Clip.byNorm(2), LossScale.NONE)) {
      Numbers.write(parameters.parameter("w").tensor().gradient(), new double[] {3, 4});
      updater.microBatches(5);
      updater.run();
      assertEquals(1, updater.read().norm());
      assertEquals(1, updater.read().clipFactor());
      updater.microBatches(2);
      updater.run();
      assertEquals(2.5, updater.read().norm());
      assertEquals(0.8, updater.read().clipFactor());
      double[] found = parameters.read("w");
      assertEquals(-0.6 - 1.2, found[0], 1e-15);
      assertEquals(-0.8 - 1.6, found[1], 1e-15);
      var thrown = assertThrows(IllegalArgumentException.class, () -> updater.microBatches(0));
      assertEquals("micro-batches = 0, must be at least 1", thrown.getMessage());
    }
  }

  private static Parameters parameters(Device device, Precision precision, int... shape) {
    var parameters = Parameters.on(device, precision);
    parameters.tensor("w", Init.zeros(), shape);
    parameters.initialize(1);
    return parameters;
  }

  /** A linear layer, its loss and its updater. */
  private static final class Classifier implements AutoCloseable {
    final int batch;
    final Parameters parameters;
    final Updater updater;
    final Tape tape;
    final Tensor x;
    final Indices labels;
    final Loss loss;

    Classifier(Device device, Precision precision, int batch, LossScale scale) {
      this.batch = batch;
      parameters = parameters(device, precision, CLASSES, SIZE);
      updater = Updater.create(parameters, Optimizer.adam(0.05), Clip.byNorm(0.3), scale);
      tape = Tape.training(device, precision, updater.lossScale());
      x = tape.input(batch, SIZE);
      labels = tape.indices(batch);
      loss = tape.crossEntropy(tape.linear(x, parameters.parameter("w").tensor(), null), labels);
    }

    void step(double[] values, int[] classes) {
      parameters.gradients().clear();
      for (int at = 0; at < classes.length; at += batch) {
        Numbers.write(x.value(), Arrays.copyOfRange(values, at * SIZE, (at + batch) * SIZE));
        labels.buffer().copyFrom(Arrays.copyOfRange(classes, at, at + batch));
        tape.forward();
        tape.backward();
      }
      updater.run(loss.value());
    }

    @Override
    public void close() {
      tape.close();
      updater.close();
      parameters.close();
    }
  }
}
