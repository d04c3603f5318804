package io.github.cudnn4j.model;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.data.Batch;
import io.github.cudnn4j.data.Batches;
import io.github.cudnn4j.rnn.RnnConfig;
import io.github.cudnn4j.tape.Attention;
import io.github.cudnn4j.tape.AttentionKind;
import io.github.cudnn4j.tape.AttentionLayer;
import io.github.cudnn4j.tape.AttentionOutput;
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
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiFunction;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Writes a text for a text: an encoder, and a decoder that attends to all of the encoder's steps.
 *
 * <pre>
 *   source + end [S, B] → embedding → encoder RNN → memory [S, B, H], final state
 *   begin + target [T, B] → embedding → decoder RNN from that state → y [T, B, H]
 *   context = attention of y over the memory [T, B, H]
 *   logits = head(tanh(combine([context, y]))) [T, B, V + 1], to be target + end
 * </pre>
 *
 * <p>Without attention the final state is all that the decoder knows, and the logits are head(y).
 *
 * <p>The context does not go into the decoder's next step, so training is one cuDNN call over all
 * steps of the encoder and one over all of the decoder. In training the decoder reads the right
 * targets. The vocabulary's last number plus one is the end, plus two the begin, which is no class.
 *
 * <p>Owns its parameters in device memory. Belongs to the thread that owns the device. Parameters:
 * {@code source.weight}, {@code target.weight}, {@code encoder.weight_ih_l0}, {@code
 * decoder.weight_ih_l0} and so on, those of {@link AttentionLayer} {@code attention}, {@code
 * combine.weight}, {@code combine.bias}, {@code head.weight}, {@code head.bias}.
 *
 * @see <a href="https://arxiv.org/abs/1508.04025">Luong, Pham and Manning, 2015</a>
 */
public final class Translator implements Model {

  static final String KIND_NAME = "translator";

  /** The slot of the sources, each with its end. */
  public static final String SOURCE = "source";

  /** The slot of what the decoder reads, the begin and the target. */
  public static final String TARGET = "target";

  /** The slot of what the decoder is to predict, the target and its end. */
  public static final String NEXT = "next";

  private static final int ROWS = 32;

  /** A text and its translation. */
  public record Pair(String source, String target) {}

  private static final String ATTENTION = "attention";
  private static final String NO_ATTENTION = "none";

  /** What the decoder goes on from: its state, and what it attends to. */
  record Encoded(Tensor memory, Tensor h, @Nullable Tensor c) {}

  /** What the decoder gives for its steps. */
  record Decoded(Tensor logits, @Nullable Tensor attention, RecurrentOutput states) {}

  /** What attends, and how its context is joined to the decoder's output. */
  private record Attending(AttentionLayer attention, LinearLayer combine) {}

  private final Vocabulary source;
  private final Vocabulary target;
  private final Parameters parameters;
  private final EmbeddingLayer embedSource;
  private final EmbeddingLayer embedTarget;
  private final RnnLayer encoder;
  private final RnnLayer decoder;
  private final @Nullable Attending attending;
  private final LinearLayer head;

  private Translator(
      Parameters parameters,
      Vocabulary source,
      Vocabulary target,
      RnnConfig config,
      @Nullable AttentionKind attention) {
    if (config.projects()) {
      throw new IllegalArgumentException(
          "a translator has no projection, but there is one to " + config.projectionSize());
    }
    this.source = source;
    this.target = target;
    this.parameters = parameters;
    int size = config.inputSize();
    int hidden = config.outputSize();
    embedSource = parameters.embedding("source", source.size() + 1, size);
    embedTarget = parameters.embedding("target", target.size() + 2, size);
    encoder = parameters.rnn("encoder", config);
    decoder = parameters.rnn("decoder", decoder(config));
    attending =
        attention == null
            ? null
            : new Attending(
                parameters.attention(ATTENTION, attention, hidden, hidden),
                parameters.linear("combine", 2 * hidden, hidden));
    head = parameters.linear("head", hidden, target.size() + 1);
  }

  /** Of as many units as the encoder has in all of its directions. */
  private static RnnConfig decoder(RnnConfig encoder) {
    RnnConfig config =
        RnnConfig.of(encoder.mode(), encoder.inputSize(), encoder.outputSize())
            .layers(encoder.layers())
            .bias(encoder.bias())
            .dropout(encoder.dropout(), encoder.dropoutSeed() + 1)
            .precision(encoder.precision());
    var algorithm = encoder.algorithm();
    return algorithm == null ? config.autoAlgorithm() : config.algorithm(algorithm);
  }

  /**
   * Returns a translator of {@linkplain AttentionKind#MULTIPLICATIVE multiplicative} attention with
   * initial weights.
   *
   * @param config the encoder: its input is as wide as the embeddings, its precision the model's;
   *     the decoder has as many layers
   * @throws IllegalArgumentException if the network has a projection
   */
  public static Translator create(
      Device device, Vocabulary source, Vocabulary target, RnnConfig config, long seed) {
    return create(device, source, target, config, AttentionKind.MULTIPLICATIVE, seed);
  }

  /**
   * As {@link #create(Device, Vocabulary, Vocabulary, RnnConfig, long)}, with another attention.
   *
   * @param attention null for none
   */
  public static Translator create(
      Device device,
      Vocabulary source,
      Vocabulary target,
      RnnConfig config,
      @Nullable AttentionKind attention,
      long seed) {
    return Models.create(
        device,
        config.precision(),
        seed,
        parameters -> new Translator(parameters, source, target, config, attention));
  }

  /**
   * Returns the translator that {@link #configuration()} described, with initial weights.
   *
   * @throws IllegalArgumentException if an entry is missing or cannot be
   */
  public static Translator of(Device device, Map<String, Object> configuration) {
    return create(
        device,
        vocabulary(configuration, SOURCE),
        vocabulary(configuration, TARGET),
        Entries.network(configuration, "network"),
        NO_ATTENTION.equals(configuration.get(ATTENTION))
            ? null
            : Entries.constant(configuration, ATTENTION, AttentionKind.class),
        0);
  }

  @SuppressWarnings("unchecked")
  private static Vocabulary vocabulary(Map<String, Object> configuration, String name) {
    return Vocabulary.ofMap(Entries.entry(configuration, name, Map.class));
  }

  @Override
  public Map<String, Object> configuration() {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put(KIND, KIND_NAME);
    map.put("network", Entries.of(encoder.config()));
    map.put(ATTENTION, attending == null ? NO_ATTENTION : Entries.name(attending.attention.kind()));
    map.put(SOURCE, map(source));
    map.put(TARGET, map(target));
    return map;
  }

  private static Map<String, Object> map(Vocabulary vocabulary) {
    Map<String, Object> map = new LinkedHashMap<>();
    vocabulary.putInto(map);
    return map;
  }

  /** Returns the symbols of the sources. */
  public Vocabulary source() {
    return source;
  }

  /** Returns the symbols of the targets. */
  public Vocabulary target() {
    return target;
  }

  @Override
  public boolean hasPerplexity() {
    return true;
  }

  @Override
  public Parameters parameters() {
    return parameters;
  }

  /** Returns the number that ends a target: the last class. */
  int end() {
    return target.size();
  }

  /** Returns the number that the decoder reads first. */
  int begin() {
    return target.size() + 1;
  }

  int[] sourceTokens(String text) {
    return with(source.encode(text), source.size());
  }

  private static int[] with(int[] tokens, int last) {
    int[] more = Arrays.copyOf(tokens, tokens.length + 1);
    more[tokens.length] = last;
    return more;
  }

  private int[] targetTokens(String text) {
    return IntStream.concat(IntStream.of(begin()), IntStream.of(target.encode(text))).toArray();
  }

  /**
   * Returns how pairs become batches. A text that is longer ends the pass.
   *
   * @param batch the number of rows, B
   * @param sourceTime the most symbols of a source, from 1
   * @param targetTime the most symbols of a target, from 1
   */
  public Batches<Pair> batches(int batch, int sourceTime, int targetTime) {
    return Batches.<Pair>of(batch)
        .tokens(SOURCE, sourceTime + 1, pair -> sourceTokens(pair.source))
        .tokens(TARGET, targetTime + 1, pair -> targetTokens(pair.target))
        .labels(NEXT, TARGET, pair -> with(target.encode(pair.target), end()));
  }

  /** Records the cross-entropy of the targets' symbols, each read from those before it. */
  @Override
  public Loss record(Tape tape, Batch in) {
    Lengths lengths = in.lengths(SOURCE);
    Encoded encoded = encode(tape, in.tokens(SOURCE), lengths);
    Attention over = attention(tape, encoded.memory(), lengths);
    Tensor logits = decode(tape, in.tokens(TARGET), encoded.h(), encoded.c(), over).logits();
    return tape.crossEntropy(logits, in.labels(NEXT));
  }

  /** Records the encoder; {@code [S, B]} tokens, each row at least one. */
  Encoded encode(Tape tape, Indices tokens, Lengths lengths) {
    RecurrentOutput out = encoder.on(tape, embedSource.on(tape, tokens), lengths);
    Tensor c = out.c();
    return new Encoded(out.y(), joined(tape, out.h()), c == null ? null : joined(tape, c));
  }

  /** Records both directions of each layer side by side: {@code [L, B, H]} of all states. */
  private Tensor joined(Tape tape, Tensor states) {
    if (encoder.config().directions() == 1) {
      return states;
    }
    List<Tensor> each = tape.unbind(states);
    Tensor[] layers = new Tensor[encoder.config().layers()];
    for (int layer = 0; layer < layers.length; layer++) {
      layers[layer] = tape.concatenate(each.get(2 * layer), each.get(2 * layer + 1));
    }
    return tape.stack(layers);
  }

  /** Records what attention needs of a memory; null without attention. */
  @Nullable Attention attention(Tape tape, Tensor memory, Lengths lengths) {
    return attending == null ? null : attending.attention.on(tape, memory, lengths);
  }

  /** Records the decoder; {@code [T, B]} tokens. */
  Decoded decode(
      Tape tape, Indices tokens, Tensor h0, @Nullable Tensor c0, @Nullable Attention over) {
    RecurrentOutput out = decoder.on(tape, embedTarget.on(tape, tokens), h0, c0);
    if (attending == null || over == null) {
      return new Decoded(head.on(tape, out.y()), null, out);
    }
    AttentionOutput seen = over.on(out.y());
    Tensor both = tape.concatenate(seen.context(), out.y());
    Tensor logits = head.on(tape, tape.tanh(attending.combine.on(tape, both)));
    return new Decoded(logits, seen.weights(), out);
  }

  List<StepNetwork.State> states() {
    return StepNetwork.State.of(decoder.config());
  }

  /**
   * Translates texts; waits for the device.
   *
   * @param width how many hypotheses of a text are followed; 1 takes the likeliest symbol each time
   * @param most the most symbols of a translation
   * @throws IllegalArgumentException if {@code width} or {@code most} is not positive, or the
   *     latter the largest int
   */
  public List<String> translate(List<String> texts, int width, int most) {
    return translate(texts, width, most, Constraint.NONE);
  }

  /**
   * As {@link #translate(List, int, int)}, of what is not forbidden; empty if everything is.
   *
   * @param constraint sees the numbers of {@link #target()}, and behind their logits that of the
   *     end
   */
  public List<String> translate(List<String> texts, int width, int most, Constraint constraint) {
    if (most < 1 || most == Integer.MAX_VALUE) {
      throw new IllegalArgumentException(
          "most is " + most + ", must be from 1 to " + (Integer.MAX_VALUE - 1));
    }
    var beam = BeamSearch.of(width, end(), most + 1).constraint(constraint);
    return translate(
        texts,
        beam,
        (search, sources) ->
            search.run(sources).stream()
                .map(found -> found.isEmpty() ? List.<Integer>of() : found.getFirst().symbols())
                // One that does not end within these has one more, where its end could have been.
                .map(symbols -> text(symbols.subList(0, Math.min(most, symbols.size()))))
                .toList());
  }

  /**
   * Draws translations; waits for the device.
   *
   * @param most the most symbols of a translation
   * @throws IllegalArgumentException if {@code most} is not positive
   */
  public List<String> translate(
      List<String> texts, Sampling sampling, int most, RandomGenerator random) {
    return translate(
        texts,
        BeamSearch.of(1, end(), most),
        (search, sources) ->
            search.draw(sources, sampling, random).stream().map(target::decode).toList());
  }

  private List<String> translate(
      List<String> texts,
      BeamSearch beam,
      BiFunction<TranslationSearch, int[][], List<String>> write) {
    List<String> translations = new ArrayList<>();
    int[][] tokens = texts.stream().map(this::sourceTokens).toArray(int[][]::new);
    int longest = Arrays.stream(tokens).mapToInt(row -> row.length).max().orElse(1);
    int rows = Math.clamp(tokens.length, 1, ROWS);
    try (var search = new TranslationSearch(this, rows, longest, beam)) {
      for (int first = 0; first < tokens.length; first += rows) {
        int last = Math.min(tokens.length, first + rows);
        translations.addAll(write.apply(search, Arrays.copyOfRange(tokens, first, last)));
      }
    }
    return translations;
  }

  private String text(List<Integer> symbols) {
    return target.decode(symbols.stream().mapToInt(symbol -> symbol).toArray());
  }

  /**
   * Returns how much each symbol of a source counts for each symbol of a target that is written for
   * it; waits for the device.
   *
   * @return {@code [T][S]}, the ends of both included; the sum of each row is 1
   * @throws IllegalStateException if this translator has no attention
   */
  public double[][] attention(String source, String target) {
    int[] read = sourceTokens(source);
    int[] written = targetTokens(target);
    try (Tape tape = Tape.inference(device(), precision())) {
      Indices tokens = tape.indices(read.length, 1);
      tokens.buffer().copyFrom(read);
      Indices before = tape.indices(written.length, 1);
      before.buffer().copyFrom(written);
      Lengths lengths = tape.lengths(1);
      lengths.set(read.length);
      Encoded encoded = encode(tape, tokens, lengths);
      Attention over = attention(tape, encoded.memory(), lengths);
      Tensor weights = decode(tape, before, encoded.h(), encoded.c(), over).attention();
      if (weights == null) {
        throw new IllegalStateException("the translator has no attention");
      }
      tape.forward();
      return Values.matrix(weights);
    }
  }

  /** The part of the targets that is written as it is, and BLEU, of the likeliest symbols. */
  @Override
  public List<Metric> metrics() {
    var texts = new TextMetric(this::written);
    return List.of(texts.exactMatch(), texts.bleu(Vocabulary.Units.WORDS::split));
  }

  /** Records how a batch is translated; no translation is longer than the longest target. */
  private Supplier<List<TextMetric.Written>> written(Tape tape, Batch in) {
    Indices sources = in.tokens(SOURCE);
    Indices targets = in.labels(NEXT);
    BeamSearch greedy = BeamSearch.of(1, end(), targets.dim(0));
    TranslationSearch search =
        tape.own(new TranslationSearch(this, in.size(), sources.dim(0), greedy));
    return () -> {
      int[][] rows =
          Values.rows(sources).stream().filter(row -> row.length > 0).toArray(int[][]::new);
      List<int[]> right = Values.rows(targets);
      List<TextMetric.Written> written = new ArrayList<>();
      for (List<BeamSearch.Hypothesis> found : search.run(rows)) {
        int[] symbols = right.get(written.size());
        List<Integer> ended = IntStream.of(symbols).limit(symbols.length - 1).boxed().toList();
        written.add(new TextMetric.Written(text(ended), text(found.getFirst().symbols())));
      }
      return written;
    };
  }

  @Override
  public void close() {
    parameters.close();
  }
}
