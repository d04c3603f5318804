package io.github.cudnn4j.tape;

import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.cuda.Kernel;
import io.github.cudnn4j.cuda.Launch;
import io.github.cudnn4j.cudnn.DropoutDescriptor;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/** Drops elements at random and scales the others up; each forward draws another mask. */
final class Dropout implements Operation {

  /** The number of values that 32 random bits have. */
  private static final double VALUES = 0x1p32;

  private final long seed;
  private final DeviceBuffer state;
  private final Launch draw;
  private final Launch mask;
  private @Nullable Launch maskGradient;

  private Dropout(Tape tape, Tensor x, Tensor y, double probability, long seed) {
    this.seed = seed;
    state = tape.buffer(ElementType.INT64, 2);
    state.copyFrom(new long[] {seed, 0});
    long elements = x.elements();
    draw = tape.own(tape.kernel("dropout", "draw_mask").overElements(1, state, elements));
    long least = (long) Math.ceil(probability * VALUES);
    double scale = 1 / (1 - probability);
    Kernel kernel = tape.kernel("dropout", "mask", tape.type());
    mask =
        tape.own(
            kernel.overElements(elements, state, x.value(), y.value(), least, scale, elements));
    if (y.gradient() != null && x.gradient() != null) {
      maskGradient =
          tape.own(
              kernel.overElements(
                  elements, state, y.gradient(), x.gradient(), least, scale, elements));
    }
  }

  /** See {@link LayerOperations#dropout}. */
  static Tensor record(Tape tape, Tensor x, double probability, long seed) {
    if (!(probability >= 0 && probability < 1)) {
      throw new IllegalArgumentException("dropout " + probability + ", must be in [0, 1)");
    }
    tape.checkTensor("x", x, x.rank());
    if (!tape.isTraining() || probability == 0) {
      return x;
    }
    return tape.record(
        x.shape(),
        (in, y) -> tape.generators().add(new Dropout(tape, in.get(0), y, probability, seed)),
        x);
  }

  @Override
  public void forward() {
    draw.run();
    mask.run();
  }

  @Override
  public void backward() {
    if (maskGradient != null) {
      maskGradient.run();
    }
  }

  /** Begins one of several sequences of masks. */
  void ofSequence(int number) {
    state.copyFrom(new long[] {DropoutDescriptor.sequenceSeed(seed, number), 0});
  }

  /** Returns what the masks that follow depend on; waits for the stream. */
  byte[] state() {
    byte[] bytes = new byte[Math.toIntExact(state.bytes())];
    state.copyTo(MemorySegment.ofArray(bytes));
    return bytes;
  }

  /** Puts back what {@link #state} returned; waits for the stream. */
  void restoreState(byte[] bytes) {
    if (bytes.length != state.bytes()) {
      throw new IllegalArgumentException(
          "a dropout state of " + bytes.length + " bytes given, but it has " + state.bytes());
    }
    state.copyFrom(MemorySegment.ofArray(bytes));
  }
}
