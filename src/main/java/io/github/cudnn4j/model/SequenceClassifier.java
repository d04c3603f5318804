package io.github.cudnn4j.model;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.data.Batch;
import io.github.cudnn4j.data.Batches;
import io.github.cudnn4j.io.Json;
import io.github.cudnn4j.onnx.OnnxGraph;
import io.github.cudnn4j.onnx.OnnxRecurrent;
import io.github.cudnn4j.onnx.OnnxValue;
import io.github.cudnn4j.rnn.RnnConfig;
import io.github.cudnn4j.tape.EmbeddingLayer;
import io.github.cudnn4j.tape.Indices;
import io.github.cudnn4j.tape.Lengths;
import io.github.cudnn4j.tape.LinearLayer;
import io.github.cudnn4j.tape.Loss;
import io.github.cudnn4j.tape.Parameters;
import io.github.cudnn4j.tape.RecurrentOutput;
import io.github.cudnn4j.tape.RnnLayer;
import io.github.cudnn4j.tape.Tape;
import io.github.cudnn4j.tape.Tensor;
import io.github.cudnn4j.train.Metric;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Tells which of some labels a text has.
 *
 * <pre>
 *   tokens [T, B] → embedding [T, B, E] → RNN [T, B, D·P] → last or mean [B, D·P] → linear [B, L]
 * </pre>
 *
 * <p>Batches have the tokens of each text in a slot {@value #TOKENS} and its label in a slot
 * {@value #LABEL}. Parameters carry PyTorch's names: {@code embedding.weight}, {@code
 * rnn.weight_ih_l0}, {@code linear.weight}, {@code linear.bias}.
 */
public final class SequenceClassifier implements Model {

  /** The slot of the tokens, {@code [T, B]} with lengths. */
  public static final String TOKENS = "tokens";

  /** The slot of the labels, {@code [B]}. */
  public static final String LABEL = "label";

  static final String KIND_NAME = "classifier";

  /** What stands for a whole text. */
  public enum Pooling {
    /** The last layer's final state, in both directions. */
    LAST,

    /** The mean of the outputs of all steps. */
    MEAN
  }

  /** A text and the label that it has. */
  public record Example(String label, String text) {}

  /** A label of a text, and how probable it is. */
  public record Classification(String label, double probability) {}

  private final Vocabulary vocabulary;
  private final Labels labels;
  private final Pooling pooling;
  private final Parameters parameters;
  private final EmbeddingLayer embedding;
  private final RnnLayer rnn;
  private final LinearLayer linear;
  private final SequenceRunner<Tensor> runner;

  private SequenceClassifier(
      Parameters parameters,
      Vocabulary vocabulary,
      Labels labels,
      RnnConfig config,
      Pooling pooling) {
    this.vocabulary = vocabulary;
    this.labels = labels;
    this.pooling = pooling;
    this.parameters = parameters;
    embedding = parameters.embedding("embedding", vocabulary.size(), config.inputSize());
    rnn = parameters.rnn("rnn", config);
    linear = parameters.linear("linear", rnn.outputSize(), labels.size());
    runner =
        new SequenceRunner<>(
            parameters.device(),
            parameters.precision(),
            (tape, tokens, lengths) -> tape.softmax(logits(tape, tokens, lengths)));
  }

  /**
   * Returns a classifier with initial weights.
   *
   * @param labels at least two
   * @param config the recurrent layers: their input is as wide as the embedding; their dropout also
   *     acts before the linear layer; their precision is the model's
   * @throws IllegalArgumentException if there are fewer than two labels, or one is there twice
   */
  public static SequenceClassifier create(
      Device device,
      Vocabulary vocabulary,
      List<String> labels,
      RnnConfig config,
      Pooling pooling,
      long seed) {
    return Models.create(
        device,
        config.precision(),
        seed,
        parameters ->
            new SequenceClassifier(parameters, vocabulary, new Labels(labels), config, pooling));
  }

  /**
   * Returns the classifier that {@link #configuration()} described, with initial weights.
   *
   * @throws IllegalArgumentException if an entry is missing or cannot be
   */
  public static SequenceClassifier of(Device device, Map<String, Object> configuration) {
    return create(
        device,
        Vocabulary.ofMap(configuration),
        labels(configuration),
        Entries.network(configuration, "network"),
        Entries.constant(configuration, "pooling", Pooling.class),
        0);
  }

  /**
   * Returns the labels of the classifier that {@link #configuration()} described.
   *
   * @throws IllegalArgumentException if they are missing
   */
  public static List<String> labels(Map<String, Object> configuration) {
    return Entries.strings(configuration, "labels");
  }

  @Override
  public Map<String, Object> configuration() {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put(KIND, KIND_NAME);
    map.put("network", Entries.of(rnn.config()));
    map.put("pooling", Entries.name(pooling));
    map.put("labels", labels.names());
    vocabulary.putInto(map);
    return map;
  }

  /**
   * Returns how texts with labels become batches. A text without tokens, and a label that the model
   * has not, end the pass.
   *
   * @param batch B
   * @param maxTime the most tokens of a text that are read, the first ones
   */
  public Batches<Example> batches(int batch, int maxTime) {
    return Batches.<Example>of(batch)
        .tokens(TOKENS, maxTime, example -> tokens(example.text, maxTime))
        .label(LABEL, example -> labels.number(example.label));
  }

  private int[] tokens(String text, int most) {
    int[] tokens = vocabulary.encode(text);
    return tokens.length > most ? Arrays.copyOf(tokens, most) : tokens;
  }

  /** Records the cross-entropy of the labels. */
  @Override
  public Loss record(Tape tape, Batch in) {
    return tape.crossEntropy(logits(tape, in.tokens(TOKENS), in.lengths(TOKENS)), in.labels(LABEL));
  }

  /**
   * Records the model.
   *
   * @param tokens {@code [T, B]}
   * @return the logits, {@code [B, L]}
   */
  public Tensor logits(Tape tape, Indices tokens, Lengths lengths) {
    RecurrentOutput out = rnn.on(tape, embedding.on(tape, tokens), lengths);
    Tensor whole = pooling == Pooling.LAST ? out.last() : lengths.mean(out.y());
    return linear.on(tape, Models.dropout(tape, whole, rnn.config()));
  }

  /**
   * Returns the model as a graph: tokens {@code [T, B]} INT64 and lengths {@code [B]} INT32 to
   * logits and probabilities {@code [B, L]}.
   */
  @Override
  public OnnxGraph onnx() {
    OnnxGraph graph = new OnnxGraph(KIND_NAME);
    graph.metadata("configuration", Json.write(configuration()));
    OnnxValue tokens = graph.input(TOKENS, ElementType.INT64, "T", "B");
    OnnxValue lengths = graph.input("lengths", ElementType.INT32, "B");
    OnnxRecurrent out = graph.rnn(rnn, graph.embedding(embedding, tokens), lengths);
    OnnxValue whole = pooling == Pooling.LAST ? out.last() : graph.mean(out.y(), lengths);
    OnnxValue logits = graph.linear(linear, whole);
    graph.output("logits", logits);
    graph.output("probabilities", graph.softmax(logits));
    return graph;
  }

  /** The part of the labels that is found. */
  @Override
  public List<Metric> metrics() {
    return List.of(Metric.accuracy());
  }

  /** Returns the most probable label of each text; one without tokens is read as unknown. */
  public List<Classification> classify(List<String> texts) {
    Classification[] found = new Classification[texts.size()];
    List<int[]> sequences =
        texts.stream().map(vocabulary::encode).map(x -> x.length == 0 ? new int[1] : x).toList();
    runner.run(
        sequences,
        (probabilities, rows) -> {
          double[] values = probabilities.read();
          for (int row = 0; row < rows.length; row++) {
            found[rows[row]] = best(values, row * labels.size());
          }
        });
    return List.of(found);
  }

  private Classification best(double[] values, int first) {
    int best = 0;
    for (int label = 1; label < labels.size(); label++) {
      best = values[first + label] > values[first + best] ? label : best;
    }
    return new Classification(labels.name(best), values[first + best]);
  }

  /** Returns the symbols that texts are read as. */
  public Vocabulary vocabulary() {
    return vocabulary;
  }

  /** Returns the labels in the order of their numbers. */
  public List<String> labels() {
    return labels.names();
  }

  @Override
  public Parameters parameters() {
    return parameters;
  }

  @Override
  public void close() {
    try (parameters) {
      runner.close();
    }
  }
}
