package io.github.cudnn4j.host;

import io.github.cudnn4j.bindings.Cudnn;
import io.github.cudnn4j.host.CudnnCase.Kind;
import io.github.cudnn4j.host.RnnCallCases.Address;
import io.github.cudnn4j.host.RnnCallCases.Field;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.Set;
import java.util.function.Predicate;

/** Where the host device answers otherwise than cuDNN on purpose. */
enum DeliberateDifference {
  /** cuDNN looks at no address of sequences; on a GPU its kernels fault, which ends the process. */
  NO_SEQUENCES("0", "2000", DeliberateDifference::lacksSequences),
  /** cuDNN's forward refuses it; its backward calls then have nothing to go back from. */
  SKIPPED_INPUT_OF_ANOTHER_SIZE(
      "0",
      "2000",
      question ->
          Field.CALL.of(question) > RnnCallCases.FORWARD
              && Field.SKIP.of(question) == 1
              && Field.INPUT.of(question) != Field.HIDDEN.of(question)),
  /** Of two reasons to refuse, backward weights alone finds the other one first. */
  TOO_MANY_UNITS(
      "2000",
      "3000",
      question ->
          Field.CALL.of(question) == RnnCallCases.BACKWARD_WEIGHTS
              && Field.ALGORITHM.of(question) == Cudnn.CUDNN_RNN_ALGO_PERSIST_STATIC_SMALL_H()
              && Field.HIDDEN.of(question) > 192);

  private static final String ANSWER = " -> ";

  private final String cudnn;
  private final String host;
  private final Predicate<CudnnCase> condition;

  DeliberateDifference(String cudnn, String host, Predicate<CudnnCase> condition) {
    this.cudnn = cudnn;
    this.host = host;
    this.condition = condition;
  }

  /** Whether one explains that a case has these two answers. */
  static boolean explain(CudnnCase question, String cudnn, String host) {
    return question.kind() == Kind.CALL
        && Arrays.stream(values())
            .anyMatch(
                difference ->
                    cudnn.endsWith(ANSWER + difference.cudnn)
                        && host.endsWith(ANSWER + difference.host)
                        && difference.condition.test(question));
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
