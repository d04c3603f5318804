package io.github.cudnn4j.data;

import java.util.random.RandomGenerator;

/**
 * A generator whose whole state is one number, so that a checkpoint can hold it. Not for concurrent
 * use.
 *
 * @see <a href="https://doi.org/10.1145/2660193.2660195">Steele, Lea and Flood, Fast splittable
 *     pseudorandom number generators, 2014 (SplitMix64)</a>
 */
public final class SavableRandom implements RandomGenerator {

  private static final long GOLDEN_GAMMA = 0x9E3779B97F4A7C15L;

  private long state;

  /** Makes a generator; the same seed gives the same numbers. */
  public SavableRandom(long seed) {
    state = seed;
  }

  /** Returns what to give the constructor to go on from here. */
  public long state() {
    return state;
  }

  @Override
  public long nextLong() {
    state += GOLDEN_GAMMA;
    long z = state;
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }
}
