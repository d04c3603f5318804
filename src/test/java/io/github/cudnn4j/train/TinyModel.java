package io.github.cudnn4j.train;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.cudnn.RnnMode;
import io.github.cudnn4j.data.Batch;
import io.github.cudnn4j.data.TextWindows;
import io.github.cudnn4j.rnn.RnnConfig;
import io.github.cudnn4j.tape.EmbeddingLayer;
import io.github.cudnn4j.tape.Indices;
import io.github.cudnn4j.tape.Init;
import io.github.cudnn4j.tape.LinearLayer;
import io.github.cudnn4j.tape.Loss;
import io.github.cudnn4j.tape.Parameters;
import io.github.cudnn4j.tape.RnnLayer;
import io.github.cudnn4j.tape.Tape;
import io.github.cudnn4j.tape.Tensor;
import java.util.Arrays;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.DoubleStream;

/** Embedding, dropout, two recurrent layers with dropout between them, and a linear layer. */
public final class TinyModel implements Objective, AutoCloseable {

  /** The tokens that {@link #tokens} and {@link #repeating} draw from. */
  static final int VOCABULARY = 6;

  /** The token that makes {@link #spoiled} NaN. */
  static final int SPOILING = VOCABULARY - 1;

  final int vocabulary;
  final double dropout;
  private final Parameters parameters;
  private final EmbeddingLayer embedding;
  private final RnnLayer rnn;
  private final LinearLayer linear;

  public TinyModel(
      Device device,
      Precision precision,
      RnnMode mode,
      int vocabulary,
      int hidden,
      double dropout) {
    this.vocabulary = vocabulary;
    this.dropout = dropout;
    var config = RnnConfig.of(mode, 5, hidden).layers(2).dropout(dropout, 17).precision(precision);
    parameters = Parameters.on(device, precision);
    embedding = parameters.embedding("embedding", vocabulary, 5);
    rnn = parameters.rnn("rnn", RnnConfig.of(mode, 5, hidden).layers(2).dropout(dropout, 17));
    linear = parameters.linear("linear", hidden, vocabulary);
    parameters.init("*", Init.uniform(0.4)).initialize(1);
  }

  /** Tokens of {@link #VOCABULARY} without any order. */
  static int[] tokens(int count) {
    return new SplittableRandom(4).ints(count, 0, VOCABULARY).toArray();
  }

  /** Tokens of {@link #VOCABULARY} that can be learned. */
  static int[] repeating(int count) {
    int[] pattern = {0, 1, 2, 0, 3, 4, 0, 5, 5};
    var tokens = new int[count];
    Arrays.setAll(tokens, i -> pattern[i % pattern.length]);
    return tokens;
  }

  /** All parameters, one after the other. */
  double[] weights() {
    return parameters.names().stream()
        .flatMapToDouble(name -> DoubleStream.of(parameters.read(name)))
        .toArray();
  }

  public Parameters parameters() {
    return parameters;
  }

  @Override
  public Loss record(Tape tape, Batch in) {
    return tape.crossEntropy(
        logits(tape, in.tokens(TextWindows.TOKENS)), in.labels(TextWindows.LABELS));
  }

  public Tensor logits(Tape tape, Indices tokens) {
    return logits(tape, embedding.on(tape, tokens));
  }

  private Tensor logits(Tape tape, Tensor embedded) {
    return linear.on(tape, rnn.carried(tape, tape.dropout(embedded, dropout, 3)));
  }

  /**
   * The loss; NaN of a window that holds {@link #SPOILING}, and so are its gradients and states.
   */
  Loss spoiled(Tape tape, Batch in) {
    var spoils = tape.input(vocabulary, embedding.outputSize());
    var numbers = new float[vocabulary * embedding.outputSize()];
    Arrays.fill(
        numbers,
        SPOILING * embedding.outputSize(),
        (SPOILING + 1) * embedding.outputSize(),
        Float.NaN);
    spoils.value().copyFrom(numbers);
    var tokens = in.tokens(TextWindows.TOKENS);
    var embedded = tape.add(embedding.on(tape, tokens), tape.embedding(tokens, spoils));
    return tape.crossEntropy(logits(tape, embedded), in.labels(TextWindows.LABELS));
  }

  @Override
  public Map<String, Object> configuration() {
    return Map.of("vocabulary", vocabulary, "dropout", dropout);
  }

  @Override
  public void close() {
    parameters.close();
  }
}
