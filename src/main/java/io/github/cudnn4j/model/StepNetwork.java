package io.github.cudnn4j.model;

import io.github.cudnn4j.rnn.RnnConfig;
import io.github.cudnn4j.tape.Indices;
import io.github.cudnn4j.tape.RecurrentOutput;
import io.github.cudnn4j.tape.Tape;
import io.github.cudnn4j.tape.Tensor;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One step of a network that goes through sequences one symbol, or one vector, at a time: what a
 * {@link StepRunner} records, once for each number of rows.
 *
 * <p>A language model, whose layers are {@code embed}, {@code lstm} and {@code head}:
 *
 * <pre>{@code
 * StepNetwork network = (tape, in) -> {
 *   RecurrentOutput out = lstm.on(tape, embed.on(tape, in.tokens()), in.state(0), in.state(1));
 *   return StepNetwork.Output.of(head.on(tape, out.y()), out);
 * };
 * }</pre>
 */
@FunctionalInterface
public interface StepNetwork {

  /**
   * Records a step.
   *
   * @param tape for inference
   * @throws RuntimeException if shapes do not fit
   */
  Output record(Tape tape, Input in);

  /**
   * The extents of a state, {@code [layers, B, width]}; the layers of a network, which has its
   * states in this order, or 1 of what is no network's.
   */
  record State(int layers, int width) {

    /**
     * Checks the extents.
     *
     * @throws IllegalArgumentException if one is not positive
     */
    public State {
      if (layers < 1 || width < 1) {
        throw new IllegalArgumentException(
            "a state of " + layers + " x " + width + ", at least 1 x 1 is needed");
      }
    }

    /** Returns h of a network, and c if its cell has it. */
    public static List<State> of(RnnConfig config) {
      State h = new State(config.pseudoLayers(), config.projectionSize());
      return config.hasCellState()
          ? List.of(h, new State(config.pseudoLayers(), config.hiddenSize()))
          : List.of(h);
    }
  }

  /** What a step goes on from. */
  final class Input {
    private final @Nullable Indices tokens;
    private final @Nullable Tensor floats;
    private final List<Tensor> states;

    Input(@Nullable Indices tokens, @Nullable Tensor floats, List<Tensor> states) {
      this.tokens = tokens;
      this.floats = floats;
      this.states = List.copyOf(states);
    }

    /**
     * Returns the tokens that the rows read, {@code [1, B]}.
     *
     * @throws IllegalStateException if they read vectors
     */
    public Indices tokens() {
      if (tokens == null) {
        throw new IllegalStateException("the step reads vectors, no tokens");
      }
      return tokens;
    }

    /**
     * Returns the vectors that the rows read, {@code [1, B, F]}.
     *
     * @throws IllegalStateException if they read tokens
     */
    public Tensor floats() {
      if (floats == null) {
        throw new IllegalStateException("the step reads tokens, no vectors");
      }
      return floats;
    }

    /**
     * Returns a state as the step before left it, {@code [layers, B, width]}.
     *
     * @throws IndexOutOfBoundsException if there is no such state
     */
    public Tensor state(int index) {
      return states.get(index);
    }
  }

  /**
   * What a step gives.
   *
   * @param logits B rows of equal length, of any shape
   * @param states as those of the input
   */
  record Output(Tensor logits, List<Tensor> states) {

    /** Returns the logits and the states of a recurrent network, h and c. */
    public static Output of(Tensor logits, RecurrentOutput network) {
      Tensor c = network.c();
      return new Output(logits, c == null ? List.of(network.h()) : List.of(network.h(), c));
    }
  }
}
