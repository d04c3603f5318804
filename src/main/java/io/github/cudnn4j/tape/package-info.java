/**
 * Differentiable operations over device buffers, recorded once per shape and played many times.
 *
 * <p>A {@link io.github.cudnn4j.tape.Tape} owns every activation. Playing it allocates nothing,
 * waits for nothing and touches fixed addresses, so it can be captured into a graph. Whoever can
 * enqueue work can add an {@link io.github.cudnn4j.tape.Operation} of their own.
 */
package io.github.cudnn4j.tape;
