package io.github.cudnn4j.optim;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Parameters that are trained in their own way. Those in no group are trained as the optimizer and
 * the clipping say.
 *
 * <pre>{@code
 * List.of(
 *     ParameterGroup.of("embed").frozen(true),
 *     ParameterGroup.of("rnn.bias_ih_l0", "rnn.bias_hh_l0", "head.bias").weightDecay(0.0),
 *     ParameterGroup.of("head.weight").rateFactor(10))
 * }</pre>
 *
 * @param names of tensors, or of layers: {@code rnn} stands for all whose names begin with {@code
 *     rnn.}
 * @param rateFactor what the learning rate is multiplied by
 * @param weightDecay in the optimizer's place; null for the optimizer's
 * @param frozen whether the parameters stay as they are: not even decay moves them, and their
 *     gradients do not count in a norm
 * @param clip how the gradients of this group are clipped, on their own; null for together with all
 *     others
 */
public record ParameterGroup(
    List<String> names,
    double rateFactor,
    @Nullable Double weightDecay,
    boolean frozen,
    @Nullable Clip clip) {

  /** The parameters that are in no group. */
  static final ParameterGroup REST = new ParameterGroup(List.of(), 1, null, false, null);

  /**
   * Checks the numbers.
   *
   * @throws IllegalArgumentException if one is negative or not finite
   */
  public ParameterGroup {
    names = List.copyOf(names);
    Hyperparameters.checkNonNegative("learning-rate factor", rateFactor);
    if (weightDecay != null) {
      Hyperparameters.checkNonNegative("weight decay", weightDecay);
    }
  }

  /** Begins a group, which is trained as all others at first. */
  public static ParameterGroup of(String name, String... others) {
    var names = new ArrayList<>(List.of(others));
    names.addFirst(Objects.requireNonNull(name, "name"));
    return of(names);
  }

  /**
   * As {@link #of(String, String...)}.
   *
   * @throws IllegalArgumentException if there are no names
   */
  public static ParameterGroup of(Collection<String> names) {
    if (names.isEmpty()) {
      throw new IllegalArgumentException("a group of no parameters");
    }
    return new ParameterGroup(List.copyOf(names), 1, null, false, null);
  }

  /** Returns this group with its learning rate multiplied. */
  public ParameterGroup rateFactor(double value) {
    return new ParameterGroup(names, value, weightDecay, frozen, clip);
  }

  /** Returns this group with a weight decay of its own. */
  public ParameterGroup weightDecay(double value) {
    return new ParameterGroup(names, rateFactor, value, frozen, clip);
  }

  /** Returns this group, frozen or not. */
  public ParameterGroup frozen(boolean value) {
    return new ParameterGroup(names, rateFactor, weightDecay, value, clip);
  }

  /** Returns this group with gradients that are clipped on their own. */
  public ParameterGroup clip(Clip value) {
    return new ParameterGroup(names, rateFactor, weightDecay, frozen, value);
  }
}
