package io.github.cudnn4j.library;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** The platform this process runs on, and whether there are native libraries for it. */
final class Platform {
  private Platform() {}

  /** Describes the platform in a few words. */
  static String describe() {
    return String.format(
        Locale.ROOT,
        "%s %s%s, Java %s",
        System.getProperty("os.name"),
        System.getProperty("os.arch"),
        usesMusl() ? " (musl)" : "",
        Runtime.version());
  }

  /** Returns why no device can be used on this platform, null if one can. */
  static @Nullable String refusal() {
    return refusal(System.getProperty("os.name"), System.getProperty("os.arch"), usesMusl());
  }

  static @Nullable String refusal(String system, String architecture, boolean musl) {
    if (!system.toLowerCase(Locale.ROOT).startsWith("linux")) {
      return "this is " + system + "; there are native libraries for Linux only";
    }
    if (!architecture.equals("amd64") && !architecture.equals("x86_64")) {
      return "this is Linux on " + architecture + "; there are native libraries for x86-64 only";
    }
    if (musl) {
      return "this Java runs on musl (Alpine Linux); NVIDIA's libraries and the host device need"
          + " glibc";
    }
    return null;
  }

  /** Looks at what this process has mapped: a glibc machine may have musl installed as well. */
  private static boolean usesMusl() {
    try {
      return Files.readString(Path.of("/proc/self/maps")).contains("ld-musl");
    } catch (IOException e) {
      return false;
    }
  }
}
