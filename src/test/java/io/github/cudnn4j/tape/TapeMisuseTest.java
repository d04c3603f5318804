package io.github.cudnn4j.tape;

import static io.github.cudnn4j.testing.Refusals.refuses;
import static io.github.cudnn4j.testing.Refusals.refusesNow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.rnn.Rnn;
import io.github.cudnn4j.rnn.RnnConfig;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

/** What a tape refuses: the wrong order, shapes and types, and what is of another tape. */
class TapeMisuseTest {

  private final List<DeviceBuffer> buffers = new ArrayList<>();
  private Device device;

  @BeforeEach
  void open() {
    device = Device.open();
  }

  @AfterEach
  void close() {
    buffers.forEach(DeviceBuffer::close);
    device.close();
  }

  @Test
  void refusesTheWrongOrder() {
    try (var tape = Tape.training(device, Precision.FP32)) {
      refusesNow("backward without a forward before it", tape::backward);
      tape.forward();
      tape.backward();
      refusesNow("backward without a forward before it", tape::backward);
    }
    try (var tape = Tape.inference(device, Precision.FP32)) {
      tape.forward();
      refusesNow("backward on a tape for inference", tape::backward);
    }
    var tape = Tape.training(device, Precision.FP32);
    tape.close();
    tape.close();
    refusesNow("the tape is closed", tape::forward);
    refusesNow("the tape is closed", () -> tape.input(1));
  }

  @Test
  void refusesToRecordWhereNothingWouldPlayIt() {
    try (var tape = Tape.training(device, Precision.FP32)) {
      Tensor x = tape.scale(tape.input(2), 2);
      refusesNow(
          "an operation is being made, record others before it",
          () ->
              tape.record(
                  x.shape(),
                  (in, y) -> {
                    tape.tanh(x);
                    return null;
                  },
                  x));
      assertThrows(NullPointerException.class, () -> tape.record(x.shape(), (in, y) -> null, x));
      tape.forward();
      tape.tanh(x);
      refusesNow("backward without a forward before it", tape::backward);
    }
  }

  @Test
  void refusesShapesAndTypesThatDoNotFit() {
    try (var tape = Tape.training(device, Precision.FP32)) {
      var x = tape.input(2, 3, 4);
      var weight = parameter(ElementType.FLOAT32, 5, 4);
      var wide = parameter(ElementType.FLOAT64, 5, 4);
      assertRefused(() -> tape.linear(x, wide, null));
      assertRefused(() -> tape.linear(x, parameter(ElementType.FLOAT32, 3, 3), null));
      assertRefused(() -> tape.linear(x, weight, parameter(ElementType.FLOAT32, 4)));
      assertRefused(() -> tape.embedding(tape.indices(5), x));
      assertRefused(() -> tape.embedding(tape.indices(5), wide));
      assertRefused(() -> tape.oneHot(tape.indices(6), 0));
      assertRefused(() -> tape.indices());
      assertRefused(() -> tape.indices(2, 0));
      assertRefused(() -> tape.indices(x.value(), 2, 3, 4));
      assertRefused(() -> tape.indices(tape.indices(6).buffer(), 2, 4));
      assertRefused(() -> tape.crossEntropy(x, tape.indices(5)));
      assertRefused(() -> tape.crossEntropy(x, tape.indices(6)));
      assertRefused(() -> tape.crossEntropy(x, tape.indices(3, 2)));
      assertRefused(() -> tape.input(2, -1));
      assertRefused(() -> tape.input());
      assertRefused(() -> tape.add(x, tape.input(2, 3)));
      assertRefused(() -> tape.multiply(x, tape.input(2, 4, 3)));
      assertRefused(() -> tape.concatenate());
      assertRefused(() -> tape.concatenate(x, tape.input(3, 2, 4)));
      assertRefused(() -> tape.concatenate(x, tape.input(2, 4)));
      assertRefused(() -> tape.slice(x, -1, 2));
      assertRefused(() -> tape.slice(x, 2, 3));
      assertRefused(() -> tape.slice(x, 2, 0));
      assertRefused(() -> tape.slice(x, 1, Integer.MAX_VALUE));
      var lengths = tape.lengths(4);
      assertRefused(() -> lengths.last(x));
      assertRefused(() -> lengths.mask(tape.input(3, 4)));
      assertRefused(() -> lengths.softmax(tape.input(3, 4)));
      assertRefused(() -> tape.transpose(tape.input(3, 4)));
      assertRefused(() -> tape.product(x, false, x, false));
      assertRefused(() -> tape.product(x, false, tape.input(1, 4, 2), false));
      var vector = parameter(ElementType.FLOAT32, 4);
      assertRefused(() -> tape.layerNorm(x, vector, vector, 0));
      assertRefused(() -> tape.layerNorm(tape.input(2, 3), vector, vector, 1e-5));
      assertRefused(() -> tape.reshape(x, 5, 5));
      assertRefused(() -> tape.record(new int[] {0}, (in, y) -> null, x));
      assertRefused(() -> tape.tanh(wide));
    }
  }

  /** As one that an objective keeps from the shape before. */
  @Test
  void whatIsOfAnotherTapeIsRefused() {
    try (var other = Tape.training(device, Precision.FP32);
        var tape = Tape.training(device, Precision.FP32)) {
      var theirs = other.tanh(other.input(2, 3));
      var theirLabels = other.indices(2);
      var theirLengths = other.lengths(2);
      var theirLoss = other.crossEntropy(theirs, theirLabels);
      var mine = tape.input(2, 3);
      var sequences = tape.input(2, 2, 3);
      var table = parameter(ElementType.FLOAT32, 2, 3);
      String tensor = "Tensor[2, 3] of FLOAT32 of another tape";
      for (Tensor each :
          List.of(
              theirs, other.input(2, 3), other.constant(1, 2, 3), other.reshape(theirs, 2, 3))) {
        refuses(tensor, () -> tape.tanh(each));
        refuses(tensor, () -> tape.add(mine, each));
        refuses(tensor, () -> tape.linear(mine, each, null));
        refuses(tensor, () -> tape.embedding(tape.indices(2), each));
        refuses(tensor, () -> tape.binaryCrossEntropy(mine, each));
        refuses(tensor, () -> tape.loss(each));
        refuses(tensor, () -> tape.record(new int[] {1}, (_, _) -> null, mine, each));
      }
      refuses("Tensor[3] of FLOAT32 of another tape", () -> tape.tanh(other.unbind(theirs).get(1)));
      refuses("Tensor[2, 2, 3] of FLOAT32 of another tape", () -> theirLengths.last(sequences));
      refuses("Indices[2] of another tape", () -> tape.embedding(theirLabels, table));
      refuses("Indices[2] of another tape", () -> tape.oneHot(theirLabels, 3));
      refuses("Indices[2] of another tape", () -> tape.crossEntropy(mine, theirLabels));
      refuses("Indices[2] of another tape", () -> tape.meanSquaredError(mine, mine, theirLabels));
      refuses("Indices[2] of another tape", () -> tape.loss(tape.input(2), theirLabels));
      refuses("a loss of another tape", () -> tape.accuracy(theirLoss));
      refuses("a loss of another tape", () -> tape.confusion(theirLoss));
      var rnn = Rnn.create(device, RnnConfig.lstm(3, 3));
      refuses("lengths of another tape", () -> tape.rnn(rnn, sequences, theirLengths));
      rnn.close();
      refuses(
          "lengths of another tape",
          () -> tape.ctc(sequences, theirLengths, tape.indices(2, 2), tape.lengths(2)));
      refuses(
          "lengths of another tape",
          () -> tape.linearChain(tape.input(3, 3), tape.input(3), tape.input(3), theirLengths));
      var chain = tape.linearChain(tape.input(3, 3), tape.input(3), tape.input(3), tape.lengths(2));
      refuses(
          "Indices[2, 2] of another tape",
          () -> chain.loss(tape.input(2, 2, 3), other.indices(2, 2)));
      refuses("Indices[3, 3] of another tape", () -> chain.allow(other.indices(3, 3)));
      // What has no gradient there is a number like others here.
      tape.tanh(other.detach(theirs));
      tape.forward();
      tape.backward();
    }
  }

  private static void assertRefused(Executable action) {
    assertThrows(IllegalArgumentException.class, action);
  }

  private Tensor parameter(ElementType type, int... shape) {
    var value = DeviceBuffer.allocate(device, type, Tensor.elements(shape));
    var gradient = DeviceBuffer.allocate(device, type, Tensor.elements(shape));
    buffers.add(value);
    buffers.add(gradient);
    value.clear();
    gradient.clear();
    return new Tensor(value, gradient, shape);
  }

  @Test
  void aMissingDeviceOrPrecisionIsNamed() {
    missing("device", () -> Tape.training(null, Precision.FP32));
    missing("precision", () -> Tape.inference(device, null));
    try (var tape = Tape.training(device, Precision.FP32)) {
      missing("part", () -> tape.own(null));
    }
  }

  private static void missing(String name, Executable action) {
    assertEquals(name, assertThrows(NullPointerException.class, action).getMessage());
  }
}
