import io.github.cudnn4j.cuda.*;
import io.github.cudnn4j.data.*;
import io.github.cudnn4j.model.*;
import io.github.cudnn4j.optim.*;
import io.github.cudnn4j.rnn.*;
import io.github.cudnn4j.tape.*;
import io.github.cudnn4j.train.*;

void main(String[] args) throws IOException {
  if (args.length < 1) throw new IllegalArgumentException("Namer.java FILE");
  try (var device = Device.open();
      var p = Parameters.on(device, Precision.FP32)) {
    var kind = p.embedding("kind", 4, 64);
    var letter = p.embedding("letter", 128, 32);
    var gru = p.rnn("rnn", RnnConfig.gru(32, 64));
    var head = p.linear("head", 64, 128);
    p.initialize(42);
    Objective writing =
        (tape, in) -> {
          Tensor h = tape.reshape(kind.on(tape, in.labels("kind")), 1, in.size(), 64);
          Tensor x = letter.on(tape, in.tokens("before"));
          Tensor y = gru.on(tape, x, in.lengths("before"), h, null).y();
          return tape.crossEntropy(head.on(tape, y), in.labels("next"));
        };
    var batches = // of lines: a number from 0 to 3, a tab, a text; 0 begins and ends it
        Batches.<String>of(32)
            .label("kind", line -> line.charAt(0) - '0')
            .tokens("before", 40, line -> ("\0" + line.substring(2)).chars().toArray())
            .labels("next", "before", line -> (line.substring(2) + "\0").chars().toArray());
    var lines = batches.lines(Path.of(args[0]), line -> line).shuffled(42);
    var config = TrainerConfig.of(Optimizer.adamW(5e-3)).clip(Clip.byNorm(1)).epochs(5);
    try (var trainer = Trainer.of(p, writing, lines, config)) {
      trainer.listener(TrainingListener.printing(System.out)).run();
    }
    StepNetwork step = // one letter for each sequence, whose state is on the device
        (tape, in) -> {
          var out = gru.on(tape, letter.on(tape, in.tokens()), in.state(0), null);
          return StepNetwork.Output.of(head.on(tape, out.y()), out);
        };
    var states = StepNetwork.State.of(gru.config());
    try (var runner = StepRunner.ofTokens(device, p.precision(), step, states, 4, 4)) {
      runner.state(0).copyFrom(p.parameter("kind.weight").tensor().value()); // [1, 4, 64]
      var texts = Sampling.GREEDY.draw(runner, new int[4], 0, 40, new Random(1));
      texts.forEach(t -> IO.println(new String(t, 0, t.length)));
    }
  }
}
