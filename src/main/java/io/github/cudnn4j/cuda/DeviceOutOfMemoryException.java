package io.github.cudnn4j.cuda;

import java.util.Locale;

/** There is not enough device memory, or pinned host memory, for a buffer. */
public final class DeviceOutOfMemoryException extends CudaException {
  private static final long serialVersionUID = 1;

  private final long requestedBytes;
  private final long freeBytes;

  DeviceOutOfMemoryException(
      String function, int code, String codeName, long requestedBytes, long freeBytes) {
    this(function, code, codeName, requestedBytes, freeBytes, "");
  }

  private DeviceOutOfMemoryException(
      String function,
      int code,
      String codeName,
      long requestedBytes,
      long freeBytes,
      String purpose) {
    super(
        function,
        code,
        codeName,
        String.format(
            Locale.ROOT,
            "%,d bytes asked%s, %,d bytes of device memory free",
            requestedBytes,
            purpose,
            freeBytes));
    this.requestedBytes = requestedBytes;
    this.freeBytes = freeBytes;
  }

  /**
   * Returns the same failure with what the memory was for in its message, and this as its cause.
   *
   * @param purpose should give the shapes
   */
  public DeviceOutOfMemoryException during(Object purpose) {
    var result =
        new DeviceOutOfMemoryException(
            function(), code(), codeName(), requestedBytes, freeBytes, " for " + purpose);
    result.initCause(this);
    return result;
  }

  /** Returns the bytes that were asked for. */
  public long requestedBytes() {
    return requestedBytes;
  }

  /** Returns the bytes of device memory that were free then; -1 when that is not known. */
  public long freeBytes() {
    return freeBytes;
  }
}
