package io.github.cudnn4j.testing;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Reads whole segments, without {@code toArray}: see {@code ArchitectureTest}. */
public final class Segments {
  private Segments() {}

  public static byte[] bytes(MemorySegment segment) {
    var values = new byte[(int) segment.byteSize()];
    MemorySegment.copy(segment, ValueLayout.JAVA_BYTE, 0, values, 0, values.length);
    return values;
  }

  public static int[] ints(MemorySegment segment) {
    var values = new int[(int) (segment.byteSize() / Integer.BYTES)];
    MemorySegment.copy(segment, ValueLayout.JAVA_INT, 0, values, 0, values.length);
    return values;
  }

  public static float[] floats(MemorySegment segment) {
    var values = new float[(int) (segment.byteSize() / Float.BYTES)];
    MemorySegment.copy(segment, ValueLayout.JAVA_FLOAT, 0, values, 0, values.length);
    return values;
  }

  public static double[] doubles(MemorySegment segment) {
    var values = new double[(int) (segment.byteSize() / Double.BYTES)];
    MemorySegment.copy(segment, ValueLayout.JAVA_DOUBLE, 0, values, 0, values.length);
    return values;
  }
}
