package io.github.cudnn4j.examples;

import module java.base;

import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.data.*;
import io.github.cudnn4j.optim.*;
import io.github.cudnn4j.rnn.RnnConfig;
import io.github.cudnn4j.tape.*;
import io.github.cudnn4j.train.*;

/**
 * An audio autoencoder: the sound of a word, played slower or faster and in noise, to one vector,
 * from which the sound is to be produced as it was spoken. Nobody tells it the words, yet the
 * vectors of a word by two speakers are near each other.
 *
 * @see <a href="https://arxiv.org/abs/1603.00982">Chung et al., 2016</a>
 */
final class Audio {

  private static final int COLUMNS = Recordings.COLUMNS;
  private static final int TIME = 40, SIZE = 64;

  /** The logarithm of the fastest speed; the slowest is the inverse. */
  private static final double SPEED = 0.2;

  /** Its deviation. */
  private static final double NOISE = 0.03;

  private record Sound(float[][] heard, float[][] spoken) {
    static Sound of(float[] spoken, double logSpeed, RandomGenerator random) {
      float[] heard = Speaker.noisy(Speaker.played(spoken, Math.exp(logSpeed)), NOISE, random);
      return new Sound(Recordings.frames(heard, TIME), Recordings.frames(spoken, TIME));
    }
  }

  private Audio() {}

  static Example.Result run(Example example) throws IOException {
    var words = words(example, example.size(2_000, 300));
    var unknown = words.subList(0, words.size() / 10);
    var known = words.subList(unknown.size(), words.size());
    var training = new ArrayList<Sound>();
    var random = new SplittableRandom(1);
    for (int i = 0; i < example.size(4, 2); i++) {
      var voice = i % 2 == 0 ? "kevin" : "kevin16";
      var speaker = new Speaker(voice, random.nextInt(80, 180), random.nextInt(140, 200));
      for (String word : known) {
        float[] spoken = speaker.speak(word);
        training.add(Sound.of(spoken, random.nextDouble(-SPEED, SPEED), random));
        training.add(Sound.of(spoken, random.nextDouble(-SPEED, SPEED), random));
      }
    }
    var low = new Speaker("kevin", 90, 150);
    var high = new Speaker("kevin16", 170, 185);
    var asked = unknown.stream().map(word -> Sound.of(low.speak(word), -SPEED, random)).toList();
    var among = unknown.stream().map(word -> Sound.of(high.speak(word), SPEED, random)).toList();
    var batches =
        Batches.<Sound>of(32)
            .floats("heard", TIME, COLUMNS, Sound::heard)
            .floats("spoken", TIME, COLUMNS, Sound::spoken);
    try (var p = Parameters.on(example.device(), Precision.FP32)) {
      var encoder = p.rnn("encoder", RnnConfig.gru(COLUMNS, 64).bidirectional());
      var narrow = p.linear("vector", 128, SIZE);
      var decoder = p.rnn("decoder", RnnConfig.gru(SIZE, 128));
      var head = p.linear("head", 128, COLUMNS);
      p.initialize(1);
      Outputs.Model vector =
          (tape, in) -> {
            var lengths = in.lengths("heard");
            return narrow.on(tape, lengths.mean(encoder.on(tape, in.floats("heard"), lengths).y()));
          };
      Objective same =
          (tape, in) -> {
            Tensor x = in.floats("spoken");
            Tensor fed = tape.repeat(vector.record(tape, in), x.dim(0));
            Tensor y = head.on(tape, decoder.on(tape, fed).y());
            return tape.meanSquaredError(y, x, in.lengths("spoken").steps(x.dim(0)));
          };
      double untrained =
          found(
              Outputs.of(p, batches.over(asked), vector),
              Outputs.of(p, batches.over(among), vector));
      int epochs = example.size(10, 15);
      var config =
          TrainerConfig.of(Optimizer.adamW(3e-3))
              .clip(Clip.byNorm(1))
              .schedule(Schedule.cosine(20, epochs * (training.size() / 32), 0.05))
              .epochs(epochs);
      var source = batches.over(training).shuffled(1).bucketed(20);
      example.core("audio", same, source, p);
      try (var trainer = Trainer.of(p, same, source, config)) {
        trainer.validation(batches.over(asked)).listener(example);
        trainer.checkpoints(example.checkpoints("checkpoints")).run();
      }
      var from = Outputs.of(p, batches.over(asked), vector);
      var to = Outputs.of(p, batches.over(among), vector);
      double found = found(from, to);
      example.picture(() -> VectorMap.of("Words by two speakers", unknown, from, to, 0, 30));
      double mean = found(means(asked, 1), means(among, 1));
      double tenths = found(means(asked, 10), means(among, 10));
      var more = Map.of("untrained", untrained, "mean", mean);
      return new Example.Result("same word ranks first", found, Math.max(mean, tenths), more);
    }
  }

  /** The most frequent words of the text that have four letters and more. */
  private static List<String> words(Example example, int count) throws IOException {
    var counts =
        example
            .text()
            .lines()
            .flatMap(line -> Stream.of(line.toLowerCase(Locale.ROOT).split("[^a-z]+")))
            .filter(word -> word.length() >= 4)
            .collect(Collectors.groupingBy(word -> word, Collectors.counting()));
    var words = new ArrayList<>(counts.keySet());
    words.sort(Comparator.comparing((String word) -> -counts.get(word)).thenComparing(w -> w));
    var some = new ArrayList<>(words.subList(0, Math.min(count, words.size())));
    Collections.shuffle(some, new Random(1));
    return some;
  }

  /** Makes the vectors standard, and returns how often the same word is the nearest. */
  private static double found(List<double[]> from, List<double[]> to) {
    return Vectors.found(Vectors.standard(from), Vectors.standard(to));
  }

  /** The mean vectors of so many parts of each sound, one behind the other. */
  private static List<double[]> means(List<Sound> sounds, int parts) {
    return sounds.stream().map(sound -> means(sound.heard, parts)).toList();
  }

  private static double[] means(float[][] frames, int parts) {
    var means = new double[parts * COLUMNS];
    for (int part = 0; part < parts; part++) {
      int from = part * frames.length / parts;
      int to = Math.max(from + 1, (part + 1) * frames.length / parts);
      for (int t = from; t < to; t++) {
        for (int i = 0; i < COLUMNS; i++) {
          means[part * COLUMNS + i] += frames[t][i] / (to - from);
        }
      }
    }
    return means;
  }
}
