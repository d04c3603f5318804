package io.github.cudnn4j.examples;

import module java.base;

import io.github.cudnn4j.data.Batches;
import io.github.cudnn4j.model.*;
import io.github.cudnn4j.model.Recogniser.Recording;
import io.github.cudnn4j.optim.*;
import io.github.cudnn4j.rnn.RnnConfig;
import io.github.cudnn4j.tape.*;
import io.github.cudnn4j.train.*;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.style.markers.SeriesMarkers;

/**
 * Speech recognition by connectionist temporal classification: which letters and digits are spelt?
 * They are spoken by two voices at many pitches and speeds, in noise; nobody tells the network when
 * a symbol begins or ends. Each sequence that is held out has the same symbol twice in a row.
 *
 * @see <a href="https://doi.org/10.1145/1143844.1143891">Graves et al., 2006</a>
 */
final class Speech {

  private static final String SYMBOLS = "abcdefghijklmnopqrstuvwxyz0123456789";
  private static final LogMel MEL = LogMel.of(Speaker.SAMPLE_RATE, 20);

  /** As many vectors of 10 ms make one that the network reads. */
  private static final int STACKED = 3;

  private static final int FRAMES = 150;

  private Speech() {}

  static Example.Result run(Example example) throws IOException {
    String symbols = SYMBOLS.substring(0, example.size(SYMBOLS.length(), 3));
    int longest = example.size(6, 3);
    var random = new SplittableRandom(1);
    var training = recordings(example.size(4_000, 300), symbols, longest, false, random);
    var held = recordings(example.size(400, 50), symbols, longest, true, random);
    var network = RnnConfig.lstm(STACKED * MEL.bands(), example.size(96, 32)).bidirectional();
    try (var model = Recogniser.create(example.device(), Vocabulary.of(SYMBOLS), network, 1)) {
      var batches = model.batches(32, FRAMES, longest);
      int epochs = example.size(12, 25);
      var config =
          TrainerConfig.of(Optimizer.adamW(example.size(3, 10) / 1000.0))
              .clip(Clip.byNorm(5))
              .schedule(Schedule.cosine(50, epochs * (training.size() / 32), 0.05))
              .epochs(epochs);
      var source = batches.over(training).shuffled(1).bucketed(20);
      var errors = model.metrics().getFirst();
      var steps = new ArrayList<Long>();
      var values = new ArrayList<Double>();
      try (var trainer = Trainer.of(model.parameters(), model, source, config)) {
        trainer.validation(batches.over(held), errors).listener(example);
        trainer.listener(Example.recorder(errors.name(), steps, values));
        trainer.checkpoints(example.checkpoints("checkpoints")).run();
      }
      example.picture(() -> alignment(model, batches, held.getFirst()));
      return new Example.Result("character error rate", values.getLast(), baseline(training, held));
    }
  }

  /** Lets sequences be spelt, with a symbol twice in a row in every second one, or in all. */
  private static List<Recording> recordings(
      int count, String symbols, int longest, boolean twice, SplittableRandom random) {
    var speakers = new ArrayList<Speaker>();
    for (int i = 0; i < 20; i++) {
      String voice = i % 2 == 0 ? "kevin" : "kevin16";
      speakers.add(new Speaker(voice, random.nextInt(80, 180), random.nextInt(140, 220)));
    }
    var recordings = new ArrayList<Recording>();
    while (recordings.size() < count) {
      var spelt = new StringBuilder();
      int length = random.nextInt(2, longest + 1);
      int same = twice || random.nextBoolean() ? random.nextInt(1, length) : 0;
      for (int i = 0; i < length; i++) {
        spelt.append(
            i > 0 && i == same
                ? spelt.charAt(i - 1)
                : symbols.charAt(random.nextInt(symbols.length())));
      }
      String text = String.join(" ", spelt.toString().split(""));
      float[] sound = speakers.get(random.nextInt(speakers.size())).speak(text);
      double noise = random.nextDouble(0.001, 0.01);
      for (int i = 0; i < sound.length; i++) {
        sound[i] += (float) (noise * random.nextGaussian());
      }
      recordings.add(new Recording(stacked(MEL.of(sound), FRAMES), spelt.toString()));
    }
    return recordings;
  }

  /** Puts vectors in a row side by side, less the mean of all. */
  static float[][] stacked(float[][] vectors, int most) {
    var stacked = new float[Math.min(vectors.length / STACKED, most)][STACKED * MEL.bands()];
    double sum = 0;
    for (float[] vector : vectors) {
      for (float value : vector) {
        sum += value;
      }
    }
    double mean = sum / vectors.length / MEL.bands();
    for (int i = 0; i < stacked.length * STACKED * MEL.bands(); i++) {
      float value = vectors[i / MEL.bands()][i % MEL.bands()];
      stacked[i / stacked[0].length][i % stacked[0].length] = (float) (value - mean) / 4;
    }
    return stacked;
  }

  /** The errors of writing what the training recording spells that is as long. */
  private static double baseline(List<Recording> training, List<Recording> held) {
    var rate = new ErrorRate();
    for (var recording : held) {
      var like =
          Collections.min(
              training,
              Comparator.comparing(
                  other -> Math.abs(other.frames().length - recording.frames().length)));
      rate.addCharacters(recording.transcript(), like.transcript());
    }
    return (double) rate.errors() / rate.symbols();
  }

  /** Draws how probable the symbols of a recording, and the blank, are at each time. */
  private static XYChart alignment(
      Recogniser model, Batches<Recording> batches, Recording recording) throws IOException {
    Outputs.Model network =
        (tape, in) -> {
          var lengths = in.lengths(Recogniser.FRAMES);
          Tensor logits = model.logits(tape, in.floats(Recogniser.FRAMES), lengths);
          return tape.transpose(tape.softmax(logits));
        };
    var one = batches.over(List.of(recording));
    double[] probabilities = Outputs.of(model.parameters(), one, network).getFirst();
    String heard = model.recognise(List.<float[][]>of(recording.frames()), 1).getFirst();
    var chart = Pictures.curves("\"" + heard + "\" is heard", "seconds", "probability");
    var times = IntStream.range(0, recording.frames().length);
    var seconds = times.mapToObj(t -> t * STACKED * 0.01).toList();
    for (int symbol : model.vocabulary().encode(recording.transcript() + " ")) {
      String name = symbol == 0 ? "blank" : model.vocabulary().symbol(symbol);
      if (!chart.getSeriesMap().containsKey(name)) {
        var values =
            IntStream.range(0, seconds.size())
                .mapToObj(t -> probabilities[t * model.vocabulary().size() + symbol]);
        chart.addSeries(name, seconds, values.toList()).setMarker(SeriesMarkers.NONE);
      }
    }
    return chart;
  }
}
