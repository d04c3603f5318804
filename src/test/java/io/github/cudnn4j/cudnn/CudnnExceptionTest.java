package io.github.cudnn4j.cudnn;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.ElementType;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class CudnnExceptionTest {
  private static Device device;

  @BeforeAll
  static void open() {
    device = Device.open();
  }

  @AfterAll
  static void close() {
    device.close();
  }

  @Test
  void aRefusedArgumentIsTypedAndSaysWhatItWas() {
    CudnnException e =
        assertThrows(
            CudnnException.class,
            () ->
                RnnDataDescriptor.create(
                    device,
                    ElementType.FLOAT32,
                    RnnDataLayout.SEQ_MAJOR_PACKED,
                    3,
                    new int[] {2, 3},
                    4));
    assertEquals("cudnnSetRNNDataDescriptor", e.function());
    assertEquals(CudnnStatus.Category.BAD_PARAM, e.category());
    assertTrue(e.codeName().startsWith("CUDNN_STATUS_BAD_PARAM"), e.codeName());
    assertEquals(e.code(), CudnnStatus.valueOf(e.codeName().substring(13)).code());
    assertEquals("FLOAT32 SEQ_MAJOR_PACKED T 3 B 2 V 4", e.context());
    assertTrue(
        e.getMessage()
            .startsWith(
                "cudnnSetRNNDataDescriptor returned " + e.codeName() + " (" + e.code() + ")"),
        e.getMessage());
    assertTrue(e.getMessage().endsWith("; " + e.context()), e.getMessage());
    assertTrue(e.getMessage().contains(e.lastError()), e.getMessage());
  }

  @Test
  void moreStepsThanCudnnCountsAreNotSupported() {
    CudnnException e =
        assertThrows(
            CudnnException.class,
            () ->
                RnnDataDescriptor.create(
                    device,
                    ElementType.FLOAT32,
                    RnnDataLayout.SEQ_MAJOR_UNPACKED,
                    65_536,
                    new int[] {3},
                    4));
    assertEquals(CudnnStatus.Category.NOT_SUPPORTED, e.category());
  }

  @Test
  void anUnknownCodeIsKept() {
    CudnnException e =
        assertThrows(
            CudnnException.class, () -> CudnnException.check(2999, "cudnnSomething", "[2, 3]"));
    assertEquals(2999, e.code());
    assertEquals(CudnnStatus.Category.BAD_PARAM, e.category());
    assertTrue(e.getMessage().contains("(2999)"), e.getMessage());
  }

  @Test
  void successIsNoException() {
    CudnnException.check(CudnnStatus.SUCCESS.code(), "cudnnSomething", "");
  }
}
