package io.github.cudnn4j.tape;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.cuda.Parts;
import io.github.cudnn4j.rnn.Rnn;
import io.github.cudnn4j.tape.ParameterLayout.Block;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.Function;
import java.util.random.RandomGenerator;

/** What a set of parameters has allocated: the flat buffers, and the networks inside them. */
final class ParameterMemory implements AutoCloseable {

  private final ParameterLayout layout;
  private final Map<String, Parameter> tensors = new LinkedHashMap<>();
  private final Parts owned = new Parts();
  private final DeviceBuffer weights;
  private final DeviceBuffer gradients;
  private final DeviceBuffer masters;

  /**
   * Allocates everything, all zero.
   *
   * @throws IllegalArgumentException if two tensors have the same name
   */
  ParameterMemory(Device device, ParameterLayout layout) {
    this.layout = layout;
    ElementType type = layout.type();
    long size = layout.size();
    boolean narrow = type.bytes() < ElementType.FLOAT32.bytes();
    try {
      weights = zeroed(device, type, size);
      gradients = zeroed(device, type, size);
      masters = narrow ? zeroed(device, ElementType.FLOAT32, size) : weights;
      for (Block block : layout.blocks()) {
        RnnLayer network = block.network();
        if (network != null) {
          DeviceBuffer space = weights.slice(block.offset(), block.elements());
          DeviceBuffer gradient = gradients.slice(block.offset(), block.elements());
          Rnn rnn = owned.add(Rnn.create(device, network.config(), space, gradient));
          network.place(rnn, block.offset());
        }
        for (Parameter parameter : block.parameters()) {
          if (tensors.putIfAbsent(parameter.name(), parameter) != null) {
            throw new IllegalArgumentException("the name " + parameter.name() + " is taken");
          }
        }
      }
    } catch (RuntimeException | Error e) {
      throw owned.abandon(e);
    }
  }

  private DeviceBuffer zeroed(Device device, ElementType type, long size) {
    DeviceBuffer buffer = owned.add(DeviceBuffer.allocate(device, type, size));
    buffer.clear();
    return buffer;
  }

  DeviceBuffer weights() {
    return weights;
  }

  DeviceBuffer gradients() {
    return gradients;
  }

  DeviceBuffer masters() {
    return masters;
  }

  /** Returns all tensors by name, in the order of their declaration. */
  Map<String, Parameter> tensors() {
    return tensors;
  }

  /** Returns the tensors by all names that they have. */
  Map<String, Parameter> known() {
    var known = new LinkedHashMap<>(tensors);
    known.putAll(layout.aliases());
    return known;
  }

  /** Tells where each tensor lies; see {@link Parameters#layout}. */
  String places() {
    var places = new StringBuilder();
    for (Parameter parameter : tensors.values()) {
      places.append(parameter.name());
      for (Parameter.Piece piece : parameter.pieces()) {
        places.append(' ').append(piece.offset()).append('+').append(piece.elements());
      }
      places.append('\n');
    }
    return places.toString();
  }

  /** Draws all weights; see {@link Parameters#initialize}. */
  void draw(long seed, Function<Parameter, Init> inits) {
    var random = new SplittableRandom(seed);
    for (Block block : layout.blocks()) {
      RnnLayer network = block.network();
      RandomGenerator own = network == null ? random : new SplittableRandom(random.nextLong());
      for (Parameter parameter : block.parameters()) {
        double[] values = parameter.draw(inits.apply(parameter), own);
        if (network != null) {
          network.setForgetBias(parameter, values);
        }
        write(parameter, values);
      }
    }
  }

  /** See {@link Parameters#requireWritable}. */
  void requireWritable() {
    if (weights.isReadOnly() || masters.isReadOnly()) {
      throw new IllegalStateException("the parameters are read-only");
    }
  }

  /** Sets the weights of a tensor, rounded to their types; refused if they are read-only. */
  void write(Parameter parameter, double[] values) {
    requireWritable();
    parameter.write(masters, values);
    if (masters != weights) {
      parameter.write(weights, values);
    }
  }

  @Override
  public void close() {
    owned.close();
  }
}
