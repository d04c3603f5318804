/**
 * The CUDA runtime as objects: a {@link io.github.cudnn4j.cuda.Device} and what is made from it.
 *
 * <p>Begin with {@link io.github.cudnn4j.cuda.Device#open}. {@link
 * io.github.cudnn4j.cuda.DeviceBuffer} is memory of the device, {@link
 * io.github.cudnn4j.cuda.PinnedBuffer} memory of the host that it reaches; {@link
 * io.github.cudnn4j.cuda.Stream} orders work and captures it into a {@link
 * io.github.cudnn4j.cuda.CapturedGraph}; {@link io.github.cudnn4j.cuda.Blas} multiplies; {@link
 * io.github.cudnn4j.cuda.Communicator} joins the devices of several processes. Whatever owns native
 * memory is closed by its owner, and all of it with the device.
 */
package io.github.cudnn4j.cuda;
