package io.github.cudnn4j.cuda;

import io.github.cudnn4j.library.Settings;
import java.lang.ref.Cleaner;
import java.util.LinkedHashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Reports what was not closed, for those who look for leaks; frees nothing. */
final class Leaks {
  static final boolean ENABLED = Boolean.getBoolean(Settings.LEAKS);

  private static final System.Logger LOG = System.getLogger("io.github.cudnn4j.leaks");

  private Leaks() {}

  /** Reports a resource that was still open when its device was closed. */
  static void leftOpen(DeviceResource resource) {
    if (resource.madeAt != null) {
      LOG.log(
          System.Logger.Level.WARNING,
          resource.describe() + " was left open and closed by its device",
          resource.madeAt);
    }
  }

  /**
   * Where a device and what was made from it were made, while it is open. It does not refer to
   * them, so that it can outlive them.
   */
  static final class Sites implements Runnable {
    private static final @Nullable Cleaner CLEANER = ENABLED ? Cleaner.create() : null;

    private final Set<Throwable> sites = new LinkedHashSet<>();

    /** Returns the sites of a device, null when nobody looks for leaks. */
    static @Nullable Sites of(Device device) {
      if (CLEANER == null) {
        return null;
      }
      var sites = new Sites();
      sites.add(new Throwable("Device made at"));
      CLEANER.register(device, sites);
      return sites;
    }

    synchronized void add(@Nullable Throwable site) {
      if (site != null) {
        sites.add(site);
      }
    }

    synchronized void remove(@Nullable Throwable site) {
      sites.remove(site);
    }

    synchronized void clear() {
      sites.clear();
    }

    /** Called when the device is unreachable. */
    @Override
    public synchronized void run() {
      for (var site : sites) {
        LOG.log(System.Logger.Level.WARNING, "never closed", site);
      }
    }
  }
}
