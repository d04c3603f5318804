package io.github.cudnn4j.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class ElementTypeTest {

  @ParameterizedTest
  @EnumSource(names = {"FLOAT32", "FLOAT64", "FLOAT16", "BFLOAT16"})
  void numbersAreWrittenAndReadInPlace(ElementType type) {
    float[] values = {1, -2.5f, Float.NEGATIVE_INFINITY, 0.15625f};
    double[] numbers = new double[values.length + 2];
    Arrays.fill(numbers, Double.longBitsToDouble(0x5a5a5a5a5a5a5a5aL));
    MemorySegment memory = MemorySegment.ofArray(numbers);
    long end = Double.BYTES + (long) values.length * type.bytes();
    type.write(memory, Double.BYTES, values);
    float[] read = new float[values.length];
    type.read(memory, Double.BYTES, read);
    assertArrayEquals(values, read);
    for (long i = 0; i < memory.byteSize(); i = i == Double.BYTES - 1 ? end : i + 1) {
      assertEquals(0x5a, memory.get(ValueLayout.JAVA_BYTE, i), "byte " + i);
    }
    long behind = memory.byteSize() - type.bytes();
    assertThrows(IndexOutOfBoundsException.class, () -> type.write(memory, behind, values));
    assertThrows(IndexOutOfBoundsException.class, () -> type.read(memory, behind, read));
  }

  @Test
  void wholeNumbersAreOfOtherTypes() {
    MemorySegment memory = MemorySegment.ofArray(new int[1]);
    assertEquals(
        "INT32 has no floating-point numbers",
        assertThrows(
                IllegalArgumentException.class,
                () -> ElementType.INT32.write(memory, 0, new float[1]))
            .getMessage());
    assertThrows(
        IllegalArgumentException.class, () -> ElementType.UINT8.read(memory, 0, new float[1]));
  }
}
