import io.github.cudnn4j.cuda.*;
import io.github.cudnn4j.data.*;
import io.github.cudnn4j.optim.*;
import io.github.cudnn4j.tape.*;
import io.github.cudnn4j.train.*;

record Multiple(Blas blas, double a, Tensor x, Tensor y) implements Operation { // y = a·x
  static Tensor of(Tape tape, double a, Tensor x) {
    var blas = tape.device().blas();
    return tape.record(x.shape(), (in, out) -> new Multiple(blas, a, in.get(0), out), x);
  }

  public void forward() {
    y.value().copyFrom(x.value());
    blas.scal(a, y.value());
  }

  public void backward() {
    if (x.gradient() != null) {
      x.gradient().copyFrom(y.gradient());
      blas.scal(a, x.gradient());
    }
  }
}

record Lion(double learningRate, double beta1, double beta2, double weightDecay)
    implements Optimizer {
  public Lion withLearningRate(double rate) {
    return new Lion(rate, beta1, beta2, weightDecay);
  }

  public Runnable bind(ParameterRange range) {
    DeviceBuffer w = range.weights();
    DeviceBuffer g = range.gradients();
    DeviceBuffer m = range.moment("mean");
    DeviceBuffer c = range.scratch();
    return range
        .program()
        .combine(beta1, m, 1 - beta1, g, c)
        .sign(c, c)
        .combine(1, c, weightDecay, w, c)
        .add(range.learningRate().times(-1), c, w)
        .combine(beta2, m, 1 - beta2, g, m);
  }
}

record Point(float[] x, float[] y) {
  static Point random(Random random) {
    float[] x = {random.nextFloat(), random.nextFloat()};
    return new Point(x, new float[] {2 * x[0] - x[1]});
  }
}

void main() throws IOException {
  try (var device = Device.open();
      var p = Parameters.on(device, Precision.FP32)) {
    var head = p.linear("head", 2, 1);
    p.initialize(42);
    Objective absolute = // the mean of |y - target| over the rows that count
        (tape, in) -> {
          Tensor y = head.on(tape, in.vector("x"));
          Tensor difference = tape.add(y, Multiple.of(tape, -1, in.vector("y")));
          Tensor other = Multiple.of(tape, -1, difference);
          Tensor rows = tape.add(tape.relu(difference), tape.relu(other));
          return tape.loss(tape.reshape(rows, in.size()), in.counted());
        };
    Metric percent = // of the sum and the count that a loss keeps
        Metric.of(
            "percent",
            false, // lower is better
            (tape, in, loss) -> Metric.Meter.of(loss.meter()),
            counts -> 100 * counts[0] / counts[1]);
    var batches = Batches.<Point>of(32).vector("x", 2, Point::x).vector("y", 1, Point::y);
    var all = new Random(42).ints(1100).mapToObj(i -> Point.random(new Random(i))).toList();
    var config = TrainerConfig.of(new Lion(3e-3, 0.9, 0.99, 0)).epochs(20);
    try (var trainer = Trainer.of(p, absolute, batches.over(all.subList(100, 1100)), config)) {
      trainer.validation(batches.over(all.subList(0, 100)), percent);
      trainer.listener(TrainingListener.printing(System.out)).run();
    }
  }
}
