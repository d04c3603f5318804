import io.github.cudnn4j.cuda.*;
import io.github.cudnn4j.data.*;
import io.github.cudnn4j.optim.*;
import io.github.cudnn4j.rnn.*;
import io.github.cudnn4j.tape.*;
import io.github.cudnn4j.train.*;

record Review(int mood, int[] words) {
  static Review of(String line) { // 0 or 1, a tab, words
    var words = Arrays.stream(line.substring(2).split(" ")).mapToInt(w -> w.hashCode() & 4095);
    return new Review(line.charAt(0) - '0', words.toArray());
  }
}

void main(String[] args) throws IOException {
  if (args.length < 2) throw new IllegalArgumentException("Classifier.java FILE HELD_OUT");
  try (var device = Device.open();
      var p = Parameters.on(device, Precision.FP32)) {
    var embed = p.embedding("embed", 4096, 32);
    var lstm = p.rnn("rnn", RnnConfig.lstm(32, 64).bidirectional());
    var head = p.linear("head", lstm.outputSize(), 2);
    p.initialize(42);
    Objective mood =
        (tape, in) -> {
          Tensor x = embed.on(tape, in.tokens("words"));
          Tensor h = lstm.on(tape, x, in.lengths("words")).last();
          return tape.crossEntropy(head.on(tape, h), in.labels("mood"));
        };
    var batches =
        Batches.<Review>of(32).tokens("words", 200, Review::words).label("mood", Review::mood);
    var training = batches.lines(Path.of(args[0]), Review::of).shuffled(42).bucketed(50);
    var config = TrainerConfig.of(Optimizer.adamW(1e-3)).clip(Clip.byNorm(1)).epochs(5);
    try (var trainer = Trainer.of(p, mood, training, config)) {
      trainer.validation(batches.lines(Path.of(args[1]), Review::of), Metric.accuracy());
      trainer.listener(TrainingListener.printing(System.out)).run();
    }
  }
}
