package io.github.cudnn4j.cuda;

import org.jspecify.annotations.Nullable;

/** What is open of all that was made from a device, and where it was made. */
final class OpenResources {

  private final Leaks.@Nullable Sites sites;
  private @Nullable DeviceResource newest;

  OpenResources(Device device) {
    sites = Leaks.Sites.of(device);
  }

  /** Returns the newest, from which {@link DeviceResource#older} leads to the others. */
  @Nullable DeviceResource newest() {
    return newest;
  }

  void add(DeviceResource resource) {
    resource.older = newest;
    if (newest != null) {
      newest.newer = resource;
    }
    newest = resource;
    if (sites != null) {
      sites.add(resource.madeAt);
    }
  }

  void remove(DeviceResource resource) {
    if (resource.newer != null) {
      resource.newer.older = resource.older;
    } else {
      newest = resource.older;
    }
    if (resource.older != null) {
      resource.older.newer = resource.newer;
    }
    resource.older = null;
    resource.newer = null;
    if (sites != null) {
      sites.remove(resource.madeAt);
    }
  }

  /** Forgets where the device was made, which is closed. */
  void end() {
    if (sites != null) {
      sites.clear();
    }
  }
}
