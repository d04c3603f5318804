package io.github.cudnn4j.library;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.System.Logger.Level;
import java.net.JarURLConnection;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.function.Function;
import java.util.regex.Pattern;
import java.util.zip.CRC32;
import java.util.zip.CheckedInputStream;
import org.jspecify.annotations.Nullable;

/**
 * Copies the host device's libraries out of the jar, where the dynamic loader cannot read them,
 * into a folder of the user, {@code KEY} in the {@link UserCache}.
 *
 * <p>The key follows from the contents, so that several versions live side by side. A folder
 * appears by one rename when all its files are complete, so that several processes may do this at
 * once; the files of a folder that is there are only read.
 *
 * <p>Adding a folder deletes those of other versions that nobody has asked for in a while. A
 * process that still runs with one keeps what it has loaded: a file that is mapped outlives its
 * name.
 */
final class NativeCache {
  private static final System.Logger LOG = System.getLogger(NativeCache.class.getName());
  private static final String RESOURCES = "io/github/cudnn4j/native/linux-x86_64/";

  private static final Pattern VERSION = Pattern.compile("[0-9a-f]{9,}|\\.new-\\d+");

  /** How many other versions stay in any case, so that going back and forth costs no copies. */
  private static final int KEPT = 2;

  private static final Duration KEPT_FOR = Duration.ofDays(1);

  private final Environment environment;
  private final Function<String, @Nullable URL> resources;

  NativeCache(Environment environment) {
    // Asked of the loader, not of the class: on the module path that jar is a module of its own.
    this(environment, file -> NativeCache.class.getClassLoader().getResource(RESOURCES + file));
  }

  /** Takes the files from somewhere else, by name. */
  NativeCache(Environment environment, Function<String, @Nullable URL> resources) {
    this.environment = environment;
    this.resources = resources;
  }

  /** The libraries are not in the jars, or cannot be copied; the message says why. */
  static final class UnavailableException extends Exception {
    private static final long serialVersionUID = 1;

    UnavailableException(String message) {
      super(message);
    }
  }

  /**
   * Returns a folder that holds files of the jar, copying them first if need be.
   *
   * @throws UnavailableException if a file is not in the jar, or the folder cannot be written
   */
  Path folder(List<String> files) throws UnavailableException {
    URL first;
    try {
      for (var file : files) {
        resource(file);
      }
      first = resource(files.getFirst());
    } catch (FileNotFoundException e) {
      throw new UnavailableException(e.getMessage());
    }
    var cache = cacheFolder();
    try {
      if (first.getProtocol().equals("file")) {
        return Path.of(first.toURI()).getParent();
      }
      var target = cache.resolve(key(files));
      if (isComplete(target, files)) {
        markUsed(target);
      } else {
        copy(files, target);
        prune(target);
      }
      return target;
    } catch (IOException | URISyntaxException e) {
      throw new UnavailableException(
          "cannot copy them into "
              + cache
              + " ("
              + e
              + "); set XDG_CACHE_HOME to a folder that can be written");
    }
  }

  private Path cacheFolder() throws UnavailableException {
    var folder = UserCache.folder(environment);
    if (folder == null) {
      throw new UnavailableException("there is no home folder; set XDG_CACHE_HOME");
    }
    return folder;
  }

  private URL resource(String file) throws FileNotFoundException {
    var resource = resources.apply(file);
    if (resource == null) {
      throw new FileNotFoundException("no resource " + RESOURCES + file);
    }
    return resource;
  }

  /** Returns the sizes and checksums of the files, which the jar's directory knows. */
  private String key(List<String> files) throws IOException {
    var sum = new CRC32();
    var total = 0L;
    for (var file : files) {
      var checksum = checksum(file);
      sum.update(HexFormat.of().toHexDigits(checksum).getBytes());
      total += size(file);
    }
    return HexFormat.of().toHexDigits((int) sum.getValue()) + Long.toHexString(total);
  }

  private long checksum(String file) throws IOException {
    var connection = resource(file).openConnection();
    if (connection instanceof JarURLConnection jar) {
      return jar.getJarEntry().getCrc();
    }
    try (var in = new CheckedInputStream(connection.getInputStream(), new CRC32())) {
      in.transferTo(OutputStream.nullOutputStream());
      return in.getChecksum().getValue();
    }
  }

  private long size(String file) throws IOException {
    var connection = resource(file).openConnection();
    if (connection instanceof JarURLConnection jar) {
      return jar.getJarEntry().getSize();
    }
    try (var in = connection.getInputStream()) {
      return in.transferTo(OutputStream.nullOutputStream());
    }
  }

  private boolean isComplete(Path folder, List<String> files) throws IOException {
    for (var file : files) {
      var path = folder.resolve(file);
      if (!Files.isRegularFile(path) || Files.size(path) != size(file)) {
        return false;
      }
    }
    return true;
  }

  private void copy(List<String> files, Path target) throws IOException {
    Files.createDirectories(target.getParent());
    var temporary = Files.createTempDirectory(target.getParent(), ".new-");
    try {
      for (var file : files) {
        var sum = new CRC32();
        try (var in = new CheckedInputStream(resource(file).openStream(), sum)) {
          Files.copy(in, temporary.resolve(file));
        }
        if (sum.getValue() != checksum(file)) {
          throw new IOException(file + " in the jar is damaged");
        }
      }
      move(temporary, target, files);
    } finally {
      delete(temporary);
    }
  }

  private void move(Path temporary, Path target, List<String> files) throws IOException {
    try {
      Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE);
    } catch (AtomicMoveNotSupportedException e) {
      throw e;
    } catch (IOException e) {
      // Another process was faster, or someone deleted files: then each file is put in its place.
      if (isComplete(target, files)) {
        return;
      }
      Files.createDirectories(target);
      for (var file : files) {
        Files.move(temporary.resolve(file), target.resolve(file), StandardCopyOption.ATOMIC_MOVE);
      }
    }
  }

  /** Notes that a version was asked for, in the folder's time; a user who may not do without. */
  private static void markUsed(Path folder) {
    try {
      Files.setLastModifiedTime(folder, FileTime.from(Instant.now()));
    } catch (IOException e) {
      LOG.log(Level.DEBUG, "cannot mark {0} as used: {1}", folder, e);
    }
  }

  /** Deletes what is left of other versions; what cannot be deleted stays. */
  private static void prune(Path current) {
    record Version(Path folder, FileTime used) {}
    var versions = new ArrayList<Version>();
    try (var children = Files.newDirectoryStream(current.getParent(), Files::isDirectory)) {
      for (var child : children) {
        var name = child.getFileName().toString();
        if (!child.equals(current) && VERSION.matcher(name).matches()) {
          versions.add(new Version(child, Files.getLastModifiedTime(child)));
        }
      }
      versions.sort(Comparator.comparing(Version::used).reversed());
      var limit = FileTime.from(Instant.now().minus(KEPT_FOR));
      for (var version : versions.subList(Math.min(KEPT, versions.size()), versions.size())) {
        if (version.used.compareTo(limit) < 0) {
          delete(version.folder);
        }
      }
    } catch (IOException | DirectoryIteratorException e) {
      LOG.log(Level.DEBUG, "cannot prune {0}: {1}", current.getParent(), e);
    }
  }

  private static void delete(Path folder) throws IOException {
    if (Files.isDirectory(folder)) {
      try (var files = Files.list(folder)) {
        for (var file : files.toList()) {
          Files.delete(file);
        }
      }
      Files.delete(folder);
    }
  }
}
