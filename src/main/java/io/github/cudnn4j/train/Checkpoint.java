package io.github.cudnn4j.train;

import io.github.cudnn4j.io.FileFailure;
import io.github.cudnn4j.io.SafeTensors;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.CRC32C;
import java.util.zip.CheckedInputStream;
import org.jspecify.annotations.Nullable;

/**
 * A training at rest: a folder that holds the weights by their PyTorch names in {@code
 * weights.safetensors}, what else the next step depends on in {@code state.safetensors}, and {@code
 * checkpoint.json} with the configuration, the place in the text, length and CRC-32C of the other
 * two, and a CRC-32C of its own. Reading one back checks all of that.
 */
public final class Checkpoint {

  /** The version of the layout that is written; this and those before are read. */
  public static final int FORMAT = 3;

  /** From this version on the description has a checksum. */
  static final int FIRST_SEALED = 2;

  static final String WEIGHTS = "weights.safetensors";
  static final String STATE = "state.safetensors";
  static final String DESCRIPTION = "checkpoint.json";
  static final List<String> DATA = List.of(WEIGHTS, STATE);

  private final Path folder;
  private final String run;
  private final long step;
  private final long bestStep;
  private final int epoch;
  private final CheckpointJson model;
  private final CheckpointJson trainer;
  private final CheckpointJson notes;

  private Checkpoint(Path folder) throws IOException {
    this.folder = folder;
    var description = CheckpointJson.read(folder.resolve(DESCRIPTION));
    run = description.text("run", "");
    step = description.number("step", 0, Long.MAX_VALUE);
    bestStep = description.number("bestStep", -1, Long.MAX_VALUE);
    epoch = description.count("epoch");
    model = description.part("model");
    trainer = description.part("trainer");
    notes = description.partIfAny("notes");
    var files = description.part("files");
    for (String name : DATA) {
      var expected = files.part(name).values();
      var found = seal(folder.resolve(name));
      if (!found.equals(expected)) {
        throw new IOException(
            folder.resolve(name) + " is damaged: it has " + found + ", written was " + expected);
      }
    }
  }

  /**
   * Opens the checkpoint in one folder.
   *
   * @throws IOException if it is not a whole and undamaged checkpoint
   */
  public static Checkpoint open(Path folder) throws IOException {
    return new Checkpoint(folder);
  }

  /** Returns the folder that holds the files. */
  public Path folder() {
    return folder;
  }

  /** Returns the name of the training that wrote it, the same after a resume; empty if unknown. */
  public String run() {
    return run;
  }

  /** Returns the number of steps done. */
  public long step() {
    return step;
  }

  /** Returns the step of the best validation up to then, negative if there was none. */
  public long bestStep() {
    return bestStep;
  }

  /** Returns the epoch under way, from 1. */
  public int epoch() {
    return epoch;
  }

  /**
   * Returns the steps of a training that goes on from here: those done and those to come.
   *
   * @param epochs the number of epochs, those done included
   * @param batches the batches of an epoch of the data to go on with
   * @param otherData whether these are {@linkplain Trainer#resumeWithOtherData others}
   * @throws IOException if the checkpoint does not tell
   */
  public long totalSteps(int epochs, long batches, boolean otherData) throws IOException {
    var position = LoopState.of(trainer);
    return (otherData ? position.onOtherData() : position).totalSteps(epochs, batches, 1);
  }

  /** Returns the simple name of the optimizer's class, empty if the checkpoint does not tell. */
  public String optimizer() throws IOException {
    return trainer.text("optimizer", "");
  }

  /** Returns the {@linkplain Objective#configuration configuration} of the model. */
  public Map<String, @Nullable Object> modelConfiguration() {
    return model.values();
  }

  /** Returns what the {@linkplain Checkpoints#notes writer} of the checkpoint added to it. */
  public Map<String, @Nullable Object> notes() {
    return notes.values();
  }

  /**
   * Opens the weights; the caller closes them.
   *
   * @throws IOException if reading fails, as it does when the checkpoint has been deleted
   *     meanwhile: a training that goes on deletes its old ones
   */
  public SafeTensors weights() throws IOException {
    return data(WEIGHTS);
  }

  SafeTensors state() throws IOException {
    return data(STATE);
  }

  private SafeTensors data(String name) throws IOException {
    Path file = folder.resolve(name);
    try {
      return SafeTensors.open(file);
    } catch (NoSuchFileException e) {
      throw new IOException(
          file + " was deleted after its checkpoint was opened; trainings delete their old ones",
          e);
    }
  }

  /** Returns where the training was and what must be the same for it to go on. */
  CheckpointJson trainer() {
    return trainer;
  }

  /** Returns the length and the checksum of a file. */
  static Map<String, Object> seal(Path file) throws IOException {
    size(file);
    var checksum = new CRC32C();
    long bytes;
    try (var in = new CheckedInputStream(Files.newInputStream(file), checksum)) {
      bytes = in.transferTo(OutputStream.nullOutputStream());
    } catch (IOException e) {
      throw FileFailure.of(file, e);
    }
    var seal = new LinkedHashMap<String, Object>();
    seal.put("bytes", bytes);
    seal.put("crc32c", checksum.getValue());
    return seal;
  }

  /** Returns the length of a file; reading from anything else, such as a pipe, might never end. */
  static long size(Path file) throws IOException {
    var attributes = Files.readAttributes(file, BasicFileAttributes.class);
    if (!attributes.isRegularFile()) {
      throw new IOException(file + " is not a file");
    }
    return attributes.size();
  }
}
