package io.github.cudnn4j.host;

import static io.github.cudnn4j.host.RawCudnn.assertCategory;
import static io.github.cudnn4j.host.RawCudnn.lastError;
import static io.github.cudnn4j.host.RawCudnn.succeed;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.cudnn4j.bindings.Cudnn;
import io.github.cudnn4j.host.RawRnn.Setup;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What the persistent algorithms compute and what they refuse. */
class RnnAlgorithmTest {
  private static final int FLOAT = Cudnn.CUDNN_DATA_FLOAT();
  private static final int DYNAMIC = Cudnn.CUDNN_RNN_ALGO_PERSIST_DYNAMIC();
  private static final List<Integer> PERSISTENT =
      List.of(
          Cudnn.CUDNN_RNN_ALGO_PERSIST_STATIC(),
          DYNAMIC,
          Cudnn.CUDNN_RNN_ALGO_PERSIST_STATIC_SMALL_H());
  private static final int UNPACKED = Cudnn.CUDNN_RNN_DATA_LAYOUT_SEQ_MAJOR_UNPACKED();
  private static final int PACKED = Cudnn.CUDNN_RNN_DATA_LAYOUT_SEQ_MAJOR_PACKED();
  private static final int BAD = Cudnn.CUDNN_STATUS_BAD_PARAM();
  private static final int UNSUPPORTED = Cudnn.CUDNN_STATUS_NOT_SUPPORTED();

  private RawCudnn cudnn;

  @BeforeEach
  void open() {
    cudnn = new RawCudnn();
  }

  @AfterEach
  void close() {
    cudnn.close();
  }

  private static int build(RawRnn rnn, int batch) {
    return Cudnn.cudnnBuildRNNDynamic(rnn.handle, rnn.rnn, batch);
  }

  private RawRnn equalLengths(int algorithm) {
    return new RawRnn(cudnn, Setup.lstm(FLOAT).algorithm(algorithm).sequences(UNPACKED, 3, 3, 3));
  }

  @Test
  void onTheHostDeviceTheyGiveTheBitsOfTheStandardOne() {
    assumeTrue(RawCudnn.onHost(), "on a GPU they sum in another order, where they run at all");
    for (int type :
        new int[] {
          FLOAT, Cudnn.CUDNN_DATA_DOUBLE(), Cudnn.CUDNN_DATA_HALF(), Cudnn.CUDNN_DATA_BFLOAT16()
        }) {
      for (int layout : new int[] {UNPACKED, PACKED}) {
        var setup = Setup.lstm(type).sequences(layout, 3, 3, 3);
        var standard = new RawRnn(cudnn, setup);
        train(standard);
        for (int algorithm : PERSISTENT) {
          if (type == Cudnn.CUDNN_DATA_DOUBLE() && algorithm != DYNAMIC) {
            continue;
          }
          var persistent = new RawRnn(cudnn, setup.algorithm(algorithm));
          succeed(build(persistent, 2));
          train(persistent);
          for (var buffer : RawRnn.Buffer.RESULTS) {
            assertArrayEquals(
                standard.read(buffer),
                persistent.read(buffer),
                () -> persistent.setup + ": " + buffer);
          }
        }
      }
    }
  }

  private static void train(RawRnn rnn) {
    succeed(rnn.forward());
    succeed(rnn.backwardData());
    succeed(rnn.backwardWeights());
  }

  @Test
  void theyRefuseSequencesOfSeveralLengths() {
    for (int algorithm : PERSISTENT) {
      for (int layout : new int[] {UNPACKED, PACKED}) {
        var rnn = equalLengths(algorithm);
        succeed(build(rnn, 2));
        for (boolean input : new boolean[] {true, false}) {
          int width = input ? rnn.setup.input() : rnn.setup.hidden() * rnn.setup.directions();
          var data = RawRnn.sequences(cudnn, FLOAT, layout, 3, width, MemorySegment.NULL, 3, 1);
          rnn.xDesc = input ? data : rnn.xDesc;
          rnn.yDesc = input ? rnn.yDesc : data;
        }
        assertCategory(UNSUPPORTED, rnn.forward());
        assertCategory(UNSUPPORTED, rnn.backwardData());
        assertCategory(UNSUPPORTED, rnn.backwardWeights());
        if (RawCudnn.onHost()) {
          assertTrue(lastError().contains("yDesc has a sequence of length 1"));
          var out = cudnn.arena.allocate(16);
          succeed(rnn.spaces(out, out.asSlice(8)));
        }
      }
    }
  }

  @Test
  void theStaticOnesHaveKernelsForSomeSizes() {
    assumeTrue(RawCudnn.onHost(), "for which ones depends on the GPU");
    int[][] mostOfSmallCells = {{1, 2560}, {3, 384}};
    int[][] mostOfGatedCells = {{1, 1536}, {3, 192}};
    for (int[] limit : mostOfSmallCells) {
      assertMostHidden(Cudnn.CUDNN_RNN_TANH(), limit[0], limit[1]);
    }
    for (int[] limit : mostOfGatedCells) {
      assertMostHidden(Cudnn.CUDNN_GRU(), limit[0], limit[1]);
    }
  }

  private void assertMostHidden(int cell, int algorithm, int most) {
    var rnn = RawRnn.descriptor(cudnn);
    var x = RawRnn.sequences(cudnn, FLOAT, UNPACKED, 3, 5, MemorySegment.NULL, 3, 3);
    var out = cudnn.arena.allocate(16);
    for (int hidden : new int[] {most, most + 1}) {
      var setup = Setup.lstm(FLOAT).cell(cell).algorithm(algorithm).sizes(5, hidden, hidden);
      succeed(RawRnn.set(rnn, setup, MemorySegment.NULL, 1));
      assertCategory(
          hidden == most ? Cudnn.CUDNN_STATUS_SUCCESS() : UNSUPPORTED,
          Cudnn.cudnnGetRNNTempSpaceSizes(cudnn.handle, rnn, 1, x, out, out.asSlice(8)));
    }
  }

  @Test
  void theDynamicOneIsBuiltForOneSizeOfBatch() {
    var rnn = equalLengths(DYNAMIC);
    // A descriptor that is set again is not built any more.
    succeed(
        RawRnn.set(rnn.rnn, rnn.setup, MemorySegment.NULL, Cudnn.CUDNN_RNN_PADDED_IO_ENABLED()));
    allCallsRefuse(rnn, "no cudnnBuildRNNDynamic");
    assertCategory(BAD, build(rnn, 0));
    allCallsRefuse(rnn, "no cudnnBuildRNNDynamic");
    succeed(build(rnn, 5));
    allCallsRefuse(rnn, "cudnnBuildRNNDynamic was called for miniBatch 5");
    succeed(build(rnn, 2));
    train(rnn);
    // Setting the descriptor again takes the kernels away.
    succeed(RawRnn.set(rnn.rnn, rnn.setup, MemorySegment.NULL, 1));
    allCallsRefuse(rnn, "no cudnnBuildRNNDynamic");
  }

  private static void allCallsRefuse(RawRnn rnn, String why) {
    for (int status : new int[] {rnn.forward(), rnn.backwardData(), rnn.backwardWeights()}) {
      assertCategory(BAD, status);
    }
    String text = lastError();
    assertTrue(!RawCudnn.onHost() || text.contains(why), text);
  }

  @Test
  void onlyTheDynamicOneNeedsToBeBuilt() {
    for (int algorithm :
        new int[] {
          Cudnn.CUDNN_RNN_ALGO_STANDARD(),
          Cudnn.CUDNN_RNN_ALGO_PERSIST_STATIC(),
          Cudnn.CUDNN_RNN_ALGO_PERSIST_STATIC_SMALL_H()
        }) {
      assumeTrue(RawCudnn.onHost(), "whether a static one runs a shape depends on the GPU");
      var rnn = equalLengths(algorithm);
      succeed(rnn.forward());
      succeed(build(rnn, 7));
      succeed(rnn.forward());
    }
  }
}
