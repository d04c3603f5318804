package io.github.cudnn4j.model;

import io.github.cudnn4j.data.Batch;
import io.github.cudnn4j.tape.Tape;
import io.github.cudnn4j.train.Bleu;
import io.github.cudnn4j.train.ErrorRate;
import io.github.cudnn4j.train.Metric;
import java.util.List;
import java.util.function.BiConsumer;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.function.ToDoubleFunction;

/** Metrics of the texts that a model writes, which are decoded and counted on the host. */
final class TextMetric {

  private TextMetric() {}

  /** The right text of a record, and that which the model wrote. */
  record Written(String right, String predicted) {}

  /** Records how the texts of a batch are decoded. */
  @FunctionalInterface
  interface Decoder {
    /** Returns what gives the texts after the work of each batch. */
    Supplier<List<Written>> record(Tape tape, Batch in);
  }

  /** The part of the texts that is right as a whole. */
  static Metric exactMatch(Decoder decoder) {
    return of(
        "exactMatch",
        true,
        decoder,
        texts -> {
          double right = texts.stream().filter(text -> text.right.equals(text.predicted)).count();
          return new double[] {right, texts.size()};
        },
        counts -> counts[0] / counts[1]);
  }

  /** The wrong characters, divided by those of the right texts. */
  static Metric characterErrorRate(Decoder decoder) {
    return errorRate(
        "characterErrorRate",
        decoder,
        (rate, text) -> rate.addCharacters(text.right, text.predicted));
  }

  /** The wrong words, divided by those of the right texts. */
  static Metric wordErrorRate(Decoder decoder) {
    return errorRate(
        "wordErrorRate", decoder, (rate, text) -> rate.addWords(text.right, text.predicted));
  }

  private static Metric errorRate(
      String name, Decoder decoder, BiConsumer<ErrorRate, Written> count) {
    return of(
        name,
        false,
        decoder,
        texts -> {
          var rate = new ErrorRate();
          texts.forEach(text -> count.accept(rate, text));
          return new double[] {rate.errors(), rate.symbols()};
        },
        counts -> counts[0] / counts[1]);
  }

  /** BLEU of the texts' words. */
  static Metric bleu(Decoder decoder, Function<String, List<String>> split) {
    return of(
        "bleu",
        true,
        decoder,
        texts -> {
          var bleu = new Bleu();
          texts.forEach(
              text -> bleu.add(split.apply(text.predicted), List.of(split.apply(text.right))));
          return bleu.counts();
        },
        counts -> Bleu.of(counts).score());
  }

  private static Metric of(
      String name,
      boolean higherIsBetter,
      Decoder decoder,
      Function<List<Written>, double[]> count,
      ToDoubleFunction<double[]> value) {
    return Metric.of(
        name, higherIsBetter, (tape, in, _) -> new Counted(decoder.record(tape, in), count), value);
  }

  /** The sums of the counts of batches. */
  private static final class Counted implements Metric.Meter {
    private final Supplier<List<Written>> decoder;
    private final Function<List<Written>, double[]> count;
    private double[] sums;

    Counted(Supplier<List<Written>> decoder, Function<List<Written>, double[]> count) {
      this.decoder = decoder;
      this.count = count;
      sums = count.apply(List.of());
    }

    @Override
    public void reset() {
      sums = count.apply(List.of());
    }

    @Override
    public void batchDone() {
      double[] more = count.apply(decoder.get());
      for (int i = 0; i < sums.length; i++) {
        sums[i] += more[i];
      }
    }

    @Override
    public double[] read() {
      return sums.clone();
    }
  }
}
