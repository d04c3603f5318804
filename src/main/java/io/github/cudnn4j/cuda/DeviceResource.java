package io.github.cudnn4j.cuda;

import org.jspecify.annotations.Nullable;

/**
 * Owner of a native object that was made from a device.
 *
 * <p>It belongs to the device's thread, as the device does. Closing it destroys the native object
 * at once; closing the device closes whatever is still open, the newest first. Nothing is destroyed
 * by the garbage collector. With the system property {@code cudnn4j.leaks=true}, everything that
 * its device had to close, or that went away with a device that was never closed, is logged as a
 * warning with the place it was made at.
 */
public abstract class DeviceResource implements AutoCloseable {
  private final Device device;
  final @Nullable Throwable madeAt;
  private boolean open = true;

  // The device's list of what is open.
  @Nullable DeviceResource older;
  @Nullable DeviceResource newer;

  /**
   * Registers the resource with its device. A subclass acquires its native object before it calls
   * this, so that a failure leaves nothing registered.
   *
   * @throws IllegalStateException if the device is closed
   * @throws WrongThreadException if the device belongs to another thread
   */
  @SuppressWarnings("this-escape") // The device only keeps the reference.
  protected DeviceResource(Device device) {
    this.device = device;
    this.madeAt = Leaks.ENABLED ? new Throwable(describe() + " made at") : null;
    device.register(this);
  }

  /** Returns the device that this was made from. */
  public final Device device() {
    return device;
  }

  /** Returns whether this is open. */
  public final boolean isOpen() {
    return open;
  }

  /**
   * Checks that this can be used now; to be called before every native call.
   *
   * @throws IllegalStateException if this is closed
   * @throws WrongThreadException if the device belongs to another thread
   */
  protected final void checkOpen() {
    if (!open) {
      throw new IllegalStateException(describe() + " is closed");
    }
    device.checkAccess();
  }

  /** Tells a capture under way that its work uses this, which has to live as long as the graph. */
  final void recordUse() {
    var recording = device.recording();
    if (recording != null) {
      recording.uses(this);
    }
  }

  /** Whether captured work that uses this can be replayed. */
  boolean isUsable() {
    return open;
  }

  /** Names the class that users know, which may have this one inside. */
  final String describe() {
    Class<?> type = getClass();
    while (type.getEnclosingClass() != null) {
      type = type.getEnclosingClass();
    }
    return type.getSimpleName();
  }

  /**
   * Takes back what others may hold of this, before it is closed.
   *
   * @throws IllegalStateException if they hold or need it now; this stays open then
   */
  void takeBack() {}

  /** Destroys the native object. Called once, on the device's thread. */
  protected abstract void release();

  /**
   * Destroys the native object; does nothing if that was done before.
   *
   * @throws WrongThreadException if the device belongs to another thread; this stays open then
   * @throws IllegalStateException if this thread captures, or another one uses the memory of a
   *     {@link PinnedBuffer}, or this is the device's own stream; this stays open then
   * @throws CudaException if destroying it fails; this is closed all the same. Or if this thread
   *     takes the device over from another and that fails; this stays open then
   */
  @Override
  public final void close() {
    if (!open) {
      return;
    }
    device.checkAccess();
    Recording.refuse("closing a resource");
    takeBack();
    open = false;
    device.unregister(this);
    release();
  }

  /** Closes this with its device; what others hold stays allocated. */
  final void closeWithDevice() {
    try {
      close();
    } finally {
      if (open) {
        open = false;
        device.unregister(this);
      }
    }
  }
}
