package io.github.cudnn4j.train;

import io.github.cudnn4j.io.FileFailure;
import io.github.cudnn4j.io.Json;
import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.System.Logger.Level;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;

/**
 * Writes a training's progress as JSON lines: one object per line with a {@code kind} of {@code
 * train}, {@code validation} or {@code checkpoint}, in the file at once. Numbers that JSON has no
 * form for are null. Owner of the open file.
 *
 * <p>A file that can no longer be written, as on a full disk, does not end the training: a warning
 * tells, and nothing is written from then on.
 */
public final class MetricsLog implements TrainingListener, AutoCloseable {

  private static final System.Logger LOG = System.getLogger(MetricsLog.class.getName());

  private final Path file;
  private final OutputStream out;
  private long length;
  private boolean failed;

  private MetricsLog(Path file, long length) throws IOException {
    this.file = file;
    this.length = length;
    out = Files.newOutputStream(file, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
  }

  /**
   * Opens a file to append to; it is made if there is none. A last line without an end, as a
   * process leaves that is killed, is deleted.
   *
   * @throws IOException if that fails
   */
  public static MetricsLog append(Path file) throws IOException {
    return resume(file, Long.MAX_VALUE);
  }

  /**
   * Opens a file to append to, as {@link #append} does, for a training that goes on: the lines at
   * the end that tell of later steps are deleted, for they will come again.
   *
   * @param step the steps done
   * @throws IOException if that fails
   */
  public static MetricsLog resume(Path file, long step) throws IOException {
    Objects.requireNonNull(file, "file");
    // Not of a device, such as a terminal.
    long length = Files.isRegularFile(file) ? kept(file, step) : 0;
    if (Files.isRegularFile(file) && length < Files.size(file)) {
      truncate(file, length);
    }
    return new MetricsLog(file, length);
  }

  /** Returns where the last line ends that tells of a step up to one, or of none. */
  private static long kept(Path file, long step) throws IOException {
    long kept = 0;
    long at = 0;
    var line = new ByteArrayOutputStream();
    try (var in = new BufferedInputStream(Files.newInputStream(file))) {
      for (int next = in.read(); next >= 0; next = in.read()) {
        at++;
        line.write(next);
        if (next == '\n') {
          if (step == Long.MAX_VALUE || stepOf(line.toString(StandardCharsets.UTF_8)) <= step) {
            kept = at;
          }
          line.reset();
        }
      }
    }
    return kept;
  }

  private static long stepOf(String line) {
    try {
      return Json.parse(line) instanceof Map<?, ?> map && map.get("step") instanceof Long step
          ? step
          : 0;
    } catch (IOException e) {
      return 0;
    }
  }

  private static void truncate(Path file, long length) throws IOException {
    try (var channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      channel.truncate(length);
    }
  }

  @Override
  public void logged(Progress progress) {
    var line = line("train", progress.epoch(), progress.step());
    line.put("loss", progress.loss());
    line.put("perplexity", progress.perplexity());
    line.put("gradientNorm", progress.gradientNorm());
    line.put("learningRate", progress.learningRate());
    line.put("tokensPerSecond", progress.tokensPerSecond());
    line.put("skipped", progress.skipped());
    line.put("lossScale", progress.lossScale());
    line.put("seconds", progress.seconds());
    write(line);
  }

  @Override
  public void validated(Validation validation) {
    var line = line("validation", validation.epoch(), validation.step());
    line.put("loss", validation.loss());
    line.put("perplexity", validation.perplexity());
    line.putAll(validation.metrics());
    line.put("best", validation.best());
    write(line);
  }

  @Override
  public void checkpointed(Path checkpoint, long step) {
    var line = new LinkedHashMap<String, Object>();
    line.put("kind", "checkpoint");
    line.put("step", step);
    line.put("path", checkpoint.toString());
    write(line);
  }

  @Override
  public void close() throws IOException {
    out.close();
  }

  private static Map<String, Object> line(String kind, int epoch, long step) {
    var line = new LinkedHashMap<String, Object>();
    line.put("kind", kind);
    line.put("epoch", epoch);
    line.put("step", step);
    return line;
  }

  private void write(Map<String, Object> line) {
    if (failed) {
      return;
    }
    byte[] bytes = (Json.write(line) + "\n").getBytes(StandardCharsets.UTF_8);
    try {
      out.write(bytes);
      length += bytes.length;
    } catch (IOException e) {
      failed = true;
      LOG.log(
          Level.WARNING, "no more metrics are written: {0}", FileFailure.of(file, e).getMessage());
      deletePart();
    }
  }

  /** Only whole lines are left. */
  private void deletePart() {
    try {
      if (Files.isRegularFile(file)) {
        CheckpointFiles.uninterrupted(
            () -> {
              truncate(file, length);
              return null;
            });
      }
    } catch (IOException e) {
      LOG.log(Level.WARNING, "a part of a line is left: {0}", FileFailure.of(file, e).getMessage());
    }
  }
}
