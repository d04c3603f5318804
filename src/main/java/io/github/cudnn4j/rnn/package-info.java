/**
 * Recurrent networks: weights by name, shapes, forward and backward passes.
 *
 * <pre>{@code
 * try (Device device = Device.open();
 *     Rnn rnn = Rnn.create(device, RnnConfig.lstm(128, 256).layers(2).bidirectional());
 *     RnnPlan plan = rnn.plan(SequenceShape.of(35, 32))) {
 *   rnn.initialize(1);
 *   RnnPass pass = plan.forward(x, y, RnnStates.NONE); // [35, 32, 128] -> [35, 32, 512]
 *   pass.backward(dy, dx);                             // adds into rnn.gradients()
 * }
 * }</pre>
 *
 * <p>Letters in shapes: T time steps, B sequences of a batch, I input size, H hidden size, L
 * layers, D directions, G gates of a cell.
 *
 * <p>Work runs on the device's stream, in the order in which it was asked for; nothing here waits
 * for it except copies between device and Java arrays. All objects belong to the thread that the
 * device belongs to.
 */
package io.github.cudnn4j.rnn;
