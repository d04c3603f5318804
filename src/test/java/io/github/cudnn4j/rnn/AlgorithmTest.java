package io.github.cudnn4j.rnn;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.abort;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.cudnn.BiasMode;
import io.github.cudnn4j.cudnn.CudnnException;
import io.github.cudnn4j.cudnn.CudnnStatus;
import io.github.cudnn4j.cudnn.RnnAlgorithm;
import io.github.cudnn4j.cudnn.RnnDataLayout;
import io.github.cudnn4j.library.HostControl;
import io.github.cudnn4j.library.Settings;
import io.github.cudnn4j.rnn.AlgorithmChoices.Choice;
import io.github.cudnn4j.testing.Closeness;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Algorithms: named ones, the measured choice, and the file that keeps it. */
class AlgorithmTest {
  private static final SequenceShape SHAPE = SequenceShape.of(4, 2);
  private static final RnnConfig AUTO = RnnConfig.lstm(3, 5).autoAlgorithm();
  private static final int REFUSED = CudnnStatus.NOT_SUPPORTED.code();

  private static Device device;
  private static String propertyBefore;

  @TempDir private Path folder;
  private Path file;

  @BeforeAll
  static void open() {
    device = Device.open();
    propertyBefore = System.getProperty(Settings.ALGORITHMS_PATH);
  }

  @AfterAll
  static void close() {
    if (propertyBefore != null) {
      System.setProperty(Settings.ALGORITHMS_PATH, propertyBefore);
    } else {
      System.clearProperty(Settings.ALGORITHMS_PATH);
    }
    device.close();
  }

  @BeforeEach
  void file() {
    file = folder.resolve("cache/choices.json");
    System.setProperty(Settings.ALGORITHMS_PATH, file.toString());
  }

  @AfterEach
  void clearFault() {
    HostControl.ifHost().ifPresent(HostControl::clearFault);
  }

  private static HostControl host() {
    assumeTrue(HostControl.ifHost().isPresent(), "only the host device can be made to refuse");
    return HostControl.get();
  }

  private static List<Choice> choices() throws IOException {
    return AlgorithmChoices.ofUser().list();
  }

  /** Makes the file say that an algorithm was the fastest. */
  private void prefer(RnnAlgorithm algorithm) throws IOException {
    try (Rnn rnn = Rnn.create(device, AUTO);
        RnnPlan plan = rnn.plan(SHAPE)) {
      String text = Files.readString(file);
      Files.writeString(
          file,
          text.replace(
              "\"algorithm\":\"" + plan.algorithm() + "\"", "\"algorithm\":\"" + algorithm + "\""));
    }
    assertEquals(algorithm, choices().getFirst().algorithm());
  }

  /** A network, unless this GPU does not have the algorithm. */
  private static Rnn persistent(RnnAlgorithm algorithm) {
    try {
      return Rnn.create(device, RnnConfig.gru(3, 5).algorithm(algorithm));
    } catch (CudnnException e) {
      return abort(algorithm + " is not there for this on this GPU: " + e.getMessage());
    }
  }

  @ParameterizedTest
  @EnumSource
  void everyAlgorithmComputesTheSame(RnnAlgorithm algorithm) {
    RnnConfig config = RnnConfig.lstm(3, 5).layers(2).bidirectional();
    try (RnnFixture expected = new RnnFixture(device, config, SHAPE)) {
      RnnFixture fixture;
      try {
        fixture = new RnnFixture(device, config.algorithm(algorithm), SHAPE);
      } catch (CudnnException e) {
        assumeTrue(false, algorithm + " is not there for this on this GPU: " + e.getMessage());
        return;
      }
      try (fixture) {
        assertEquals(algorithm, fixture.plan.algorithm());
        assertEquals("", fixture.plan.algorithmNote());
        try {
          fixture.step();
        } catch (CudnnException e) {
          assumeTrue(false, algorithm + " does not run this on this GPU: " + e.getMessage());
        }
        expected.step();
        checkResults(expected, fixture);
      }
    }
  }

  private static void checkResults(RnnFixture expected, RnnFixture actual) {
    double[][] results = actual.results();
    for (int i = 0; i < results.length; i++) {
      Closeness.within(1e-5).check("result " + i, expected.results()[i], results[i]);
    }
  }

  @Test
  void whatWasMeasuredOrTriedRuns() throws IOException {
    try (RnnFixture expected =
        new RnnFixture(device, AUTO.algorithm(RnnAlgorithm.STANDARD), SHAPE)) {
      expected.step();
      for (String how : List.of(", measured: ", ", measured before")) {
        try (RnnFixture fixture = new RnnFixture(device, AUTO, SHAPE)) {
          String note = fixture.plan.algorithmNote();
          assertTrue(note.contains(how), note);
          fixture.step();
          checkResults(expected, fixture);
        }
        prefer(RnnAlgorithm.PERSIST_STATIC);
      }
    }
  }

  @ParameterizedTest
  @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "STANDARD")
  void persistentOnesNeedEqualLengths(RnnAlgorithm algorithm) {
    SequenceShape ragged = SequenceShape.ofLengths(RnnDataLayout.BATCH_MAJOR_UNPACKED, 4, 4, 3);
    try (Rnn rnn = persistent(algorithm)) {
      assertEquals(
          "algorithm "
              + algorithm
              + " needs sequences of T steps each, but the shape is BATCH_MAJOR_UNPACKED T 4 B 2"
              + " lengths [4, 3]",
          assertThrows(IllegalArgumentException.class, () -> rnn.plan(ragged)).getMessage());
      SequenceShape varying = SequenceShape.varying(4, 2);
      assertThrows(IllegalArgumentException.class, () -> rnn.plan(varying));
    }
  }

  @Test
  void lengthsThatVaryAreRunByTheStandardOne() {
    try (Rnn rnn = Rnn.create(device, AUTO);
        RnnPlan plan = rnn.plan(SequenceShape.varying(4, 2))) {
      assertEquals(RnnAlgorithm.STANDARD, plan.algorithm());
      String note = plan.algorithmNote();
      assertTrue(note.startsWith("STANDARD alone runs it: "), note);
      plan.setLengths(1, 3);
    }
  }

  /** A model that trains with a persistent algorithm must not end at its first sample. */
  @ParameterizedTest
  @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "STANDARD")
  void aSingleStepOfInferenceIsStandard(RnnAlgorithm algorithm) {
    SequenceShape one = SequenceShape.of(1, 1);
    try (Rnn rnn = persistent(algorithm);
        Rnn standard = Rnn.create(device, RnnConfig.gru(3, 5));
        RnnPlan plan = rnn.inferencePlan(one);
        RnnPlan expected = standard.inferencePlan(one);
        DeviceBuffer x = DeviceBuffer.allocate(device, ElementType.FLOAT32, 3);
        DeviceBuffer y = DeviceBuffer.allocate(device, ElementType.FLOAT32, 5);
        DeviceBuffer expectedY = DeviceBuffer.allocate(device, ElementType.FLOAT32, 5)) {
      rnn.initialize(1);
      standard.initialize(1);
      x.copyFrom(new float[] {0.3f, -0.2f, 0.9f});

      plan.infer(x, y, RnnStates.NONE);
      expected.infer(x, expectedY, RnnStates.NONE);

      assertEquals(RnnAlgorithm.STANDARD, plan.algorithm());
      assertEquals("STANDARD, because " + algorithm + " needs steps", plan.algorithmNote());
      assertArrayEquals(expectedY.toFloats(), y.toFloats());
    }
  }

  @Test
  void dynamicKernelsAreBuiltForTheBatch() {
    HostControl host = host();
    try (Rnn rnn = Rnn.create(device, RnnConfig.gru(3, 5).algorithm(RnnAlgorithm.PERSIST_DYNAMIC));
        RnnPlan plan = rnn.plan(SHAPE)) {
      long before = host.calls("cudnnBuildRNNDynamic");
      rnn.plan(SequenceShape.of(4, 3)).close();
      assertEquals(before + 1, host.calls("cudnnBuildRNNDynamic"));
      host.fail("cudnnBuildRNNDynamic", 1, REFUSED, false);
      CudnnException e = assertThrows(CudnnException.class, () -> rnn.inferencePlan(SHAPE));
      assertEquals("GRU I 3 H 5 L 1 D 1 bias DOUBLE FP32 PERSIST_DYNAMIC B 2", e.context());
      assertEquals(RnnAlgorithm.PERSIST_DYNAMIC, plan.algorithm());
    }
  }

  @Test
  void theFastestIsMeasuredOnceForEachSubject() throws IOException {
    try (Rnn rnn = Rnn.create(device, AUTO)) {
      rnn.initialize(1);
      rnn.gradients().space().clear();
      float[] weights = rnn.weights().space().toFloats();
      RnnAlgorithm measured;
      try (RnnPlan plan = rnn.plan(SHAPE)) {
        measured = plan.algorithm();
        String note = plan.algorithmNote();
        assertTrue(note.startsWith(measured + ", measured: STANDARD "), note);
      }
      Choice choice = choices().getFirst();
      assertEquals(measured, choice.algorithm());
      assertEquals(AlgorithmChooser.fastest(choice.milliseconds()), measured, choice::figures);
      assertEquals(device.name(), choice.subject().device());
      assertEquals("LSTM I 3 H 5 L 1 D 1 bias DOUBLE dropout 0.0 FP32", choice.subject().network());
      assertEquals("SEQ_MAJOR_UNPACKED T 4 B 2", choice.subject().shape());
      assertTrue(choice.subject().training());
      Set<RnnAlgorithm> all = EnumSet.copyOf(choice.milliseconds().keySet());
      all.addAll(choice.refused().keySet());
      assertEquals(EnumSet.allOf(RnnAlgorithm.class), all);
      choice.milliseconds().values().forEach(time -> assertTrue(time > 0, choice::figures));

      try (RnnPlan again = rnn.plan(SHAPE)) {
        assertEquals(measured, again.algorithm());
        assertEquals(measured + ", measured before: " + choice.figures(), again.algorithmNote());
      }
      assertEquals(1, choices().size());
      rnn.inferencePlan(SHAPE).close();
      rnn.plan(SequenceShape.of(4, 3)).close();
      assertEquals(3, choices().size());
      assertFalse(choices().get(1).subject().training());
      assertArrayEquals(weights, rnn.weights().space().toFloats());
      assertArrayEquals(new float[weights.length], rnn.gradients().space().toFloats());
    }
    AlgorithmChoices.ofUser().clear();
    assertEquals(List.of(), choices());
    assertFalse(Files.exists(file));
    AlgorithmChoices.ofUser().clear();
  }

  @Test
  void theFastestIsChosenIfItIsClearlyFaster() {
    assertEquals(RnnAlgorithm.PERSIST_STATIC, fastest(1, 0.5, 0.7, 0.6));
    assertEquals(RnnAlgorithm.PERSIST_DYNAMIC, fastest(1, 0.97, 0.96, 0.97));
    assertEquals(RnnAlgorithm.PERSIST_STATIC_SMALL_H, fastest(1, 2, 3, 0.9));
    assertEquals(RnnAlgorithm.STANDARD, fastest(1, 0.99, 0.985, 1.5));
    assertEquals(RnnAlgorithm.STANDARD, fastest(1));
  }

  /** Of times in the order of the algorithms. */
  private static RnnAlgorithm fastest(double... milliseconds) {
    Map<RnnAlgorithm, Double> times = new EnumMap<>(RnnAlgorithm.class);
    for (int i = 0; i < milliseconds.length; i++) {
      times.put(RnnAlgorithm.values()[i], milliseconds[i]);
    }
    return AlgorithmChooser.fastest(times);
  }

  @Test
  void measuringLeavesTheDropoutWhereItIs() {
    RnnConfig config = AUTO.layers(2).dropout(0.5, 3);
    try (RnnFixture fixture =
            new RnnFixture(device, config.algorithm(RnnAlgorithm.STANDARD), SHAPE);
        Rnn rnn = Rnn.create(device, config)) {
      byte[] before = rnn.dropoutState();
      rnn.plan(SHAPE).close();
      assertArrayEquals(before, rnn.dropoutState());
      assertArrayEquals(before, fixture.rnn.dropoutState());
      fixture.step();
      assertFalse(Arrays.equals(before, fixture.rnn.dropoutState()));
    }
  }

  @Test
  void whatOnlyOneAlgorithmRunsIsNotMeasured() throws IOException {
    try (Rnn rnn = Rnn.create(device, AUTO.bias(BiasMode.NONE).precision(Precision.FP64));
        RnnPlan plan = rnn.plan(SHAPE)) {
      assertEquals(RnnAlgorithm.STANDARD, plan.algorithm());
      assertEquals(
          "STANDARD alone runs it: algorithm PERSIST_STATIC needs both biases, but the bias mode is"
              + " NONE",
          plan.algorithmNote());
    }
    SequenceShape ragged = SequenceShape.ofLengths(RnnDataLayout.SEQ_MAJOR_PACKED, 4, 4, 3);
    try (Rnn rnn = Rnn.create(device, AUTO);
        RnnPlan plan = rnn.plan(ragged)) {
      assertEquals(
          "STANDARD alone runs it: algorithm PERSIST_STATIC needs sequences of T steps each, but"
              + " the shape is SEQ_MAJOR_PACKED T 4 B 2 lengths [4, 3]",
          plan.algorithmNote());
    }
    assertEquals(List.of(), choices());
  }

  @Test
  void whatIsRefusedIsLeftOut() throws IOException {
    host().fail("cudnnBuildRNNDynamic", 1, REFUSED, false);
    try (Rnn rnn = Rnn.create(device, AUTO);
        RnnPlan plan = rnn.plan(SHAPE)) {
      Choice choice = choices().getFirst();
      assertEquals(
          "cudnnBuildRNNDynamic returned CUDNN_STATUS_NOT_SUPPORTED",
          choice.refused().get(RnnAlgorithm.PERSIST_DYNAMIC));
      assertFalse(choice.milliseconds().containsKey(RnnAlgorithm.PERSIST_DYNAMIC));
      assertTrue(
          plan.algorithmNote()
              .contains(
                  "PERSIST_DYNAMIC refused: cudnnBuildRNNDynamic returned"
                      + " CUDNN_STATUS_NOT_SUPPORTED"),
          plan::algorithmNote);
    }
  }

  @Test
  void aChoiceFromTheFileIsTriedFirst() throws IOException {
    HostControl host = host();
    prefer(RnnAlgorithm.PERSIST_STATIC);
    try (Rnn rnn = Rnn.create(device, AUTO)) {
      try (RnnPlan plan = rnn.plan(SHAPE)) {
        assertEquals(RnnAlgorithm.PERSIST_STATIC, plan.algorithm());
      }
      host.fail("cudnnRNNForward", 1, REFUSED, false);
      try (RnnPlan plan = rnn.plan(SHAPE)) {
        assertEquals(RnnAlgorithm.STANDARD, plan.algorithm());
        assertEquals(
            "STANDARD, because PERSIST_STATIC, measured before, is refused now: cudnnRNNForward"
                + " returned CUDNN_STATUS_NOT_SUPPORTED",
            plan.algorithmNote());
      }
      assertEquals(RnnAlgorithm.PERSIST_STATIC, choices().getFirst().algorithm());
    }
  }

  @Test
  void aNewChoiceReplacesThatOfTheSameSubject() throws IOException {
    prefer(RnnAlgorithm.PERSIST_STATIC);
    Choice choice = choices().getFirst();
    AlgorithmChoices.ofUser().add(choice);
    assertEquals(List.of(choice), choices());
  }

  @Test
  void whatATrialCouldNotFreeIsThrown() {
    var refusal = new IllegalStateException("refused");
    AlgorithmTrial.requireClear(refusal);
    var first = new IllegalArgumentException("a buffer is left");
    var second = new IllegalArgumentException("another is left");
    refusal.addSuppressed(first);
    refusal.addSuppressed(second);
    assertSame(
        first, assertThrows(RuntimeException.class, () -> AlgorithmTrial.requireClear(refusal)));
    assertArrayEquals(new Throwable[] {second}, first.getSuppressed());
  }

  @Test
  void aDamagedFileIsReplaced() throws IOException {
    Files.createDirectories(file.getParent());
    Files.writeString(file, "[{\"device\":1}]");
    assertEquals(
        file + " is damaged: entry 0 is not a choice",
        assertThrows(IOException.class, AlgorithmTest::choices).getMessage());
    Files.writeString(file, "[");
    String damage = file + " is damaged: JSON, position 1: the text ends too early";
    assertEquals(damage, assertThrows(IOException.class, AlgorithmTest::choices).getMessage());
    try (Rnn rnn = Rnn.create(device, AUTO);
        RnnPlan plan = rnn.plan(SHAPE)) {
      assertTrue(plan.algorithmNote().endsWith(" (" + damage + ")"), plan::algorithmNote);
    }
    assertEquals(1, choices().size());
    try (var files = Files.list(file.getParent())) {
      assertEquals(List.of(file), files.toList());
    }
  }

  @Test
  void withoutAPlaceToKeepItAChoiceIsStillMade() throws IOException {
    Path blocked = folder.resolve("a file");
    Files.writeString(blocked, "");
    System.setProperty(Settings.ALGORITHMS_PATH, blocked.resolve("choices.json").toString());
    try (Rnn rnn = Rnn.create(device, AUTO);
        RnnPlan plan = rnn.plan(SHAPE)) {
      String note = plan.algorithmNote();
      assertTrue(note.contains(", measured: ") && note.contains(" (not kept: "), note);
    }
  }

  @Test
  void nothingIsMeasuredWhileCapturing() {
    try (Rnn rnn = Rnn.create(device, AUTO)) {
      IllegalStateException e =
          assertThrows(
              IllegalStateException.class, () -> device.stream().capture(() -> rnn.plan(SHAPE)));
      assertEquals("allocating memory cannot be captured", e.getMessage());
    }
    assertFalse(Files.exists(file));
  }

  @Test
  void aFailureWhileMeasuringLeavesNothing() throws IOException {
    HostControl host = host();
    try (Rnn rnn = Rnn.create(device, AUTO.layers(2).dropout(0.5, 3))) {
      rnn.plan(SHAPE).close();
      AlgorithmChoices.ofUser().clear();
      byte[] dropout = rnn.dropoutState();
      var live = host.live();
      for (String function :
          List.of("cudaMalloc", "cudaEventRecord", "cudaEventElapsedTime", "cudnnRNNForward")) {
        for (int k = 1; k <= 12; k++) {
          String at = "call " + k + " of " + function;
          host.fail(function, k, function.startsWith("cudnn") ? REFUSED : 999, false);
          try {
            rnn.plan(SHAPE).close();
          } catch (RuntimeException e) {
            assertTrue(e.getMessage().contains(function), at + ": " + e.getMessage());
          }
          host.clearFault();
          assertEquals(live, host.live(), at);
          assertArrayEquals(dropout, rnn.dropoutState(), at);
          AlgorithmChoices.ofUser().clear();
        }
      }
    }
  }
}
