package io.github.cudnn4j.tape;

import static io.github.cudnn4j.proof.Numbers.read;
import static io.github.cudnn4j.proof.Numbers.write;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cudnn4j.testing.Closeness;
import java.util.List;

/** The gradients of a tape, and what they should be. */
final class Gradients {

  private Gradients() {}

  /** Compares the gradients of a loss with its differences, also replayed from a graph. */
  static void check(Tape tape, Loss loss, List<Tensor> parameters) {
    double[][] gradients = of(parameters, () -> play(tape));
    assertTrue(Double.isFinite(loss.read()), "the loss is not finite");
    for (int p = 0; p < parameters.size(); p++) {
      Tensor parameter = parameters.get(p);
      double[] values = read(parameter.value());
      var differences = new double[values.length];
      for (int i = 0; i < values.length; i++) {
        double[] moved = values.clone();
        moved[i] = values[i] + 1e-5;
        double above = lossOf(tape, loss, parameter, moved);
        moved[i] = values[i] - 1e-5;
        differences[i] = (above - lossOf(tape, loss, parameter, moved)) / 2e-5;
        assertTrue(Double.isFinite(differences[i]), "a loss is " + loss.read());
      }
      write(parameter.value(), values);
      new Closeness(1e-9, 1e-7).check("parameter " + p, differences, gradients[p]);
    }
    try (var graph = tape.device().stream().capture(() -> play(tape))) {
      double[][] replayed = of(parameters, graph::launch);
      for (int p = 0; p < parameters.size(); p++) {
        assertArrayEquals(gradients[p], replayed[p]);
      }
    }
  }

  static void play(Tape tape) {
    tape.forward();
    tape.backward();
  }

  /** What a step adds to gradients that are zero. */
  static double[][] of(List<Tensor> parameters, Runnable step) {
    parameters.forEach(parameter -> parameter.gradient().clear());
    step.run();
    return parameters.stream().map(p -> read(p.gradient())).toArray(double[][]::new);
  }

  private static double lossOf(Tape tape, Loss loss, Tensor parameter, double[] values) {
    write(parameter.value(), values);
    tape.forward();
    return loss.read();
  }
}
