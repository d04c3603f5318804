package io.github.cudnn4j.tape;

import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.ElementType;
import java.util.Arrays;
import java.util.List;

/**
 * Numbers in device memory that grow at each {@link Tape#forward}, so that many batches can be
 * counted and read once. Owned by the tape.
 */
public final class Counts {

  private final DeviceBuffer buffer;

  private Counts(DeviceBuffer buffer) {
    this.buffer = buffer;
  }

  /** Returns the numbers, FLOAT64. */
  public DeviceBuffer buffer() {
    return buffer;
  }

  /** Enqueues counting from zero. */
  public void clear() {
    buffer.clear();
  }

  /** Reads the numbers; waits for the device. */
  public double[] read() {
    return buffer.toDoubles();
  }

  static Indices argmax(Tape tape, Tensor x) {
    if (x.rank() < 2) {
      throw new IllegalArgumentException(x + ", needed is a row for each number");
    }
    Indices found = tape.indices(Arrays.copyOf(x.shape(), x.rank() - 1));
    tape.play(
        new Launches(
            List.of(
                tape.own(
                    tape.kernel("metric", "argmax", x.type())
                        .overRows(x.rows(), x.value(), found.buffer(), x.rows(), x.columns()))),
            List.of()));
    return found;
  }

  static Counts right(Tape tape, Loss loss) {
    return of(tape, loss, "count_right", 1, 2);
  }

  static Counts confusions(Tape tape, Loss loss) {
    int classes = loss.classes();
    return of(tape, loss, "count_confusions", classes, Math.multiplyExact((long) classes, classes));
  }

  private static Counts of(Tape tape, Loss loss, String kernel, int rows, long elements) {
    if (loss.tape() != tape) {
      throw new IllegalArgumentException("a loss of another tape");
    }
    Indices targets = loss.targets();
    Indices predicted = loss.predictions();
    if (targets == null || predicted == null) {
      throw new IllegalArgumentException("the loss has no classes as targets");
    }
    var counts = new Counts(tape.zeroed(ElementType.FLOAT64, elements));
    tape.play(
        new Launches(
            List.of(
                tape.own(
                    tape.kernel("metric", kernel)
                        .overLongRows(
                            rows,
                            predicted.buffer(),
                            targets.buffer(),
                            counts.buffer,
                            (int) targets.elements(),
                            loss.classes()))),
            List.of()));
    return counts;
  }
}
