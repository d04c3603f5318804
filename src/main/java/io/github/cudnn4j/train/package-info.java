/**
 * Training: parameters, optimizers, clipping, schedules, batches, checkpoints, metrics, and the
 * loop.
 *
 * <p>A training step is a fixed list of launches. It allocates nothing and waits for nothing, so
 * that it can be captured once and replayed; the host looks at results only where it logs.
 */
package io.github.cudnn4j.train;
