package io.github.cudnn4j.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.cudnn4j.bindings.Cudart;
import io.github.cudnn4j.cuda.CudaException;
import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.library.HostControl;
import io.github.cudnn4j.model.InferenceSession.Client;
import io.github.cudnn4j.rnn.RnnConfig;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class InferenceSessionTest {
  private static final int THREADS = 16;
  private static final int STEPS = 24;
  private static final String CHARACTERS = "abcdefghijklmnop";

  private static LanguageModel model(Device device) {
    return LanguageModel.create(
        device,
        Vocabulary.of(CHARACTERS),
        LanguageModelConfig.of(RnnConfig.lstm(8, 24).layers(2)).seed(3));
  }

  /** Two sequences, one after the other, whose tokens depend on what came out. */
  private static List<float[]> converse(InferenceSession session, int seed) {
    List<float[]> all = new ArrayList<>();
    SplittableRandom random = new SplittableRandom(seed);
    try (Client client = session.open()) {
      for (int i = 0; i < STEPS; i++) {
        if (i == STEPS / 3) {
          client.reset();
        }
        float[] before = all.isEmpty() ? null : all.getLast();
        int token = before == null ? seed + 1 : Sampling.temperature(1).draw(before, random);
        all.add(client.step(token).clone());
      }
    }
    return all;
  }

  private static List<List<float[]>> together(InferenceSession session, boolean virtual)
      throws Exception {
    var threads = virtual ? Thread.ofVirtual().factory() : Thread.ofPlatform().factory();
    List<Future<List<float[]>>> futures = new ArrayList<>();
    CyclicBarrier barrier = new CyclicBarrier(THREADS);
    try (var executor = Executors.newThreadPerTaskExecutor(threads)) {
      for (int i = 0; i < THREADS; i++) {
        int seed = i;
        futures.add(
            executor.submit(
                () -> {
                  barrier.await();
                  return converse(session, seed);
                }));
      }
    }
    List<List<float[]>> results = new ArrayList<>();
    for (var future : futures) {
      results.add(future.get());
    }
    return results;
  }

  /** Rows of a batch do not meet, so that with one batch size nobody notices the others. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void sixteenThreadsGetTheBitsOfOneAlone(boolean virtual) throws Exception {
    try (Device device = Device.open();
        LanguageModel model = model(device);
        InferenceSession session = InferenceSession.start(model.steps(THREADS, THREADS))) {
      List<List<float[]>> alone = new ArrayList<>();
      for (int seed = 0; seed < THREADS; seed++) {
        alone.add(converse(session, seed));
      }
      List<List<float[]>> found = together(session, virtual);
      for (int seed = 0; seed < THREADS; seed++) {
        for (int i = 0; i < STEPS; i++) {
          assertArrayEquals(
              alone.get(seed).get(i), found.get(seed).get(i), "client " + seed + ", step " + i);
        }
      }
    }
  }

  @Test
  void batchesOfSeveralSizesRoundAlike() throws Exception {
    List<List<float[]>> alone = new ArrayList<>();
    List<List<float[]>> found;
    try (Device device = Device.open();
        LanguageModel model = model(device)) {
      try (InferenceSession session = InferenceSession.start(model.steps(1, 1))) {
        for (int seed = 0; seed < THREADS; seed++) {
          alone.add(converse(session, seed));
        }
      }
      try (InferenceSession session = InferenceSession.start(model.steps(THREADS, 1, 2, 4, 8))) {
        found = together(session, false);
      }
    }
    for (int seed = 0; seed < THREADS; seed++) {
      for (int i = 0; i < STEPS; i++) {
        assertArrayEquals(
            alone.get(seed).get(i), found.get(seed).get(i), 1e-4f, "client " + seed + ", " + i);
      }
    }
  }

  /** A step that can be held, and that can be made to fail. */
  private static final class Gate implements Runnable, AutoCloseable {
    private final Semaphore entered = new Semaphore(0);
    private final Semaphore passes = new Semaphore(1_000_000);
    private final AtomicInteger steps = new AtomicInteger();
    private volatile RuntimeException failure;

    @Override
    public void run() {
      steps.incrementAndGet();
      entered.release();
      passes.acquireUninterruptibly();
      if (failure != null) {
        throw failure;
      }
    }

    /** Returns the steps of a session for {@code clients}, which none has begun. */
    InferenceSession session(Device device, int clients) {
      InferenceSession session =
          InferenceSession.start(
              StepRunner.ofTokens(
                  device,
                  Precision.FP32,
                  CountingNetwork.with(this),
                  CountingNetwork.STATES,
                  clients,
                  clients));
      entered.drainPermits();
      steps.set(0);
      return session;
    }

    void hold() {
      passes.drainPermits();
    }

    void release() {
      passes.release(1_000);
    }

    /** Before the session's close, which waits for the step. */
    @Override
    public void close() {
      release();
    }
  }

  private static <T> FutureTask<T> inThread(Callable<T> action) {
    FutureTask<T> task = new FutureTask<>(action);
    Thread thread = new Thread(task);
    thread.start();
    return task;
  }

  /** Starts a thread that takes a step, and returns when it waits for the answer. */
  private static FutureTask<float[]> waiting(Client client, int token) {
    FutureTask<float[]> task = new FutureTask<>(() -> client.step(token).clone());
    Thread thread = new Thread(task);
    thread.start();
    while (thread.getState() != Thread.State.WAITING) {
      Thread.onSpinWait();
    }
    return task;
  }

  @Test
  void thoseThatWaitAreTakenTogether() throws Exception {
    Gate gate = new Gate();
    try (Device device = Device.open();
        InferenceSession session = gate.session(device, 6);
        gate) {
      gate.hold();
      List<FutureTask<float[]>> tasks = new ArrayList<>();
      tasks.add(waiting(session.open(), 0));
      gate.entered.acquire();
      for (int i = 1; i < 6; i++) {
        tasks.add(waiting(session.open(), i % 4));
      }
      gate.release();
      for (int i = 0; i < 6; i++) {
        float[] expected = new float[4];
        expected[i % 4] = 1;
        assertArrayEquals(expected, tasks.get(i).get());
      }
      assertEquals(2, gate.steps.get());
    }
  }

  @Test
  void nobodyWaitsForeverForThoseThatWereThereBefore() throws Exception {
    Gate gate = new Gate();
    try (Device device = Device.open();
        InferenceSession session = gate.session(device, 3);
        gate) {
      gate.hold();
      Client stays = session.open();
      FutureTask<float[]> first = waiting(session.open(), 0);
      gate.entered.acquire();
      FutureTask<float[]> second = waiting(session.open(), 1);
      FutureTask<float[]> third = waiting(stays, 2);
      gate.release();
      first.get();
      second.get();
      third.get();
      for (int step = 0; step < 3; step++) {
        stays.step(3);
      }
      assertEquals(5, gate.steps.get());
    }
  }

  @Test
  void clientsThatWaitLearnThatTheSessionIsClosed() throws Exception {
    Gate gate = new Gate();
    try (Device device = Device.open();
        gate) {
      InferenceSession session = gate.session(device, 3);
      gate.hold();
      Client first = session.open();
      FutureTask<float[]> served = waiting(first, 1);
      gate.entered.acquire();
      List<FutureTask<float[]>> others =
          List.of(waiting(session.open(), 1), waiting(session.open(), 2));
      FutureTask<Void> closing =
          inThread(
              () -> {
                session.close();
                return null;
              });
      // Closed for new ones from some moment on; until then all places are taken.
      while (!"the session is closed"
          .equals(assertThrows(IllegalStateException.class, session::open).getMessage())) {
        Thread.onSpinWait();
      }
      gate.release();
      closing.get();
      assertArrayEquals(new float[] {0, 1, 0, 0}, served.get());
      for (FutureTask<float[]> other : others) {
        Throwable cause = assertThrows(ExecutionException.class, other::get).getCause();
        assertEquals(IllegalStateException.class, cause.getClass());
        assertEquals("the session is closed", cause.getMessage());
      }
      illegalState("the session is closed", () -> first.step(1));
      session.close();
      first.close();
      assertEquals(1, gate.steps.get());
      device.synchronize();
    }
  }

  @Test
  void aFailureReachesTheClientsOfTheStep() throws Exception {
    Gate gate = new Gate();
    try (Device device = Device.open();
        InferenceSession session = gate.session(device, 3);
        gate;
        Client client = session.open();
        Client other = session.open()) {
      client.step(1);
      other.step(2);
      gate.failure = new IllegalStateException("of the device");
      Throwable failure =
          illegalState(
              "the step failed: java.lang.IllegalStateException: of the device",
              () -> client.step(1));
      assertSame(gate.failure, failure.getCause());
      gate.failure = null;
      assertArrayEquals(new float[] {0, 0, 2, 0}, other.step(2), "another goes on");
      illegalState("the step before failed, reset the client", () -> client.step(1));
      client.reset();
      assertArrayEquals(new float[] {0, 0, 0, 1}, client.step(3));
      assertArrayEquals(new float[] {0, 0, 1, 1}, client.step(2));
    }
  }

  /** Whatever the device has begun of a step that fails, the next step has nothing of it. */
  @Test
  void whatFailsOnTheDeviceIsNobodyElses() {
    assumeTrue(HostControl.ifHost().isPresent(), "only the host device can be made to fail");
    HostControl host = HostControl.get();
    StepNetwork eager = CountingNetwork.with(() -> {});
    try (Device device = Device.open();
        InferenceSession session =
            InferenceSession.start(
                StepRunner.ofTokens(device, Precision.FP32, eager, CountingNetwork.STATES, 2, 1));
        Client client = session.open();
        Client other = session.open()) {
      client.step(0);
      int failures = 0;
      for (boolean failed = true; failed; failures += failed ? 1 : 0) {
        client.reset();
        host.fail(null, failures + 1, Cudart.cudaErrorUnknown(), false);
        try {
          client.step(1);
          failed = false;
        } catch (IllegalStateException e) {
          assertInstanceOf(CudaException.class, e.getCause());
        } finally {
          host.clearFault();
        }
        assertArrayEquals(new float[] {0, 0, failures + 1, 0}, other.step(2));
        client.reset();
        assertArrayEquals(new float[] {0, 0, 0, 1}, client.step(3));
      }
      assertTrue(failures > 4, failures + " failures");
    }
  }

  @Test
  void aClientIsForOneThreadAtATime() throws Exception {
    Gate gate = new Gate();
    try (Device device = Device.open();
        InferenceSession session = gate.session(device, 1);
        gate) {
      Client client = session.open();
      gate.hold();
      AtomicReference<Thread> user = new AtomicReference<>();
      FutureTask<float[]> task =
          inThread(
              () -> {
                user.set(Thread.currentThread());
                return client.step(1).clone();
              });
      gate.entered.acquire();
      String used =
          "the client is used by thread #%d '%s', and is for one at a time"
              .formatted(user.get().threadId(), user.get().getName());
      illegalState(used, () -> client.step(1));
      illegalState(used, client::reset);
      illegalState(used, client::close);
      gate.release();
      assertArrayEquals(new float[] {0, 1, 0, 0}, task.get());
      assertArrayEquals(new float[] {0, 2, 0, 0}, client.step(1));
    }
  }

  /** What interrupts a client is seen by it when it has its answer. */
  @Test
  void anInterruptedClientGetsItsAnswer() throws Exception {
    Gate gate = new Gate();
    try (Device device = Device.open();
        InferenceSession session = gate.session(device, 1);
        gate) {
      Client client = session.open();
      gate.hold();
      AtomicReference<Thread> user = new AtomicReference<>();
      FutureTask<Boolean> task =
          inThread(
              () -> {
                user.set(Thread.currentThread());
                client.step(1);
                return Thread.interrupted();
              });
      gate.entered.acquire();
      user.get().interrupt();
      gate.release();
      assertTrue(task.get());
    }
  }

  @Test
  void placesAreGivenBackAndBeginWithZero() {
    try (Device device = Device.open();
        InferenceSession session =
            InferenceSession.start(
                StepRunner.ofTokens(
                    device,
                    Precision.FP32,
                    CountingNetwork.NETWORK,
                    CountingNetwork.STATES,
                    2,
                    1,
                    2))) {
      Client first = session.open();
      Client second = session.open();
      illegalState("all 2 places are taken, close a client or make more of them", session::open);
      first.step(1);
      second.step(2);
      first.close();
      first.close();
      illegalState("the client is closed", () -> first.step(1));
      Client third = session.open();
      assertArrayEquals(new float[] {1, 0, 0, 0}, third.step(0));
      assertArrayEquals(new float[] {0, 0, 1, 1}, second.step(3));
      for (int token : new int[] {-1, 4}) {
        assertEquals(
            "token is " + token + ", must be 0 to 3",
            assertThrows(IllegalArgumentException.class, () -> second.step(token)).getMessage());
      }
      illegalState("the network reads tokens, no vectors", () -> second.step(new float[1]));
      assertThrows(WrongThreadException.class, device::synchronize);
    }
  }

  @Test
  void theRunnerOfAnotherThreadStaysOpen() throws Exception {
    try (Device device = Device.open();
        StepRunner runner =
            StepRunner.ofTokens(
                device, Precision.FP32, CountingNetwork.NETWORK, CountingNetwork.STATES, 1, 1)) {
      assertThrows(
          WrongThreadException.class,
          () -> {
            try {
              inThread(() -> InferenceSession.start(runner)).get();
            } catch (ExecutionException e) {
              throw e.getCause();
            }
          });
      assertArrayEquals(new float[] {0, 1, 0, 0}, runner.advance(new int[1], new int[] {1})[0]);
    }
  }

  private static IllegalStateException illegalState(String message, Runnable action) {
    IllegalStateException e = assertThrows(IllegalStateException.class, action::run);
    assertEquals(message, e.getMessage());
    return e;
  }
}
