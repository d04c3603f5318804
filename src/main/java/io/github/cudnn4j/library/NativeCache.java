package io.github.cudnn4j.library;

import static java.nio.file.StandardOpenOption.CREATE_NEW;
import static java.nio.file.StandardOpenOption.WRITE;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.System.Logger.Level;
import java.net.JarURLConnection;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
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
 * once; the files of a folder that is there are only read, after a look at who could have written
 * them and at their checksums: they are about to run with this user's rights.
 *
 * <p>Adding a folder deletes those of other versions that nobody has asked for in a while. A
 * process that still runs with one keeps what it has loaded: a file that is mapped outlives its
 * name.
 */
final class NativeCache {
  private static final System.Logger LOG = System.getLogger(NativeCache.class.getName());
  private static final String RESOURCES = "io/github/cudnn4j/native/linux-x86_64/";

  private static final FileAttribute<?> OWNERS =
      PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"));

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

    private final boolean notInJars;

    UnavailableException(String message, boolean notInJars) {
      super(message);
      this.notInJars = notInJars;
    }

    boolean isNotInJars() {
      return notInJars;
    }
  }

  /**
   * Returns a folder that holds files of the jar, copying them first if need be: into the cache, or
   * where that cannot be used, into a temporary folder that goes when the process ends.
   *
   * @throws UnavailableException if a file is not in the jar, or neither folder can be written
   */
  Path folder(List<String> files) throws UnavailableException {
    try {
      for (var file : files) {
        resource(file);
      }
      var first = resource(files.getFirst());
      if (first.getProtocol().equals("file")) {
        return Path.of(first.toURI()).getParent();
      }
    } catch (FileNotFoundException | URISyntaxException e) {
      throw new UnavailableException(e.getMessage(), true);
    }
    try {
      return cached(files);
    } catch (IOException e) {
      return temporary(files, reason(e));
    }
  }

  private Path cached(List<String> files) throws IOException {
    var target = UserCache.open(environment).resolve(key(files));
    if (fault(target, files) == null) {
      markUsed(target);
    } else {
      copy(files, target);
      var fault = fault(target, files);
      if (fault != null) {
        throw new IOException(fault);
      }
      prune(target);
    }
    return target;
  }

  private Path temporary(List<String> files, String why) throws UnavailableException {
    try {
      var folder = Files.createTempDirectory("cudnn4j-");
      // Deleted in the opposite order.
      folder.toFile().deleteOnExit();
      for (var file : files) {
        folder.resolve(file).toFile().deleteOnExit();
        write(file, folder);
      }
      var fault = fault(folder, files);
      if (fault != null) {
        throw new IOException(fault);
      }
      LOG.log(
          Level.WARNING,
          "The host device is unpacked for this process alone, because {0}. Set XDG_CACHE_HOME to a"
              + " folder where it can be kept.",
          why);
      return folder;
    } catch (IOException e) {
      throw new UnavailableException(
          "it cannot be unpacked, because "
              + why
              + ", and neither into a temporary folder, because "
              + reason(e)
              + "; set XDG_CACHE_HOME to a folder of yours with room for it",
          false);
    }
  }

  /** Returns why a file cannot be used, with its name. */
  private static String reason(IOException e) {
    return switch (e) {
      case AccessDeniedException denied -> "there is no permission to use " + denied.getFile();
      case NoSuchFileException missing -> missing.getFile() + " cannot be made";
      case FileSystemException other when other.getReason() != null ->
          other.getFile() + ": " + other.getReason();
      default -> e.getMessage() == null ? e.toString() : e.getMessage();
    };
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
    return connection instanceof JarURLConnection jar
        ? jar.getJarEntry().getCrc()
        : checksum(resource(file));
  }

  private static long checksum(URL file) throws IOException {
    try (var in = new CheckedInputStream(file.openStream(), new CRC32())) {
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

  /** Returns why the files of a folder must not be loaded; null if they may. */
  private @Nullable String fault(Path folder, List<String> files) throws IOException {
    for (var file : files) {
      var path = folder.resolve(file);
      if (!Files.isRegularFile(path)) {
        return path + " is not a file";
      }
      var refusal = WriteAccess.refusal(path);
      if (refusal != null) {
        return path + " " + refusal;
      }
      if (Files.size(path) != size(file) || checksum(path.toUri().toURL()) != checksum(file)) {
        return path + " is damaged";
      }
    }
    return null;
  }

  private void copy(List<String> files, Path target) throws IOException {
    var temporary = Files.createTempDirectory(target.getParent(), ".new-");
    try {
      for (var file : files) {
        write(file, temporary);
      }
      move(temporary, target, files);
      try (var parent = FileChannel.open(target.getParent())) {
        parent.force(true);
      }
    } catch (FileSystemException e) {
      throw e;
    } catch (IOException e) {
      // The disk is full, which the system tells without a name.
      throw new FileSystemException(target.getParent().toString(), null, "(" + reason(e) + ")");
    } finally {
      delete(temporary);
    }
  }

  /** Copies a file, which is on the disk when this returns: a crash then cannot cut it off. */
  private void write(String file, Path folder) throws IOException {
    var sum = new CRC32();
    try (var in = new CheckedInputStream(resource(file).openStream(), sum);
        var out = FileChannel.open(folder.resolve(file), Set.of(CREATE_NEW, WRITE), OWNERS)) {
      in.transferTo(Channels.newOutputStream(out));
      out.force(true);
    }
    if (sum.getValue() != checksum(file)) {
      throw new IOException(file + " in the jar is damaged");
    }
  }

  private void move(Path temporary, Path target, List<String> files) throws IOException {
    try {
      Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE);
    } catch (AtomicMoveNotSupportedException e) {
      throw e;
    } catch (IOException e) {
      // Another process was faster, or what is there is damaged: then each file is replaced, so
      // that whoever is about to load one finds it.
      if (fault(target, files) == null) {
        return;
      }
      UserCache.makePrivate(target);
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
