package io.github.cudnn4j.tape;

import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.rnn.RnnConfig;
import io.github.cudnn4j.rnn.RnnStates;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * The states of a tape's networks that go from one forward to the next.
 *
 * <p>Every buffer is {@code [L·D, B, P]} (h) or {@code [L·D, B, H]} (c) of the tape's element type,
 * owned by the tape.
 */
final class CarriedStates {

  private final List<DeviceBuffer> initial = new ArrayList<>();
  private final List<DeviceBuffer> last = new ArrayList<>();
  private final List<Integer> widths = new ArrayList<>();

  /** Allocates the states of one more network, zero at first. */
  RnnStates add(Tape tape, RnnConfig config, int batch) {
    DeviceBuffer hx = add(tape, config, batch, config.projectionSize());
    DeviceBuffer hy = last.getLast();
    if (!config.hasCellState()) {
      return new RnnStates(hx, null, hy, null);
    }
    return new RnnStates(hx, add(tape, config, batch, config.hiddenSize()), hy, last.getLast());
  }

  private DeviceBuffer add(Tape tape, RnnConfig config, int batch, int width) {
    long elements = (long) config.pseudoLayers() * batch * width;
    DeviceBuffer buffer = tape.zeroed(config.type(), elements);
    last.add(tape.zeroed(config.type(), elements));
    initial.add(buffer);
    widths.add(width);
    return buffer;
  }

  /** Enqueues setting all states to zero. */
  void reset() {
    for (int i = 0; i < initial.size(); i++) {
      initial.get(i).clear();
      last.get(i).clear();
    }
  }

  /** Enqueues making the final states the next forward's initial ones. */
  void carry() {
    for (int i = 0; i < initial.size(); i++) {
      initial.get(i).copyFrom(last.get(i));
    }
  }

  /** Returns the initial states in the order of {@link #add}: of each network h, then c. */
  List<DeviceBuffer> initial() {
    return Collections.unmodifiableList(initial);
  }

  /** Returns H or P of each. */
  List<Integer> widths() {
    return Collections.unmodifiableList(widths);
  }
}
