package io.github.cudnn4j.tape;

import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.Parts;
import io.github.cudnn4j.rnn.Rnn;
import io.github.cudnn4j.rnn.RnnConfig;
import io.github.cudnn4j.rnn.RnnStates;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * The state of a recurrent network that goes from one window of a sequence to the next: truncated
 * backpropagation through time carries the state and cuts the gradient.
 *
 * <p>Every buffer is {@code [L·D, B, P]} (h) or {@code [L·D, B, H]} (c) of the network's element
 * type, in device memory. An owner of its buffers; it belongs to the device's thread and works on
 * the device's stream.
 *
 * @see <a href="https://doi.org/10.1162/neco.1990.2.4.490">Williams and Peng, 1990</a>
 */
public final class CarriedState implements AutoCloseable {

  private final int batch;
  private final Parts parts = new Parts();
  private final List<DeviceBuffer> initial = new ArrayList<>();
  private final List<DeviceBuffer> last = new ArrayList<>();
  private final RnnStates states;

  private CarriedState(Rnn rnn, int batch) {
    this.batch = batch;
    RnnConfig config = rnn.config();
    try {
      for (int i = 0; i < (config.hasCellState() ? 2 : 1); i++) {
        int width = i == 0 ? config.projectionSize() : config.hiddenSize();
        long elements = (long) config.pseudoLayers() * batch * width;
        initial.add(parts.add(DeviceBuffer.allocate(rnn.device(), config.type(), elements)));
        last.add(parts.add(DeviceBuffer.allocate(rnn.device(), config.type(), elements)));
      }
      reset();
    } catch (RuntimeException | Error e) {
      throw parts.abandon(e);
    }
    states = new RnnStates(initial.get(0), cell(initial), last.get(0), cell(last));
  }

  /**
   * Makes the state of {@code batch} parallel sequences, zero at first.
   *
   * @throws IllegalArgumentException if {@code batch} is not positive, or a state would have
   *     2<sup>31</sup> elements or more
   */
  public static CarriedState create(Rnn rnn, int batch) {
    if (batch <= 0) {
      throw new IllegalArgumentException("batch " + batch + ", at least 1 is needed");
    }
    RnnConfig config = rnn.config();
    int most = Integer.MAX_VALUE / config.pseudoLayers() / config.hiddenSize();
    if (batch > most) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "batch %d, at most %d with %d x %d elements of state each",
              batch,
              most,
              config.pseudoLayers(),
              config.hiddenSize()));
    }
    return new CarriedState(rnn, batch);
  }

  /** Returns the number of parallel sequences, B. */
  public int batch() {
    return batch;
  }

  /** Returns the initial and final states to pass to the network, always the same buffers. */
  public RnnStates states() {
    return states;
  }

  /** Enqueues setting the state to zero. */
  public void reset() {
    for (int i = 0; i < initial.size(); i++) {
      initial.get(i).clear();
      last.get(i).clear();
    }
  }

  /** Enqueues making the final state the next window's initial state. */
  public void carry() {
    for (int i = 0; i < initial.size(); i++) {
      initial.get(i).copyFrom(last.get(i));
    }
  }

  /** Returns the initial states: hx, then cx if the cell has it. */
  public List<DeviceBuffer> buffers() {
    return List.copyOf(initial);
  }

  @Override
  public void close() {
    parts.close();
  }

  private static @Nullable DeviceBuffer cell(List<DeviceBuffer> buffers) {
    return buffers.size() > 1 ? buffers.get(1) : null;
  }
}
