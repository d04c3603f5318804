import io.github.cudnn4j.cuda.*;
import io.github.cudnn4j.data.*;
import io.github.cudnn4j.optim.*;
import io.github.cudnn4j.rnn.*;
import io.github.cudnn4j.tape.*;
import io.github.cudnn4j.train.*;

record Spoken(int[] letters, float[][] frames) {
  static Spoken random(Random random) { // letters 1 to 4, each three noisy frames and a pause
    int[] letters = random.ints(random.nextInt(2, 8), 1, 5).toArray();
    var frames = new float[4 * letters.length][5];
    for (int t = 0; t < frames.length; t++) {
      for (int i = 0; i < 5; i++) frames[t][i] = (float) random.nextGaussian(0, 0.3);
      frames[t][t % 4 < 3 ? letters[t / 4] : 0] += 1;
    }
    return new Spoken(letters, frames);
  }
}

void main() throws IOException {
  try (var device = Device.open();
      var p = Parameters.on(device, Precision.FP32)) {
    var lstm = p.rnn("rnn", RnnConfig.lstm(5, 32).bidirectional());
    var head = p.linear("head", lstm.outputSize(), 5);
    p.initialize(42);
    Objective spelling =
        (tape, in) -> {
          Tensor y = head.on(tape, lstm.on(tape, in.floats("frames"), in.lengths("frames")).y());
          return tape.ctc(y, in.lengths("frames"), in.tokens("letters"), in.lengths("letters"));
        };
    var batches =
        Batches.<Spoken>of(32)
            .floats("frames", 28, 5, Spoken::frames)
            .tokens("letters", 7, Spoken::letters);
    var all = new Random(42).ints(2048).mapToObj(i -> Spoken.random(new Random(i))).toList();
    var config = TrainerConfig.of(Optimizer.adam(3e-3)).epochs(5);
    try (var trainer = Trainer.of(p, spelling, batches.over(all.subList(256, 2048)), config)) {
      trainer.validation(batches.over(all.subList(0, 256)));
      trainer.listener(TrainingListener.printing(System.out)).run();
    }
  }
}
