package io.github.cudnn4j.proof;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.cuda.Event;
import io.github.cudnn4j.cuda.PinnedBuffer;
import io.github.cudnn4j.cuda.Stream;
import io.github.cudnn4j.cudnn.RnnDataLayout;
import io.github.cudnn4j.proof.OwnedDevice.Captured;
import io.github.cudnn4j.proof.OwnedDevice.Item;
import io.github.cudnn4j.proof.OwnedDevice.Planned;
import io.github.cudnn4j.rnn.Rnn;
import io.github.cudnn4j.rnn.RnnConfig;
import io.github.cudnn4j.rnn.SequenceBatch;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.jspecify.annotations.Nullable;

/** A thread that opens, uses, hands over and closes what has a life, as its random numbers say. */
final class LifecycleUser {
  /** What can be done, by its name. */
  private static final Map<String, Integer> WEIGHTS =
      Map.ofEntries(
          Map.entry("open", 2),
          Map.entry("close the device", 1),
          Map.entry("hand over", 2),
          Map.entry("intrude", 4),
          Map.entry("make a buffer", 14),
          Map.entry("make a slice", 4),
          Map.entry("make a pinned buffer", 5),
          Map.entry("make a stream", 6),
          Map.entry("make an event", 6),
          Map.entry("make a network", 1),
          Map.entry("make a plan", 2),
          Map.entry("make a batch", 2),
          Map.entry("capture", 12),
          Map.entry("write", 20),
          Map.entry("read", 20),
          Map.entry("copy", 10),
          Map.entry("fork", 12),
          Map.entry("launch", 14),
          Map.entry("infer", 10),
          Map.entry("wait", 6),
          Map.entry("close", 50));

  static final Set<String> KINDS = WEIGHTS.keySet();

  private static final List<String> DRAWN =
      new TreeSet<>(KINDS)
          .stream().flatMap(kind -> Collections.nCopies(WEIGHTS.get(kind), kind).stream()).toList();

  private static final int DEVICES = 2;
  private static final int MOST = 40;

  private final List<LifecycleUser> users;
  private final String name;
  private final SplittableRandom random;
  private final int wanted;
  private final Thread thread;
  private final Queue<OwnedDevice> handedOver = new ConcurrentLinkedQueue<>();
  private final List<OwnedDevice> devices = new ArrayList<>();
  private final Map<String, Integer> done = new TreeMap<>();
  private volatile long operations;
  private volatile @Nullable Device latest;
  private @Nullable AssertionError failure;

  LifecycleUser(List<LifecycleUser> users, int number, long seed, int wanted) {
    this.users = users;
    this.name = "user " + number + " of seed " + seed;
    this.random = new SplittableRandom(seed * 31 + number);
    this.wanted = wanted;
    this.thread = Thread.ofPlatform().name(name).unstarted(this::run);
  }

  Thread thread() {
    return thread;
  }

  long operations() {
    return operations;
  }

  Map<String, Integer> done() {
    return done;
  }

  @Nullable AssertionError failure() {
    return failure;
  }

  @Override
  public String toString() {
    return name + ", operation " + operations;
  }

  private void run() {
    var kind = "";
    try {
      while (operations < wanted) {
        kind = DRAWN.get(random.nextInt(DRAWN.size()));
        for (var owned = handedOver.poll(); owned != null; owned = handedOver.poll()) {
          devices.add(owned);
        }
        if (operate(kind)) {
          done.merge(kind, 1, Integer::sum);
          operations++;
        }
      }
    } catch (Throwable e) {
      failure = new AssertionError(this + ", " + kind, e);
    } finally {
      closeAll();
    }
  }

  /** Closes all that this user has; by another thread, when its own has ended. */
  void closeAll() {
    try {
      devices.addAll(handedOver);
      handedOver.clear();
      devices.forEach(owned -> owned.device.close());
    } catch (RuntimeException e) {
      failure = new AssertionError(this + ", closing", e);
    }
    devices.clear();
  }

  /** Does something, if there is what it takes. */
  private boolean operate(String kind) {
    if (kind.equals("open")) {
      return devices.size() < DEVICES && devices.add(own(new OwnedDevice()));
    }
    if (kind.equals("intrude")) {
      return intrude();
    }
    if (devices.isEmpty()) {
      return false;
    }
    var owned = devices.get(random.nextInt(devices.size()));
    if (kind.startsWith("make") && owned.items.size() >= MOST) {
      return false;
    }
    return switch (kind) {
      case "close the device" -> closeDevice(owned);
      case "hand over" -> handOver(owned);
      case "close" -> close(owned);
      case "capture" -> owned.items.size() < MOST && capture(owned);
      default -> kind.startsWith("make") ? make(kind, owned) : use(kind, owned);
    };
  }

  private OwnedDevice own(OwnedDevice owned) {
    latest = owned.device;
    return owned;
  }

  private boolean closeDevice(OwnedDevice owned) {
    owned.device.close();
    owned.items.forEach(item -> item.closed());
    devices.remove(owned);
    var item = owned.any(random, DeviceBuffer.class, each -> true);
    refused(() -> owned.device.synchronize());
    if (item != null) {
      refused(item.buffer()::clear);
    }
    return true;
  }

  private boolean handOver(OwnedDevice owned) {
    var next = users.get(random.nextInt(users.size()));
    if (next == this || !next.thread.isAlive()) {
      return false;
    }
    devices.remove(owned);
    try {
      owned.device.handOver(next.thread);
    } catch (IllegalArgumentException e) {
      // It has ended meanwhile.
      devices.add(owned);
      return false;
    }
    next.handedOver.add(owned);
    return true;
  }

  /** Uses a device of another thread. */
  private boolean intrude() {
    var other = users.get(random.nextInt(users.size()));
    var device = other.latest;
    if (device == null || devices.stream().anyMatch(own -> own.device == device)) {
      return false;
    }
    try {
      device.checkAccess();
      // It was handed over to this thread, or to one that has ended.
    } catch (WrongThreadException | IllegalStateException e) {
      return true;
    }
    return false;
  }

  private boolean close(OwnedDevice owned) {
    var item = owned.any(random, AutoCloseable.class, each -> true);
    if (item == null) {
      return false;
    }
    item.close();
    if (random.nextInt(4) == 0) {
      item.close();
    } else {
      owned.items.remove(item);
    }
    return true;
  }

  private boolean make(String kind, OwnedDevice owned) {
    var device = owned.device;
    var rnn = owned.any(random, Rnn.class, each -> true);
    var buffer = owned.any(random, DeviceBuffer.class, each -> !each.isSlice());
    Item made =
        switch (kind) {
          case "make a buffer" -> {
            var elements = 1 + random.nextInt(random.nextInt(20) == 0 ? 100_000 : 300);
            var item = new Item(DeviceBuffer.allocate(device, ElementType.INT32, elements));
            item.buffer().clear();
            yield item;
          }
          case "make a slice" ->
              buffer == null ? null : new Item(buffer.buffer().slice(0, 1), buffer);
          case "make a pinned buffer" ->
              new Item(PinnedBuffer.allocate(device, ElementType.INT32, 1 + random.nextInt(300)));
          case "make a stream" -> new Item(Stream.create(device));
          case "make an event" -> new Item(Event.create(device));
          case "make a network" -> new Item(Rnn.create(device, RnnConfig.lstm(2, 3)));
          case "make a plan" ->
              rnn == null || !rnn.usable() ? null : new Item(new Planned((Rnn) rnn.what), rnn);
          default ->
              rnn == null || !rnn.usable()
                  ? null
                  : new Item(
                      SequenceBatch.createForInference(
                          (Rnn) rnn.what, RnnDataLayout.SEQ_MAJOR_UNPACKED, 3, 1, 3),
                      rnn);
        };
    return made != null && owned.items.add(made);
  }

  private boolean use(String kind, OwnedDevice owned) {
    var device = owned.device;
    var item = owned.any(random, DeviceBuffer.class, each -> true);
    return switch (kind) {
      case "write" -> {
        var value = random.nextInt(1000);
        yield item != null && attempt(item.usable(), () -> item.write(value, device.stream()));
      }
      case "read" -> item != null && attempt(item.usable(), item::read);
      case "copy" -> {
        var pinned = owned.any(random, PinnedBuffer.class, each -> true);
        yield pinned != null && item != null && copy(item, pinned);
      }
      case "fork" -> {
        var stream = owned.any(random, Stream.class, each -> true);
        var event = owned.any(random, Event.class, each -> true);
        yield stream != null && event != null && item != null && fork(device, item, stream, event);
      }
      case "launch" -> {
        var graph = owned.any(random, Captured.class, each -> true);
        yield graph != null && attempt(graph.usable(), ((Captured) graph.what)::launch);
      }
      case "infer" -> {
        var plan = owned.any(random, Planned.class, each -> true);
        yield plan != null && attempt(plan.usable(), ((Planned) plan.what)::infer);
      }
      default -> {
        var event = owned.any(random, Event.class, each -> true);
        device.synchronize();
        yield event != null && attempt(event.usable(), ((Event) event.what)::synchronize);
      }
    };
  }

  private boolean copy(Item item, Item pinned) {
    var buffer = item.buffer();
    var host = (PinnedBuffer) pinned.what;
    var elements = Math.min(buffer.elements(), host.elements());
    var stream = buffer.device().stream();
    return attempt(
        item.usable() && pinned.usable(), () -> buffer.copyTo(0, host, 0, elements, stream));
  }

  /** Writes on another stream, between two events. */
  private boolean fork(Device device, Item item, Item stream, Item event) {
    var side = (Stream) stream.what;
    var mark = (Event) event.what;
    var value = random.nextInt(1000);
    return attempt(
        item.usable() && stream.usable() && event.usable(),
        () -> {
          device.stream().record(mark);
          side.waitFor(mark);
          item.write(value, side);
          side.record(mark);
          device.stream().waitFor(mark);
        });
  }

  private boolean capture(OwnedDevice owned) {
    var device = owned.device;
    var item = owned.any(random, DeviceBuffer.class, Item::usable);
    var stream = owned.any(random, Stream.class, Item::usable);
    if (item == null) {
      return false;
    }
    device.kernels().get("fill", "fill_i32");
    var origin = stream == null ? device.stream() : (Stream) stream.what;
    if (random.nextInt(8) == 0) {
      try {
        origin.capture(
            () -> {
              item.buffer().clear(origin);
              throw new UnsupportedOperationException();
            });
      } catch (UnsupportedOperationException e) {
        return e.getSuppressed().length == 0;
      }
    }
    var graph =
        origin.capture(
            () -> {
              for (var i = random.nextInt(3); i > 0; i--) {
                forbidden(owned);
              }
              item.buffer().clear(origin);
            });
    owned.items.add(new Item(new Captured(graph, item), item));
    return true;
  }

  /** What a capture forbids, of this device or of another one of this thread. */
  private void forbidden(OwnedDevice capturing) {
    var other = devices.get(random.nextInt(devices.size()));
    var buffer = other.any(random, DeviceBuffer.class, Item::usable);
    switch (random.nextInt(8)) {
      case 0 -> refused(other.device::close);
      case 1 -> refused(() -> DeviceBuffer.allocate(other.device, ElementType.INT32, 5));
      case 2 -> refused(() -> PinnedBuffer.allocate(other.device, ElementType.INT32, 5));
      case 3 -> refused(other.device::synchronize);
      case 4 -> refused(() -> other.device.stream().capture(() -> {}));
      case 5 -> refused(Device::open);
      case 6 -> {
        if (buffer != null && !buffer.isSlice()) {
          refused(() -> buffer.close());
        }
      }
      default -> {
        if (buffer != null && other != capturing) {
          refused(buffer.buffer()::toInts);
          buffer.clear(other.device.stream());
        }
      }
    }
  }

  private static boolean attempt(boolean possible, Runnable use) {
    if (possible) {
      use.run();
    } else {
      refused(use);
    }
    return true;
  }

  private static void refused(Runnable use) {
    try {
      use.run();
    } catch (IllegalStateException e) {
      return;
    }
    throw new AssertionError("what cannot be done was done");
  }
}
