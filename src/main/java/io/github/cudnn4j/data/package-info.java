/**
 * Batches: how data become numbers in device memory.
 *
 * <p>{@link io.github.cudnn4j.data.Batches} says what a batch of records holds and makes {@link
 * io.github.cudnn4j.data.Records} of a list, an iterator or a file; {@link
 * io.github.cudnn4j.data.TextWindows} cuts a text. Both are a {@link
 * io.github.cudnn4j.data.BatchSource}: each pass through it is an {@link
 * io.github.cudnn4j.data.Epoch}, which a {@link io.github.cudnn4j.data.Feed} brings to the device
 * through a ring of pinned memory. A network sees it as a {@link io.github.cudnn4j.data.Batch}.
 */
package io.github.cudnn4j.data;
