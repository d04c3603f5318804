package io.github.cudnn4j.model;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.Parts;
import io.github.cudnn4j.cuda.Precision;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Objects;

/**
 * Runs a network step by step for many sequences, whose states stay on the device.
 *
 * <pre>
 *   store [layers, places, width] --gather--> state [layers, B, width] --+
 *                                                                         +--> network --> logits
 *   tokens [1, B] or vectors [1, B, F] -----------------------------------+       |
 *   store [layers, places, width] &lt;--scatter-- state [layers, B, width] &lt;---------+
 * </pre>
 *
 * <p>A sequence has a place in the store. A step takes the states of those that it advances out of
 * the store and puts the new ones back. The network is recorded, and captured as one graph, once
 * for each batch size; a step of fewer sequences is run by the smallest batch that holds them.
 *
 * <p>With as many places as the one batch size it is the {@link StepFunction} of a {@link
 * BeamSearch}; in an {@link InferenceSession} it serves clients. It owns its states and
 * activations, borrows the weights, which are read as they are at each step, and belongs to the
 * device's thread.
 */
public final class StepRunner implements StepFunction, AutoCloseable {

  private final Device device;
  private final int features;
  private final int places;
  private final Parts parts = new Parts();
  private final List<DeviceBuffer> store = new ArrayList<>();
  private final List<StepPlan> plans = new ArrayList<>();
  private float[][] logits = {};

  private StepRunner(
      Device device,
      Precision precision,
      StepNetwork network,
      List<StepNetwork.State> states,
      int features,
      int places,
      int... batches) {
    this.device = Objects.requireNonNull(device, "device");
    this.features = features;
    this.places = places;
    if (places < 1) {
      throw new IllegalArgumentException("places is " + places + ", must be 1 or more");
    }
    if (features < 0) {
      throw new IllegalArgumentException("features is " + features + ", must be 0 or more");
    }
    if (batches.length == 0 || Arrays.stream(batches).min().orElse(0) < 1) {
      throw new IllegalArgumentException(
          "batches are " + Arrays.toString(batches) + ", at least one of 1 or more is needed");
    }
    try {
      for (StepNetwork.State state : states) {
        long rows = (long) state.layers() * places;
        if (rows > Integer.MAX_VALUE) {
          throw new IllegalArgumentException(
              String.format(
                  Locale.ROOT,
                  "%d places of %d layers, at most %d are possible",
                  places,
                  state.layers(),
                  Integer.MAX_VALUE / state.layers()));
        }
        store.add(parts.add(DeviceBuffer.allocate(device, precision.type(), rows * state.width())));
      }
      reset();
      for (int rows : Arrays.stream(batches).sorted().distinct().toArray()) {
        plans.add(
            parts.add(
                new StepPlan(device, precision, network, rows, features, states, store, places)));
      }
    } catch (RuntimeException | Error e) {
      throw parts.abandon(e);
    }
  }

  /**
   * Makes a runner of a network that reads tokens.
   *
   * @param states the extents of the network's states
   * @param places how many sequences have a state
   * @param batches how many sequences a step may have, any number of them, in any order
   * @throws IllegalArgumentException if there is no place or no batch, or the network gives other
   *     states than it takes
   * @throws io.github.cudnn4j.cuda.DeviceOutOfMemoryException if it does not fit into the device
   */
  public static StepRunner ofTokens(
      Device device,
      Precision precision,
      StepNetwork network,
      List<StepNetwork.State> states,
      int places,
      int... batches) {
    return new StepRunner(device, precision, network, states, 0, places, batches);
  }

  /**
   * As {@link #ofTokens}, of a network that reads vectors.
   *
   * @param features how long a vector is, F
   */
  public static StepRunner ofFloats(
      Device device,
      Precision precision,
      StepNetwork network,
      List<StepNetwork.State> states,
      int features,
      int places,
      int... batches) {
    if (features < 1) {
      throw new IllegalArgumentException("features is " + features + ", must be 1 or more");
    }
    return new StepRunner(device, precision, network, states, features, places, batches);
  }

  /** Returns the device whose memory and stream are used. */
  public Device device() {
    return device;
  }

  /** Returns how many sequences have a state. */
  public int places() {
    return places;
  }

  /** Returns how many sequences a step has at most. */
  public int largestBatch() {
    return plans.getLast().rows();
  }

  /** Returns how many logits a sequence gets, V. */
  public int classes() {
    return plans.getFirst().classes();
  }

  /** Returns how long a vector is that a sequence reads; 0 if it reads tokens. */
  public int features() {
    return features;
  }

  /**
   * Returns the memory of one of the states of all places, {@code [layers, places, width]}, to be
   * read, or to be written before a search, such as with what an encoder gives.
   *
   * @throws IndexOutOfBoundsException if there is no such state
   */
  public DeviceBuffer state(int index) {
    return store.get(index);
  }

  /** Enqueues setting all states to zero. */
  public void reset() {
    store.forEach(DeviceBuffer::clear);
  }

  /**
   * {@inheritDoc}
   *
   * <p>The states of all places are replaced, so they are those of the last call; {@link #reset}
   * before another search, or write the initial ones: that of a search's sequence <i>i</i> is the
   * one at place <i>i</i>. Waits for the device.
   *
   * @throws IllegalArgumentException if the rows are not as many as the places, a parent is none,
   *     or a symbol is no token that the network can read
   * @throws IllegalStateException if this is closed or reads vectors
   */
  @Override
  public float[][] advance(int[] parents, int[] symbols) {
    if (features > 0) {
      throw new IllegalStateException("a search reads symbols, this network reads vectors");
    }
    if (parents.length != places || symbols.length != places || largestBatch() < places) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "%d rows for %d places, in batches of up to %d; a search needs as many of each",
              parents.length,
              places,
              largestBatch()));
    }
    StepPlan plan = plan(places);
    for (int row = 0; row < places; row++) {
      if (parents[row] < 0 || parents[row] >= places) {
        throw new IllegalArgumentException(
            "parent " + row + " is " + parents[row] + ", must be in [0, " + places + ")");
      }
      checkToken(symbols[row]);
      plan.set(row, symbols[row], parents[row], row);
    }
    run(plan, places);
    if (logits.length == 0) {
      logits = new float[places][classes()];
    }
    for (int row = 0; row < places; row++) {
      plan.logits(row, logits[row]);
    }
    return logits;
  }

  /** Refuses a token that the network cannot read. */
  void checkToken(int token) {
    int most = plans.getFirst().mostToken();
    if (token < 0 || token > most) {
      throw new IllegalArgumentException("token is " + token + ", must be 0 to " + most);
    }
  }

  /** Returns the plan for the smallest batch of at least {@code rows}. */
  StepPlan plan(int rows) {
    int i = 0;
    while (plans.get(i).rows() < rows) {
      i++;
    }
    return plans.get(i);
  }

  /** Runs a plan whose first rows were set; the others are nobody's. */
  void run(StepPlan plan, int rows) {
    for (int row = rows; row < plan.rows(); row++) {
      plan.set(row, -1, -1, -1);
    }
    plan.run();
  }

  /** Frees the states and the activations. Safe to call twice. */
  @Override
  public void close() {
    parts.close();
  }
}
