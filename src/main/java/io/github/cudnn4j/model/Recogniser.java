package io.github.cudnn4j.model;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.data.Batch;
import io.github.cudnn4j.data.Batches;
import io.github.cudnn4j.io.Json;
import io.github.cudnn4j.onnx.OnnxGraph;
import io.github.cudnn4j.onnx.OnnxValue;
import io.github.cudnn4j.rnn.RnnConfig;
import io.github.cudnn4j.tape.Indices;
import io.github.cudnn4j.tape.Lengths;
import io.github.cudnn4j.tape.LinearLayer;
import io.github.cudnn4j.tape.Loss;
import io.github.cudnn4j.tape.Parameters;
import io.github.cudnn4j.tape.RnnLayer;
import io.github.cudnn4j.tape.Tape;
import io.github.cudnn4j.tape.Tensor;
import io.github.cudnn4j.train.Metric;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Writes what vectors spell, such as those of {@link LogMel}: trained with connectionist temporal
 * classification, so nobody needs to know which vector belongs to which symbol.
 *
 * <pre>
 *   frames [T, B, F] → RNN [T, B, D·P] → linear [T, B, V], symbol 0 being the blank
 * </pre>
 *
 * <p>Owns its parameters in device memory. Belongs to the thread that owns the device. Parameters
 * carry PyTorch's names: {@code rnn.weight_ih_l0}, {@code linear.weight}, {@code linear.bias}.
 *
 * @see <a href="https://doi.org/10.1145/1143844.1143891">Graves et al., 2006</a>
 */
public final class Recogniser implements Model {

  /** The slot of the vectors, {@code [T, B, F]} with lengths. */
  public static final String FRAMES = "frames";

  /** The slot of the symbols, {@code [L, B]} with lengths. */
  public static final String SYMBOLS = "symbols";

  /** The slot that tells which rows count, {@code [B]}. */
  public static final String COUNTED = "counted";

  static final String KIND_NAME = "recogniser";

  private static final String SOUND = "sound";

  private static final int ROWS = 32;

  /** Vectors, and what they spell. */
  public record Recording(float[][] frames, String transcript) {}

  private final Vocabulary vocabulary;
  private final @Nullable LogMel sound;
  private final Parameters parameters;
  private final RnnLayer rnn;
  private final LinearLayer linear;

  private Recogniser(
      Parameters parameters, Vocabulary vocabulary, @Nullable LogMel sound, RnnConfig config) {
    this.vocabulary = vocabulary;
    this.sound = sound;
    this.parameters = parameters;
    rnn = parameters.rnn("rnn", config);
    linear = parameters.linear("linear", rnn.outputSize(), vocabulary.size());
  }

  /**
   * Returns a recogniser with initial weights.
   *
   * @param config the recurrent layers, whose input is F wide; their precision is the model's
   */
  public static Recogniser create(
      Device device, Vocabulary vocabulary, RnnConfig config, long seed) {
    return create(device, vocabulary, null, config, seed);
  }

  /**
   * Returns a recogniser of sound with initial weights, which knows how its vectors are made.
   *
   * @param sound how; null if the vectors are of something else
   * @param config the recurrent layers, whose input is F wide; their precision is the model's
   * @throws IllegalArgumentException if the input is not as wide as the sound's vectors
   */
  public static Recogniser create(
      Device device, Vocabulary vocabulary, @Nullable LogMel sound, RnnConfig config, long seed) {
    if (sound != null && sound.bands() != config.inputSize()) {
      throw new IllegalArgumentException(
          "an input of " + config.inputSize() + " elements for vectors of " + sound.bands());
    }
    return Models.create(
        device,
        config.precision(),
        seed,
        parameters -> new Recogniser(parameters, vocabulary, sound, config));
  }

  /**
   * Returns the recogniser that {@link #configuration()} described, with initial weights.
   *
   * @throws IllegalArgumentException if an entry is missing or cannot be
   */
  public static Recogniser of(Device device, Map<String, Object> configuration) {
    return create(
        device,
        Vocabulary.ofMap(configuration),
        sound(configuration),
        Entries.network(configuration, "network"),
        0);
  }

  /**
   * Returns how the vectors of sounds are made for the recogniser that a {@linkplain #configuration
   * configuration} is of; null if it reads other vectors.
   *
   * @throws IllegalArgumentException if an entry is missing or cannot be
   */
  @SuppressWarnings("unchecked")
  public static @Nullable LogMel sound(Map<String, Object> configuration) {
    return configuration.containsKey(SOUND)
        ? LogMel.ofMap(Entries.entry(configuration, SOUND, Map.class))
        : null;
  }

  @Override
  public Map<String, Object> configuration() {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put(KIND, KIND_NAME);
    map.put("network", Entries.of(rnn.config()));
    vocabulary.putInto(map);
    if (sound != null) {
      map.put(SOUND, sound.toMap());
    }
    return map;
  }

  /** Returns how the vectors of sounds are made; null if the model reads other vectors. */
  public @Nullable LogMel sound() {
    return sound;
  }

  /** Returns the symbols that are written. */
  public Vocabulary vocabulary() {
    return vocabulary;
  }

  @Override
  public Parameters parameters() {
    return parameters;
  }

  /**
   * Returns how recordings become batches. One without vectors or that is longer, and a symbol that
   * the vocabulary does not have, end the pass; one with too few vectors for its symbols does not
   * count.
   *
   * @param batch the number of rows, B
   * @param frames the most vectors of a recording, from 2
   * @param symbols the most symbols of a transcript, from 1 to {@value
   *     io.github.cudnn4j.cudnn.CtcLoss#MAX_LABELS}
   */
  public Batches<Recording> batches(int batch, int frames, int symbols) {
    return Batches.<Recording>of(batch)
        .floats(FRAMES, frames, rnn.inputSize(), Recording::frames)
        .tokens(SYMBOLS, 0, symbols, recording -> symbols(recording.transcript))
        .label(COUNTED, _ -> 0);
  }

  private int[] symbols(String transcript) {
    int[] symbols = vocabulary.encode(transcript);
    if (Arrays.stream(symbols).anyMatch(symbol -> symbol == 0)) {
      throw new IllegalArgumentException(
          "\"" + transcript + "\" has a symbol that is not in the vocabulary");
    }
    return symbols;
  }

  /** Records the mean loss of the recordings. */
  @Override
  public Loss record(Tape tape, Batch in) {
    Lengths lengths = in.lengths(FRAMES);
    Tensor logits = logits(tape, in.floats(FRAMES), lengths);
    return tape.ctc(logits, lengths, in.tokens(SYMBOLS), in.lengths(SYMBOLS), in.labels(COUNTED));
  }

  /**
   * Records the model.
   *
   * @param frames {@code [T, B, F]}
   * @return the logits, {@code [T, B, V]}
   */
  public Tensor logits(Tape tape, Tensor frames, Lengths lengths) {
    return linear.on(tape, rnn.on(tape, frames, lengths).y());
  }

  /**
   * Returns the model as a graph: frames {@code [T, B, F]} and lengths {@code [B]} INT32 to logits
   * {@code [T, B, V]}.
   */
  @Override
  public OnnxGraph onnx() {
    OnnxGraph graph = new OnnxGraph(KIND_NAME);
    graph.metadata("configuration", Json.write(configuration()));
    String features = String.valueOf(rnn.inputSize());
    OnnxValue frames = graph.input(FRAMES, ElementType.FLOAT32, "T", "B", features);
    OnnxValue lengths = graph.input("lengths", ElementType.INT32, "B");
    graph.output("logits", graph.linear(linear, graph.rnn(rnn, frames, lengths).y()));
    return graph;
  }

  /**
   * Writes what recordings spell; waits for the device.
   *
   * @param recordings {@code [T][F]} each; nothing is written for one without vectors
   * @param width how many beginnings a search follows; 1 takes the likeliest symbol of each vector
   * @throws IllegalArgumentException if {@code width} is not positive
   */
  public List<String> recognise(List<float[][]> recordings, int width) {
    if (width < 1) {
      throw new IllegalArgumentException("width is " + width + ", must be at least 1");
    }
    List<String> written = new ArrayList<>();
    int rows = Math.clamp(recordings.size(), 1, ROWS);
    int time = recordings.stream().mapToInt(frames -> frames.length).reduce(1, Math::max);
    try (Tape tape = Tape.inference(device(), precision())) {
      Tensor frames = tape.input(time, rows, rnn.inputSize());
      Lengths lengths = tape.lengths(rows);
      Tensor probabilities = tape.logSoftmax(logits(tape, frames, lengths));
      for (int first = 0; first < recordings.size(); first += rows) {
        var some = recordings.subList(first, Math.min(first + rows, recordings.size()));
        int[] times = new int[rows];
        Arrays.setAll(times, row -> row < some.size() ? Math.max(1, some.get(row).length) : 1);
        Values.write(frames, some);
        lengths.set(times);
        tape.forward();
        double[][] vectors = Values.matrix(probabilities);
        for (int row = 0; row < some.size(); row++) {
          written.add(text(vectors, row, rows, some.get(row).length, width));
        }
      }
    }
    return written;
  }

  /** Decodes one row of {@code [T, B, V]}. */
  private String text(double[][] vectors, int row, int rows, int time, int width) {
    float[][] own = new float[time][vocabulary.size()];
    for (int t = 0; t < time; t++) {
      for (int symbol = 0; symbol < own[t].length; symbol++) {
        own[t][symbol] = (float) vectors[t * rows + row][symbol];
      }
    }
    var found = width == 1 ? CtcDecoder.greedy(own) : CtcDecoder.beam(own, width);
    return text(found.labels());
  }

  private String text(List<Integer> symbols) {
    return vocabulary.decode(symbols.stream().mapToInt(symbol -> symbol).toArray());
  }

  /** The wrong characters and words, and the part of the transcripts that is right as a whole. */
  @Override
  public List<Metric> metrics() {
    var texts = new TextMetric(this::written);
    return List.of(texts.characterErrorRate(), texts.wordErrorRate(), texts.exactMatch());
  }

  private Supplier<List<TextMetric.Written>> written(Tape tape, Batch in) {
    Lengths lengths = in.lengths(FRAMES);
    Tensor probabilities = tape.logSoftmax(logits(tape, in.floats(FRAMES), lengths));
    Indices right = in.tokens(SYMBOLS);
    Indices counted = in.labels(COUNTED);
    return () -> {
      double[][] vectors = Values.matrix(probabilities);
      int[] times = lengths.buffer().toInts();
      int[] counts = counted.buffer().toInts();
      List<int[]> symbols = Values.rows(right);
      List<TextMetric.Written> written = new ArrayList<>();
      for (int row = 0; row < times.length; row++) {
        if (counts[row] >= 0) {
          List<Integer> own = Arrays.stream(symbols.get(row)).boxed().toList();
          String found = text(vectors, row, times.length, times[row], 1);
          written.add(new TextMetric.Written(text(own), found));
        }
      }
      return written;
    };
  }

  @Override
  public void close() {
    parameters.close();
  }
}
