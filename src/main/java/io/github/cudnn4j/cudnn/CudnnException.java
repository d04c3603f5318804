package io.github.cudnn4j.cudnn;

import io.github.cudnn4j.bindings.Cudnn;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * A call of cuDNN that did not succeed.
 *
 * <p>Every status that cuDNN returns passes {@link #check}.
 */
public final class CudnnException extends RuntimeException {
  private static final long serialVersionUID = 1L;
  private static final long MAX_LAST_ERROR = 4096;

  private final int code;
  private final String codeName;
  private final String function;
  private final String lastError;
  private final String context;

  private CudnnException(
      int code, String codeName, String function, String lastError, String context) {
    super(
        function
            + " returned "
            + codeName
            + " ("
            + code
            + ")"
            + (lastError.isEmpty() ? "" : ": " + lastError)
            + (context.isEmpty() ? "" : "; " + context));
    this.code = code;
    this.codeName = codeName;
    this.function = function;
    this.lastError = lastError;
    this.context = context;
  }

  /**
   * Throws unless a status is success. Allocates nothing when it is.
   *
   * @param status what the function returned
   * @param function the C function
   * @param context what the function was about: its text, which should give the shapes, becomes
   *     part of the message
   * @throws CudnnException if the status is not {@link CudnnStatus#SUCCESS}
   */
  public static void check(int status, String function, Object context) {
    if (status != Cudnn.CUDNN_STATUS_SUCCESS()) {
      throw new CudnnException(
          status, nameOf(status), function, takeLastError(), String.valueOf(context));
    }
  }

  private static String nameOf(int status) {
    CudnnStatus known = CudnnStatus.of(status);
    return known != null
        ? "CUDNN_STATUS_" + known.name()
        : Cudnn.cudnnGetErrorString(status).reinterpret(Long.MAX_VALUE).getString(0);
  }

  private static String takeLastError() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment text = arena.allocate(MAX_LAST_ERROR);
      Cudnn.cudnnGetLastErrorString(text, MAX_LAST_ERROR);
      return text.getString(0).strip();
    }
  }

  /** The status as cuDNN returned it. */
  public int code() {
    return code;
  }

  /** The name of the status in {@code cudnnStatus_t}. */
  public String codeName() {
    return codeName;
  }

  /** The kind of trouble, which unlike the code stays the same from one cuDNN to the next. */
  public CudnnStatus.Category category() {
    return CudnnStatus.Category.of(code);
  }

  /** The C function that returned the status. */
  public String function() {
    return function;
  }

  /** What cuDNN itself said about it, empty if it said nothing. */
  public String lastError() {
    return lastError;
  }

  /** What the call was about, with the shapes. */
  public String context() {
    return context;
  }
}
