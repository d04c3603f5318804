package io.github.cudnn4j.cuda;

import io.github.cudnn4j.bindings.Nccl;

/** How the elements of all ranks become one. */
public enum Reduction {
  /** The sum; integers wrap around. */
  SUM(Nccl.ncclSum()),
  /** The mean: numbers with a fraction are divided by the ranks before they are added up. */
  AVERAGE(Nccl.ncclAvg()),
  /** The largest. */
  MAX(Nccl.ncclMax()),
  /** The smallest. */
  MIN(Nccl.ncclMin());

  final int code;

  Reduction(int code) {
    this.code = code;
  }
}
