package io.github.cudnn4j.rnn;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.DeviceOutOfMemoryException;
import io.github.cudnn4j.cuda.DeviceResource;
import io.github.cudnn4j.cuda.Parts;
import io.github.cudnn4j.cudnn.DropoutDescriptor;
import io.github.cudnn4j.cudnn.ForwardMode;
import io.github.cudnn4j.cudnn.Operands;
import io.github.cudnn4j.cudnn.RnnAlgorithm;
import io.github.cudnn4j.cudnn.RnnDescriptor;
import io.github.cudnn4j.cudnn.RnnDescriptor.WeightSlot;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/**
 * A recurrent network on a device: weights, their gradients, and the generator of its dropout.
 *
 * <p>It runs through a {@link RnnPlan}, made once per shape of batch; plans share the weights and
 * gradients. Weights and gradients are one buffer each, either its own or slices of buffers that
 * someone else owns, such as a trainer that keeps all parameters of a model in one piece.
 *
 * <p>It belongs to the thread that the device belongs to, which is also the only one that may use
 * its plans and weights. Closing it closes its plans, then its dropout and the buffers that it
 * owns.
 */
public final class Rnn extends DeviceResource {
  /** What vector instructions can ask of the address of a weight space. */
  private static final int ALIGNMENT = 16;

  private final RnnConfig config;
  private final Parts parts;
  private final Parts plans = new Parts();
  private final @Nullable DropoutDescriptor dropout;
  private final RnnWeights weights;
  private final RnnWeights gradients;

  private Rnn(
      Device device,
      RnnConfig config,
      Parts parts,
      @Nullable DropoutDescriptor dropout,
      RnnWeights weights,
      RnnWeights gradients) {
    this.config = config;
    this.parts = parts;
    this.dropout = dropout;
    this.weights = weights;
    this.gradients = gradients;
    super(device);
  }

  /**
   * Makes a network with buffers of its own; all weights and gradients are 0.
   *
   * @throws io.github.cudnn4j.cudnn.CudnnException if cuDNN does not accept the configuration
   * @throws DeviceOutOfMemoryException if it does not fit into the device
   * @throws IllegalStateException if the device is closed
   * @throws WrongThreadException if the device belongs to another thread
   */
  public static Rnn create(Device device, RnnConfig config) {
    long elements = weightElements(device, config);
    Parts parts = new Parts();
    try {
      DeviceBuffer weights = parts.add(DeviceBuffer.allocate(device, config.type(), elements));
      DeviceBuffer gradients = parts.add(DeviceBuffer.allocate(device, config.type(), elements));
      return create(device, config, parts, weights, gradients);
    } catch (DeviceOutOfMemoryException e) {
      throw parts.abandon(e.during(config));
    } catch (Throwable t) {
      throw parts.abandon(t);
    }
  }

  /**
   * Makes a network in buffers that someone else owns, who must keep them open as long as this. All
   * weights and gradients are set to 0.
   *
   * @param weights {@link #weightElements} elements of the configuration's type, starting at a
   *     multiple of 16 bytes
   * @param gradients the same, apart from the weights
   * @throws IllegalArgumentException if a buffer is of another size, type or device, is not aligned
   *     or overlaps the other
   * @throws io.github.cudnn4j.cudnn.CudnnException if cuDNN does not accept the configuration
   * @throws IllegalStateException if the device or a buffer is closed, or a buffer is read-only
   * @throws WrongThreadException if the device belongs to another thread
   */
  public static Rnn create(
      Device device, RnnConfig config, DeviceBuffer weights, DeviceBuffer gradients) {
    long elements = weightElements(device, config);
    checkSpace("weights", weights, device, config, elements);
    checkSpace("gradients", gradients, device, config, elements);
    Operands.checkDisjoint("gradients", gradients, "weights", weights);
    Parts parts = new Parts();
    try {
      return create(device, config, parts, weights, gradients);
    } catch (Throwable t) {
      throw parts.abandon(t);
    }
  }

  private static void checkSpace(
      String name, DeviceBuffer buffer, Device device, RnnConfig config, long elements) {
    Operands.check(name, buffer, device, config.type(), elements);
    if (buffer.address() % ALIGNMENT != 0) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "%s starts at address 0x%x, but it must start at a multiple of %d bytes",
              name,
              buffer.address(),
              ALIGNMENT));
    }
  }

  private static Rnn create(
      Device device, RnnConfig config, Parts parts, DeviceBuffer weights, DeviceBuffer gradients) {
    // cuDNN may leave gaps between the matrices, and an optimizer runs over all of the buffer.
    weights.clear();
    gradients.clear();
    DropoutDescriptor dropout =
        config.dropsOut()
            ? parts.add(DropoutDescriptor.create(device, config.dropout(), config.dropoutSeed()))
            : null;
    List<WeightSlot> slots;
    try (RnnDescriptor descriptor = describe(device, config)) {
      slots = descriptor.weightSlots(weights);
    }
    return new Rnn(
        device,
        config,
        parts,
        dropout,
        new RnnWeights(config, weights, slots),
        new RnnWeights(config, gradients, slots));
  }

  /**
   * How many elements the weights of a network take in memory, as do their gradients; it may be
   * more than the parameters have together.
   *
   * @throws io.github.cudnn4j.cudnn.CudnnException if cuDNN does not accept the configuration
   * @throws IllegalStateException if the device is closed
   * @throws WrongThreadException if the device belongs to another thread
   */
  public static long weightElements(Device device, RnnConfig config) {
    Objects.requireNonNull(device, "device");
    Objects.requireNonNull(config, "config");
    try (RnnDescriptor descriptor = describe(device, config)) {
      return descriptor.weightSpaceBytes() / config.type().bytes();
    }
  }

  /** For questions about the weights, whose places are the same for every algorithm. */
  private static RnnDescriptor describe(Device device, RnnConfig config) {
    RnnAlgorithm algorithm = config.algorithm();
    return describe(
        device, config, algorithm == null ? RnnAlgorithm.STANDARD : algorithm, null, true);
  }

  private static RnnDescriptor describe(
      Device device,
      RnnConfig config,
      RnnAlgorithm algorithm,
      @Nullable DropoutDescriptor dropout,
      boolean padded) {
    return RnnDescriptor.create(
        device,
        new RnnDescriptor.Settings(
            algorithm,
            config.mode(),
            config.bias(),
            config.direction(),
            config.precision(),
            config.inputSize(),
            config.hiddenSize(),
            config.projectionSize(),
            config.layers(),
            config.inputSkipped(),
            config.clip(),
            padded),
        dropout);
  }

  /** This network run by an algorithm on one kind of layout; the caller closes the descriptor. */
  RnnDescriptor describe(RnnAlgorithm algorithm, boolean padded) {
    return describe(device(), config, algorithm, dropout, padded);
  }

  /** What this network is. */
  public RnnConfig config() {
    return config;
  }

  /**
   * The weights.
   *
   * @throws IllegalStateException if this is closed
   */
  public RnnWeights weights() {
    checkOpen();
    return weights;
  }

  /**
   * The gradients: every backward pass adds to them, and only the caller ever sets them to 0, with
   * {@code gradients().space().clear()}.
   *
   * @throws IllegalStateException if this is closed
   */
  public RnnWeights gradients() {
    checkOpen();
    return gradients;
  }

  /**
   * Draws every weight and bias uniformly from {@code [-1/sqrt(H), 1/sqrt(H))}, the range that
   * PyTorch uses. The same seed gives the same values on every device, rounded to the network's
   * type.
   *
   * @throws IllegalStateException if this is closed
   * @see <a
   *     href="https://docs.pytorch.org/docs/stable/generated/torch.nn.LSTM.html">torch.nn.LSTM</a>
   */
  public void initialize(long seed) {
    checkOpen();
    SplittableRandom random = new SplittableRandom(seed);
    double bound = 1 / Math.sqrt(config.hiddenSize());
    for (RnnParameter parameter : weights.parameters()) {
      long elements = parameter.elements();
      parameter.copyFrom(random.doubles(elements, -bound, bound).toArray());
    }
  }

  /**
   * Makes what training and inference on batches of one shape need.
   *
   * @return a plan, to be closed by the caller, and closed with this at the latest
   * @throws IllegalArgumentException if x, y or a state would have 2<sup>31</sup> elements or more,
   *     or if lengths differ or vary and the configuration names a persistent algorithm
   * @throws io.github.cudnn4j.cudnn.CudnnException if cuDNN does not accept the shape, or not with
   *     the algorithm that the configuration names
   * @throws DeviceOutOfMemoryException if it does not fit into the device
   * @throws IllegalStateException if this is closed
   */
  public RnnPlan plan(SequenceShape shape) {
    return plan(shape, ForwardMode.TRAINING);
  }

  /**
   * Makes what inference on batches of one shape needs, which is less memory than training. On a
   * single step a network that names a persistent algorithm is run by the standard one.
   *
   * @return a plan that has no use for {@link RnnPlan#forward}, otherwise as from {@link #plan}
   * @throws IllegalArgumentException if x, y or a state would have 2<sup>31</sup> elements or more,
   *     or if lengths differ or vary and the configuration names a persistent algorithm
   * @throws io.github.cudnn4j.cudnn.CudnnException if cuDNN does not accept the shape, or not with
   *     the algorithm that the configuration names
   * @throws DeviceOutOfMemoryException if it does not fit into the device
   * @throws IllegalStateException if this is closed
   */
  public RnnPlan inferencePlan(SequenceShape shape) {
    return plan(shape, ForwardMode.INFERENCE);
  }

  private RnnPlan plan(SequenceShape shape, ForwardMode mode) {
    checkOpen();
    return plans.add(RnnPlan.create(this, shape, mode));
  }

  /** Takes note that a plan is closed. */
  void forget(RnnPlan plan) {
    plans.remove(plan);
  }

  /**
   * The state of the generator of the dropout between layers, for {@link #restoreDropoutState};
   * empty if there is no such dropout. Waits for the stream.
   *
   * @throws IllegalStateException if this is closed
   */
  public byte[] dropoutState() {
    checkOpen();
    return dropout == null ? new byte[0] : dropout.state();
  }

  /**
   * Puts the generator of the dropout between layers back where it was. Waits for the stream.
   *
   * @param state what {@link #dropoutState} returned for this configuration on this kind of device
   * @throws IllegalArgumentException if its length is another than that of this network's state
   * @throws IllegalStateException if this is closed
   */
  public void restoreDropoutState(byte[] state) {
    checkOpen();
    if (dropout != null) {
      dropout.restoreState(state);
    } else if (state.length != 0) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "a dropout state of %d bytes given, but %s has none",
              state.length,
              config));
    }
  }

  /**
   * Returns the dropout between layers, borrowed; null if there is none.
   *
   * @throws IllegalStateException if this is closed
   */
  public @Nullable DropoutDescriptor dropout() {
    checkOpen();
    return dropout;
  }

  @Override
  protected void release() {
    try (parts) {
      plans.close();
    }
  }

  /** The configuration in a few words. */
  @Override
  public String toString() {
    return config.toString();
  }
}
