package io.github.cudnn4j.tape;

import static io.github.cudnn4j.proof.Numbers.read;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.testing.Closeness;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Best paths, marginals and constraints of conditional random fields against all paths. */
class LinearChainPathsTest {
  private final SplittableRandom random = new SplittableRandom(2001);
  private Device device;

  @BeforeEach
  void open() {
    device = Device.open();
  }

  @AfterEach
  void close() {
    device.close();
  }

  @ParameterizedTest
  @EnumSource(names = {"FLOAT32", "FLOAT64", "FLOAT16", "BFLOAT16"})
  void marginalsAreThoseOfAllPaths(ElementType type) {
    var of = ReferenceChain.random(random, type);
    try (var on = new RecordedChain(device, type, of, false)) {
      Tensor marginals = on.chain.marginals(on.emissions());
      on.tape.forward();
      Closeness.within(RecordedChain.tolerance(type))
          .check("marginals in " + type, of.marginals(), read(marginals.value()));
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"FLOAT32", "FLOAT64", "FLOAT16", "BFLOAT16"})
  void bestPathsAreTheFirstOfAllPaths(ElementType type) {
    for (int trial = 0; trial < 10; trial++) {
      // Small whole numbers, so that many paths are equal.
      var of = ReferenceChain.random(random, type);
      for (double[] parameter : of.parameters()) {
        Arrays.setAll(parameter, i -> Math.rint(parameter[i] / 2));
      }
      try (var on = new RecordedChain(device, type, of, false)) {
        var paths = on.chain.bestPaths(on.emissions());
        on.tape.forward();
        assertArrayEquals(of.best(), paths.labels().buffer().toInts());
        assertArrayEquals(of.scores(), paths.scores().toDoubles());
        try (var graph = device.stream().capture(on.tape::forward)) {
          paths.labels().buffer().clear();
          graph.launch();
          assertArrayEquals(of.best(), paths.labels().buffer().toInts());
        }
      }
    }
  }

  @ParameterizedTest
  @EnumSource(ChainLoss.class)
  void aLossPredictsTheBestPaths(ChainLoss kind) {
    var of = ReferenceChain.random(random, ElementType.FLOAT32);
    int[] best = of.best();
    int right = 0;
    int counted = 0;
    for (int i = 0; i < best.length; i++) {
      boolean same = i % 2 == 0;
      of.gold()[i] = best[i] < 0 ? -1 : same ? best[i] : (best[i] + 1) % ReferenceChain.LABELS;
      counted += best[i] < 0 ? 0 : 1;
      right += best[i] >= 0 && same ? 1 : 0;
    }
    try (var on = new RecordedChain(device, ElementType.FLOAT32, of, false)) {
      Loss loss = kind.record(on.chain, on.emissions(), on.labels);
      Counts accuracy = on.tape.accuracy(loss);
      Counts confusion = on.tape.confusion(loss);
      on.tape.forward();
      assertArrayEquals(best, loss.predictions().buffer().toInts());
      assertArrayEquals(new double[] {right, counted}, accuracy.read());
      assertEquals(ReferenceChain.LABELS * ReferenceChain.LABELS, confusion.read().length);
      assertEquals(counted, Arrays.stream(confusion.read()).sum());
    }
  }

  /** What {@link LinearChain#allow} and {@link LinearChain#force} forbid, as the equations do. */
  @Test
  void constraintsForbidPaths() {
    var of = ReferenceChain.random(random, ElementType.FLOAT64);
    int[] transitions = {1, 0, 1, 1, 1, 0, 0, 1, 1};
    int[] allowed =
        random
            .ints(ReferenceChain.TIME * ReferenceChain.BATCH * ReferenceChain.LABELS, 0, 4)
            .toArray();
    int[] forced =
        random
            .ints(ReferenceChain.TIME * ReferenceChain.BATCH, -4, ReferenceChain.LABELS)
            .toArray();
    var masked = new double[4][];
    Arrays.setAll(masked, p -> of.parameters()[p].clone());
    for (int i = 0; i < transitions.length; i++) {
      masked[1][i] = transitions[i] == 0 ? Double.NEGATIVE_INFINITY : masked[1][i];
    }
    for (int i = 0; i < allowed.length; i++) {
      int label = forced[i / ReferenceChain.LABELS];
      if (allowed[i] == 0 || (label >= 0 && label != i % ReferenceChain.LABELS)) {
        masked[0][i] = Double.NEGATIVE_INFINITY;
      }
    }
    var constrained = new ReferenceChain(masked, of.lengths(), of.gold(), ReferenceChain.LABELS);
    try (var on = new RecordedChain(device, ElementType.FLOAT64, of, true)) {
      var allowedTransitions = on.tape.indices(ReferenceChain.LABELS, ReferenceChain.LABELS);
      var allowedLabels =
          on.tape.indices(ReferenceChain.TIME, ReferenceChain.BATCH, ReferenceChain.LABELS);
      var known = on.tape.indices(ReferenceChain.TIME, ReferenceChain.BATCH);
      allowedTransitions.buffer().copyFrom(transitions);
      allowedLabels.buffer().copyFrom(allowed);
      known.buffer().copyFrom(forced);
      LinearChain chain = on.chain.allow(allowedTransitions);
      Tensor emissions = chain.force(chain.allow(on.emissions(), allowedLabels), known);
      var paths = chain.bestPaths(emissions);
      Tensor marginals = chain.marginals(emissions);
      on.tape.forward();
      int[] best = constrained.best();
      assertArrayEquals(best, paths.labels().buffer().toInts());
      Closeness.within(1e-12).check("scores", constrained.scores(), paths.scores().toDoubles());
      // Not of sequences that have no path at all.
      double[] expected = constrained.marginals();
      double[] found = read(marginals.value());
      for (int i = 0; i < found.length; i++) {
        int b = i / ReferenceChain.LABELS % ReferenceChain.BATCH;
        boolean none = of.steps(b) > 0 && best[b] < 0;
        assertEquals(
            none && i / ReferenceChain.LABELS / ReferenceChain.BATCH < of.steps(b),
            Double.isNaN(found[i]));
        found[i] = none ? expected[i] : found[i];
      }
      Closeness.within(1e-12).check("marginals", expected, found);
    }
  }

  @Test
  void aScoreThatIsNoNumberHasNoBestPath() {
    for (int p = 0; p < 4; p++) {
      var of = ReferenceChain.random(random, ElementType.FLOAT32);
      Arrays.fill(of.lengths(), ReferenceChain.TIME);
      of.parameters()[p][0] = Double.NaN;
      try (var on = new RecordedChain(device, ElementType.FLOAT32, of, true)) {
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
}
