import io.github.cudnn4j.cuda.*;
import io.github.cudnn4j.data.*;
import io.github.cudnn4j.optim.*;
import io.github.cudnn4j.rnn.*;
import io.github.cudnn4j.tape.*;
import io.github.cudnn4j.train.*;

int[] numbers(String text, ToIntFunction<String> number) {
  return Arrays.stream(text.split(" ")).mapToInt(number).toArray();
}

void main(String[] args) throws IOException {
  if (args.length < 2) throw new IllegalArgumentException("Tagger.java FILE HELD_OUT");
  try (var device = Device.open();
      var p = Parameters.on(device, Precision.FP32)) {
    var embed = p.embedding("embed", 4096, 32);
    var gru = p.rnn("rnn", RnnConfig.gru(32, 32).bidirectional());
    var head = p.linear("head", gru.outputSize(), 4);
    var crf = p.linearChain("crf", 4);
    p.initialize(42);
    Objective tagging =
        (tape, in) -> {
          Tensor x = embed.on(tape, in.tokens("words"));
          Tensor y = gru.on(tape, x, in.lengths("words")).y();
          return crf.on(tape, in.lengths("words")).loss(head.on(tape, y), in.labels("tags"));
        };
    var batches = // of lines: words, a tab, and a number from 0 to 3 for each
        Batches.<String[]>of(32)
            .tokens("words", 100, line -> numbers(line[0], word -> word.hashCode() & 4095))
            .labels("tags", "words", line -> numbers(line[1], Integer::parseInt));
    var training = batches.lines(Path.of(args[0]), line -> line.split("\t")).shuffled(42);
    var config = TrainerConfig.of(Optimizer.adamW(3e-3)).epochs(5);
    try (var trainer = Trainer.of(p, tagging, training.bucketed(50), config)) {
      trainer.validation(batches.lines(Path.of(args[1]), l -> l.split("\t")), Metric.accuracy());
      trainer.listener(TrainingListener.printing(System.out)).run();
    }
  }
}
