/**
 * Optimizers, clipping of gradients, schedules of the learning rate and the scale of the loss.
 *
 * <p>An update is a fixed list of launches over flat buffers; norm, clipping and bias corrections
 * stay on the device.
 */
package io.github.cudnn4j.optim;
