package io.github.cudnn4j.spark;

/** A rank has failed for the reason that is its cause. */
public final class RankFailedException extends RuntimeException {
  private static final long serialVersionUID = 1;

  RankFailedException(Throwable cause) {
    super(cause.getMessage(), cause);
  }
}
