/**
 * Optimizers, clipping of gradients, schedules of the learning rate and the scale of the loss.
 *
 * <p>An {@link io.github.cudnn4j.optim.Updater} moves the weights of {@link
 * io.github.cudnn4j.tape.Parameters} by their gradients, whoever has written these. An update is a
 * fixed list of launches over flat buffers; norm, clipping and bias corrections stay on the device.
 * Two sets of parameters have an updater each. The rule is an {@link
 * io.github.cudnn4j.optim.Optimizer}, which anybody may write: its javadoc shows one more, of
 * operations on vectors. {@link io.github.cudnn4j.optim.ParameterGroup}s are frozen or trained in
 * ways of their own, and moments are buffers by name, {@link
 * io.github.cudnn4j.optim.Updater#moments}.
 */
package io.github.cudnn4j.optim;
