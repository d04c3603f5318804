package io.github.cudnn4j.bench;

import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.cudnn.RnnAlgorithm;
import io.github.cudnn4j.cudnn.RnnDataLayout;
import io.github.cudnn4j.cudnn.RnnMode;
import io.github.cudnn4j.rnn.RnnConfig;
import io.github.cudnn4j.rnn.SequenceShape;
import java.util.stream.IntStream;

/**
 * A network and a shape of batch, by a name that every benchmark and every peer understands:
 *
 * <pre>{@code
 * LSTM_28_256_L2_BI_B32_T35     cell, I, H, layers, both directions, B, T; FP32
 *   SKIP                        the input is not multiplied by a matrix
 *   VAR                         lengths from T down to T/B, packed
 *   ROWS                        the same lengths, shortest first, in [T, B, I] with padding
 *   TF32, FP16, BF16, FP64      the precision
 *   STATIC, DYNAMIC, SMALL_H, AUTO    the algorithm
 * }</pre>
 *
 * @param name the name
 * @param config the network
 * @param time T
 * @param lengths steps of each row; B is how many there are
 * @param layout how x and y lie
 * @param anyOrder whether the rows need a {@link io.github.cudnn4j.rnn.SequenceBatch}
 */
public record Workload(
    String name,
    RnnConfig config,
    int time,
    int[] lengths,
    RnnDataLayout layout,
    boolean anyOrder) {

  /**
   * Understands a name.
   *
   * @throws IllegalArgumentException if it is not of the form above
   */
  public static Workload parse(String name) {
    String[] parts = name.replace("SMALL_H", "SMALLH").split("_");
    if (parts.length < 3) {
      throw new IllegalArgumentException(name + " is not CELL_I_H_Bn_Tn");
    }
    var config =
        RnnConfig.of(
            RnnMode.valueOf(parts[0]), Integer.parseInt(parts[1]), Integer.parseInt(parts[2]));
    int batch = 1;
    int time = 1;
    var layout = RnnDataLayout.SEQ_MAJOR_UNPACKED;
    boolean varying = false;
    boolean anyOrder = false;
    for (int i = 3; i < parts.length; i++) {
      String part = parts[i];
      switch (part) {
        case "BI" -> config = config.bidirectional();
        case "SKIP" -> config = config.skipInput();
        case "VAR" -> {
          varying = true;
          layout = RnnDataLayout.SEQ_MAJOR_PACKED;
        }
        case "ROWS" -> {
          varying = true;
          anyOrder = true;
        }
        case "TF32", "FP16", "BF16", "FP64" -> config = config.precision(Precision.valueOf(part));
        case "STATIC" -> config = config.algorithm(RnnAlgorithm.PERSIST_STATIC);
        case "DYNAMIC" -> config = config.algorithm(RnnAlgorithm.PERSIST_DYNAMIC);
        case "SMALLH" -> config = config.algorithm(RnnAlgorithm.PERSIST_STATIC_SMALL_H);
        case "AUTO" -> config = config.autoAlgorithm();
        default -> {
          int number = Integer.parseInt(part.substring(1));
          switch (part.charAt(0)) {
            case 'L' -> config = config.layers(number);
            case 'B' -> batch = number;
            case 'T' -> time = number;
            default -> throw new IllegalArgumentException(part + " in " + name);
          }
        }
      }
    }
    return new Workload(
        name, config, time, lengths(time, batch, varying, anyOrder), layout, anyOrder);
  }

  private static int[] lengths(int time, int batch, boolean varying, boolean shortestFirst) {
    return IntStream.range(0, batch)
        .map(row -> shortestFirst ? row + 1 : batch - row)
        .map(rank -> varying ? Math.ceilDiv(time * rank, batch) : time)
        .toArray();
  }

  /** The same with the smallest sizes: next to nothing to compute, but every call is made. */
  public Workload small() {
    return parse(
        name.replaceFirst("_\\d+_\\d+", "_8_8")
            .replaceAll("_B\\d+", "_B2")
            .replaceAll("_T\\d+", "_T2"));
  }

  /** B. */
  public int batch() {
    return lengths.length;
  }

  /** The shape, of rows that need no {@link io.github.cudnn4j.rnn.SequenceBatch}. */
  public SequenceShape shape() {
    return SequenceShape.ofLengths(layout, time, lengths);
  }

  @Override
  public String toString() {
    return name;
  }
}
