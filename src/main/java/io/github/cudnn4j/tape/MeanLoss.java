package io.github.cudnn4j.tape;

import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.cuda.Launch;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The mean of the losses of those rows that count. */
final class MeanLoss implements Operation {

  private final DeviceBuffer share;
  private final Launch shareOut;
  private final Launch average;
  private @Nullable Launch gradient;

  /**
   * Averages losses into one.
   *
   * @param losses of each row
   * @param counted one for each row, negative if it does not count
   * @param classWeights what a row of each class counts; null: 1
   */
  MeanLoss(
      Tape tape,
      Loss loss,
      DeviceBuffer losses,
      DeviceBuffer counted,
      @Nullable DeviceBuffer classWeights) {
    int rows = Math.toIntExact(losses.elements());
    share = tape.buffer(tape.lossType(), 1);
    DeviceBuffer number = tape.buffer(ElementType.FLOAT64, 1);
    DeviceBuffer scale = tape.lossScale();
    shareOut =
        tape.own(
            classWeights == null
                ? tape.kernel("loss", "loss_share", tape.lossType())
                    .overLongRows(1, counted, scale, loss.factor(), share, number, rows)
                : tape.kernel("loss", "weighted_loss_share", tape.lossType())
                    .overLongRows(
                        1,
                        counted,
                        classWeights,
                        scale,
                        loss.factor(),
                        share,
                        number,
                        rows,
                        Math.toIntExact(classWeights.elements())));
    average =
        tape.own(
            tape.kernel("loss", "mean_loss", losses.type())
                .overLongRows(1, losses, counted, number, loss.value(), loss.meter(), rows));
  }

  static Loss record(Tape tape, Tensor rows, Indices counted) {
    if (rows.type() != tape.type() && rows.type() != tape.lossType()) {
      throw new IllegalArgumentException(
          "losses are " + rows + ", needed is " + tape.type() + " or " + tape.lossType());
    }
    if (!Arrays.equals(rows.shape(), counted.shape())) {
      throw new IllegalArgumentException(counted + " as what counts of " + rows);
    }
    tape.check(counted);
    var loss = new Loss(tape, rows.gradient() != null);
    tape.play(in -> of(tape, loss, in.get(0), counted.buffer()), List.of(rows));
    return loss;
  }

  private static MeanLoss of(Tape tape, Loss loss, Tensor rows, DeviceBuffer counted) {
    var mean = new MeanLoss(tape, loss, rows.value(), counted, null);
    DeviceBuffer gradient = rows.gradient();
    if (gradient != null) {
      int elements = Math.toIntExact(rows.elements());
      mean.gradient =
          tape.own(
              tape.kernel("loss", "mean_loss_gradient", rows.type())
                  .overElements(elements, counted, mean.share, gradient, elements));
    }
    return mean;
  }

  /** Returns what {@link #shareOut} computes: the gradient of a row's loss. */
  DeviceBuffer share() {
    return share;
  }

  void shareOut() {
    shareOut.run();
  }

  void average() {
    average.run();
  }

  @Override
  public void forward() {
    shareOut();
    average();
  }

  @Override
  public void backward() {
    if (gradient != null) {
      gradient.run();
    }
  }
}
