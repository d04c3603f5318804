package io.github.cudnn4j.tape;

import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.Launch;
import java.util.ArrayList;
import java.util.List;

/** Normalization of each row by its mean and its variance. */
final class LayerNorm {

  private LayerNorm() {}

  static Tensor record(Tape tape, Tensor x, Tensor weight, Tensor bias, double epsilon) {
    tape.checkTensor("weight", weight, 1);
    tape.checkTensor("bias", bias, 1);
    if (weight.columns() != x.columns() || bias.columns() != x.columns()) {
      throw new IllegalArgumentException("weight " + weight + " and bias " + bias + " for x " + x);
    }
    checkEpsilon(epsilon);
    boolean differentiable =
        x.gradient() != null || weight.gradient() != null || bias.gradient() != null;
    return tape.record(
        (in, y) -> launches(tape, in.get(0), in.get(1), in.get(2), epsilon, y),
        tape.output(differentiable, x.shape()),
        List.of(x),
        List.of(weight, bias));
  }

  static void checkEpsilon(double epsilon) {
    if (!(epsilon > 0 && epsilon < Double.POSITIVE_INFINITY)) {
      throw new IllegalArgumentException("epsilon " + epsilon + ", must be above 0 and finite");
    }
  }

  private static Launches launches(
      Tape tape, Tensor x, Tensor weight, Tensor bias, double epsilon, Tensor y) {
    int rows = x.rows();
    int columns = x.columns();
    // What a row was shifted and multiplied by, {mean, 1 / √(variance + ε)}.
    DeviceBuffer moments = tape.buffer(tape.lossType(), 2L * rows);
    Launch forward =
        tape.own(
            tape.kernel("norm", "layer_norm", tape.type())
                .overRows(
                    rows,
                    x.value(),
                    weight.value(),
                    bias.value(),
                    epsilon,
                    y.value(),
                    moments,
                    rows,
                    columns));
    DeviceBuffer dy = y.gradient();
    List<Launch> backward = new ArrayList<>();
    if (dy != null && weight.gradient() != null) {
      backward.add(
          tape.own(
              tape.kernel("norm", "layer_norm_weight_gradient", tape.type())
                  .overLongRows(
                      Linear.blocks(columns),
                      x.value(),
                      moments,
                      dy,
                      weight.gradient(),
                      rows,
                      columns)));
    }
    if (dy != null && bias.gradient() != null) {
      backward.add(Linear.biasGradient(tape, dy, bias.gradient(), rows, columns));
    }
    if (dy != null && x.gradient() != null) {
      backward.add(
          tape.own(
              tape.kernel("norm", "layer_norm_gradient", tape.type())
                  .overRows(
                      rows, x.value(), weight.value(), moments, dy, x.gradient(), rows, columns)));
    }
    return new Launches(List.of(forward), backward);
  }
}
