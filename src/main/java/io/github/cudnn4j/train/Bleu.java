package io.github.cudnn4j.train;

import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Compares translations with the right ones by the words in a row that they have in common: BLEU of
 * a corpus, with up to four words, a penalty for brevity, and exponential smoothing where there are
 * none in common. Words are the caller's, who has split and normalized the texts. Not for
 * concurrent use.
 *
 * @see <a href="https://aclanthology.org/P02-1040">Papineni et al., 2002</a>
 * @see <a href="https://aclanthology.org/W18-6319">Post, 2018 (sacreBLEU), whose numbers these
 *     are</a>
 */
public final class Bleu {

  private static final int ORDERS = 4;

  private final long[] correct = new long[ORDERS];
  private final long[] total = new long[ORDERS];
  private long length;
  private long rightLength;

  /** Has counted nothing. */
  public Bleu() {}

  /**
   * Goes on from {@link #counts}, which may be sums of those of several.
   *
   * @throws IllegalArgumentException if there are more or fewer numbers
   */
  public static Bleu of(double[] counts) {
    if (counts.length != 2 * ORDERS + 2) {
      throw new IllegalArgumentException(
          counts.length + " counts of BLEU, must be " + (2 * ORDERS + 2));
    }
    var bleu = new Bleu();
    for (int i = 0; i < ORDERS; i++) {
      bleu.correct[i] = Math.round(counts[i]);
      bleu.total[i] = Math.round(counts[ORDERS + i]);
    }
    bleu.length = Math.round(counts[2 * ORDERS]);
    bleu.rightLength = Math.round(counts[2 * ORDERS + 1]);
    return bleu;
  }

  /**
   * Counts a translation.
   *
   * @param predicted its words
   * @param references the words of each right translation
   * @throws IllegalArgumentException if there is no right translation
   */
  public void add(List<String> predicted, List<List<String>> references) {
    if (references.isEmpty()) {
      throw new IllegalArgumentException("a translation without a right one to compare it with");
    }
    length += predicted.size();
    rightLength += closest(predicted.size(), references);
    for (int order = 1; order <= ORDERS; order++) {
      Map<List<String>, Integer> most = new HashMap<>();
      for (List<String> reference : references) {
        ngrams(reference, order).forEach((ngram, count) -> most.merge(ngram, count, Math::max));
      }
      for (var ngram : ngrams(predicted, order).entrySet()) {
        correct[order - 1] += Math.min(ngram.getValue(), most.getOrDefault(ngram.getKey(), 0));
        total[order - 1] += ngram.getValue();
      }
    }
  }

  /** Returns the length that is closest, the shorter of two that are as close. */
  private static int closest(int length, List<List<String>> references) {
    int closest = references.getFirst().size();
    for (List<String> reference : references) {
      int difference = Math.abs(reference.size() - length) - Math.abs(closest - length);
      if (difference < 0 || difference == 0 && reference.size() < closest) {
        closest = reference.size();
      }
    }
    return closest;
  }

  private static Map<List<String>, Integer> ngrams(List<String> words, int order) {
    List<String> copy = List.copyOf(words);
    Map<List<String>, Integer> counts = new HashMap<>();
    for (int end = order; end <= copy.size(); end++) {
      counts.merge(copy.subList(end - order, end), 1, Integer::sum);
    }
    return counts;
  }

  /**
   * Returns what was counted: of one to four words in a row those that are right, then how many
   * there are, then the words of the translations and of the right ones.
   */
  public double[] counts() {
    var counts = new double[2 * ORDERS + 2];
    for (int i = 0; i < ORDERS; i++) {
      counts[i] = correct[i];
      counts[ORDERS + i] = total[i];
    }
    counts[2 * ORDERS] = length;
    counts[2 * ORDERS + 1] = rightLength;
    return counts;
  }

  /** Returns BLEU, from 0 to 100; 0 if nothing was counted or no word is right. */
  public double score() {
    if (correct[0] == 0) {
      return 0;
    }
    double logarithms = 0;
    double smoothing = 1;
    for (int i = 0; i < ORDERS; i++) {
      if (total[i] == 0) {
        return 0;
      }
      if (correct[i] == 0) {
        smoothing *= 2;
      }
      double matched = correct[i] == 0 ? 1 / smoothing : correct[i];
      logarithms += Math.log(matched / total[i]);
    }
    return 100 * brevityPenalty() * Math.exp(logarithms / ORDERS);
  }

  /** Returns what short translations are multiplied by; 1 if they are as long as the right ones. */
  public double brevityPenalty() {
    return length < rightLength ? Math.exp(1 - (double) rightLength / length) : 1;
  }
}
