package io.github.cudnn4j.cudnn;

import io.github.cudnn4j.bindings.Cudnn;
import io.github.cudnn4j.bindings.NativeTypes;
import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.DeviceResource;
import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.cuda.Event;
import io.github.cudnn4j.cuda.Parts;
import io.github.cudnn4j.cuda.PinnedBuffer;
import io.github.cudnn4j.library.NativeLibraries;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * Connectionist temporal classification: the negative logarithm of the probability that a sequence
 * of labels is what remains of T steps when repetitions, and then blanks, are taken out of them.
 *
 * <p>Made for one shape: T steps, B sequences, and A symbols, of which symbol 0 is the blank and
 * labels are from 1 to A - 1. It owns its workspace and the labels in device memory. Computes in
 * FLOAT32. Calls queue their work on the device's stream and allocate nothing. It belongs to the
 * device's thread.
 *
 * <pre>{@code
 * loss.labels(new int[] {1, 2, 2}, new int[] {2, 1}, new int[] {10, 8}); // "1 2" and "2"
 * loss.forward(x, costs, dx);
 * }</pre>
 *
 * @see <a
 *     href="https://docs.nvidia.com/deeplearning/cudnn/backend/latest/api/cudnn-adv-library.html">cudnnCTCLoss_v8</a>
 * @see <a href="https://www.cs.toronto.edu/~graves/icml_2006.pdf">Graves et al. 2006</a>
 */
public final class CtcLoss extends DeviceResource {
  /** The longest label sequence that cuDNN computes with. */
  public static final int MAX_LABELS = 255;

  private static final int BLANK = 0;

  private final Parts parts;
  private final CudnnHandle handle;
  private final CtcDescriptor descriptor;
  private final TensorDescriptor shape;
  private final DeviceBuffer workspace;
  private final Targets targets;
  private final CtcGradientMode mode;
  private final int time;
  private final int batch;
  private final int symbols;
  private final int maxLabels;
  private boolean labelled;

  /** Label lengths, input lengths and labels, in this order in one block on either side. */
  private record Targets(
      PinnedBuffer staging, Event staged, DeviceBuffer all, DeviceBuffer[] sections) {}

  private CtcLoss(
      Parts parts,
      CudnnHandle handle,
      CtcDescriptor descriptor,
      TensorDescriptor shape,
      DeviceBuffer workspace,
      Targets targets,
      CtcGradientMode mode,
      int[] extents,
      int maxLabels) {
    this.parts = parts;
    this.handle = handle;
    this.descriptor = descriptor;
    this.shape = shape;
    this.workspace = workspace;
    this.targets = targets;
    this.mode = mode;
    this.time = extents[0];
    this.batch = extents[1];
    this.symbols = extents[2];
    this.maxLabels = maxLabels;
    super(handle.device());
  }

  /**
   * Makes the loss of one shape.
   *
   * @param time T, from 1
   * @param batch B, from 1
   * @param symbols A, the blank among them, from 2; {@code T * B * A} must be below 2<sup>31</sup>
   * @param maxLabels the longest label sequence, in [0, {@value #MAX_LABELS}]
   * @throws IllegalArgumentException if a number is not as stated
   * @throws UnsupportedOperationException if the device's cuDNN has no CTC loss
   * @throws CudnnException if cuDNN fails
   */
  public static CtcLoss create(
      Device device,
      LossNormalization normalization,
      CtcGradientMode mode,
      int time,
      int batch,
      int symbols,
      int maxLabels) {
    NativeLibraries.load().require("cudnnCTCLoss_v8");
    if (symbols < 2) {
      throw new IllegalArgumentException(
          "symbols is " + symbols + ", but there must be at least 2: the blank and a label");
    }
    if (maxLabels < 0 || maxLabels > MAX_LABELS) {
      throw new IllegalArgumentException(
          "maxLabels is " + maxLabels + ", but it must be in [0, " + MAX_LABELS + "]");
    }
    CudnnHandle handle = CudnnHandle.of(device);
    Parts parts = new Parts();
    try {
      TensorDescriptor shape =
          parts.add(TensorDescriptor.create(device, ElementType.FLOAT32, time, batch, symbols));
      CtcDescriptor descriptor =
          parts.add(CtcDescriptor.create(device, normalization, mode, maxLabels));
      DeviceBuffer workspace =
          parts.add(
              DeviceBuffer.allocate(
                  device, ElementType.UINT8, workspaceBytes(handle, descriptor, shape)));
      Targets targets = targets(device, parts, batch, maxLabels);
      int[] extents = {time, batch, symbols};
      return new CtcLoss(
          parts, handle, descriptor, shape, workspace, targets, mode, extents, maxLabels);
    } catch (Throwable t) {
      throw parts.abandon(t);
    }
  }

  private static Targets targets(Device device, Parts parts, int batch, int maxLabels) {
    // At least one label, because cuDNN wants an address also where there is none.
    long labels = Math.max(1, (long) batch * maxLabels);
    long all = 2L * batch + labels;
    DeviceBuffer block = parts.add(DeviceBuffer.allocate(device, ElementType.INT32, all));
    DeviceBuffer[] sections = {
      block.slice(0, batch), block.slice(batch, batch), block.slice(2L * batch, labels)
    };
    return new Targets(
        parts.add(PinnedBuffer.allocate(device, ElementType.INT32, all)),
        parts.add(Event.create(device)),
        block,
        sections);
  }

  private static long workspaceBytes(
      CudnnHandle handle, CtcDescriptor descriptor, TensorDescriptor shape) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment bytes = arena.allocate(NativeTypes.C_LONG);
      CudnnException.check(
          Cudnn.cudnnGetCTCLossWorkspaceSize_v8(
              handle.pointer(),
              Cudnn.CUDNN_CTC_LOSS_ALGO_DETERMINISTIC(),
              descriptor.pointer(),
              shape.pointer(),
              shape.pointer(),
              bytes),
          "cudnnGetCTCLossWorkspaceSize_v8",
          shape);
      return Math.max(1, bytes.get(NativeTypes.C_LONG, 0));
    }
  }

  /**
   * Returns how many steps labels need: one each, and one for a blank between equal neighbours. A
   * sequence with fewer steps has no alignment; one with fewer than labels is refused.
   */
  public static int neededSteps(int... labels) {
    int steps = labels.length;
    for (int i = 1; i < labels.length; i++) {
      steps += labels[i] == labels[i - 1] ? 1 : 0;
    }
    return steps;
  }

  /**
   * Sets the labels of the calls of {@link #forward} that follow. The arrays are read now; the copy
   * to the device is queued. Waits only for the copy before it. Not to be captured.
   *
   * @param labels of all sequences, one after the other, each in [1, A); more may follow, unread
   * @param labelLengths B numbers of labels, each in [0, maxLabels] and no more than the sequence
   *     has steps, beyond which cuDNN reads memory that it should not
   * @param inputLengths B numbers of steps, each in [1, T]
   * @throws IllegalArgumentException if an array or a number is not as stated; the labels before
   *     stay set
   * @throws IllegalStateException if this is closed
   */
  public void labels(int[] labels, int[] labelLengths, int[] inputLengths) {
    checkOpen();
    checkCount("labelLengths", labelLengths);
    checkCount("inputLengths", inputLengths);
    int count = 0;
    for (int n = 0; n < batch; n++) {
      checkRange("inputLengths", n, inputLengths[n], 1, time);
      checkRange("labelLengths", n, labelLengths[n], 0, Math.min(inputLengths[n], maxLabels));
      count += labelLengths[n];
    }
    if (labels.length < count) {
      throw new IllegalArgumentException(
          "labels has " + labels.length + " elements, but the lengths add up to " + count);
    }
    for (int i = 0; i < count; i++) {
      checkRange("labels", i, labels[i], BLANK + 1, symbols - 1);
    }
    if (labelled) {
      targets.staged.synchronize();
    }
    MemorySegment staging = targets.staging.segment();
    copy(labelLengths, staging, 0, batch);
    copy(inputLengths, staging, batch, batch);
    copy(labels, staging, 2L * batch, count);
    targets.all.copyFrom(targets.staging);
    targets.staged.record();
    labelled = true;
  }

  private static void copy(int[] from, MemorySegment to, long element, int count) {
    MemorySegment.copy(from, 0, to, NativeTypes.C_INT, element * Integer.BYTES, count);
  }

  private void checkCount(String name, int[] lengths) {
    if (lengths.length != batch) {
      throw new IllegalArgumentException(
          name + " has " + lengths.length + " elements, but there are " + batch + " sequences");
    }
  }

  private static void checkRange(String name, int index, int value, int low, int high) {
    if (value < low || value > high) {
      throw new IllegalArgumentException(
          name + "[" + index + "] is " + value + ", but it must be in [" + low + ", " + high + "]");
    }
  }

  /**
   * Computes the cost of each sequence and, unless {@code gradients} is null, its gradients.
   *
   * <p>A sequence that is shorter than its labels need ({@link #neededSteps}), because equal ones
   * are neighbours, costs 0; its gradients are what the {@link CtcGradientMode} says. Gradients of
   * steps behind a sequence's length are zero in {@link CtcGradientMode#ZERO} mode, and stay as
   * they are in memory in the other.
   *
   * @param x {@code [T, B, A]}, as the {@link LossNormalization} says; not written
   * @param costs {@code [B]}, overwritten with the negative natural logarithms of the probabilities
   * @param gradients {@code [T, B, A]} of the sum of the costs with respect to x; apart from the
   *     others
   * @throws IllegalArgumentException if a buffer is not FLOAT32, has another size or device, or
   *     overlaps another one
   * @throws IllegalStateException if no labels were set, or this or a buffer is closed
   * @throws CudnnException if cuDNN fails
   */
  public void forward(DeviceBuffer x, DeviceBuffer costs, @Nullable DeviceBuffer gradients) {
    checkOpen();
    if (!labelled) {
      throw new IllegalStateException("no labels were set");
    }
    DeviceBuffer[] sections = targets.sections;
    run(x, sections[2], sections[0], sections[1], costs, gradients);
  }

  /**
   * As {@link #forward(DeviceBuffer, DeviceBuffer, DeviceBuffer)}, with labels that are in device
   * memory already, where they may change in a captured graph. Nobody checks them: what {@link
   * #labels} refuses, cuDNN may take for places in memory.
   *
   * @param labels INT32, B times the longest, of which the sequences' are the first, one after the
   *     other
   * @param labelLengths {@code [B]} INT32
   * @param inputLengths {@code [B]} INT32
   */
  public void forward(
      DeviceBuffer x,
      DeviceBuffer labels,
      DeviceBuffer labelLengths,
      DeviceBuffer inputLengths,
      DeviceBuffer costs,
      @Nullable DeviceBuffer gradients) {
    checkOpen();
    Operands.check("labels", labels, device(), ElementType.INT32, (long) batch * maxLabels);
    Operands.check("labelLengths", labelLengths, device(), ElementType.INT32, batch);
    Operands.check("inputLengths", inputLengths, device(), ElementType.INT32, batch);
    run(x, labels, labelLengths, inputLengths, costs, gradients);
  }

  private void run(
      DeviceBuffer x,
      DeviceBuffer labels,
      DeviceBuffer labelLengths,
      DeviceBuffer inputLengths,
      DeviceBuffer costs,
      @Nullable DeviceBuffer gradients) {
    long elements = (long) time * batch * symbols;
    Operands.check("x", x, device(), ElementType.FLOAT32, elements);
    Operands.check("costs", costs, device(), ElementType.FLOAT32, batch);
    Operands.checkDisjoint("costs", costs, "x", x);
    if (gradients != null) {
      Operands.check("gradients", gradients, device(), ElementType.FLOAT32, elements);
      Operands.checkDisjoint("gradients", gradients, "x", x);
      Operands.checkDisjoint("gradients", gradients, "costs", costs);
    }
    MemorySegment xPointer = x.pointer();
    MemorySegment costsPointer = costs.pointer();
    if (gradients != null && mode == CtcGradientMode.ZERO) {
      gradients.clear();
    }
    CudnnException.check(
        Cudnn.cudnnCTCLoss_v8(
            handle.pointer(),
            Cudnn.CUDNN_CTC_LOSS_ALGO_DETERMINISTIC(),
            descriptor.pointer(),
            shape.pointer(),
            xPointer,
            labels.pointer(),
            labelLengths.pointer(),
            inputLengths.pointer(),
            costsPointer,
            shape.pointer(),
            gradients == null ? MemorySegment.NULL : gradients.pointer(),
            workspace.bytes(),
            workspace.pointer()),
        "cudnnCTCLoss_v8",
        this);
  }

  @Override
  protected void release() {
    parts.close();
  }

  @Override
  public String toString() {
    return "CTC loss [" + time + ", " + batch + ", " + symbols + "] labels " + maxLabels;
  }
}
