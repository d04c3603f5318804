import io.github.cudnn4j.cuda.*;
import io.github.cudnn4j.data.*;
import io.github.cudnn4j.optim.*;
import io.github.cudnn4j.rnn.*;
import io.github.cudnn4j.tape.*;
import io.github.cudnn4j.train.*;

void main(String[] args) throws IOException {
  if (args.length < 2) throw new IllegalArgumentException("Translator.java FILE HELD_OUT");
  try (var device = Device.open();
      var p = Parameters.on(device, Precision.FP32)) {
    var read = p.embedding("read", 128, 32);
    var encoder = p.rnn("encoder", RnnConfig.gru(32, 64));
    var written = p.embedding("written", 128, 32);
    var decoder = p.rnn("decoder", RnnConfig.gru(32, 64));
    var attention = p.attention("attention", AttentionKind.SCALED_DOT, 64, 64);
    var combine = p.linear("combine", 128, 64);
    var head = p.linear("head", 64, 128);
    p.initialize(42);
    Objective translation =
        (tape, in) -> {
          var source = encoder.on(tape, read.on(tape, in.tokens("source")), in.lengths("source"));
          Tensor before = written.on(tape, in.tokens("before"));
          Tensor y = decoder.on(tape, before, in.lengths("before"), source.h(), null).y();
          Tensor seen = attention.on(tape, source.y(), in.lengths("source")).on(y).context();
          Tensor h = tape.tanh(combine.on(tape, tape.concatenate(y, seen)));
          return tape.crossEntropy(head.on(tape, h), in.labels("target"));
        };
    var batches = // 0 begins and ends a translation
        Batches.<String[]>of(32)
            .tokens("source", 60, pair -> pair[0].chars().toArray())
            .tokens("before", 60, pair -> ("\0" + pair[1]).chars().toArray())
            .labels("target", "before", pair -> (pair[1] + "\0").chars().toArray());
    var training = batches.lines(Path.of(args[0]), line -> line.split("\t")).shuffled(42);
    var config = TrainerConfig.of(Optimizer.adamW(3e-3)).clip(Clip.byNorm(1)).epochs(5);
    try (var trainer = Trainer.of(p, translation, training.bucketed(50), config)) {
      trainer.validation(batches.lines(Path.of(args[1]), l -> l.split("\t")), Metric.accuracy());
      trainer.listener(TrainingListener.printing(System.out)).run();
    }
  }
}
