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
import io.github.cudnn4j.host.RawRnn.Buffer;
import io.github.cudnn4j.host.RawRnn.Setup;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.function.Consumer;
import java.util.function.IntSupplier;
import java.util.stream.IntStream;
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
    forwardRefuses("weightSpace", rnn -> rnn.weights = NONE);
    forwardRefuses("workSpace", rnn -> rnn.work = NONE);
    forwardRefuses("reserveSpace", rnn -> rnn.reserve = NONE);
    backwardDataRefuses("reserveSpace", rnn -> rnn.reserve = NONE);
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
    forwardRefuses(
        "hDesc is not packed",
        rnn -> rnn.hDesc = cudnn.tensor(FLOAT, new int[] {4, 2, 4}, new int[] {16, 4, 1}));
    forwardRefuses("cDesc", rnn -> rnn.cDesc = cudnn.tensor(FLOAT, 2, 2, 4));
    backwardDataRefuses("hDesc", rnn -> rnn.hDesc = cudnn.tensor(FLOAT, 4, 3, 4));
    backwardWeightsRefuses("hDesc", rnn -> rnn.hDesc = NONE);
  }

  @Test
  void statesMayHaveMoreDimensions() {
    var rnn = lstm();
    rnn.hDesc = cudnn.tensor(FLOAT, 4, 2, 4, 1);
    rnn.cDesc = cudnn.tensor(FLOAT, 4, 2, 4, 1, 1);
    train(rnn);
  }

  @Test
  void everyCellNeedsTheDescriptorOfTheCellStatesItIsGiven() {
    for (int cell : new int[] {Cudnn.CUDNN_LSTM(), Cudnn.CUDNN_GRU(), Cudnn.CUDNN_RNN_TANH()}) {
      var rnn = new RawRnn(cudnn, Setup.lstm(FLOAT).cell(cell));
      var right = rnn.cDesc;
      rnn.cDesc = cudnn.tensor(FLOAT, 4, 2, 5);
      assertCategory(BAD, rnn.forward());
      rnn.cDesc = right;
      succeed(rnn.forward());
      rnn.cDesc = NONE;
      assertCategory(BAD, rnn.backwardData());
      rnn.dcx = NONE;
      rnn.dcy = NONE;
      succeed(rnn.backwardData());
    }
  }

  @Test
  void shortSequencesNeedPaddedInput() {
    forwardRefuses(
        "CUDNN_RNN_PADDED_IO_ENABLED",
        rnn -> succeed(RawRnn.set(rnn.rnn, rnn.setup, NONE, Cudnn.CUDNN_RNN_PADDED_IO_DISABLED())));
    var equal = new RawRnn(cudnn, Setup.lstm(FLOAT).sequences(UNPACKED, 3, 3, 3));
    succeed(RawRnn.set(equal.rnn, equal.setup, NONE, Cudnn.CUDNN_RNN_PADDED_IO_DISABLED()));
    succeed(equal.forward());
    var batchMajor =
        new RawRnn(
            cudnn,
            Setup.lstm(FLOAT)
                .sequences(Cudnn.CUDNN_RNN_DATA_LAYOUT_BATCH_MAJOR_UNPACKED(), 3, 3, 3));
    succeed(
        RawRnn.set(batchMajor.rnn, batchMajor.setup, NONE, Cudnn.CUDNN_RNN_PADDED_IO_DISABLED()));
    assertCategory(BAD, batchMajor.forward());
    assertCategory(BAD, batchMajor.backwardData());
    assertCategory(BAD, batchMajor.backwardWeights());
  }

  @Test
  void theHostDeviceKnowsItsMemory() {
    assumeTrue(RawCudnn.onHost());
    // On a GPU the kernels fault where these are NULL, which ends the process.
    forwardRefuses("x is NULL", rnn -> rnn.x = NONE);
    forwardRefuses("y is NULL", rnn -> rnn.y = NONE);
    backwardDataRefuses("dy is NULL", rnn -> rnn.dy = NONE);
    backwardDataRefuses("dx is NULL", rnn -> rnn.dx = NONE);
    backwardWeightsRefuses("x is NULL", rnn -> rnn.x = NONE);
    forwardRefuses("x:", rnn -> rnn.x = MemorySegment.ofAddress(rnn.x.address() + Float.BYTES));
    forwardRefuses("x at", rnn -> rnn.x = MemorySegment.ofAddress(rnn.x.address() + 2));
    forwardRefuses("weightSpace:", rnn -> rnn.weightBytes += 1 << 20);
    forwardRefuses("hx:", rnn -> rnn.hx = cudnn.arena.allocate(1024));
    forwardRefuses("hx and hy overlap", rnn -> rnn.hy = rnn.hx);
    backwardDataRefuses("dhy and dhx overlap", rnn -> rnn.dhx = rnn.dhy);
    var freed = lstm();
    var out = cudnn.arena.allocate(8);
    assertEquals(Cudart.cudaSuccess(), Cudart.cudaMalloc(out, freed.workBytes));
    freed.work = out.get(NativeTypes.C_POINTER, 0);
    assertEquals(Cudart.cudaSuccess(), Cudart.cudaFree(freed.work));
    refused(freed, "workSpace:", freed::forward, rnn -> {});
  }

  @Test
  void anEmptySequenceKeepsItsStates() {
    assumeTrue(RawCudnn.onHost(), "what a GPU computes of it is not known");
    int batchMajor = Cudnn.CUDNN_RNN_DATA_LAYOUT_BATCH_MAJOR_UNPACKED();
    for (int cell : new int[] {Cudnn.CUDNN_LSTM(), Cudnn.CUDNN_GRU()}) {
      for (int hidden : new int[] {4, 70}) {
        var setup = Setup.lstm(DOUBLE).cell(cell).sizes(5, hidden, hidden);
        for (int layout : new int[] {UNPACKED, batchMajor}) {
          for (int time : new int[] {1, 40}) {
            keepsStates(setup.sequences(layout, time, time, 0, Math.min(time, 2)), 1);
            keepsStates(setup.sequences(layout, time, 0, 0, 0), 0);
          }
        }
      }
    }
  }

  /** Trains, and looks at a row of length 0. */
  private void keepsStates(Setup setup, int row) {
    var rnn = new RawRnn(cudnn, setup);
    train(rnn);
    assertArrayEquals(rows(rnn, Buffer.HX, row), rows(rnn, Buffer.HY, row), setup::toString);
    assertArrayEquals(rows(rnn, Buffer.DHY, row), rows(rnn, Buffer.DHX, row), setup::toString);
    for (var buffer : Buffer.RESULTS) {
      assertTrue(Arrays.stream(rnn.read(buffer)).allMatch(Double::isFinite), setup::toString);
    }
  }

  /** What a state has of one sequence. */
  private static double[] rows(RawRnn rnn, Buffer buffer, int row) {
    double[] all = rnn.read(buffer);
    int width = rnn.setup.hidden();
    int batch = rnn.setup.batch();
    return IntStream.range(0, all.length)
        .filter(i -> i / width % batch == row)
        .mapToDouble(i -> all[i])
        .toArray();
  }

  @Test
  void forwardRefusesASkippedInputOfAnotherSize() {
    var rnn = lstm();
    int padded = Cudnn.CUDNN_RNN_PADDED_IO_ENABLED();
    succeed(RawRnn.set(rnn.rnn, rnn.setup.skipsInput(true), NONE, padded));
    var out = cudnn.arena.allocate(16);
    succeed(rnn.spaces(out, out.asSlice(8)));
    succeed(Cudnn.cudnnGetRNNWeightSpaceSize(rnn.handle, rnn.rnn, out));
    refused(rnn, "skip input needs inputSize 5 to be hiddenSize 4", rnn::forward, _ -> {});
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
    // The workspace of training is large enough.
    assertTrue(cudnn.size(out -> rnn.spaces(out, NONE)) <= rnn.workBytes);
    rnn.reserve = NONE;
    rnn.reserveBytes = 0;
    succeed(rnn.forward());
    assertArrayEquals(trained, rnn.read(rnn.y, rnn.setup.outputElements()), 1e-6);
  }

  /** Programs give the workspace of training to inference. */
  @Test
  void inferenceNeedsNoMoreWorkspaceThanTraining() {
    var rnn = RawRnn.descriptor(cudnn);
    var data =
        cudnn.create(Cudnn::cudnnCreateRNNDataDescriptor, Cudnn::cudnnDestroyRNNDataDescriptor);
    var none = cudnn.arena.allocate(NativeTypes.C_LONG);
    var out = cudnn.arena.allocate(NativeTypes.C_LONG);
    for (int type : new int[] {FLOAT, DOUBLE, Cudnn.CUDNN_DATA_HALF()}) {
      for (int cell = 0; cell < 4; cell++) {
        for (int layers = 1; layers <= 3; layers++) {
          for (int hidden : new int[] {1, 24, 200}) {
            for (boolean bidirectional : new boolean[] {false, true}) {
              var setup =
                  Setup.lstm(type)
                      .cell(cell)
                      .layers(layers, bidirectional)
                      .sizes(7, hidden, hidden);
              succeed(RawRnn.set(rnn, setup, NONE, Cudnn.CUDNN_RNN_PADDED_IO_ENABLED()));
              for (int layout = 0; layout < 3; layout++) {
                for (int[] lengths : new int[][] {{1}, {50}, {1, 1, 1, 1}, {50, 50}, {50, 7, 1}}) {
                  var rows = cudnn.ints(lengths);
                  succeed(
                      Cudnn.cudnnSetRNNDataDescriptor(
                          data, type, layout, lengths[0], lengths.length, 7, rows, NONE));
                  long[] sizes = new long[2];
                  for (int mode = 0; mode < 2; mode++) {
                    succeed(
                        Cudnn.cudnnGetRNNTempSpaceSizes(cudnn.handle, rnn, mode, data, out, none));
                    sizes[mode] = out.get(NativeTypes.C_LONG, 0);
                  }
                  assertTrue(
                      sizes[0] <= sizes[1],
                      () -> sizes[0] + " > " + sizes[1] + ": " + setup + Arrays.toString(lengths));
                }
              }
            }
          }
        }
      }
    }
  }

  @Test
  void anUnknownForwardModeIsInference() {
    assumeTrue(RawCudnn.onHost(), "what a GPU computes then is not known");
    var rnn = lstm();
    rnn.reserve = NONE;
    rnn.reserveBytes = 0;
    rnn.forwardMode = 2;
    succeed(rnn.forward());
    var out = cudnn.arena.allocate(16);
    assertCategory(BAD, rnn.spaces(out, out.asSlice(8)));
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
    rnn.hDesc = NONE;
    rnn.cDesc = NONE;
    succeed(rnn.forward());
    assertArrayEquals(expected, rnn.read(rnn.y, rnn.setup.outputElements()));
    rnn.dhx = NONE;
    rnn.dhy = NONE;
    rnn.dcx = NONE;
    rnn.dcy = NONE;
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
  void weightGradientsAreNeverOverwritten() {
    var rnn = lstm();
    train(rnn);
    rnn.gradientMode = Cudnn.CUDNN_WGRAD_MODE_SET();
    assertCategory(UNSUPPORTED, rnn.backwardWeights());
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

  /** What is behind the workspace and the reserve belongs to others. */
  @Test
  void noCallWritesBehindItsSpaces() {
    for (int type : new int[] {FLOAT, DOUBLE, Cudnn.CUDNN_DATA_HALF()}) {
      var any = Setup.lstm(type);
      // Of an input so wide the weights' gradients need the most room.
      staysWithin(any.layers(1, false).sizes(2500, 8, 8).sequences(UNPACKED, 100, 100));
      staysWithin(any.layers(3, false).sizes(7, 40, 20).sequences(UNPACKED, 40, 40));
      staysWithin(
          any.cell(Cudnn.CUDNN_GRU())
              .layers(2, true)
              .sizes(9, 20, 20)
              .sequences(UNPACKED, 8, 8, 3));
    }
  }

  private void staysWithin(Setup setup) {
    var rnn = new RawRnn(cudnn, setup);
    var guard = new byte[1 << 12];
    rnn.work = guarded(rnn.workBytes, guard.length);
    rnn.reserve = guarded(rnn.reserveBytes, guard.length);
    succeed(rnn.forward());
    succeed(rnn.backwardData());
    succeed(rnn.backwardWeights());
    for (long end :
        new long[] {rnn.work.address() + rnn.workBytes, rnn.reserve.address() + rnn.reserveBytes}) {
      assertArrayEquals(guard, cudnn.readBytes(MemorySegment.ofAddress(end), guard.length));
    }
  }

  private MemorySegment guarded(long bytes, int more) {
    var memory = cudnn.allocate(bytes + more);
    assertEquals(Cudart.cudaSuccess(), Cudart.cudaMemset(memory, 0, bytes + more));
    return memory;
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
