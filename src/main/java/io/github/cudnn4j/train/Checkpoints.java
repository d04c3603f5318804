package io.github.cudnn4j.train;

import java.io.IOException;
import java.lang.System.Logger.Level;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * A folder of checkpoints of one training, each a sub-folder named by its step.
 *
 * <p>A checkpoint is written into a folder of another name, forced to the disk and renamed; only
 * then are old ones of the same training deleted. So whenever the machine stops, the newest whole
 * checkpoint is found. One training writes at a time, and only where there are no checkpoints of
 * another; anybody may read meanwhile.
 *
 * <p>Immutable, for any thread.
 */
public final class Checkpoints {

  private static final System.Logger LOG = System.getLogger(Checkpoints.class.getName());

  /**
   * Digits of every script are read, as in folders named in a user's locale; written are 0 to 9.
   * More digits than a number of steps can have are no checkpoint's.
   */
  private static final Pattern NAME = Pattern.compile("step-(\\p{Nd}{9,18})");

  /** Enough reasons to understand what is wrong with a folder. */
  private static final int REASONS_TOLD = 3;

  private final Path folder;
  private final int keep;
  private final Map<String, Object> notes;

  /** A sub-folder that is named as a checkpoint. */
  record Entry(Path folder, long step) {}

  private Checkpoints(Path folder, int keep, Map<String, Object> notes) {
    if (keep < 1) {
      throw new IllegalArgumentException("keep " + keep + ", must be at least 1");
    }
    this.folder = Objects.requireNonNull(folder, "folder");
    this.keep = keep;
    this.notes = notes;
  }

  /**
   * Names a folder, which need not exist.
   *
   * @param keep how many checkpoints to keep beside that of the best validation, at least 1
   * @throws IllegalArgumentException if {@code keep} is less than 1
   */
  public static Checkpoints in(Path folder, int keep) {
    return new Checkpoints(folder, keep, Map.of());
  }

  /**
   * Returns the same folder, whose new checkpoints carry these values too: whatever is needed to go
   * on that a training does not know. {@link Checkpoint#notes} returns them.
   *
   * @param notes values that JSON has a form for; copied
   * @throws IllegalArgumentException if JSON has none for one
   */
  public Checkpoints notes(Map<String, ?> notes) {
    Objects.requireNonNull(notes, "notes");
    return new Checkpoints(folder, keep, CheckpointJson.copy(notes));
  }

  /** Returns the folder. */
  public Path folder() {
    return folder;
  }

  int keep() {
    return keep;
  }

  Map<String, Object> notes() {
    return notes;
  }

  /**
   * Returns the newest checkpoint that can be read; one that cannot is passed over with a warning
   * that says why.
   *
   * @return empty if there is none at all
   * @throws IOException if there are checkpoints and none can be read, or the folder cannot be
   */
  public Optional<Checkpoint> latest() throws IOException {
    var reasons = new ArrayList<String>();
    var entries = newestFirst();
    for (Entry entry : entries) {
      try {
        var newest = Optional.of(Checkpoint.open(entry.folder));
        reasons.forEach(reason -> LOG.log(Level.WARNING, "passing over a checkpoint: {0}", reason));
        return newest;
      } catch (IOException e) {
        // A training may have deleted it after it was listed.
        if (CheckpointFiles.isThere(entry.folder)) {
          reasons.add(reason(e));
        }
      }
    }
    if (reasons.isEmpty()) {
      // Were there any, a training has deleted them all because it has written newer ones.
      return entries.isEmpty() ? Optional.empty() : latest();
    }
    int untold = reasons.size() - REASONS_TOLD;
    throw new IOException(
        String.format(
            Locale.ROOT,
            "%s holds no checkpoint that can be read: %s%s",
            folder,
            String.join("; ", reasons.subList(0, Math.min(REASONS_TOLD, reasons.size()))),
            untold > 0 ? "; and " + untold + " more" : ""));
  }

  /**
   * Returns the checkpoint of the best validation, as the newest one knows it; the newest itself if
   * there was no validation, or with a warning if the best cannot be read.
   *
   * @return empty if there is none at all
   * @throws IOException if there are checkpoints and none can be read, or the folder cannot be
   */
  public Optional<Checkpoint> best() throws IOException {
    var latest = latest();
    while (latest.isPresent() && latest.get().bestStep() >= 0) {
      try {
        return Optional.of(Checkpoint.open(place(latest.get().bestStep())));
      } catch (IOException e) {
        long step = latest.get().step();
        latest = latest();
        // A training that has written a newer one may have deleted what was the best before.
        if (latest.isEmpty() || latest.get().step() == step) {
          LOG.log(Level.WARNING, "the best checkpoint cannot be read: {0}", reason(e));
          break;
        }
      }
    }
    return latest;
  }

  /**
   * Returns whether there is no checkpoint, not even one that cannot be read.
   *
   * @throws IOException if the folder cannot be read
   */
  public boolean isEmpty() throws IOException {
    return newestFirst().isEmpty();
  }

  /**
   * Checks that no training writes into the folder, which is made if there is none.
   *
   * @throws IOException if one does, or the folder cannot be written to
   */
  public void requireUnused() throws IOException {
    FolderLock.acquire(folder).close();
  }

  /**
   * Deletes every checkpoint of the folder, those that cannot be read included, and nothing else in
   * it.
   *
   * @throws IOException if one cannot be deleted, or a training writes into the folder
   */
  public void clear() throws IOException {
    try (var _ = FolderLock.acquire(folder)) {
      for (Entry entry : newestFirst()) {
        CheckpointWriter.delete(entry.folder);
      }
    }
  }

  List<Entry> newestFirst() throws IOException {
    var found = new ArrayList<Entry>();
    try (var children = Files.newDirectoryStream(folder)) {
      for (Path child : children) {
        var name = NAME.matcher(child.getFileName().toString());
        if (name.matches()) {
          found.add(new Entry(child, Long.parseLong(name.group(1))));
        }
      }
    } catch (NoSuchFileException e) {
      return List.of();
    } catch (DirectoryIteratorException e) {
      throw e.getCause();
    }
    found.sort(Comparator.comparingLong(Entry::step).reversed());
    return found;
  }

  /** Returns the folder that holds the checkpoint of a step, or is to hold it. */
  Path place(long step) throws IOException {
    return newestFirst().stream()
        .filter(entry -> entry.step == step)
        .findFirst()
        .map(Entry::folder)
        .orElse(folder.resolve(name(step)));
  }

  static String name(long step) {
    return String.format(Locale.ROOT, "step-%09d", step);
  }

  /** Says why something cannot be read; the messages of these exceptions are a path alone. */
  static String reason(IOException failure) {
    return switch (failure) {
      case AccessDeniedException denied -> "no permission to read " + denied.getFile();
      case NoSuchFileException missing -> missing.getFile() + " is missing";
      default -> failure.getMessage() == null ? failure.toString() : failure.getMessage();
    };
  }
}
