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
 * A clockwork network: groups of units of which each moves only every 1, 2, 4, 8 ... steps, and
 * sees itself and the slower ones. It is to produce one long sequence, without an input; a network
 * of tanh units and an LSTM of as many weights are to do the same.
 *
 * @see <a href="https://proceedings.mlr.press/v32/koutnik14.html">Koutník et al., 2014</a>
 */
final class Clockwork {

  private static final int GROUPS = 8;
  private static final int SIZE = 4;

  /** Gives y, {@code [T, 1, H]}, of a tape. */
  private interface Network {
    Tensor on(Tape tape, Tensor x);
  }

  private Clockwork() {}

  static Example.Result run(Example example) throws IOException {
    int time = example.size(256, 64);
    float[][] wave = new float[time][1];
    for (int t = 0; t < time; t++) {
      wave[t][0] =
          (float) (0.5 * Math.sin(t * 0.11) + 0.3 * Math.sin(t * 0.47 + 1) * Math.sin(t * 0.031));
    }
    var source =
        Batches.<float[][]>of(1)
            .floats("wave", time, time, 1, row -> row)
            .floats("nothing", time, time, 1, row -> new float[time][1])
            .over(List.<float[][]>of(wave));
    var times = IntStream.range(0, time).boxed().toList();
    var curves = new ArrayList<Curve>();
    curves.add(
        new Curve("target", times, IntStream.range(0, time).mapToObj(t -> wave[t][0]).toList()));
    int epochs = example.size(1500, 150);
    var errors = new ArrayList<Double>();
    for (String kind : List.of("clockwork", "tanh", "lstm")) {
      try (var p = Parameters.on(example.device(), Precision.FP32)) {
        Network network =
            switch (kind) {
              case "clockwork" -> clockwork(p);
              case "tanh" -> cudnn(p, RnnConfig.tanh(1, 23));
              default -> cudnn(p, RnnConfig.lstm(1, 11));
            };
        var head =
            p.linear(
                "head",
                kind.equals("clockwork") ? GROUPS * SIZE : kind.equals("tanh") ? 23 : 11,
                1);
        p.initialize(1);
        Objective wanted =
            (tape, in) -> {
              Tensor y = head.on(tape, network.on(tape, in.floats("nothing")));
              return tape.meanSquaredError(y, in.floats("wave"));
            };
        var config =
            TrainerConfig.of(Optimizer.adam(3e-3))
                .clip(Clip.byNorm(1))
                .schedule(Schedule.cosine(0, epochs, 0.05))
                .epochs(epochs);
        example.core(kind, wanted, source, p);
        try (var trainer = Trainer.of(p, wanted, source, config)) {
          trainer.listener(example).checkpoints(example.checkpoints(kind)).run();
        }
        try (var tape = Tape.inference(example.device(), p.precision())) {
          Tensor y = head.on(tape, network.on(tape, tape.input(time, 1, 1)));
          tape.forward();
          float[] produced = y.value().toFloats();
          double error = 0;
          double power = 0;
          for (int t = 0; t < time; t++) {
            error += Math.pow(produced[t] - wave[t][0], 2);
            power += Math.pow(wave[t][0], 2);
          }
          errors.add(error / power);
          var values = IntStream.range(0, time).mapToObj(t -> produced[t]).toList();
          String name = String.format(Locale.ROOT, "%s, %d weights", kind, p.elements());
          curves.add(new Curve(name, times, values));
        }
      }
    }
    String title = "One sequence, produced from nothing";
    example.picture(() -> Pictures.curves(title, "time", "value", curves.toArray(Curve[]::new)));
    return new Example.Result(
        "squared error / power", errors.get(0), Math.min(errors.get(1), errors.get(2)));
  }

  private static Network cudnn(Parameters p, RnnConfig config) {
    var rnn = p.rnn("rnn", config);
    return (tape, x) -> rnn.on(tape, x).y();
  }

  private static Network clockwork(Parameters p) {
    var groups = new ArrayList<LinearLayer>();
    for (int i = 0; i < GROUPS; i++) {
      groups.add(p.linear("group" + i, (GROUPS - i) * SIZE, SIZE));
    }
    return (tape, x) -> {
      var h = new Tensor[GROUPS];
      Arrays.fill(h, tape.input(1, SIZE));
      var y = new Tensor[x.dim(0)];
      for (int t = 0; t < y.length; t++) {
        var before = h.clone();
        for (int i = 0; i < GROUPS && t % (1 << i) == 0; i++) {
          Tensor slower = tape.concatenate(Arrays.copyOfRange(before, i, GROUPS));
          h[i] = tape.tanh(groups.get(i).on(tape, slower));
        }
        y[t] = tape.concatenate(h);
      }
      return tape.stack(y);
    };
  }
}
