package io.github.cudnn4j.library;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Folders that belong together: libraries are taken from one location, never from two.
 *
 * @param origin why this location is looked at
 * @param folders the folders; none means the dynamic loader's own search
 * @param trusted whether the folders are taken as they are, because the user named them for this
 *     library or because they are part of the program; in others nobody else may be able to put a
 *     library
 */
record LibraryLocation(String origin, List<Path> folders, boolean trusted) {
  LibraryLocation {
    folders = List.copyOf(folders);
  }

  LibraryLocation(String origin, List<Path> folders) {
    this(origin, folders, false);
  }

  static LibraryLocation ofProperty(String property, List<Path> folders) {
    return new LibraryLocation("property " + property, folders, true);
  }

  static LibraryLocation loader() {
    return new LibraryLocation("the dynamic loader's own search", List.of());
  }

  boolean isLoader() {
    return folders.isEmpty();
  }

  /** Returns the first file of that name here, null if there is none. */
  @Nullable Path find(String file) {
    for (var folder : folders) {
      var path = folder.resolve(file);
      if (Files.exists(path)) {
        return path;
      }
    }
    return null;
  }

  /** Returns who else could have put a file of this location there; null if nobody could. */
  @Nullable String untrusted(Path file) {
    return trusted || isLoader() ? null : WriteAccess.refusal(file);
  }

  /** Names the folders for people. */
  String describe() {
    return isLoader()
        ? "loader"
        : folders.stream().map(Path::toString).collect(Collectors.joining(", "));
  }
}
