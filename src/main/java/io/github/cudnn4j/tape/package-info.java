/**
 * Differentiable operations over device buffers, recorded once per shape and played many times.
 *
 * <p>{@link io.github.cudnn4j.tape.Parameters} own named layers; each layer records itself on a
 * {@link io.github.cudnn4j.tape.Tape}, which owns every activation. A training without data sets,
 * steps and trainers:
 *
 * <pre>{@code
 * try (var p = Parameters.on(device, Precision.FP32)) {
 *   var lstm = p.rnn("rnn", RnnConfig.lstm(8, 16));
 *   var head = p.linear("head", lstm.outputSize(), 3);
 *   p.initialize(42);
 *   try (var updater = Updater.create(p, Optimizer.adam(1e-3), Clip.NONE, LossScale.NONE);
 *       var tape = Tape.training(device, Precision.FP32)) {
 *     Tensor x = tape.input(20, 32, 8); // [T, B, I]
 *     Lengths lengths = tape.lengths(32);
 *     Indices labels = tape.indices(32);
 *     Loss loss = tape.crossEntropy(head.on(tape, lstm.on(tape, x, lengths).last()), labels);
 *     for (int step = 0; step < steps; step++) {
 *       x.value().copyFrom(...);
 *       lengths.set(...);
 *       labels.buffer().copyFrom(...);
 *       p.gradients().clear();
 *       tape.forward();
 *       tape.backward();
 *       updater.run(loss.value());
 *     }
 *   }
 * }
 * }</pre>
 *
 * <p>Who writes which gradient: the tape writes those of all that it has recorded, and adds to
 * those of parameters, so these are cleared before a step. Only the gradient of a tensor that no
 * operation takes is the caller's, who may write it between forward and backward: of {@code
 * logits.gradient()} for a loss that is computed elsewhere.
 *
 * <p>Playing a tape allocates nothing, waits for nothing and touches fixed addresses, so it can be
 * captured into a graph. That is what an {@link io.github.cudnn4j.tape.Operation} of one's own must
 * keep to: it makes its launches when it is recorded, and then only enqueues on the device's
 * stream. A tape with a network over {@link io.github.cudnn4j.tape.Lengths} is not capturable:
 * cuDNN takes them from the host whenever its work is enqueued.
 *
 * <p>A {@link io.github.cudnn4j.tape.Loss} is a mean over what counts; {@link
 * io.github.cudnn4j.tape.Loss#meter} sums it over many plays, to be read once. A negative label
 * does not count.
 */
package io.github.cudnn4j.tape;
