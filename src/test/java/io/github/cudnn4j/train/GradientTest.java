package io.github.cudnn4j.train;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.cudnn.RnnMode;
import io.github.cudnn4j.tape.Tape;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The gradient of a whole model against finite differences of its loss, in double precision. */
class GradientTest {

  private static final int TIME = 6;
  private static final int BATCH = 3;
  private static final int VOCABULARY = 7;

  @ParameterizedTest
  @EnumSource(RnnMode.class)
  void agreesWithFiniteDifferences(RnnMode mode) {
    var random = new SplittableRandom(5);
    try (var device = Device.open();
        var model = new TinyModel(device, Precision.FP64, mode, VOCABULARY, 4, 0);
        var tape = Tape.training(device, Precision.FP64)) {
      var inputs = tape.indices(TIME, BATCH);
      var labels = tape.indices(TIME, BATCH);
      inputs.buffer().copyFrom(random.ints(TIME * BATCH, -1, VOCABULARY).toArray());
      labels.buffer().copyFrom(random.ints(TIME * BATCH, -1, VOCABULARY).toArray());
      var loss = tape.crossEntropy(model.logits(tape, inputs), labels);
      for (var buffer : tape.carriedStates()) {
        buffer.copyFrom(random.doubles(buffer.elements(), -0.5, 0.5).toArray());
      }
      tape.forward();
      tape.backward();
      double worst = 0;
      String where = "";
      for (String name : model.parameters().names()) {
        double[] gradient = model.parameters().readGradient(name);
        double[] weights = model.parameters().read(name);
        for (int i = 0; i < weights.length; i++) {
          double h = 1e-5;
          double[] moved = weights.clone();
          moved[i] = weights[i] + h;
          model.parameters().write(name, moved);
          tape.forward();
          double up = loss.read();
          moved[i] = weights[i] - h;
          model.parameters().write(name, moved);
          tape.forward();
          double down = loss.read();
          double numeric = (up - down) / (2 * h);
          double error = Math.abs(numeric - gradient[i]) / Math.max(1e-2, Math.abs(numeric));
          if (error > worst) {
            worst = error;
            where = "%s[%d]: %s, by differences %s".formatted(name, i, gradient[i], numeric);
          }
        }
        model.parameters().write(name, weights);
      }
      assertTrue(worst <= 1e-6, mode + ", " + where);
      assertTrue(
          Arrays.stream(model.parameters().readGradient("embedding.weight")).anyMatch(g -> g != 0));
    }
  }
}
