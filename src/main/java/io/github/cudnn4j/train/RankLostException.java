package io.github.cudnn4j.train;

import java.io.IOException;

/** Another rank has ended, so that this one cannot go on; the checkpoints so far are whole. */
public final class RankLostException extends IOException {

  private static final long serialVersionUID = 1;

  RankLostException(int lost, int size, Throwable cause) {
    super(
        "rank "
            + lost
            + " of "
            + size
            + " has ended: start all ranks again and resume from the newest checkpoint",
        cause);
  }
}
