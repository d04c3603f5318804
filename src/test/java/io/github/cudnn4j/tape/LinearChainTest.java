package io.github.cudnn4j.tape;

import static io.github.cudnn4j.proof.Numbers.write;
import static io.github.cudnn4j.testing.Refusals.refuses;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.io.SafeTensors;
import io.github.cudnn4j.testing.Closeness;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Losses of conditional random fields against all paths, differences of the loss, and PyTorch:
 * {@code pytorch-crf.safetensors}, which {@code pytorch_crf.py} made.
 */
class LinearChainTest {
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
  void lossesAndGradientsAreThoseOfAllPaths(ElementType type) {
    for (ChainLoss kind : ChainLoss.values()) {
      var of = ReferenceChain.random(random, type);
      try (var on = new RecordedChain(device, type, of, true)) {
        Loss loss = kind.record(on.chain, on.emissions(), on.labels);
        double[][] gradients = on.gradients(on::play);
        double expected = kind.loss(of);
        // The loss is of a wider type than the tensors.
        Closeness.within(type == ElementType.FLOAT64 ? 1e-12 : 2e-6)
            .check(kind + " in " + type, new double[] {expected}, new double[] {loss.read()});
        RecordedChain.check(kind.toString(), type, kind.gradients(of), gradients);
        assertArrayEquals(new double[] {4}, Arrays.copyOfRange(loss.meter().toDoubles(), 1, 2));
        try (var graph = device.stream().capture(on::play)) {
          RecordedChain.check(
              kind + " replayed", ElementType.FLOAT64, gradients, on.gradients(graph::launch));
        }
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void gradientsAreDifferencesOfTheLoss(ChainLoss kind) {
    try (var on =
        new RecordedChain(
            device,
            ElementType.FLOAT64,
            ReferenceChain.random(random, ElementType.FLOAT64),
            true)) {
      Loss loss = kind.record(on.chain, on.tape.tanh(on.emissions()), on.labels);
      Gradients.check(on.tape, loss, on.parameters);
    }
  }

  @Test
  void aLossAddsToOthers() {
    var of = ReferenceChain.random(random, ElementType.FLOAT64);
    try (var on = new RecordedChain(device, ElementType.FLOAT64, of, true)) {
      Loss loss = on.chain.loss(on.emissions(), on.labels);
      on.tape.sum(loss, on.chain.hinge(on.emissions(), on.labels).times(0.5));
      double[][] sum = of.likelihoodGradients();
      double[][] hinge = of.hingeGradients();
      for (int p = 0; p < sum.length; p++) {
        int parameter = p;
        Arrays.setAll(sum[p], i -> sum[parameter][i] + 0.5 * hinge[parameter][i]);
      }
      RecordedChain.check("sum", ElementType.FLOAT64, sum, on.gradients(on::play));
    }
  }

  /** Rows that fill up a batch have a step, for the network, but no labels. */
  @ParameterizedTest
  @EnumSource(ChainLoss.class)
  void aSequenceWithoutLabelsDoesNotCount(ChainLoss kind) {
    var of = ReferenceChain.random(random, ElementType.FLOAT64);
    of.lengths()[0] = 0;
    try (var without = new RecordedChain(device, ElementType.FLOAT64, of, true)) {
      Loss expected = kind.record(without.chain, without.emissions(), without.labels);
      double[][] gradients = without.gradients(without::play);
      of.lengths()[0] = 2;
      of.gold()[0] = -1;
      of.gold()[ReferenceChain.BATCH] = -1;
      try (var on = new RecordedChain(device, ElementType.FLOAT64, of, true)) {
        Loss loss = kind.record(on.chain, on.emissions(), on.labels);
        RecordedChain.check("gradient", ElementType.FLOAT64, gradients, on.gradients(on::play));
        assertEquals(expected.read(), loss.read());
        assertArrayEquals(expected.meter().toDoubles(), loss.meter().toDoubles());
      }
    }
  }

  @Test
  void gradientsOfWhatIsForbiddenAreZero() {
    // Label 2 is never used by the labels, and cannot be.
    var of = ReferenceChain.random(random, ElementType.FLOAT64);
    Arrays.setAll(of.gold(), i -> of.gold()[i] % 2);
    int[] transitions = {1, 1, 0, 1, 1, 0, 0, 0, 0};
    var masked = new double[4][];
    Arrays.setAll(masked, p -> of.parameters()[p].clone());
    var allowed = new int[ReferenceChain.TIME * ReferenceChain.BATCH * ReferenceChain.LABELS];
    for (int i = 0; i < allowed.length; i++) {
      allowed[i] = i % ReferenceChain.LABELS == 2 ? 0 : 1;
      masked[0][i] = allowed[i] == 0 ? Double.NEGATIVE_INFINITY : masked[0][i];
    }
    for (int i = 0; i < transitions.length; i++) {
      masked[1][i] = transitions[i] == 0 ? Double.NEGATIVE_INFINITY : masked[1][i];
    }
    var constrained = new ReferenceChain(masked, of.lengths(), of.gold(), ReferenceChain.LABELS);
    for (ChainLoss kind : ChainLoss.values()) {
      try (var on = new RecordedChain(device, ElementType.FLOAT64, of, true)) {
        var allowedTransitions = on.tape.indices(ReferenceChain.LABELS, ReferenceChain.LABELS);
        var allowedLabels =
            on.tape.indices(ReferenceChain.TIME, ReferenceChain.BATCH, ReferenceChain.LABELS);
        allowedTransitions.buffer().copyFrom(transitions);
        allowedLabels.buffer().copyFrom(allowed);
        LinearChain chain = on.chain.allow(allowedTransitions);
        Loss loss = kind.record(chain, chain.allow(on.emissions(), allowedLabels), on.labels);
        double[][] gradients = on.gradients(on::play);
        assertEquals(kind.loss(constrained), loss.read(), 1e-12);
        RecordedChain.check(
            kind.toString(), ElementType.FLOAT64, kind.gradients(constrained), gradients);
      }
    }
  }

  /** Scores far apart, of which the best path takes the worst transition. */
  @ParameterizedTest
  @EnumSource(names = {"FLOAT32", "FLOAT64"})
  void scoresThatAreFarApart(ElementType type) {
    double[][] parameters = {{2000, 0, 0, 3000, 500, 0}, {0, -1500, 0, 0}, {0, 0}, {0, -10000}};
    var of = new ReferenceChain(parameters, new int[] {3}, new int[] {0, 1, 0}, 2);
    try (var on = new RecordedChain(device, type, of, true)) {
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
    var of = new ReferenceChain(parameters, new int[] {time}, new int[time], 2);
    try (var on = new RecordedChain(device, ElementType.FLOAT32, of, false)) {
      Loss loss = on.chain.loss(on.emissions(), on.labels);
      on.tape.forward();
      Closeness.within(1e-5)
          .check("loss", new double[] {time * Math.log(2)}, new double[] {loss.read()});
    }
  }

  @ParameterizedTest
  @EnumSource
  void aLabelThatThereIsNotGivesNaN(ChainLoss kind) {
    for (int label : new int[] {-1, ReferenceChain.LABELS}) {
      // Without a first label there are none.
      for (int step = label < 0 ? 1 : 0; step < 2; step++) {
        var of = ReferenceChain.random(random, ElementType.FLOAT32);
        try (var on = new RecordedChain(device, ElementType.FLOAT32, of, true)) {
          Loss loss = kind.record(on.chain, on.emissions(), on.labels);
          // Behind the sequence it does not matter.
          of.gold()[3 * ReferenceChain.BATCH + 4] = label;
          on.labels.buffer().copyFrom(of.gold());
          on.play();
          assertTrue(Double.isFinite(loss.read()));
          of.gold()[step * ReferenceChain.BATCH] = label;
          on.labels.buffer().copyFrom(of.gold());
          double[][] gradients = on.gradients(on::play);
          assertTrue(Double.isNaN(loss.read()));
          assertTrue(Arrays.stream(gradients[0]).anyMatch(Double::isNaN));
        }
      }
    }
  }

  @Test
  void whatIsBehindASequenceIsNotRead() {
    var of = ReferenceChain.random(random, ElementType.FLOAT64);
    try (var on = new RecordedChain(device, ElementType.FLOAT64, of, true)) {
      Loss loss = on.chain.loss(on.emissions(), on.labels);
      Loss hinge = on.chain.hinge(on.emissions(), on.labels);
      on.tape.forward();
      double expected = loss.read() + hinge.read();
      double[] values = of.parameters()[0].clone();
      for (int i = 0; i < values.length; i++) {
        boolean counts =
            i / ReferenceChain.LABELS / ReferenceChain.BATCH
                < of.steps(i / ReferenceChain.LABELS % ReferenceChain.BATCH);
        values[i] = counts ? values[i] : Double.NaN;
      }
      write(on.emissions().value(), values);
      on.tape.forward();
      assertEquals(expected, loss.read() + hinge.read());
    }
  }

  @Test
  void otherLengthsNeedNoOtherGraph() {
    var of = ReferenceChain.random(random, ElementType.FLOAT64);
    try (var on = new RecordedChain(device, ElementType.FLOAT64, of, true)) {
      Loss loss = on.chain.loss(on.emissions(), on.labels);
      on.play();
      try (var graph = device.stream().capture(on::play)) {
        var others =
            new ReferenceChain(
                of.parameters(), new int[] {1, 3, 4, 0, 0}, of.gold(), ReferenceChain.LABELS);
        on.lengths.set(others.lengths());
        double[][] gradients = on.gradients(graph::launch);
        assertEquals(others.likelihoodLoss(), loss.read(), 1e-12);
        RecordedChain.check("others", ElementType.FLOAT64, others.likelihoodGradients(), gradients);
        on.lengths.set(new int[ReferenceChain.BATCH]);
        gradients = on.gradients(graph::launch);
        assertEquals(0, loss.read());
        assertArrayEquals(new double[ReferenceChain.LABELS], gradients[2]);
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
          new ReferenceChain(
              parameters, ints(vectors, "lengths"), ints(vectors, "labels"), parameters[2].length);
      try (var on = new RecordedChain(device, ElementType.FLOAT32, of, true)) {
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
    var of = ReferenceChain.random(random, ElementType.FLOAT64);
    try (var on = new RecordedChain(device, ElementType.FLOAT64, of, true)) {
      Tensor wrong =
          on.tape.input(ReferenceChain.LABELS, ReferenceChain.LABELS, ReferenceChain.LABELS);
      refuses(
          "emissions Tensor[3, 3, 3] of FLOAT64, needed are [T, 5, 3]",
          () -> on.chain.marginals(wrong));
      refuses(
          "Indices[4, 3] as labels of Tensor[4, 5, 3] of FLOAT64",
          () -> on.chain.loss(on.emissions(), on.tape.indices(4, 3)));
      refuses(
          "Indices[4, 3] as what is allowed of Tensor[4, 5, 3] of FLOAT64",
          () -> on.chain.allow(on.emissions(), on.tape.indices(4, 3)));
      refuses(
          "transitions Tensor[3, 3] of FLOAT64, start Tensor[3] of FLOAT64, end Tensor[2] of"
              + " FLOAT64, needed are [K, K], [K] and [K]",
          () ->
              on.tape.linearChain(
                  on.parameters.get(1), on.parameters.get(2), on.tape.input(2), on.lengths));
    }
  }
}
