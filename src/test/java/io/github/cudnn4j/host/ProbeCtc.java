package io.github.cudnn4j.host;

import static io.github.cudnn4j.host.RawCudnn.succeed;

import io.github.cudnn4j.bindings.Cudnn;
import io.github.cudnn4j.host.ProbeQuestion.Answer;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * Questions about the CTC loss: what it writes where no alignment passes.
 *
 * <p>The recording is that of an RTX 3060 in pantheongpu/pantheonsim,
 * nvidia/tests/conformance/golden/cudnn_backward.rtx3060.txt: of each array the sum of the
 * magnitudes, that of the squares, and that of the magnitudes each times 1 + i mod 7.
 */
final class ProbeCtc {
  private static final int FLOAT = Cudnn.CUDNN_DATA_FLOAT();
  private static final int NONE = Cudnn.CUDNN_LOSS_NORMALIZATION_NONE();
  private static final int SOFTMAX = Cudnn.CUDNN_LOSS_NORMALIZATION_SOFTMAX();
  private static final int ZERO = Cudnn.CUDNN_CTC_ZERO_OOB_GRADIENTS();
  private static final int SKIP = Cudnn.CUDNN_CTC_SKIP_OOB_GRADIENTS();
  private static final int MAX_LABELS = 8;

  /** More than the sums of two orders of addition differ by. */
  private static final double TOLERANCE = 2e-6;

  static final List<ProbeQuestion> QUESTIONS =
      List.of(
          new ProbeQuestion(
              "ctc-recording",
              "Does the CTC loss give the sums that were recorded on an RTX 3060?",
              "all of them",
              ProbeCtc::recorded),
          new ProbeQuestion(
              "ctc-unused-symbols",
              "Without a softmax, what gradient has a symbol that no alignment takes?",
              "its probability",
              ProbeCtc::unusedSymbols),
          new ProbeQuestion(
              "ctc-probability-zero",
              "And a symbol of the labels whose probability is 0?",
              "0.0",
              ProbeCtc::probabilityOfZero),
          new ProbeQuestion(
              "ctc-zeroed-steps",
              "Which steps of a sequence without an alignment are set to zero, of 2, 3 and 4?",
              "3: those of the longest sequence",
              ProbeCtc::zeroedSteps));

  private ProbeCtc() {}

  /** Costs and gradients. */
  private record Result(double[] costs, double[] gradients) {}

  /** A batch of the CTC loss: shape [T, N, A], labels and lengths. */
  private record Batch(
      int time, int symbols, int[] labels, int[] labelLengths, int[] inputLengths) {

    int elements() {
      return time * inputLengths.length * symbols;
    }

    /** Computes with labels on the host, or on the device, over gradients that were there. */
    Result run(
        RawCudnn cudnn, int normalization, int mode, double[] x, double[] before, boolean onHost) {
      int sequences = inputLengths.length;
      var desc =
          cudnn.create(Cudnn::cudnnCreateCTCLossDescriptor, Cudnn::cudnnDestroyCTCLossDescriptor);
      succeed(Cudnn.cudnnSetCTCLossDescriptor_v9(desc, FLOAT, normalization, mode, MAX_LABELS));
      var tensor = cudnn.tensor(FLOAT, time, sequences, symbols);
      var probs = cudnn.upload(FLOAT, x);
      var costs = cudnn.allocate(sequences * 4L);
      var gradients = cudnn.upload(FLOAT, before);
      int deterministic = Cudnn.CUDNN_CTC_LOSS_ALGO_DETERMINISTIC();
      if (onHost) {
        var labels = cudnn.ints(this.labels);
        var lengths = cudnn.ints(labelLengths);
        var steps = cudnn.ints(inputLengths);
        long bytes =
            cudnn.size(
                out ->
                    Cudnn.cudnnGetCTCLossWorkspaceSize(
                        cudnn.handle,
                        tensor,
                        tensor,
                        labels,
                        lengths,
                        steps,
                        deterministic,
                        desc,
                        out));
        succeed(
            Cudnn.cudnnCTCLoss(
                cudnn.handle,
                tensor,
                probs,
                labels,
                lengths,
                steps,
                costs,
                tensor,
                gradients,
                deterministic,
                desc,
                cudnn.allocate(Math.max(1, bytes)),
                bytes));
      } else {
        int other = Cudnn.CUDNN_CTC_LOSS_ALGO_NON_DETERMINISTIC();
        long bytes =
            cudnn.size(
                out ->
                    Cudnn.cudnnGetCTCLossWorkspaceSize_v8(
                        cudnn.handle, other, desc, tensor, tensor, out));
        succeed(
            Cudnn.cudnnCTCLoss_v8(
                cudnn.handle,
                other,
                desc,
                tensor,
                probs,
                uploaded(cudnn, labels),
                uploaded(cudnn, labelLengths),
                uploaded(cudnn, inputLengths),
                costs,
                tensor,
                gradients,
                bytes,
                cudnn.allocate(Math.max(1, bytes))));
      }
      return new Result(
          cudnn.read(costs, FLOAT, sequences), cudnn.read(gradients, FLOAT, elements()));
    }

    private static MemorySegment uploaded(RawCudnn cudnn, int[] values) {
      // The same bits: no int here is that of a NaN.
      return cudnn.upload(
          FLOAT, Arrays.stream(values).mapToDouble(Float::intBitsToFloat).toArray());
    }
  }

  /** The numbers of the recorded program, in FLOAT as it computes them. */
  private static double[] wave(int count, float scale, int first) {
    var values = new double[count];
    for (int i = 0; i < count; i++) {
      int at = first + i;
      values[i] = scale * (float) Math.sin(0.7f * at + 0.3f) + 0.1f * (at % 5) - 0.2f;
    }
    return values;
  }

  private static double[] softmax(double[] x, int columns) {
    var p = new double[x.length];
    for (int row = 0; row < x.length; row += columns) {
      double sum = 0;
      for (int i = row; i < row + columns; i++) {
        sum += Math.exp(x[i]);
      }
      for (int i = row; i < row + columns; i++) {
        p[i] = Math.exp(x[i]) / sum;
      }
    }
    return p;
  }

  private static Answer recorded(RawCudnn cudnn) {
    var batch =
        new Batch(6, 5, new int[] {1, 2, 2, 4, 3, 1, 4}, new int[] {3, 1, 3}, new int[] {6, 5, 4});
    // "2 2 3" needs a blank between its first two, and has three steps.
    var infeasible =
        new Batch(6, 5, new int[] {2, 2, 3, 4, 1}, new int[] {3, 1, 1}, new int[] {3, 5, 4});
    double[] x = wave(batch.elements(), 1.5f, 0);
    double[] before = wave(batch.elements(), 0.25f, 3);
    double[] costs = {1.977916e+01, 1.349740e+02, 3.817448e+01};
    double[] gradients = {2.097840e+01, 7.951093e+00, 8.729148e+01};
    double[] infeasibleCosts = {1.004244e+01, 5.042606e+01, 2.508593e+01};
    var differences = new ArrayList<String>();
    compare(
        "softmax", differences, batch.run(cudnn, SOFTMAX, ZERO, x, before, true), costs, gradients);
    compare(
        "device labels",
        differences,
        batch.run(cudnn, SOFTMAX, ZERO, x, before, false),
        costs,
        gradients);
    compare(
        "no softmax",
        differences,
        batch.run(cudnn, NONE, ZERO, softmax(x, batch.symbols), before, true),
        costs,
        1.321312e+02,
        9.337207e+02,
        6.115061e+02);
    compare(
        "zeroed",
        differences,
        infeasible.run(cudnn, SOFTMAX, ZERO, x, before, true),
        infeasibleCosts,
        1.364087e+01,
        4.290095e+00,
        5.531271e+01);
    compare(
        "skipped",
        differences,
        infeasible.run(cudnn, SOFTMAX, SKIP, x, before, true),
        infeasibleCosts,
        1.852159e+01,
        5.685473e+00,
        7.591901e+01);
    return differences.isEmpty()
        ? new Answer("all of them")
        : new Answer("others", String.join("; ", differences));
  }

  private static void compare(
      String name, List<String> differences, Result result, double[] costs, double... gradients) {
    compare(name + " costs", differences, result.costs, costs);
    compare(name + " gradients", differences, result.gradients, gradients);
  }

  private static void compare(
      String name, List<String> differences, double[] values, double[] expected) {
    var sums = new double[3];
    for (int i = 0; i < values.length; i++) {
      double magnitude = Math.abs(values[i]);
      sums[0] += magnitude;
      sums[1] += magnitude * magnitude;
      sums[2] += magnitude * (1 + i % 7);
    }
    for (int i = 0; i < sums.length; i++) {
      if (!(Math.abs(sums[i] - expected[i]) <= TOLERANCE * expected[i])) {
        differences.add(
            String.format(Locale.ROOT, "%s %.6e instead of %.6e", name, sums[i], expected[i]));
      }
    }
  }

  private static Answer unusedSymbols(RawCudnn cudnn) {
    // The label "1" in one step: no alignment takes the blank or symbol 2.
    var batch = new Batch(1, 3, new int[] {1}, new int[] {1}, new int[] {1});
    double[] x = {0.25, 0.5, 0.25};
    double[] gradients = batch.run(cudnn, NONE, ZERO, x, new double[3], true).gradients;
    boolean as = gradients[0] == x[0] && gradients[2] == x[2];
    return new Answer(
        as && Math.abs(gradients[1] + 2) < 1e-5 ? "its probability" : "another",
        Arrays.toString(gradients));
  }

  private static Answer probabilityOfZero(RawCudnn cudnn) {
    // The label "1" in two steps: the alignment left is "1" and a blank.
    var batch = new Batch(2, 2, new int[] {1}, new int[] {1}, new int[] {2});
    double[] x = {0.5, 0.5, 0.75, 0};
    double[] gradients = batch.run(cudnn, NONE, ZERO, x, new double[4], true).gradients;
    return new Answer(String.valueOf(gradients[3]), Arrays.toString(gradients));
  }

  private static Answer zeroedSteps(RawCudnn cudnn) {
    var batch = new Batch(4, 2, new int[] {1, 1, 1}, new int[] {2, 1}, new int[] {2, 3});
    var before = new double[batch.elements()];
    Arrays.fill(before, 7);
    double[] gradients =
        batch.run(cudnn, SOFTMAX, ZERO, new double[before.length], before, true).gradients;
    int zeroed = 0;
    while (zeroed < batch.time && gradients[zeroed * 4] == 0) {
      zeroed++;
    }
    return new Answer(
        zeroed == 3 ? "3: those of the longest sequence" : zeroed + " of them",
        Arrays.toString(gradients));
  }
}
