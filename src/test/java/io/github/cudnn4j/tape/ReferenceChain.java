package io.github.cudnn4j.tape;

import static io.github.cudnn4j.proof.Numbers.round;

import io.github.cudnn4j.cuda.ElementType;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import java.util.function.ToDoubleFunction;

/**
 * A conditional random field as the equations have it, summed over every path.
 *
 * @param parameters emissions, transitions, start and end
 * @param gold the labels, {@code [T, B]}
 * @param labels K
 */
record ReferenceChain(double[][] parameters, int[] lengths, int[] gold, int labels) {

  static final int TIME = 4;
  static final int BATCH = 5;
  static final int LABELS = 3;
  private static final int[] LENGTHS = {4, 0, 1, 7, 2};

  /** Small, with an empty sequence, and one that says to be longer than it is. */
  static ReferenceChain random(SplittableRandom random, ElementType type) {
    double[][] parameters = {
      round(type, random.doubles(TIME * BATCH * LABELS, -2, 2).toArray()),
      round(type, random.doubles(LABELS * LABELS, -2, 2).toArray()),
      round(type, random.doubles(LABELS, -2, 2).toArray()),
      round(type, random.doubles(LABELS, -2, 2).toArray())
    };
    return new ReferenceChain(
        parameters, LENGTHS.clone(), random.ints(TIME * BATCH, 0, LABELS).toArray(), LABELS);
  }

  int batch() {
    return lengths.length;
  }

  int time() {
    return gold.length / batch();
  }

  int steps(int b) {
    return Math.clamp(lengths[b], 0, time());
  }

  double score(int b, int[] path) {
    double score = 0;
    for (int t = 0; t < path.length; t++) {
      score += parameters[0][(t * batch() + b) * labels + path[t]];
      score += t == 0 ? parameters[2][path[t]] : parameters[1][path[t - 1] * labels + path[t]];
    }
    return path.length == 0 ? 0 : score + parameters[3][path[path.length - 1]];
  }

  int[] gold(int b) {
    return pathOf(gold, b);
  }

  int[] pathOf(int[] all, int b) {
    var path = new int[steps(b)];
    Arrays.setAll(path, t -> all[t * batch() + b]);
    return path;
  }

  double withMargin(int b, int[] path) {
    int[] gold = gold(b);
    double score = score(b, path);
    for (int t = 0; t < path.length; t++) {
      score += path[t] != gold[t] ? 1 : 0;
    }
    return score;
  }

  /** Takes every path; of the labels the last one changes least often. */
  void paths(int b, Consumer<int[]> take) {
    var path = new int[steps(b)];
    long count = Math.round(Math.pow(labels, path.length));
    for (long i = 0; i < count; i++) {
      long rest = i;
      for (int t = 0; t < path.length; t++) {
        path[t] = (int) (rest % labels);
        rest /= labels;
      }
      take.accept(path);
    }
  }

  /** The first of the best paths; null if all are forbidden. */
  int[] best(int b) {
    var best = new int[1][];
    var most = new double[] {Double.NEGATIVE_INFINITY};
    paths(
        b,
        path -> {
          if (score(b, path) > most[0]) {
            most[0] = score(b, path);
            best[0] = path.clone();
          }
        });
    return best[0];
  }

  private double mean(ToDoubleFunction<Integer> loss) {
    double sum = 0;
    int counted = 0;
    for (int b = 0; b < batch(); b++) {
      if (steps(b) > 0) {
        sum += loss.applyAsDouble(b);
        counted++;
      }
    }
    return sum / counted;
  }

  double likelihoodLoss() {
    return mean(
        b -> {
          var sum = new double[1];
          paths(b, path -> sum[0] += Math.exp(score(b, path) - score(b, gold(b))));
          return Math.log(sum[0]);
        });
  }

  double hingeLoss() {
    return mean(
        b -> {
          var most = new double[] {Double.NEGATIVE_INFINITY};
          paths(b, path -> most[0] = Math.max(most[0], withMargin(b, path)));
          return most[0] - score(b, gold(b));
        });
  }

  /** The derivatives of the loss by the parameters, as expectations under the model. */
  double[][] likelihoodGradients() {
    double[][] gradients = zeros();
    for (int b = 0; b < batch(); b++) {
      int sequence = b;
      var all = new double[1];
      paths(b, path -> all[0] += Math.exp(score(sequence, path)));
      paths(b, path -> count(gradients, sequence, path, Math.exp(score(sequence, path)) / all[0]));
      count(gradients, b, gold(b), -1);
    }
    return averaged(gradients);
  }

  double[][] hingeGradients() {
    double[][] gradients = zeros();
    for (int b = 0; b < batch(); b++) {
      int sequence = b;
      var best = new int[1][];
      paths(
          b,
          path -> {
            if (best[0] == null || withMargin(sequence, path) > withMargin(sequence, best[0])) {
              best[0] = path.clone();
            }
          });
      count(gradients, b, best[0], 1);
      count(gradients, b, gold(b), -1);
    }
    return averaged(gradients);
  }

  double[] marginals() {
    double[][] gradients = zeros();
    for (int b = 0; b < batch(); b++) {
      int sequence = b;
      var all = new double[1];
      paths(b, path -> all[0] += Math.exp(score(sequence, path)));
      paths(b, path -> count(gradients, sequence, path, Math.exp(score(sequence, path)) / all[0]));
    }
    return gradients[0];
  }

  private double[][] zeros() {
    return Arrays.stream(parameters).map(p -> new double[p.length]).toArray(double[][]::new);
  }

  private void count(double[][] to, int b, int[] path, double amount) {
    for (int t = 0; t < path.length; t++) {
      to[0][(t * batch() + b) * labels + path[t]] += amount;
      if (t == 0) {
        to[2][path[t]] += amount;
      } else {
        to[1][path[t - 1] * labels + path[t]] += amount;
      }
      if (t == path.length - 1) {
        to[3][path[t]] += amount;
      }
    }
  }

  private double[][] averaged(double[][] gradients) {
    double share = 1.0 / counted();
    for (double[] gradient : gradients) {
      Arrays.setAll(gradient, i -> gradient[i] * share);
    }
    return gradients;
  }

  private long counted() {
    return Arrays.stream(lengths).filter(length -> length > 0).count();
  }

  /** Each sequence's best labels, and -1 behind them. */
  int[] best() {
    var labels = new int[time() * batch()];
    Arrays.fill(labels, -1);
    for (int b = 0; b < batch(); b++) {
      int[] path = best(b);
      for (int t = 0; path != null && t < path.length; t++) {
        labels[t * batch() + b] = path[t];
      }
    }
    return labels;
  }

  double[] scores() {
    var scores = new double[batch()];
    Arrays.setAll(scores, b -> best(b) == null ? Double.NaN : score(b, best(b)));
    return scores;
  }
}
