/**
 * Optimizers, clipping of gradients, schedules of the learning rate and the scale of the loss.
 *
 * <p>An {@link io.github.cudnn4j.optim.Updater} moves the weights of {@link
 * io.github.cudnn4j.tape.Parameters} by their gradients, whoever has written these. An update is a
 * fixed list of launches over flat buffers; norm, clipping and bias corrections stay on the device.
 * The rule is an {@link io.github.cudnn4j.optim.Optimizer}, which anybody may write; {@link
 * io.github.cudnn4j.optim.ParameterGroup}s are trained in ways of their own.
 */
package io.github.cudnn4j.optim;
