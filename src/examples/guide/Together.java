import io.github.cudnn4j.cuda.*;
import io.github.cudnn4j.data.*;
import io.github.cudnn4j.library.*;
import io.github.cudnn4j.optim.*;
import io.github.cudnn4j.tape.*;
import io.github.cudnn4j.train.*;

void main() throws IOException {
  Ranks ranks = Ranks.ofEnvironment(); // one process alone, if no launcher says otherwise
  try (var device = ranks.openDevice(DeviceChoice.AUTO);
      var group = RankGroup.join(device, ranks);
      var p = Parameters.on(device, Precision.FP32)) {
    var head = p.linear("head", 2, 1);
    p.initialize(42);
    Objective error =
        (tape, in) ->
            tape.meanSquaredError(head.on(tape, in.vector("x")), in.vector("y"), in.counted());
    var batches =
        Batches.<float[]>of(32).vector("x", 2, x -> x).vector("y", 1, x -> new float[] {x[0]});
    var random = new Random(42); // all ranks make the same records, and take rows of their own
    var all = new ArrayList<float[]>();
    for (int i = 0; i < 1024; i++) all.add(new float[] {random.nextFloat(), random.nextFloat()});
    var config = TrainerConfig.of(Optimizer.adam(1e-2)).epochs(20);
    try (var trainer = Trainer.of(p, error, batches.over(all), config, group)) {
      trainer.listener(TrainingListener.printing(System.out)).run();
    }
    if (group.isFirst()) IO.println("%d of %d ranks".formatted(group.size(), ranks.size()));
  }
}
