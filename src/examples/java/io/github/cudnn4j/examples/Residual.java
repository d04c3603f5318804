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
 * Depth: the next character of a text, by LSTM layers on top of each other, without connections
 * that skip a layer and with them, where a layer adds to what it reads.
 *
 * @see <a href="https://arxiv.org/abs/1609.08144">Wu et al., 2016, section 3.1</a>
 */
final class Residual {

  private static final int LAYERS = 4;
  private static final int SIZE = 64;
  private static final int CHARACTERS = 128;

  private Residual() {}

  static Example.Result run(Example example) throws IOException {
    int held = example.size(20_000, 5_000);
    int steps = example.size(1500, 60);
    String text = example.text();
    int[] all = text.chars().map(c -> Math.min(c, CHARACTERS - 1)).toArray();
    var source = TextWindows.training(Arrays.copyOfRange(all, held, all.length), 32, 50, true);
    var heldOut = TextWindows.evaluation(Arrays.copyOf(all, held), 16, 50);
    var curves = new ArrayList<Curve>();
    double[] perplexity = new double[2];
    for (int skips = 0; skips <= 1; skips++) {
      boolean residual = skips == 1;
      try (var p = Parameters.on(example.device(), Precision.FP32)) {
        var embed = p.embedding("embed", CHARACTERS, SIZE);
        var layers = new ArrayList<RnnLayer>();
        for (int layer = 0; layer < LAYERS; layer++) {
          layers.add(p.rnn("layer" + layer, RnnConfig.lstm(SIZE, SIZE)));
        }
        var head = p.linear("head", SIZE, CHARACTERS);
        p.initialize(1);
        Objective next =
            (tape, in) -> {
              Tensor x = embed.on(tape, in.tokens(TextWindows.TOKENS));
              for (RnnLayer layer : layers) {
                Tensor y = layer.carried(tape, x);
                x = residual ? tape.add(x, y) : y;
              }
              return tape.crossEntropy(head.on(tape, x), in.labels(TextWindows.LABELS));
            };
        var at = new ArrayList<Long>();
        var values = new ArrayList<Double>();
        var settings =
            TrainerConfig.of(Optimizer.adam(3e-3))
                .clip(Clip.byNorm(1))
                .epochs(1 + steps / source.windows())
                .steps(steps)
                .validateEvery(steps / 20);
        example.core(residual ? "residual" : "plain", next, source, p);
        try (var trainer = Trainer.of(p, next, source, settings)) {
          trainer.validation(heldOut, Metric.perplexity()).listener(example);
          trainer.listener(Example.recorder("perplexity", at, values));
          trainer.checkpoints(example.checkpoints(residual ? "residual" : "plain")).run();
        }
        perplexity[skips] = values.getLast();
        String name = (residual ? "with" : "without") + " skip connections, ";
        curves.add(new Curve(name + p.elements() + " weights", at, values));
      }
    }
    String title = LAYERS + " layers of LSTM";
    example.picture(
        () -> Pictures.curves(title, "step", "held-out perplexity", curves.toArray(Curve[]::new)));
    return new Example.Result("perplexity", perplexity[1], perplexity[0]);
  }
}
