package io.github.cudnn4j.library;

import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * What the search for libraries depends on outside of itself, so that a test can make its own.
 *
 * @param property system property by name
 * @param variable environment variable by name
 * @param root the folder that absolute places such as {@code /usr/lib} are below, normally {@code
 *     /}
 * @param loader whether the dynamic loader's own search, which knows nothing of the root, is used
 */
record Environment(
    Function<String, @Nullable String> property,
    Function<String, @Nullable String> variable,
    Path root,
    boolean loader) {

  static Environment ofProcess() {
    return new Environment(System::getProperty, System::getenv, Path.of("/"), true);
  }

  /**
   * Returns the path that a variable names; null if it has none, or one that is not a full path and
   * would mean something else in every folder, or one that this locale cannot express.
   */
  static @Nullable Path fullPath(@Nullable String value) {
    try {
      return value != null && Path.of(value.strip()).isAbsolute() ? Path.of(value.strip()) : null;
    } catch (InvalidPathException e) {
      return null;
    }
  }

  /** Returns a place of the file system, for example {@code usr/lib}. */
  Path at(String place) {
    return root.resolve(place);
  }
}
