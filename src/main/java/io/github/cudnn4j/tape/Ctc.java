package io.github.cudnn4j.tape;

import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.cuda.Launch;
import io.github.cudnn4j.cudnn.CtcGradientMode;
import io.github.cudnn4j.cudnn.CtcLoss;
import io.github.cudnn4j.cudnn.LossNormalization;
import org.jspecify.annotations.Nullable;

/**
 * cuDNN's loss of connectionist temporal classification between numbers of the tape. It is given
 * lengths and labels that kernels have made fit for it, so nothing must be known on the host.
 */
final class Ctc implements Operation {

  private static final String FILE = "ctc";

  private final CtcLoss loss;
  private final DeviceBuffer labelSteps;
  private final DeviceBuffer inputSteps;
  private final DeviceBuffer packed;
  private final DeviceBuffer x;
  private final DeviceBuffer costs;
  private final @Nullable DeviceBuffer gradients;
  private final Launch lengths;
  private final Launch pack;
  private final @Nullable Launch widen;
  private final Launch take;
  private final @Nullable Launch spread;

  private Ctc(
      Tape tape,
      Tensor logits,
      Lengths inputLengths,
      Indices labels,
      Lengths labelLengths,
      Indices counted,
      DeviceBuffer states,
      Tensor losses) {
    int time = logits.dim(0);
    int batch = logits.dim(1);
    int symbols = logits.dim(2);
    int labelTime = labels.dim(0);
    loss =
        tape.own(
            CtcLoss.create(
                tape.device(),
                LossNormalization.SOFTMAX,
                CtcGradientMode.ZERO,
                time,
                batch,
                symbols,
                labelTime));
    labelSteps = tape.buffer(ElementType.INT32, batch);
    inputSteps = tape.buffer(ElementType.INT32, batch);
    packed = tape.zeroed(ElementType.INT32, labels.elements());
    costs = tape.buffer(ElementType.FLOAT32, batch);
    lengths =
        tape.own(
            tape.kernel(FILE, "ctc_lengths")
                .overElements(
                    batch,
                    labels.buffer(),
                    labelLengths.buffer(),
                    inputLengths.buffer(),
                    counted.buffer(),
                    labelSteps,
                    inputSteps,
                    states,
                    labelTime,
                    time,
                    batch,
                    symbols));
    pack =
        tape.own(
            tape.kernel(FILE, "ctc_pack")
                .overRows(batch, labels.buffer(), labelSteps, packed, labelTime, batch));
    long elements = logits.elements();
    if (tape.type() == ElementType.FLOAT32) {
      x = logits.value();
      widen = null;
    } else {
      x = tape.buffer(ElementType.FLOAT32, elements);
      widen =
          tape.own(
              tape.kernel(FILE, "ctc_widen", tape.type())
                  .overElements(elements, logits.value(), x, elements));
    }
    take =
        tape.own(
            tape.kernel(FILE, "ctc_costs", tape.lossType())
                .overElements(batch, costs, states, losses.value(), batch));
    DeviceBuffer arriving = losses.gradient();
    DeviceBuffer leaving = logits.gradient();
    if (arriving == null || leaving == null) {
      gradients = null;
      spread = null;
    } else {
      gradients = tape.buffer(ElementType.FLOAT32, elements);
      spread =
          tape.own(
              tape.kernel(FILE, "ctc_gradient", tape.type())
                  .overRows(
                      (long) time * batch, gradients, arriving, leaving, time, batch, symbols));
    }
  }

  static Loss record(
      Tape tape,
      Tensor logits,
      Lengths inputLengths,
      Indices labels,
      Lengths labelLengths,
      Indices counted) {
    tape.checkTensor("logits", logits, 3);
    tape.check(inputLengths);
    tape.check(labels);
    tape.check(labelLengths);
    tape.check(counted);
    int batch = logits.dim(1);
    if (labels.rank() != 2 || labels.dim(1) != batch) {
      throw new IllegalArgumentException(labels + " as labels of " + logits);
    }
    if (inputLengths.batch() != batch || labelLengths.batch() != batch) {
      throw new IllegalArgumentException(
          inputLengths.batch()
              + " lengths of the input and "
              + labelLengths.batch()
              + " of the labels for "
              + batch
              + " sequences");
    }
    if (counted.rank() != 1 || counted.dim(0) != batch) {
      throw new IllegalArgumentException(counted + " as what counts of " + batch + " sequences");
    }
    labels.limit(1, logits.columns() - 1);
    Indices states = tape.indices(batch);
    Tensor losses =
        tape.recordLosses(
            new int[] {batch},
            (in, y) ->
                new Ctc(
                    tape,
                    in.get(0),
                    inputLengths,
                    labels,
                    labelLengths,
                    counted,
                    states.buffer(),
                    y),
            logits);
    return tape.loss(losses, states);
  }

  @Override
  public void forward() {
    lengths.run();
    pack.run();
    if (widen != null) {
      widen.run();
    }
    loss.forward(x, packed, labelSteps, inputSteps, costs, gradients);
    take.run();
  }

  @Override
  public void backward() {
    if (spread != null) {
      spread.run();
    }
  }
}
