package io.github.cudnn4j.tape;

import java.util.ArrayList;
import java.util.List;

/**
 * What became of the tensors when weights were loaded.
 *
 * @param loaded the tensors that have other weights, by their names in the set
 * @param missing those that the file does not have, which keep their weights
 * @param leftOver the tensors that only the file has, by their names in it
 * @param otherShape the tensors of another shape in the file, which keep their weights, each with
 *     both shapes
 */
public record LoadReport(
    List<String> loaded, List<String> missing, List<String> leftOver, List<String> otherShape) {

  /** Copies the lists. */
  public LoadReport {
    loaded = List.copyOf(loaded);
    missing = List.copyOf(missing);
    leftOver = List.copyOf(leftOver);
    otherShape = List.copyOf(otherShape);
  }

  /** Tells whether file and set have the same tensors. */
  public boolean isComplete() {
    return missing.isEmpty() && leftOver.isEmpty() && otherShape.isEmpty();
  }

  /** How much was loaded, and what does not fit. */
  @Override
  public String toString() {
    String count = loaded.size() + " tensors loaded";
    return isComplete() ? count : count + "; " + problems();
  }

  /** What does not fit. */
  String problems() {
    var problems = new ArrayList<>(otherShape);
    if (!missing.isEmpty()) {
      problems.add("missing in the file: " + String.join(", ", missing));
    }
    if (!leftOver.isEmpty()) {
      problems.add("only in the file: " + String.join(", ", leftOver));
    }
    return String.join("; ", problems);
  }
}
