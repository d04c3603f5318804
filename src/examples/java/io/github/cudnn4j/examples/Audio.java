package io.github.cudnn4j.examples;

import module java.base;

import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.data.*;
import io.github.cudnn4j.optim.*;
import io.github.cudnn4j.rnn.RnnConfig;
import io.github.cudnn4j.tape.*;
import io.github.cudnn4j.train.*;

/**
 * An audio autoencoder: the sound of a word to one vector, from which the sound is to be produced
 * again. Nobody tells it the words, yet the vectors of a word by two speakers are near each other.
 *
 * @see <a href="https://arxiv.org/abs/1603.00982">Chung et al., 2016</a>
 */
final class Audio {

  private static final int COLUMNS = Recordings.COLUMNS;
  private static final int TIME = 40, SIZE = 64;

  private record Sound(String word, float[][] frames) {}

  private Audio() {}

  static Example.Result run(Example example) throws IOException {
    var words = words(example, example.size(700, 120));
    var unknown = words.subList(0, example.size(100, 40));
    var training = new ArrayList<Sound>();
    var random = new SplittableRandom(1);
    for (int i = 0; i < example.size(8, 4); i++) {
      var voice = i % 2 == 0 ? "kevin" : "kevin16";
      var speaker = new Speaker(voice, random.nextInt(80, 180), random.nextInt(140, 200));
      words
          .subList(unknown.size(), words.size())
          .forEach(word -> training.add(sound(word, speaker)));
    }
    var low = new Speaker("kevin", 90, 150);
    var high = new Speaker("kevin16", 170, 185);
    var asked = unknown.stream().map(word -> sound(word, low)).toList();
    var among = unknown.stream().map(word -> sound(word, high)).toList();
    var batches = Batches.<Sound>of(32).floats("frames", TIME, COLUMNS, Sound::frames);
    try (var p = Parameters.on(example.device(), Precision.FP32)) {
      var encoder = p.rnn("encoder", RnnConfig.gru(COLUMNS, 64).bidirectional());
      var narrow = p.linear("vector", 128, SIZE);
      var decoder = p.rnn("decoder", RnnConfig.gru(SIZE, 128));
      var head = p.linear("head", 128, COLUMNS);
      p.initialize(1);
      Outputs.Model vector =
          (tape, in) -> {
            var lengths = in.lengths("frames");
            Tensor x = tape.dropout(in.floats("frames"), example.rate(0.2), 1);
            return narrow.on(tape, lengths.mean(encoder.on(tape, x, lengths).y()));
          };
      Objective same =
          (tape, in) -> {
            Tensor x = in.floats("frames");
            Tensor fed = tape.repeat(vector.record(tape, in), x.dim(0));
            Tensor y = head.on(tape, decoder.on(tape, fed).y());
            return tape.meanSquaredError(y, x, in.lengths("frames").steps(x.dim(0)));
          };
      double untrained =
          Vectors.found(
              Vectors.standard(Outputs.of(p, batches.over(asked), vector)),
              Vectors.standard(Outputs.of(p, batches.over(among), vector)));
      int epochs = example.size(8, 6);
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
      var from = Vectors.standard(Outputs.of(p, batches.over(asked), vector));
      var to = Vectors.standard(Outputs.of(p, batches.over(among), vector));
      example.picture(() -> VectorMap.of("Words by two speakers", unknown, from, to, 0, 30));
      double naive = Vectors.found(Vectors.standard(means(asked)), Vectors.standard(means(among)));
      double error = Evaluator.loss(p, same, batches.over(asked)) / power(asked);
      var more = Map.of("untrained", untrained, "squared error / power", error);
      return new Example.Result("same word ranks first", Vectors.found(from, to), naive, more);
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
    var some = new ArrayList<>(words.subList(0, count));
    Collections.shuffle(some, new Random(1));
    return some;
  }

  private static Sound sound(String word, Speaker speaker) {
    return new Sound(word, Recordings.frames(speaker.speak(word), TIME));
  }

  /** The error of zeros, which are the mean of a sound. */
  private static double power(List<Sound> sounds) {
    return sounds.stream()
            .flatMap(sound -> Stream.of(sound.frames))
            .mapToDouble(x -> IntStream.range(0, x.length).mapToDouble(i -> x[i] * x[i]).sum())
            .average()
            .orElseThrow()
        / COLUMNS;
  }

  private static List<double[]> means(List<Sound> sounds) {
    return sounds.stream()
        .map(
            sound -> {
              double[] mean = new double[COLUMNS];
              for (float[] frame : sound.frames) {
                Arrays.setAll(mean, i -> mean[i] + frame[i] / sound.frames.length);
              }
              return mean;
            })
        .toList();
  }
}
