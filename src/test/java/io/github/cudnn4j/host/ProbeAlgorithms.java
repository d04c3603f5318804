package io.github.cudnn4j.host;

import static io.github.cudnn4j.host.ProbeDescriptors.full;
import static io.github.cudnn4j.host.ProbeQuestion.answer;
import static io.github.cudnn4j.host.ProbeQuestion.outcome;
import static io.github.cudnn4j.host.ProbeQuestion.summary;
import static io.github.cudnn4j.host.RawCudnn.succeed;

import io.github.cudnn4j.bindings.Cudnn;
import io.github.cudnn4j.host.ProbeQuestion.Answer;
import io.github.cudnn4j.host.RawRnn.Buffer;
import io.github.cudnn4j.host.RawRnn.Setup;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiFunction;
import java.util.function.Supplier;

/** Questions about the algorithms: each is asked in FLOAT and in HALF, computed in FLOAT. */
final class ProbeAlgorithms {
  private static final int FLOAT = Cudnn.CUDNN_DATA_FLOAT();
  private static final int HALF = Cudnn.CUDNN_DATA_HALF();
  private static final int UNPACKED = Cudnn.CUDNN_RNN_DATA_LAYOUT_SEQ_MAJOR_UNPACKED();
  private static final int DYNAMIC = Cudnn.CUDNN_RNN_ALGO_PERSIST_DYNAMIC();
  private static final int TIME = 8;
  private static final int BATCH = 16;

  private static final Map<Integer, String> PERSISTENT = new LinkedHashMap<>();

  static {
    PERSISTENT.put(Cudnn.CUDNN_RNN_ALGO_PERSIST_STATIC(), "PERSIST_STATIC");
    PERSISTENT.put(DYNAMIC, "PERSIST_DYNAMIC");
    PERSISTENT.put(Cudnn.CUDNN_RNN_ALGO_PERSIST_STATIC_SMALL_H(), "PERSIST_STATIC_SMALL_H");
  }

  static final List<ProbeQuestion> QUESTIONS =
      List.of(
          new ProbeQuestion(
              "persistent-runs",
              "Which persistent algorithms train an LSTM of 128 units, batch 16?",
              "SUCCESS",
              cudnn -> each(cudnn, setup(), (rnn, _) -> runs(rnn))),
          new ProbeQuestion(
              "persistent-lengths",
              "And with sequences of different lengths?",
              "NOT_SUPPORTED",
              cudnn ->
                  each(cudnn, setup().sequences(UNPACKED, TIME, unequal()), (rnn, _) -> runs(rnn))),
          new ProbeQuestion(
              "weight-layout",
              "Does every algorithm have its parameters in the same places?",
              "the same places",
              cudnn -> each(cudnn, setup(), ProbeAlgorithms::places)),
          new ProbeQuestion(
              "reserve-across",
              "Can an algorithm run backward on what STANDARD's forward left in the reserve?",
              "same size, same gradients",
              cudnn -> each(cudnn, setup(), ProbeAlgorithms::backwardAfterStandard)),
          new ProbeQuestion(
              "build-others",
              "Does cudnnBuildRNNDynamic succeed for the standard algorithm?",
              "SUCCESS",
              cudnn ->
                  answer(
                      Cudnn.cudnnBuildRNNDynamic(
                          cudnn.handle, new RawRnn(cudnn, setup()).rnn, BATCH))),
          new ProbeQuestion(
              "dynamic-unbuilt",
              "What if PERSIST_DYNAMIC runs without cudnnBuildRNNDynamic?",
              "BAD_PARAM",
              ProbeAlgorithms::dynamicWithoutBuild),
          new ProbeQuestion(
              "repeatability",
              "Does the same training step give the same bits twice?",
              "the same bits",
              ProbeAlgorithms::repeated));

  private ProbeAlgorithms() {}

  private static Setup setup() {
    return Setup.lstm(FLOAT)
        .layers(1, false)
        .sizes(128, 128, 128)
        .sequences(UNPACKED, TIME, full(TIME, BATCH));
  }

  private static int[] unequal() {
    var lengths = new int[BATCH];
    Arrays.setAll(lengths, row -> TIME - row * TIME / (2 * BATCH));
    return lengths;
  }

  /** Asks of a network with each persistent algorithm, and the same one with the standard one. */
  private static Answer each(
      RawCudnn cudnn, Setup setup, BiFunction<RawRnn, RawRnn, String> question) {
    var partial = new PartialAnswers();
    each(cudnn, setup, question, partial);
    return partial.answer();
  }

  private static void each(
      RawCudnn cudnn,
      Setup setup,
      BiFunction<RawRnn, RawRnn, String> question,
      PartialAnswers partial) {
    for (int type : new int[] {FLOAT, HALF}) {
      var typed = setup.type(type, FLOAT);
      PERSISTENT.forEach(
          (algorithm, name) ->
              partial.ask(
                  name + suffix(type),
                  () ->
                      question.apply(
                          new RawRnn(cudnn, typed.algorithm(algorithm)),
                          new RawRnn(cudnn, typed))));
    }
  }

  private static String suffix(int type) {
    return type == FLOAT ? " FLOAT" : " HALF";
  }

  /** Answers to parts of a question, of which a refusal is one. */
  private static final class PartialAnswers {
    private final Map<String, String> answers = new LinkedHashMap<>();
    private final List<String> details = new ArrayList<>();

    void ask(String part, Supplier<String> question) {
      try {
        answers.put(part, question.get());
      } catch (AssertionError refusal) {
        answers.put(part, category(refusal));
        details.add(part + ": " + refusal.getMessage());
      }
    }

    Answer answer() {
      return new Answer(summary(answers), String.join("; ", details));
    }
  }

  /** Of a failure that names a status code: its kind, as {@link ProbeQuestion#outcome} has it. */
  private static String category(AssertionError refusal) {
    String name = String.valueOf(refusal.getMessage()).split(":")[0].replace("CUDNN_STATUS_", "");
    for (String kind : new String[] {"NOT_SUPPORTED", "BAD_PARAM", "INTERNAL_ERROR"}) {
      if (name.startsWith(kind)) {
        return kind;
      }
    }
    return name;
  }

  private static void train(RawRnn rnn) {
    clearGradients(rnn);
    succeed(rnn.forward());
    succeed(rnn.backwardData());
    succeed(rnn.backwardWeights());
  }

  private static void clearGradients(RawRnn rnn) {
    rnn.cudnn.write(rnn.gradients, rnn.type, new double[rnn.weightElements()]);
  }

  private static String runs(RawRnn rnn) {
    train(rnn);
    return outcome(Cudnn.CUDNN_STATUS_SUCCESS());
  }

  private static String places(RawRnn rnn, RawRnn standard) {
    if (rnn.weightBytes != standard.weightBytes) {
      return "another size";
    }
    for (int id = 0; id < 8; id++) {
      if (!ProbeDescriptors.slot(rnn, 0, id).equals(ProbeDescriptors.slot(standard, 0, id))) {
        return "other places";
      }
    }
    return "the same places";
  }

  private static String backwardAfterStandard(RawRnn rnn, RawRnn standard) {
    train(rnn);
    double[] expected = rnn.read(Buffer.GRADIENTS);
    String sizes =
        rnn.reserveBytes == standard.reserveBytes ? "same size" : "another size of reserve";
    long reserveBytes = Math.max(rnn.reserveBytes, standard.reserveBytes);
    var reserve = rnn.cudnn.allocate(reserveBytes);
    for (var network : List.of(rnn, standard)) {
      network.reserve = reserve;
      network.reserveBytes = reserveBytes;
      clearGradients(network);
    }
    standard.gradients = rnn.gradients;
    standard.y = rnn.y;
    succeed(standard.forward());
    succeed(rnn.backwardData());
    succeed(rnn.backwardWeights());
    double[] actual = rnn.read(Buffer.GRADIENTS);
    double worst = 0;
    double scale = 0;
    for (int i = 0; i < expected.length; i++) {
      worst = Math.max(worst, Math.abs(actual[i] - expected[i]));
      scale = Math.max(scale, Math.abs(expected[i]));
    }
    return sizes + (worst <= 1e-2 * scale ? ", same gradients" : ", other gradients");
  }

  private static Answer dynamicWithoutBuild(RawCudnn cudnn) {
    var rnn = new RawRnn(cudnn, setup().algorithm(DYNAMIC));
    // Whatever was built is not of this descriptor any more.
    int set =
        RawRnn.set(rnn.rnn, rnn.setup, MemorySegment.NULL, Cudnn.CUDNN_RNN_PADDED_IO_ENABLED());
    succeed(set);
    return answer(rnn.forward());
  }

  private static Answer repeated(RawCudnn cudnn) {
    var partial = new PartialAnswers();
    var d2l = setup().sizes(64, 256, 256).sequences(UNPACKED, 35, full(35, 32));
    for (int type : new int[] {FLOAT, HALF}) {
      partial.ask(
          "STANDARD" + suffix(type), () -> sameBits(new RawRnn(cudnn, d2l.type(type, FLOAT))));
    }
    each(cudnn, setup(), (rnn, _) -> sameBits(rnn), partial);
    return partial.answer();
  }

  private static String sameBits(RawRnn rnn) {
    train(rnn);
    var first = results(rnn);
    train(rnn);
    var second = results(rnn);
    for (int i = 0; i < first.size(); i++) {
      if (!Arrays.equals(first.get(i), second.get(i))) {
        return "other bits";
      }
    }
    return "the same bits";
  }

  private static List<double[]> results(RawRnn rnn) {
    return List.of(
        rnn.read(Buffer.Y),
        rnn.read(Buffer.HY),
        rnn.read(Buffer.CY),
        rnn.read(Buffer.DX),
        rnn.read(Buffer.DHX),
        rnn.read(Buffer.DCX),
        rnn.read(Buffer.GRADIENTS));
  }
}
