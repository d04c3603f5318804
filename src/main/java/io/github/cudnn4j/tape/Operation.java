package io.github.cudnn4j.tape;

/** One recorded step of a {@link Tape}; what it needs is allocated and owned by the tape. */
interface Operation {

  /** Enqueues the computation of the output from the inputs. */
  void forward();

  /**
   * Enqueues the computation of the inputs' gradients from the output's. Adds into gradients of
   * parameters, overwrites gradients of activations.
   */
  void backward();
}
