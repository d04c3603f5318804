package io.github.cudnn4j.host;

import static io.github.cudnn4j.host.RawCudnn.assertCategory;
import static io.github.cudnn4j.host.RawCudnn.lastError;
import static io.github.cudnn4j.host.RawCudnn.succeed;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cudnn4j.bindings.Cudart;
import io.github.cudnn4j.bindings.Cudnn;
import io.github.cudnn4j.library.HostMode;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The C functions of the CTC loss: their checks, and when they read what. */
class CtcLossTest extends HostDeviceTest {
  private static final int FLOAT = Cudnn.CUDNN_DATA_FLOAT();
  private static final int BAD = Cudnn.CUDNN_STATUS_BAD_PARAM();
  private static final int UNSUPPORTED = Cudnn.CUDNN_STATUS_NOT_SUPPORTED();
  private static final int DETERMINISTIC = Cudnn.CUDNN_CTC_LOSS_ALGO_DETERMINISTIC();
  private static final int SOFTMAX = Cudnn.CUDNN_LOSS_NORMALIZATION_SOFTMAX();
  private static final int T = 4;
  private static final int N = 2;
  private static final int A = 3;
  private static final int COUNT = T * N * A;

  private RawCudnn cudnn;
  private MemorySegment desc;
  private MemorySegment tensor;
  private MemorySegment x;
  private MemorySegment costs;
  private MemorySegment gradients;
  private MemorySegment work;
  private long workBytes;

  @BeforeEach
  void open() {
    cudnn = new RawCudnn();
    desc = cudnn.create(Cudnn::cudnnCreateCTCLossDescriptor, Cudnn::cudnnDestroyCTCLossDescriptor);
    set(FLOAT, SOFTMAX, Cudnn.CUDNN_CTC_ZERO_OOB_GRADIENTS(), 4);
    tensor = cudnn.tensor(FLOAT, T, N, A);
    x = cudnn.upload(FLOAT, new double[COUNT]);
    costs = cudnn.allocate(N * 4);
    double[] old = new double[COUNT];
    Arrays.fill(old, 7);
    gradients = cudnn.upload(FLOAT, old);
    workBytes = cudnn.size(out -> workspace(tensor, tensor, out));
    work = cudnn.allocate(workBytes);
  }

  @AfterEach
  void close() {
    if (cudnn != null) {
      cudnn.close();
    }
  }

  private void set(int type, int normalization, int mode, int maxLabels) {
    succeed(Cudnn.cudnnSetCTCLossDescriptor_v9(desc, type, normalization, mode, maxLabels));
  }

  private int workspace(MemorySegment probs, MemorySegment gradientsDesc, MemorySegment out) {
    return Cudnn.cudnnGetCTCLossWorkspaceSize_v8(
        cudnn.handle, DETERMINISTIC, desc, probs, gradientsDesc, out);
  }

  private MemorySegment upload(int... values) {
    var memory = cudnn.allocate(values.length * 4L);
    write(memory, values);
    return memory;
  }

  private void write(MemorySegment memory, int... values) {
    ok(
        Cudart.cudaMemcpy(
            memory, cudnn.ints(values), values.length * 4L, Cudart.cudaMemcpyHostToDevice()));
  }

  private int onDevice(MemorySegment labels, MemorySegment lengths, MemorySegment steps) {
    return Cudnn.cudnnCTCLoss_v8(
        cudnn.handle,
        DETERMINISTIC,
        desc,
        tensor,
        x,
        labels,
        lengths,
        steps,
        costs,
        tensor,
        gradients,
        workBytes,
        work);
  }

  private int onHost(MemorySegment labels, MemorySegment lengths, MemorySegment steps) {
    return Cudnn.cudnnCTCLoss(
        cudnn.handle,
        tensor,
        x,
        labels,
        lengths,
        steps,
        costs,
        tensor,
        gradients,
        DETERMINISTIC,
        desc,
        work,
        workBytes);
  }

  /** With all logits zero, every alignment is as likely: this many of 3^steps. */
  private void assertCost(int sequence, int alignments, int steps) {
    double expected = -Math.log(alignments / Math.pow(A, steps));
    assertEquals(expected, cudnn.read(costs, FLOAT, N)[sequence], 1e-6);
  }

  /** The gradients of a sequence, step by step. */
  private double[] gradients(int sequence, int from, int to) {
    var all = cudnn.read(gradients, FLOAT, COUNT);
    var part = new double[(to - from) * A];
    for (int t = from; t < to; t++) {
      System.arraycopy(all, (t * N + sequence) * A, part, (t - from) * A, A);
    }
    return part;
  }

  private static double[] filled(int count, double value) {
    var values = new double[count];
    Arrays.fill(values, value);
    return values;
  }

  @Test
  void labelsComeFromEitherMemory() {
    // "1" in 2 steps: 11, 1-, -1. "1 2" in 3 steps: 112, 122, 12-, 1-2, -12.
    succeed(onDevice(upload(1, 1, 2), upload(1, 2), upload(2, 3)));
    assertCost(0, 3, 2);
    assertCost(1, 5, 3);
    var first = cudnn.read(gradients, FLOAT, COUNT);
    succeed(onHost(cudnn.ints(1, 1, 2), cudnn.ints(1, 2), cudnn.ints(2, 3)));
    assertCost(0, 3, 2);
    assertCost(1, 5, 3);
    assertArrayEquals(first, cudnn.read(gradients, FLOAT, COUNT), "the same bits");
    assertArrayEquals(filled(2 * A, 7), gradients(0, 2, T), "steps behind the length are left");
  }

  @Test
  void hostLabelsAreReadAtTheCallAndDeviceLabelsWhenTheWorkRuns() {
    host.mode(HostMode.LAZY);
    var labels = cudnn.ints(1, 1, 2);
    succeed(onHost(labels, cudnn.ints(1, 2), cudnn.ints(2, 3)));
    labels.set(ValueLayout.JAVA_INT, 0, 99);
    assertCost(0, 3, 2);

    // Queued in the stream that the loss waits in: pageable memory would be copied at once.
    var steps = upload(2, 3);
    var longer = upload(4, 4);
    ok(Cudart.cudaMemcpyAsync(steps, longer, 8, Cudart.cudaMemcpyDeviceToDevice(), NULL));
    succeed(onDevice(upload(1, 1, 2), upload(1, 2), steps));
    assertCost(1, 15, 4);
  }

  @Test
  void sequencesWithoutAnAlignmentCostNothing() {
    // "1 1" needs three steps.
    succeed(onDevice(upload(1, 1, 2), upload(2, 1), upload(2, 1)));
    assertEquals(0, cudnn.read(costs, FLOAT, N)[0]);
    assertCost(1, 1, 1);
    assertArrayEquals(filled(2 * A, 0), gradients(0, 0, 2));
    assertArrayEquals(filled(2 * A, 7), gradients(0, 2, T), "behind the longest sequence");

    set(FLOAT, SOFTMAX, Cudnn.CUDNN_CTC_SKIP_OOB_GRADIENTS(), 4);
    cudnn.write(gradients, FLOAT, filled(COUNT, Double.NaN));
    succeed(onDevice(upload(1, 1, 2), upload(2, 1), upload(2, 1)));
    assertArrayEquals(filled(T * A, Double.NaN), gradients(0, 0, T), "kept, even if not finite");
  }

  @Test
  void noLabelsAndMoreLabelsThanStepsPass() {
    succeed(onHost(cudnn.ints(1, 2, 1), cudnn.ints(0, 3), cudnn.ints(2, 2)));
    assertCost(0, 1, 2);
    assertEquals(0, cudnn.read(costs, FLOAT, N)[1]);
    assertArrayEquals(filled(2 * A, 0), gradients(1, 0, 2));
    succeed(onDevice(upload(1, 2, 1), upload(0, 3), upload(2, 2)));
    assertCost(0, 1, 2);
  }

  @Test
  void deviceDataOutOfRangeGivesNaNAndNoCrash() {
    int[][][] damaged = {
      {{1, 3}, {1, 1}, {4, 4}, {1}},
      {{1, 0}, {1, 1}, {4, 4}, {1}},
      {{1, 1}, {1, 5}, {4, 4}, {1}},
      {{1, 1}, {1, -1}, {4, 4}, {1}},
      {{1, 1}, {1, 1}, {4, 5}, {1}},
      {{1, 1}, {1, 1}, {0, 4}, {0}},
      {{1}, {1, Integer.MIN_VALUE}, {4, Integer.MIN_VALUE}, {1}},
      {{1, 1}, {4, 4}, {4, 4}, {0, 1}},
    };
    for (int[][] call : damaged) {
      succeed(onDevice(upload(call[0]), upload(call[1]), upload(call[2])));
      for (int sequence : call[3]) {
        double cost = cudnn.read(costs, FLOAT, N)[sequence];
        assertTrue(Double.isNaN(cost), () -> Arrays.deepToString(call) + " costs " + cost);
      }
    }
  }

  @Test
  void costsAloneNeedNoGradients() {
    long small = cudnn.size(out -> workspace(tensor, MemorySegment.NULL, out));
    assertTrue(small < workBytes);
    succeed(
        Cudnn.cudnnCTCLoss_v8(
            cudnn.handle,
            Cudnn.CUDNN_CTC_LOSS_ALGO_NON_DETERMINISTIC(),
            desc,
            tensor,
            x,
            upload(1, 1, 2),
            upload(1, 2),
            upload(2, 3),
            costs,
            MemorySegment.NULL,
            MemorySegment.NULL,
            small,
            work));
    assertCost(0, 3, 2);
    assertCost(1, 5, 3);
  }

  @Test
  void stridesAreFollowed() {
    // [T, N, A] in memory that is [N, T, A].
    tensor = cudnn.tensor(FLOAT, new int[] {T, N, A}, new int[] {A, T * A, 1});
    cudnn.write(x, FLOAT, filled(T * A, -3));
    succeed(onDevice(upload(1, 1, 2), upload(1, 2), upload(2, 3)));
    assertCost(0, 3, 2);
    assertCost(1, 5, 3);
    assertEquals(7, cudnn.read(gradients, FLOAT, COUNT)[2 * A]);
    assertTrue(cudnn.read(gradients, FLOAT, COUNT)[T * A] != 7);
  }

  @Test
  void badArgumentsAreRefused() {
    var labels = cudnn.ints(1, 1, 2);
    var lengths = cudnn.ints(1, 2);
    var steps = cudnn.ints(2, 3);
    assertCategory(BAD, onHost(MemorySegment.NULL, lengths, steps));
    assertCategory(BAD, onHost(labels, lengths, cudnn.ints(2, 5)));
    assertEquals("inputLengths[1] is 5, not in [1, 4]", lastError());
    assertCategory(BAD, onHost(labels, cudnn.ints(1, 256), steps));
    assertEquals("labelLengths[1] is 256, not in [0, 255]", lastError());
    assertCategory(BAD, onHost(cudnn.ints(1, 3, 2), lengths, steps));
    assertEquals("labels[1] is 3, not in [1, 3)", lastError());
    assertCategory(BAD, onDevice(labels, upload(1, 2), upload(2, 3)));
    assertTrue(lastError().startsWith("labels: the 4 bytes at"));
    workBytes--;
    assertCategory(BAD, onDevice(upload(1, 1, 2), upload(1, 2), upload(2, 3)));
    assertTrue(lastError().startsWith("workSpaceSizeInBytes is"));
    workBytes++;
    gradients = x;
    assertCategory(BAD, onHost(labels, lengths, steps));
    assertEquals("probs and gradients overlap", lastError());

    var out = cudnn.ints(0, 0);
    var fourDimensions = cudnn.tensor(FLOAT, T, N, A, 1);
    assertCategory(BAD, workspace(fourDimensions, fourDimensions, out));
    assertCategory(BAD, workspace(tensor, cudnn.tensor(FLOAT, T, N, A + 1), out));
    var wide = cudnn.tensor(Cudnn.CUDNN_DATA_DOUBLE(), T, N, A);
    assertCategory(UNSUPPORTED, workspace(wide, wide, out));
    for (int most : new int[] {-1, 256}) {
      set(FLOAT, SOFTMAX, 0, most);
      assertCategory(UNSUPPORTED, workspace(tensor, tensor, out));
      assertEquals("maxLabelLength is %d, not in [0, 255]".formatted(most), lastError());
      assertCategory(BAD, onDevice(upload(1, 1, 2), upload(1, 2), upload(2, 3)));
    }
    assertCategory(
        UNSUPPORTED,
        Cudnn.cudnnGetCTCLossWorkspaceSize(
            cudnn.handle,
            tensor,
            tensor,
            labels,
            cudnn.ints(1, 256),
            steps,
            DETERMINISTIC,
            desc,
            out));
    set(FLOAT, SOFTMAX, 0, 255);
    assertEquals(0, workspace(tensor, tensor, out));
    set(Cudnn.CUDNN_DATA_DOUBLE(), SOFTMAX, 0, 4);
    assertCategory(UNSUPPORTED, workspace(tensor, tensor, out));
    assertCategory(
        UNSUPPORTED,
        Cudnn.cudnnGetCTCLossWorkspaceSize_v8(cudnn.handle, 2, desc, tensor, tensor, out));
  }
}
