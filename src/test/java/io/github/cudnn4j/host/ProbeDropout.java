package io.github.cudnn4j.host;

import static io.github.cudnn4j.host.ProbeNumbers.capture;
import static io.github.cudnn4j.host.ProbeNumbers.ok;
import static io.github.cudnn4j.host.ProbeNumbers.onStream;
import static io.github.cudnn4j.host.ProbeNumbers.synchronize;
import static io.github.cudnn4j.host.ProbeQuestion.outcome;
import static io.github.cudnn4j.host.ProbeQuestion.summary;
import static io.github.cudnn4j.host.RawCudnn.succeed;

import io.github.cudnn4j.bindings.Cudart;
import io.github.cudnn4j.bindings.Cudnn;
import io.github.cudnn4j.host.ProbeQuestion.Answer;
import io.github.cudnn4j.host.RawRnn.Buffer;
import io.github.cudnn4j.host.RawRnn.Setup;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;

/** Questions about dropout, between layers by a network that shows the masks it passes through. */
final class ProbeDropout {
  private static final int FLOAT = Cudnn.CUDNN_DATA_FLOAT();
  private static final int UNPACKED = Cudnn.CUDNN_RNN_DATA_LAYOUT_SEQ_MAJOR_UNPACKED();
  private static final int TIME = 3;
  private static final int BATCH = 4;
  private static final int HIDDEN = 32;
  private static final int DIRECTIONS = 2;

  static final List<ProbeQuestion> QUESTIONS =
      List.of(
          new ProbeQuestion(
              "dropout-masks",
              "What shares a decision of the dropout between layers?",
              "nothing: each step, sequence, element and upper direction has its own",
              ProbeDropout::sharing),
          new ProbeQuestion(
              "dropout-calls",
              "Does each training call draw new masks, and the same seed the same ones?",
              "new masks; same seed, same masks",
              ProbeDropout::calls),
          new ProbeQuestion(
              "dropout-replays",
              "Does each replay of a captured call draw new masks?",
              "new masks",
              ProbeDropout::replays),
          new ProbeQuestion(
              "dropout-types",
              "Of which element types is there a dropout without a network?",
              "FLOAT, DOUBLE, HALF: SUCCESS; BFLOAT16: NOT_SUPPORTED",
              ProbeDropout::types));

  private ProbeDropout() {}

  private static MemorySegment generator(RawCudnn cudnn) {
    var dropout =
        cudnn.create(Cudnn::cudnnCreateDropoutDescriptor, Cudnn::cudnnDestroyDropoutDescriptor);
    long bytes = cudnn.size(out -> Cudnn.cudnnDropoutGetStatesSize(cudnn.handle, out));
    var states = cudnn.allocate(bytes);
    succeed(Cudnn.cudnnSetDropoutDescriptor(dropout, cudnn.handle, 0.5f, states, bytes, 42));
    return dropout;
  }

  /**
   * Two ReLU layers of both directions. All outputs of the lower one are 1, and unit j of the upper
   * one is the sum of element j and twice element H + j of what the dropout lets through.
   */
  private static RawRnn network(RawCudnn cudnn) {
    var dropout = generator(cudnn);
    var setup =
        Setup.lstm(FLOAT)
            .cell(Cudnn.CUDNN_RNN_RELU())
            .sizes(HIDDEN, HIDDEN, HIDDEN)
            .sequences(UNPACKED, TIME, ProbeDescriptors.full(TIME, BATCH));
    var rnn = new RawRnn(cudnn, setup, dropout, MemorySegment.NULL);
    rnn.hx = MemorySegment.NULL;
    var weights = new double[rnn.weightElements()];
    for (int direction = 0; direction < DIRECTIONS; direction++) {
      int bias = (int) ProbeDescriptors.slot(rnn, direction, 0).bias();
      Arrays.fill(weights, bias, bias + HIDDEN, 1);
      int matrix = (int) ProbeDescriptors.slot(rnn, DIRECTIONS + direction, 0).matrix();
      for (int unit = 0; unit < HIDDEN; unit++) {
        int row = matrix + unit * DIRECTIONS * HIDDEN;
        weights[row + unit] = 1;
        weights[row + HIDDEN + unit] = 2;
      }
    }
    cudnn.write(rnn.weights, FLOAT, weights);
    return rnn;
  }

  /** What the masks of a call let through: [T][B][D][2H], D being the upper direction. */
  private static boolean[][][][] masks(RawRnn rnn) {
    double[] y = rnn.read(Buffer.Y);
    var masks = new boolean[TIME][BATCH][DIRECTIONS][2 * HIDDEN];
    for (int i = 0; i < y.length; i++) {
      // What is let through is scaled by 2.
      int bits = (int) Math.round(y[i] / 2);
      int unit = i % HIDDEN;
      int direction = i / HIDDEN % DIRECTIONS;
      int row = i / HIDDEN / DIRECTIONS;
      masks[row / BATCH][row % BATCH][direction][unit] = (bits & 1) != 0;
      masks[row / BATCH][row % BATCH][direction][HIDDEN + unit] = (bits & 2) != 0;
    }
    return masks;
  }

  private static Answer sharing(RawCudnn cudnn) {
    var rnn = network(cudnn);
    succeed(rnn.forward());
    var masks = masks(rnn);
    int kept = 0;
    boolean steps = true;
    boolean sequences = true;
    boolean directions = true;
    boolean halves = true;
    for (var step : masks) {
      steps &= Arrays.deepEquals(step, masks[0]);
      for (var sequence : step) {
        sequences &= Arrays.deepEquals(sequence, step[0]);
        directions &= Arrays.equals(sequence[0], sequence[1]);
        for (var direction : sequence) {
          halves &=
              Arrays.equals(
                  Arrays.copyOf(direction, HIDDEN),
                  Arrays.copyOfRange(direction, HIDDEN, 2 * HIDDEN));
          for (boolean passed : direction) {
            kept += passed ? 1 : 0;
          }
        }
      }
    }
    String shared =
        (steps ? " steps" : "")
            + (sequences ? " sequences" : "")
            + (directions ? " upper directions" : "")
            + (halves ? " lower directions" : "");
    int all = TIME * BATCH * DIRECTIONS * 2 * HIDDEN;
    return new Answer(
        shared.isEmpty()
            ? "nothing: each step, sequence, element and upper direction has its own"
            : "all" + shared,
        "%d of %d let through with probability 0.5".formatted(kept, all));
  }

  private static Answer calls(RawCudnn cudnn) {
    var rnn = network(cudnn);
    succeed(rnn.forward());
    var first = masks(rnn);
    succeed(rnn.forward());
    var second = masks(rnn);
    var again = network(cudnn);
    succeed(again.forward());
    return new Answer(
        (Arrays.deepEquals(first, second) ? "same masks" : "new masks")
            + "; same seed, "
            + (Arrays.deepEquals(first, masks(again)) ? "same masks" : "other masks"));
  }

  private static Answer replays(RawCudnn cudnn) {
    var rnn = network(cudnn);
    return onStream(
        cudnn,
        stream -> {
          succeed(rnn.forward());
          synchronize();
          var exec = capture(cudnn, stream, () -> succeed(rnn.forward()));
          try {
            ok(Cudart.cudaGraphLaunch(exec, stream));
            synchronize();
            var first = masks(rnn);
            ok(Cudart.cudaGraphLaunch(exec, stream));
            synchronize();
            return new Answer(
                Arrays.deepEquals(first, masks(rnn)) ? "the same masks" : "new masks");
          } finally {
            Cudart.cudaGraphExecDestroy(exec);
          }
        });
  }

  private static Answer types(RawCudnn cudnn) {
    var types = new LinkedHashMap<String, Integer>();
    types.put("FLOAT", FLOAT);
    types.put("DOUBLE", Cudnn.CUDNN_DATA_DOUBLE());
    types.put("HALF", Cudnn.CUDNN_DATA_HALF());
    types.put("BFLOAT16", Cudnn.CUDNN_DATA_BFLOAT16());
    var answers = new LinkedHashMap<String, String>();
    var dropout = generator(cudnn);
    var memory = cudnn.upload(Cudnn.CUDNN_DATA_DOUBLE(), new double[2 * HIDDEN]);
    types.forEach(
        (name, type) -> {
          var shape = cudnn.tensor(type, 1, HIDDEN);
          long bytes = cudnn.size(out -> Cudnn.cudnnDropoutGetReserveSpaceSize(shape, out));
          var reserve = cudnn.allocate(bytes);
          var y = MemorySegment.ofAddress(memory.address() + HIDDEN * (long) Double.BYTES);
          answers.put(
              name,
              outcome(
                  Cudnn.cudnnDropoutForward(
                      cudnn.handle, dropout, shape, memory, shape, y, reserve, bytes)));
        });
    return new Answer(summary(answers));
  }
}
