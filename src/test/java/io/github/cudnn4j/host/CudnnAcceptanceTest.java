package io.github.cudnn4j.host;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.cudnn4j.bindings.Cudnn;
import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.cudnn.BiasMode;
import io.github.cudnn4j.cudnn.DirectionMode;
import io.github.cudnn4j.cudnn.RnnAlgorithm;
import io.github.cudnn4j.cudnn.RnnMode;
import io.github.cudnn4j.rnn.RnnConfig;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/**
 * A configuration is accepted in Java if and only if cuDNN accepts its descriptor: every
 * combination of algorithm, precision, cell, biases, directions, input and projection, asked of the
 * host device, and of {@linkplain RealCudnn NVIDIA's library} where it is.
 *
 * <p>Two things are refused in Java alone, because cuDNN looks at them only later or not at all: a
 * skipped input of another size than the state, and clipping where there is no cell state.
 */
class CudnnAcceptanceTest {
  private static final int HIDDEN = 4;
  private static final int PROJECTION = 2;

  @Test
  void theHostDeviceAcceptsTheSame() {
    assumeTrue(RawCudnn.onHost());
    try (var witness = CudnnWitness.host()) {
      compare(RealCudnn.Cases.ACCEPTANCE.answers(witness).toList());
    }
  }

  @Test
  void cudnnAcceptsTheSame() throws IOException, InterruptedException {
    compare(RealCudnn.ask(RealCudnn.Cases.ACCEPTANCE).lines());
  }

  private static void compare(List<String> answers) {
    List<String> differences = new ArrayList<>();
    var answer = answers.iterator();
    questions()
        .forEach(
            (question, accepted) -> {
              String line = answer.next();
              if (line.startsWith(question + " -> 0 ") != accepted) {
                differences.add(line + ", in Java " + (accepted ? "accepted" : "refused"));
              }
            });
    assertEquals(List.of(), differences);
  }

  /** Every question, and whether Java accepts such a configuration. */
  static Map<CudnnCase, Boolean> questions() {
    Map<CudnnCase, Boolean> questions = new LinkedHashMap<>();
    for (RnnAlgorithm algorithm : RnnAlgorithm.values()) {
      for (Precision precision : Precision.values()) {
        for (RnnMode mode : RnnMode.values()) {
          for (BiasMode bias : BiasMode.values()) {
            for (DirectionMode direction : DirectionMode.values()) {
              for (boolean skips : new boolean[] {false, true}) {
                for (int projection : new int[] {HIDDEN, PROJECTION}) {
                  questions.put(
                      question(algorithm, precision, mode, bias, direction, skips, projection),
                      accepts(algorithm, precision, mode, bias, direction, skips, projection));
                }
              }
            }
          }
        }
      }
    }
    return questions;
  }

  private static boolean accepts(
      RnnAlgorithm algorithm,
      Precision precision,
      RnnMode mode,
      BiasMode bias,
      DirectionMode direction,
      boolean skips,
      int projection) {
    try {
      new RnnConfig(
          mode,
          HIDDEN,
          HIDDEN,
          projection,
          2,
          direction,
          bias,
          skips,
          null,
          0,
          0,
          precision,
          algorithm);
      return true;
    } catch (IllegalArgumentException e) {
      return false;
    }
  }

  private static CudnnCase question(
      RnnAlgorithm algorithm,
      Precision precision,
      RnnMode mode,
      BiasMode bias,
      DirectionMode direction,
      boolean skips,
      int projection) {
    int type =
        switch (precision) {
          case FP32, TF32 -> Cudnn.CUDNN_DATA_FLOAT();
          case FP16, FP16_MATH -> Cudnn.CUDNN_DATA_HALF();
          case BF16 -> Cudnn.CUDNN_DATA_BFLOAT16();
          case FP64 -> Cudnn.CUDNN_DATA_DOUBLE();
        };
    int math =
        switch (precision) {
          case FP32, TF32, FP16, BF16 -> Cudnn.CUDNN_DATA_FLOAT();
          case FP16_MATH -> Cudnn.CUDNN_DATA_HALF();
          case FP64 -> Cudnn.CUDNN_DATA_DOUBLE();
        };
    return new CudnnCase(
        CudnnCase.Kind.RNN,
        algorithm.code(),
        mode.code(),
        bias.code(),
        direction.code(),
        skips ? Cudnn.CUDNN_SKIP_INPUT() : Cudnn.CUDNN_LINEAR_INPUT(),
        type,
        math,
        switch (precision) {
          case FP32 -> Cudnn.CUDNN_FMA_MATH();
          case TF32, BF16, FP64 -> Cudnn.CUDNN_DEFAULT_MATH();
          case FP16, FP16_MATH -> Cudnn.CUDNN_TENSOR_OP_MATH();
        },
        HIDDEN,
        HIDDEN,
        projection,
        2,
        1,
        Cudnn.CUDNN_RNN_PADDED_IO_ENABLED());
  }
}
