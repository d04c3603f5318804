package io.github.cudnn4j.train;

import io.github.cudnn4j.io.Uninterrupted;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.channels.ClosedByInterruptException;
import org.jspecify.annotations.Nullable;

/**
 * Whether a run is to end before its data do: as someone asks, as its thread is interrupted, or as
 * one of many ranks was told to. For the run's thread, but {@link #ask}.
 */
final class StopRequest {

  /** Null if this is alone. */
  private final @Nullable RankGroup group;

  private volatile boolean asked;

  /** Whether the run was while it waited for data, whoever takes note of that meanwhile. */
  private boolean interrupted;

  /** Whether one of many ranks was told to stop, as all of them know. */
  private boolean allStop;

  StopRequest(@Nullable RankGroup group) {
    this.group = group;
  }

  /** Asks; from any thread. */
  void ask() {
    asked = true;
  }

  /** Begins a run, in which nothing was interrupted. */
  void beginRun() {
    interrupted = false;
  }

  /** Returns false if reading or waiting was interrupted, which ends the run. */
  boolean unlessInterrupted(Uninterrupted.Work<Boolean> work) throws IOException {
    if (group != null) {
      // The others would wait for this one; it stops with them.
      return Uninterrupted.run(work);
    }
    try {
      return work.run();
    } catch (ClosedByInterruptException | InterruptedIOException e) {
      interrupted = Thread.currentThread().isInterrupted();
      if (!interrupted) {
        throw e;
      }
      return false;
    }
  }

  /** Returns whether reading or waiting was interrupted in this run. */
  boolean wasInterrupted() {
    return interrupted;
  }

  /** Lets all ranks know whether one of them was told to stop. */
  void agree() throws IOException {
    if (group != null) {
      allStop = group.max(isForThis() ? 1 : 0) > 0;
    }
  }

  /** Returns whether the run is to end after the step under way. */
  boolean isMade() {
    return group == null ? isForThis() : allStop;
  }

  private boolean isForThis() {
    return asked || interrupted || Thread.currentThread().isInterrupted();
  }
}
