package io.github.cudnn4j.host;

import static io.github.cudnn4j.host.RawCudnn.assertCategory;
import static io.github.cudnn4j.host.RawCudnn.lastError;
import static io.github.cudnn4j.host.RawCudnn.succeed;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.cudnn4j.bindings.Cudart;
import io.github.cudnn4j.bindings.Cudnn;
import io.github.cudnn4j.bindings.NativeTypes;
import io.github.cudnn4j.host.RawRnn.Setup;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.function.Consumer;
import java.util.function.IntSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What the three computing calls ask of their arguments, and what they leave in their buffers. */
class RnnCallTest {
  private static final int FLOAT = Cudnn.CUDNN_DATA_FLOAT();
  private static final int DOUBLE = Cudnn.CUDNN_DATA_DOUBLE();
  private static final int BAD = Cudnn.CUDNN_STATUS_BAD_PARAM();
  private static final int UNSUPPORTED = Cudnn.CUDNN_STATUS_NOT_SUPPORTED();
  private static final int UNPACKED = Cudnn.CUDNN_RNN_DATA_LAYOUT_SEQ_MAJOR_UNPACKED();
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

  private RawRnn lstm() {
    return new RawRnn(cudnn, Setup.lstm(FLOAT));
  }

  /** A spoiled argument is refused with a text that names it; on a GPU the category is enough. */
  private static void refused(
      RawRnn rnn, String argument, IntSupplier call, Consumer<RawRnn> spoil) {
    spoil.accept(rnn);
    assertCategory(BAD, call.getAsInt());
    String text = lastError();
    if (RawCudnn.onHost()) {
      assertTrue(text.contains(argument), () -> "\"" + text + "\" does not name " + argument);
    }
  }

  private void forwardRefuses(String argument, Consumer<RawRnn> spoil) {
    var rnn = lstm();
    refused(rnn, argument, rnn::forward, spoil);
  }

  private void backwardDataRefuses(String argument, Consumer<RawRnn> spoil) {
    var rnn = lstm();
    succeed(rnn.forward());
    refused(rnn, argument, rnn::backwardData, spoil);
  }

  private void backwardWeightsRefuses(String argument, Consumer<RawRnn> spoil) {
    var rnn = lstm();
    succeed(rnn.forward());
    succeed(rnn.backwardData());
    refused(rnn, argument, rnn::backwardWeights, spoil);
  }

  @Test
  void requiredArgumentsAreNotNull() {
    forwardRefuses("handle", rnn -> rnn.handle = NONE);
    forwardRefuses("rnnDesc", rnn -> rnn.rnn = NONE);
    forwardRefuses("xDesc", rnn -> rnn.xDesc = NONE);
    forwardRefuses("yDesc", rnn -> rnn.yDesc = NONE);
    forwardRefuses("x is NULL", rnn -> rnn.x = NONE);
    forwardRefuses("y is NULL", rnn -> rnn.y = NONE);
    forwardRefuses("weightSpace", rnn -> rnn.weights = NONE);
    forwardRefuses("workSpace", rnn -> rnn.work = NONE);
    forwardRefuses("reserveSpace", rnn -> rnn.reserve = NONE);
    backwardDataRefuses("dy is NULL", rnn -> rnn.dy = NONE);
    backwardDataRefuses("reserveSpace", rnn -> rnn.reserve = NONE);
    backwardWeightsRefuses("x is NULL", rnn -> rnn.x = NONE);
    backwardWeightsRefuses("dweightSpace", rnn -> rnn.gradients = NONE);
  }

  @Test
  void spacesAreLargeEnough() {
    forwardRefuses("weightSpaceSize", rnn -> rnn.weightBytes -= 4);
    forwardRefuses("workSpaceSize", rnn -> rnn.workBytes -= 1);
    forwardRefuses("reserveSpaceSize", rnn -> rnn.reserveBytes -= 1);
    backwardDataRefuses("weightSpaceSize", rnn -> rnn.weightBytes = 0);
    backwardDataRefuses("workSpaceSize", rnn -> rnn.workBytes = 0);
    backwardDataRefuses("reserveSpaceSize", rnn -> rnn.reserveBytes = 0);
    backwardWeightsRefuses("weightSpaceSize", rnn -> rnn.weightBytes = 0);
    backwardWeightsRefuses("workSpaceSize", rnn -> rnn.workBytes = 0);
    backwardWeightsRefuses("reserveSpaceSize", rnn -> rnn.reserveBytes = 0);
  }

  @Test
  void descriptorsFitTheNetworkAndEachOther() {
    forwardRefuses("xDesc", rnn -> rnn.xDesc = rnn.sequences(6, NONE));
    forwardRefuses("yDesc", rnn -> rnn.yDesc = rnn.sequences(4, NONE));
    forwardRefuses(
        "xDesc", rnn -> rnn.xDesc = RawRnn.sequences(cudnn, DOUBLE, UNPACKED, 3, 5, NONE, 3, 1));
    forwardRefuses(
        "seqLengthArray",
        rnn -> rnn.xDesc = RawRnn.sequences(cudnn, FLOAT, UNPACKED, 3, 5, NONE, 3, 2));
    forwardRefuses(
        "batchSize",
        rnn -> rnn.xDesc = RawRnn.sequences(cudnn, FLOAT, UNPACKED, 3, 5, NONE, 3, 1, 1));
    forwardRefuses(
        "maxSeqLength",
        rnn -> rnn.xDesc = RawRnn.sequences(cudnn, FLOAT, UNPACKED, 4, 5, NONE, 3, 1));
    forwardRefuses("hDesc", rnn -> rnn.hDesc = cudnn.tensor(FLOAT, 4, 2, 5));
    forwardRefuses("hDesc", rnn -> rnn.hDesc = cudnn.tensor(DOUBLE, 4, 2, 4));
    forwardRefuses("cDesc", rnn -> rnn.cDesc = cudnn.tensor(FLOAT, 2, 2, 4));
    backwardDataRefuses("hDesc", rnn -> rnn.hDesc = cudnn.tensor(FLOAT, 4, 3, 4));
    backwardWeightsRefuses("hDesc", rnn -> rnn.hDesc = NONE);
  }

  @Test
  void shortSequencesNeedPaddedInput() {
    forwardRefuses(
        "CUDNN_RNN_PADDED_IO_ENABLED",
        rnn -> succeed(RawRnn.set(rnn.rnn, rnn.setup, NONE, Cudnn.CUDNN_RNN_PADDED_IO_DISABLED())));
    var equal = new RawRnn(cudnn, Setup.lstm(FLOAT).sequences(UNPACKED, 3, 3, 3));
    succeed(RawRnn.set(equal.rnn, equal.setup, NONE, Cudnn.CUDNN_RNN_PADDED_IO_DISABLED()));
    succeed(equal.forward());
  }

  @Test
  void theHostDeviceKnowsItsMemory() {
    assumeTrue(RawCudnn.onHost());
    forwardRefuses("x:", rnn -> rnn.x = MemorySegment.ofAddress(rnn.x.address() + Float.BYTES));
    forwardRefuses("x at", rnn -> rnn.x = MemorySegment.ofAddress(rnn.x.address() + 2));
    forwardRefuses("weightSpace:", rnn -> rnn.weightBytes += 1 << 20);
    forwardRefuses("hx:", rnn -> rnn.hx = cudnn.arena.allocate(1024));
    forwardRefuses("hx and hy overlap", rnn -> rnn.hy = rnn.hx);
    backwardDataRefuses("dhy and dhx overlap", rnn -> rnn.dhx = rnn.dhy);
    backwardDataRefuses("dx is NULL", rnn -> rnn.dx = NONE);
    var freed = lstm();
    var out = cudnn.arena.allocate(8);
    assertEquals(Cudart.cudaSuccess(), Cudart.cudaMalloc(out, freed.workBytes));
    freed.work = out.get(NativeTypes.C_POINTER, 0);
    assertEquals(Cudart.cudaSuccess(), Cudart.cudaFree(freed.work));
    refused(freed, "workSpace:", freed::forward, rnn -> {});
  }

  @Test
  void anEmptySequenceIsNotComputed() {
    assumeTrue(RawCudnn.onHost());
    forwardRefuses(
        "length 0", rnn -> rnn.xDesc = RawRnn.sequences(cudnn, FLOAT, UNPACKED, 3, 5, NONE, 3, 0));
  }

  @Test
  void whatTheHostDeviceLacksIsRefusedByEveryCallThatNeedsIt() {
    assumeTrue(RawCudnn.onHost());
    var rnn = lstm();
    int padded = Cudnn.CUDNN_RNN_PADDED_IO_ENABLED();
    succeed(RawRnn.set(rnn.rnn, rnn.setup.skipsInput(true), NONE, padded));
    var out = cudnn.arena.allocate(8);
    assertCategory(UNSUPPORTED, rnn.spaces(out, out));
    assertCategory(UNSUPPORTED, Cudnn.cudnnGetRNNWeightSpaceSize(rnn.handle, rnn.rnn, out));
    assertCategory(UNSUPPORTED, rnn.forward());
    assertEquals("skip input needs inputSize 5 to be hiddenSize 4", lastError());
  }

  @Test
  void clippingMeansNothingToOtherCells() {
    // Other cells have no cell state that could be clipped.
    var gru = new RawRnn(cudnn, Setup.lstm(FLOAT).cell(Cudnn.CUDNN_GRU()));
    succeed(Cudnn.cudnnRNNSetClip_v9(gru.rnn, Cudnn.CUDNN_RNN_CLIP_MINMAX(), -1, 1));
    succeed(gru.forward());
  }

  @Test
  void inferenceNeedsNoReserveAndGivesTheOutputsOfTraining() {
    var rnn = lstm();
    succeed(rnn.forward());
    var trained = rnn.read(rnn.y, rnn.setup.outputElements());
    rnn.forwardMode = Cudnn.CUDNN_FWD_MODE_INFERENCE();
    assertEquals(0, cudnn.size(out -> rnn.spaces(NONE, out)));
    rnn.workBytes = cudnn.size(out -> rnn.spaces(out, NONE));
    rnn.work = cudnn.allocate(rnn.workBytes);
    rnn.reserve = NONE;
    rnn.reserveBytes = 0;
    succeed(rnn.forward());
    assertArrayEquals(trained, rnn.read(rnn.y, rnn.setup.outputElements()), 1e-6);
  }

  @Test
  void spacesHaveSizesOfTheirOwn() {
    assumeTrue(RawCudnn.onHost());
    var rnn = lstm();
    assertTrue(rnn.workBytes > 0 && rnn.reserveBytes > 0 && rnn.workBytes != rnn.reserveBytes);
  }

  @Test
  void absentInitialStatesAreZeros() {
    var rnn = lstm();
    int states = rnn.setup.stateElements();
    cudnn.write(rnn.hx, FLOAT, new double[states]);
    cudnn.write(rnn.cx, FLOAT, new double[states]);
    succeed(rnn.forward());
    var expected = rnn.read(rnn.y, rnn.setup.outputElements());
    rnn.hx = NONE;
    rnn.cx = NONE;
    rnn.hy = NONE;
    rnn.cy = NONE;
    succeed(rnn.forward());
    assertArrayEquals(expected, rnn.read(rnn.y, rnn.setup.outputElements()));
    rnn.dhx = NONE;
    rnn.dhy = NONE;
    rnn.dcx = NONE;
    rnn.dcy = NONE;
    rnn.hDesc = NONE;
    rnn.cDesc = NONE;
    succeed(rnn.backwardData());
  }

  @Test
  void thePaddingOfOutputsIsFilledOrLeftAlone() {
    var setup = Setup.lstm(FLOAT);
    var filled = new RawRnn(cudnn, setup, NONE, cudnn.scalar(FLOAT, 7));
    cudnn.write(filled.y, FLOAT, new double[setup.outputElements()]);
    succeed(filled.forward());
    // Row 1 has one step of three: its last two are padding.
    int vector = setup.hidden() * setup.directions();
    for (int t = 1; t < 3; t++) {
      int from = (t * setup.batch() + 1) * vector;
      double[] padding =
          Arrays.copyOfRange(filled.read(filled.y, setup.outputElements()), from, from + vector);
      assertTrue(Arrays.stream(padding).allMatch(v -> v == 7), () -> Arrays.toString(padding));
    }
  }

  @Test
  void thePaddingOfInputsIsNotRead() {
    var setup = Setup.lstm(FLOAT);
    var rnn = new RawRnn(cudnn, setup);
    succeed(rnn.forward());
    var expected = rnn.read(rnn.y, setup.outputElements());
    var inputs = rnn.read(rnn.x, setup.inputElements());
    for (int t = 1; t < 3; t++) {
      int from = (t * setup.batch() + 1) * setup.input();
      Arrays.fill(inputs, from, from + setup.input(), Double.NaN);
    }
    cudnn.write(rnn.x, FLOAT, inputs);
    succeed(rnn.forward());
    assertArrayEquals(expected, rnn.read(rnn.y, setup.outputElements()));
  }

  @Test
  void weightGradientsAreAdded() {
    var rnn = new RawRnn(cudnn, Setup.lstm(DOUBLE));
    int count = rnn.weightElements();
    var before = rnn.read(rnn.gradients, count);
    train(rnn);
    var after = rnn.read(rnn.gradients, count);
    cudnn.write(rnn.gradients, DOUBLE, new double[count]);
    train(rnn);
    var alone = rnn.read(rnn.gradients, count);
    for (int i = 0; i < count; i++) {
      assertEquals(before[i] + alone[i], after[i], 1e-12, "element " + i);
    }
  }

  @Test
  void weightGradientsAreOverwrittenOnTheHostDeviceWhenAsked() {
    assumeTrue(RawCudnn.onHost());
    var rnn = lstm();
    int count = rnn.weightElements();
    cudnn.write(rnn.gradients, FLOAT, new double[count]);
    train(rnn);
    var added = rnn.read(rnn.gradients, count);
    var garbage = new double[count];
    Arrays.fill(garbage, Double.NaN);
    cudnn.write(rnn.gradients, FLOAT, garbage);
    rnn.gradientMode = Cudnn.CUDNN_WGRAD_MODE_SET();
    train(rnn);
    assertArrayEquals(added, rnn.read(rnn.gradients, count));
  }

  private static void train(RawRnn rnn) {
    succeed(rnn.forward());
    succeed(rnn.backwardData());
    succeed(rnn.backwardWeights());
  }

  @Test
  void backwardDataConsumesTheReserve() {
    assumeTrue(RawCudnn.onHost());
    var rnn = new RawRnn(cudnn, Setup.lstm(DOUBLE));
    succeed(rnn.forward());
    byte[] kept = cudnn.readBytes(rnn.reserve, rnn.reserveBytes);
    succeed(rnn.backwardData());
    var first = rnn.read(rnn.dx, rnn.setup.inputElements());
    assertFalse(Arrays.equals(kept, cudnn.readBytes(rnn.reserve, rnn.reserveBytes)));
    succeed(rnn.backwardData());
    assertFalse(Arrays.equals(first, rnn.read(rnn.dx, rnn.setup.inputElements())));
  }

  @Test
  void theWorkspaceKeepsNothing() {
    assumeTrue(RawCudnn.onHost());
    var rnn = lstm();
    rnn.workBytes += 1 << 16;
    rnn.work = cudnn.allocate(rnn.workBytes);
    cudnn.write(rnn.work, FLOAT, new double[(int) (rnn.workBytes / Float.BYTES)]);
    succeed(rnn.forward());
    // Far behind what the call itself needs there is poison, where zeros had been written.
    var words = rnn.read(rnn.work, (int) (rnn.workBytes / Float.BYTES));
    assertTrue(Arrays.stream(words).skip(words.length / 2).anyMatch(Double::isNaN));
  }

  @Test
  void changingADescriptorDoesNotReachQueuedWork() {
    var rnn = lstm();
    succeed(rnn.forward());
    var expected = rnn.read(rnn.y, rnn.setup.outputElements());
    cudnn.write(rnn.y, FLOAT, new double[rnn.setup.outputElements()]);
    succeed(rnn.forward());
    for (var desc : new MemorySegment[] {rnn.xDesc, rnn.yDesc}) {
      succeed(Cudnn.cudnnSetRNNDataDescriptor(desc, FLOAT, UNPACKED, 1, 1, 1, cudnn.ints(1), NONE));
    }
    succeed(RawRnn.set(rnn.rnn, rnn.setup.cell(Cudnn.CUDNN_GRU()), NONE, 1));
    assertArrayEquals(expected, rnn.read(rnn.y, rnn.setup.outputElements()));
  }
}
