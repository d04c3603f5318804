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
import org.jspecify.annotations.Nullable;

/**
 * Metrics of the texts that a model writes, which are decoded on the host, once for all metrics of
 * one object, and counted there.
 */
final class TextMetric {

  private final Decoder decoder;

  /** Of the tape that metrics are being recorded on. */
  private @Nullable Texts texts;

  /** Makes metrics of what is decoded so. */
  TextMetric(Decoder decoder) {
    this.decoder = decoder;
  }

  /** The right text of a record, and that which the model wrote. */
  record Written(String right, String predicted) {}

  /** Records how the texts of a batch are decoded. */
  @FunctionalInterface
  interface Decoder {
    /** Returns what gives the texts after the work of each batch. */
    Supplier<List<Written>> record(Tape tape, Batch in);
  }

  /** The part of the texts that is right as a whole. */
  Metric exactMatch() {
    return of(
        "exactMatch",
        true,
        texts -> {
          double right = texts.stream().filter(text -> text.right.equals(text.predicted)).count();
          return new double[] {right, texts.size()};
        },
        counts -> counts[0] / counts[1]);
  }

  /** The wrong characters, divided by those of the right texts. */
  Metric characterErrorRate() {
    return errorRate(
        "characterErrorRate", (rate, text) -> rate.addCharacters(text.right, text.predicted));
  }

  /** The wrong words, divided by those of the right texts. */
  Metric wordErrorRate() {
    return errorRate("wordErrorRate", (rate, text) -> rate.addWords(text.right, text.predicted));
  }

  private Metric errorRate(String name, BiConsumer<ErrorRate, Written> count) {
    return of(
        name,
        false,
        texts -> {
          var rate = new ErrorRate();
          texts.forEach(text -> count.accept(rate, text));
          return new double[] {rate.errors(), rate.symbols()};
        },
        counts -> counts[0] / counts[1]);
  }

  /** BLEU of the texts' words. */
  Metric bleu(Function<String, List<String>> split) {
    return of(
        "bleu",
        true,
        texts -> {
          var bleu = new Bleu();
          texts.forEach(
              text -> bleu.add(split.apply(text.predicted), List.of(split.apply(text.right))));
          return bleu.counts();
        },
        counts -> Bleu.of(counts).score());
  }

  private Metric of(
      String name,
      boolean higherIsBetter,
      Function<List<Written>, double[]> count,
      ToDoubleFunction<double[]> value) {
    return Metric.of(
        name, higherIsBetter, (tape, in, _) -> new Counted(texts(tape, in), count), value);
  }

  /** All metrics are recorded on one tape before the first is on the next one. */
  private Texts texts(Tape tape, Batch in) {
    Texts known = texts;
    if (known == null || known.tape != tape) {
      known = new Texts(tape, decoder.record(tape, in));
      texts = known;
    }
    return known;
  }

  /** The texts of the batches of one tape, decoded when the first metric wants them. */
  private static final class Texts {
    private final Tape tape;
    private final Supplier<List<Written>> decoder;
    private long batches;
    private List<Written> latest = List.of();

    Texts(Tape tape, Supplier<List<Written>> decoder) {
      this.tape = tape;
      this.decoder = decoder;
    }

    /** Returns those of a batch, of which each metric counts all. */
    List<Written> of(long batch) {
      if (batch != batches) {
        latest = decoder.get();
        batches = batch;
      }
      return latest;
    }
  }

  /** The sums of the counts of batches. */
  private static final class Counted implements Metric.Meter {
    private final Texts texts;
    private final Function<List<Written>, double[]> count;
    private double[] sums;
    private long batches;

    Counted(Texts texts, Function<List<Written>, double[]> count) {
      this.texts = texts;
      this.count = count;
      sums = count.apply(List.of());
    }

    @Override
    public void reset() {
      sums = count.apply(List.of());
    }

    @Override
    public void batchDone() {
      double[] more = count.apply(texts.of(++batches));
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
