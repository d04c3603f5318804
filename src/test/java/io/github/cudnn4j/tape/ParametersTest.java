package io.github.cudnn4j.tape;

import static io.github.cudnn4j.testing.Refusals.refusesNow;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.io.SafeTensors;
import io.github.cudnn4j.io.SafeTensorsWriter;
import io.github.cudnn4j.rnn.RnnConfig;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class ParametersTest {

  @TempDir Path folder;
  private Device device;
  private Parameters set;

  @BeforeEach
  void open() {
    device = Device.open();
    set = Parameters.on(device, Precision.FP32);
  }

  @AfterEach
  void close() {
    set.close();
    device.close();
  }

  @Test
  void alignsItsPartsAndKeepsThePaddingZero() {
    set.tensor("a", Init.zeros(), 3);
    set.tensor("r", Init.zeros(), 65);
    set.tensor("b", Init.zeros(), 2, 2);
    set.initialize(1);
    assertEquals(64 + 128 + 64, set.weights().elements());
    assertEquals(3 + 65 + 4, set.elements());
    assertEquals("a 0+3\nr 64+65\nb 192+4\n", set.layout());
    for (String name : set.names()) {
      Tensor tensor = set.parameter(name).tensor();
      long place = tensor.value().address() - set.weights().address();
      assertEquals(0, place % 256);
      assertEquals(place, tensor.gradient().address() - set.gradients().address());
    }
    set.write("b", new double[] {1, 2, 3, 4});
    float[] all = set.weights().toFloats();
    assertArrayEquals(new float[] {1, 2, 3, 4}, Arrays.copyOfRange(all, 192, 196));
    all[192] = all[193] = all[194] = all[195] = 0;
    assertArrayEquals(new float[256], all);
    assertArrayEquals(new float[256], set.gradients().toFloats());
    assertArrayEquals(new int[] {2, 2}, set.parameter("b").tensor().shape());
  }

  @Test
  void namesTensorsInTheOrderOfTheirDeclaration() {
    set.embedding("embed", 7, 5);
    set.rnn("rnn", RnnConfig.gru(5, 4).layers(2));
    set.layerNorm("norm", 4);
    set.linear("head", 4, 7);
    set.linear("plain", 4, 2, false);
    set.attention("dot", AttentionKind.SCALED_DOT, 4, 4);
    set.attention("luong", AttentionKind.MULTIPLICATIVE, 3, 4);
    set.attention("bahdanau", AttentionKind.ADDITIVE, 3, 4, 6);
    set.initialize(1);
    assertEquals(
        List.of(
            "embed.weight",
            "rnn.weight_ih_l0",
            "rnn.weight_hh_l0",
            "rnn.bias_ih_l0",
            "rnn.bias_hh_l0",
            "rnn.weight_ih_l1",
            "rnn.weight_hh_l1",
            "rnn.bias_ih_l1",
            "rnn.bias_hh_l1",
            "norm.weight",
            "norm.bias",
            "head.weight",
            "head.bias",
            "plain.weight",
            "luong.weight",
            "bahdanau.query.weight",
            "bahdanau.memory.weight",
            "bahdanau.score.weight"),
        set.names());
    assertEquals("luong.weight [3, 4]", set.parameter("luong.weight").toString());
    assertEquals(
        "bahdanau.memory.weight [6, 4]", set.parameter("bahdanau.memory.weight").toString());
    assertEquals("bahdanau.score.weight [1, 6]", set.parameter("bahdanau.score.weight").toString());
    assertEquals("rnn.weight_ih_l0 [12, 5]", set.parameter("rnn.weight_ih_l0").toString());
    assertEquals("head.weight [7, 4]", set.parameter("head.weight").toString());
    assertArrayEquals(new double[48], set.readGradient("rnn.weight_hh_l1"));
  }

  @Test
  void findsNamesByPatterns() {
    set.linear("in", 3, 4);
    set.linear("head", 4, 2);
    set.initialize(1);
    assertEquals(List.of("in.bias", "head.bias"), set.names("*.bias"));
    assertEquals(List.of("in.weight", "in.bias"), set.names("in.*"));
    assertEquals(List.of("head.bias"), set.names("head.bias"));
    var thrown = assertThrows(IllegalArgumentException.class, () -> set.names("head"));
    assertEquals(
        "no tensor head among [in.weight, in.bias, head.weight, head.bias]", thrown.getMessage());
  }

  @Test
  void hasNoMemoryBeforeItIsInitialized() {
    var head = set.linear("head", 4, 2);
    var rnn = set.rnn("rnn", RnnConfig.tanh(3, 4));
    String message = "the parameters have no memory yet; call initialize or load first";
    try (var tape = Tape.inference(device, Precision.FP32)) {
      for (Executable use :
          List.<Executable>of(
              () -> head.on(tape, tape.input(5, 4)),
              () -> rnn.on(tape, tape.input(5, 1, 3)),
              rnn::rnn,
              () -> rnn.parameter("weight_ih_l0"),
              () -> head.weight().tensor(),
              () -> set.read("head.bias"),
              set::weights,
              set::names,
              set::layout)) {
        refusesNow(message, use);
      }
    }
  }

  @Test
  void staysAsItIsIfTheWrongThreadClosesIt() throws Exception {
    var rnn = set.rnn("rnn", RnnConfig.tanh(3, 4));
    set.initialize(1);
    try (var tape = Tape.inference(device, Precision.FP32)) {
      var y = rnn.on(tape, tape.input(5, 1, 3)).y();
      var thrown = new ArrayList<Throwable>();
      for (AutoCloseable each : List.of(tape, set)) {
        var thread =
            new Thread(() -> thrown.add(assertThrows(WrongThreadException.class, each::close)));
        thread.start();
        thread.join();
      }
      assertEquals(2, thrown.size());
      tape.forward();
      assertEquals(20, y.value().toFloats().length);
      assertEquals(16, set.read("rnn.weight_hh_l0").length);
    }
  }

  @Test
  void declaresNothingAfterwards() {
    set.tensor("a", Init.zeros(), 2);
    set.initialize(1);
    String message = " is declared too late: initialize or load has allocated the set";
    refusesNow("head" + message, () -> set.linear("head", 1, 2));
    refusesNow("rnn" + message, () -> set.rnn("rnn", RnnConfig.tanh(2, 3)));
    refusesNow("b" + message, () -> set.tensor("b", Init.zeros(), 2));
    set.close();
    refusesNow("the parameters are closed", () -> set.tensor("b", Init.zeros(), 2));
    refusesNow("the parameters are closed", () -> set.initialize(1));
    refusesNow("the parameters are closed", set::weights);
  }

  @Test
  void needsSomethingToAllocate() {
    refusesNow("no layer and no tensor is declared", () -> set.initialize(1));
  }

  @ParameterizedTest
  @EnumSource(names = {"FP32", "FP64", "FP16", "BF16"})
  void savesAndLoadsByName(Precision precision) throws IOException {
    var file = folder.resolve("weights.safetensors");
    try (var first = model(precision);
        var second = model(precision)) {
      first.initialize(1);
      var writer = new SafeTensorsWriter();
      first.save(writer);
      writer.write(file);
      try (var tensors = SafeTensors.open(file)) {
        assertArrayEquals(new long[] {16, 4}, tensors.shape("rnn.weight_hh_l0"));
        second.load(tensors);
      }
      for (String each : first.names()) {
        assertArrayEquals(first.read(each), second.read(each), each);
      }
      assertEquals(first.layout(), second.layout());
      second.initialize(2);
      assertNotEquals(first.read("rnn.weight_hh_l0")[0], second.read("rnn.weight_hh_l0")[0]);
    }
  }

  private Parameters model(Precision precision) {
    Parameters model = Parameters.on(device, precision);
    model.embedding("embed", 6, 3);
    model.rnn("rnn", RnnConfig.lstm(3, 4));
    model.linear("head", 4, 6);
    return model;
  }

  @Test
  void loadRefusesOtherNamesAndShapesAndChangesNothing() throws IOException {
    var file = folder.resolve("weights.safetensors");
    set.tensor("a", Init.zeros(), 2);
    set.tensor("b", Init.zeros(), 1);
    for (int time = 0; time < 2; time++) {
      new SafeTensorsWriter()
          .add("a", new long[] {2}, new float[] {1, 2})
          .add("c", new long[] {2}, new float[] {1, 2})
          .write(file);
      assertLoadFails(file, file + ": missing in the file: b; only in the file: c");
      new SafeTensorsWriter()
          .add("a", new long[] {2}, new float[] {1, 2})
          .add("b", new long[] {1, 1}, new float[] {1})
          .write(file);
      assertLoadFails(file, file + ": b is [1, 1] in the file and [1] in the model");
      new SafeTensorsWriter()
          .add("a", new long[] {2}, new float[] {1, 2})
          .add("b", new long[] {1}, new int[] {1})
          .write(file);
      assertLoadFails(file, file + ": b is I32, not F32, F16 or BF16");
      if (time == 0) {
        assertThrows(IllegalStateException.class, set::weights);
        set.initialize(1);
      }
      assertArrayEquals(new float[128], set.weights().toFloats());
    }
  }

  @Test
  void loadsFromOtherNames() throws IOException {
    var file = folder.resolve("weights.safetensors");
    new SafeTensorsWriter()
        .add("module.a", new long[] {2}, new float[] {1, 2})
        .add("module.b", new long[] {1}, new float[] {3})
        .add("old.b", new long[] {1}, new float[] {4})
        .add("optimizer.step", new long[] {1}, new int[] {3})
        .write(file);
    set.tensor("a", Init.zeros(), 2);
    set.tensor("b", Init.zeros(), 1);
    try (var tensors = SafeTensors.open(file)) {
      set.load(
          tensors, name -> name.startsWith("module.") ? name.substring("module.".length()) : null);
      assertArrayEquals(new double[] {1, 2}, set.read("a"));
      assertArrayEquals(new double[] {3}, set.read("b"));
      assertEquals(
          file + ": module.b and old.b differ, but both are b of the model",
          assertThrows(
                  IOException.class,
                  () -> set.loadMatching(tensors, name -> name.endsWith(".b") ? "b" : null))
              .getMessage());
    }
  }

  @Test
  void loadsWhatFitsAndTellsWhatDoesNot() throws IOException {
    var file = folder.resolve("weights.safetensors");
    new SafeTensorsWriter()
        .add("a", new long[] {2}, new float[] {1, 2})
        .add("b", new long[] {1, 1}, new float[] {3})
        .add("d", new long[] {1}, new float[] {4})
        .write(file);
    set.tensor("a", Init.constant(7), 2);
    set.tensor("b", Init.constant(7), 1);
    set.tensor("c", Init.constant(7), 1);
    try (var tensors = SafeTensors.open(file)) {
      assertThrows(
          IllegalStateException.class, () -> set.loadMatching(tensors, Function.identity()));
      set.initialize(1);
      LoadReport report = set.loadMatching(tensors, Function.identity());
      String other = "b is [1, 1] in the file and [1] in the model";
      assertEquals(
          new LoadReport(List.of("a"), List.of("c"), List.of("d"), List.of(other)), report);
      assertFalse(report.isComplete());
      assertEquals(
          "1 tensors loaded; " + other + "; missing in the file: c; only in the file: d",
          report.toString());
      assertArrayEquals(new double[] {1, 2}, set.read("a"));
      assertArrayEquals(new double[] {7}, set.read("b"));
      assertArrayEquals(new double[] {7}, set.read("c"));
      new SafeTensorsWriter()
          .add("a", new long[] {2}, new float[] {5, 6})
          .add("c", new long[] {1}, new float[] {Float.NaN})
          .write(file);
    }
    try (var tensors = SafeTensors.open(file)) {
      assertEquals(
          file + ": element 0 of c is NaN: no weight",
          assertThrows(IOException.class, () -> set.loadMatching(tensors, Function.identity()))
              .getMessage());
      assertArrayEquals(new double[] {1, 2}, set.read("a"));
    }
  }

  private void assertLoadFails(Path file, String message) throws IOException {
    try (var tensors = SafeTensors.open(file)) {
      assertEquals(message, assertThrows(IOException.class, () -> set.load(tensors)).getMessage());
    }
  }

  @Test
  void refusesBadNamesAndShapes() {
    set.tensor("a", Init.zeros(), 2);
    assertRefused("the name a is taken", () -> set.tensor("a", Init.zeros(), 3));
    assertRefused("the name a is taken", () -> set.linear("a", 3, 2));
    assertRefused("b has no elements, shape [2, 0]", () -> set.tensor("b", Init.zeros(), 2, 0));
    assertRefused("b has no elements, shape []", () -> set.tensor("b", Init.zeros()));
    assertRefused("c.weight has no elements, shape [2, 0]", () -> set.linear("c", 0, 2));
    set.linear("c", 1, 2);
    assertRefused("the name c.weight is taken", () -> set.tensor("c.weight", Init.zeros(), 3));
    assertRefused("epsilon 0.0, must be above 0 and finite", () -> set.layerNorm("n", 3, 0));
    assertRefused(
        "attention of kind DOT of queries of size 2 over a memory of size 3, must be equal",
        () -> set.attention("t", AttentionKind.DOT, 2, 3));
    assertRefused(
        "attention of kind MULTIPLICATIVE compares vectors of the query's size, not of 4",
        () -> set.attention("t", AttentionKind.MULTIPLICATIVE, 2, 3, 4));
    assertRefused(
        "sizes 2, 0 and 2 of t, must be positive",
        () -> set.attention("t", AttentionKind.ADDITIVE, 2, 0));
    set.layerNorm("n", 3);
    var rnn = set.rnn("r", RnnConfig.lstm(1, 2));
    set.initialize(1);
    assertRefused(
        "no tensor d among [a, c.weight, c.bias, n.weight, n.bias, r.weight_ih_l0,"
            + " r.weight_hh_l0, r.bias_ih_l0, r.bias_hh_l0]",
        () -> set.read("d"));
    assertRefused("a has 2 elements, not 3", () -> set.write("a", new double[3]));
    assertRefused(
        "r.bias_ih_l0 lies in 4 pieces, one for each gate of a network",
        () -> rnn.parameter("bias_ih_l0").tensor());
  }

  @Test
  void aNameOfANetworksTensorThatIsTakenLeavesNoMemory() {
    set.tensor("r.bias_ih_l0", Init.zeros(), 2);
    set.rnn("r", RnnConfig.tanh(1, 2));
    assertRefused("the name r.bias_ih_l0 is taken", () -> set.initialize(1));
    assertThrows(IllegalStateException.class, set::weights);
  }

  /** Each layer of attention is the operation with its weights. */
  @ParameterizedTest
  @EnumSource
  void attentionTakesItsWeights(AttentionKind kind) {
    boolean bare = kind == AttentionKind.DOT || kind == AttentionKind.SCALED_DOT;
    int memorySize = bare ? 3 : 4;
    var layer = set.attention("a", kind, 3, memorySize);
    set.tensor("query", Init.normal(1), 2, 2, 3);
    set.tensor("memory", Init.normal(1), 5, 2, memorySize);
    set.initialize(1);
    try (var tape = Tape.inference(device, Precision.FP32)) {
      Tensor query = set.parameter("query").tensor();
      Tensor memory = set.parameter("memory").tensor();
      Lengths lengths = tape.lengths(2);
      lengths.set(5, 2);
      Attention expected =
          switch (kind) {
            case DOT -> Attention.dot(tape, memory, lengths);
            case SCALED_DOT -> Attention.scaledDot(tape, memory, lengths);
            case MULTIPLICATIVE ->
                Attention.multiplicative(tape, memory, lengths, set.parameter("a.weight").tensor());
            case ADDITIVE ->
                Attention.additive(
                    tape,
                    memory,
                    lengths,
                    set.parameter("a.query.weight").tensor(),
                    set.parameter("a.memory.weight").tensor(),
                    tape.reshape(set.parameter("a.score.weight").tensor(), 3));
          };
      Tensor one = layer.on(tape, memory, lengths).on(query).context();
      Tensor other = expected.on(query).context();
      Tensor ofAll = layer.on(tape, memory, null).on(query).context();
      tape.forward();
      assertArrayEquals(other.value().toFloats(), one.value().toFloats());
      lengths.set(5, 5);
      tape.forward();
      assertArrayEquals(other.value().toFloats(), ofAll.value().toFloats());
      assertRefused(
          "memory is Tensor[2, 2, 5] of FLOAT32, needed is [T2, B, " + memorySize + "]",
          () -> layer.on(tape, tape.input(2, 2, 5), null));
      assertRefused(
          "query is Tensor[2, 5] of FLOAT32, needed is [T1, 2, 3] or [2, 3]",
          () -> expected.on(tape.input(2, 5)));
    }
  }

  private static void assertRefused(String message, Executable action) {
    assertEquals(message, assertThrows(IllegalArgumentException.class, action).getMessage());
  }

  @Test
  void tensorsThatCannotBeCountedAreRefusedAndLeaveTheNameFree() {
    int most = Integer.MAX_VALUE;
    for (int[] shape : new int[][] {{most, most}, {most, most, most}}) {
      var e =
          assertThrows(IllegalArgumentException.class, () -> set.tensor("w", Init.zeros(), shape));
      assertTrue(
          e.getMessage().matches("w has \\d+ elements, must have at most 11529215046068469\\d\\d"),
          e::getMessage);
    }
    set.tensor("w", Init.zeros(), most, most / 8);
    assertThrows(
        IllegalArgumentException.class, () -> set.tensor("v", Init.zeros(), most, most / 8 * 2));
  }

  @Test
  void whatIsMissingIsNamed() {
    missing("device", () -> Parameters.on(null, Precision.FP32));
    missing("precision", () -> Parameters.on(device, null));
    missing("name", () -> set.tensor(null, Init.zeros(), 1));
    missing("init", () -> set.tensor("a", null, 1));
  }

  private static void missing(String name, Executable action) {
    assertEquals(name, assertThrows(NullPointerException.class, action).getMessage());
  }

  @ParameterizedTest
  @CsvSource({
    "a.b, a.b, axb",
    "a+[b]*, a+[b].weight, aa[b].weight",
    "*.bias, .bias, .bias_",
    "rnn.bias_?h_l0, rnn.bias_ih_l0, rnn.bias_h_l0",
    "\\Q?\\E, \\Q.\\E, .",
    "?\uD83C\uDF33*, \uD83C\uDF32\uD83C\uDF33, \uD83C\uDF33"
  })
  void patternsOfNamesHaveTwoGapsAndNothingElse(String pattern, String name, String other) {
    assertTrue(NamePattern.of(pattern).test(name));
    assertFalse(NamePattern.of(pattern).test(other));
  }

  @Test
  void aTensorLongerThanAnArrayIsRefused() {
    var e = assertThrows(IllegalArgumentException.class, () -> Parameter.count(1 << 16, 1 << 16));
    assertEquals(
        "a tensor of [65536, 65536] has more values than the 2147483639 of an array",
        e.getMessage());
  }
}
