package io.github.cudnn4j.examples;

import module java.base;

import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.data.*;
import io.github.cudnn4j.examples.Pictures.Curve;
import io.github.cudnn4j.optim.*;
import io.github.cudnn4j.rnn.RnnConfig;
import io.github.cudnn4j.tape.*;
import io.github.cudnn4j.train.*;

/**
 * Many to many: the letters of a text without the blanks between words, each to be told whether a
 * word ends there. A network that reads in one direction has seen no letter of the next word yet;
 * one of about as many weights reads in both.
 *
 * @see <a href="https://doi.org/10.1109/78.650093">Schuster and Paliwal, 1997</a>
 */
final class Bidirectional {

  private static final int TIME = 64;

  /** Letters; 1 if a word ends with one, otherwise 0. */
  private record Row(int[] letters, int[] ends) {}

  private Bidirectional() {}

  static Example.Result run(Example example) throws IOException {
    int held = example.size(500, 100);
    var rows = rows(example, held + example.size(8_000, 1_500));
    var batches =
        Batches.<Row>of(32)
            .tokens("letters", TIME, TIME, Row::letters)
            .labels("ends", "letters", Row::ends);
    var source = batches.over(rows.subList(held, rows.size())).shuffled(1);
    var curves = new ArrayList<Curve>();
    double[] accuracy = new double[2];
    for (int directions = 1; directions <= 2; directions++) {
      try (var p = Parameters.on(example.device(), Precision.FP32)) {
        var config =
            directions == 1 ? RnnConfig.lstm(32, 96) : RnnConfig.lstm(32, 64).bidirectional();
        var embed = p.embedding("embed", 128, 32);
        var lstm = p.rnn("rnn", config);
        var head = p.linear("head", lstm.outputSize(), 2);
        p.initialize(1);
        Objective ends =
            (tape, in) -> {
              Tensor y = lstm.on(tape, embed.on(tape, in.tokens("letters"))).y();
              return tape.crossEntropy(head.on(tape, y), in.labels("ends"));
            };
        var steps = new ArrayList<Long>();
        var values = new ArrayList<Double>();
        var settings =
            TrainerConfig.of(Optimizer.adamW(3e-3))
                .clip(Clip.byNorm(1))
                .epochs(example.size(4, 2))
                .validateEvery(100);
        example.core("directions-" + directions, ends, source, p);
        try (var trainer = Trainer.of(p, ends, source, settings)) {
          trainer
              .validation(batches.over(rows.subList(0, held)), Metric.accuracy())
              .listener(example);
          trainer.listener(Example.recorder("accuracy", steps, values));
          trainer.checkpoints(example.checkpoints("directions-" + directions)).run();
        }
        accuracy[directions - 1] = values.getLast();
        var name =
            directions
                + (directions == 1 ? " direction, " : " directions, ")
                + p.elements()
                + " weights";
        curves.add(new Curve(name, steps, values));
      }
    }
    String title = "Where does a word end?";
    example.picture(
        () -> Pictures.curves(title, "step", "held-out accuracy", curves.toArray(Curve[]::new)));
    return new Example.Result("accuracy", accuracy[1], accuracy[0]);
  }

  private static List<Row> rows(Example example, int count) throws IOException {
    var letters = new ArrayList<Integer>();
    var ends = new ArrayList<Integer>();
    String text = example.text().replace("\n", "").toLowerCase(Locale.ROOT);
    for (char c : text.toCharArray()) {
      if (c != ' ') {
        letters.add(Math.min(c, 127));
        ends.add(0);
      } else if (!ends.isEmpty()) {
        ends.set(ends.size() - 1, 1);
      }
    }
    return IntStream.range(0, count)
        .mapToObj(i -> new Row(part(letters, i), part(ends, i)))
        .toList();
  }

  private static int[] part(List<Integer> all, int row) {
    return all.subList(row * TIME, (row + 1) * TIME).stream().mapToInt(i -> i).toArray();
  }
}
