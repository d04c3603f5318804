package io.github.cudnn4j.train;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.data.BatchSource;
import io.github.cudnn4j.data.Batches;
import io.github.cudnn4j.optim.Optimizer;
import io.github.cudnn4j.tape.EmbeddingLayer;
import io.github.cudnn4j.tape.Indices;
import io.github.cudnn4j.tape.Loss;
import io.github.cudnn4j.tape.Parameters;
import io.github.cudnn4j.tape.Tape;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/** What the tests of misuse share: parameters, data, and an objective that learns them. */
abstract class MisuseFixture {

  static final TrainerConfig CONFIG = TrainerConfig.of(Optimizer.sgd(0.5)).logEvery(1);

  static final Batches<Integer> BATCHES =
      Batches.<Integer>of(2)
          .tokens("words", 3, n -> new int[1 + n % 3])
          .label("label", n -> n % 2)
          .shapes(3);

  static final BatchSource SOURCE =
      BATCHES.over(IntStream.range(0, 16).boxed().toList()).bucketed(8);

  Device device;
  Parameters parameters;
  EmbeddingLayer words;

  @BeforeEach
  void open() {
    device = Device.open();
    parameters = Parameters.on(device, Precision.FP32);
    words = parameters.embedding("words", 3, 2);
    parameters.initialize(1);
  }

  @AfterEach
  void close() {
    parameters.close();
    device.close();
  }

  /** The label tells the label. */
  Loss guess(Tape tape, Indices labels) {
    return tape.crossEntropy(words.on(tape, labels), labels);
  }

  Objective guess() {
    return (tape, in) -> guess(tape, in.labels("label"));
  }
}
