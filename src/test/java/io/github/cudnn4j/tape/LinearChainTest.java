package io.github.cudnn4j.tape;

import static io.github.cudnn4j.proof.Numbers.precision;
import static io.github.cudnn4j.proof.Numbers.read;
import static io.github.cudnn4j.proof.Numbers.round;
import static io.github.cudnn4j.proof.Numbers.write;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.io.SafeTensors;
import io.github.cudnn4j.testing.Closeness;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import java.util.function.ToDoubleFunction;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Conditional random fields against all paths, differences of the loss, and PyTorch: {@code
 * pytorch-crf.safetensors}, which {@code pytorch_crf.py} made.
 */
class LinearChainTest {

  private static final int TIME = 4;
  private static final int BATCH = 5;
  private static final int LABELS = 3;
  private static final int[] LENGTHS = {4, 0, 1, 7, 2};

  private final SplittableRandom random = new SplittableRandom(2001);
  private final List<AutoCloseable> opened = new ArrayList<>();
  private Device device;

  @BeforeEach
  void open() {
    device = Device.open();
  }

  @AfterEach
  void close() throws Exception {
    for (AutoCloseable resource : opened.reversed()) {
      resource.close();
    }
    device.close();
  }

  /** Emissions, transitions, start and end, and labels, as the equations have them. */
  private record Chain(double[][] parameters, int[] lengths, int[] gold, int labels) {

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
        paths(
            b, path -> count(gradients, sequence, path, Math.exp(score(sequence, path)) / all[0]));
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
        paths(
            b, path -> count(gradients, sequence, path, Math.exp(score(sequence, path)) / all[0]));
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
  }

  private Chain chain(ElementType type) {
    double[][] parameters = {
      round(type, random.doubles(TIME * BATCH * LABELS, -2, 2).toArray()),
      round(type, random.doubles(LABELS * LABELS, -2, 2).toArray()),
      round(type, random.doubles(LABELS, -2, 2).toArray()),
      round(type, random.doubles(LABELS, -2, 2).toArray())
    };
    return new Chain(
        parameters, LENGTHS.clone(), random.ints(TIME * BATCH, 0, LABELS).toArray(), LABELS);
  }

  /** A tape on which a chain is recorded, and its parameters there. */
  private final class Recorded implements AutoCloseable {
    final Tape tape;
    final List<Tensor> parameters = new ArrayList<>();
    final Indices labels;
    final Lengths lengths;
    final LinearChain chain;

    Recorded(ElementType type, Chain of, boolean training) {
      tape =
          training
              ? Tape.training(device, precision(type))
              : Tape.inference(device, precision(type));
      int k = of.labels();
      int[][] shapes = {{of.time(), of.batch(), k}, {k, k}, {k}, {k}};
      for (int p = 0; p < shapes.length; p++) {
        var value = DeviceBuffer.allocate(device, type, of.parameters()[p].length);
        var gradient = DeviceBuffer.allocate(device, type, of.parameters()[p].length);
        opened.add(value);
        opened.add(gradient);
        write(value, of.parameters()[p]);
        gradient.clear();
        parameters.add(new Tensor(value, gradient, shapes[p]));
      }
      labels = tape.indices(of.time(), of.batch());
      labels.buffer().copyFrom(of.gold());
      lengths = tape.lengths(of.batch());
      lengths.set(of.lengths());
      chain = tape.linearChain(parameters.get(1), parameters.get(2), parameters.get(3), lengths);
    }

    Tensor emissions() {
      return parameters.get(0);
    }

    double[][] gradients(Runnable step) {
      return Gradients.of(parameters, step);
    }

    void play() {
      Gradients.play(tape);
    }

    @Override
    public void close() {
      tape.close();
    }
  }

  private enum Kind {
    LIKELIHOOD,
    HINGE;

    Loss record(LinearChain chain, Tensor emissions, Indices labels) {
      return this == LIKELIHOOD ? chain.loss(emissions, labels) : chain.hinge(emissions, labels);
    }

    double loss(Chain chain) {
      return this == LIKELIHOOD ? chain.likelihoodLoss() : chain.hingeLoss();
    }

    double[][] gradients(Chain chain) {
      return this == LIKELIHOOD ? chain.likelihoodGradients() : chain.hingeGradients();
    }
  }

  private static double tolerance(ElementType type) {
    return switch (type) {
      case FLOAT64 -> 1e-12;
      case FLOAT32 -> 2e-6;
      case FLOAT16 -> 1e-3;
      default -> 8e-3;
    };
  }

  private static void check(String what, ElementType type, double[][] expected, double[][] actual) {
    for (int p = 0; p < expected.length; p++) {
      Closeness.within(tolerance(type))
          .check(what + " in " + type + ", parameter " + p, expected[p], actual[p]);
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"FLOAT32", "FLOAT64", "FLOAT16", "BFLOAT16"})
  void lossesAndGradientsAreThoseOfAllPaths(ElementType type) {
    for (Kind kind : Kind.values()) {
      var of = chain(type);
      try (var on = new Recorded(type, of, true)) {
        Loss loss = kind.record(on.chain, on.emissions(), on.labels);
        double[][] gradients = on.gradients(on::play);
        double expected = kind.loss(of);
        // The loss is of a wider type than the tensors.
        Closeness.within(type == ElementType.FLOAT64 ? 1e-12 : 2e-6)
            .check(kind + " in " + type, new double[] {expected}, new double[] {loss.read()});
        check(kind.toString(), type, kind.gradients(of), gradients);
        assertArrayEquals(new double[] {4}, Arrays.copyOfRange(loss.meter().toDoubles(), 1, 2));
        try (var graph = device.stream().capture(on::play)) {
          check(kind + " replayed", ElementType.FLOAT64, gradients, on.gradients(graph::launch));
        }
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void gradientsAreDifferencesOfTheLoss(Kind kind) {
    try (var on = new Recorded(ElementType.FLOAT64, chain(ElementType.FLOAT64), true)) {
      Loss loss = kind.record(on.chain, on.tape.tanh(on.emissions()), on.labels);
      Gradients.check(on.tape, loss, on.parameters);
    }
  }

  @Test
  void aLossAddsToOthers() {
    var of = chain(ElementType.FLOAT64);
    try (var on = new Recorded(ElementType.FLOAT64, of, true)) {
      Loss loss = on.chain.loss(on.emissions(), on.labels);
      on.tape.sum(loss, on.chain.hinge(on.emissions(), on.labels).times(0.5));
      double[][] sum = of.likelihoodGradients();
      double[][] hinge = of.hingeGradients();
      for (int p = 0; p < sum.length; p++) {
        int parameter = p;
        Arrays.setAll(sum[p], i -> sum[parameter][i] + 0.5 * hinge[parameter][i]);
      }
      check("sum", ElementType.FLOAT64, sum, on.gradients(on::play));
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"FLOAT32", "FLOAT64", "FLOAT16", "BFLOAT16"})
  void marginalsAreThoseOfAllPaths(ElementType type) {
    var of = chain(type);
    try (var on = new Recorded(type, of, false)) {
      Tensor marginals = on.chain.marginals(on.emissions());
      on.tape.forward();
      Closeness.within(tolerance(type))
          .check("marginals in " + type, of.marginals(), read(marginals.value()));
    }
  }

  /** Each sequence's best labels, and -1 behind them. */
  private static int[] best(Chain of) {
    var labels = new int[of.time() * of.batch()];
    Arrays.fill(labels, -1);
    for (int b = 0; b < of.batch(); b++) {
      int[] path = of.best(b);
      for (int t = 0; path != null && t < path.length; t++) {
        labels[t * of.batch() + b] = path[t];
      }
    }
    return labels;
  }

  private static double[] scores(Chain of) {
    var scores = new double[of.batch()];
    Arrays.setAll(scores, b -> of.best(b) == null ? Double.NaN : of.score(b, of.best(b)));
    return scores;
  }

  @ParameterizedTest
  @EnumSource(names = {"FLOAT32", "FLOAT64", "FLOAT16", "BFLOAT16"})
  void bestPathsAreTheFirstOfAllPaths(ElementType type) {
    for (int trial = 0; trial < 10; trial++) {
      // Small whole numbers, so that many paths are equal.
      var of = chain(type);
      for (double[] parameter : of.parameters()) {
        Arrays.setAll(parameter, i -> Math.rint(parameter[i] / 2));
      }
      try (var on = new Recorded(type, of, false)) {
        var paths = on.chain.bestPaths(on.emissions());
        on.tape.forward();
        assertArrayEquals(best(of), paths.labels().buffer().toInts());
        assertArrayEquals(scores(of), paths.scores().toDoubles());
        try (var graph = device.stream().capture(on.tape::forward)) {
          paths.labels().buffer().clear();
          graph.launch();
          assertArrayEquals(best(of), paths.labels().buffer().toInts());
        }
      }
    }
  }

  /** Rows that fill up a batch have a step, for the network, but no labels. */
  @ParameterizedTest
  @EnumSource(Kind.class)
  void aSequenceWithoutLabelsDoesNotCount(Kind kind) {
    var of = chain(ElementType.FLOAT64);
    of.lengths()[0] = 0;
    try (var without = new Recorded(ElementType.FLOAT64, of, true)) {
      Loss expected = kind.record(without.chain, without.emissions(), without.labels);
      double[][] gradients = without.gradients(without::play);
      of.lengths()[0] = 2;
      of.gold()[0] = -1;
      of.gold()[BATCH] = -1;
      try (var on = new Recorded(ElementType.FLOAT64, of, true)) {
        Loss loss = kind.record(on.chain, on.emissions(), on.labels);
        check("gradient", ElementType.FLOAT64, gradients, on.gradients(on::play));
        assertEquals(expected.read(), loss.read());
        assertArrayEquals(expected.meter().toDoubles(), loss.meter().toDoubles());
      }
    }
  }

  @ParameterizedTest
  @EnumSource(Kind.class)
  void aLossPredictsTheBestPaths(Kind kind) {
    var of = chain(ElementType.FLOAT32);
    int[] best = best(of);
    int right = 0;
    int counted = 0;
    for (int i = 0; i < best.length; i++) {
      boolean same = i % 2 == 0;
      of.gold()[i] = best[i] < 0 ? -1 : same ? best[i] : (best[i] + 1) % LABELS;
      counted += best[i] < 0 ? 0 : 1;
      right += best[i] >= 0 && same ? 1 : 0;
    }
    try (var on = new Recorded(ElementType.FLOAT32, of, false)) {
      Loss loss = kind.record(on.chain, on.emissions(), on.labels);
      Counts accuracy = on.tape.accuracy(loss);
      Counts confusion = on.tape.confusion(loss);
      on.tape.forward();
      assertArrayEquals(best, loss.predictions().buffer().toInts());
      assertArrayEquals(new double[] {right, counted}, accuracy.read());
      assertEquals(LABELS * LABELS, confusion.read().length);
      assertEquals(counted, Arrays.stream(confusion.read()).sum());
    }
  }

  /** What {@link LinearChain#allow} and {@link LinearChain#force} forbid, as the equations do. */
  @Test
  void constraintsForbidPaths() {
    var of = chain(ElementType.FLOAT64);
    int[] transitions = {1, 0, 1, 1, 1, 0, 0, 1, 1};
    int[] allowed = random.ints(TIME * BATCH * LABELS, 0, 4).toArray();
    int[] forced = random.ints(TIME * BATCH, -4, LABELS).toArray();
    var masked = new double[4][];
    Arrays.setAll(masked, p -> of.parameters()[p].clone());
    for (int i = 0; i < transitions.length; i++) {
      masked[1][i] = transitions[i] == 0 ? Double.NEGATIVE_INFINITY : masked[1][i];
    }
    for (int i = 0; i < allowed.length; i++) {
      int label = forced[i / LABELS];
      if (allowed[i] == 0 || (label >= 0 && label != i % LABELS)) {
        masked[0][i] = Double.NEGATIVE_INFINITY;
      }
    }
    var constrained = new Chain(masked, of.lengths(), of.gold(), LABELS);
    try (var on = new Recorded(ElementType.FLOAT64, of, true)) {
      var allowedTransitions = on.tape.indices(LABELS, LABELS);
      var allowedLabels = on.tape.indices(TIME, BATCH, LABELS);
      var known = on.tape.indices(TIME, BATCH);
      allowedTransitions.buffer().copyFrom(transitions);
      allowedLabels.buffer().copyFrom(allowed);
      known.buffer().copyFrom(forced);
      LinearChain chain = on.chain.allow(allowedTransitions);
      Tensor emissions = chain.force(chain.allow(on.emissions(), allowedLabels), known);
      var paths = chain.bestPaths(emissions);
      Tensor marginals = chain.marginals(emissions);
      on.tape.forward();
      int[] best = best(constrained);
      assertArrayEquals(best, paths.labels().buffer().toInts());
      Closeness.within(1e-12).check("scores", scores(constrained), paths.scores().toDoubles());
      // Not of sequences that have no path at all.
      double[] expected = constrained.marginals();
      double[] found = read(marginals.value());
      for (int i = 0; i < found.length; i++) {
        int b = i / LABELS % BATCH;
        boolean none = of.steps(b) > 0 && best[b] < 0;
        assertEquals(none && i / LABELS / BATCH < of.steps(b), Double.isNaN(found[i]));
        found[i] = none ? expected[i] : found[i];
      }
      Closeness.within(1e-12).check("marginals", expected, found);
    }
  }

  @Test
  void gradientsOfWhatIsForbiddenAreZero() {
    // Label 2 is never used by the labels, and cannot be.
    var of = chain(ElementType.FLOAT64);
    Arrays.setAll(of.gold(), i -> of.gold()[i] % 2);
    int[] transitions = {1, 1, 0, 1, 1, 0, 0, 0, 0};
    var masked = new double[4][];
    Arrays.setAll(masked, p -> of.parameters()[p].clone());
    var allowed = new int[TIME * BATCH * LABELS];
    for (int i = 0; i < allowed.length; i++) {
      allowed[i] = i % LABELS == 2 ? 0 : 1;
      masked[0][i] = allowed[i] == 0 ? Double.NEGATIVE_INFINITY : masked[0][i];
    }
    for (int i = 0; i < transitions.length; i++) {
      masked[1][i] = transitions[i] == 0 ? Double.NEGATIVE_INFINITY : masked[1][i];
    }
    var constrained = new Chain(masked, of.lengths(), of.gold(), LABELS);
    for (Kind kind : Kind.values()) {
      try (var on = new Recorded(ElementType.FLOAT64, of, true)) {
        var allowedTransitions = on.tape.indices(LABELS, LABELS);
        var allowedLabels = on.tape.indices(TIME, BATCH, LABELS);
        allowedTransitions.buffer().copyFrom(transitions);
        allowedLabels.buffer().copyFrom(allowed);
        LinearChain chain = on.chain.allow(allowedTransitions);
        Loss loss = kind.record(chain, chain.allow(on.emissions(), allowedLabels), on.labels);
        double[][] gradients = on.gradients(on::play);
        assertEquals(kind.loss(constrained), loss.read(), 1e-12);
        check(kind.toString(), ElementType.FLOAT64, kind.gradients(constrained), gradients);
      }
    }
  }

  /** Scores far apart, of which the best path takes the worst transition. */
  @ParameterizedTest
  @EnumSource(names = {"FLOAT32", "FLOAT64"})
  void scoresThatAreFarApart(ElementType type) {
    double[][] parameters = {{2000, 0, 0, 3000, 500, 0}, {0, -1500, 0, 0}, {0, 0}, {0, -10000}};
    var of = new Chain(parameters, new int[] {3}, new int[] {0, 1, 0}, 2);
    try (var on = new Recorded(type, of, true)) {
      Loss loss = on.chain.loss(on.emissions(), on.labels);
      double[][] gradients = on.gradients(on::play);
      // The next path has 500 less.
      assertEquals(0, loss.read());
      for (double[] gradient : gradients) {
        assertArrayEquals(new double[gradient.length], gradient, 1e-30);
      }
    }
  }

  @Test
  void longSequencesStayPrecise() {
    // Each step gives the same to each of two labels: the loss is T ln 2.
    int time = 5000;
    double[][] parameters = {new double[time * 2], {7, 7, 7, 7}, {3, 3}, {-5, -5}};
    Arrays.fill(parameters[0], 9);
    var of = new Chain(parameters, new int[] {time}, new int[time], 2);
    try (var on = new Recorded(ElementType.FLOAT32, of, false)) {
      Loss loss = on.chain.loss(on.emissions(), on.labels);
      on.tape.forward();
      Closeness.within(1e-5)
          .check("loss", new double[] {time * Math.log(2)}, new double[] {loss.read()});
    }
  }

  @ParameterizedTest
  @EnumSource
  void aLabelThatThereIsNotGivesNaN(Kind kind) {
    for (int label : new int[] {-1, LABELS}) {
      // Without a first label there are none.
      for (int step = label < 0 ? 1 : 0; step < 2; step++) {
        var of = chain(ElementType.FLOAT32);
        try (var on = new Recorded(ElementType.FLOAT32, of, true)) {
          Loss loss = kind.record(on.chain, on.emissions(), on.labels);
          // Behind the sequence it does not matter.
          of.gold()[3 * BATCH + 4] = label;
          on.labels.buffer().copyFrom(of.gold());
          on.play();
          assertTrue(Double.isFinite(loss.read()));
          of.gold()[step * BATCH] = label;
          on.labels.buffer().copyFrom(of.gold());
          double[][] gradients = on.gradients(on::play);
          assertTrue(Double.isNaN(loss.read()));
          assertTrue(Arrays.stream(gradients[0]).anyMatch(Double::isNaN));
        }
      }
    }
  }

  @Test
  void aScoreThatIsNoNumberHasNoBestPath() {
    for (int p = 0; p < 4; p++) {
      var of = chain(ElementType.FLOAT32);
      Arrays.fill(of.lengths(), TIME);
      of.parameters()[p][0] = Double.NaN;
      try (var on = new Recorded(ElementType.FLOAT32, of, true)) {
        var paths = on.chain.bestPaths(on.emissions());
        Loss loss = on.chain.loss(on.emissions(), on.labels);
        Loss hinge = on.chain.hinge(on.emissions(), on.labels);
        on.tape.forward();
        int[] none = of.pathOf(paths.labels().buffer().toInts(), 0);
        assertArrayEquals(new int[] {-1, -1, -1, -1}, none);
        assertTrue(Double.isNaN(paths.scores().toDoubles()[0]));
        assertTrue(Double.isNaN(loss.read()));
        assertTrue(Double.isNaN(hinge.read()));
      }
    }
  }

  @Test
  void whatIsBehindASequenceIsNotRead() {
    var of = chain(ElementType.FLOAT64);
    try (var on = new Recorded(ElementType.FLOAT64, of, true)) {
      Loss loss = on.chain.loss(on.emissions(), on.labels);
      Loss hinge = on.chain.hinge(on.emissions(), on.labels);
      on.tape.forward();
      double expected = loss.read() + hinge.read();
      double[] values = of.parameters()[0].clone();
      for (int i = 0; i < values.length; i++) {
        boolean counts = i / LABELS / BATCH < of.steps(i / LABELS % BATCH);
        values[i] = counts ? values[i] : Double.NaN;
      }
      write(on.emissions().value(), values);
      on.tape.forward();
      assertEquals(expected, loss.read() + hinge.read());
    }
  }

  @Test
  void otherLengthsNeedNoOtherGraph() {
    var of = chain(ElementType.FLOAT64);
    try (var on = new Recorded(ElementType.FLOAT64, of, true)) {
      Loss loss = on.chain.loss(on.emissions(), on.labels);
      on.play();
      try (var graph = device.stream().capture(on::play)) {
        var others = new Chain(of.parameters(), new int[] {1, 3, 4, 0, 0}, of.gold(), LABELS);
        on.lengths.set(others.lengths());
        double[][] gradients = on.gradients(graph::launch);
        assertEquals(others.likelihoodLoss(), loss.read(), 1e-12);
        check("others", ElementType.FLOAT64, others.likelihoodGradients(), gradients);
        on.lengths.set(new int[BATCH]);
        gradients = on.gradients(graph::launch);
        assertEquals(0, loss.read());
        assertArrayEquals(new double[LABELS], gradients[2]);
      }
    }
  }

  @Test
  void agreesWithPyTorch() throws Exception {
    var file = Path.of(LinearChainTest.class.getResource("pytorch-crf.safetensors").toURI());
    try (SafeTensors vectors = SafeTensors.open(file)) {
      double[][] parameters = new double[4][];
      String[] names = {"emissions", "transitions", "start", "end"};
      for (int p = 0; p < 4; p++) {
        parameters[p] = vectors.doubles(names[p]);
      }
      var of =
          new Chain(
              parameters, ints(vectors, "lengths"), ints(vectors, "labels"), parameters[2].length);
      try (var on = new Recorded(ElementType.FLOAT32, of, true)) {
        Loss loss = on.chain.loss(on.emissions(), on.labels);
        double[][] gradients = on.gradients(on::play);
        var within = Closeness.within(1e-6);
        within.check("loss", vectors.doubles("loss"), new double[] {loss.read()});
        for (int p = 0; p < 4; p++) {
          within.check("gradient of " + names[p], vectors.doubles("d" + names[p]), gradients[p]);
        }
      }
    }
  }

  private static int[] ints(SafeTensors vectors, String name) throws IOException {
    return Arrays.stream(vectors.longs(name)).mapToInt(Math::toIntExact).toArray();
  }

  @Test
  void refusesWhatDoesNotFit() {
    var of = chain(ElementType.FLOAT64);
    try (var on = new Recorded(ElementType.FLOAT64, of, true)) {
      Tensor wrong = on.tape.input(LABELS, LABELS, LABELS);
      refused(
          "emissions Tensor[3, 3, 3] of FLOAT64, needed are [T, 5, 3]",
          () -> on.chain.marginals(wrong));
      refused(
          "Indices[4, 3] as labels of Tensor[4, 5, 3] of FLOAT64",
          () -> on.chain.loss(on.emissions(), on.tape.indices(4, 3)));
      refused(
          "Indices[4, 3] as what is allowed of Tensor[4, 5, 3] of FLOAT64",
          () -> on.chain.allow(on.emissions(), on.tape.indices(4, 3)));
      refused(
          "transitions Tensor[3, 3] of FLOAT64, start Tensor[3] of FLOAT64, end Tensor[2] of"
              + " FLOAT64, needed are [K, K], [K] and [K]",
          () ->
              on.tape.linearChain(
                  on.parameters.get(1), on.parameters.get(2), on.tape.input(2), on.lengths));
    }
  }

  private static void refused(String message, Executable action) {
    assertEquals(message, assertThrows(IllegalArgumentException.class, action).getMessage());
  }
}
