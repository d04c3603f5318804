package io.github.cudnn4j.examples;

import module java.base;

import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.optim.*;
import io.github.cudnn4j.rnn.RnnConfig;
import io.github.cudnn4j.tape.*;
import io.github.cudnn4j.train.*;
import org.knowm.xchart.HeatMapChart;

/**
 * A Neural Turing Machine is to write sequences of symbols again, short ones also several times,
 * and more than it was trained on; an LSTM of twice the size is to do the same.
 *
 * @see <a href="https://arxiv.org/abs/1410.5401">Graves, Wayne and Danihelka, 2014</a>
 */
final class Turing {

  /** The logits {@code [T, B, V]} of all steps, and where the heads of each sequence are. */
  private record Output(Tensor logits, List<Tensor> heads) {}

  private interface Network {
    Output on(Tape tape, Tensor steps);
  }

  /** How much is right of what was trained, of longer sequences, and of a time more. */
  private record Learnt(
      Copying.Score trained, Copying.Score longer, Copying.Score often, double[] heads) {}

  private final Example example;
  private final Copying task;

  private Turing(Example example, Copying task) {
    this.example = example;
    this.task = task;
  }

  /** Writes long sequences again, and some that are twice as long. */
  static Example.Result copy(Example example) throws IOException {
    int length = example.size(20, 4);
    var task = new Copying(8, example.size(10, 4), length, 1);
    return new Turing(example, task).compare(2 * length);
  }

  /** Writes short sequences several times. */
  static Example.Result repeat(Example example) throws IOException {
    int length = example.size(8, 2);
    var task = new Copying(8, example.size(10, 4), length, example.size(4, 2));
    return new Turing(example, task).compare(2 * length);
  }

  private Example.Result compare(int longer) throws IOException {
    int steps = example.size(task.times() == 1 ? 3_000 : 6_000, 300);
    var machine = learn("machine", this::machine, steps, longer);
    var lstm = learn("lstm", this::lstm, steps, longer);
    String title = "%d symbols, %d times".formatted(task.length(), task.times());
    int time = Copying.time(task.length(), task.times());
    example.picture(() -> chart(title, time, machine.heads));
    var more = new LinkedHashMap<String, Double>();
    more.put("sequences", machine.trained.sequences());
    more.put("longer", machine.longer.symbols());
    more.put("longerSequences", machine.longer.sequences());
    if (task.times() > 1) {
      more.put("oftener", machine.often.symbols());
    }
    more.put("baselineSequences", lstm.trained.sequences());
    double right = machine.trained.symbols();
    return new Example.Result("symbols right", right, lstm.trained.symbols(), more);
  }

  private Learnt learn(String name, Function<Parameters, Network> network, int steps, int longer)
      throws IOException {
    int first = example.size(1_500, 200);
    var random = new SplittableRandom(1);
    try (var p = Parameters.on(example.device(), Precision.FP32)) {
      var made = network.apply(p);
      p.initialize(1);
      Objective right =
          (tape, in) ->
              tape.crossEntropy(made.on(tape, in.floats("steps")).logits, in.labels("wanted"));
      var fall = Schedule.cosine(0, steps - first, 0.05);
      var config =
          TrainerConfig.of(Optimizer.adam(3e-3))
              .clip(Clip.byNorm(1))
              .schedule(
                  step -> Math.min((step + 1) / 50.0, fall.factor(Math.max(0, step - first))));
      var source = task.batches().over(task.training(first, steps, random));
      example.core((task.times() == 1 ? "turing-" : "repeat-") + name, right, source, p);
      try (var trainer = Trainer.of(p, right, source, config)) {
        trainer.listener(example).checkpoints(example.checkpoints(name)).run();
      }
      Outputs.Model logits = (tape, in) -> tape.transpose(made.on(tape, in.floats("steps")).logits);
      Outputs.Model heads =
          (tape, in) ->
              tape.concatenate(made.on(tape, in.floats("steps")).heads.toArray(Tensor[]::new));
      int length = task.length();
      int times = task.times();
      var one = task.batches(List.of(task.sequence(length, times, random)));
      return new Learnt(
          task.score(p, logits, length, times, random),
          task.score(p, logits, longer, times, random),
          task.score(p, logits, length, times + 1, random),
          Outputs.of(p, one, heads).getFirst());
    }
  }

  private Network lstm(Parameters p) {
    var lstm = p.rnn("lstm", RnnConfig.lstm(task.inputs(), 128));
    var head = p.linear("head", 128, task.outputs());
    return (tape, steps) -> {
      Tensor y = lstm.on(tape, steps).y();
      return new Output(head.on(tape, y), List.of(tape.transpose(y)));
    };
  }

  private Network machine(Parameters p) {
    var machine = new TuringMachine(p, task.inputs(), task.outputs());
    return (tape, steps) -> {
      var output = machine.on(tape, tape.unbind(steps));
      return new Output(tape.stack(output.logits().toArray(Tensor[]::new)), output.heads());
    };
  }

  /** Draws where the heads are; the first row of the memory is on top. */
  private static HeatMapChart chart(String title, int time, double[] heads) {
    int rows = heads.length / time / 2;
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
