package io.github.cudnn4j.tape;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.io.SafeTensors;
import io.github.cudnn4j.io.SafeTensorsWriter;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Objects;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The layers of a model, with all of their weights in one buffer and all gradients in another, so
 * that an optimizer, a norm or a clearing is one launch.
 *
 * <pre>{@code
 * try (var p = Parameters.on(device, Precision.FP32)) {
 *   var embed = p.embedding("embed", 20_000, 64);
 *   var lstm = p.rnn("rnn", RnnConfig.lstm(64, 128).bidirectional());
 *   var head = p.linear("head", lstm.outputSize(), 2);
 *   p.initialize(42); // memory from here on; or p.load(file)
 *   ...
 *   Tensor y = head.on(tape, lstm.on(tape, embed.on(tape, tokens)).last());
 * }
 * }</pre>
 *
 * <p>Layers and tensors are declared first, see {@link LayerDeclarations}; {@link #initialize} or
 * {@link #load} then allocates everything. A program may have several sets, also on one tape.
 *
 * <p>Weights of 16 bits are too coarse to add small steps to. They have <em>masters</em> in
 * FLOAT32, a third buffer of the same layout: training moves the masters, and the weights are the
 * masters rounded. By name one reads, writes, saves and loads masters; the weights follow.
 *
 * <p>Every tensor and the weight space of every network begins at a multiple of {@value #ALIGNMENT}
 * bytes; the padding between is zero in all buffers.
 *
 * <p>Owner of the buffers and of the networks. Everything is in device memory; methods that take or
 * return Java arrays wait for the device. Values are row-major. It belongs to the device's thread.
 */
public final class Parameters implements LayerDeclarations, AutoCloseable {

  /** The alignment of every tensor and weight space, in bytes. */
  public static final int ALIGNMENT = 256;

  private record Rule(String pattern, Init init) {}

  private final Device device;
  private final Precision precision;
  final ParameterLayout layout;
  private final List<Rule> rules = new ArrayList<>();
  private @Nullable ParameterMemory memory;
  private boolean closed;

  private Parameters(Device device, Precision precision) {
    this.device = Objects.requireNonNull(device, "device");
    this.precision = Objects.requireNonNull(precision, "precision");
    layout = new ParameterLayout(precision.type());
  }

  /** Begins a set of weights and gradients of the precision's type. */
  public static Parameters on(Device device, Precision precision) {
    return new Parameters(device, precision);
  }

  /** Refuses names that cannot be declared. */
  void checkFree(String... names) {
    for (String name : names) {
      Objects.requireNonNull(name, "name");
      checkOpen();
      if (memory != null) {
        throw new IllegalStateException(
            name + " is declared too late: initialize or load has allocated the set");
      }
      layout.requireFree(name);
    }
  }

  /**
   * Lets some tensors have other first values than their layers give them; of several rules for a
   * tensor the latest holds.
   *
   * @param pattern as in {@link #names(String)}
   * @throws IllegalArgumentException if it means no tensor; thrown by {@link #initialize} if the
   *     set has no memory yet
   */
  public Parameters init(String pattern, Init init) {
    if (memory != null) {
      names(pattern);
    }
    rules.add(new Rule(pattern, Objects.requireNonNull(init, "init")));
    return this;
  }

  /**
   * Allocates what is declared, if that is not done, and draws all weights.
   *
   * <p>The tensors are drawn in the order of their declaration from one {@link
   * java.util.SplittableRandom} of this seed; those of a network from one of its own, whose seed is
   * the next number of the former.
   *
   * @throws IllegalArgumentException if a rule of {@link #init} means no tensor or cannot draw one,
   *     or a tensor declared has the name of a network's; the set has no memory then if it had none
   *     before
   * @throws io.github.cudnn4j.cuda.DeviceOutOfMemoryException if it does not fit into the device
   * @throws IllegalStateException if nothing is declared, the set or the device is closed, or the
   *     weights are read-only
   */
  public void initialize(long seed) {
    boolean first = allocate();
    try {
      var inits = new HashMap<String, Init>();
      for (Rule rule : rules) {
        names(rule.pattern).forEach(name -> inits.put(name, rule.init));
      }
      memory().draw(seed, each -> inits.getOrDefault(each.name(), each.init()));
    } catch (RuntimeException | Error e) {
      abandon(first, e);
      throw e;
    }
  }

  /** Allocates everything and tells whether that was still to do. */
  private boolean allocate() {
    checkOpen();
    if (memory != null) {
      return false;
    }
    if (layout.blocks().isEmpty()) {
      throw new IllegalStateException("no layer and no tensor is declared");
    }
    memory = new ParameterMemory(device, layout);
    return true;
  }

  /** Is again without memory if it was so before; a failure to free is suppressed. */
  private void abandon(boolean first, Throwable cause) {
    if (first) {
      ParameterMemory failed = memory();
      memory = null;
      try {
        failed.close();
      } catch (RuntimeException e) {
        cause.addSuppressed(e);
      }
    }
  }

  private void checkOpen() {
    if (closed) {
      throw new IllegalStateException("the parameters are closed");
    }
  }

  private ParameterMemory memory() {
    checkOpen();
    if (memory == null) {
      throw new IllegalStateException(
          "the parameters have no memory yet; call initialize or load first");
    }
    return memory;
  }

  /** Returns the device. */
  public Device device() {
    return device;
  }

  /** Returns how networks compute; weights and gradients are of that type. */
  public Precision precision() {
    return precision;
  }

  /** Returns the type of all weights and gradients. */
  public ElementType type() {
    return precision.type();
  }

  /**
   * Returns all weights, padding included.
   *
   * @throws IllegalStateException if the set has no memory yet or is closed; so do all methods
   *     below
   */
  public DeviceBuffer weights() {
    return memory().weights();
  }

  /** Returns all gradients, padding included, at the same places as the weights. */
  public DeviceBuffer gradients() {
    return memory().gradients();
  }

  /**
   * Returns what training moves: FLOAT32 at the same places as weights of 16 bits, else the weights
   * themselves.
   */
  public DeviceBuffer masters() {
    return memory().masters();
  }

  /** Tells whether the weights are rounded copies of their masters. */
  public boolean hasMasters() {
    return masters() != weights();
  }

  /** Returns the names of all tensors in the order of their declaration. */
  public List<String> names() {
    return List.copyOf(memory().tensors().keySet());
  }

  /**
   * Returns the names of the tensors that fit a pattern, in the order of their declaration.
   *
   * @param pattern a name, in which {@code *} stands for any characters and {@code ?} for one
   * @throws IllegalArgumentException if there is none
   */
  public List<String> names(String pattern) {
    List<String> fitting = names().stream().filter(NamePattern.of(pattern)).toList();
    if (fitting.isEmpty()) {
      throw new IllegalArgumentException("no tensor " + pattern + " among " + names());
    }
    return fitting;
  }

  /**
   * Returns one tensor.
   *
   * @param name one of {@link #names()}, or the name of a tied weight
   * @throws IllegalArgumentException if there is none of that name
   */
  public Parameter parameter(String name) {
    Parameter parameter = memory().tensors().getOrDefault(name, layout.aliases().get(name));
    if (parameter == null) {
      throw new IllegalArgumentException("no tensor " + name + " among " + names());
    }
    return parameter;
  }

  /** Returns the number of weights, without padding. */
  public long elements() {
    return layout.elements();
  }

  /**
   * Reads the weights of one tensor.
   *
   * @throws IllegalArgumentException if there is none of that name
   */
  public double[] read(String name) {
    return parameter(name).read(masters());
  }

  /**
   * Reads the gradient of one tensor.
   *
   * @throws IllegalArgumentException if there is none of that name
   */
  public double[] readGradient(String name) {
    return parameter(name).read(gradients());
  }

  /**
   * Sets the weights of one tensor, rounded to their types.
   *
   * @throws IllegalArgumentException if there is none of that name or the length differs
   * @throws IllegalStateException also if the weights are read-only
   */
  public void write(String name, double[] values) {
    Parameter parameter = parameter(name);
    if (values.length != parameter.elements()) {
      throw new IllegalArgumentException(
          name + " has " + parameter.elements() + " elements, not " + values.length);
    }
    memory().write(parameter, values);
  }

  /** Adds the weights of all tensors to a file. */
  public void save(SafeTensorsWriter file) {
    for (Parameter parameter : memory().tensors().values()) {
      ParameterFile.add(file, parameter, type(), parameter.read(masters()));
    }
  }

  /**
   * Allocates what is declared, if that is not done, and sets the weights of all tensors from a
   * file; other floating-point types are converted.
   *
   * @throws IOException if reading fails, a tensor is missing, is only in the file or has another
   *     shape there, or a weight is not finite; nothing has changed then
   * @throws IllegalStateException if nothing is declared, the set or the device is closed, or the
   *     weights are read-only
   */
  public void load(SafeTensors file) throws IOException {
    load(file, Function.identity());
  }

  /**
   * As {@link #load(SafeTensors)}, from a file with other names.
   *
   * @param rename gives the name in the set for one in the file; null for a tensor that is not
   *     wanted
   */
  public void load(SafeTensors file, Function<String, @Nullable String> rename) throws IOException {
    boolean first = allocate();
    try {
      ParameterFile read = ParameterFile.read(file, memory().known(), rename);
      if (!read.report().isComplete()) {
        throw new IOException(file + ": " + read.report().problems());
      }
      read.values().forEach(memory()::write);
    } catch (IOException | RuntimeException | Error e) {
      abandon(first, e);
      throw e;
    }
  }

  /**
   * As {@link #load(SafeTensors, Function)}, of those tensors that both have in the same shape; the
   * others keep their weights.
   *
   * @return what was loaded and what was not
   * @throws IOException if reading fails or a weight is not finite; nothing has changed then
   * @throws IllegalStateException also if the weights are read-only and some are in the file
   */
  public LoadReport loadMatching(SafeTensors file, Function<String, @Nullable String> rename)
      throws IOException {
    ParameterFile read = ParameterFile.read(file, memory().known(), rename);
    read.values().forEach(memory()::write);
    return read.report();
  }

  /**
   * Promises that the weights stay as they are, for a model that only serves; see {@link
   * DeviceBuffer#setReadOnly}. It cannot be trained, drawn or loaded again.
   *
   * @throws IllegalStateException if the set has no memory yet or is closed, or this thread
   *     captures
   */
  public void setReadOnly() {
    weights().setReadOnly();
    masters().setReadOnly();
  }

  /**
   * Refuses to go on if the weights or their masters are read-only, as everything here does that
   * would change them.
   *
   * @throws IllegalStateException if they are, or the set has no memory yet or is closed
   */
  public void requireWritable() {
    memory().requireWritable();
  }

  /** Tells where each tensor lies; equal for sets between which flat buffers can be exchanged. */
  public String layout() {
    return memory().places();
  }

  /** Frees networks and buffers. Safe to call twice. */
  @Override
  public void close() {
    if (memory != null) {
      memory.close();
    }
    closed = true;
  }
}
