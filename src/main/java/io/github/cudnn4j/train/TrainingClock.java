package io.github.cudnn4j.train;

/** Measures how fast steps go, leaving out what is done between them. */
final class TrainingClock {

  /** How fast it went. */
  record Speed(double stepsPerSecond, double tokensPerSecond) {}

  private final long start = System.nanoTime();
  private long resumed = start;
  private long tokens;
  private long nanos;
  private long intervalSteps;
  private long intervalTokens;
  private long intervalNanos;

  void stepDone(long stepTokens) {
    tokens += stepTokens;
    intervalSteps++;
    intervalTokens += stepTokens;
  }

  /** Call when all steps are done on the device too. */
  void pause() {
    long now = System.nanoTime();
    nanos += now - resumed;
    intervalNanos += now - resumed;
    resumed = now;
  }

  void resume() {
    resumed = System.nanoTime();
  }

  boolean hasSteps() {
    return intervalSteps > 0;
  }

  /** Returns how fast it went since the last call. */
  Speed lap() {
    var speed = new Speed(rate(intervalSteps, intervalNanos), rate(intervalTokens, intervalNanos));
    intervalSteps = 0;
    intervalTokens = 0;
    intervalNanos = 0;
    return speed;
  }

  double tokensPerSecond() {
    return rate(tokens, nanos);
  }

  double seconds() {
    return (System.nanoTime() - start) * 1e-9;
  }

  private static double rate(long count, long nanos) {
    return nanos == 0 ? 0 : count / (nanos * 1e-9);
  }
}
