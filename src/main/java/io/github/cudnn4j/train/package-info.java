/**
 * Training: an objective, steps, metrics, checkpoints, and the loop.
 *
 * <p>An {@link io.github.cudnn4j.train.Objective} records a model and its loss from a batch; a
 * {@link io.github.cudnn4j.train.Step} plays it and updates the parameters; a {@link
 * io.github.cudnn4j.train.Trainer} is the loop around steps, with validation, early stopping and
 * checkpoints. A step is a fixed list of launches for each shape of a batch. It allocates nothing
 * and waits for nothing, so that it can be captured once and replayed; the host looks at results
 * only where it logs.
 *
 * <p>One level down from a trainer: steps in a loop of one's own. Each updates its own set of
 * parameters and reads the others, so two sets are trained in turn; {@link
 * io.github.cudnn4j.tape.Tape#detach} saves the gradients that nobody wants.
 *
 * <pre>{@code
 * try (var telling = Step.create(discriminator, tell, batches, config);
 *     var deceiving = Step.create(generator, deceive, batches, config)) {
 *   telling.begin(random, 0);
 *   deceiving.begin(random, 0);
 *   while (telling.hasNext()) {
 *     telling.run(4e-4);
 *     deceiving.run(1e-4);
 *   }
 * }
 * }</pre>
 *
 * <p>Several processes train one model as the ranks of a {@link io.github.cudnn4j.train.RankGroup},
 * each on its own device with its own rows of every batch.
 *
 * <p>A {@link io.github.cudnn4j.train.Metric} of one's own records what it counts on the device and
 * makes a number of it when the evaluation is over.
 */
package io.github.cudnn4j.train;
