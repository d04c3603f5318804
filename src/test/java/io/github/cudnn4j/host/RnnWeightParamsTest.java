package io.github.cudnn4j.host;

import static io.github.cudnn4j.host.RawCudnn.assertCategory;
import static io.github.cudnn4j.host.RawCudnn.succeed;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.github.cudnn4j.bindings.Cudnn;
import io.github.cudnn4j.bindings.NativeTypes;
import io.github.cudnn4j.host.RawRnn.Setup;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Where the weight space holds which matrix and bias. */
class RnnWeightParamsTest {
  private static final int FLOAT = Cudnn.CUDNN_DATA_FLOAT();
  private static final int BAD = Cudnn.CUDNN_STATUS_BAD_PARAM();
  private static final MemorySegment NONE = MemorySegment.NULL;

  private record Slot(long offset, long elements, boolean bias, int pseudoLayer, int linearLayer) {}

  private RawCudnn cudnn;

  @BeforeEach
  void open() {
    cudnn = new RawCudnn();
  }

  @AfterEach
  void close() {
    cudnn.close();
  }

  @ParameterizedTest
  @CsvSource({"0,1,0", "1,1,1", "2,4,2", "3,3,3", "2,4,0", "3,3,2", "0,1,2"})
  void slotsFillTheSpaceWithoutOverlapMatricesFirst(int cell, int gates, int bias) {
    var rnn = new RawRnn(cudnn, Setup.lstm(FLOAT).cell(cell).bias(bias));
    List<Slot> slots = slots(rnn, gates);
    slots.sort(Comparator.comparingLong(Slot::offset));
    long next = 0;
    boolean biases = false;
    for (Slot slot : slots) {
      assertEquals(next, slot.offset(), slot::toString);
      next += slot.elements();
      biases |= slot.bias();
      assertEquals(biases, slot.bias(), () -> "a matrix after a bias: " + slot);
    }
    assertEquals(rnn.weightElements(), next);
    boolean inputBias = bias == Cudnn.CUDNN_RNN_SINGLE_INP_BIAS();
    boolean recurrentBias = bias == Cudnn.CUDNN_RNN_SINGLE_REC_BIAS();
    boolean both = bias == Cudnn.CUDNN_RNN_DOUBLE_BIAS();
    for (Slot slot : slots) {
      if (slot.bias()) {
        boolean input = slot.linearLayer() < gates;
        assertEquals(true, both || (input ? inputBias : recurrentBias), slot::toString);
      }
    }
  }

  private List<Slot> slots(RawRnn rnn, int gates) {
    var setup = rnn.setup;
    var slots = new ArrayList<Slot>();
    for (int pseudo = 0; pseudo < setup.layers() * setup.directions(); pseudo++) {
      int input = pseudo < setup.directions() ? setup.input() : setup.hidden() * 2;
      for (int linear = 0; linear < 2 * gates; linear++) {
        var matrix = cudnn.tensor();
        var bias = cudnn.tensor();
        var addresses = cudnn.arena.allocate(NativeTypes.C_POINTER, 2);
        succeed(query(rnn, pseudo, linear, matrix, addresses, bias, addresses.asSlice(8)));
        int columns = linear < gates ? input : setup.hidden();
        assertEquals(List.of(1, setup.hidden(), columns), extents(matrix));
        slots.add(slot(rnn, addresses, 0, (long) setup.hidden() * columns, pseudo, linear));
        if (addresses.getAtIndex(ValueLayout.JAVA_LONG, 1) != 0) {
          assertEquals(List.of(1, setup.hidden(), 1), extents(bias));
          slots.add(slot(rnn, addresses, 1, setup.hidden(), pseudo, linear));
        } else {
          assertEquals(List.of(), extents(bias));
        }
      }
    }
    return slots;
  }

  private static Slot slot(
      RawRnn rnn, MemorySegment addresses, int index, long elements, int pseudo, int linear) {
    long bytes = addresses.getAtIndex(ValueLayout.JAVA_LONG, index) - rnn.weights.address();
    return new Slot(bytes / Float.BYTES, elements, index == 1, pseudo, linear);
  }

  private List<Integer> extents(MemorySegment tensor) {
    var dims = cudnn.ints(0);
    var extents = cudnn.ints(new int[Cudnn.CUDNN_DIM_MAX()]);
    var strides = cudnn.ints(new int[Cudnn.CUDNN_DIM_MAX()]);
    succeed(
        Cudnn.cudnnGetTensorNdDescriptor(
            tensor, Cudnn.CUDNN_DIM_MAX(), cudnn.ints(0), dims, extents, strides));
    var list = new ArrayList<Integer>();
    for (int d = 0; d < dims.get(ValueLayout.JAVA_INT, 0); d++) {
      list.add(extents.getAtIndex(ValueLayout.JAVA_INT, d));
    }
    return list;
  }

  private static int query(
      RawRnn rnn,
      int pseudo,
      int linear,
      MemorySegment matrix,
      MemorySegment matrixOut,
      MemorySegment bias,
      MemorySegment biasOut) {
    return Cudnn.cudnnGetRNNWeightParams(
        rnn.handle,
        rnn.rnn,
        pseudo,
        rnn.weightBytes,
        rnn.weights,
        linear,
        matrix,
        matrixOut,
        bias,
        biasOut);
  }

  @Test
  void onlyOneKindMayBeAskedFor() {
    var rnn = new RawRnn(cudnn, Setup.lstm(FLOAT));
    var tensor = cudnn.tensor();
    var out = cudnn.arena.allocate(NativeTypes.C_POINTER);
    succeed(query(rnn, 0, 0, tensor, out, NONE, NONE));
    assertEquals(rnn.weights.address(), out.get(NativeTypes.C_POINTER, 0).address());
    succeed(query(rnn, 0, 0, NONE, NONE, tensor, out));
    assertEquals(List.of(1, 4, 1), extents(tensor));
  }

  @Test
  void whatDoesNotExistIsRefused() {
    var rnn = new RawRnn(cudnn, Setup.lstm(FLOAT));
    var tensor = cudnn.tensor();
    var out = cudnn.arena.allocate(NativeTypes.C_POINTER);
    assertCategory(BAD, query(rnn, -1, 0, tensor, out, NONE, NONE));
    assertCategory(BAD, query(rnn, 4, 0, tensor, out, NONE, NONE));
    assertCategory(BAD, query(rnn, 0, -1, tensor, out, NONE, NONE));
    assertCategory(BAD, query(rnn, 0, 9, tensor, out, NONE, NONE));
  }

  @Test
  void theWeightSpaceReachesToTheEndOfWhatIsAskedFor() {
    var rnn = new RawRnn(cudnn, Setup.lstm(FLOAT));
    var tensor = cudnn.tensor();
    var out = cudnn.arena.allocate(NativeTypes.C_POINTER);
    succeed(query(rnn, 3, 7, NONE, NONE, tensor, out));
    rnn.weightBytes -= 4;
    assertCategory(BAD, query(rnn, 3, 7, NONE, NONE, tensor, out));
    succeed(query(rnn, 3, 7, tensor, out, NONE, NONE));
  }

  @Test
  void withoutAWeightSpaceThereAreOffsets() {
    var rnn = new RawRnn(cudnn, Setup.lstm(FLOAT));
    var tensor = cudnn.tensor();
    var out = cudnn.arena.allocate(NativeTypes.C_POINTER);
    succeed(query(rnn, 1, 2, tensor, out, NONE, NONE));
    long offset = out.get(NativeTypes.C_POINTER, 0).address() - rnn.weights.address();
    rnn.weights = NONE;
    succeed(query(rnn, 1, 2, tensor, out, NONE, NONE));
    assertEquals(offset, out.get(NativeTypes.C_POINTER, 0).address());
  }
}
