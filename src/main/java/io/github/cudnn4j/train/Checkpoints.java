package io.github.cudnn4j.train;

import io.github.cudnn4j.io.Json;
import io.github.cudnn4j.io.SafeTensorsWriter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.System.Logger.Level;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.regex.Pattern;

/**
 * A folder of checkpoints, each a sub-folder named by its step.
 *
 * <p>A checkpoint is written into a folder of another name, forced to the disk and renamed; only
 * then are old ones deleted. So whenever the machine stops, the newest whole checkpoint is found.
 * One writer at a time.
 */
public final class Checkpoints {

  private static final System.Logger LOG = System.getLogger(Checkpoints.class.getName());

  /**
   * Digits of every script are read, as in folders named in a user's locale; written are 0 to 9.
   */
  private static final Pattern NAME = Pattern.compile("step-(\\p{Nd}{9,})");

  private static final String UNFINISHED = ".unfinished";
  private static final String REPLACED = ".replaced";

  private final Path folder;
  private final int keep;
  private final Consumer<String> stages;

  /** For tests: {@code stages} hears of each stage of writing and may throw to stop there. */
  Checkpoints(Path folder, int keep, Consumer<String> stages) {
    if (keep < 1) {
      throw new IllegalArgumentException("keep " + keep + ", must be at least 1");
    }
    this.folder = folder;
    this.keep = keep;
    this.stages = stages;
  }

  /**
   * Names a folder, which need not exist.
   *
   * @param keep how many checkpoints to keep beside that of the best validation, at least 1
   * @throws IllegalArgumentException if {@code keep} is less than 1
   */
  public static Checkpoints in(Path folder, int keep) {
    return new Checkpoints(folder, keep, stage -> {});
  }

  /** Returns the folder. */
  public Path folder() {
    return folder;
  }

  /**
   * Returns the newest checkpoint that is whole; a damaged one is passed over with a warning.
   *
   * @throws IOException if the folder cannot be read
   */
  public Optional<Checkpoint> latest() throws IOException {
    for (Path candidate : newestFirst()) {
      try {
        return Optional.of(Checkpoint.open(candidate));
      } catch (IOException | RuntimeException e) {
        LOG.log(Level.WARNING, "passing over the damaged checkpoint {0}: {1}", candidate, e);
      }
    }
    return Optional.empty();
  }

  /**
   * Returns the checkpoint of the best validation, as the newest one knows it; the newest itself if
   * there was no validation or the best is not whole.
   *
   * @throws IOException if the folder cannot be read
   */
  public Optional<Checkpoint> best() throws IOException {
    var latest = latest();
    if (latest.isPresent() && latest.get().bestStep() >= 0) {
      Path best = place(latest.get().bestStep());
      try {
        return Optional.of(Checkpoint.open(best));
      } catch (IOException | RuntimeException e) {
        LOG.log(Level.WARNING, "the best checkpoint {0} cannot be read: {1}", best, e);
      }
    }
    return latest;
  }

  /**
   * Writes a checkpoint and returns its folder.
   *
   * @param bestStep the step whose checkpoint is kept however old it is, negative for none
   * @throws IOException if writing fails; the checkpoints before are still there
   */
  Path save(
      long step,
      long bestStep,
      SafeTensorsWriter weights,
      SafeTensorsWriter state,
      Map<String, Object> description)
      throws IOException {
    Path target = folder.resolve(name(step));
    Path before = place(step);
    Path unfinished = folder.resolve(UNFINISHED);
    Files.createDirectories(folder);
    delete(unfinished);
    Files.createDirectory(unfinished);
    stages.accept("folder");
    weights.write(unfinished.resolve(Checkpoint.WEIGHTS));
    stages.accept("weights");
    state.write(unfinished.resolve(Checkpoint.STATE));
    stages.accept("state");
    var sealed = new LinkedHashMap<String, Object>(description);
    sealed.put("step", step);
    sealed.put("bestStep", bestStep);
    var files = new LinkedHashMap<String, Object>();
    for (String name : Checkpoint.DATA) {
      files.put(name, Checkpoint.seal(unfinished.resolve(name)));
    }
    sealed.put("files", files);
    writeForced(unfinished.resolve(Checkpoint.DESCRIPTION), Json.write(sealed) + "\n");
    force(unfinished);
    stages.accept("description");
    if (Files.exists(before)) {
      delete(folder.resolve(REPLACED));
      Files.move(before, folder.resolve(REPLACED), StandardCopyOption.ATOMIC_MOVE);
      stages.accept("replaced");
    }
    Files.move(unfinished, target, StandardCopyOption.ATOMIC_MOVE);
    force(folder);
    stages.accept("renamed");
    delete(folder.resolve(REPLACED));
    prune(bestStep);
    return target;
  }

  /**
   * Deletes every checkpoint of the folder, and nothing else in it.
   *
   * @throws IOException if one cannot be deleted
   */
  public void clear() throws IOException {
    for (Path checkpoint : newestFirst()) {
      delete(checkpoint);
    }
  }

  private void prune(long bestStep) throws IOException {
    List<Path> all = newestFirst();
    for (Path old : all.subList(Math.min(keep, all.size()), all.size())) {
      if (stepOf(old) != bestStep) {
        delete(old);
        stages.accept("pruned");
      }
    }
  }

  private List<Path> newestFirst() throws IOException {
    if (!Files.isDirectory(folder)) {
      return List.of();
    }
    var found = new ArrayList<Path>();
    try (var children = Files.newDirectoryStream(folder)) {
      for (Path child : children) {
        if (NAME.matcher(child.getFileName().toString()).matches()) {
          found.add(child);
        }
      }
    }
    found.sort(Comparator.comparingLong(Checkpoints::stepOf).reversed());
    return found;
  }

  /** Returns the folder that holds the checkpoint of a step, or is to hold it. */
  private Path place(long step) throws IOException {
    return newestFirst().stream()
        .filter(checkpoint -> stepOf(checkpoint) == step)
        .findFirst()
        .orElse(folder.resolve(name(step)));
  }

  private static String name(long step) {
    return String.format(Locale.ROOT, "step-%09d", step);
  }

  private static long stepOf(Path checkpoint) {
    return Long.parseLong(checkpoint.getFileName().toString().substring("step-".length()));
  }

  private static void writeForced(Path file, String text) throws IOException {
    try (var channel =
        FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
      var bytes = ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
      while (bytes.hasRemaining()) {
        channel.write(bytes);
      }
      channel.force(true);
    }
  }

  /** Forces a folder's entries to the disk. */
  private static void force(Path directory) throws IOException {
    try (var channel = FileChannel.open(directory, StandardOpenOption.READ)) {
      channel.force(true);
    }
  }

  private static void delete(Path directory) throws IOException {
    if (!Files.exists(directory)) {
      return;
    }
    try (var files = Files.walk(directory)) {
      files
          .sorted(Comparator.reverseOrder())
          .forEach(
              file -> {
                try {
                  Files.delete(file);
                } catch (IOException e) {
                  throw new UncheckedIOException(e);
                }
              });
    } catch (UncheckedIOException e) {
      throw e.getCause();
    }
  }
}
