package io.github.cudnn4j.train;

import io.github.cudnn4j.io.FileFailure;
import io.github.cudnn4j.io.Json;
import io.github.cudnn4j.io.Uninterrupted;
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
  private boolean perplexity;
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
    return open(file, Long.MAX_VALUE).log;
  }

  /**
   * Opens a file to append to, as {@link #append} does, for a training that goes on: the lines at
   * the end that tell of later steps are deleted, for they will come again, and if the checkpoint
   * has none, as when a process is killed, it gets its line.
   *
   * @param from from which it goes on
   * @throws IOException if that fails
   */
  public static MetricsLog resume(Path file, Checkpoint from) throws IOException {
    return resume(file, from.step(), from.folder());
  }

  static MetricsLog resume(Path file, long step, Path checkpoint) throws IOException {
    Opened opened = open(file, step);
    if (opened.kept.end > 0 && !opened.kept.checkpoint) {
      opened.log.checkpointed(checkpoint, step);
    }
    return opened.log;
  }

  private record Opened(MetricsLog log, Kept kept) {}

  private static Opened open(Path file, long step) throws IOException {
    Objects.requireNonNull(file, "file");
    // Not of a device, such as a terminal.
    Kept kept = Files.isRegularFile(file) ? kept(file, step) : new Kept(0, false);
    if (Files.isRegularFile(file) && kept.end < Files.size(file)) {
      truncate(file, kept.end);
    }
    return new Opened(new MetricsLog(file, kept.end), kept);
  }

  /**
   * What is kept of a file.
   *
   * @param end where the last line ends that tells of a step up to one, or of none
   * @param checkpoint whether there is a line of a checkpoint among the last of that step
   */
  private record Kept(long end, boolean checkpoint) {}

  private static Kept kept(Path file, long step) throws IOException {
    var kept = new Kept(0, false);
    long at = 0;
    var line = new ByteArrayOutputStream();
    try (var in = new BufferedInputStream(Files.newInputStream(file))) {
      for (int next = in.read(); next >= 0; next = in.read()) {
        at++;
        line.write(next);
        if (next == '\n') {
          var object = parse(line.toString(StandardCharsets.UTF_8));
          if (!(object.get("step") instanceof Long found)) {
            kept = new Kept(at, kept.checkpoint);
          } else if (found <= step) {
            boolean told = "checkpoint".equals(object.get("kind")) || kept.checkpoint;
            kept = new Kept(at, found == step && told);
          }
          line.reset();
        }
      }
    }
    return kept;
  }

  /** Of a line that something else wrote, nothing. */
  private static Map<?, ?> parse(String line) {
    try {
      return Json.parse(line) instanceof Map<?, ?> map ? map : Map.of();
    } catch (IOException e) {
      return Map.of();
    }
  }

  private static void truncate(Path file, long length) throws IOException {
    try (var channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      channel.truncate(length);
    }
  }

  /**
   * Writes the exponential of each loss, too, from now on: the perplexity, of a model whose loss is
   * the cross-entropy of symbols.
   */
  public MetricsLog withPerplexity() {
    perplexity = true;
    return this;
  }

  @Override
  public void logged(Progress progress) {
    var line = line("train", progress.epoch(), progress.step());
    line.put("loss", progress.loss());
    if (perplexity) {
      line.put("perplexity", progress.perplexity());
    }
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
    if (perplexity) {
      line.put("perplexity", validation.perplexity());
    }
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
        Uninterrupted.run(
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
