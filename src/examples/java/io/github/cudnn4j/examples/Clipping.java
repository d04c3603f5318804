package io.github.cudnn4j.examples;

import module java.base;

import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.data.*;
import io.github.cudnn4j.optim.*;
import io.github.cudnn4j.rnn.RnnConfig;
import io.github.cudnn4j.tape.*;
import io.github.cudnn4j.train.*;
import java.awt.Color;
import java.awt.image.BufferedImage;
import org.knowm.xchart.style.markers.SeriesMarkers;

/**
 * Gradient descent of a vanilla network that models characters, with and without clipping: the
 * learning curves, and the error surface where the unclipped one (red) makes its worst step, with
 * the way that a clipped one (white) goes from there. The plane of the picture goes through that
 * place, the place behind the worst step, and the one where the clipped descent ends.
 *
 * @see <a href="https://proceedings.mlr.press/v28/pascanu13.html">Pascanu et al., 2013</a>
 */
final class Clipping {

  private static final int CHARACTERS = 128, TIME = 50, BATCH = 64;
  private static final double RATE = 2;
  private static final Clip CLIP = Clip.byNorm(0.25);

  /** The surface: places of a side, its extent and what of it is before the first place. */
  private static final int PLACES = 50;

  private static final double SPAN = 2.4, BEFORE = 0.7;

  /** The error from which on a place is drawn in one colour. */
  private static final double MOST = 10;

  /** The errors before all steps, and the weights before and behind them. */
  private record Descent(List<Double> errors, List<float[]> weights) {}

  private record Training(Parameters p, Objective objective, BatchSource window) {}

  private Clipping() {}

  static Example.Result run(Example example) throws IOException {
    var beginning = example.text().chars().limit(TIME * BATCH + 1);
    int[] text = beginning.map(c -> Math.min(c, CHARACTERS - 1)).toArray();
    var window = TextWindows.training(text, BATCH, TIME, false);
    try (var p = Parameters.on(example.device(), Precision.FP32)) {
      var embed = p.embedding("embed", CHARACTERS, 32);
      var rnn = p.rnn("rnn", RnnConfig.tanh(32, 64));
      var head = p.linear("head", 64, CHARACTERS);
      p.initialize(1);
      Objective next =
          (tape, in) -> {
            Tensor y = rnn.on(tape, embed.on(tape, in.tokens(TextWindows.TOKENS))).y();
            return tape.crossEntropy(head.on(tape, y), in.labels(TextWindows.LABELS));
          };
      example.core("characters", next, window, p);
      var training = new Training(p, next, window);
      int steps = example.size(400, 60);
      float[] first = p.weights().toFloats();
      Descent free = descend(example, "unclipped", training, Clip.NONE, steps);
      p.weights().copyFrom(first);
      Descent clipped = descend(example, "clipped", training, CLIP, steps);
      var chart = Pictures.curves("Gradient descent at a rate of " + RATE, "step", "error");
      chart.addSeries("clipped", clipped.errors).setMarker(SeriesMarkers.NONE);
      var red = chart.addSeries("unclipped", free.errors).setMarker(SeriesMarkers.NONE);
      red.setLineColor(Color.RED);

      int worst =
          IntStream.range(0, steps - 1)
              .boxed()
              .max(Comparator.comparing(i -> free.errors.get(i + 1) - free.errors.get(i)))
              .orElseThrow();
      p.weights().copyFrom(free.weights.get(worst));
      var other = descend(example, "from-the-worst", training, CLIP, 20).weights;
      var ways = List.of(free.weights.subList(worst, Math.min(worst + 4, steps)), other);
      example.picture(() -> Pictures.beside(chart, surface(p, next, window, ways)));
      return new Example.Result("final error", clipped.errors.getLast(), free.errors.getLast());
    }
  }

  private static Descent descend(
      Example example, String name, Training training, Clip clip, int steps) throws IOException {
    var descent = new Descent(new ArrayList<>(), new ArrayList<>());
    descent.weights.add(training.p.weights().toFloats());
    var config = TrainerConfig.of(Optimizer.sgd(RATE)).clip(clip).epochs(steps).logEvery(1);
    try (var trainer = Trainer.of(training.p, training.objective, training.window, config)) {
      trainer.listener(
          new TrainingListener() {
            @Override
            public void logged(Progress progress) {
              descent.errors.add(progress.loss());
              descent.weights.add(training.p.weights().toFloats());
            }
          });
      trainer.listener(example).checkpoints(example.checkpoints(name)).run();
    }
    return descent;
  }

  /** Draws the errors of a plane, and two ways that begin at one place. */
  private static BufferedImage surface(
      Parameters p, Objective objective, BatchSource window, List<List<float[]>> ways)
      throws IOException {
    float[] from = ways.getFirst().getFirst();
    double[] x = difference(ways.getFirst().get(1), from);
    double[] y = difference(ways.getLast().getLast(), from);
    double along = product(x, y) / product(x, x);
    Arrays.setAll(y, i -> y[i] - along * x[i]);
    double[] heights = new double[PLACES * PLACES];
    try (var evaluator = Evaluator.create(p, objective, window)) {
      for (int i = 0; i < heights.length; i++) {
        double a = SPAN * (i % PLACES + 0.5) / PLACES - BEFORE;
        double b = SPAN * (1 - (i / PLACES + 0.5) / PLACES) - BEFORE;
        float[] weights = from.clone();
        for (int j = 0; j < weights.length; j++) {
          weights[j] += (float) (a * x[j] + b * y[j]);
        }
        p.weights().copyFrom(weights);
        heights[i] = Math.min(1, evaluator.loss() / MOST);
      }
    }
    var surface = new Surface(heights);
    for (var way : ways) {
      Function<float[], Surface.Place> place =
          weights -> {
            double[] moved = difference(weights, from);
            double right = BEFORE + product(moved, x) / product(x, x);
            double up = BEFORE + product(moved, y) / product(y, y);
            return new Surface.Place(right / SPAN, 1 - up / SPAN);
          };
      surface.way(
          way.stream().map(place).toList(), way == ways.getFirst() ? Color.RED : Color.WHITE);
    }
    return surface.image();
  }

  private static double[] difference(float[] to, float[] from) {
    return IntStream.range(0, to.length).mapToDouble(i -> to[i] - from[i]).toArray();
  }

  private static double product(double[] x, double[] y) {
    return IntStream.range(0, x.length).mapToDouble(i -> x[i] * y[i]).sum();
  }
}
