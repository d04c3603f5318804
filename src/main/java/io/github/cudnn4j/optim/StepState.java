package io.github.cudnn4j.optim;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.cuda.Parts;

/**
 * What the device knows of the training at the latest look: a copy of the numbers that the
 * optimizer's kernels keep in device memory, so that no step waits for the host.
 *
 * @param learningRate the learning rate of the latest step
 * @param step the steps that changed the weights; the exponent of Adam's corrections
 * @param clipFactor what the latest gradient was multiplied by
 * @param skipped the steps that were refused because the loss or the gradient's norm was not finite
 * @param bad the latest steps in a row that were refused, or had a loss far above guessing
 * @param norm the norm of the latest gradient, before clipping
 * @param loss the loss of the latest step, in nats
 * @param scale what the next step multiplies the loss by before it differentiates it
 */
public record StepState(
    double learningRate,
    long step,
    double clipFactor,
    long skipped,
    long bad,
    double norm,
    double loss,
    double scale) {

  // The places in device memory, all FLOAT64; optimizer.cu names the same ones.
  public static final int LEARNING_RATE = 0;
  public static final int STEP = 1;
  public static final int CLIP_FACTOR = 2;

  /** 1 − beta1<sup>step</sup>, if {@link ParameterRange#biasCorrections} was called. */
  public static final int CORRECTION1 = 3;

  /** √(1 − beta2<sup>step</sup>). */
  public static final int CORRECTION2 = 4;

  /** 1 in a refused step, else 0. */
  public static final int SKIP = 5;

  public static final int SKIPPED = 6;
  public static final int BAD = 7;
  public static final int NORM = 8;
  public static final int LOSS = 9;
  public static final int SCALE = 10;

  /** What gradients are multiplied by: the clipping's factor, over loss scale and micro-batches. */
  public static final int FACTOR = 12;

  public static final int SIZE = 13;

  /** Allocates the places, as they are before the first step; the caller closes the buffer. */
  static DeviceBuffer allocate(Device device, LossScale scale) {
    var places = new double[SIZE];
    places[SCALE] = scale.initial();
    Parts parts = new Parts();
    try {
      DeviceBuffer buffer = parts.add(DeviceBuffer.allocate(device, ElementType.FLOAT64, SIZE));
      buffer.copyFrom(places);
      return buffer;
    } catch (RuntimeException | Error e) {
      throw parts.abandon(e);
    }
  }

  /** Where to find a place. */
  public interface Reader {
    double at(int place);
  }

  /** Reads the places. */
  public static StepState of(Reader reader) {
    return new StepState(
        reader.at(LEARNING_RATE),
        (long) reader.at(STEP),
        reader.at(CLIP_FACTOR),
        (long) reader.at(SKIPPED),
        (long) reader.at(BAD),
        reader.at(NORM),
        reader.at(LOSS),
        reader.at(SCALE));
  }
}
