package io.github.cudnn4j.tape;

import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** Names with gaps: {@code *} stands for any characters, none included, {@code ?} for one. */
final class NamePattern {

  private NamePattern() {}

  /** Tells which names fit. */
  static Predicate<String> of(String pattern) {
    String expression =
        pattern
            .codePoints()
            .mapToObj(c -> c == '*' ? ".*" : c == '?' ? "." : Pattern.quote(Character.toString(c)))
            .collect(Collectors.joining());
    return Pattern.compile(expression, Pattern.DOTALL).asMatchPredicate();
  }
}
