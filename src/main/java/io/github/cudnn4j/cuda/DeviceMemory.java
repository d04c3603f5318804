package io.github.cudnn4j.cuda;

/**
 * How much memory a device has.
 *
 * @param free bytes not in use by anyone
 * @param total bytes altogether
 * @see Device#memory
 */
public record DeviceMemory(long free, long total) {}
