package io.github.cudnn4j.tape;

import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.cuda.Launch;
import org.jspecify.annotations.Nullable;

/**
 * Softmax and cross-entropy in one. The forward pass leaves the probabilities where the gradient of
 * the logits will be, so that each exponential is computed once.
 */
final class CrossEntropy implements Operation {

  private final Loss loss;
  private final Launch rowLosses;
  private final Launch mean;
  private @Nullable Launch gradient;

  CrossEntropy(Tape tape, Tensor logits, DeviceBuffer targets) {
    int rows = logits.rows();
    int classes = logits.columns();
    DeviceBuffer probabilities =
        logits.gradient() == null ? tape.buffer(tape.type(), logits.elements()) : logits.gradient();
    DeviceBuffer losses = tape.buffer(tape.type(), rows);
    DeviceBuffer result = tape.zeroed(tape.type(), 2);
    DeviceBuffer meter = tape.zeroed(ElementType.FLOAT64, 2);
    loss = new Loss(result.slice(0, 1), meter);
    rowLosses =
        tape.own(
            tape.kernel("loss", "cross_entropy")
                .overRows(rows, logits.value(), targets, probabilities, losses, rows, classes));
    mean =
        tape.own(
            tape.kernel("loss", "mean_loss").overRows(1, losses, targets, result, meter, rows));
    if (logits.gradient() != null) {
      gradient =
          tape.own(
              tape.kernel("loss", "cross_entropy_gradient")
                  .overRows(rows, probabilities, targets, result, rows, classes));
    }
  }

  Loss loss() {
    return loss;
  }

  @Override
  public void forward() {
    rowLosses.run();
    mean.run();
  }

  @Override
  public void backward() {
    if (gradient != null) {
      gradient.run();
    }
  }
}
