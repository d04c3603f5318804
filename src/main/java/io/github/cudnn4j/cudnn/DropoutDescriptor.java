package io.github.cudnn4j.cudnn;

import io.github.cudnn4j.bindings.Cudnn;
import io.github.cudnn4j.bindings.NativeTypes;
import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.cuda.Parts;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;

/**
 * A probability to drop and the generator that decides, whose state lives on the device.
 *
 * <p>Every use in training advances the generator. The same seed gives the same decisions on the
 * same device and version of cuDNN. Whoever hands the descriptor to native code that keeps it, as a
 * recurrent network does, keeps this open as long.
 *
 * @see <a
 *     href="https://docs.nvidia.com/deeplearning/cudnn/backend/latest/api/cudnn-ops-library.html">cudnnSetDropoutDescriptor</a>
 */
public final class DropoutDescriptor extends Descriptor {
  private final float probability;
  private final long seed;
  private final DeviceBuffer states;

  /** The states of the sequences that are not under way. */
  private final Map<Integer, DeviceBuffer> sequences = new HashMap<>();

  private DropoutDescriptor(Device device, float probability, long seed, DeviceBuffer states) {
    this.probability = probability;
    this.seed = seed;
    this.states = states;
    super(
        device,
        "DropoutDescriptor",
        Cudnn::cudnnCreateDropoutDescriptor,
        Cudnn::cudnnDestroyDropoutDescriptor);
  }

  /**
   * Makes a generator and seeds it, which on a GPU takes longer than using it.
   *
   * @param probability to drop an element, in [0, 1); the others are scaled by {@code 1 / (1 -
   *     probability)}
   * @throws IllegalArgumentException if the probability is outside [0, 1)
   * @throws CudnnException if cuDNN fails
   */
  public static DropoutDescriptor create(Device device, double probability, long seed) {
    checkProbability(probability);
    CudnnHandle handle = CudnnHandle.of(device);
    Parts parts = new Parts();
    try {
      DeviceBuffer states =
          parts.add(DeviceBuffer.allocate(device, ElementType.UINT8, statesBytes(handle)));
      DropoutDescriptor descriptor =
          parts.add(new DropoutDescriptor(device, (float) probability, seed, states));
      CudnnException.check(
          Cudnn.cudnnSetDropoutDescriptor(
              descriptor.pointer(),
              handle.pointer(),
              descriptor.probability,
              states.pointer(),
              states.bytes(),
              seed),
          "cudnnSetDropoutDescriptor",
          descriptor);
      return descriptor;
    } catch (Throwable t) {
      throw parts.abandon(t);
    }
  }

  /**
   * Checks a probability to drop.
   *
   * @throws IllegalArgumentException if it is not in [0, 1), also after rounding to float
   */
  public static void checkProbability(double probability) {
    // Written so that NaN is refused, too.
    if (!(probability >= 0 && (float) probability < 1)) {
      throw new IllegalArgumentException(
          "dropout is " + probability + ", but it is the probability to drop: in [0, 1)");
    }
  }

  private static long statesBytes(CudnnHandle handle) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment bytes = arena.allocate(NativeTypes.C_LONG);
      CudnnException.check(
          Cudnn.cudnnDropoutGetStatesSize(handle.pointer(), bytes),
          "cudnnDropoutGetStatesSize",
          "");
      return bytes.get(NativeTypes.C_LONG, 0);
    }
  }

  /** The state of the generator, for {@link #restoreState}; waits for the stream. */
  public byte[] state() {
    byte[] state = new byte[Math.toIntExact(states.bytes())];
    states.copyTo(state);
    return state;
  }

  /**
   * Puts the generator back where it was; waits for the stream.
   *
   * @param state what {@link #state} returned on this kind of device
   * @throws IllegalArgumentException if its length is not that of this device's generator
   * @throws CudnnException if cuDNN fails
   */
  public void restoreState(byte[] state) {
    if (state.length != states.bytes()) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "a dropout state of %d bytes given, but on %s it has %d",
              state.length,
              device().name(),
              states.bytes()));
    }
    states.copyFrom(state);
    CudnnException.check(
        Cudnn.cudnnRestoreDropoutDescriptor(
            pointer(),
            CudnnHandle.of(device()).pointer(),
            probability,
            states.pointer(),
            states.bytes(),
            seed),
        "cudnnRestoreDropoutDescriptor",
        this);
  }

  /**
   * Makes another sequence of decisions, as of a generator with a seed of its own, unless there is
   * one of this number. Waits for the stream.
   */
  public void addSequence(int number) {
    if (sequences.containsKey(number)) {
      return;
    }
    Parts parts = new Parts();
    try (DropoutDescriptor seeded = create(device(), probability, sequenceSeed(seed, number))) {
      DeviceBuffer own =
          parts.add(DeviceBuffer.allocate(device(), ElementType.UINT8, states.bytes()));
      own.copyFrom(seeded.states);
      device().stream().synchronize();
      sequences.put(number, own);
    } catch (RuntimeException | Error e) {
      throw parts.abandon(e);
    }
  }

  /** Returns the seed of one of several sequences; of the first, number 0, it is the seed. */
  public static long sequenceSeed(long seed, int number) {
    return seed + number * 0x9E3779B97F4A7C15L;
  }

  /** Enqueues that the decisions to come are of a sequence that was added. */
  public void enterSequence(int number) {
    states.copyFrom(sequences.get(number));
  }

  /** Enqueues that the sequence will go on from here when it is entered again. */
  public void leaveSequence(int number) {
    sequences.get(number).copyFrom(states);
  }

  @Override
  protected void release() {
    try (states) {
      sequences.values().forEach(DeviceBuffer::close);
      super.release();
    }
  }

  @Override
  public String toString() {
    return "dropout " + probability + " seed " + seed;
  }
}
