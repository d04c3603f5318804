package io.github.cudnn4j.examples;

import module java.base;

import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.data.*;
import io.github.cudnn4j.optim.*;
import io.github.cudnn4j.rnn.RnnConfig;
import io.github.cudnn4j.tape.*;
import io.github.cudnn4j.train.*;

/**
 * Two networks against each other: one makes waves of noise, slow or fast ones as asked for, the
 * other tells them from real ones, step by step, in both directions, by the wave and by the mean
 * and the power of the batch. Each has its own parameters and optimizer. What comes out is compared
 * by how a wave goes with itself some steps later.
 *
 * @see <a href="https://arxiv.org/abs/1611.09904">Mogren, 2016</a>
 * @see <a href="https://arxiv.org/abs/1710.10196">Karras et al., 2018</a>
 */
final class Adversarial {

  private static final int TIME = Wave.TIME, NOISE = Wave.NOISE, KINDS = Wave.KINDS;
  private static final int BATCH = 32, SIZE = 32, SAMPLES = 2_000;
  private static final double RATE = 2e-3;

  /** Makes waves of noise, or judges waves, {@code [B, ...]}, that are to be of a kind. */
  private interface Network {
    Tensor on(Tape tape, Indices kinds, Tensor x);
  }

  private Adversarial() {}

  static Example.Result run(Example example) throws IOException {
    var random = new Random(1);
    int steps = example.size(8_000, 1_500);
    var waves = Stream.generate(() -> Wave.draw(random)).limit((long) BATCH * steps).toList();
    var batches =
        Batches.<Wave>of(BATCH)
            .label("kind", Wave::kind)
            .vector("wave", TIME, Wave::values)
            .vector("noise", NOISE, Wave::noise)
            .over(waves);
    try (var g = Parameters.on(example.device(), Precision.FP32);
        var d = Parameters.on(example.device(), Precision.FP32)) {
      var making = g.rnn("making", RnnConfig.lstm(NOISE + KINDS, SIZE));
      var shaping = g.linear("shaping", SIZE, 1);
      g.initialize(1);
      var judging = d.rnn("judging", RnnConfig.lstm(3 + KINDS, SIZE).bidirectional());
      var judged = d.linear("judged", judging.outputSize(), 1);
      d.initialize(2);
      Network make =
          (tape, kinds, z) -> {
            Tensor x = tape.concatenate(z, tape.oneHot(kinds, KINDS));
            Tensor y = making.on(tape, tape.repeat(x, TIME)).y();
            return tape.transpose(tape.tanh(shaping.on(tape, y))); // [B, T, 1]
          };
      Network judge =
          (tape, kinds, some) -> {
            Tensor x = tape.transpose(tape.reshape(some, some.dim(0), TIME, 1));
            Tensor kind = tape.repeat(tape.oneHot(kinds, KINDS), TIME);
            // what the whole batch is at each step tells of a maker whose waves begin alike
            Tensor mean = tape.constant(1.0 / BATCH, TIME, BATCH, BATCH);
            Tensor all = tape.product(mean, false, tape.concatenate(x, tape.multiply(x, x)), false);
            return judged.on(tape, judging.on(tape, tape.concatenate(x, kind, all)).y());
          };
      Objective tell =
          (tape, in) -> {
            Indices kinds = in.labels("kind");
            Tensor real = judge.on(tape, kinds, in.vector("wave"));
            Tensor made = tape.detach(make.on(tape, kinds, in.vector("noise")));
            Tensor other = judge.on(tape, kinds, made);
            return tape.sum(
                tape.binaryCrossEntropy(real, tape.constant(0.9, real.shape())),
                tape.binaryCrossEntropy(other, tape.constant(0, other.shape())));
          };
      Objective deceive =
          (tape, in) -> {
            Indices kinds = in.labels("kind");
            Tensor y = judge.on(tape, kinds, make.on(tape, kinds, in.vector("noise")));
            return tape.binaryCrossEntropy(y, tape.constant(1, y.shape()));
          };
      example.core("telling", tell, batches, d, g);
      example.core("deceiving", deceive, batches, g, d);
      var config = TrainerConfig.of(new Adam(RATE, 0.5, 0.99, 1e-8, 0)).clip(Clip.byNorm(1));
      try (var telling = Step.create(d, tell, batches, config);
          var deceiving = Step.create(g, deceive, batches, config)) {
        telling.begin(random, 0);
        deceiving.begin(random, 0);
        var schedule = Schedule.cosine(0, steps, 0.02);
        for (int step = 1; telling.hasNext(); step++) {
          telling.run(RATE * schedule.factor(step));
          deceiving.run(RATE * schedule.factor(step));
          if (step % 50 == 0) {
            example.progress(step, steps, deceiving.read().loss());
          }
        }
        example.checkpoint("judge", d, telling);
        example.checkpoint("maker", g, deceiving);
      }
      try (var tape = Tape.inference(g.device(), g.precision())) {
        Indices kinds = tape.indices(SAMPLES);
        kinds.buffer().copyFrom(IntStream.range(0, SAMPLES).map(i -> i % KINDS).toArray());
        Tensor z = tape.input(SAMPLES, NOISE);
        z.value().copyFrom(Example.gaussian(random, SAMPLES * NOISE));
        var y = make.on(tape, kinds, z).value();
        tape.forward();
        float[] all = y.toFloats();
        var made = new ArrayList<Wave>();
        for (int i = 0; i < SAMPLES; i++) {
          float[] values = Arrays.copyOfRange(all, i * TIME, (i + 1) * TIME);
          made.add(new Wave(i % KINDS, values, new float[NOISE]));
        }
        return compare(example, waves, made);
      }
    }
  }

  /** Compares made waves with real ones, and so noise, a single wave, and other real ones. */
  private static Example.Result compare(Example example, List<Wave> waves, List<Wave> made)
      throws IOException {
    var chart = Pictures.curves("How waves go with themselves", "steps later", "mean product");
    double apart = 0, noise = 0, same = 0, real = 0;
    for (int kind = 0; kind < KINDS; kind++) {
      var wanted = Moments.of(values(waves.subList(0, SAMPLES), kind));
      var found = Moments.of(values(made, kind));
      apart += found.apart(wanted) / KINDS;
      noise += wanted.white().apart(wanted) / KINDS;
      same += Moments.of(values(waves, kind).subList(0, 1)).apart(wanted) / KINDS;
      real += Moments.of(values(waves.subList(SAMPLES, 2 * SAMPLES), kind)).apart(wanted) / KINDS;
      String name = kind == 0 ? "slow" : "fast";
      chart.addSeries(name + ", real", wanted.later());
      chart.addSeries(name + ", made", found.later());
    }
    example.picture(() -> chart);
    var more = Map.of("white noise", noise, "always the same wave", same, "other real waves", real);
    return new Example.Result("difference of products", apart, Math.min(noise, same), more);
  }

  private static List<float[]> values(List<Wave> waves, int kind) {
    return waves.stream().filter(wave -> wave.kind() == kind).map(Wave::values).toList();
  }
}
