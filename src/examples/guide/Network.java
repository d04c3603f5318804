import io.github.cudnn4j.cuda.*;
import io.github.cudnn4j.rnn.*;
import java.util.*;

void main() {
  try (var device = Device.open();
      var lstm = Rnn.create(device, RnnConfig.lstm(28, 64).layers(2).bidirectional());
      var plan = lstm.plan(SequenceShape.of(35, 32)); // T = 35 time steps, B = 32 sequences
      var x = DeviceBuffer.allocate(device, ElementType.FLOAT32, plan.inputElements());
      var y = DeviceBuffer.allocate(device, ElementType.FLOAT32, plan.outputElements());
      var dy = DeviceBuffer.allocate(device, ElementType.FLOAT32, plan.outputElements())) {
    lstm.initialize(1); // every parameter uniform in ±1/√H, as PyTorch does
    var values = new float[(int) dy.elements()];
    Arrays.fill(values, 1f / values.length);
    dy.copyFrom(values); // the gradient of the mean of y, [T, B, 2·H]
    x.copyFrom(Arrays.copyOf(values, (int) x.elements())); // some input, [T, B, I]
    for (int step = 0; step < 5; step++) {
      RnnPass pass = plan.forward(x, y, RnnStates.NONE);
      double mean = 0;
      for (float value : y.toFloats()) mean += value / values.length;
      IO.println("step %d: mean of y %.4f".formatted(step, mean));
      lstm.gradients().space().clear();
      pass.backward(dy, null); // null: the gradient of x is not wanted
      device.blas().axpy(-10, lstm.gradients().space(), lstm.weights().space());
    }
  }
}
