package io.github.cudnn4j.examples;

import module java.base;

import io.github.cudnn4j.model.*;
import io.github.cudnn4j.model.Translator.Pair;

/**
 * Trees of {@link Parsing}, written as sequences in which a phrase begins with its name and ends
 * with a slash, and a word is its tag in lower case: {@code S NP dt nn / VP vbd / /}.
 */
final class Trees {

  /** A phrase, from its first word to behind its last. */
  private record Bracket(String name, int from, int to) {}

  private Trees() {}

  /**
   * Reads a tree such as {@code (S (NP (PRP it) )(VP (VBD was) ))}, without what has no words, and
   * each word as its tag: there are too few trees to learn words from.
   */
  static Pair read(String line) {
    var tree = new ArrayList<String>();
    var open = new ArrayDeque<Integer>(); // where each phrase begins
    var tokens = Pattern.compile("\\((\\S+) ([^()\\s]+)\\)|\\((\\S+)|\\)").matcher(line);
    while (tokens.find()) {
      if (tokens.group(2) != null && !tokens.group(1).equals("-NONE-")) {
        tree.add(tokens.group(1).replaceAll("[^A-Z]+", "X").toLowerCase(Locale.ROOT));
      } else if (tokens.group(3) != null) {
        open.push(tree.size());
        tree.add(tokens.group(3).split("[-=]")[0]);
      } else if (tokens.group(2) == null && open.pop() == tree.size() - 1) {
        tree.removeLast();
      } else if (tokens.group(2) == null) {
        tree.add("/");
      }
    }
    return ofTags(tree);
  }

  /** Draws a tree of tags, then puts phrases of others in the place of some of the same name. */
  static Pair mix(List<Pair> trees, Random random) {
    var tree = symbols(trees, random);
    for (int i = 0; i < 8; i++) {
      var other = symbols(trees, random);
      int at = random.nextInt(1, tree.size());
      String name = tree.get(at);
      var all = IntStream.range(1, other.size());
      int[] same = all.filter(j -> other.get(j).equals(name)).toArray();
      if (isPhrase(name) && same.length > 0) {
        int from = same[random.nextInt(same.length)];
        tree.subList(at, end(tree, at)).clear();
        tree.addAll(at, other.subList(from, end(other, from)));
      }
    }
    return ofTags(tree);
  }

  private static List<String> symbols(List<Pair> trees, Random random) {
    String tree = trees.get(random.nextInt(trees.size())).target();
    return new ArrayList<>(List.of(tree.split(" ")));
  }

  /** Returns where a phrase has ended. */
  private static int end(List<String> tree, int begin) {
    int at = begin;
    for (int open = 0; open > 0 || at == begin; at++) {
      open += tree.get(at).equals("/") ? -1 : isPhrase(tree.get(at)) ? 1 : 0;
    }
    return at;
  }

  private static Pair ofTags(List<String> tree) {
    String target = String.join(" ", tree);
    return new Pair(tags(target), target);
  }

  /** Returns what is left of a tree without phrases. */
  static String tags(String tree) {
    var symbols = Stream.of(tree.split(" "));
    return symbols.filter(s -> !isPhrase(s) && !s.equals("/")).collect(Collectors.joining(" "));
  }

  /** Allows only a tree of as many tags as there are words, and a word that is a tag as itself. */
  static Constraint over(String sentence, Vocabulary symbols) {
    String[] words = sentence.split(" ");
    var known = Set.copyOf(symbols.symbols());
    return (before, logits) -> {
      int open = 0, read = 0;
      boolean empty = true;
      for (int id : before) {
        empty = isPhrase(symbols.symbol(id));
        boolean ends = symbols.symbol(id).equals("/");
        open += empty ? 1 : ends ? -1 : 0;
        read += empty || ends ? 0 : 1;
      }
      boolean more = read < words.length && (open > 0 || before.length == 0);
      String tag = more && known.contains(words[read]) ? words[read] : "";
      for (int i = 0; i < symbols.size(); i++) {
        String symbol = symbols.symbol(i);
        boolean fits =
            symbol.equals("/")
                ? open > (more ? 1 : 0) && !empty
                : more && (isPhrase(symbol) || open > 0 && (tag.isEmpty() || tag.equals(symbol)));
        if (!fits) {
          logits[i] = Float.NEGATIVE_INFINITY;
        }
      }
      if (open > 0 || before.length == 0) {
        logits[symbols.size()] = Float.NEGATIVE_INFINITY;
      }
    };
  }

  /** The harmonic mean of how many brackets were found and how many found ones are right. */
  static double f1(List<String> trees, List<Pair> right) {
    int same = 0, all = 0;
    for (int i = 0; i < trees.size(); i++) {
      var rest = brackets(right.get(i).target());
      var found = brackets(trees.get(i));
      all += rest.size() + found.size();
      same += (int) found.stream().filter(rest::remove).count();
    }
    return 2.0 * same / all;
  }

  /** Those of tags do not count, nor does the one that each sentence of the news has around it. */
  private static List<Bracket> brackets(String tree) {
    var brackets = new ArrayList<Bracket>();
    var open = new ArrayDeque<Bracket>();
    int words = 0;
    for (String symbol : tree.split(" ")) {
      if (isPhrase(symbol)) {
        open.push(new Bracket(symbol, words, words));
      } else if (symbol.equals("/")) {
        Bracket last = open.pop();
        brackets.add(new Bracket(last.name, last.from, words));
      } else {
        words++;
      }
    }
    brackets.removeIf(bracket -> bracket.name.equals("TOP"));
    return brackets;
  }

  private static boolean isPhrase(String symbol) {
    return !symbol.isEmpty() && Character.isUpperCase(symbol.charAt(0));
  }
}
