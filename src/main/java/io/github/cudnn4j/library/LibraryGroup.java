package io.github.cudnn4j.library;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Libraries opened one after the other from one location; closed together, the last one first. */
final class LibraryGroup implements AutoCloseable {
  private final LibraryLocation location;
  private final Findings findings;
  private final List<SharedObject> opened = new ArrayList<>();

  LibraryGroup(LibraryLocation location, Findings findings) {
    this.location = location;
    this.findings = findings;
  }

  /** Returns the location the libraries come from. */
  LibraryLocation location() {
    return location;
  }

  /** Tells what version a library has, or by an exception why it cannot be used. */
  interface Check {
    String version(SharedObject library) throws Probe.ProbeException;
  }

  /**
   * Opens a library and checks it, and writes down what came of it.
   *
   * @return null if it cannot be used
   */
  @Nullable SharedObject open(String soname, Check check) {
    var target = soname;
    if (!location.isLoader()) {
      var file = location.find(soname);
      if (file == null) {
        findings.missing(soname, location, location.describe(), "no such file");
        return null;
      }
      var refusal = ElfFile.refusal(file);
      if (refusal == null) {
        refusal = untrusted(file);
      }
      if (refusal != null) {
        findings.refused(soname, location, file, refusal);
        return null;
      }
      target = file.toString();
    }
    SharedObject library;
    try {
      library = SharedObject.open(target);
    } catch (SharedObject.OpenException e) {
      if (location.isLoader()) {
        findings.missing(soname, location, location.describe(), e.getMessage());
      } else {
        findings.refused(soname, location, target, e.getMessage());
      }
      return null;
    }
    opened.add(library);
    try {
      findings.found(soname, location, library.path(), check.version(library));
      return library;
    } catch (Probe.ProbeException e) {
      findings.refused(soname, location, library.path(), e.getMessage());
      return null;
    }
  }

  /** Returns who else could have put a file there; null if nobody could. */
  @Nullable String untrusted(Path file) {
    var refusal = location.untrusted(file);
    if (refusal != null) {
      findings.advise(
          "A library runs with your rights, so it is loaded only from where no other user can"
              + " write. Change that (chown, chmod go-w), or name the folder with -D"
              + Settings.CUDA_PATH
              + " and -D"
              + Settings.CUDNN_PATH
              + ", which are taken as they are.");
    }
    return refusal;
  }

  /**
   * Requires a library to export functions.
   *
   * @throws Probe.ProbeException naming the functions it lacks
   */
  static void requireFunctions(SharedObject library, NeededFunctions needed)
      throws Probe.ProbeException {
    var missing = NeededFunctions.missing(needed.required(), library);
    if (!missing.isEmpty()) {
      throw new Probe.ProbeException(-1, "it has no function " + String.join(", ", missing));
    }
  }

  @Override
  public void close() {
    opened.reversed().forEach(SharedObject::close);
    opened.clear();
  }
}
