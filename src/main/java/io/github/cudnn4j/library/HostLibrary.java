package io.github.cudnn4j.library;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The host device's library, opened from a folder. */
final class HostLibrary implements AutoCloseable {
  static final String NAME = "libcudnn4j_host.so";

  private static final String ORIGIN = "cudnn4j's jar of the host device";
  private static final String NOT_IN_JARS =
      "it is in none of this program's jars: add cudnn4j's jar with the classifier linux-x86_64, on"
          + " the module path with --add-modules io.github.cudnn4j.linux_x86_64";
  private static final Path CLASS_PATH = Path.of("the class path");

  private final LibraryGroup group;
  private final SharedObject library;

  private HostLibrary(LibraryGroup group, SharedObject library) {
    this.group = group;
    this.library = library;
  }

  /** Opens and checks the library; null if it cannot be used, which the findings then tell. */
  static @Nullable HostLibrary open(Environment environment, Findings findings) {
    var platform = Platform.refusal();
    if (platform != null) {
      findings.note("The host device cannot be used: " + platform + ".");
      return null;
    }
    var location = location(environment, findings);
    if (location == null) {
      return null;
    }
    var group = new LibraryGroup(location, findings);
    var library = group.open(NAME, HostLibrary::version);
    if (library == null) {
      group.close();
      return null;
    }
    return new HostLibrary(group, library);
  }

  private static @Nullable LibraryLocation location(Environment environment, Findings findings) {
    var property = environment.property().apply(Settings.HOST_PATH);
    if (property != null) {
      return LibraryLocation.ofProperty(
          Settings.HOST_PATH, List.of(Path.of(property).toAbsolutePath()));
    }
    try {
      var folder = new NativeCache(environment).folder(List.of(NAME));
      return new LibraryLocation(ORIGIN, List.of(folder), true);
    } catch (NativeCache.UnavailableException e) {
      var reason = e.isNotInJars() ? NOT_IN_JARS : e.getMessage();
      findings.missing(NAME, new LibraryLocation(ORIGIN, List.of(CLASS_PATH)), CLASS_PATH, reason);
      if (e.isNotInJars()) {
        findings.advise(
            "Or name the folder of the host device's library: -D"
                + Settings.HOST_PATH
                + "=FOLDER.");
      }
      return null;
    }
  }

  private static String version(SharedObject host) throws Probe.ProbeException {
    LibraryGroup.requireFunctions(host, NeededFunctions.HOST);
    for (var needed : NeededFunctions.OF_NVIDIA) {
      LibraryGroup.requireFunctions(host, needed);
    }
    var version = Probe.callInt(host, "cudnn4jHostVersion");
    return "host device " + version / 10_000 + "." + version % 10_000 / 100 + "." + version % 100;
  }

  /** Returns the functions that the host device does not have. */
  List<String> absent() {
    var absent = new ArrayList<String>();
    for (var needed : NeededFunctions.OF_NVIDIA) {
      absent.addAll(NeededFunctions.missing(needed.optional(), library));
    }
    return absent;
  }

  SharedObject library() {
    return library;
  }

  @Override
  public void close() {
    group.close();
  }
}
