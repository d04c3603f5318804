package io.github.cudnn4j.examples;

import module java.base;

import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.data.*;
import io.github.cudnn4j.examples.Pictures.Curve;
import io.github.cudnn4j.optim.*;
import io.github.cudnn4j.rnn.RnnConfig;
import io.github.cudnn4j.tape.*;
import io.github.cudnn4j.train.*;

/**
 * A structurally constrained network: beside its hidden units there are slow ones, s = (1 - α)·Bx +
 * αs, which nothing but the input changes. It is to tell the first symbol of a sequence after many
 * others; a network of tanh units of as many weights is to do the same.
 *
 * @see <a href="https://arxiv.org/abs/1412.7753">Mikolov et al., 2014</a>
 */
final class SlowContext {

  private static final int SYMBOLS = 8;
  private static final int CLASSES = 4;
  private static final int SLOW = 16;
  private static final int HIDDEN = 24;

  /** α, how much of the context is kept at a step. */
  private static final double KEPT = 0.98;

  /** Gives what the network knows at last, {@code [B, H]}, from {@code [T, B, E]}. */
  private interface Network {
    Tensor on(Tape tape, Tensor x);
  }

  private SlowContext() {}

  static Example.Result run(Example example) throws IOException {
    int time = example.size(100, 20);
    var sequences = new ArrayList<int[]>();
    var random = new Random(1);
    for (int i = 0; i < example.size(4_000, 2_000); i++) {
      int first = random.nextInt(CLASSES);
      sequences.add(
          IntStream.range(0, time)
              .map(t -> t == 0 ? first : random.nextInt(CLASSES, SYMBOLS))
              .toArray());
    }
    var batches =
        Batches.<int[]>of(32)
            .tokens("symbols", time, time, each -> each)
            .label("first", each -> each[0]);
    var held = batches.over(sequences.subList(0, 500));
    var training = batches.over(sequences.subList(500, sequences.size())).shuffled(1);
    var curves = new ArrayList<Curve>();
    double[] accuracy = new double[2];
    for (int slow = 0; slow <= 1; slow++) {
      try (var p = Parameters.on(example.device(), Precision.FP32)) {
        var embed = p.embedding("embed", SYMBOLS, SYMBOLS);
        Network network = slow == 1 ? constrained(p) : vanilla(p);
        p.initialize(1);
        Objective first =
            (tape, in) -> {
              Tensor y = network.on(tape, embed.on(tape, in.tokens("symbols")));
              return tape.crossEntropy(y, in.labels("first"));
            };
        var steps = new ArrayList<Long>();
        var values = new ArrayList<Double>();
        var config =
            TrainerConfig.of(Optimizer.adam(1e-2))
                .clip(Clip.byNorm(1))
                .validateEvery(50)
                .epochs(example.size(15, 5));
        example.core(slow == 1 ? "slow" : "vanilla", first, training, p);
        try (var trainer = Trainer.of(p, first, training, config)) {
          trainer.validation(held, Metric.accuracy()).listener(example);
          trainer.listener(Example.recorder("accuracy", steps, values));
          trainer.checkpoints(example.checkpoints(slow == 1 ? "slow" : "vanilla")).run();
        }
        accuracy[slow] = values.getLast();
        String name = slow == 1 ? "with slow units, " : "tanh units, ";
        curves.add(new Curve(name + p.elements() + " weights", steps, values));
      }
    }
    String title = "The first of " + time + " symbols";
    example.picture(
        () -> Pictures.curves(title, "step", "held-out accuracy", curves.toArray(Curve[]::new)));
    return new Example.Result("accuracy", accuracy[1], accuracy[0]);
  }

  private static Network vanilla(Parameters p) {
    var rnn = p.rnn("rnn", RnnConfig.tanh(SYMBOLS, 32));
    var head = p.linear("head", 32, CLASSES);
    return (tape, x) -> head.on(tape, rnn.on(tape, x).last());
  }

  private static Network constrained(Parameters p) {
    var b = p.linear("b", SYMBOLS, SLOW, false);
    var a = p.linear("a", SYMBOLS + SLOW + HIDDEN, HIDDEN);
    var head = p.linear("head", HIDDEN + SLOW, CLASSES);
    return (tape, x) -> {
      Tensor s = tape.input(x.dim(1), SLOW);
      Tensor h = tape.input(x.dim(1), HIDDEN);
      for (Tensor now : tape.unbind(x)) {
        s = tape.add(tape.scale(b.on(tape, now), 1 - KEPT), tape.scale(s, KEPT));
        h = tape.sigmoid(a.on(tape, tape.concatenate(now, s, h)));
      }
      return head.on(tape, tape.concatenate(h, s));
    };
  }
}
