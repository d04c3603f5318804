package io.github.cudnn4j.data;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.random.RandomGenerator;
import java.util.zip.CRC32C;

/**
 * A text as B parallel streams, cut into windows of T tokens that follow each other, so that the
 * recurrent state of one window is the right start for the next. The label of a place is the token
 * after it.
 *
 * <p>A batch has two slots, {@value #TOKENS} and {@value #LABELS}, both {@code [T, B]}: all rows
 * have T steps, of which a negative label does not count. The tokens are not copied. Immutable.
 *
 * @see <a href="https://d2l.ai/chapter_recurrent-neural-networks/language-model.html">the
 *     sequential partition of Dive into Deep Learning</a>
 */
public final class TextWindows implements BatchSource {

  /** The name of the slot of the inputs. */
  public static final String TOKENS = "tokens";

  /** The name of the slot of the labels. */
  public static final String LABELS = "labels";

  private final Tokens tokens;
  private final int batch;
  private final int time;
  private final boolean randomOffset;
  private final boolean whole;
  private final BatchLayout layout;

  private TextWindows(Tokens tokens, int batch, int time, boolean randomOffset, boolean whole) {
    if (batch <= 0 || time <= 0) {
      throw new IllegalArgumentException(
          "batch " + batch + " and time " + time + ", both must be positive");
    }
    if ((long) batch * time > Integer.MAX_VALUE) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "batch %d and time %d, together at most %d",
              batch,
              time,
              Integer.MAX_VALUE));
    }
    this.tokens = Objects.requireNonNull(tokens, "tokens");
    this.batch = batch;
    this.time = time;
    this.randomOffset = randomOffset;
    this.whole = whole;
    this.layout = BatchLayout.of(batch).tokens(TOKENS, time, time).labels(LABELS, TOKENS);
    int offset = randomOffset ? time : 0;
    long length = streamLength(offset) / time;
    if (length >= Integer.MAX_VALUE) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "%d tokens are %d windows of %d x %d, must be fewer than %d",
              tokens.length(),
              length,
              batch,
              time,
              Integer.MAX_VALUE));
    }
    if (windows(offset) == 0) {
      long needed = whole ? 2 : (long) batch * time + 1 + offset;
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "%d tokens, batches of %d x %d need at least %d",
              tokens.length(),
              batch,
              time,
              needed));
    }
  }

  /**
   * Partitions a text for training; what does not fill a window is left out.
   *
   * @param randomOffset whether each epoch skips a random number of tokens, up to T
   * @throws IllegalArgumentException if the text is too short for one window, or is one of 2³¹
   *     windows and more
   */
  public static TextWindows training(Tokens tokens, int batch, int time, boolean randomOffset) {
    return new TextWindows(tokens, batch, time, randomOffset, false);
  }

  /** {@link #training(Tokens, int, int, boolean)} of an array, which must not change. */
  public static TextWindows training(int[] tokens, int batch, int time, boolean randomOffset) {
    return training(Tokens.of(tokens), batch, time, randomOffset);
  }

  /**
   * Partitions a text for evaluation: each of its places counts exactly once, and windows are
   * filled up with places that do not count.
   *
   * @throws IllegalArgumentException if the text has fewer than two tokens, or is one of 2³¹
   *     windows and more
   */
  public static TextWindows evaluation(Tokens tokens, int batch, int time) {
    return new TextWindows(tokens, batch, time, false, true);
  }

  /** {@link #evaluation(Tokens, int, int)} of an array, which must not change. */
  public static TextWindows evaluation(int[] tokens, int batch, int time) {
    return evaluation(Tokens.of(tokens), batch, time);
  }

  @Override
  public BatchLayout layout() {
    return layout;
  }

  /** The number of tokens and their checksum, for which all of them are read. */
  @Override
  public Map<String, Object> identity() {
    var identity = new LinkedHashMap<String, Object>();
    identity.put("tokens", length());
    identity.put("crc32c", checksum());
    return identity;
  }

  /** As {@link #windows()}; a pass that skips tokens may have one less. */
  @Override
  public long batches() {
    return windows();
  }

  @Override
  public boolean isSequel() {
    return true;
  }

  /**
   * Begins a pass; of the generator it takes {@link #drawOffset}. Its batches are written by the
   * thread that asks for them.
   */
  @Override
  public Epoch epoch(RandomGenerator random) {
    return new Windows(drawOffset(random));
  }

  /** Returns the number of tokens. */
  public long length() {
    return tokens.length();
  }

  /** Returns the CRC-32C of the tokens, which tells one text from another. */
  public long checksum() {
    var checksum = new CRC32C();
    var part = ByteBuffer.allocate(1 << 16).order(ByteOrder.LITTLE_ENDIAN);
    for (long i = 0; i < tokens.length(); i++) {
      part.putInt(tokens.get(i));
      if (!part.hasRemaining()) {
        checksum.update(part.flip());
        part.clear();
      }
    }
    checksum.update(part.flip());
    return checksum.getValue();
  }

  /** Returns the number of parallel streams, B. */
  public int batch() {
    return batch;
  }

  /** Returns the length of a window, T. */
  public int time() {
    return time;
  }

  /** Returns the number of windows of an epoch without offset. */
  public int windows() {
    return windows(0);
  }

  /** Returns the number of windows of an epoch that skips {@code offset} tokens. */
  public int windows(int offset) {
    long length = streamLength(offset);
    return (int) (whole ? Math.ceilDiv(length, time) : length / time);
  }

  /** Returns the number of places with a label in an epoch without offset. */
  public long places() {
    return whole ? tokens.length() - 1 : (long) windows() * time * batch;
  }

  /** Draws how many tokens the next epoch skips; 0 without drawing if the offset is not random. */
  public int drawOffset(RandomGenerator random) {
    Objects.requireNonNull(random, "random");
    return randomOffset ? random.nextInt(time + 1) : 0;
  }

  /**
   * Writes one window.
   *
   * @param offset the number of tokens that the epoch skips
   * @param index the window, from 0
   * @param inputs receives {@code [T, B]} ints
   * @param labels receives {@code [T, B]} ints; a negative label does not count
   * @return how many of the labels count
   * @throws IndexOutOfBoundsException if the index is not below {@code windows(offset)} or a
   *     segment is too small
   */
  public int window(int offset, int index, MemorySegment inputs, MemorySegment labels) {
    if (index < 0 || index >= windows(offset)) {
      throw new IndexOutOfBoundsException("window " + index + " of " + windows(offset));
    }
    long length = streamLength(offset);
    int counted = 0;
    for (int b = 0; b < batch; b++) {
      long start = offset + b * length;
      for (int t = 0; t < time; t++) {
        long place = (long) index * time + t;
        long at = start + place;
        boolean counts = place < length && at + 1 < tokens.length();
        inputs.setAtIndex(JAVA_INT, (long) t * batch + b, counts ? tokens.get(at) : HostBatch.NONE);
        labels.setAtIndex(
            JAVA_INT, (long) t * batch + b, counts ? tokens.get(at + 1) : HostBatch.NONE);
        counted += counts ? 1 : 0;
      }
    }
    return counted;
  }

  private long streamLength(int offset) {
    long places = Math.max(0, tokens.length() - offset - 1);
    return whole ? Math.ceilDiv(places, batch) : places / batch;
  }

  private final class Windows implements Epoch {
    private final int offset;
    private final int windows;
    private int index;

    Windows(int offset) {
      this.offset = offset;
      windows = windows(offset);
    }

    @Override
    public int next(HostBatch target) {
      layout.require(target.layout());
      if (index == windows) {
        return -1;
      }
      target.reuse(0);
      target.steps(window(offset, index, target.segment(0), target.segment(1)));
      index++;
      return 0;
    }

    @Override
    public void skip(long batches) throws IOException {
      if (batches < 0 || batches > windows - index) {
        throw new IOException(
            String.format(
                Locale.ROOT, "%d batches to leave out, there are %d", batches, windows - index));
      }
      index += (int) batches;
    }

    @Override
    public void close() {}
  }
}
