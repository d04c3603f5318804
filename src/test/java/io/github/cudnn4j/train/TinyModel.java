package io.github.cudnn4j.train;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.cudnn.RnnMode;
import io.github.cudnn4j.data.SavableRandom;
import io.github.cudnn4j.rnn.Rnn;
import io.github.cudnn4j.rnn.RnnConfig;
import io.github.cudnn4j.tape.Indices;
import io.github.cudnn4j.tape.Parameters;
import io.github.cudnn4j.tape.Tape;
import io.github.cudnn4j.tape.Tensor;
import java.util.Arrays;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.DoubleStream;

/** Embedding, dropout, two recurrent layers with dropout between them, and a linear layer. */
public final class TinyModel implements Model, AutoCloseable {

  /** The tokens that {@link #tokens} and {@link #repeating} draw from. */
  static final int VOCABULARY = 6;

  final int vocabulary;
  final double dropout;
  private final Device device;
  private final Parameters parameters;
  private final Rnn rnn;

  public TinyModel(
      Device device,
      Precision precision,
      RnnMode mode,
      int vocabulary,
      int hidden,
      double dropout) {
    this.device = device;
    this.vocabulary = vocabulary;
    this.dropout = dropout;
    var config = RnnConfig.of(mode, 5, hidden).layers(2).dropout(dropout, 17).precision(precision);
    parameters =
        Parameters.builder(device, precision.type())
            .add("embedding.weight", vocabulary, 5)
            .addRegion("rnn", Rnn.weightElements(device, config))
            .add("linear.weight", vocabulary, hidden)
            .add("linear.bias", vocabulary)
            .build();
    rnn = Rnn.create(device, config, parameters.weights("rnn"), parameters.gradients("rnn"));
    parameters.attach("rnn", rnn);
    var random = new SavableRandom(1);
    for (String name : parameters.names()) {
      parameters.uniform(name, 0.4, random);
    }
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

  @Override
  public Device device() {
    return device;
  }

  @Override
  public Precision precision() {
    return rnn.config().precision();
  }

  @Override
  public Parameters parameters() {
    return parameters;
  }

  @Override
  public Tensor logits(Tape tape, Indices tokens) {
    var x = tape.embedding(tokens, parameters.tensor("embedding.weight"));
    var y = tape.carried(rnn, tape.dropout(x, dropout, 3));
    return tape.linear(y, parameters.tensor("linear.weight"), parameters.tensor("linear.bias"));
  }

  @Override
  public Map<String, Object> configuration() {
    return Map.of("vocabulary", vocabulary, "dropout", dropout);
  }

  @Override
  public void close() {
    rnn.close();
    parameters.close();
  }
}
