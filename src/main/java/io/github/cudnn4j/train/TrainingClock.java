package io.github.cudnn4j.train;

/** Measures how fast steps go, leaving out what is done between them. */
final class TrainingClock {

  private final long start = System.nanoTime();
  private long resumed = start;
  private long steps;
  private long nanos;
  private long intervalSteps;
  private long intervalNanos;

  void stepDone() {
    steps++;
    intervalSteps++;
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

  /** Returns the steps per second since the last call. */
  double lap() {
    double rate = rate(intervalSteps, intervalNanos);
    intervalSteps = 0;
    intervalNanos = 0;
    return rate;
  }

  double stepsPerSecond() {
    return rate(steps, nanos);
  }

  double seconds() {
    return (System.nanoTime() - start) * 1e-9;
  }

  private static double rate(long steps, long nanos) {
    return nanos == 0 ? 0 : steps / (nanos * 1e-9);
  }
}
