package io.github.cudnn4j.examples;

import module java.base;

import io.github.cudnn4j.data.Batches;
import io.github.cudnn4j.model.*;
import io.github.cudnn4j.model.Recogniser.Recording;
import io.github.cudnn4j.optim.*;
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

  private Speech() {}

  static Example.Result run(Example example) throws IOException {
    var data = Recordings.of(example);
    var network = data.network();
    try (var model = Recogniser.create(example.device(), data.symbols(), network, 1)) {
      var batches = model.batches(data.batch(), data.frames(), data.longest());
      int steps = data.epochs() * (data.training().size() / data.batch());
      var config =
          TrainerConfig.of(Optimizer.adamW(example.size(3, 10) / 1000.0))
              .clip(Clip.byNorm(5))
              .schedule(Schedule.cosine(50, steps, 0.05))
              .epochs(data.epochs());
      var source = batches.over(data.training()).shuffled(1).bucketed(20);
      var errors = model.metrics().getFirst();
      var at = new ArrayList<Long>();
      var values = new ArrayList<Double>();
      try (var trainer = Trainer.of(model.parameters(), model, source, config)) {
        trainer.validation(batches.over(data.held()), errors).listener(example);
        trainer.listener(Example.recorder(errors.name(), at, values));
        trainer.checkpoints(example.checkpoints("checkpoints")).run();
      }
      example.picture(() -> alignment(model, batches, data.held().getFirst()));
      return new Example.Result("character error rate", values.getLast(), baseline(data));
    }
  }

  /** The errors of writing what the training recording spells that is as long. */
  private static double baseline(Recordings data) {
    var rate = new ErrorRate();
    for (var recording : data.held()) {
      var like =
          Collections.min(
              data.training(),
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
    var seconds = times.mapToObj(t -> t * Recordings.STACKED * 0.01).toList();
    for (int symbol : model.vocabulary().encode(recording.transcript() + Vocabulary.UNKNOWN)) {
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
