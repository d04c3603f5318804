package io.github.cudnn4j.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.data.Batches;
import io.github.cudnn4j.optim.Optimizer;
import io.github.cudnn4j.tape.Parameters;
import io.github.cudnn4j.tape.Tape;
import io.github.cudnn4j.tape.Tensor;
import java.io.IOException;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Two sets of parameters, two optimizers and one program. */
class TwoSetsTest {

  /** One network finds signals for words, the other learns to understand them, in turn. */
  @Test
  void speakerAndListener() throws IOException {
    var random = new Random(3);
    List<Integer> words = IntStream.range(0, 32 * 150).mapToObj(i -> i % 8).toList();
    var batches =
        Batches.<Integer>of(32).label("word", word -> word).over(words).shuffled(random.nextLong());
    try (var device = Device.open();
        var s = Parameters.on(device, Precision.FP32);
        var l = Parameters.on(device, Precision.FP32)) {
      var speaker = s.embedding("signals", 8, 4);
      var listener = l.linear("meaning", 4, 8);
      s.initialize(1);
      l.initialize(2);
      Objective understand =
          (tape, in) -> {
            Tensor signal = tape.detach(speaker.on(tape, in.labels("word")));
            return tape.crossEntropy(listener.on(tape, signal), in.labels("word"));
          };
      Objective beUnderstood =
          (tape, in) -> {
            Tensor signal = speaker.on(tape, in.labels("word"));
            return tape.crossEntropy(listener.on(tape, signal), in.labels("word"));
          };
      try (var listen =
              Step.create(l, understand, batches, TrainerConfig.of(Optimizer.adam(1e-2)));
          var speak = Step.create(s, beUnderstood, batches, TrainerConfig.of(Optimizer.sgd(0.5)))) {
        listen.begin(random, 0);
        speak.begin(random, 0);
        float[] signals = s.weights().toFloats();
        listen.run(1e-2);
        assertArrayEquals(signals, s.weights().toFloats());
        double first = listen.read().loss();
        float[] meaning = l.weights().toFloats();
        speak.run(0.5);
        assertArrayEquals(meaning, l.weights().toFloats());
        while (listen.hasNext()) {
          listen.run(1e-2);
          speak.run(0.5);
        }
        listen.read();
        listen.begin(random, 0);
        listen.run(1e-2);
        double last = listen.read().loss();
        assertTrue(last < 0.2 && last < first / 4, () -> first + " became " + last);
      }
    }
  }

  @Test
  void whatIsDetachedHasNoGradient() {
    try (var device = Device.open();
        var p = Parameters.on(device, Precision.FP64);
        var tape = Tape.training(device, Precision.FP64)) {
      var layer = p.linear("layer", 2, 3);
      p.initialize(1);
      Tensor y = layer.on(tape, tape.input(4, 2));
      Tensor detached = tape.detach(y);
      assertNull(detached.gradient());
      assertSame(y.value(), detached.value());
      assertArrayEquals(y.shape(), detached.shape());
    }
  }
}
