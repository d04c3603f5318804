package io.github.cudnn4j.train;

import io.github.cudnn4j.io.FileFailure;
import io.github.cudnn4j.io.MessageWriter;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.System.Logger.Level;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.InstantSource;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.zip.CRC32C;

/**
 * Writes a training's progress for TensorBoard: a file of events in a folder, one folder for each
 * training that is to be compared with others. The tags are {@code train/loss}, {@code
 * train/gradient norm}, {@code train/learning rate}, {@code train/tokens per second}, {@code
 * validation/loss} and {@code validation/} with the name of each metric; values are FP32. Owner of
 * the open file.
 *
 * <p>A file that can no longer be written, as on a full disk, does not end the training: a warning
 * tells, and nothing is written from then on.
 *
 * @see <a
 *     href="https://github.com/tensorflow/tensorflow/blob/v2.20.0/tensorflow/core/util/event.proto">
 *     The message of an event</a>
 * @see <a
 *     href="https://www.tensorflow.org/tutorials/load_data/tfrecord#tfrecords_format_details">The
 *     records around it</a>
 */
public final class TensorBoard implements TrainingListener, AutoCloseable {

  private static final System.Logger LOG = System.getLogger(TensorBoard.class.getName());

  /** What records add to a checksum, so that one of data that hold checksums tells something. */
  private static final int MASK = 0xa282ead8;

  private final Path file;
  private final OutputStream out;
  private final InstantSource clock;
  private boolean failed;

  private TensorBoard(Path folder, InstantSource clock) throws IOException {
    this.clock = clock;
    Files.createDirectories(folder);
    // TensorBoard reads the files of a folder in the order of their names.
    file =
        folder.resolve(
            "events.out.tfevents."
                + clock.millis() / 1000
                + "."
                + ProcessHandle.current().pid()
                + ".cudnn4j");
    out = Files.newOutputStream(file, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    write(0, event -> event.text(3, "brain.Event:2"));
  }

  /**
   * Begins a file in a folder, which is made if there is none.
   *
   * @throws IOException if that fails
   */
  public static TensorBoard in(Path folder) throws IOException {
    return in(folder, InstantSource.system());
  }

  static TensorBoard in(Path folder, InstantSource clock) throws IOException {
    return new TensorBoard(folder, clock);
  }

  /**
   * Begins a file for a training that goes on: what the files before it tell of later steps is not
   * shown any more, for it will come again.
   *
   * @param step the steps done
   * @throws IllegalArgumentException if that is negative, or has no next one
   * @throws IOException if that fails
   */
  public static TensorBoard resume(Path folder, long step) throws IOException {
    return resume(folder, step, InstantSource.system());
  }

  static TensorBoard resume(Path folder, long step, InstantSource clock) throws IOException {
    if (step < 0 || step == Long.MAX_VALUE) {
      throw new IllegalArgumentException(
          "step = " + step + ", must be from 0 to " + (Long.MAX_VALUE - 1));
    }
    var board = new TensorBoard(folder, clock);
    MessageWriter start = new MessageWriter().varint(1, 1); // of a session
    board.write(step + 1, event -> event.message(7, start));
    return board;
  }

  @Override
  public void logged(Progress progress) {
    var values = new TreeMap<String, Double>();
    values.put("train/loss", progress.loss());
    values.put("train/gradient norm", progress.gradientNorm());
    values.put("train/learning rate", progress.learningRate());
    values.put("train/tokens per second", progress.tokensPerSecond());
    write(progress.step(), values);
  }

  @Override
  public void validated(Validation validation) {
    var values = new TreeMap<String, Double>();
    validation.metrics().forEach((name, value) -> values.put("validation/" + name, value));
    values.put("validation/loss", validation.loss());
    write(validation.step(), values);
  }

  @Override
  public void close() throws IOException {
    out.close();
  }

  private void write(long step, Map<String, Double> values) {
    var summary = new MessageWriter();
    values.forEach(
        (tag, number) -> {
          int bits = Float.floatToRawIntBits(number.floatValue());
          summary.message(1, new MessageWriter().text(1, tag).fixed32(2, bits));
        });
    write(step, event -> event.message(5, summary));
  }

  private void write(long step, Consumer<MessageWriter> content) {
    if (failed) {
      return;
    }
    var event = new MessageWriter();
    event.fixed64(1, Double.doubleToRawLongBits(clock.millis() / 1e3));
    if (step != 0) {
      event.varint(2, step);
    }
    content.accept(event);
    byte[] data = event.toByteArray();
    var head = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    head.putLong(data.length);
    var bytes = ByteBuffer.allocate(Long.BYTES + 2 * Integer.BYTES + data.length);
    bytes.order(ByteOrder.LITTLE_ENDIAN).put(head.array()).putInt(checksum(head.array()));
    bytes.put(data).putInt(checksum(data));
    try {
      out.write(bytes.array());
    } catch (IOException e) {
      failed = true;
      LOG.log(
          Level.WARNING,
          "nothing more is written for TensorBoard: {0}",
          FileFailure.of(file, e).getMessage());
    }
  }

  private static int checksum(byte[] bytes) {
    var crc = new CRC32C();
    crc.update(bytes);
    return Integer.rotateRight((int) crc.getValue(), 15) + MASK;
  }
}
