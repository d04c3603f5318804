package io.github.cudnn4j.cuda;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;

/**
 * A program that writes, reads, copies and clears buffers of every type and of every size from 1 to
 * 200 bytes, in a random order, and prints what was not as expected.
 */
final class SmallCopies {
  private static final int MOST_BYTES = 200;
  private static final int WARM_UP = 4_000;
  private static final int ROUNDS = Integer.getInteger("cudnn4j.proof.copies", 100);

  private final Device device;
  private final Random random = new Random(1);
  private final List<String> wrong = new ArrayList<>();

  private SmallCopies(Device device) {
    this.device = device;
  }

  public static void main(String[] arguments) {
    try (var device = Device.open()) {
      var copies = new SmallCopies(device);
      copies.tryFewSizes();
      copies.tryAllSizes();
      System.out.println(copies.wrong.size() + " wrong");
      copies.wrong.stream().limit(5).forEach(System.out::println);
    }
  }

  /** What the compiler makes of a copy depends on the types and sizes that it has seen before. */
  private void tryFewSizes() {
    var buffers = new ArrayList<DeviceBuffer>();
    for (var floats : new int[] {12, 12, 12, 144, 144, 6}) {
      buffers.add(DeviceBuffer.allocate(device, ElementType.FLOAT32, floats));
    }
    buffers.add(DeviceBuffer.allocate(device, ElementType.UINT8, 16));
    var values = buffers.stream().map(this::write).toList();
    for (var i = 0; i < WARM_UP; i++) {
      for (var at = 0; at < buffers.size(); at++) {
        expect(buffers.get(at), values.get(at));
      }
    }
  }

  private void tryAllSizes() {
    var buffers = new ArrayList<DeviceBuffer>();
    for (var type : ElementType.values()) {
      for (var elements = 1; elements * type.bytes() <= MOST_BYTES; elements++) {
        buffers.add(DeviceBuffer.allocate(device, type, 2L * elements));
      }
    }
    for (var round = 0; round < ROUNDS; round++) {
      Collections.shuffle(buffers, random);
      for (var buffer : buffers) {
        var half = buffer.elements() / 2;
        var first = buffer.slice(0, half);
        var second = buffer.slice(half, half);
        var values = write(first);
        expect(first, values);
        second.copyFrom(first);
        expect(second, values);
        first.clear();
        expect(first, new double[values.length]);
        expect(second, values);
      }
    }
  }

  /** Fills a buffer with whole numbers that every type holds, and returns them. */
  private double[] write(DeviceBuffer buffer) {
    var values = random.ints(buffer.elements(), 1, 100).asDoubleStream().toArray();
    switch (buffer.type()) {
      case FLOAT32, FLOAT16, BFLOAT16 -> {
        var floats = new float[values.length];
        for (var i = 0; i < floats.length; i++) {
          floats[i] = (float) values[i];
        }
        buffer.copyFrom(floats);
      }
      case FLOAT64 -> buffer.copyFrom(values);
      case INT32 -> buffer.copyFrom(Arrays.stream(values).mapToInt(v -> (int) v).toArray());
      case INT64 -> buffer.copyFrom(Arrays.stream(values).mapToLong(v -> (long) v).toArray());
      case UINT8 -> {
        var bytes = new byte[values.length];
        for (var i = 0; i < bytes.length; i++) {
          bytes[i] = (byte) values[i];
        }
        buffer.copyFrom(bytes);
      }
    }
    return values;
  }

  private void expect(DeviceBuffer buffer, double[] expected) {
    var read = read(buffer);
    if (!Arrays.equals(expected, read)) {
      wrong.add(
          "%s %s, must be %s"
              .formatted(buffer.type(), Arrays.toString(read), Arrays.toString(expected)));
    }
  }

  private static double[] read(DeviceBuffer buffer) {
    var values = new double[(int) buffer.elements()];
    switch (buffer.type()) {
      case FLOAT32, FLOAT16, BFLOAT16 -> {
        var floats = buffer.toFloats();
        Arrays.setAll(values, i -> floats[i]);
      }
      case FLOAT64 -> buffer.copyTo(values);
      case INT32 -> {
        var ints = buffer.toInts();
        Arrays.setAll(values, i -> ints[i]);
      }
      case INT64 -> {
        var longs = new long[values.length];
        buffer.copyTo(longs);
        Arrays.setAll(values, i -> longs[i]);
      }
      case UINT8 -> {
        var bytes = new byte[values.length];
        buffer.copyTo(bytes);
        Arrays.setAll(values, i -> bytes[i]);
      }
    }
    return values;
  }
}
