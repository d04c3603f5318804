package io.github.cudnn4j.cudnn;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import io.github.cudnn4j.cudnn.CudnnStatus.Category;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class CudnnStatusTest {

  @ParameterizedTest
  @EnumSource(CudnnStatus.class)
  void codesLeadBackToTheirStatus(CudnnStatus status) {
    assertEquals(status, CudnnStatus.of(status.code()));
  }

  @ParameterizedTest
  @CsvSource({
    "SUCCESS, SUCCESS",
    "NOT_INITIALIZED, LIBRARY",
    "BAD_PARAM, BAD_PARAM",
    "BAD_PARAM_SIZE_INSUFFICIENT, BAD_PARAM",
    "NOT_SUPPORTED_SHAPE, NOT_SUPPORTED",
    "INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED, INTERNAL_ERROR",
    "EXECUTION_FAILED_CUBLAS, EXECUTION_FAILED"
  })
  void categories(CudnnStatus status, Category category) {
    assertEquals(category, status.category());
  }

  @Test
  void codesThatNobodyKnowsAreSorted() {
    assertNull(CudnnStatus.of(2999));
    assertEquals(Category.BAD_PARAM, Category.of(2999));
    assertEquals(Category.UNKNOWN, Category.of(9));
    assertEquals(Category.UNKNOWN, Category.of(6000));
    assertEquals(Category.UNKNOWN, Category.of(-1));
  }
}
