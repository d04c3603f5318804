package io.github.cudnn4j.tape;

/**
 * The weights of a conditional random field over K labels: {@code name.transitions} {@code [K, K]},
 * {@code name.start_transitions} {@code [K]} and {@code name.end_transitions} {@code [K]}, drawn
 * uniformly from ±0.1 unless said otherwise.
 *
 * @see <a href="https://pytorch-crf.readthedocs.io">pytorch-crf, whose names these are</a>
 */
public final class LinearChainLayer {

  private static final Init INIT = Init.uniform(0.1);

  private final Parameter transitions;
  private final Parameter start;
  private final Parameter end;

  LinearChainLayer(Parameters set, String name, int labels) {
    transitions = set.tensor(name + ".transitions", INIT, labels, labels);
    start = set.tensor(name + ".start_transitions", INIT, labels);
    end = set.tensor(name + ".end_transitions", INIT, labels);
  }

  /** Returns K. */
  public int labels() {
    return start.shape()[0];
  }

  /**
   * Returns the field over the sequences of a batch, whose losses and best paths are recorded by
   * its methods.
   *
   * @throws IllegalStateException if the set has no memory yet, or it or the tape is closed
   * @see Tape#linearChain
   */
  public LinearChain on(Tape tape, Lengths lengths) {
    return tape.linearChain(transitions.tensor(), start.tensor(), end.tensor(), lengths);
  }
}
