package io.github.cudnn4j.train;

import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Counts the spans, such as names in a sentence, that tags {@code B-TYPE}, {@code I-TYPE} and
 * {@code O} stand for. A span is found where one with the same beginning, end and type is
 * predicted. Not for concurrent use.
 *
 * @see <a href="https://github.com/chakki-works/seqeval">seqeval, whose definitions these are</a>
 */
public final class SpanScore {

  private static final String OUTSIDE = "O";

  private record Span(String type, int begin, int end) {}

  private final boolean strict;
  private final Map<String, PrecisionRecall> types = new TreeMap<>();

  private SpanScore(boolean strict) {
    this.strict = strict;
  }

  /**
   * Returns one by which an {@code I-TYPE} that no tag of its type precedes begins a span, as the
   * CoNLL evaluation has it: seqeval's default.
   */
  public static SpanScore lenient() {
    return new SpanScore(false);
  }

  /**
   * Returns one by which only a {@code B-TYPE} begins a span, and an {@code I-TYPE} elsewhere is
   * part of none: seqeval's strict mode with IOB2.
   */
  public static SpanScore iob2() {
    return new SpanScore(true);
  }

  /**
   * Counts the spans of a sequence.
   *
   * @param actual the right tags
   * @param predicted as many
   * @throws IllegalArgumentException if there are more of one than of the other, or a tag is none;
   *     nothing is counted then
   */
  public void add(List<String> actual, List<String> predicted) {
    if (actual.size() != predicted.size()) {
      throw new IllegalArgumentException(predicted.size() + " predicted tags for " + actual.size());
    }
    Set<Span> there = spans(actual);
    Set<Span> found = spans(predicted);
    for (Span span : there) {
      count(span, found.contains(span) ? 1 : 0, 0, 1);
    }
    for (Span span : found) {
      count(span, 0, 1, 0);
    }
  }

  private void count(Span span, int correct, int predicted, int actual) {
    types.merge(span.type, new PrecisionRecall(correct, predicted, actual), PrecisionRecall::plus);
  }

  private Set<Span> spans(List<String> tags) {
    Set<Span> spans = new HashSet<>();
    String type = null;
    int begin = 0;
    for (int i = 0; i <= tags.size(); i++) {
      String tag = i == tags.size() ? OUTSIDE : checked(tags.get(i), i);
      String next = tag.equals(OUTSIDE) ? null : tag.substring(2);
      boolean goesOn = tag.charAt(0) == 'I' && next != null && next.equals(type);
      if (goesOn) {
        continue;
      }
      if (type != null) {
        spans.add(new Span(type, begin, i));
      }
      type = strict && tag.charAt(0) == 'I' ? null : next;
      begin = i;
    }
    return spans;
  }

  private static String checked(@Nullable String tag, int at) {
    if (tag == null
        || !tag.equals(OUTSIDE)
            && !((tag.startsWith("B-") || tag.startsWith("I-")) && tag.length() > 2)) {
      throw new IllegalArgumentException(
          "tag " + at + " is " + tag + ", must be O, B-TYPE or I-TYPE");
    }
    return tag;
  }

  /** Returns the types of all spans so far, in the order of their names. */
  public SortedSet<String> types() {
    return new TreeSet<>(types.keySet());
  }

  /** Returns how well spans of one type are found. */
  public PrecisionRecall type(String type) {
    return types.getOrDefault(type, PrecisionRecall.NONE);
  }

  /** Returns how well spans of all types together are found (the micro average). */
  public PrecisionRecall overall() {
    return types.values().stream().reduce(PrecisionRecall.NONE, PrecisionRecall::plus);
  }

  /** Returns the mean of the types' F1, each counting as much as the others; NaN without spans. */
  public double macroF1() {
    return types.values().stream().mapToDouble(PrecisionRecall::f1).average().orElse(Double.NaN);
  }
}
