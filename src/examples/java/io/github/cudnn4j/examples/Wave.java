package io.github.cudnn4j.examples;

import java.util.Random;

/**
 * A sine wave of a kind, slow or fast, that begins anywhere.
 *
 * @param noise of which another wave of the kind is to be made
 */
record Wave(int kind, float[] values, float[] noise) {

  static final int TIME = 24;
  static final int NOISE = 8;
  static final int KINDS = 2;
  private static final double[] SPEEDS = {0.3, 0.8}; // of each kind, in a step

  static Wave draw(Random random) {
    int kind = random.nextInt(KINDS);
    double speed = SPEEDS[kind] * random.nextDouble(0.9, 1.1);
    double angle = random.nextDouble(2 * Math.PI);
    float[] values = new float[TIME];
    for (int t = 0; t < TIME; t++, angle += speed) {
      values[t] = (float) (0.8 * Math.sin(angle));
    }
    return new Wave(kind, values, Example.gaussian(random, NOISE));
  }
}
