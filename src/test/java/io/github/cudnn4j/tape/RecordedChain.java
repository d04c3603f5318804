package io.github.cudnn4j.tape;

import static io.github.cudnn4j.proof.Numbers.precision;
import static io.github.cudnn4j.proof.Numbers.write;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.testing.Closeness;
import java.util.ArrayList;
import java.util.List;

/** A tape on which a chain is recorded, and its parameters there. */
final class RecordedChain implements AutoCloseable {
  private final List<DeviceBuffer> opened = new ArrayList<>();
  final Tape tape;
  final List<Tensor> parameters = new ArrayList<>();
  final Indices labels;
  final Lengths lengths;
  final LinearChain chain;

  RecordedChain(Device device, ElementType type, ReferenceChain of, boolean training) {
    tape =
        training ? Tape.training(device, precision(type)) : Tape.inference(device, precision(type));
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
    opened.forEach(DeviceBuffer::close);
  }

  static double tolerance(ElementType type) {
    return switch (type) {
      case FLOAT64 -> 1e-12;
      case FLOAT32 -> 2e-6;
      case FLOAT16 -> 1e-3;
      default -> 8e-3;
    };
  }

  static void check(String what, ElementType type, double[][] expected, double[][] actual) {
    for (int p = 0; p < expected.length; p++) {
      Closeness.within(tolerance(type))
          .check(what + " in " + type + ", parameter " + p, expected[p], actual[p]);
    }
  }
}
