package io.github.cudnn4j.tape;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.cuda.Parts;
import io.github.cudnn4j.io.SafeTensors;
import io.github.cudnn4j.io.SafeTensorsWriter;
import io.github.cudnn4j.rnn.Rnn;
import io.github.cudnn4j.rnn.RnnParameter;
import io.github.cudnn4j.rnn.RnnWeights;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.TreeSet;
import java.util.random.RandomGenerator;

/**
 * All weights of a model in one buffer and all gradients in another, so that an optimizer, a norm
 * or a clearing is one launch.
 *
 * <p>Weights of 16 bits are too coarse to add small steps to. They have <em>masters</em> in
 * FLOAT32, a third buffer of the same layout: training moves the masters, and the weights are the
 * masters rounded. By name one reads, writes, saves and loads masters; the weights follow.
 *
 * <p>A <em>tensor</em> has a shape. A <em>region</em> is an opaque part of the buffers, such as the
 * weight space of a recurrent network, whose tensors get names when the network is {@linkplain
 * #attach attached}: {@code region.weight_ih_l0} and so on. Each begins at a multiple of {@value
 * #ALIGNMENT} bytes; the padding between is zero in all buffers.
 *
 * <p>Owner of the buffers. Everything is in device memory; methods that take or return Java arrays
 * wait for the device. Values are row-major.
 */
public final class Parameters implements AutoCloseable {

  /** The alignment of every tensor and region, in bytes. */
  public static final int ALIGNMENT = 256;

  private record Part(long offset, long elements, int[] shape) {
    boolean isRegion() {
      return shape.length == 0;
    }
  }

  private final ElementType type;
  private final Map<String, Part> parts;
  private final Map<String, ParameterSlices> named = new LinkedHashMap<>();
  private final Parts buffers = new Parts();
  private final DeviceBuffer weights;
  private final DeviceBuffer gradients;
  private final DeviceBuffer masters;

  private Parameters(Builder builder) {
    type = builder.type;
    parts = new LinkedHashMap<>(builder.parts);
    boolean narrow = type.bytes() < ElementType.FLOAT32.bytes();
    try {
      weights = buffers.add(DeviceBuffer.allocate(builder.device, type, builder.size));
      gradients = buffers.add(DeviceBuffer.allocate(builder.device, type, builder.size));
      masters =
          narrow
              ? buffers.add(
                  DeviceBuffer.allocate(builder.device, ElementType.FLOAT32, builder.size))
              : weights;
      weights.clear();
      gradients.clear();
      masters.clear();
    } catch (RuntimeException | Error e) {
      throw buffers.abandon(e);
    }
    parts.forEach(
        (name, part) -> {
          if (!part.isRegion()) {
            var piece = new ParameterSlices.Piece(part.offset, part.elements);
            named.put(name, new ParameterSlices(part.shape, List.of(piece)));
          }
        });
  }

  /**
   * Begins a set.
   *
   * @param type of weights and gradients, a floating-point one
   * @throws IllegalArgumentException if it is another type
   */
  public static Builder builder(Device device, ElementType type) {
    Objects.requireNonNull(device, "device");
    Objects.requireNonNull(type, "type");
    switch (type) {
      case FLOAT32, FLOAT64, FLOAT16, BFLOAT16 -> {
        return new Builder(device, type);
      }
      default ->
          throw new IllegalArgumentException(
              "parameters of " + type + ", must be of a floating-point type");
    }
  }

  /** Collects names and shapes; nothing is allocated before {@link #build}. */
  public static final class Builder {
    private final Device device;
    private final ElementType type;
    private final Map<String, Part> parts = new LinkedHashMap<>();
    private long size;

    private Builder(Device device, ElementType type) {
      this.device = device;
      this.type = type;
    }

    /**
     * Adds a tensor.
     *
     * @throws IllegalArgumentException if the name is taken or an extent is not positive
     */
    public Builder add(String name, int... shape) {
      long elements = shape.length == 0 ? 0 : 1;
      for (int extent : shape) {
        elements = times(elements, Math.max(0, extent));
      }
      return add(name, new Part(size, elements, shape.clone()));
    }

    /**
     * Adds an opaque region.
     *
     * @throws IllegalArgumentException if the name is taken or {@code elements} is not positive
     */
    public Builder addRegion(String name, long elements) {
      return add(name, new Part(size, elements, new int[0]));
    }

    /** Allocates the weights and the gradients, all zero. */
    public Parameters build() {
      return new Parameters(this);
    }

    private Builder add(String name, Part part) {
      Objects.requireNonNull(name, "name");
      if (part.elements <= 0) {
        throw new IllegalArgumentException(
            name + " has no elements, shape " + Arrays.toString(part.shape));
      }
      long step = ALIGNMENT / type.bytes();
      long most = Long.MAX_VALUE / Double.BYTES - step - size;
      if (part.elements > most) {
        throw new IllegalArgumentException(
            name + " has " + part.elements + " elements, must have at most " + most);
      }
      if (parts.putIfAbsent(name, part) != null) {
        throw new IllegalArgumentException("the name " + name + " is taken");
      }
      size += Math.ceilDiv(part.elements, step) * step;
      return this;
    }

    private static long times(long elements, long extent) {
      return extent == 0 || elements <= Long.MAX_VALUE / extent
          ? elements * extent
          : Long.MAX_VALUE;
    }
  }

  /** Returns the type of all weights and gradients. */
  public ElementType type() {
    return type;
  }

  /** Returns all weights, padding included. */
  public DeviceBuffer weights() {
    return weights;
  }

  /** Returns all gradients, padding included, at the same places as the weights. */
  public DeviceBuffer gradients() {
    return gradients;
  }

  /**
   * Returns what training moves: FLOAT32 at the same places as weights of 16 bits, else the weights
   * themselves.
   */
  public DeviceBuffer masters() {
    return masters;
  }

  /** Returns whether the weights are rounded copies of their masters. */
  public boolean hasMasters() {
    return masters != weights;
  }

  /**
   * Returns the weights of one region or tensor, borrowed from {@link #weights()}.
   *
   * @throws IllegalArgumentException if there is none of that name
   */
  public DeviceBuffer weights(String name) {
    Part part = part(name);
    return weights.slice(part.offset, part.elements);
  }

  /**
   * Returns the gradients of one region or tensor, borrowed from {@link #gradients()}.
   *
   * @throws IllegalArgumentException if there is none of that name
   */
  public DeviceBuffer gradients(String name) {
    Part part = part(name);
    return gradients.slice(part.offset, part.elements);
  }

  /**
   * Returns one tensor, whose buffers are borrowed from this set.
   *
   * @throws IllegalArgumentException if there is none of that name, or it is a region
   */
  public Tensor tensor(String name) {
    Part part = part(name);
    if (part.isRegion()) {
      throw new IllegalArgumentException(name + " is a region, not a tensor");
    }
    return new Tensor(weights(name), gradients(name), part.shape);
  }

  /**
   * Names the tensors of a region by the network that uses it.
   *
   * @throws IllegalArgumentException if the network's weights are not in that region
   */
  public void attach(String region, Rnn rnn) {
    Part part = part(region);
    RnnWeights inside = rnn.weights();
    long offset = inside.space().address() - weights.address();
    if (!part.isRegion() || offset != part.offset * type.bytes()) {
      throw new IllegalArgumentException("the network's weights are not in the region " + region);
    }
    for (RnnParameter parameter : inside.parameters()) {
      var pieces = new ArrayList<ParameterSlices.Piece>();
      for (DeviceBuffer slice : parameter.slices()) {
        long place = (slice.address() - weights.address()) / type.bytes();
        pieces.add(new ParameterSlices.Piece(place, slice.elements()));
      }
      named.put(region + "." + parameter.name(), new ParameterSlices(parameter.shape(), pieces));
    }
  }

  /** Returns the names of all tensors, those of attached regions included. */
  public List<String> names() {
    return List.copyOf(named.keySet());
  }

  /**
   * Returns the extents of one tensor.
   *
   * @throws IllegalArgumentException if there is none of that name
   */
  public int[] shape(String name) {
    return named(name).shape().clone();
  }

  /** Returns the number of weights, without padding. */
  public long elements() {
    return parts.values().stream().mapToLong(Part::elements).sum();
  }

  /**
   * Reads the weights of one tensor.
   *
   * @throws IllegalArgumentException if there is none of that name
   */
  public double[] read(String name) {
    return named(name).read(masters);
  }

  /**
   * Reads the gradient of one tensor.
   *
   * @throws IllegalArgumentException if there is none of that name
   */
  public double[] readGradient(String name) {
    return named(name).read(gradients);
  }

  /**
   * Sets the weights of one tensor, rounded to their types.
   *
   * @throws IllegalArgumentException if there is none of that name or the length differs
   */
  public void write(String name, double[] values) {
    ParameterSlices tensor = named(name);
    if (values.length != tensor.count()) {
      throw new IllegalArgumentException(
          name + " has " + tensor.count() + " elements, not " + values.length);
    }
    tensor.write(masters, values);
    if (hasMasters()) {
      tensor.write(weights, values);
    }
  }

  /** Sets the weights of one tensor to numbers drawn evenly between −bound and bound. */
  public void uniform(String name, double bound, RandomGenerator random) {
    var values = new double[named(name).count()];
    Arrays.setAll(values, i -> bound * (2 * random.nextDouble() - 1));
    write(name, values);
  }

  /** Sets the weights of one tensor to normally distributed numbers around zero. */
  public void normal(String name, double deviation, RandomGenerator random) {
    var values = new double[named(name).count()];
    Arrays.setAll(values, i -> deviation * random.nextGaussian());
    write(name, values);
  }

  /** Adds the weights of all tensors to a file. */
  public void save(SafeTensorsWriter file) {
    named.forEach(
        (name, tensor) -> {
          double[] values = tensor.read(masters);
          long[] shape = Arrays.stream(tensor.shape()).asLongStream().toArray();
          if (type == ElementType.FLOAT64) {
            file.add(name, shape, values);
          } else {
            file.add(name, shape, ParameterSlices.toFloats(values));
          }
        });
  }

  /**
   * Sets the weights of all tensors from a file; other floating-point types are converted.
   *
   * @throws IOException if reading fails, names or shapes differ, or a weight is not finite; no
   *     weight has changed then
   */
  public void load(SafeTensors file) throws IOException {
    if (!file.names().equals(named.keySet())) {
      throw new IOException(
          "the file holds "
              + new TreeSet<>(file.names())
              + ", the model has "
              + new TreeSet<>(named.keySet()));
    }
    var values = new LinkedHashMap<String, double[]>();
    for (String name : names()) {
      long[] shape = Arrays.stream(shape(name)).asLongStream().toArray();
      if (!Arrays.equals(shape, file.shape(name))) {
        throw new IOException(
            String.format(
                Locale.ROOT,
                "%s is %s in the file and %s in the model",
                name,
                Arrays.toString(file.shape(name)),
                Arrays.toString(shape)));
      }
      values.put(name, requireFinite(name, file.doubles(name)));
    }
    values.forEach(this::write);
  }

  /** A model with such a weight predicts nothing. */
  private static double[] requireFinite(String name, double[] values) throws IOException {
    for (int i = 0; i < values.length; i++) {
      if (!Double.isFinite(values[i])) {
        throw new IOException("element " + i + " of " + name + " is " + values[i] + ": no weight");
      }
    }
    return values;
  }

  /** Tells where each tensor lies; equal for sets between which flat buffers can be exchanged. */
  public String layout() {
    var layout = new StringBuilder();
    named.forEach(
        (name, tensor) -> {
          layout.append(name);
          for (ParameterSlices.Piece piece : tensor.pieces()) {
            layout.append(' ').append(piece.offset()).append('+').append(piece.elements());
          }
          layout.append('\n');
        });
    return layout.toString();
  }

  @Override
  public void close() {
    buffers.close();
  }

  private Part part(String name) {
    Part part = parts.get(name);
    if (part == null) {
      throw new IllegalArgumentException("no " + name + " among " + parts.keySet());
    }
    return part;
  }

  /**
   * Returns where the weights of one tensor lie, in the order of its values: one slice borrowed
   * from {@link #weights()}, or several of a network's.
   *
   * @throws IllegalArgumentException if there is none of that name
   */
  public List<DeviceBuffer> slices(String name) {
    return named(name).pieces().stream().map(piece -> piece.in(weights)).toList();
  }

  private ParameterSlices named(String name) {
    ParameterSlices tensor = named.get(name);
    if (tensor == null) {
      throw new IllegalArgumentException("no tensor " + name + " among " + named.keySet());
    }
    return tensor;
  }
}
