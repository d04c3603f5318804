package io.github.cudnn4j.tape;

import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.Launch;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Losses of real targets: the mean over elements, in rows that count or do not. */
final class RowLoss {

  private static final String FILE = "row_loss";

  private final Tape tape;
  private final @Nullable Indices counted;
  private final int[] shape;
  private final int rows;
  private final int columns;

  /** Takes what one number of {@code counted} stands for as a row, without it the last extent. */
  private RowLoss(Tape tape, Tensor x, Tensor y, @Nullable Indices counted) {
    tape.checkTensor("x", x, x.rank());
    tape.checkTensor("y", y, y.rank());
    if (!Arrays.equals(x.shape(), y.shape())) {
      throw new IllegalArgumentException(x + " and " + y + ", must have one shape");
    }
    this.tape = tape;
    this.counted = counted;
    if (counted == null) {
      shape = Arrays.copyOf(x.shape(), Math.max(1, x.rank() - 1));
    } else {
      shape = counted.shape();
      int mismatch = Arrays.mismatch(shape, x.shape());
      if (mismatch >= 0 && mismatch < shape.length || shape.length > x.rank()) {
        throw new IllegalArgumentException(counted + " as what counts of " + x);
      }
    }
    rows = Math.toIntExact(Tensor.elements(shape));
    columns = Math.toIntExact(x.elements() / rows);
  }

  static Loss squaredError(Tape tape, Tensor x, Tensor y, @Nullable Indices counted) {
    var loss = new RowLoss(tape, x, y, counted);
    return loss.record(
        (in, losses) ->
            new Launches(
                List.of(loss.launch("squared_error", x.value(), y.value(), losses.value(), null)),
                loss.ways(losses, in.get(0), in.get(1))),
        x,
        y);
  }

  /** The gradient of y is that of x with the two exchanged. */
  private List<Launch> ways(Tensor losses, Tensor x, Tensor y) {
    var launches = new ArrayList<Launch>();
    DeviceBuffer arriving = losses.gradient();
    if (arriving != null && x.gradient() != null) {
      launches.add(squares(x, y, arriving, x.gradient()));
    }
    if (arriving != null && y.gradient() != null) {
      launches.add(squares(y, x, arriving, y.gradient()));
    }
    return launches;
  }

  private Launch squares(Tensor x, Tensor y, DeviceBuffer arriving, DeviceBuffer dx) {
    return launch("squared_error_gradient", x.value(), y.value(), arriving, dx);
  }

  private Launch launch(
      String name, DeviceBuffer x, DeviceBuffer y, DeviceBuffer losses, @Nullable DeviceBuffer dx) {
    var kernel = tape.kernel(FILE, name, tape.type());
    return tape.own(
        dx == null
            ? kernel.overRows(rows, x, y, losses, rows, columns)
            : kernel.overRows(rows, x, y, losses, dx, rows, columns));
  }

  static Loss binaryCrossEntropy(
      Tape tape,
      Tensor logits,
      Tensor targets,
      double @Nullable [] positiveWeights,
      @Nullable Indices counted) {
    var loss = new RowLoss(tape, logits, targets, counted);
    double[] weights = positiveWeights == null ? new double[] {1} : positiveWeights;
    if (positiveWeights != null) {
      CrossEntropy.checkWeights(positiveWeights, logits.columns());
    }
    return loss.record(
        (in, losses) -> {
          DeviceBuffer positive = tape.lossNumbers(weights);
          int classes = weights.length;
          return Launches.of(
              tape.own(
                  tape.kernel(FILE, "binary_cross_entropy", tape.type())
                      .overRows(
                          loss.rows,
                          logits.value(),
                          targets.value(),
                          positive,
                          losses.value(),
                          loss.rows,
                          loss.columns,
                          classes)),
              in.get(0),
              losses,
              (arriving, dx) ->
                  tape.own(
                      tape.kernel(FILE, "binary_cross_entropy_gradient", tape.type())
                          .overRows(
                              loss.rows,
                              logits.value(),
                              targets.value(),
                              positive,
                              arriving,
                              dx,
                              loss.rows,
                              loss.columns,
                              classes)));
        },
        logits);
  }

  private Loss record(Operation.Maker maker, Tensor... inputs) {
    Tensor losses = tape.recordLosses(shape, maker, inputs);
    return counted == null ? tape.loss(losses) : tape.loss(losses, counted);
  }
}
