package io.github.cudnn4j.library;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * Where this library keeps what it can make again: {@code $XDG_CACHE_HOME/cudnn4j}, by default
 * {@code ~/.cache/cudnn4j}.
 */
public final class UserCache {
  private UserCache() {}

  /** Returns the folder, which need not exist; null if the user has no home folder. */
  public static @Nullable Path folder() {
    return folder(Environment.ofProcess());
  }

  static @Nullable Path folder(Environment environment) {
    var cacheHome = environment.variable().apply("XDG_CACHE_HOME");
    if (cacheHome != null && Path.of(cacheHome).isAbsolute()) {
      return Path.of(cacheHome, "cudnn4j");
    }
    var home = environment.property().apply("user.home");
    return home != null && Path.of(home).isAbsolute() ? Path.of(home, ".cache", "cudnn4j") : null;
  }
}
