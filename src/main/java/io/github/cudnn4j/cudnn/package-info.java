/**
 * cuDNN's own concepts, one class each: handle, descriptors, status and the operations on tensors.
 *
 * <p>The classes here hold native objects and check what they are given; they choose nothing. A
 * network with weights, shapes and passes is in {@code io.github.cudnn4j.rnn}.
 *
 * <p>Everything made from a device belongs to the thread that the device belongs to, and its work
 * runs on the device's stream.
 */
package io.github.cudnn4j.cudnn;
