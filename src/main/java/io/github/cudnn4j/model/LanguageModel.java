package io.github.cudnn4j.model;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.data.Batch;
import io.github.cudnn4j.data.TextWindows;
import io.github.cudnn4j.io.Json;
import io.github.cudnn4j.onnx.OnnxGraph;
import io.github.cudnn4j.onnx.OnnxRecurrent;
import io.github.cudnn4j.onnx.OnnxValue;
import io.github.cudnn4j.rnn.RnnConfig;
import io.github.cudnn4j.tape.EmbeddingLayer;
import io.github.cudnn4j.tape.Indices;
import io.github.cudnn4j.tape.Init;
import io.github.cudnn4j.tape.LinearLayer;
import io.github.cudnn4j.tape.Loss;
import io.github.cudnn4j.tape.Parameters;
import io.github.cudnn4j.tape.RecurrentOutput;
import io.github.cudnn4j.tape.RnnLayer;
import io.github.cudnn4j.tape.Tape;
import io.github.cudnn4j.tape.Tensor;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Predicts the next symbol of a text, a character, byte or word: symbols as one-hot or learned
 * vectors, a stack of recurrent layers, and a linear layer to one logit for each symbol, whose
 * weights may be the vectors.
 *
 * <pre>
 *   tokens [T, B] → one-hot or embedding [T, B, E] → RNN [T, B, P] → linear [T, B, V]
 * </pre>
 *
 * <p>P is H without a projection. Parameters carry PyTorch's names: {@code embedding.weight},
 * {@code rnn.weight_ih_l0}, {@code linear.weight}, {@code linear.bias}.
 *
 * @see <a href="https://arxiv.org/abs/1608.05859">Press and Wolf, 2017 (tied vectors)</a>
 */
public final class LanguageModel implements Model {

  static final String KIND_NAME = "language-model";

  private final Vocabulary vocabulary;
  private final LanguageModelConfig config;
  private final Parameters parameters;
  private final @Nullable EmbeddingLayer embedding;
  private final RnnLayer rnn;
  private final LinearLayer linear;

  private LanguageModel(Parameters parameters, Vocabulary vocabulary, LanguageModelConfig config) {
    this.vocabulary = vocabulary;
    this.config = config;
    this.parameters = parameters;
    int classes = vocabulary.size();
    RnnConfig network = config.network();
    if (config.oneHot() && network.inputSize() != classes) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "one-hot symbols are as wide as the vocabulary, %d, but inputSize is %d",
              classes,
              network.inputSize()));
    }
    // The first to be drawn, as it is without an embedding.
    rnn = parameters.rnn("rnn", network);
    embedding =
        config.oneHot() ? null : parameters.embedding("embedding", classes, network.inputSize());
    Init init = Init.uniform(1 / Math.sqrt(network.hiddenSize()));
    if (config.tied()) {
      linear = parameters.linear("linear", embedding.weight(), true);
      parameters.init("embedding.weight", init);
    } else {
      linear = parameters.linear("linear", rnn.outputSize(), classes);
    }
    parameters.init("linear.*", init);
    if (config.forgetBias() != null) {
      rnn.forgetBias(config.forgetBias());
    }
  }

  /**
   * Returns a model with initial weights drawn from the configuration's seed, as PyTorch draws.
   *
   * @throws IllegalArgumentException if symbols are fed one-hot to a network of another input size
   */
  public static LanguageModel create(
      Device device, Vocabulary vocabulary, LanguageModelConfig config) {
    return Models.create(
        device,
        config.network().precision(),
        config.seed(),
        parameters -> new LanguageModel(parameters, vocabulary, config));
  }

  /**
   * Returns a model of the shape that {@link #configuration()} described, with initial weights.
   *
   * @throws IllegalArgumentException if an entry is missing or has the wrong type
   */
  public static LanguageModel of(Device device, Map<String, Object> configuration) {
    return create(
        device, Vocabulary.ofMap(configuration), LanguageModelConfig.ofMap(configuration));
  }

  /** Returns the symbols that this model predicts. */
  public Vocabulary vocabulary() {
    return vocabulary;
  }

  /** Returns the shape that this model was made with. */
  public LanguageModelConfig config() {
    return config;
  }

  @Override
  public boolean hasPerplexity() {
    return true;
  }

  @Override
  public Parameters parameters() {
    return parameters;
  }

  /** Records the cross-entropy of the next symbols: the batches are of {@link TextWindows}. */
  @Override
  public Loss record(Tape tape, Batch in) {
    return tape.crossEntropy(
        logits(tape, in.tokens(TextWindows.TOKENS)), in.labels(TextWindows.LABELS));
  }

  /**
   * Records the model, whose recurrent state the tape {@linkplain Tape#carry carries}.
   *
   * @param tokens {@code [T, B]}
   * @return the logits, {@code [T, B, V]}
   */
  public Tensor logits(Tape tape, Indices tokens) {
    return logits(tape, rnn.carried(tape, vectors(tape, tokens)));
  }

  /**
   * Makes a runner of this model for many texts, step by step; to be closed before the model.
   *
   * @param places how many texts have a state
   * @param batches how many texts a step may have, any number of them
   */
  public StepRunner steps(int places, int... batches) {
    return StepRunner.ofTokens(
        device(), precision(), this::step, StepNetwork.State.of(rnn.config()), places, batches);
  }

  private StepNetwork.Output step(Tape tape, StepNetwork.Input in) {
    Tensor c0 = rnn.config().hasCellState() ? in.state(1) : null;
    RecurrentOutput out = rnn.on(tape, vectors(tape, in.tokens()), in.state(0), c0);
    return StepNetwork.Output.of(logits(tape, out.y()), out);
  }

  /**
   * Returns the model as a graph: tokens {@code [T, B]} INT64 and the states {@code h0}, and {@code
   * c0} of an LSTM, {@code [L, B, H]}, to logits {@code [T, B, V]} and the states {@code h} and
   * {@code c} behind the last token, which are to go in with the next ones.
   */
  @Override
  public OnnxGraph onnx() {
    OnnxGraph graph = new OnnxGraph(KIND_NAME);
    graph.metadata("configuration", Json.write(configuration()));
    OnnxValue tokens = graph.input(TextWindows.TOKENS, ElementType.INT64, "T", "B");
    String[] state = {
      String.valueOf(rnn.config().layers()), "B", String.valueOf(rnn.config().hiddenSize())
    };
    OnnxValue h0 = graph.input("h0", ElementType.FLOAT32, state);
    OnnxValue c0 =
        rnn.config().hasCellState() ? graph.input("c0", ElementType.FLOAT32, state) : null;
    OnnxValue x =
        embedding == null
            ? graph.oneHot(tokens, vocabulary.size())
            : graph.embedding(embedding, tokens);
    OnnxRecurrent out = graph.rnn(rnn, x, null, h0, c0);
    graph.output("logits", graph.linear(linear, out.y()));
    graph.output("h", out.h());
    if (out.c() != null) {
      graph.output("c", out.c());
    }
    return graph;
  }

  private Tensor vectors(Tape tape, Indices tokens) {
    return embedding == null ? tape.oneHot(tokens, vocabulary.size()) : embedding.on(tape, tokens);
  }

  private Tensor logits(Tape tape, Tensor y) {
    return linear.on(tape, Models.dropout(tape, y, config.network()));
  }

  @Override
  public Map<String, Object> configuration() {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put(KIND, KIND_NAME);
    map.putAll(config.toMap());
    vocabulary.putInto(map);
    return map;
  }

  @Override
  public void close() {
    parameters.close();
  }
}
