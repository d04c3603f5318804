package io.github.cudnn4j.tape;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.cuda.Parts;
import io.github.cudnn4j.rnn.Rnn;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.function.Function;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/** What a set of parameters has allocated: the flat buffers, and the networks inside them. */
final class ParameterMemory implements AutoCloseable {

  /** What lies at one aligned place: a tensor, or a network's weights. */
  record Block(long offset, long elements, @Nullable Parameter tensor, @Nullable RnnLayer network) {
    List<Parameter> parameters() {
      return tensor != null ? List.of(tensor) : Objects.requireNonNull(network).parameters();
    }
  }

  private final List<Block> blocks;
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
  ParameterMemory(Device device, ElementType type, long size, List<Block> blocks) {
    this.blocks = blocks;
    boolean narrow = type.bytes() < ElementType.FLOAT32.bytes();
    try {
      weights = zeroed(device, type, size);
      gradients = zeroed(device, type, size);
      masters = narrow ? zeroed(device, ElementType.FLOAT32, size) : weights;
      for (Block block : blocks) {
        if (block.network != null) {
          DeviceBuffer space = weights.slice(block.offset, block.elements);
          DeviceBuffer gradient = gradients.slice(block.offset, block.elements);
          Rnn rnn = owned.add(Rnn.create(device, block.network.config(), space, gradient));
          block.network.place(rnn, block.offset);
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

  /** Draws all weights; see {@link Parameters#initialize}. */
  void draw(long seed, Function<Parameter, Init> inits) {
    var random = new SplittableRandom(seed);
    for (Block block : blocks) {
      RandomGenerator own =
          block.network == null ? random : new SplittableRandom(random.nextLong());
      for (Parameter parameter : block.parameters()) {
        double[] values = parameter.draw(inits.apply(parameter), own);
        if (block.network != null) {
          block.network.setForgetBias(parameter, values);
        }
        write(parameter, values);
      }
    }
  }

  /** Sets the weights of a tensor, rounded to their types. */
  void write(Parameter parameter, double[] values) {
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
