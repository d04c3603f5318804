package io.github.cudnn4j.train;

import io.github.cudnn4j.io.Json;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Writes a training's progress as JSON lines: one object per line with a {@code kind} of {@code
 * train}, {@code validation} or {@code checkpoint}, flushed at once. Numbers that JSON has no form
 * for are null. Owner of the open file.
 */
public final class Metrics implements TrainingListener, AutoCloseable {

  private final BufferedWriter out;

  private Metrics(BufferedWriter out) {
    this.out = out;
  }

  /**
   * Opens a file to append to; it is made if there is none.
   *
   * @throws IOException if that fails
   */
  public static Metrics append(Path file) throws IOException {
    return new Metrics(
        Files.newBufferedWriter(file, StandardOpenOption.CREATE, StandardOpenOption.APPEND));
  }

  @Override
  public void logged(Progress progress) throws IOException {
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
  public void validated(Validation validation) throws IOException {
    var line = line("validation", validation.epoch(), validation.step());
    line.put("loss", validation.loss());
    line.put("perplexity", validation.perplexity());
    line.put("best", validation.best());
    write(line);
  }

  @Override
  public void checkpointed(Path checkpoint, long step) throws IOException {
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

  private void write(Map<String, Object> line) throws IOException {
    out.write(Json.write(line));
    out.write('\n');
    out.flush();
  }
}
