package io.github.cudnn4j.tape;

import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.cuda.Launch;
import java.util.ArrayList;
import java.util.List;

/**
 * Softmax and cross-entropy in one. Where the gradient of the logits is wanted, the forward pass
 * leaves it there: it needs the same exponentials, and nothing of what comes after.
 */
final class CrossEntropy implements Operation {

  private final Loss loss;
  private final List<Launch> launches = new ArrayList<>();

  CrossEntropy(Tape tape, Tensor logits, Indices labels) {
    DeviceBuffer targets = labels.buffer();
    int rows = logits.rows();
    int classes = logits.columns();
    DeviceBuffer losses = tape.buffer(tape.lossType(), rows);
    DeviceBuffer mean = tape.zeroed(tape.lossType(), 1);
    DeviceBuffer meter = tape.zeroed(ElementType.FLOAT64, 2);
    loss = new Loss(mean, meter);
    if (logits.gradient() == null) {
      launches.add(
          tape.own(
              tape.kernel("loss", "cross_entropy", tape.type())
                  .overRows(rows, logits.value(), targets, losses, rows, classes)));
    } else {
      DeviceBuffer share = tape.buffer(tape.lossType(), 1);
      launches.add(
          tape.own(
              tape.kernel("loss", "loss_share", tape.lossType())
                  .overLongRows(1, targets, tape.lossScale(), share, rows)));
      launches.add(
          tape.own(
              tape.kernel("loss", "cross_entropy_gradient", tape.type())
                  .overRows(
                      rows,
                      logits.value(),
                      targets,
                      share,
                      logits.gradient(),
                      losses,
                      rows,
                      classes)));
    }
    launches.add(
        tape.own(
            tape.kernel("loss", "mean_loss", tape.lossType())
                .overLongRows(1, losses, targets, mean, meter, rows)));
  }

  Loss loss() {
    return loss;
  }

  @Override
  public void forward() {
    for (int i = 0; i < launches.size(); i++) {
      launches.get(i).run();
    }
  }

  /** Does nothing: the gradient is there since the forward pass. */
  @Override
  public void backward() {}
}
