package io.github.cudnn4j.tape;

import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.Launch;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;

/**
 * Which operations of a tape take which tensors, so that each only has to overwrite gradients.
 *
 * <p>The first operation that takes a tensor is the last to be played backwards. It writes into the
 * tensor's own gradient, all others into buffers of their own, which are added when it has. To the
 * gradient of a parameter, which may hold something from before, everything is added; an operation
 * that can do so itself needs no buffer for it.
 */
final class Uses {

  private final Tape tape;

  /**
   * The place of the first operation that takes a tensor, by the gradient, which the tensor's views
   * share; -1 of those that none takes yet.
   */
  private final Map<DeviceBuffer, Integer> firstUses = new IdentityHashMap<>();

  /** What is to be added after the operation at a place. */
  private final Map<Integer, List<Launch>> additions = new HashMap<>();

  /** What the operation at a place adds to, although it is to overwrite. */
  private final Map<Integer, List<DeviceBuffer>> cleared = new HashMap<>();

  /** What becomes of this when the operation being recorded exists. */
  private final List<Runnable> pending = new ArrayList<>();

  Uses(Tape tape) {
    this.tape = tape;
  }

  /** Notes a tensor whose gradient belongs to the tape. */
  void produced(Tensor tensor) {
    if (tensor.gradient() != null) {
      firstUses.put(tensor.gradient(), -1);
    }
  }

  /**
   * Returns an operation's inputs with the gradients that it overwrites, and behind them its
   * weights with the gradients that it adds to.
   */
  List<Tensor> of(int place, List<Tensor> inputs, List<Tensor> weights) {
    pending.clear();
    List<Tensor> uses = new ArrayList<>();
    Map<DeviceBuffer, Integer> firsts = new IdentityHashMap<>();
    for (Tensor input : inputs) {
      uses.add(use(place, input, firsts));
    }
    for (Tensor weight : weights) {
      if (!firstUses.containsKey(weight.gradient())) {
        uses.add(weight);
        continue;
      }
      Tensor use = use(place, weight, firsts);
      uses.add(use);
      pending.add(() -> cleared.computeIfAbsent(place, _ -> new ArrayList<>()).add(use.gradient()));
    }
    return uses;
  }

  private Tensor use(int place, Tensor input, Map<DeviceBuffer, Integer> firsts) {
    DeviceBuffer gradient = input.gradient();
    if (gradient == null || !tape.isTraining()) {
      return new Tensor(input.value(), null, input.shape());
    }
    Integer known = firstUses.get(gradient);
    int first = known == null ? place : known >= 0 ? known : firsts.getOrDefault(gradient, -1);
    if (first < 0) {
      firsts.put(gradient, place);
      pending.add(() -> firstUses.put(gradient, place));
      return input;
    }
    DeviceBuffer own = tape.buffer(input.type(), input.elements());
    Launch addition =
        tape.own(
            tape.kernel("elementwise", "add", input.type())
                .overElements(own.elements(), own, gradient, gradient, own.elements()));
    pending.add(() -> additions.computeIfAbsent(first, _ -> new ArrayList<>()).add(addition));
    return new Tensor(input.value(), own, input.shape());
  }

  /** Takes the inputs of the last {@link #of} for used: their operation is recorded. */
  void commit() {
    pending.forEach(Runnable::run);
    pending.clear();
  }

  /** Enqueues what the operation at a place needs to be zero. */
  void beforeBackward(int place) {
    List<DeviceBuffer> gradients = cleared.get(place);
    for (int i = 0; gradients != null && i < gradients.size(); i++) {
      gradients.get(i).clear();
    }
  }

  /** Enqueues what is to be added after the operation at a place. */
  void afterBackward(int place) {
    List<Launch> launches = additions.get(place);
    for (int i = 0; launches != null && i < launches.size(); i++) {
      launches.get(i).run();
    }
  }
}
