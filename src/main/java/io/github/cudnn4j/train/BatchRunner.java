package io.github.cudnn4j.train;

import io.github.cudnn4j.cuda.CapturedGraph;
import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.Parts;
import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.cuda.ProfilerRange;
import io.github.cudnn4j.cudnn.GraphCapture;
import io.github.cudnn4j.data.Batch;
import io.github.cudnn4j.data.BatchSource;
import io.github.cudnn4j.data.Epoch;
import io.github.cudnn4j.data.Feed;
import io.github.cudnn4j.tape.Loss;
import io.github.cudnn4j.tape.Tape;
import java.io.IOException;
import java.util.NoSuchElementException;
import java.util.Objects;
import java.util.function.IntFunction;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * Runs the work of each batch of a source. That of a shape is recorded at its first batch and runs
 * once as it is, so that everything is loaded and allocated; from then on it is replayed as a
 * graph, if it can be captured.
 *
 * <p>Owner of the feed and the graphs; belongs to the device's thread.
 */
final class BatchRunner implements AutoCloseable {

  private static final ProfilerRange STEP = ProfilerRange.named("step");

  private static final int NONE = -1;

  /**
   * What is done with a batch of one shape.
   *
   * @param in where it finds the batches, which are refused if they hold numbers that it cannot
   *     take
   * @param enqueue always the same calls, with what a graph can hold if it is captured
   * @param capturable whether nothing of it depends on numbers of the host
   */
  record Work(Batch in, Runnable enqueue, boolean capturable) {}

  private final Device device;
  private final BatchSource source;
  private final IntFunction<Work> recorder;
  private final int turns;
  private final Parts parts = new Parts();
  private final Feed feed;
  private final @Nullable Work[] works;
  private final @Nullable CapturedGraph[] graphs;
  private final boolean[] warm;
  private boolean capture;

  /** The shape of the batch that was taken to see whether there is one. */
  private int upcoming = NONE;

  /** Which of the works of its shape the next batch gets. */
  private int turn;

  private boolean begun;
  private long tokens;

  /** Prepares for a source whose shapes have one work each. */
  BatchRunner(
      Device device,
      Precision precision,
      BatchSource source,
      boolean capture,
      IntFunction<Work> recorder) {
    this(device, precision, source, capture, 1, recorder);
  }

  /**
   * Prepares for a source.
   *
   * @param capture whether to capture what can be captured; the results are the same
   * @param turns how many works a shape has, which take turns: the numbers from {@code shape *
   *     turns} on
   * @param recorder makes the work of a number
   */
  BatchRunner(
      Device device,
      Precision precision,
      BatchSource source,
      boolean capture,
      int turns,
      IntFunction<Work> recorder) {
    this.turns = turns;
    this.device = device;
    this.source = source;
    this.capture = capture;
    this.recorder = recorder;
    int shapes = source.layout().shapes() * turns;
    works = new Work[shapes];
    graphs = new CapturedGraph[shapes];
    warm = new boolean[shapes];
    feed = parts.add(Feed.create(device, precision, source.layout()));
  }

  /**
   * Records an objective.
   *
   * @throws IllegalArgumentException if it returns a loss of another tape, or one to be trained
   *     that depends on no parameter
   */
  static Loss record(Objective objective, Tape tape, Batch in) {
    Loss loss =
        Objects.requireNonNull(objective.record(tape, in), "the loss that the objective returned");
    if (loss.tape() != tape) {
      throw new IllegalArgumentException("the objective returned a loss of another tape");
    }
    if (tape.isTraining() && !loss.isDifferentiable()) {
      throw new IllegalArgumentException("the objective's loss depends on no parameter");
    }
    return loss;
  }

  /** Returns where the work of a number, on a tape, finds the batches. */
  Batch batch(Tape tape, int number) {
    return feed.batch(tape, number / turns);
  }

  /** Returns where the work finds the number that comes with a batch, one FLOAT64. */
  DeviceBuffer number() {
    return feed.number();
  }

  /** Returns the steps of all sequences so far that are not padding. */
  long tokens() {
    return tokens;
  }

  /** Returns the source. */
  BatchSource source() {
    return source;
  }

  /** Records the work of a number, unless it is. */
  Work work(int number) {
    Work work = works[number];
    if (work == null) {
      work = recorder.apply(number);
      works[number] = work;
    }
    return work;
  }

  /**
   * Starts an epoch, and passes over its first batches.
   *
   * @throws IllegalArgumentException if {@code skip} is negative
   * @throws IllegalStateException if this is closed
   * @throws IOException if the source fails
   */
  void begin(RandomGenerator random, long skip) throws IOException {
    if (skip < 0) {
      throw new IllegalArgumentException(skip + " batches to leave out, must be 0 or more");
    }
    Epoch epoch = source.epoch(random);
    try {
      epoch.skip(skip);
      feed.start(epoch);
    } catch (Throwable e) {
      try (epoch) {
        throw e;
      }
    }
    upcoming = NONE;
    turn = 0;
    begun = true;
  }

  /**
   * Tells whether the epoch has another batch.
   *
   * @throws IOException if the source fails
   */
  boolean hasNext() throws IOException {
    if (upcoming == NONE && begun) {
      upcoming = feed.next(0);
      begun = upcoming >= 0;
    }
    return begun;
  }

  /** Returns whether the next batch was taken and nothing of its work is enqueued. */
  boolean isBatchTaken() {
    return upcoming != NONE;
  }

  /**
   * Enqueues the work of the next batch, which stays the next one if its work cannot be recorded or
   * cannot take its numbers.
   *
   * @param number comes with the batch
   * @return the shape of the batch
   * @throws io.github.cudnn4j.data.RecordException if a record has a number that the work cannot
   *     take
   * @throws IOException if the source fails
   * @throws NoSuchElementException if there is no next batch
   */
  int run(double number) throws IOException {
    if (!hasNext()) {
      throw new NoSuchElementException("the epoch has no other batch");
    }
    int shape = upcoming;
    int which = shape * turns + turn;
    Work work = work(which);
    work.in.check();
    if (capture && work.capturable && warm[which] && graphs[which] == null) {
      CapturedGraph captured = GraphCapture.ifPossible(device.stream(), () -> enqueue(shape, work));
      if (captured == null) {
        capture = false;
      } else {
        graphs[which] = parts.add(captured);
      }
    }
    upcoming = NONE;
    feed.number(number);
    tokens += feed.steps();
    CapturedGraph graph = graphs[which];
    try (var _ = STEP.begin()) {
      if (graph != null) {
        graph.launch();
      } else {
        enqueue(shape, work);
        warm[which] = true;
      }
    }
    feed.done();
    turn = (turn + 1) % turns;
    return shape;
  }

  private void enqueue(int shape, Work work) {
    feed.fetch(shape);
    work.enqueue.run();
  }

  @Override
  public void close() {
    parts.close();
  }
}
