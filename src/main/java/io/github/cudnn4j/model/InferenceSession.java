package io.github.cudnn4j.model;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Serves a network to many clients, each with a sequence of its own, from any threads, on one
 * device.
 *
 * {@snippet :
 * try (var session = InferenceSession.start(runner)) {
 *   // in any thread, also a virtual one
 *   try (var client = session.open()) {
 *     for (int token : prompt) {
 *       float[] logits = client.step(token);
 *     }
 *   }
 * }
 * }
 *
 * <p>A thread of the session's own has the device. It takes the clients that are waiting, in the
 * order in which they came and at most as many as the largest batch, and advances them by one step
 * together. Then it lets as many come again, but waits for them no longer than a step takes; a
 * client alone waits for nobody. So a client's numbers are computed in batches of several sizes,
 * which may round differently; a runner with a single batch size gives everybody the same bits as
 * if alone.
 *
 * <p>Where clients are many and a step is short, much of the time goes into waking their threads;
 * virtual threads wake fastest.
 *
 * <p>The session and {@link #open} are for all threads, a client for one at a time. While the
 * session is open the device, and all that was made from it, is the session's; then the next thread
 * that uses it gets it.
 */
public final class InferenceSession implements AutoCloseable {

  private final StepRunner runner;
  private final Thread worker;
  private final Object lock = new Object();

  // Guarded by the lock.
  private final Deque<Client> waiting = new ArrayDeque<>();
  private final Deque<Integer> free = new ArrayDeque<>();
  private boolean begun;
  private boolean closed;

  /** How many clients must wait for the worker to be woken. */
  private int wanted = 1;

  /** Written by the worker before it ends. */
  private @Nullable Throwable failure;

  private InferenceSession(StepRunner runner) {
    this.runner = runner;
    for (int place = 0; place < runner.places(); place++) {
      free.add(place);
    }
    worker =
        Thread.ofPlatform().daemon().name("inference on " + runner.device()).unstarted(this::serve);
  }

  /**
   * Starts a session and hands it the device.
   *
   * @param runner whose places are the clients that can be open at a time; closed with the session
   * @throws WrongThreadException if the device belongs to another thread; the runner stays open
   *     then
   * @throws IllegalStateException if the device is closed or this thread captures; the runner stays
   *     open then
   */
  public static InferenceSession start(StepRunner runner) {
    InferenceSession session = new InferenceSession(runner);
    session.worker.start();
    boolean handedOver = false;
    try {
      runner.device().handOver(session.worker);
      handedOver = true;
    } finally {
      session.begin(handedOver);
    }
    return session;
  }

  private void begin(boolean hasDevice) {
    synchronized (lock) {
      begun = hasDevice;
      closed = !hasDevice;
    }
    LockSupport.unpark(worker);
  }

  /**
   * Opens a client, whose state is zero.
   *
   * @throws IllegalStateException if the session is closed, or as many clients are open as the
   *     runner has places
   */
  public Client open() {
    synchronized (lock) {
      if (closed) {
        throw closedFailure();
      }
      Integer place = free.poll();
      if (place == null) {
        throw new IllegalStateException(
            "all " + runner.places() + " places are taken, close a client or make more of them");
      }
      return new Client(place);
    }
  }

  private static IllegalStateException closedFailure() {
    return new IllegalStateException("the session is closed");
  }

  private void serve() {
    List<Client> batch = new ArrayList<>();
    long patience = 0;
    int size = 0;
    while (take(batch, size, System.nanoTime() + patience)) {
      size = batch.size();
      long start = System.nanoTime();
      Throwable failed = null;
      try {
        step(batch);
      } catch (Throwable t) {
        failed = t;
      }
      patience = System.nanoTime() - start;
      for (Client client : batch) {
        client.answer(failed);
      }
      batch.clear();
    }
    synchronized (lock) {
      waiting.forEach(Client::release);
      waiting.clear();
      if (!begun) {
        return;
      }
    }
    try {
      runner.close();
    } catch (RuntimeException | Error e) {
      failure = e;
    }
  }

  /**
   * Waits for so many clients, from some time on for any, and takes those that wait.
   *
   * @return false if the session is closed
   */
  private boolean take(List<Client> batch, int size, long until) {
    while (true) {
      long left = until - System.nanoTime();
      synchronized (lock) {
        if (closed) {
          return false;
        }
        wanted = left > 0 ? size : 1;
        if (begun && !waiting.isEmpty() && waiting.size() >= wanted) {
          while (!waiting.isEmpty() && batch.size() < runner.largestBatch()) {
            batch.add(waiting.remove());
          }
          return true;
        }
      }
      // Nobody but the session ends its thread, and does so by closing it.
      Thread.interrupted();
      if (left > 0) {
        LockSupport.parkNanos(this, left);
      } else {
        LockSupport.park(this);
      }
    }
  }

  private void step(List<Client> batch) {
    int rows = batch.size();
    StepPlan plan = runner.plan(rows);
    for (int row = 0; row < rows; row++) {
      Client client = batch.get(row);
      plan.set(row, client.token, client.fresh ? -1 : client.place, client.place);
      if (client.vector != null) {
        plan.set(row, client.vector);
      }
    }
    runner.run(plan, rows);
    for (int row = 0; row < rows; row++) {
      plan.logits(row, batch.get(row).logits);
    }
  }

  /**
   * Ends the session after the step that is under way: frees the runner, and gives the device up.
   * Clients that wait for another step get an IllegalStateException, as does whoever uses one from
   * then on. Does nothing but wait for that if it was done before.
   *
   * @throws RuntimeException if the runner could not be closed
   */
  @Override
  public void close() {
    synchronized (lock) {
      closed = true;
    }
    LockSupport.unpark(worker);
    boolean interrupted = false;
    while (true) {
      try {
        worker.join();
        break;
      } catch (InterruptedException _) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
    Throwable failed = failure;
    failure = null;
    switch (failed) {
      case null -> {}
      case Error error -> throw error;
      default -> throw (RuntimeException) failed;
    }
  }

  /** One sequence, which the network reads step by step. For one thread at a time. */
  public final class Client implements AutoCloseable {
    private final int place;
    private final float[] logits = new float[runner.classes()];
    private boolean fresh = true;
    private boolean open = true;
    private boolean answered;
    private int token;
    private float @Nullable [] vector;
    private @Nullable Throwable failed;

    /** The thread that waits; null if none does. */
    private volatile @Nullable Thread user;

    private Client(int place) {
      this.place = place;
    }

    /**
     * Reads a token and waits for what the network predicts.
     *
     * @param token a number that the network knows
     * @return the logits {@code [V]} of what follows, overwritten by the next step
     * @throws IllegalArgumentException if the network cannot read the token
     * @throws IllegalStateException if the session or the client is closed, the network reads
     *     vectors, another thread uses the client, or this step failed, which the cause tells, or
     *     the one before and there was no {@link #reset}
     */
    public float[] step(int token) {
      if (runner.features() > 0) {
        throw new IllegalStateException("the network reads vectors, no tokens");
      }
      runner.checkToken(token);
      return step(token, null);
    }

    /**
     * As {@link #step(int)}, for a network that reads vectors.
     *
     * @param vector {@code [F]}
     * @throws IllegalArgumentException if the vector has another length
     */
    public float[] step(float[] vector) {
      if (runner.features() == 0) {
        throw new IllegalStateException("the network reads tokens, no vectors");
      }
      if (vector.length != runner.features()) {
        throw new IllegalArgumentException(
            "a vector of " + vector.length + " numbers, must have " + runner.features());
      }
      return step(-1, vector);
    }

    private float[] step(int nextToken, float @Nullable [] nextVector) {
      boolean wake;
      synchronized (lock) {
        check();
        if (closed) {
          throw closedFailure();
        }
        if (failed != null) {
          throw new IllegalStateException("the step before failed, reset the client", failed);
        }
        token = nextToken;
        vector = nextVector;
        answered = false;
        user = Thread.currentThread();
        waiting.add(this);
        wake = waiting.size() >= wanted;
      }
      if (wake) {
        LockSupport.unpark(worker);
      }
      boolean interrupted = false;
      while (user != null) {
        LockSupport.park(this);
        interrupted |= Thread.interrupted();
      }
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
      if (failed != null) {
        throw new IllegalStateException("the step failed: " + failed, failed);
      }
      if (!answered) {
        throw closedFailure();
      }
      return logits;
    }

    /** To be called under the lock. */
    private void check() {
      Thread other = user;
      if (other != null) {
        throw new IllegalStateException(
            "the client is used by thread #"
                + other.threadId()
                + " '"
                + other.getName()
                + "', and is for one at a time");
      }
      if (!open) {
        throw new IllegalStateException("the client is closed");
      }
    }

    /** Lets the client go on after a step. Called by the worker. */
    private void answer(@Nullable Throwable cause) {
      failed = cause;
      fresh = false;
      answered = true;
      release();
    }

    /** Lets the client go on. Called by the worker. */
    private void release() {
      Thread thread = user;
      user = null;
      LockSupport.unpark(thread);
    }

    /**
     * Makes the state zero, to begin another sequence.
     *
     * @throws IllegalStateException if the client is closed or another thread uses it
     */
    public void reset() {
      synchronized (lock) {
        check();
        fresh = true;
        failed = null;
      }
    }

    /**
     * Gives the place back. Safe to call twice.
     *
     * @throws IllegalStateException if another thread uses the client; it stays open then
     */
    @Override
    public void close() {
      synchronized (lock) {
        if (open) {
          check();
          open = false;
          free.add(place);
        }
      }
    }
  }
}
