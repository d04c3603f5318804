package io.github.cudnn4j.tape;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.cuda.Kernel;
import io.github.cudnn4j.cuda.Parts;
import io.github.cudnn4j.cuda.Precision;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A list of operations for one shape, with every activation and gradient allocated beforehand.
 *
 * <p>Operations are recorded by the methods of {@link TensorOperations}, {@link LayerOperations}
 * and {@link LossOperations}, by layers of {@link Parameters}, and, those of one's own, by {@link
 * #record}. Each allocates what it needs and returns its output, owned by the tape. {@link
 * #forward} then plays the operations, {@link #backward} plays their derivatives in reverse;
 * neither allocates nor waits, and both may run inside {@link
 * io.github.cudnn4j.cuda.Stream#capture}, once each has run outside of it, if the tape {@link
 * #isCapturable}.
 *
 * <p>A tensor may be the input of any number of operations: the last of them to be played, in
 * reverse, writes its gradient, and what the others give it is added. Gradients of parameters are
 * added to, so clear them before a step. The gradient of a tensor that no operation takes is zero,
 * unless the caller writes it between {@link #forward} and {@link #backward}.
 *
 * <p>All losses are differentiated, multiplied by the {@link #lossScale} and by what {@link
 * Loss#times} says. One that the tape does not have is the mean, {@link #loss(Tensor)}, of what
 * operations give for each row.
 *
 * <p>A classifier of sequences of any lengths, and its training:
 *
 * <pre>{@code
 * try (Parameters p = Parameters.on(device, Precision.FP32)) {
 *   EmbeddingLayer embed = p.embedding("embed", vocabulary, 64);
 *   RnnLayer lstm = p.rnn("rnn", RnnConfig.lstm(64, 128));
 *   LinearLayer head = p.linear("head", 128, classes);
 *   p.initialize(42);
 *   try (Updater updater =
 *           Updater.create(p, Optimizer.adam(1e-3), Clip.byNorm(1), LossScale.NONE);
 *       Tape tape = Tape.training(device, Precision.FP32)) {
 *     Indices words = tape.indices(time, batch); // to be filled: words.buffer().copyFrom(...)
 *     Lengths lengths = tape.lengths(batch); // likewise: lengths.set(...)
 *     Indices labels = tape.indices(batch);
 *     Tensor h = lstm.on(tape, embed.on(tape, words), lengths).last();
 *     Loss loss = tape.crossEntropy(head.on(tape, h), labels);
 *     for (int step = 0; step < steps; step++) {
 *       p.gradients().clear();
 *       tape.forward();
 *       tape.backward();
 *       updater.run(loss.value());
 *     }
 *   }
 * }
 * }</pre>
 *
 * <p>All tensors are of the element type of the tape's precision, in the memory of its device;
 * losses are FLOAT32 where that has 16 bits. A tape belongs to the device's thread and works on the
 * device's stream.
 */
public final class Tape
    implements TensorOperations, LayerOperations, LossOperations, AutoCloseable {

  private final Device device;
  private final Precision precision;
  private final boolean training;
  private @Nullable DeviceBuffer lossScale;
  private final List<Operation> operations = new ArrayList<>();
  private final Generators generators = new Generators();
  private final CarriedStates carriedStates = new CarriedStates();
  private final Uses uses = new Uses(this);
  private final Parts parts = new Parts();
  private boolean making;
  private boolean played;
  private boolean closed;

  private Tape(
      Device device, Precision precision, boolean training, @Nullable DeviceBuffer lossScale) {
    this.device = Objects.requireNonNull(device, "device");
    this.precision = Objects.requireNonNull(precision, "precision");
    this.training = training;
    this.lossScale = lossScale;
  }

  /** Makes a tape that can be played backwards. */
  public static Tape training(Device device, Precision precision) {
    return new Tape(device, precision, true, null);
  }

  /**
   * Makes a tape that can be played backwards, with gradients that are multiplied by a number, all
   * the way to the parameters'.
   *
   * @param lossScale one FLOAT64, read at each {@link #forward}; losses are not multiplied
   * @throws IllegalArgumentException if the scale has another type or number of elements
   */
  public static Tape training(Device device, Precision precision, DeviceBuffer lossScale) {
    if (lossScale.type() != ElementType.FLOAT64 || lossScale.elements() != 1) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "the loss scale has %d elements of %s, must have 1 of FLOAT64",
              lossScale.elements(),
              lossScale.type()));
    }
    return new Tape(device, precision, true, lossScale);
  }

  /** Makes a tape without gradients, on which dropout does nothing. */
  public static Tape inference(Device device, Precision precision) {
    return new Tape(device, precision, false, null);
  }

  /** Tells whether the tape can be played backwards. */
  public boolean isTraining() {
    return training;
  }

  /** Returns the device whose memory and stream the tape uses. */
  public Device device() {
    return device;
  }

  /** Returns how the operations compute. */
  public Precision precision() {
    return precision;
  }

  /** Returns the element type of all tensors. */
  public ElementType type() {
    return precision.type();
  }

  /** Returns the element type of losses. */
  ElementType lossType() {
    return type() == ElementType.FLOAT64 ? ElementType.FLOAT64 : ElementType.FLOAT32;
  }

  /** Returns the number that gradients are multiplied by, one FLOAT64. */
  public DeviceBuffer lossScale() {
    if (lossScale == null) {
      lossScale = buffer(ElementType.FLOAT64, 1);
      lossScale.copyFrom(new double[] {1});
    }
    return lossScale;
  }

  /** Allocates indices to be filled by the caller, unchecked, zero at first. */
  public Indices indices(int... shape) {
    return indices(zeroed(ElementType.INT32, Tensor.elements(shape)), shape);
  }

  /**
   * Describes indices that the caller keeps. Nobody checks the numbers, whenever they are written:
   * see {@link Indices} for what comes of those that an operation cannot take.
   *
   * @param buffer INT32, borrowed
   * @param shape the extents, outermost first, at least one
   * @throws IllegalArgumentException if an extent is not positive, or the buffer has another
   *     element type or number of elements
   */
  public Indices indices(DeviceBuffer buffer, int... shape) {
    return new Indices(this, buffer, shape);
  }

  /** Allocates the lengths of {@code batch} sequences, to be set by the caller, 0 at first. */
  public Lengths lengths(int batch) {
    return new Lengths(this, batch);
  }

  /**
   * Describes lengths that the caller keeps, the same numbers in both places whenever the tape is
   * played.
   *
   * @param onDevice {@code [B]} INT32, borrowed
   * @param onHost B numbers, borrowed too: not copied
   * @throws IllegalArgumentException if the buffer has another type or number of elements
   */
  public Lengths lengths(DeviceBuffer onDevice, int[] onHost) {
    return new Lengths(this, onDevice, onHost);
  }

  /** Allocates a tensor without gradient to be filled by the caller, zero at first. */
  public Tensor input(int... shape) {
    return input(zeroed(type(), Tensor.elements(shape)), shape);
  }

  /**
   * Describes a tensor without gradient that the caller keeps.
   *
   * @param value of the tape's element type, borrowed
   * @throws IllegalArgumentException if an extent is not positive, or the shape has another number
   *     of elements
   */
  public Tensor input(DeviceBuffer value, int... shape) {
    return new Tensor(this, value, null, shape);
  }

  /** Allocates a tensor without gradient that holds one number everywhere. */
  public Tensor constant(double value, int... shape) {
    Tensor tensor = input(shape);
    var numbers = new double[Math.toIntExact(tensor.elements())];
    Arrays.fill(numbers, value);
    write(tensor.value(), numbers);
    return tensor;
  }

  /** Enqueues making the final states of the {@link #carried} networks their initial ones. */
  public void carry() {
    checkOpen();
    carriedStates.carry();
  }

  /** Enqueues setting the states of the {@link #carried} networks to zero. */
  public void resetStates() {
    checkOpen();
    carriedStates.reset();
  }

  /**
   * Returns the initial states of the {@link #carried} networks in the order of recording, of each
   * {@code [L·D, B, P]} (h), then {@code [L·D, B, H]} (c) if it is an LSTM. The tape owns them.
   */
  public List<DeviceBuffer> carriedStates() {
    return carriedStates.initial();
  }

  /** Returns the length of a row of each of {@link #carriedStates}. */
  public List<Integer> carriedWidths() {
    return carriedStates.widths();
  }

  /**
   * Records an operation with one output.
   *
   * @param shape of the output
   * @param inputs the tensors whose gradients the operation computes
   * @return the output, owned by the tape
   * @throws IllegalArgumentException if an extent is not positive, or an input is of another
   *     element type or another tape
   * @throws IllegalStateException if the tape is closed, or this is called by a maker
   */
  public Tensor record(int[] shape, Operation.Maker maker, Tensor... inputs) {
    return record(maker, output(anyGradient(inputs), shape), inputs);
  }

  /**
   * As {@link #record(int[], Operation.Maker, Tensor...)}, with losses as output, for {@link
   * #loss(Tensor)}: they and their gradients are FLOAT64 on a tape of FP64, else FLOAT32, because
   * what is to be averaged should not be rounded to 16 bits.
   */
  public Tensor recordLosses(int[] shape, Operation.Maker maker, Tensor... inputs) {
    return record(maker, output(lossType(), anyGradient(inputs), shape), inputs);
  }

  private static boolean anyGradient(Tensor... inputs) {
    return Arrays.stream(inputs).anyMatch(x -> x.gradient() != null);
  }

  /** Records an operation that computes {@code output}. */
  Tensor record(Operation.Maker maker, Tensor output, Tensor... inputs) {
    return record(maker, output, List.of(inputs), List.of());
  }

  /** As {@link #record}, with inputs to whose gradients the operation adds, behind the others. */
  Tensor record(Operation.Maker maker, Tensor output, List<Tensor> inputs, List<Tensor> weights) {
    for (Tensor input : inputs) {
      checkTensor("input", input, input.rank());
    }
    play(in -> maker.make(in, output), inputs, weights);
    return output;
  }

  /** Adds an operation without gradients. */
  <O extends Operation> O play(O operation) {
    return play(_ -> operation, List.of());
  }

  /** Adds an operation that has no tensor as output. */
  <O extends Operation> O play(Function<List<Tensor>, O> maker, List<Tensor> inputs) {
    return play(maker, inputs, List.of());
  }

  /** Adds an operation, made for its inputs with the gradients that it is to write. */
  <O extends Operation> O play(
      Function<List<Tensor>, O> maker, List<Tensor> inputs, List<Tensor> weights) {
    if (making) {
      throw new IllegalStateException("an operation is being made, record others before it");
    }
    inputs.forEach(input -> requireOwn(input, input.tape()));
    weights.forEach(weight -> requireOwn(weight, weight.tape()));
    int place = operations.size();
    making = true;
    O operation;
    try {
      operation = Objects.requireNonNull(maker.apply(uses.of(place, inputs, weights)), "operation");
    } finally {
      making = false;
    }
    operations.add(operation);
    uses.commit();
    played = false;
    return operation;
  }

  /**
   * Enqueues all operations in their order.
   *
   * @throws IllegalStateException if the tape is closed
   */
  public void forward() {
    checkOpen();
    played = false;
    generators.beforeForward();
    for (int i = 0; i < operations.size(); i++) {
      operations.get(i).forward();
    }
    generators.afterForward();
    played = true;
  }

  /**
   * Enqueues the derivatives of all operations in reverse order.
   *
   * @throws IllegalStateException if the tape is closed or not for training, or no {@link #forward}
   *     has run since the last call and the last operation was recorded
   */
  public void backward() {
    checkOpen();
    if (!training || !played) {
      throw new IllegalStateException(
          training ? "backward without a forward before it" : "backward on a tape for inference");
    }
    played = false;
    for (int i = operations.size() - 1; i >= 0; i--) {
      uses.beforeBackward(i);
      operations.get(i).backward();
      uses.afterBackward(i);
    }
  }

  /**
   * Whether a captured graph of {@link #forward} and {@link #backward} can be replayed for other
   * inputs. Not if a network takes {@link Lengths}, which cuDNN is given when its work is enqueued.
   */
  public boolean isCapturable() {
    return operations.stream().allMatch(Operation::isCapturable);
  }

  /**
   * Lets a tape that is recorded and has not been played drop others than the tapes of other shards
   * of the same batch do, whose operations have the same seeds.
   *
   * @param number of the shard; the first one, 0, keeps the seeds
   */
  public void ofShard(int number) {
    generators.ofShard(number);
  }

  /** Reads the states of all dropout generators in use; waits for the device. */
  public List<byte[]> generatorStates() {
    return generators.states();
  }

  /**
   * Restores what {@link #generatorStates} returned on a tape with the same operations.
   *
   * @throws IllegalArgumentException if the number or the sizes of the states do not fit
   */
  public void restoreGeneratorStates(List<byte[]> states) {
    generators.restore(states);
  }

  @Override
  public void close() {
    parts.close();
    closed = true;
  }

  /** Returns a kernel. */
  Kernel kernel(String file, String name) {
    return device.kernels().get(file, name);
  }

  /** Returns the variant of a kernel for elements of a type. */
  Kernel kernel(String file, String name, ElementType type) {
    return device.kernels().get(file, name, type);
  }

  /** Takes over what an operation needs, to be closed with the tape. */
  public <T extends AutoCloseable> T own(T resource) {
    return parts.add(resource);
  }

  DeviceBuffer buffer(ElementType elementType, long elements) {
    checkOpen();
    return own(DeviceBuffer.allocate(device, elementType, elements));
  }

  DeviceBuffer zeroed(ElementType elementType, long elements) {
    DeviceBuffer buffer = buffer(elementType, elements);
    buffer.clear();
    return buffer;
  }

  /** Allocates constants of the type of losses. */
  DeviceBuffer lossNumbers(double... numbers) {
    DeviceBuffer buffer = buffer(lossType(), numbers.length);
    write(buffer, numbers);
    return buffer;
  }

  private static void write(DeviceBuffer buffer, double[] numbers) {
    if (buffer.type() == ElementType.FLOAT64) {
      buffer.copyFrom(numbers);
    } else {
      var floats = new float[numbers.length];
      for (int i = 0; i < floats.length; i++) {
        floats[i] = (float) numbers[i];
      }
      buffer.copyFrom(floats);
    }
  }

  /** Allocates a result; its gradient stays zero until somebody writes it. */
  Tensor output(boolean differentiable, int... shape) {
    return output(type(), differentiable, shape);
  }

  private Tensor output(ElementType elementType, boolean differentiable, int... shape) {
    long elements = Tensor.elements(shape);
    DeviceBuffer gradient = training && differentiable ? zeroed(elementType, elements) : null;
    Tensor output = new Tensor(this, buffer(elementType, elements), gradient, shape);
    return produced(output);
  }

  /** Takes a tensor for one of the tape's own: its gradient is overwritten, not added to. */
  Tensor produced(Tensor tensor) {
    uses.produced(tensor);
    return tensor;
  }

  void checkTensor(String name, Tensor tensor, int rank) {
    checkOpen();
    if (tensor.type() != type() || tensor.rank() != rank) {
      throw new IllegalArgumentException(
          name + " is " + tensor + ", needed are " + rank + " extents of " + type());
    }
    requireOwn(tensor, tensor.tape());
  }

  /** Refuses indices of another tape. */
  void check(Indices indices) {
    requireOwn(indices, indices.tape());
  }

  /** Refuses lengths of another tape. */
  void check(Lengths lengths) {
    requireOwn("lengths", lengths.tape());
  }

  private void requireOwn(Object what, @Nullable Tape owner) {
    if (owner != null && owner != this) {
      throw new IllegalArgumentException(what + " of another tape");
    }
  }

  /** Returns the dropout generators in use. */
  Generators generators() {
    return generators;
  }

  /** Returns the states that {@link #carry} carries. */
  CarriedStates carriedNetworks() {
    return carriedStates;
  }

  private void checkOpen() {
    if (closed) {
      throw new IllegalStateException("the tape is closed");
    }
  }
}
