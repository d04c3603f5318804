package io.github.cudnn4j.tape;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.cudnn.RnnMode;
import io.github.cudnn4j.data.SavableRandom;
import io.github.cudnn4j.io.SafeTensors;
import io.github.cudnn4j.io.SafeTensorsWriter;
import io.github.cudnn4j.rnn.Rnn;
import io.github.cudnn4j.rnn.RnnConfig;
import io.github.cudnn4j.train.TinyModel;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class ParametersTest {

  @TempDir Path folder;
  private Device device;

  @BeforeEach
  void open() {
    device = Device.open();
  }

  @AfterEach
  void close() {
    device.close();
  }

  @Test
  void alignsItsPartsAndKeepsThePaddingZero() {
    try (var set =
        Parameters.builder(device, ElementType.FLOAT32)
            .add("a", 3)
            .addRegion("r", 65)
            .add("b", 2, 2)
            .build()) {
      assertEquals(64 + 128 + 64, set.weights().elements());
      assertEquals(3 + 65 + 4, set.elements());
      for (String name : List.of("a", "r", "b")) {
        assertEquals(0, (set.weights(name).address() - set.weights().address()) % 256);
        assertEquals(
            set.weights(name).address() - set.weights().address(),
            set.gradients(name).address() - set.gradients().address());
      }
      set.write("b", new double[] {1, 2, 3, 4});
      float[] all = set.weights().toFloats();
      assertArrayEquals(new float[] {1, 2, 3, 4}, Arrays.copyOfRange(all, 192, 196));
      all[192] = all[193] = all[194] = all[195] = 0;
      assertArrayEquals(new float[256], all);
      assertArrayEquals(new float[256], set.gradients().toFloats());
      assertArrayEquals(new int[] {2, 2}, set.tensor("b").shape());
    }
  }

  @Test
  void namesTheTensorsOfANetwork() {
    try (var model = model(RnnMode.GRU)) {
      var set = model.parameters();
      assertEquals(
          List.of(
              "embedding.weight",
              "linear.weight",
              "linear.bias",
              "rnn.weight_ih_l0",
              "rnn.weight_hh_l0",
              "rnn.bias_ih_l0",
              "rnn.bias_hh_l0",
              "rnn.weight_ih_l1",
              "rnn.weight_hh_l1",
              "rnn.bias_ih_l1",
              "rnn.bias_hh_l1"),
          set.names());
      assertArrayEquals(new int[] {12, 5}, set.shape("rnn.weight_ih_l0"));
      var random = new SavableRandom(3);
      set.normal("rnn.weight_hh_l1", 0.5, random);
      double[] values = set.read("rnn.weight_hh_l1");
      assertEquals(48, values.length);
      assertTrue(Arrays.stream(values).map(Math::abs).max().orElseThrow() > 0.5);
      set.uniform("linear.bias", 0.25, random);
      double[] bias = set.read("linear.bias");
      assertTrue(Arrays.stream(bias).map(Math::abs).max().orElseThrow() <= 0.25);
      assertArrayEquals(new double[48], set.readGradient("rnn.weight_hh_l1"));
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"FP32", "FP64", "FP16", "BF16"})
  void savesAndLoadsByName(Precision type) throws IOException {
    var file = folder.resolve("weights.safetensors");
    try (var first = new TinyModel(device, type, RnnMode.LSTM, 7, 4, 0);
        var second = new TinyModel(device, type, RnnMode.LSTM, 7, 4, 0)) {
      for (String name : second.parameters().names()) {
        second.parameters().uniform(name, 1, new SavableRandom(8));
      }
      var writer = new SafeTensorsWriter();
      first.parameters().save(writer);
      writer.write(file);
      String name = "rnn.weight_hh_l1";
      assertNotEquals(first.parameters().read(name)[0], second.parameters().read(name)[0]);
      try (var tensors = SafeTensors.open(file)) {
        assertArrayEquals(new long[] {16, 4}, tensors.shape(name));
        second.parameters().load(tensors);
      }
      for (String each : first.parameters().names()) {
        assertArrayEquals(first.parameters().read(each), second.parameters().read(each), each);
      }
      assertEquals(first.parameters().layout(), second.parameters().layout());
    }
  }

  @Test
  void loadRefusesOtherNamesAndShapesAndChangesNothing() throws IOException {
    var file = folder.resolve("weights.safetensors");
    try (var set =
        Parameters.builder(device, ElementType.FLOAT32).add("a", 2).add("b", 1).build()) {
      new SafeTensorsWriter().add("a", new long[] {2}, new float[] {1, 2}).write(file);
      assertLoadFails(file, set, "the file holds [a], the model has [a, b]");
      new SafeTensorsWriter()
          .add("a", new long[] {2}, new float[] {1, 2})
          .add("b", new long[] {1, 1}, new float[] {1})
          .write(file);
      assertLoadFails(file, set, "b is [1, 1] in the file and [1] in the model");
      new SafeTensorsWriter()
          .add("a", new long[] {2}, new float[] {1, 2})
          .add("b", new long[] {1}, new int[] {1})
          .write(file);
      assertLoadFails(file, set, file + ": b is I32, not F32, F16 or BF16");
      assertArrayEquals(new float[128], set.weights().toFloats());
    }
  }

  private static void assertLoadFails(Path file, Parameters set, String message)
      throws IOException {
    try (var tensors = SafeTensors.open(file)) {
      assertEquals(message, assertThrows(IOException.class, () -> set.load(tensors)).getMessage());
    }
  }

  @Test
  void refusesBadNamesAndShapes() {
    var builder = Parameters.builder(device, ElementType.FLOAT32).add("a", 2).addRegion("r", 99);
    assertRefused("the name a is taken", () -> builder.add("a", 3));
    assertRefused("b has no elements, shape [2, 0]", () -> builder.add("b", 2, 0));
    assertRefused("b has no elements, shape []", () -> builder.add("b"));
    assertRefused(
        "parameters of INT32, must be of a floating-point type",
        () -> Parameters.builder(device, ElementType.INT32));
    var config = RnnConfig.tanh(2, 3);
    try (var set = builder.build();
        var rnn = Rnn.create(device, config)) {
      assertRefused("no c among [a, r]", () -> set.weights("c"));
      assertRefused("r is a region, not a tensor", () -> set.tensor("r"));
      assertRefused("no tensor r among [a]", () -> set.read("r"));
      assertRefused("a has 2 elements, not 3", () -> set.write("a", new double[3]));
      assertRefused("the network's weights are not in the region r", () -> set.attach("r", rnn));
    }
  }

  private static void assertRefused(
      String message, org.junit.jupiter.api.function.Executable action) {
    assertEquals(message, assertThrows(IllegalArgumentException.class, action).getMessage());
  }

  private TinyModel model(RnnMode mode) {
    return new TinyModel(device, Precision.FP32, mode, 7, 4, 0);
  }

  @Test
  void tensorsThatCannotBeCountedAreRefusedAndLeaveTheNameFree() {
    try (var device = Device.open()) {
      var builder = Parameters.builder(device, ElementType.FLOAT32);
      int most = Integer.MAX_VALUE;
      for (int[] shape : new int[][] {{most, most}, {most, most, most}}) {
        var e = assertThrows(IllegalArgumentException.class, () -> builder.add("w", shape));
        assertTrue(
            e.getMessage()
                .matches("w has \\d+ elements, must have at most 11529215046068469\\d\\d"),
            e::getMessage);
      }
      builder.add("w", 1).addRegion("r", Long.MAX_VALUE / 16);
      assertThrows(
          IllegalArgumentException.class, () -> builder.addRegion("s", Long.MAX_VALUE / 16));
    }
  }

  @Test
  void whatIsMissingIsNamed() {
    missing("device", () -> Parameters.builder(null, ElementType.FLOAT32));
    missing("type", () -> Parameters.builder(device, null));
    missing("name", () -> Parameters.builder(device, ElementType.FLOAT32).addRegion(null, 1));
  }

  private static void missing(String name, Executable action) {
    assertEquals(name, assertThrows(NullPointerException.class, action).getMessage());
  }

  @Test
  void aTensorLongerThanAnArrayIsRefused() {
    var tensor = new ParameterSlices(new int[] {1 << 16, 1 << 16}, List.of());
    var e = assertThrows(IllegalArgumentException.class, tensor::count);
    assertEquals(
        "a tensor of [65536, 65536] has more values than the 2147483639 of an array",
        e.getMessage());
  }
}
