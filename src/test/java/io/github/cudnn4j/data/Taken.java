package io.github.cudnn4j.data;

import static java.lang.foreign.ValueLayout.JAVA_DOUBLE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.io.HalfFloat;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A batch that was taken from an epoch.
 *
 * @param slots the elements of each slot, then, behind its name and a dot, its lengths
 */
record Taken(int shape, long steps, Map<String, List<? extends Number>> slots) {

  static HostBatch memory(BatchLayout layout, ElementType type) {
    var offsets = new BatchOffsets(layout, type);
    var memory = Arena.ofAuto().allocate(offsets.bytes(), Long.BYTES);
    for (long i = 0; i < memory.byteSize(); i += Integer.BYTES) {
      memory.set(JAVA_INT, i, 0xDEAD);
    }
    return new HostBatch(offsets, memory);
  }

  static List<Taken> all(BatchSource source, long seed) throws IOException {
    try (var epoch = source.epoch(new SavableRandom(seed))) {
      return rest(epoch, source.layout());
    }
  }

  static List<Taken> rest(Epoch epoch, BatchLayout layout) throws IOException {
    return rest(epoch, memory(layout, ElementType.FLOAT32), ElementType.FLOAT32);
  }

  static List<Taken> rest(Epoch epoch, HostBatch target, ElementType type) throws IOException {
    var all = new ArrayList<Taken>();
    for (int shape = epoch.next(target); shape >= 0; shape = epoch.next(target)) {
      all.add(of(shape, target, type));
    }
    return all;
  }

  private static Taken of(int shape, HostBatch target, ElementType type) {
    var slots = new LinkedHashMap<String, List<? extends Number>>();
    var described = target.layout().slots();
    for (int slot = 0; slot < described.size(); slot++) {
      MemorySegment elements = target.segment(slot);
      String name = described.get(slot).name();
      slots.put(name, described.get(slot).isOfInts() ? ints(elements) : floats(elements, type));
      if (described.get(slot).hasLengths()) {
        var lengths = new int[target.layout().batch()];
        target.lengths(slot, lengths);
        slots.put(name + ".", Arrays.stream(lengths).boxed().toList());
      }
    }
    return new Taken(shape, target.steps(), slots);
  }

  private static List<Integer> ints(MemorySegment elements) {
    return elements.elements(JAVA_INT).map(e -> e.get(JAVA_INT, 0)).toList();
  }

  private static List<? extends Number> floats(MemorySegment elements, ElementType type) {
    return switch (type) {
      case FLOAT64 -> elements.elements(JAVA_DOUBLE).map(e -> e.get(JAVA_DOUBLE, 0)).toList();
      case FLOAT16 -> halves(elements, HalfFloat.FLOAT16);
      case BFLOAT16 -> halves(elements, HalfFloat.BFLOAT16);
      default -> elements.elements(JAVA_FLOAT).map(e -> e.get(JAVA_FLOAT, 0)).toList();
    };
  }

  private static List<Float> halves(MemorySegment elements, HalfFloat type) {
    return elements.elements(JAVA_SHORT).map(e -> type.toFloat(e.get(JAVA_SHORT, 0))).toList();
  }
}
