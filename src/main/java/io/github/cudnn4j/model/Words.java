package io.github.cudnn4j.model;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Words of a list, with a boundary behind each. Not changed once it is made. */
final class Words implements Constraint {

  /** A beginning of words, and what can follow it. */
  private static final class Node {
    private final Map<Integer, Node> children = new HashMap<>();
    private boolean isWord;
  }

  private final Node root = new Node();
  private final int[] boundaries;

  Words(Iterable<int[]> words, int... boundaries) {
    this.boundaries = Arrays.stream(boundaries).sorted().toArray();
    for (int[] word : words) {
      Node node = root;
      for (int symbol : word) {
        if (isBoundary(symbol)) {
          throw new IllegalArgumentException(
              "symbol " + symbol + " of word " + Arrays.toString(word) + " is a boundary");
        }
        node = node.children.computeIfAbsent(symbol, _ -> new Node());
      }
      node.isWord = true;
    }
    if (root.isWord || root.children.isEmpty() || boundaries.length == 0) {
      throw new IllegalArgumentException(
          "at least one word and one boundary are needed, and no word without a symbol");
    }
  }

  private boolean isBoundary(int symbol) {
    return Arrays.binarySearch(boundaries, symbol) >= 0;
  }

  @Override
  public void restrict(int[] symbols, float[] logits) {
    Node node = reached(symbols);
    float[] before = logits.clone();
    Arrays.fill(logits, Float.NEGATIVE_INFINITY);
    if (node == null) {
      return;
    }
    for (int symbol : node.children.keySet()) {
      logits[symbol] = before[symbol];
    }
    if (node.isWord) {
      for (int symbol : boundaries) {
        logits[symbol] = before[symbol];
      }
    }
  }

  /** Returns the beginning of a word at the end of the symbols; null if they are not of words. */
  private @Nullable Node reached(int[] symbols) {
    Node node = root;
    for (int symbol : symbols) {
      node = node.isWord && isBoundary(symbol) ? root : node.children.get(symbol);
      if (node == null) {
        return null;
      }
    }
    return node;
  }
}
