package io.github.cudnn4j.cuda;

/** There is not enough device memory, or pinned host memory, for a buffer. */
public final class DeviceOutOfMemoryException extends CudaException {
  private static final long serialVersionUID = 1;

  private final long requestedBytes;
  private final long freeBytes;

  DeviceOutOfMemoryException(
      String function, int code, String codeName, long requestedBytes, long freeBytes) {
    super(
        function,
        code,
        codeName,
        "%,d bytes asked, %,d bytes of device memory free".formatted(requestedBytes, freeBytes));
    this.requestedBytes = requestedBytes;
    this.freeBytes = freeBytes;
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
