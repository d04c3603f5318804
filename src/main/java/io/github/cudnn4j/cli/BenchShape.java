package io.github.cudnn4j.cli;

import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.cudnn.RnnAlgorithm;
import io.github.cudnn4j.cudnn.RnnMode;
import io.github.cudnn4j.rnn.RnnConfig;
import io.github.cudnn4j.rnn.SequenceShape;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A network and the batch that it is measured with, as text such as {@code
 * LSTM:I256:H256:B32:T35:L2:bi}.
 *
 * @param mode the cell
 * @param input I
 * @param hidden H
 * @param projection P, H for none
 * @param layers L
 * @param bidirectional whether it reads in both directions
 * @param skip whether the first layer has no input matrix, which needs I = H
 * @param batch B
 * @param time T
 */
record BenchShape(
    RnnMode mode,
    int input,
    int hidden,
    int projection,
    int layers,
    boolean bidirectional,
    boolean skip,
    int batch,
    int time) {

  static final String SYNTAX = "CELL:H256:B32:T35[:I256][:L2][:P128][:bi][:skip]";

  /** Sets of shapes with a name. */
  enum Preset {
    /** A minute's look at every cell. */
    SMALL,
    /** The character models of d2l.ai's chapters on recurrent networks. */
    D2L,
    /** Baidu's DeepBench: its training problems, with skip input as it has them. */
    DEEPBENCH;

    List<BenchShape> shapes() {
      return switch (this) {
        case SMALL ->
            parsed(
                "LSTM:H256:B32:T35",
                "GRU:H256:B32:T35",
                "TANH:H256:B32:T35",
                "LSTM:H512:B64:T64",
                "LSTM:H256:B32:T35:L2:bi",
                "LSTM:I28:H32:B1024:T32");
        case D2L ->
            parsed(
                "LSTM:I28:H256:B32:T35",
                "GRU:I28:H256:B32:T35",
                "TANH:I28:H256:B32:T35",
                "LSTM:I28:H256:B32:T35:L2",
                "LSTM:I28:H256:B32:T35:L2:bi");
        case DEEPBENCH -> deepbench();
      };
    }

    private static List<BenchShape> parsed(String... texts) {
      return Stream.of(texts).map(BenchShape::parse).toList();
    }

    /**
     * The problems of {@code code/kernels/rnn_problems.h}, some of every kind first.
     *
     * @see <a href="https://github.com/baidu-research/DeepBench">DeepBench</a>
     */
    private static List<BenchShape> deepbench() {
      Stream<String> first =
          Stream.of(
              "LSTM:H512:B16:T25",
              "LSTM:H1024:B64:T25",
              "LSTM:H2048:B128:T25",
              "LSTM:H256:B64:T150",
              "RELU:H1760:B128:T50",
              "GRU:H1536:B32:T375",
              "LSTM:H4096:B128:T25");
      Stream<String> lstm =
          IntStream.of(512, 1024, 2048, 4096)
              .boxed()
              .flatMap(
                  hidden ->
                      IntStream.of(16, 32, 64, 128)
                          .mapToObj(batch -> "LSTM:H" + hidden + ":B" + batch + ":T25"));
      Stream<String> longer =
          Stream.of(
              "LSTM:H1536:B8:T50",
              "LSTM:H1536:B16:T50",
              "LSTM:H1536:B32:T50",
              "LSTM:H256:B16:T150",
              "LSTM:H256:B32:T150");
      Stream<String> vanilla =
          IntStream.of(1760, 2048, 2560)
              .boxed()
              .flatMap(
                  hidden ->
                      IntStream.of(16, 32, 64, 128)
                          .mapToObj(batch -> "RELU:H" + hidden + ":B" + batch + ":T50"));
      Stream<String> gru =
          IntStream.of(187, 375, 750, 1500)
              .boxed()
              .flatMap(
                  time ->
                      IntStream.of(1536, 2048, 2560, 2816)
                          .mapToObj(hidden -> "GRU:H" + hidden + ":B32:T" + time));
      Stream<String> others =
          Stream.of("GRU:H512:B32:T1", "GRU:H1024:B32:T1500", "GRU:H1024:B64:T1500");
      return Stream.of(first, lstm, longer, vanilla, gru, others)
          .flatMap(texts -> texts)
          .distinct()
          .map(text -> parse(text + ":skip"))
          .toList();
    }
  }

  /**
   * Reads a shape as {@link #SYNTAX} says it, in any case.
   *
   * @throws IllegalArgumentException if a part is unknown, missing or out of range
   */
  static BenchShape parse(String text) {
    String[] parts = text.strip().toUpperCase(Locale.ROOT).split(":");
    RnnMode mode = null;
    for (RnnMode candidate : RnnMode.values()) {
      mode = candidate.name().equals(parts[0]) ? candidate : mode;
    }
    if (mode == null) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "'%s' begins with none of LSTM, GRU, TANH, RELU; a shape is %s",
              text,
              SYNTAX));
    }
    int input = 0;
    int hidden = 0;
    int projection = 0;
    int layers = 1;
    int batch = 0;
    int time = 0;
    boolean bidirectional = false;
    boolean skip = false;
    for (int i = 1; i < parts.length; i++) {
      String part = parts[i];
      if (part.equals("BI")) {
        bidirectional = true;
      } else if (part.equals("SKIP")) {
        skip = true;
      } else {
        int value = number(text, part);
        switch (part.charAt(0)) {
          case 'I' -> input = value;
          case 'H' -> hidden = value;
          case 'P' -> projection = value;
          case 'L' -> layers = value;
          case 'B' -> batch = value;
          case 'T' -> time = value;
          default -> throw unknown(text, part);
        }
      }
    }
    if (hidden == 0 || batch == 0 || time == 0) {
      throw new IllegalArgumentException(
          String.format(Locale.ROOT, "'%s' lacks H, B or T; a shape is %s", text, SYNTAX));
    }
    BenchShape shape =
        new BenchShape(
            mode,
            input == 0 ? hidden : input,
            hidden,
            projection == 0 ? hidden : projection,
            layers,
            bidirectional,
            skip,
            batch,
            time);
    shape.config(Precision.FP32, RnnAlgorithm.STANDARD);
    return shape;
  }

  private static int number(String text, String part) {
    if (!part.matches("[A-Z][0-9]{1,9}") || part.matches("[A-Z]0+")) {
      throw unknown(text, part);
    }
    return Integer.parseInt(part.substring(1));
  }

  private static IllegalArgumentException unknown(String text, String part) {
    return new IllegalArgumentException(
        String.format(
            Locale.ROOT, "'%s' has the unknown part '%s'; a shape is %s", text, part, SYNTAX));
  }

  /**
   * The network.
   *
   * @param algorithm null for the one that is measured to be the fastest
   * @throws IllegalArgumentException if there is no such network
   */
  RnnConfig config(Precision precision, @Nullable RnnAlgorithm algorithm) {
    RnnConfig config =
        RnnConfig.of(mode, input, hidden)
            .layers(layers)
            .projection(projection)
            .precision(precision);
    config = bidirectional ? config.bidirectional() : config;
    config = skip ? config.skipInput() : config;
    return algorithm == null ? config.autoAlgorithm() : config.algorithm(algorithm);
  }

  SequenceShape sequences() {
    return SequenceShape.of(time, batch);
  }

  /** The operations of the matrix products forward; backward has twice as many. */
  double flops() {
    double perStep = 0;
    int directions = bidirectional ? 2 : 1;
    for (int layer = 0; layer < layers; layer++) {
      int from = layer > 0 ? directions * projection : skip ? 0 : input;
      double cell = (double) mode.gates() * hidden * (from + projection);
      perStep += directions * (cell + (projection < hidden ? (double) projection * hidden : 0));
    }
    return 2.0 * time * batch * perStep;
  }

  /** The shape as {@link #parse} reads it. */
  @Override
  public String toString() {
    return String.format(
        Locale.ROOT,
        "%s:I%d:H%d:B%d:T%d%s%s%s%s",
        mode,
        input,
        hidden,
        batch,
        time,
        layers > 1 ? ":L" + layers : "",
        projection < hidden ? ":P" + projection : "",
        bidirectional ? ":bi" : "",
        skip ? ":skip" : "");
  }
}
