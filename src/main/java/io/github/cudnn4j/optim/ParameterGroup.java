package io.github.cudnn4j.optim;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Parameters that are trained in their own way. Those in no group are trained as the optimizer and
 * the clipping say.
 *
 * <pre>{@code
 * List.of(
 *     ParameterGroup.of("embed.*").frozen(true),
 *     ParameterGroup.of("*.bias*").weightDecay(0),
 *     ParameterGroup.of("head.weight").rateFactor(10))
 * }</pre>
 *
 * @param patterns names, in which {@code *} stands for any characters and {@code ?} for one
 * @param rateFactor what the learning rate is multiplied by
 * @param weightDecay in the optimizer's place; null for the optimizer's
 * @param frozen whether the parameters stay as they are: not even decay moves them, and their
 *     gradients do not count in a norm
 * @param clip how the gradients of this group are clipped, on their own; null for together with all
 *     others
 */
public record ParameterGroup(
    List<String> patterns,
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
    patterns = List.copyOf(patterns);
    Hyperparameters.checkNonNegative("learning-rate factor", rateFactor);
    if (weightDecay != null) {
      Hyperparameters.checkNonNegative("weight decay", weightDecay);
    }
  }

  /** Begins a group, which is trained as all others at first. */
  public static ParameterGroup of(String pattern, String... others) {
    var patterns = new ArrayList<>(List.of(others));
    patterns.addFirst(Objects.requireNonNull(pattern, "pattern"));
    return new ParameterGroup(patterns, 1, null, false, null);
  }

  /** Returns this group with its learning rate multiplied. */
  public ParameterGroup rateFactor(double value) {
    return new ParameterGroup(patterns, value, weightDecay, frozen, clip);
  }

  /** Returns this group with a weight decay of its own. */
  public ParameterGroup weightDecay(double value) {
    return new ParameterGroup(patterns, rateFactor, value, frozen, clip);
  }

  /** Returns this group, frozen or not. */
  public ParameterGroup frozen(boolean value) {
    return new ParameterGroup(patterns, rateFactor, weightDecay, value, clip);
  }

  /** Returns this group with gradients that are clipped on their own. */
  public ParameterGroup clip(Clip value) {
    return new ParameterGroup(patterns, rateFactor, weightDecay, frozen, value);
  }
}
