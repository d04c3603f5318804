package io.github.cudnn4j.cuda;

import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;

/** The memory that the work being captured uses, and that must live as long as it is replayed. */
final class Recording {
  private final Stream stream;
  private final Set<DeviceResource> memory = Collections.newSetFromMap(new IdentityHashMap<>());

  Recording(Stream stream) {
    this.stream = stream;
  }

  Stream stream() {
    return stream;
  }

  void uses(DeviceResource block) {
    memory.add(block);
  }

  List<DeviceResource> memory() {
    return new ArrayList<>(memory);
  }
}
