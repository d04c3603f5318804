package io.github.cudnn4j.host;

import io.github.cudnn4j.bindings.Cudnn;
import io.github.cudnn4j.host.CudnnCase.Kind;
import io.github.cudnn4j.host.FunctionCases.Function;
import io.github.cudnn4j.host.RnnCallCases.Address;
import io.github.cudnn4j.host.RnnCallCases.Field;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.Set;
import java.util.function.Predicate;

/** Where the host device answers otherwise than cuDNN on purpose. */
enum DeliberateDifference {
  /** cuDNN looks at no address of sequences; on a GPU its kernels fault, which ends the process. */
  NO_SEQUENCES(Kind.CALL, "0", "2000", DeliberateDifference::lacksSequences),
  /** cuDNN's forward refuses it; its backward calls then have nothing to go back from. */
  SKIPPED_INPUT_OF_ANOTHER_SIZE(
      Kind.CALL,
      "0",
      "2000",
      question ->
          Field.CALL.of(question) > RnnCallCases.FORWARD
              && Field.SKIP.of(question) == 1
              && Field.INPUT.of(question) != Field.HIDDEN.of(question)),
  /** Of two reasons to refuse, backward weights alone finds the other one first. */
  TOO_MANY_UNITS(
      Kind.CALL,
      "2000",
      "3000",
      question ->
          Field.CALL.of(question) == RnnCallCases.BACKWARD_WEIGHTS
              && Field.ALGORITHM.of(question) == Cudnn.CUDNN_RNN_ALGO_PERSIST_STATIC_SMALL_H()
              && Field.HIDDEN.of(question) > 192),
  /** Tensors of vectors are not computed with. */
  VECTORS(
      Kind.FUNCTION,
      "0|2000",
      "3000",
      question ->
          EnumSet.of(Function.TENSOR_ND_EX, Function.TENSOR_4D).contains(Function.of(question))
              && FunctionCases.Field.FORMAT.of(question) == FunctionCases.NCHW_VECT_C),
  /** cuDNN takes extents for the innermost channels that are not there. */
  CHANNELS_LAST_WITHOUT_SPACE(
      Kind.FUNCTION,
      "0|3000",
      "2000",
      question ->
          Function.of(question) == Function.TENSOR_ND_EX
              && FunctionCases.Field.FORMAT.of(question) == FunctionCases.NHWC
              && FunctionCases.Field.DIMS.of(question) == 2),
  /** cuDNN's strides overflow, to 0 at times. */
  PACKED_STRIDES_OVERFLOW(
      Kind.FUNCTION,
      "0|2000",
      "3000",
      question ->
          EnumSet.of(Function.TENSOR_ND_EX, Function.TENSOR_4D).contains(Function.of(question))
              && (long) FunctionCases.Field.C.of(question)
                      * FunctionCases.Field.H.of(question)
                      * FunctionCases.Field.W.of(question)
                  > Integer.MAX_VALUE),
  /** cuDNN scales by a negative or infinite number. */
  NO_PROBABILITY(
      Kind.FUNCTION,
      "0|2000|3000",
      "2000",
      question -> {
        float probability =
            FunctionWitness.PROBABILITIES[FunctionCases.Field.PROBABILITY.of(question)];
        return !(probability >= 0 && probability <= 1);
      }),
  /** Bytes are not computed with. */
  SOFTMAX_OF_BYTES(
      Kind.FUNCTION,
      "0|2000",
      "3000",
      question ->
          EnumSet.of(Function.SOFTMAX_FORWARD, Function.SOFTMAX_BACKWARD)
                  .contains(Function.of(question))
              && FunctionCases.Field.TYPE.of(question) == Cudnn.CUDNN_DATA_INT8()),
  /** cuDNN takes any number for an algorithm. */
  CTC_ALGORITHM(
      Kind.FUNCTION,
      "0|2000",
      "3000",
      question -> isCtc(question) && FunctionCases.Field.ALGORITHM.of(question) >>> 1 != 0),
  /** cuDNN takes any number for a mode. */
  CTC_MODE(
      Kind.FUNCTION,
      "0|3000",
      "2000",
      question ->
          isCtc(question)
              && (FunctionCases.Field.NORMALIZATION.of(question) >>> 1 != 0
                  || FunctionCases.Field.OUT_OF_BOUNDS.of(question) >>> 1 != 0)),
  /** cuDNN does not look at the type of the gradients, which it writes as FLOAT. */
  CTC_GRADIENTS_OF_ANOTHER_TYPE(
      Kind.FUNCTION,
      "0|3000",
      "2000",
      question -> isCtc(question) && FunctionCases.Field.Y.of(question) == 4),
  /** cuDNN looks at no address of the loss but its kernels do; and so with labels and lengths. */
  CTC_LABELS(
      Kind.FUNCTION, "0|3000", "2000|3000", question -> isCtc(question) && lacksLabels(question));

  private static final String ANSWER = " -> ";

  private final Kind kind;
  private final String cudnn;
  private final String host;
  private final Predicate<CudnnCase> condition;

  /**
   * @param cudnn pattern of the category that cuDNN answers
   * @param host pattern of that of the host device
   */
  DeliberateDifference(Kind kind, String cudnn, String host, Predicate<CudnnCase> condition) {
    this.kind = kind;
    this.cudnn = cudnn;
    this.host = host;
    this.condition = condition;
  }

  /** Whether one explains that a case has these two answers. */
  static boolean explain(CudnnCase question, String cudnn, String host) {
    return Arrays.stream(values())
        .anyMatch(
            difference ->
                question.kind() == difference.kind
                    && category(cudnn).matches(difference.cudnn)
                    && category(host).matches(difference.host)
                    && difference.condition.test(question));
  }

  private static String category(String line) {
    return line.substring(line.indexOf(ANSWER) + ANSWER.length()).split(" ")[0];
  }

  private static boolean isCtc(CudnnCase question) {
    return Function.of(question).compareTo(Function.CTC_SIZE) >= 0;
  }

  private static boolean lacksLabels(CudnnCase question) {
    int label = FunctionCases.Field.LABEL.of(question);
    int steps = FunctionCases.Field.INPUT_LENGTH.of(question);
    return label < 1
        || label > 2
        || steps < 1
        || steps > 4
        || FunctionCases.Field.LABEL_LENGTH.of(question) < 0
        || Arrays.stream(FunctionCases.Address.values())
            .anyMatch(address -> address.isAbsent(question));
  }

  private static boolean lacksSequences(CudnnCase question) {
    Set<Address> needed =
        switch (Field.CALL.of(question)) {
          case RnnCallCases.FORWARD, RnnCallCases.BACKWARD_WEIGHTS ->
              EnumSet.of(Address.X, Address.Y);
          case RnnCallCases.BACKWARD_DATA -> EnumSet.of(Address.Y, Address.DY, Address.DX);
          default -> EnumSet.noneOf(Address.class);
        };
    return needed.stream().anyMatch(address -> address.isAbsent(question));
  }
}
