package io.github.cudnn4j.tape;

import static io.github.cudnn4j.proof.Numbers.read;
import static io.github.cudnn4j.proof.Numbers.write;
import static io.github.cudnn4j.testing.Refusals.refuses;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.cuda.Precision;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Attention and its gradients, against differences of the loss. */
class AttentionTest {

  private Device device;
  private DrawnParameters parameters;

  @BeforeEach
  void open() {
    device = Device.open();
    parameters = new DrawnParameters(device, new SplittableRandom(5));
  }

  @AfterEach
  void close() {
    parameters.close();
    device.close();
  }

  private Tensor parameter(int... shape) {
    return parameters.draw(ElementType.FLOAT64, shape);
  }

  private interface Network {
    /** Records operations on the parameters; returns logits {@code [..., V]}. */
    Tensor on(Tape tape);
  }

  /** Compares the gradients of the cross-entropy with differences, also replayed from a graph. */
  private void check(Network network) {
    try (var tape = Tape.training(device, Precision.FP64)) {
      var logits = network.on(tape);
      var targets = tape.indices(Arrays.copyOf(logits.shape(), logits.rank() - 1));
      var labels = new int[logits.rows()];
      Arrays.setAll(labels, i -> i % logits.columns());
      targets.buffer().copyFrom(labels);
      var loss = tape.crossEntropy(logits, targets);
      Gradients.check(tape, loss, parameters.all());
    }
  }

  /** Queries of all steps at once, which do not depend on the context. */
  @ParameterizedTest
  @EnumSource
  void attention(AttentionKind kind) {
    var memory = parameter(4, 3, 2);
    var query = parameter(2, 3, 2);
    var attentions = attentions(kind);
    check(
        tape -> {
          var lengths = tape.lengths(3);
          lengths.set(4, 0, 3);
          var output = attentions.over(tape, tape.tanh(memory), lengths).on(tape.tanh(query));
          // The weights are a tensor as others are, and the memory may be used elsewhere.
          var more = tape.product(output.weights(), false, tape.transpose(memory), false);
          return tape.add(output.context(), tape.transpose(more));
        });
  }

  /** Each query depends on the context before, and is of the steps that the memory has. */
  @ParameterizedTest
  @EnumSource
  void attentionStepByStep(AttentionKind kind) {
    var memory = parameter(3, 2, 2);
    var query = parameter(2, 2);
    var attentions = attentions(kind);
    check(
        tape -> {
          var attention = attentions.over(tape, memory, null);
          var first = attention.on(query);
          var second = attention.on(tape.tanh(first.context()));
          var third = attention.on(tape.add(second.context(), query));
          var weights = tape.multiply(first.weights(), second.weights());
          return tape.concatenate(weights, third.context(), second.context());
        });
  }

  /** What is read is not what is compared, of another size, and may be read more than once. */
  @ParameterizedTest
  @EnumSource
  void attentionOverKeysAndValues(AttentionKind kind) {
    var keys = parameter(3, 2, 2);
    var values = parameter(3, 2, 3);
    var query = parameter(2, 2, 2);
    var attentions = attentions(kind);
    check(
        tape -> {
          var lengths = tape.lengths(2);
          lengths.set(3, 2);
          var attention = attentions.over(tape, keys, lengths).withValues(values);
          var first = attention.on(query);
          var second = attention.on(tape.slice(first.context(), 1, 2));
          var read = tape.product(second.weights(), false, tape.transpose(values), false);
          return tape.add(tape.scale(read, 2), tape.transpose(second.context()));
        });
  }

  @Test
  void attentionGivesTheMeanOfTheValuesThatCount() {
    var keys = parameter(3, 2, 2);
    var values = parameter(3, 2, 1); // [T2, B, M]
    write(values.value(), new double[] {1, 2, 3, 4, Double.NaN, 6});
    try (var tape = Tape.inference(device, Precision.FP64)) {
      var lengths = tape.lengths(2);
      lengths.set(2, 3);
      var attention = Attention.dot(tape, keys, lengths).withValues(values);
      Tensor context = attention.on(tape.input(2, 2)).context();
      tape.forward();
      assertArrayEquals(new double[] {2, 4}, context.value().toDoubles(), 1e-12);
      refuses(
          "values are Tensor[3, 1, 2] of FLOAT64, needed are [3, 2, M]",
          () -> attention.withValues(tape.input(3, 1, 2)));
    }
  }

  private interface Attentions {
    Attention over(Tape tape, Tensor memory, @Nullable Lengths lengths);
  }

  private Attentions attentions(AttentionKind kind) {
    return switch (kind) {
      case DOT -> Attention::dot;
      case SCALED_DOT -> Attention::scaledDot;
      case MULTIPLICATIVE -> {
        var weight = parameter(2, 2);
        yield (tape, memory, lengths) -> Attention.multiplicative(tape, memory, lengths, weight);
      }
      case ADDITIVE -> {
        var ofQuery = parameter(3, 2);
        var ofMemory = parameter(3, 2);
        var vector = parameter(3);
        yield (tape, memory, lengths) ->
            Attention.additive(tape, memory, lengths, ofQuery, ofMemory, vector);
      }
    };
  }
}
