package io.github.cudnn4j.testing;

/** The published generator of random bits, in plain Java. */
public final class Philox {
  private Philox() {}

  /** Philox 4x32-10: the four words of a counter. */
  public static long[] words(long seed, long counter) {
    long mask = 0xFFFFFFFFL;
    long[] word = {counter & mask, counter >>> 32, 0, 0};
    long[] key = {seed & mask, seed >>> 32};
    for (int round = 0; round < 10; round++) {
      long p = 0xD2511F53L * word[0];
      long q = 0xCD9E8D57L * word[2];
      word =
          new long[] {q >>> 32 ^ word[1] ^ key[0], q & mask, p >>> 32 ^ word[3] ^ key[1], p & mask};
      key[0] = key[0] + 0x9E3779B9L & mask;
      key[1] = key[1] + 0xBB67AE85L & mask;
    }
    return word;
  }
}
