package io.github.cudnn4j.train;

import io.github.cudnn4j.io.SafeTensorsWriter;
import io.github.cudnn4j.io.Uninterrupted;
import java.io.IOException;
import java.nio.channels.ClosedByInterruptException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;

/**
 * Writes the checkpoints of one training into a folder and deletes its old ones. It never deletes,
 * nor counts as kept, what another training wrote or what cannot be read.
 *
 * <p>Owner of the folder's lock.
 */
final class CheckpointWriter implements AutoCloseable {

  private static final String UNFINISHED = ".unfinished";
  private static final String REPLACED = ".replaced";

  private final Checkpoints checkpoints;
  private final String run;
  private final Consumer<String> stages;
  private final FolderLock lock;

  /** The whole checkpoints of this training by step. */
  private final TreeMap<Long, Path> own = new TreeMap<>();

  /** For tests: {@code stages} hears of each stage of writing and may throw to stop there. */
  CheckpointWriter(Checkpoints checkpoints, String run, long step, Consumer<String> stages)
      throws IOException {
    this.checkpoints = checkpoints;
    this.run = run;
    this.stages = stages;
    lock = FolderLock.acquire(checkpoints.folder());
    try {
      takeOver(step);
    } catch (IOException | RuntimeException | Error e) {
      try (lock) {
        throw e;
      }
    }
  }

  /**
   * Begins writing, or goes on.
   *
   * @param run the name of the training
   * @param step the steps that it has done
   * @throws IOException if another training uses the folder, checkpoints of another are in it, or
   *     later ones of this training, or the folder cannot be written to
   */
  static CheckpointWriter open(Checkpoints checkpoints, String run, long step) throws IOException {
    return new CheckpointWriter(checkpoints, run, step, stage -> {});
  }

  private void takeOver(long step) throws IOException {
    var entries = checkpoints.newestFirst();
    for (var entry : entries) {
      Checkpoint found;
      try {
        found = Checkpoint.open(entry.folder());
      } catch (IOException e) {
        continue;
      }
      if (!found.run().equals(run)) {
        throw occupied(entry.folder(), "is of another training");
      }
      if (entry.step() > step) {
        throw occupied(entry.folder(), "is later than step " + step + ", from which to go on");
      }
      own.put(entry.step(), entry.folder());
    }
    if (own.isEmpty() && !entries.isEmpty()) {
      throw occupied(entries.getFirst().folder(), "is there and cannot be read");
    }
  }

  private static IOException occupied(Path checkpoint, String reason) {
    return new IOException(
        checkpoint + " " + reason + ": resume from it, delete it or use another folder");
  }

  /**
   * Checks that the description of a checkpoint can be written.
   *
   * @throws IllegalArgumentException if JSON has no form for a value of the description or the
   *     notes, or they are too large
   */
  void check(long step, long bestStep, Map<String, Object> description) {
    CheckpointJson.write(whole(step, bestStep, description));
  }

  /**
   * Writes a checkpoint and returns its folder.
   *
   * @param bestStep the step whose checkpoint is kept however old it is, negative for none
   * @throws IOException if writing fails, with the file's name; the checkpoints before are still
   *     there, and nothing of this one
   */
  Path save(
      long step,
      long bestStep,
      SafeTensorsWriter weights,
      SafeTensorsWriter state,
      Map<String, Object> description)
      throws IOException {
    Map<String, Object> whole = whole(step, bestStep, description);
    Path target = Uninterrupted.run(() -> replace(step, weights, state, whole));
    own.put(step, target);
    prune(bestStep);
    return target;
  }

  private Map<String, Object> whole(long step, long bestStep, Map<String, Object> description) {
    var whole = new LinkedHashMap<String, Object>();
    whole.put("format", Checkpoint.FORMAT);
    whole.put("run", run);
    whole.put("step", step);
    whole.put("bestStep", bestStep);
    whole.putAll(description);
    whole.put("notes", checkpoints.notes());
    return whole;
  }

  private Path replace(
      long step,
      SafeTensorsWriter weights,
      SafeTensorsWriter state,
      Map<String, Object> description)
      throws IOException {
    Path folder = checkpoints.folder();
    Path unfinished = folder.resolve(UNFINISHED);
    CheckpointFiles.delete(unfinished);
    try {
      write(unfinished, weights, state, description);
    } catch (ClosedByInterruptException e) {
      throw e;
    } catch (IOException e) {
      throw abandon(unfinished, e);
    }
    Path target = folder.resolve(Checkpoints.name(step));
    Path before = checkpoints.place(step);
    Path replaced = folder.resolve(REPLACED);
    CheckpointFiles.delete(replaced);
    if (CheckpointFiles.isThere(before)) {
      Files.move(before, replaced, StandardCopyOption.ATOMIC_MOVE);
      stages.accept("replaced");
    }
    Files.move(unfinished, target, StandardCopyOption.ATOMIC_MOVE);
    CheckpointFiles.force(folder);
    stages.accept("renamed");
    CheckpointFiles.delete(replaced);
    return target;
  }

  private void write(
      Path unfinished,
      SafeTensorsWriter weights,
      SafeTensorsWriter state,
      Map<String, Object> description)
      throws IOException {
    Files.createDirectory(unfinished);
    stages.accept("folder");
    weights.write(unfinished.resolve(Checkpoint.WEIGHTS));
    stages.accept("weights");
    state.write(unfinished.resolve(Checkpoint.STATE));
    stages.accept("state");
    var files = new LinkedHashMap<String, Object>();
    for (String name : Checkpoint.DATA) {
      files.put(name, Checkpoint.seal(unfinished.resolve(name)));
    }
    description.put("files", files);
    CheckpointFiles.write(
        unfinished.resolve(Checkpoint.DESCRIPTION), CheckpointJson.write(description));
    CheckpointFiles.force(unfinished);
    stages.accept("description");
  }

  /** Deletes a part of a checkpoint, which may be what fills the disk. */
  private static IOException abandon(Path unfinished, IOException failure) {
    try {
      CheckpointFiles.delete(unfinished);
    } catch (IOException e) {
      failure.addSuppressed(e);
    }
    return failure;
  }

  /** Deletes a checkpoint, of which nobody sees a part, nor is one left if the process ends. */
  static void delete(Path checkpoint) throws IOException {
    Path replaced = checkpoint.resolveSibling(REPLACED);
    CheckpointFiles.delete(replaced);
    if (CheckpointFiles.isThere(checkpoint)) {
      Files.move(checkpoint, replaced, StandardCopyOption.ATOMIC_MOVE);
      CheckpointFiles.delete(replaced);
    }
  }

  private void prune(long bestStep) throws IOException {
    int excess = own.size() - checkpoints.keep();
    for (long step : own.navigableKeySet().stream().limit(Math.max(0, excess)).toList()) {
      if (step != bestStep) {
        delete(own.get(step));
        own.remove(step);
        stages.accept("pruned");
      }
    }
  }

  @Override
  public void close() throws IOException {
    lock.close();
  }
}
