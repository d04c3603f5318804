/**
 * Batches: how data become numbers in device memory.
 *
 * <p>{@link io.github.cudnn4j.data.Batches} says what a batch of records holds and makes {@link
 * io.github.cudnn4j.data.Records} of a list, an iterator or a file; {@link
 * io.github.cudnn4j.data.TextWindows} cuts a text. Both are a {@link
 * io.github.cudnn4j.data.BatchSource}: each pass through it is an {@link
 * io.github.cudnn4j.data.Epoch}, which a {@link io.github.cudnn4j.data.Feed} brings to the device
 * through a ring of pinned memory. A network sees it as a {@link io.github.cudnn4j.data.Batch}.
 *
 * <p>Sequences come time-major, {@code [T, B]}. T is one of a few numbers of steps, the {@linkplain
 * io.github.cudnn4j.data.BatchLayout#shapes(int) shapes}, for each of which a network is recorded
 * once; {@link io.github.cudnn4j.data.Records#bucketed} puts rows of similar length together. What
 * is behind the end of a row, and the rows that the last batch lacks, are -1 in tokens and labels
 * and 0 in vectors. Labels of -1 do not count; CTC, and a loss without labels, is told which rows
 * count by {@link io.github.cudnn4j.data.Batch#counted}.
 */
package io.github.cudnn4j.data;
