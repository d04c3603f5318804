package io.github.cudnn4j.host;

import static io.github.cudnn4j.host.ProbeQuestion.answer;
import static io.github.cudnn4j.host.ProbeQuestion.outcome;
import static io.github.cudnn4j.host.ProbeQuestion.summary;
import static io.github.cudnn4j.host.ProbeQuestion.words;
import static io.github.cudnn4j.host.RawCudnn.succeed;

import io.github.cudnn4j.bindings.Cudnn;
import io.github.cudnn4j.host.ProbeQuestion.Answer;
import io.github.cudnn4j.host.RawRnn.Buffer;
import io.github.cudnn4j.host.RawRnn.Setup;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.function.ToIntFunction;

/** Questions about what the three computing calls accept and what they leave in their buffers. */
final class ProbeCalls {
  private static final int FLOAT = Cudnn.CUDNN_DATA_FLOAT();
  private static final int UNPACKED = Cudnn.CUDNN_RNN_DATA_LAYOUT_SEQ_MAJOR_UNPACKED();
  private static final MemorySegment NONE = MemorySegment.NULL;
  private static final double FILL = 7;
  private static final double BEFORE = 5;

  static final List<ProbeQuestion> QUESTIONS =
      List.of(
          new ProbeQuestion(
              "wgrad-set",
              "Does CUDNN_WGRAD_MODE_SET overwrite what the gradients held?",
              "NOT_SUPPORTED",
              ProbeCalls::gradientsSet),
          new ProbeQuestion(
              "hdesc-null",
              "May hDesc and cDesc be NULL in forward, with all states NULL?",
              "SUCCESS",
              ProbeCalls::forwardWithoutStates),
          new ProbeQuestion(
              "hdesc-null-backward",
              "And in the two backward calls?",
              "SUCCESS",
              ProbeCalls::backwardWithoutStates),
          new ProbeQuestion(
              "dx-null",
              "May dx be NULL?",
              "BAD_PARAM",
              cudnn -> afterForward(cudnn, rnn -> rnn.dx = NONE, RawRnn::backwardData)),
          new ProbeQuestion(
              "forward-mode",
              "Does forward take an unknown mode for inference?",
              "SUCCESS, the outputs of inference",
              ProbeCalls::unknownMode),
          new ProbeQuestion(
              "state-in-place",
              "May hy be hx, and cy be cx?",
              "BAD_PARAM",
              ProbeCalls::statesInPlace),
          new ProbeQuestion(
              "zero-length",
              "Is a batch computed in which a sequence has length 0?",
              "SUCCESS",
              ProbeCalls::zeroLength),
          new ProbeQuestion(
              "unpacked-without-flag",
              "Does an unpacked layout run without CUDNN_RNN_PADDED_IO_ENABLED?",
              "equal lengths: SUCCESS; other lengths, batch major: BAD_PARAM",
              ProbeCalls::withoutPaddedFlag),
          new ProbeQuestion(
              "undersized",
              "What if half of a needed space is given to a call?",
              "BAD_PARAM",
              ProbeCalls::undersized),
          new ProbeQuestion(
              "y-padding",
              "What becomes of the padding of y?",
              "with a fill value: filled; without: left alone",
              cudnn -> padding(cudnn, Buffer.Y)),
          new ProbeQuestion(
              "dx-padding",
              "What becomes of the padding of dx?",
              "with a fill value: filled; without: left alone",
              cudnn -> padding(cudnn, Buffer.DX)),
          new ProbeQuestion(
              "backward-twice",
              "Does backward data use up the reserve, so that a second one gives another dx?",
              "yes",
              ProbeCalls::backwardTwice));

  private ProbeCalls() {}

  private static RawRnn lstm(RawCudnn cudnn) {
    return new RawRnn(cudnn, Setup.lstm(FLOAT));
  }

  private static Answer afterForward(
      RawCudnn cudnn, Consumer<RawRnn> change, ToIntFunction<RawRnn> call) {
    var rnn = lstm(cudnn);
    succeed(rnn.forward());
    change.accept(rnn);
    return answer(call.applyAsInt(rnn));
  }

  private static Answer gradientsSet(RawCudnn cudnn) {
    var rnn = lstm(cudnn);
    cudnn.write(rnn.gradients, FLOAT, new double[rnn.weightElements()]);
    train(rnn);
    double[] added = rnn.read(Buffer.GRADIENTS);
    var hundreds = new double[added.length];
    Arrays.fill(hundreds, 100);
    cudnn.write(rnn.gradients, FLOAT, hundreds);
    rnn.gradientMode = Cudnn.CUDNN_WGRAD_MODE_SET();
    succeed(rnn.forward());
    succeed(rnn.backwardData());
    int status = rnn.backwardWeights();
    if (!outcome(status).equals("SUCCESS")) {
      return answer(status);
    }
    double[] set = rnn.read(Buffer.GRADIENTS);
    int overwritten = 0;
    int plus = 0;
    for (int i = 0; i < set.length; i++) {
      overwritten += Math.abs(set[i] - added[i]) < 1e-3 ? 1 : 0;
      plus += Math.abs(set[i] - added[i] - 100) < 1e-3 ? 1 : 0;
    }
    return new Answer(
        overwritten == set.length ? "overwrites" : plus == set.length ? "adds" : "neither",
        "%d of %d overwritten, %d added to".formatted(overwritten, set.length, plus));
  }

  private static void train(RawRnn rnn) {
    succeed(rnn.forward());
    succeed(rnn.backwardData());
    succeed(rnn.backwardWeights());
  }

  private static void dropStates(RawRnn rnn) {
    rnn.hDesc = NONE;
    rnn.cDesc = NONE;
    rnn.hx = NONE;
    rnn.hy = NONE;
    rnn.cx = NONE;
    rnn.cy = NONE;
    rnn.dhx = NONE;
    rnn.dhy = NONE;
    rnn.dcx = NONE;
    rnn.dcy = NONE;
  }

  private static Answer forwardWithoutStates(RawCudnn cudnn) {
    var rnn = lstm(cudnn);
    dropStates(rnn);
    return answer(rnn.forward());
  }

  private static Answer backwardWithoutStates(RawCudnn cudnn) {
    var rnn = lstm(cudnn);
    var hDesc = rnn.hDesc;
    var cDesc = rnn.cDesc;
    dropStates(rnn);
    rnn.hDesc = hDesc;
    rnn.cDesc = cDesc;
    succeed(rnn.forward());
    dropStates(rnn);
    int data = rnn.backwardData();
    var answers = new LinkedHashMap<String, String>();
    answers.put("data", outcome(data));
    String words = words(data);
    int weights = rnn.backwardWeights();
    answers.put("weights", outcome(weights));
    return new Answer(summary(answers), words + " " + words(weights));
  }

  private static Answer unknownMode(RawCudnn cudnn) {
    var rnn = lstm(cudnn);
    rnn.forwardMode = Cudnn.CUDNN_FWD_MODE_INFERENCE();
    succeed(rnn.forward());
    double[] expected = rnn.read(Buffer.Y);
    cudnn.write(rnn.y, FLOAT, new double[expected.length]);
    rnn.forwardMode = 2;
    int status = rnn.forward();
    if (!outcome(status).equals("SUCCESS")) {
      return answer(status);
    }
    boolean same = Arrays.equals(expected, rnn.read(Buffer.Y));
    return new Answer("SUCCESS, " + (same ? "the outputs of inference" : "other outputs"));
  }

  private static Answer statesInPlace(RawCudnn cudnn) {
    var apart = lstm(cudnn);
    succeed(apart.forward());
    var rnn = lstm(cudnn);
    rnn.hy = rnn.hx;
    rnn.cy = rnn.cx;
    int status = rnn.forward();
    if (!outcome(status).equals("SUCCESS")) {
      return answer(status);
    }
    boolean same =
        Arrays.equals(apart.read(Buffer.Y), rnn.read(Buffer.Y))
            && Arrays.equals(apart.read(Buffer.HY), rnn.read(Buffer.HY))
            && Arrays.equals(apart.read(Buffer.CY), rnn.read(Buffer.CY));
    return new Answer("SUCCESS, " + (same ? "same result" : "another result"));
  }

  private static Answer zeroLength(RawCudnn cudnn) {
    var rnn = lstm(cudnn);
    var fill = cudnn.scalar(FLOAT, FILL);
    rnn.xDesc = RawRnn.sequences(cudnn, FLOAT, UNPACKED, 3, 5, fill, 3, 0);
    rnn.yDesc = RawRnn.sequences(cudnn, FLOAT, UNPACKED, 3, 8, fill, 3, 0);
    int status = rnn.forward();
    if (!outcome(status).equals("SUCCESS")) {
      return answer(status);
    }
    return new Answer(
        "SUCCESS",
        "hy %s, y %s"
            .formatted(Arrays.toString(rnn.read(Buffer.HY)), Arrays.toString(rnn.read(Buffer.Y))));
  }

  private static Answer withoutPaddedFlag(RawCudnn cudnn) {
    var answers = new LinkedHashMap<String, String>();
    answers.put("equal lengths", outcome(runWithoutPaddedFlag(cudnn, UNPACKED, 3, 3)));
    int other = runWithoutPaddedFlag(cudnn, UNPACKED, 3, 1);
    answers.put("other lengths", outcome(other));
    int batchMajor = Cudnn.CUDNN_RNN_DATA_LAYOUT_BATCH_MAJOR_UNPACKED();
    answers.put("batch major", outcome(runWithoutPaddedFlag(cudnn, batchMajor, 3, 3)));
    return new Answer(summary(answers), words(other));
  }

  private static int runWithoutPaddedFlag(RawCudnn cudnn, int layout, int... lengths) {
    var rnn = new RawRnn(cudnn, Setup.lstm(FLOAT).sequences(layout, 3, lengths));
    succeed(RawRnn.set(rnn.rnn, rnn.setup, NONE, Cudnn.CUDNN_RNN_PADDED_IO_DISABLED()));
    return rnn.forward();
  }

  /** The memory is all there, so that a call that does not check does no harm. */
  private static Answer undersized(RawCudnn cudnn) {
    List<Consumer<RawRnn>> halvings =
        List.of(
            rnn -> rnn.weightBytes /= 2, rnn -> rnn.workBytes /= 2, rnn -> rnn.reserveBytes /= 2);
    String[] spaces = {"weights", "workspace", "reserve"};
    var answers = new LinkedHashMap<String, String>();
    String words = "";
    for (int space = 0; space < spaces.length; space++) {
      var forward = lstm(cudnn);
      halvings.get(space).accept(forward);
      int status = forward.forward();
      words = words(status);
      answers.put("forward/" + spaces[space], outcome(status));

      var data = lstm(cudnn);
      succeed(data.forward());
      halvings.get(space).accept(data);
      answers.put("backward data/" + spaces[space], outcome(data.backwardData()));

      var weights = lstm(cudnn);
      succeed(weights.forward());
      succeed(weights.backwardData());
      halvings.get(space).accept(weights);
      answers.put("backward weights/" + spaces[space], outcome(weights.backwardWeights()));
    }
    return new Answer(summary(answers), words);
  }

  private static Answer padding(RawCudnn cudnn, Buffer buffer) {
    var answers = new LinkedHashMap<String, String>();
    answers.put("with a fill value", paddingOf(cudnn, buffer, cudnn.scalar(FLOAT, FILL)));
    answers.put("without", paddingOf(cudnn, buffer, NONE));
    return new Answer(summary(answers));
  }

  private static String paddingOf(RawCudnn cudnn, Buffer buffer, MemorySegment fill) {
    var rnn = new RawRnn(cudnn, Setup.lstm(FLOAT), NONE, fill);
    var before = new double[rnn.read(buffer).length];
    Arrays.fill(before, BEFORE);
    cudnn.write(rnn.memory(buffer), FLOAT, before);
    succeed(rnn.forward());
    succeed(rnn.backwardData());
    double[] after = rnn.read(buffer);
    // Of three steps of two sequences the second one has a single step: [T][B][vector].
    int vector = after.length / 6;
    var seen = new TreeSet<String>();
    for (int step = 1; step < 3; step++) {
      for (int i = 0; i < vector; i++) {
        double value = after[(2 * step + 1) * vector + i];
        seen.add(
            value == FILL
                ? "filled"
                : value == BEFORE ? "left alone" : value == 0 ? "0" : "other values");
      }
    }
    return String.join(" and ", seen);
  }

  private static Answer backwardTwice(RawCudnn cudnn) {
    var rnn = lstm(cudnn);
    succeed(rnn.forward());
    succeed(rnn.backwardData());
    double[] first = rnn.read(Buffer.DX);
    int status = rnn.backwardData();
    if (!outcome(status).equals("SUCCESS")) {
      return answer(status);
    }
    return new Answer(Arrays.equals(first, rnn.read(Buffer.DX)) ? "no" : "yes");
  }
}
