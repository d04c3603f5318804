package io.github.cudnn4j.examples;

import module java.base;

import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.data.*;
import io.github.cudnn4j.optim.*;
import io.github.cudnn4j.rnn.RnnConfig;
import io.github.cudnn4j.tape.*;
import io.github.cudnn4j.train.*;
import org.knowm.xchart.HeatMapChart;

/**
 * A Neural Turing Machine is to repeat sequences of symbols, also some that are longer than all
 * that it was trained on; an LSTM of twice the size is to do the same.
 *
 * @see <a href="https://arxiv.org/abs/1410.5401">Graves, Wayne and Danihelka, 2014</a>
 */
final class Turing {

  private static final int SYMBOLS = 16, BATCH = 16;

  /** The logits {@code [T, B, V]} of all steps, and what can be seen of each sequence. */
  private record Output(Tensor logits, List<Tensor> heads) {}

  private interface Network {
    Output on(Tape tape, Tensor steps);
  }

  /** How many symbols are right, in sequences as long as those of the training and in others. */
  private record Score(double same, double longer, double[] heads) {}

  private Turing() {}

  static Example.Result run(Example example) throws IOException {
    int length = example.size(20, 4);
    Score copy = learn(example, "copy", Turing::machine, length);
    Score lstm = learn(example, "lstm", Turing::lstm, length);
    var title = "right: %.1f %% of %d symbols, %.1f %% of %d; by an LSTM %.1f %% and %.1f %%";
    example.picture(
        () ->
            chart(
                String.format(
                    Locale.ROOT,
                    title,
                    100 * copy.same,
                    length,
                    100 * copy.longer,
                    2 * length,
                    100 * lstm.same,
                    100 * lstm.longer),
                copy.heads));
    return new Example.Result("symbols right", copy.same, lstm.same);
  }

  private static Score learn(
      Example example, String name, Function<Parameters, Network> network, int length)
      throws IOException {
    var random = new SplittableRandom(1);
    var training =
        Stream.generate(() -> sequence(length * random.nextInt(1, 5) / 4, random))
            .limit(example.size(2_600, 300) * BATCH)
            .toList();
    try (var p = Parameters.on(example.device(), Precision.FP32)) {
      var made = network.apply(p);
      p.initialize(1);
      Objective right =
          (tape, in) -> {
            Indices symbols = in.tokens("symbols");
            Tensor logits = made.on(tape, steps(tape, symbols)).logits;
            Tensor repeated = tape.slice(logits, 0, symbols.dim(0) + 1, symbols.dim(0));
            return tape.crossEntropy(repeated, symbols);
          };
      var config =
          TrainerConfig.of(Optimizer.adam(3e-3))
              .clip(Clip.byNorm(1))
              .schedule(Schedule.cosine(50, training.size() / BATCH, 0.05));
      var source = batches(length).over(training).shuffled(1).bucketed(20);
      example.core("turing-" + name, right, source, p);
      try (var trainer = Trainer.of(p, right, source, config)) {
        trainer.listener(example).checkpoints(example.checkpoints(name)).run();
      }
      double[] parts = new double[2];
      for (int i = 0; i < 2; i++) {
        int time = (i + 1) * length;
        var held = Stream.generate(() -> sequence(time, random)).limit(64).toList();
        var result = Evaluator.evaluate(p, right, batches(time).over(held), Metric.accuracy());
        parts[i] = result.metrics().get("accuracy");
      }
      var one = batches(length).over(List.of(sequence(length, random)));
      Outputs.Model heads =
          (tape, in) -> {
            var output = made.on(tape, steps(tape, in.tokens("symbols")));
            return tape.concatenate(output.heads.toArray(Tensor[]::new));
          };
      return new Score(parts[0], parts[1], Outputs.of(p, one, heads).getFirst());
    }
  }

  private static Batches<int[]> batches(int length) {
    return Batches.<int[]>of(BATCH).shapes(4).tokens("symbols", length, row -> row);
  }

  private static int[] sequence(int length, SplittableRandom random) {
    return random.ints(length, 0, SYMBOLS).toArray();
  }

  /** The symbols, a mark that asks for them, and nothing while they are repeated. */
  private static Tensor steps(Tape tape, Indices symbols) {
    int time = symbols.dim(0);
    int batch = symbols.dim(1);
    Tensor given = tape.concatenate(tape.oneHot(symbols, SYMBOLS), tape.input(time, batch, 1));
    Tensor mark = tape.concatenate(tape.input(1, batch, SYMBOLS), tape.constant(1, 1, batch, 1));
    return tape.concatenate(0, given, mark, tape.input(time, batch, SYMBOLS + 1));
  }

  private static Network lstm(Parameters p) {
    var lstm = p.rnn("lstm", RnnConfig.lstm(SYMBOLS + 1, 128));
    var head = p.linear("head", 128, SYMBOLS);
    return (tape, steps) -> {
      Tensor y = lstm.on(tape, steps).y();
      return new Output(head.on(tape, y), List.of(tape.transpose(y)));
    };
  }

  private static Network machine(Parameters p) {
    var machine = new TuringMachine(p, SYMBOLS + 1, SYMBOLS);
    return (tape, steps) -> {
      var output = machine.on(tape, tape.unbind(steps));
      return new Output(tape.stack(output.logits().toArray(Tensor[]::new)), output.heads());
    };
  }

  /** Draws where the heads are; the first row of the memory is on top. */
  private static HeatMapChart chart(String title, double[] heads) {
    int rows = TuringMachine.ROWS;
    int time = heads.length / rows / 2;
    var cells = new ArrayList<Number[]>();
    for (int i = 0; i < heads.length; i++) {
      int row = i % rows + i / rows / time * rows;
      cells.add(new Number[] {i / rows % time, 2 * rows - 1 - row, heads[i]});
    }
    var chart = Pictures.heatMap(title, "step", "row of the memory: reading above, writing below");
    chart.getStyler().setYAxisTicksVisible(false);
    var steps = IntStream.range(0, time).boxed().toList();
    chart.addSeries("weight", steps, IntStream.range(0, 2 * rows).boxed().toList(), cells);
    return chart;
  }
}
