package io.github.cudnn4j.host;

import static io.github.cudnn4j.host.RawCudnn.assertCategory;
import static io.github.cudnn4j.host.RawCudnn.succeed;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.github.cudnn4j.bindings.Cudnn;
import io.github.cudnn4j.host.RawRnn.Setup;
import io.github.cudnn4j.testing.Segments;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * What descriptors take, refuse and give back, as far as callers rely on it. {@link
 * CudnnStatusParityTest} compares many more values with cuDNN itself.
 */
class DescriptorTest {
  private static final int FLOAT = Cudnn.CUDNN_DATA_FLOAT();
  private static final int BAD = Cudnn.CUDNN_STATUS_BAD_PARAM();
  private static final int UNSUPPORTED = Cudnn.CUDNN_STATUS_NOT_SUPPORTED();
  private static final int UNPACKED = Cudnn.CUDNN_RNN_DATA_LAYOUT_SEQ_MAJOR_UNPACKED();
  private static final int PACKED = Cudnn.CUDNN_RNN_DATA_LAYOUT_SEQ_MAJOR_PACKED();
  private static final MemorySegment NONE = MemorySegment.NULL;

  private RawCudnn cudnn;

  @BeforeEach
  void open() {
    cudnn = new RawCudnn();
  }

  @AfterEach
  void close() {
    cudnn.close();
  }

  @Test
  void aTensorGivesBackWhatWasSet() {
    var tensor = cudnn.tensor(FLOAT, new int[] {2, 3, 4}, new int[] {30, 8, 2});
    assertArrayEquals(new int[] {FLOAT, 3, 2, 3, 4, -1, 30, 8, 2, -1}, tensorFields(tensor, 8));
    assertArrayEquals(new int[] {FLOAT, 3, 2, -1, -1, -1, 30, -1, -1, -1}, tensorFields(tensor, 1));
    assertEquals(4 * (30 + 2 * 8 + 3 * 2 + 1), tensorBytes(tensor));
  }

  /** Type, dimensions, four extents, four strides. */
  private int[] tensorFields(MemorySegment tensor, int requested) {
    var type = cudnn.ints(-1);
    var dims = cudnn.ints(-1);
    var extents = cudnn.ints(-1, -1, -1, -1);
    var strides = cudnn.ints(-1, -1, -1, -1);
    succeed(Cudnn.cudnnGetTensorNdDescriptor(tensor, requested, type, dims, extents, strides));
    return concat(type, dims, extents, strides);
  }

  private static int[] concat(MemorySegment... parts) {
    return Arrays.stream(parts).flatMapToInt(part -> Arrays.stream(Segments.ints(part))).toArray();
  }

  private long tensorBytes(MemorySegment tensor) {
    return cudnn.size(out -> Cudnn.cudnnGetTensorSizeInBytes(tensor, out));
  }

  @Test
  void aTensorRefusesWhatIsNotOne() {
    var tensor = cudnn.tensor(FLOAT, 5, 7);
    assertCategory(BAD, setTensor(tensor, FLOAT, 1, 3));
    assertCategory(BAD, setTensor(tensor, -1, 2, 3));
    assertCategory(BAD, setTensor(tensor, FLOAT, 2, 0));
    assertCategory(BAD, setTensor(tensor, FLOAT, 2, -3));
    assertCategory(BAD, setTensor(NONE, FLOAT, 2, 3));
    assertCategory(UNSUPPORTED, setTensor(tensor, FLOAT, 9, 1));
    assertEquals(4 * 35, tensorBytes(tensor), "a refused change changes nothing");
    // 46341 squared is just above the 2^31 - 1 elements that a tensor may span.
    assertCategory(UNSUPPORTED, setTensor(tensor, FLOAT, 2, 46341));
    succeed(setTensor(tensor, FLOAT, 2, 46340));
  }

  /** A packed tensor with all extents equal. */
  private int setTensor(MemorySegment tensor, int type, int dims, int extent) {
    var extents = new int[dims];
    var strides = new int[dims];
    int stride = 1;
    for (int d = dims - 1; d >= 0; d--) {
      extents[d] = extent;
      strides[d] = stride;
      stride *= Math.max(extent, 1);
    }
    return Cudnn.cudnnSetTensorNdDescriptor(
        tensor, type, dims, cudnn.ints(extents), cudnn.ints(strides));
  }

  @Test
  void aNetworkIsNotInitializedUntilItIsSet() {
    var rnn = RawRnn.descriptor(cudnn);
    assertCategory(Cudnn.CUDNN_STATUS_NOT_INITIALIZED(), getNetwork(rnn, NONE, NONE));
    succeed(RawRnn.set(rnn, Setup.lstm(FLOAT), NONE, 0));
    var hidden = cudnn.ints(-1);
    var flags = cudnn.ints(-1);
    succeed(getNetwork(rnn, hidden, flags));
    assertEquals(4, hidden.get(ValueLayout.JAVA_INT, 0));
    assertEquals(0, flags.get(ValueLayout.JAVA_INT, 0));
  }

  private static int getNetwork(MemorySegment rnn, MemorySegment hidden, MemorySegment flags) {
    return Cudnn.cudnnGetRNNDescriptor_v8(
        rnn, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, hidden, NONE, NONE, NONE, flags);
  }

  @Test
  void settingANetworkResetsItsClipping() {
    var rnn = RawRnn.descriptor(cudnn);
    int minmax = Cudnn.CUDNN_RNN_CLIP_MINMAX();
    succeed(Cudnn.cudnnRNNSetClip_v9(rnn, minmax, -1, 2));
    assertEquals("1 -1.0 2.0", clip(rnn));
    assertCategory(BAD, Cudnn.cudnnRNNSetClip_v9(rnn, minmax, 2, -1));
    assertCategory(BAD, Cudnn.cudnnRNNSetClip_v9(rnn, minmax, Double.NaN, 1));
    assertEquals("1 -1.0 2.0", clip(rnn));
    succeed(Cudnn.cudnnRNNSetClip_v9(rnn, minmax, -1, Double.POSITIVE_INFINITY));
    succeed(RawRnn.set(rnn, Setup.lstm(FLOAT), NONE, 0));
    assertEquals("0 0.0 0.0", clip(rnn));
  }

  private String clip(MemorySegment rnn) {
    var mode = cudnn.ints(-1);
    var bounds = cudnn.arena.allocate(ValueLayout.JAVA_DOUBLE, 2);
    succeed(Cudnn.cudnnRNNGetClip_v9(rnn, mode, bounds, bounds.asSlice(Double.BYTES)));
    return mode.get(ValueLayout.JAVA_INT, 0)
        + " "
        + bounds.getAtIndex(ValueLayout.JAVA_DOUBLE, 0)
        + " "
        + bounds.getAtIndex(ValueLayout.JAVA_DOUBLE, 1);
  }

  @Test
  void sequencesGiveBackWhatWasSet() {
    var data = RawRnn.sequences(cudnn, FLOAT, UNPACKED, 4, 6, cudnn.scalar(FLOAT, 2.5), 1, 4, 2);
    assertArrayEquals(new int[] {FLOAT, UNPACKED, 4, 3, 6, 1, 4, 2}, sequenceFields(data, 3));
    var fill = cudnn.arena.allocate(ValueLayout.JAVA_FLOAT);
    succeed(getSequences(data, 3, cudnn.ints(0, 0, 0), fill));
    assertEquals(2.5f, fill.get(ValueLayout.JAVA_FLOAT, 0));
    assertCategory(BAD, getSequences(data, 3, cudnn.ints(0, 0, 0), NONE));
    assertCategory(BAD, getSequences(data, 3, NONE, fill));
    var without = RawRnn.sequences(cudnn, FLOAT, UNPACKED, 4, 6, NONE, 1, 4, 2);
    succeed(getSequences(without, 3, cudnn.ints(0, 0, 0), fill));
    assertEquals(0, fill.get(ValueLayout.JAVA_FLOAT, 0));
  }

  private int[] sequenceFields(MemorySegment data, int count) {
    var fields = cudnn.ints(-1, -1, -1, -1, -1);
    var lengths = cudnn.ints(new int[count]);
    succeed(
        Cudnn.cudnnGetRNNDataDescriptor(
            data,
            fields,
            fields.asSlice(4),
            fields.asSlice(8),
            fields.asSlice(12),
            fields.asSlice(16),
            count,
            lengths,
            cudnn.arena.allocate(8)));
    return concat(fields, lengths);
  }

  private int getSequences(
      MemorySegment data, int count, MemorySegment lengths, MemorySegment fill) {
    var field = cudnn.ints(0);
    return Cudnn.cudnnGetRNNDataDescriptor(
        data, field, field, field, field, field, count, lengths, fill);
  }

  @Test
  void sequencesAreCheckedByLayout() {
    var data = RawRnn.sequences(cudnn, FLOAT, UNPACKED, 9, 2, NONE, 7, 7, 7);
    succeed(setSequences(data, UNPACKED, 4, 0, 1, 3));
    assertCategory(BAD, setSequences(data, UNPACKED, 4, 5, 1, 1));
    assertCategory(BAD, setSequences(data, UNPACKED, 4, -1, 1, 1));
    assertCategory(BAD, setSequences(data, UNPACKED, 0, 0, 0, 0));
    succeed(setSequences(data, PACKED, 4, 4, 4, 1));
    assertCategory(BAD, setSequences(data, PACKED, 4, 4, 1, 2));
    assertCategory(BAD, setSequences(data, PACKED, 4, 3, 2, 1));
    assertCategory(BAD, setSequences(data, PACKED, 4, 4, 1, 0));
    assertCategory(UNSUPPORTED, setSequences(data, UNPACKED, 65_536, 4, 4, 1));
    assertArrayEquals(new int[] {FLOAT, PACKED, 4, 3, 2, 4, 4, 1}, sequenceFields(data, 3));
  }

  @Test
  void sequencesHaveUpTo65535Steps() {
    var data = RawRnn.sequences(cudnn, FLOAT, UNPACKED, 9, 2, NONE, 7);
    succeed(setSequences(data, UNPACKED, 65_535, 65_535));
  }

  /** The biases are looked at before projection and flags. */
  @Test
  void aPersistentNetworkWithoutBiasesIsNotSupported() {
    var rnn = RawRnn.descriptor(cudnn);
    var setup =
        Setup.lstm(FLOAT)
            .algorithm(Cudnn.CUDNN_RNN_ALGO_PERSIST_STATIC())
            .bias(Cudnn.CUDNN_RNN_NO_BIAS())
            .sizes(5, 4, 0);
    assertCategory(UNSUPPORTED, RawRnn.set(rnn, setup, NONE, 2));
    assertCategory(BAD, RawRnn.set(rnn, setup.bias(Cudnn.CUDNN_RNN_DOUBLE_BIAS()), NONE, 1));
  }

  private int setSequences(MemorySegment data, int layout, int time, int... lengths) {
    return Cudnn.cudnnSetRNNDataDescriptor(
        data, FLOAT, layout, time, lengths.length, 2, cudnn.ints(lengths), NONE);
  }

  @Test
  void ctcTakesFloatAndDouble() {
    var ctc =
        cudnn.create(Cudnn::cudnnCreateCTCLossDescriptor, Cudnn::cudnnDestroyCTCLossDescriptor);
    int softmax = Cudnn.CUDNN_LOSS_NORMALIZATION_SOFTMAX();
    int skip = Cudnn.CUDNN_CTC_SKIP_OOB_GRADIENTS();
    succeed(Cudnn.cudnnSetCTCLossDescriptor_v9(ctc, FLOAT, softmax, skip, 255));
    assertCategory(
        UNSUPPORTED,
        Cudnn.cudnnSetCTCLossDescriptor_v9(ctc, Cudnn.CUDNN_DATA_HALF(), softmax, skip, 255));
    var fields = cudnn.ints(-1, -1, -1, -1);
    succeed(
        Cudnn.cudnnGetCTCLossDescriptor_v9(
            ctc, fields, fields.asSlice(4), fields.asSlice(8), fields.asSlice(12)));
    assertArrayEquals(new int[] {FLOAT, softmax, skip, 255}, concat(fields));
  }
}
