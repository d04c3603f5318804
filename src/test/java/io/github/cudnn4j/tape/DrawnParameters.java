package io.github.cudnn4j.tape;

import static io.github.cudnn4j.proof.Numbers.round;
import static io.github.cudnn4j.proof.Numbers.write;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.rnn.Rnn;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/** Parameters of a test, and all that was opened for them. */
final class DrawnParameters implements AutoCloseable {
  private final Device device;
  private final SplittableRandom random;
  private final List<Runnable> closings = new ArrayList<>();
  private final List<Tensor> all = new ArrayList<>();

  DrawnParameters(Device device, SplittableRandom random) {
    this.device = device;
    this.random = random;
  }

  /** Makes one, uniform in ±1. */
  Tensor draw(ElementType type, int... shape) {
    int elements = (int) Tensor.elements(shape);
    var value = DeviceBuffer.allocate(device, type, elements);
    var gradient = DeviceBuffer.allocate(device, type, elements);
    closings.add(value::close);
    closings.add(gradient::close);
    write(value, round(type, random.doubles(elements, -1, 1).toArray()));
    var tensor = new Tensor(value, gradient, shape);
    all.add(tensor);
    return tensor;
  }

  /** Takes a network over, and its weights as one parameter. */
  void add(Rnn rnn) {
    closings.add(rnn::close);
    int elements = (int) rnn.weights().space().elements();
    all.add(new Tensor(rnn.weights().space(), rnn.gradients().space(), elements));
  }

  List<Tensor> all() {
    return all;
  }

  @Override
  public void close() {
    closings.reversed().forEach(Runnable::run);
  }
}
