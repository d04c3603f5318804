package io.github.cudnn4j.model;

import io.github.cudnn4j.cuda.Parts;
import io.github.cudnn4j.tape.Attention;
import io.github.cudnn4j.tape.Indices;
import io.github.cudnn4j.tape.Lengths;
import io.github.cudnn4j.tape.Tape;
import io.github.cudnn4j.tape.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntBinaryOperator;
import java.util.random.RandomGenerator;

/**
 * Finds translations of up to B sources of up to S tokens at once: the encoder runs once, and the
 * decoder of all hypotheses, width of each source, goes on step by step over the encoder's memory.
 *
 * <p>Owner of the activations and states, borrows the model. Belongs to the device's thread.
 */
final class TranslationSearch implements AutoCloseable {

  private final BeamSearch beam;
  private final int begin;
  private final Parts parts = new Parts();
  private final Tape encoder;
  private final Indices tokens;
  private final Lengths lengths;

  /** The length of each hypothesis' source. */
  private final Lengths memoryLengths;

  /** The initial states of the decoder, {@code [L, B * width, H]} each. */
  private final List<Tensor> states = new ArrayList<>();

  private final StepRunner decoder;

  TranslationSearch(Translator model, int rows, int time, BeamSearch beam) {
    this.beam = beam;
    begin = model.begin();
    int width = beam.width();
    int places = beam.rows(rows);
    try {
      encoder = parts.add(Tape.inference(model.device(), model.precision()));
      tokens = encoder.indices(time, rows);
      lengths = encoder.lengths(rows);
      memoryLengths = encoder.lengths(places);
      Translator.Encoded encoded = model.encode(encoder, tokens, lengths);
      Tensor memory =
          gather(encoded.memory(), places, (step, place) -> step * rows + place / width);
      // A search's first step takes the state of its source i from place i.
      IntBinaryOperator first = (layer, place) -> place < rows ? layer * rows + place : -1;
      states.add(gather(encoded.h(), places, first));
      if (encoded.c() != null) {
        states.add(gather(encoded.c(), places, first));
      }
      Attention attention = model.attention(encoder, memory, memoryLengths);
      StepNetwork step =
          (tape, in) -> {
            Lengths of = tape.lengths(memoryLengths.buffer(), new int[places]);
            Attention over = attention == null ? null : attention.on(tape, of);
            Tensor c = states.size() > 1 ? in.state(1) : null;
            var decoded = model.decode(tape, in.tokens(), in.state(0), c, over);
            return StepNetwork.Output.of(decoded.logits(), decoded.states());
          };
      decoder =
          parts.add(
              StepRunner.ofTokens(
                  model.device(), model.precision(), step, model.states(), places, places));
    } catch (RuntimeException | Error e) {
      throw parts.abandon(e);
    }
  }

  /** Records the choice of rows of {@code [N, B, C]} for each of N and each place. */
  private Tensor gather(Tensor x, int places, IntBinaryOperator row) {
    int count = x.dim(0);
    int[] rows = new int[count * places];
    Arrays.setAll(rows, i -> row.applyAsInt(i / places, i % places));
    Indices chosen = encoder.indices(count, places);
    chosen.buffer().copyFrom(rows);
    return encoder.gather(x, chosen);
  }

  /**
   * Returns for each source its translations, the best first; waits for the device.
   *
   * @param sources up to B, each of 1 to S tokens
   */
  List<List<BeamSearch.Hypothesis>> run(int[][] sources) {
    return beam.search(decoder, begin(sources)).subList(0, sources.length);
  }

  /** As {@link #run}, of the symbols that are drawn for each source; of a width of 1. */
  List<int[]> draw(int[][] sources, Sampling sampling, RandomGenerator random) {
    int[] begins = begin(sources);
    return sampling
        .draw(decoder, begins, beam.end(), beam.most(), random)
        .subList(0, sources.length);
  }

  /** Encodes the sources and returns what the decoder reads first. */
  private int[] begin(int[][] sources) {
    int rows = lengths.batch();
    int[] all = new int[(int) tokens.elements()];
    Arrays.fill(all, -1);
    int[] times = new int[rows];
    Arrays.fill(times, 1);
    for (int row = 0; row < sources.length; row++) {
      times[row] = sources[row].length;
      for (int t = 0; t < times[row]; t++) {
        all[t * rows + row] = sources[row][t];
      }
    }
    int[] each = new int[rows * beam.width()];
    Arrays.setAll(each, place -> times[place / beam.width()]);
    tokens.buffer().copyFrom(all);
    lengths.set(times);
    memoryLengths.set(each);
    encoder.forward();
    for (int i = 0; i < states.size(); i++) {
      decoder.state(i).copyFrom(states.get(i).value());
    }
    int[] begins = new int[rows];
    Arrays.fill(begins, begin);
    return begins;
  }

  @Override
  public void close() {
    parts.close();
  }
}
