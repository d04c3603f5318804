package io.github.cudnn4j.cudnn;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.cudnn.RnnDescriptor.TempSpace;
import io.github.cudnn4j.cudnn.RnnDescriptor.WeightSlot;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

class DescriptorTest {
  private static Device device;

  @BeforeAll
  static void open() {
    device = Device.open();
  }

  @AfterAll
  static void close() {
    device.close();
  }

  private static void assertRefused(String message, Executable executable) {
    assertEquals(message, assertThrows(IllegalArgumentException.class, executable).getMessage());
  }

  private static RnnDescriptor lstm(int layers) {
    return RnnDescriptor.create(
        device,
        new RnnDescriptor.Settings(
            RnnAlgorithm.STANDARD,
            RnnMode.LSTM,
            BiasMode.SINGLE_INPUT,
            DirectionMode.BIDIRECTIONAL,
            Precision.FP64,
            3,
            5,
            5,
            layers,
            false,
            null,
            true),
        null);
  }

  @Test
  void aDeviceHasOneHandle() {
    assertSame(CudnnHandle.of(device), CudnnHandle.of(device));
  }

  @Test
  void tensorsKeepTheirExtents() {
    try (var tensor = TensorDescriptor.create(device, ElementType.FLOAT32, 2, 3, 4)) {
      assertArrayEquals(new int[] {2, 3, 4}, tensor.extents());
    }
  }

  @Test
  void impossibleExtentsAreRefused() {
    ElementType type = ElementType.FLOAT32;
    assertRefused(
        "1 extents given, but a tensor has from 2 to 8",
        () -> TensorDescriptor.create(device, type, 3));
    assertRefused(
        "9 extents given, but a tensor has from 2 to 8",
        () -> TensorDescriptor.create(device, type, 1, 1, 1, 1, 1, 1, 1, 1, 1));
    assertRefused(
        "extents[1] is 0, but it must be at least 1",
        () -> TensorDescriptor.create(device, type, 2, 0));
    assertRefused(
        "a tensor of [65536, 32768] has more elements than the 2147483647 that cuDNN takes",
        () -> TensorDescriptor.create(device, type, 65536, 32768));
  }

  @Test
  void noSequencesAreRefused() {
    assertRefused(
        "B is 0, but there must be at least 1 sequence",
        () ->
            RnnDataDescriptor.create(
                device, ElementType.FLOAT32, RnnDataLayout.SEQ_MAJOR_UNPACKED, 3, new int[0], 4));
  }

  @Test
  void aClosedDescriptorIsRefused() {
    var tensor = TensorDescriptor.create(device, ElementType.FLOAT32, 2, 3);
    tensor.close();
    tensor.close();
    assertThrows(IllegalStateException.class, tensor::pointer);
  }

  @Test
  void weightsHaveTheSizeOfTheirMatricesAndBiases() {
    try (RnnDescriptor rnn = lstm(2)) {
      long elements = 2 * 4 * 5 * (3 + 5) + 2 * 4 * 5 * (10 + 5) + 4 * 4 * 5;
      assertEquals(elements * Double.BYTES, rnn.weightSpaceBytes());
      try (DeviceBuffer space = DeviceBuffer.allocate(device, ElementType.FLOAT64, elements)) {
        List<WeightSlot> slots = rnn.weightSlots(space);
        assertEquals(4 * 8, slots.size());
        WeightSlot slot = slots.get(3 * 8 + 2);
        assertEquals(3, slot.pseudoLayer());
        assertEquals(2, slot.linearLayerId());
        assertEquals(5, slot.rows());
        assertEquals(10, slot.columns());
        assertTrue(slot.biasOffset() >= 0);
        assertEquals(-1, slots.get(3 * 8 + 4).biasOffset());
      }
    }
  }

  @Test
  void onlyTrainingReservesSpace() {
    int[] lengths = {4, 2};
    RnnDataLayout layout = RnnDataLayout.SEQ_MAJOR_UNPACKED;
    try (RnnDescriptor rnn = lstm(1);
        var x = RnnDataDescriptor.create(device, ElementType.FLOAT64, layout, 4, lengths, 3)) {
      assertTrue(rnn.tempSpace(ForwardMode.TRAINING, x).reserve() > 0);
      assertEquals(0, rnn.tempSpace(ForwardMode.INFERENCE, x).reserve());
      TempSpace space = rnn.tempSpace(ForwardMode.TRAINING, x);
      assertEquals(space, rnn.tempSpace(ForwardMode.TRAINING, x));
    }
  }

  @Test
  void aGeneratorGoesBackToASavedState() {
    try (var dropout = DropoutDescriptor.create(device, 0.5, 3);
        var other = DropoutDescriptor.create(device, 0.5, 4)) {
      byte[] state = dropout.state();
      assertTrue(state.length > 0);
      assertFalse(Arrays.equals(state, other.state()));
      other.restoreState(state);
      assertArrayEquals(state, other.state());
    }
  }

  @Test
  void typesThatCudnnHasNotAreRefused() {
    assertRefused(
        "type is INT64, which no tensor of cuDNN has",
        () -> TensorDescriptor.create(device, ElementType.INT64, 2, 3));
    for (var type : new ElementType[] {ElementType.INT64, ElementType.INT32, ElementType.UINT8}) {
      assertRefused(
          "type is " + type + ", but it must be a floating-point type",
          () ->
              RnnDataDescriptor.create(
                  device, type, RnnDataLayout.SEQ_MAJOR_UNPACKED, 2, new int[] {2}, 3));
    }
  }

  @Test
  void layersThatCannotBeCountedAreRefused() {
    assertRefused(
        "layers is 1073741824, must be at most 1073741823 if BIDIRECTIONAL", () -> lstm(1 << 30));
  }
}
