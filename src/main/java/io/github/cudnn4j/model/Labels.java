package io.github.cudnn4j.model;

import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** What a model can find, numbered from 0. Immutable. */
final class Labels {

  private final List<String> names;
  private final Map<String, Integer> numbers = new HashMap<>();

  /**
   * Numbers labels.
   *
   * @throws IllegalArgumentException if there are fewer than two, or one is there twice
   */
  Labels(List<String> names) {
    this.names = List.copyOf(names);
    if (names.size() < 2) {
      throw new IllegalArgumentException("labels are " + names + ", must be at least 2");
    }
    for (String name : names) {
      if (numbers.put(name, numbers.size()) != null) {
        throw new IllegalArgumentException("label " + name + " is listed twice");
      }
    }
  }

  int size() {
    return names.size();
  }

  List<String> names() {
    return names;
  }

  String name(int number) {
    return names.get(number);
  }

  /**
   * Returns the number of a label.
   *
   * @throws IllegalArgumentException if it is none of these
   */
  int number(String name) {
    Integer number = numbers.get(name);
    if (number == null) {
      throw new IllegalArgumentException("label " + name + " is none of the model's");
    }
    return number;
  }
}
