package io.github.cudnn4j.model;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.data.Batch;
import io.github.cudnn4j.data.Batches;
import io.github.cudnn4j.io.Json;
import io.github.cudnn4j.onnx.OnnxGraph;
import io.github.cudnn4j.onnx.OnnxValue;
import io.github.cudnn4j.rnn.RnnConfig;
import io.github.cudnn4j.tape.EmbeddingLayer;
import io.github.cudnn4j.tape.Indices;
import io.github.cudnn4j.tape.Lengths;
import io.github.cudnn4j.tape.LinearChainLayer;
import io.github.cudnn4j.tape.LinearLayer;
import io.github.cudnn4j.tape.Loss;
import io.github.cudnn4j.tape.Parameters;
import io.github.cudnn4j.tape.RnnLayer;
import io.github.cudnn4j.tape.Tape;
import io.github.cudnn4j.tape.Tensor;
import io.github.cudnn4j.train.Metric;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Gives each word of a sentence a tag, by a conditional random field or each by itself.
 *
 * <pre>
 *   tokens [T, B] → embedding [T, B, E] → RNN [T, B, D·P] → linear [T, B, K] → best path [T, B]
 * </pre>
 *
 * <p>Batches have the words of each sentence in a slot {@value #TOKENS} and their tags in a slot
 * {@value #TAGS}. Parameters: {@code embedding.weight}, {@code rnn.weight_ih_l0}, {@code
 * linear.weight}, {@code linear.bias}, {@code crf.transitions}.
 */
public final class SequenceTagger implements Model {

  /** The slot of the words, {@code [T, B]} with lengths. */
  public static final String TOKENS = "tokens";

  /** The slot of the tags, {@code [T, B]}. */
  public static final String TAGS = "tags";

  static final String KIND_NAME = "tagger";

  /** Words and as many tags. */
  public record Sentence(List<String> words, List<String> tags) {

    private static final Pattern START = Pattern.compile("<START:([^>]+)>");

    /**
     * Reads words with blanks between them, and marks around spans: {@code in <START:date> May 1999
     * <END> it rained} has the tags O, B-date, I-date, O, O. It is the format of OpenNLP's name
     * finder.
     *
     * @throws IllegalArgumentException if a span has no word, begins in another one, or has no
     *     begin or no end
     */
    public static Sentence marked(String line) {
      List<String> words = new ArrayList<>();
      List<String> tags = new ArrayList<>();
      String type = null;
      boolean begins = false;
      for (String word : line.strip().split("\\s+")) {
        Matcher start = START.matcher(word);
        if (start.matches() ? type != null : word.equals("<END>") && (type == null || begins)) {
          throw new IllegalArgumentException(word + " is out of place in \"" + line + "\"");
        }
        if (start.matches()) {
          type = start.group(1);
          begins = true;
        } else if (word.equals("<END>")) {
          type = null;
        } else {
          words.add(word);
          tags.add(type == null ? "O" : (begins ? "B-" : "I-") + type);
          begins = false;
        }
      }
      if (type != null) {
        throw new IllegalArgumentException("no <END> in \"" + line + "\"");
      }
      return new Sentence(words, tags);
    }
  }

  private final Vocabulary vocabulary;
  private final Labels tags;
  private final Parameters parameters;
  private final EmbeddingLayer embedding;
  private final RnnLayer rnn;
  private final LinearLayer linear;
  private final @Nullable LinearChainLayer crf;
  private final SequenceRunner<Indices> runner;

  private SequenceTagger(
      Parameters parameters,
      Vocabulary vocabulary,
      Labels tags,
      RnnConfig config,
      boolean chained) {
    this.vocabulary = vocabulary;
    this.tags = tags;
    this.parameters = parameters;
    embedding = parameters.embedding("embedding", vocabulary.size(), config.inputSize());
    rnn = parameters.rnn("rnn", config);
    linear = parameters.linear("linear", rnn.outputSize(), tags.size());
    crf = chained ? parameters.linearChain("crf", tags.size()) : null;
    runner = new SequenceRunner<>(parameters.device(), parameters.precision(), this::recordTags);
  }

  /**
   * Returns a tagger with initial weights.
   *
   * @param vocabulary of words
   * @param tags at least two
   * @param config the recurrent layers: their input is as wide as the embedding; their dropout also
   *     acts before the linear layer; their precision is the model's
   * @param chained whether tags depend on each other by a conditional random field
   * @throws IllegalArgumentException if there are fewer than two tags, or one is there twice
   */
  public static SequenceTagger create(
      Device device,
      Vocabulary vocabulary,
      List<String> tags,
      RnnConfig config,
      boolean chained,
      long seed) {
    return Models.create(
        device,
        config.precision(),
        seed,
        parameters ->
            new SequenceTagger(parameters, vocabulary, new Labels(tags), config, chained));
  }

  /**
   * Returns the tagger that {@link #configuration()} described, with initial weights.
   *
   * @throws IllegalArgumentException if an entry is missing or cannot be
   */
  public static SequenceTagger of(Device device, Map<String, Object> configuration) {
    return create(
        device,
        Vocabulary.ofMap(configuration),
        tags(configuration),
        Entries.network(configuration, "network"),
        Entries.entry(configuration, "chained", Boolean.class),
        0);
  }

  /**
   * Returns the tags of the tagger that {@link #configuration()} described.
   *
   * @throws IllegalArgumentException if they are missing
   */
  public static List<String> tags(Map<String, Object> configuration) {
    return Entries.strings(configuration, "tags");
  }

  @Override
  public Map<String, Object> configuration() {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put(KIND, KIND_NAME);
    map.put("network", Entries.of(rnn.config()));
    map.put("chained", crf != null);
    map.put("tags", tags.names());
    vocabulary.putInto(map);
    return map;
  }

  /**
   * Returns how sentences become batches. One without words, and a tag that the model has not, end
   * the pass.
   *
   * @param batch B
   * @param maxTime the most words of a sentence that are read, the first ones
   */
  public Batches<Sentence> batches(int batch, int maxTime) {
    return Batches.<Sentence>of(batch)
        .tokens(TOKENS, maxTime, sentence -> vocabulary.encode(first(sentence.words, maxTime)))
        .labels(
            TAGS,
            TOKENS,
            sentence -> first(sentence.tags, maxTime).stream().mapToInt(tags::number).toArray());
  }

  private static List<String> first(List<String> words, int most) {
    return words.subList(0, Math.min(most, words.size()));
  }

  /** Records the negative log likelihood of the tags of a sentence, or else of each tag. */
  @Override
  public Loss record(Tape tape, Batch in) {
    Lengths lengths = in.lengths(TOKENS);
    Tensor emissions = emissions(tape, in.tokens(TOKENS), lengths);
    return crf == null
        ? tape.crossEntropy(emissions, in.labels(TAGS))
        : crf.on(tape, lengths).loss(emissions, in.labels(TAGS));
  }

  /**
   * Records the network.
   *
   * @param tokens {@code [T, B]}
   * @return the score of each tag at each word by itself, {@code [T, B, K]}
   */
  public Tensor emissions(Tape tape, Indices tokens, Lengths lengths) {
    Tensor y = rnn.on(tape, embedding.on(tape, tokens), lengths).y();
    return linear.on(tape, Models.dropout(tape, y, rnn.config()));
  }

  /**
   * Returns the network as a graph: tokens {@code [T, B]} INT64 and lengths {@code [B]} INT32 to
   * {@link #emissions}, {@code [T, B, K]}, without the conditional random field above them.
   */
  @Override
  public OnnxGraph onnx() {
    OnnxGraph graph = new OnnxGraph(KIND_NAME);
    graph.metadata("configuration", Json.write(configuration()));
    OnnxValue tokens = graph.input(TOKENS, ElementType.INT64, "T", "B");
    OnnxValue lengths = graph.input("lengths", ElementType.INT32, "B");
    OnnxValue y = graph.rnn(rnn, graph.embedding(embedding, tokens), lengths).y();
    graph.output("emissions", graph.linear(linear, y));
    return graph;
  }

  private Indices recordTags(Tape tape, Indices tokens, Lengths lengths) {
    Tensor emissions = emissions(tape, tokens, lengths);
    return crf == null
        ? tape.argmax(emissions)
        : crf.on(tape, lengths).bestPaths(emissions).labels();
  }

  /** The F1 of spans if the tags are of such, and the part of the tags that is right. */
  @Override
  public List<Metric> metrics() {
    return areSpans(tags.names())
        ? List.of(Metric.spanF1(tags.names()), Metric.accuracy())
        : List.of(Metric.accuracy());
  }

  /** Tells whether tags are of spans: {@code O}, {@code B-TYPE} and {@code I-TYPE}. */
  public static boolean areSpans(List<String> tags) {
    return tags.stream().allMatch(tag -> tag.equals("O") || tag.matches("[BI]-.+"));
  }

  /** Returns the tags of each sentence, of one without words none. */
  public List<List<String>> tag(List<List<String>> sentences) {
    List<List<String>> found =
        new ArrayList<>(sentences.stream().map(_ -> List.<String>of()).toList());
    List<Integer> full = new ArrayList<>();
    List<int[]> sequences = new ArrayList<>();
    for (int i = 0; i < sentences.size(); i++) {
      if (!sentences.get(i).isEmpty()) {
        full.add(i);
        sequences.add(vocabulary.encode(sentences.get(i)));
      }
    }
    runner.run(
        sequences,
        (paths, rows) -> {
          int[] numbers = paths.buffer().toInts();
          int batch = paths.dim(1);
          for (int row = 0; row < rows.length; row++) {
            List<String> sentence = new ArrayList<>();
            for (int t = 0; t < sequences.get(rows[row]).length; t++) {
              sentence.add(tags.name(numbers[t * batch + row]));
            }
            found.set(full.get(rows[row]), sentence);
          }
        });
    return found;
  }

  /** Returns the words that are known. */
  public Vocabulary vocabulary() {
    return vocabulary;
  }

  /** Returns the tags in the order of their numbers. */
  public List<String> tags() {
    return tags.names();
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
