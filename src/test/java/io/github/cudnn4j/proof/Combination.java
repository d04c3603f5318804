package io.github.cudnn4j.proof;

import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.cudnn.BiasMode;
import io.github.cudnn4j.cudnn.DirectionMode;
import io.github.cudnn4j.cudnn.RnnAlgorithm;
import io.github.cudnn4j.cudnn.RnnDataLayout;
import io.github.cudnn4j.cudnn.RnnMode;
import io.github.cudnn4j.rnn.RnnConfig;
import java.util.ArrayList;
import java.util.List;

/** A choice for everything about a network that does not say how it is computed. */
record Combination(
    RnnMode cell,
    DirectionMode direction,
    Depth depth,
    Input input,
    BiasMode bias,
    boolean projects,
    boolean clips) {
  private static final int INPUT = 3;
  private static final int TIME = 3;

  /** Layers, and what is between them. */
  enum Depth {
    ONE_LAYER,
    TWO_LAYERS,
    TWO_LAYERS_WITH_DROPOUT
  }

  /** How the first layer gets the input. */
  enum Input {
    LINEAR,
    SKIPPED,
    SKIPPED_BUT_OF_ANOTHER_SIZE
  }

  /** The lengths of four rows. */
  enum Lengths {
    EQUAL(3, 3, 3, 3),
    DESCENDING(3, 2, 2, 1),
    UNSORTED(1, 3, 2, 3),
    SOME_EMPTY(2, 0, 3, 0);

    private final int[] steps;

    Lengths(int... steps) {
      this.steps = steps;
    }
  }

  /** Every combination, accepted or not. */
  static List<Combination> all() {
    List<Combination> all = new ArrayList<>();
    for (RnnMode cell : RnnMode.values()) {
      for (DirectionMode direction : DirectionMode.values()) {
        for (Depth depth : Depth.values()) {
          for (Input input : Input.values()) {
            for (BiasMode bias : BiasMode.values()) {
              for (boolean projects : new boolean[] {false, true}) {
                for (boolean clips : new boolean[] {false, true}) {
                  all.add(new Combination(cell, direction, depth, input, bias, projects, clips));
                }
              }
            }
          }
        }
      }
    }
    return all;
  }

  /** Every way in which rows can be handed over, accepted or not. */
  static List<Rows> rows() {
    List<Rows> all = new ArrayList<>();
    for (RnnDataLayout layout : RnnDataLayout.values()) {
      for (Lengths lengths : Lengths.values()) {
        all.add(Rows.of(layout, TIME, lengths.steps));
        all.add(Rows.anyOrder(layout, TIME, lengths.steps));
      }
    }
    return all;
  }

  /**
   * The network.
   *
   * @throws IllegalArgumentException if it is refused
   */
  RnnConfig config(Precision precision, RnnAlgorithm algorithm) {
    int hidden = jumps() ? 2 : 4;
    RnnConfig config =
        RnnConfig.of(cell, input == Input.SKIPPED ? hidden : INPUT, hidden)
            .layers(depth == Depth.ONE_LAYER ? 1 : 2)
            .bias(bias)
            .precision(precision)
            .algorithm(algorithm);
    if (direction == DirectionMode.BIDIRECTIONAL) {
      config = config.bidirectional();
    }
    if (depth == Depth.TWO_LAYERS_WITH_DROPOUT) {
      config = config.dropout(0.4, 11);
    }
    if (input != Input.LINEAR) {
      config = config.skipInput();
    }
    if (projects) {
      config = config.projection(hidden / 2);
    }
    return clips ? config.clip(-0.3, 0.4) : config;
  }

  /** Whether a derivative jumps somewhere, which takes few numbers to stay away from. */
  boolean jumps() {
    return cell == RnnMode.RELU || clips;
  }

  /** The cell with what only an LSTM can have. */
  String kind() {
    return cell + (projects ? ", projected" : "") + (clips ? ", clipped" : "");
  }
}
