package io.github.cudnn4j.examples;

import module java.base;

import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.optim.*;
import io.github.cudnn4j.tape.*;
import java.awt.Color;
import java.awt.image.BufferedImage;

/**
 * The error surface of a network of one unit over 50 steps, h = w · σ(h) + b from 0, of which σ(h)
 * is to end at 0.7, and gradient descent on it: at the cliff one step along the gradient leads far
 * away (red), unless the gradient is clipped (white).
 *
 * @see <a href="https://proceedings.mlr.press/v28/pascanu13.html">Pascanu et al., 2013</a>
 */
final class ErrorSurface {

  private static final int TIME = 50;
  private static final int STEPS = 300;
  private static final int PIXELS = 500;

  /** Middle and half the extent of what is drawn. */
  private static final double W = 5.5, B = -2.4, W_SPAN = 1.5, B_SPAN = 1;

  /** A place on the way down. */
  private record Point(double w, double b, double error) {
    Surface.Place place() {
      return new Surface.Place((w - W + W_SPAN) / (2 * W_SPAN), (B + B_SPAN - b) / (2 * B_SPAN));
    }
  }

  private ErrorSurface() {}

  static Example.Result run(Example example) throws IOException {
    List<Point> free = descend(example, Clip.NONE);
    List<Point> clipped = descend(example, Clip.byNorm(0.5));
    example.picture(() -> picture(surface(example), free, clipped));
    return new Example.Result("final error", clipped.getLast().error, free.getLast().error);
  }

  /** Records the errors of any number of networks, of one w and b each. */
  private static Tensor errors(Tape tape, Tensor w, Tensor b) {
    Tensor state = tape.input(w.shape());
    for (int t = 0; t < TIME; t++) {
      state = tape.add(tape.multiply(w, tape.sigmoid(state)), b);
    }
    Tensor difference = tape.add(tape.sigmoid(state), tape.constant(-0.7, w.shape()));
    return tape.multiply(difference, difference);
  }

  private static List<Point> descend(Example example, Clip clip) {
    var path = new ArrayList<Point>();
    try (var p = Parameters.on(example.device(), Precision.FP64)) {
      var w = p.tensor("w", Init.constant(W + 0.4), 1);
      var b = p.tensor("b", Init.constant(B + 0.75), 1);
      p.initialize(0);
      try (var tape = Tape.training(example.device(), Precision.FP64);
          var updater = Updater.create(p, Optimizer.sgd(0.2), clip, LossScale.NONE)) {
        Loss loss = tape.loss(errors(tape, w.tensor(), b.tensor()));
        for (int step = 0; step <= STEPS; step++) {
          p.gradients().clear();
          tape.forward();
          tape.backward();
          path.add(new Point(p.read("w")[0], p.read("b")[0], loss.read()));
          updater.run(loss.value());
        }
      }
    }
    return path;
  }

  /** The errors of all places at once, as a batch. */
  private static double[] surface(Example example) {
    try (var tape = Tape.inference(example.device(), Precision.FP64)) {
      Tensor w = tape.input(PIXELS * PIXELS);
      Tensor b = tape.input(PIXELS * PIXELS);
      double[] ws = new double[PIXELS * PIXELS];
      double[] bs = new double[PIXELS * PIXELS];
      for (int i = 0; i < ws.length; i++) {
        ws[i] = W + W_SPAN * (2.0 * (i % PIXELS) / PIXELS - 1);
        bs[i] = B - B_SPAN * (2.0 * (i / PIXELS) / PIXELS - 1);
      }
      w.value().copyFrom(ws);
      b.value().copyFrom(bs);
      Tensor errors = errors(tape, w, b);
      tape.forward();
      return errors.value().toDoubles();
    }
  }

  private static BufferedImage picture(double[] surface, List<Point> free, List<Point> clipped) {
    double most = Arrays.stream(surface).max().orElseThrow();
    var picture = new Surface(Arrays.stream(surface).map(e -> Math.sqrt(e / most)).toArray());
    picture.way(free.stream().map(Point::place).toList(), Color.RED);
    picture.way(clipped.stream().map(Point::place).toList(), Color.WHITE);
    return picture.image();
  }
}
