/**
 * Training: an objective, steps, metrics, checkpoints, and the loop.
 *
 * <p>An {@link io.github.cudnn4j.train.Objective} records a model and its loss from a batch; a
 * {@link io.github.cudnn4j.train.Step} plays it and updates the parameters; a {@link
 * io.github.cudnn4j.train.Trainer} is the loop around steps, with validation, early stopping and
 * checkpoints. A step is a fixed list of launches for each shape of a batch. It allocates nothing
 * and waits for nothing, so that it can be captured once and replayed; the host looks at results
 * only where it logs.
 */
package io.github.cudnn4j.train;
