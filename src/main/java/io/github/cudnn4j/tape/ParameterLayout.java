package io.github.cudnn4j.tape;

import io.github.cudnn4j.cuda.ElementType;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** What a set of parameters has declared, and where in its flat buffers that is to lie. */
final class ParameterLayout {

  /** What lies at one aligned place: a tensor, or a network's weights. */
  record Block(long offset, long elements, @Nullable Parameter tensor, @Nullable RnnLayer network) {
    List<Parameter> parameters() {
      return tensor != null ? List.of(tensor) : Objects.requireNonNull(network).parameters();
    }
  }

  private final ElementType type;
  private final List<Block> blocks = new ArrayList<>();
  private final Set<String> taken = new HashSet<>();

  /** Other names of tensors, those of tied weights. */
  private final Map<String, Parameter> aliases = new LinkedHashMap<>();

  private long size;

  ParameterLayout(ElementType type) {
    this.type = type;
  }

  ElementType type() {
    return type;
  }

  /** Returns what is declared, in that order. */
  List<Block> blocks() {
    return blocks;
  }

  Map<String, Parameter> aliases() {
    return aliases;
  }

  /** Returns the number of elements of a buffer for all, padding included. */
  long size() {
    return size;
  }

  /** Returns the number of elements without padding. */
  long elements() {
    return blocks.stream().mapToLong(Block::elements).sum();
  }

  boolean has(Parameter tensor) {
    return blocks.stream().anyMatch(block -> block.tensor == tensor);
  }

  void requireFree(String name) {
    if (taken.contains(name)) {
      throw new IllegalArgumentException("the name " + name + " is taken");
    }
  }

  /** Takes the name of a layer. */
  void take(String name) {
    taken.add(name);
  }

  /** Gives a tensor another name. */
  void alias(String name, Parameter tensor) {
    taken.add(name);
    aliases.put(name, tensor);
  }

  Parameter add(Parameters set, String name, Init init, int... shape) {
    long elements = shape.length == 0 ? 0 : 1;
    for (int extent : shape) {
      elements = times(elements, Math.max(0, extent));
    }
    if (elements == 0) {
      throw new IllegalArgumentException(
          name + " has no elements, shape " + Arrays.toString(shape));
    }
    var pieces = List.of(new Parameter.Piece(size, elements));
    var parameter = new Parameter(set, name, shape, init, pieces);
    add(name, new Block(size, elements, parameter, null));
    return parameter;
  }

  void add(String name, RnnLayer network, long elements) {
    add(name, new Block(size, elements, null, network));
  }

  /** Puts something behind all that is declared. */
  private void add(String name, Block block) {
    long step = Parameters.ALIGNMENT / type.bytes();
    long most = Long.MAX_VALUE / Double.BYTES - step - size;
    if (block.elements > most) {
      throw new IllegalArgumentException(
          name + " has " + block.elements + " elements, must have at most " + most);
    }
    size += Math.ceilDiv(block.elements, step) * step;
    taken.add(name);
    blocks.add(block);
  }

  private static long times(long elements, long extent) {
    return extent == 0 || elements <= Long.MAX_VALUE / extent ? elements * extent : Long.MAX_VALUE;
  }
}
