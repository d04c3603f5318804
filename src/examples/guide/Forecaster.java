import io.github.cudnn4j.cuda.*;
import io.github.cudnn4j.data.*;
import io.github.cudnn4j.optim.*;
import io.github.cudnn4j.rnn.*;
import io.github.cudnn4j.tape.*;
import io.github.cudnn4j.train.*;

record Wave(float[][] past, float[] next) {
  static Wave random(Random random) { // a sine of some frequency, amplitude and phase
    double step = random.nextDouble(0.2, 0.8);
    double start = random.nextDouble(7);
    double height = random.nextDouble(0.5, 1);
    var past = new float[30][];
    Arrays.setAll(past, t -> new float[] {(float) (height * Math.sin(start + t * step))});
    return new Wave(past, new float[] {(float) (height * Math.sin(start + 30 * step))});
  }
}

void main() throws IOException {
  try (var device = Device.open();
      var p = Parameters.on(device, Precision.FP32)) {
    var gru = p.rnn("rnn", RnnConfig.gru(1, 32));
    var head = p.linear("head", 32, 1);
    p.initialize(42);
    Outputs.Model forecast = // [B, 1]
        (tape, in) -> head.on(tape, gru.on(tape, in.floats("past")).last());
    Objective error =
        (tape, in) ->
            tape.meanSquaredError(forecast.record(tape, in), in.vector("next"), in.counted());
    var batches =
        Batches.<Wave>of(32).floats("past", 30, 30, 1, Wave::past).vector("next", 1, Wave::next);
    var all = new Random(42).ints(2080).mapToObj(i -> Wave.random(new Random(i))).toList();
    var config = TrainerConfig.of(Optimizer.adam(3e-3)).clip(Clip.byNorm(1)).epochs(10);
    try (var trainer = Trainer.of(p, error, batches.over(all.subList(32, 2080)), config)) {
      trainer.validation(batches.over(all.subList(0, 32)));
      trainer.listener(TrainingListener.printing(System.out)).run();
    }
    double[] first = Outputs.of(p, batches.over(all.subList(0, 32)), forecast).getFirst();
    IO.println("forecast %.3f, in truth %.3f".formatted(first[0], all.getFirst().next[0]));
  }
}
