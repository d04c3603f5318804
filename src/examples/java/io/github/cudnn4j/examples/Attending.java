package io.github.cudnn4j.examples;

import module java.base;

import io.github.cudnn4j.model.Translator;
import io.github.cudnn4j.tape.AttentionKind;

/**
 * Attention: at which letters a decoder looks while it writes how a word is pronounced, by additive
 * and by multiplicative attention. Nobody tells it which letter makes which sound, nor that it
 * should go from left to right.
 *
 * @see <a href="https://arxiv.org/abs/1409.0473">Bahdanau, Cho and Bengio, 2014</a>
 * @see <a href="https://arxiv.org/abs/1508.04025">Luong, Pham and Manning, 2015</a>
 */
final class Attending {

  private static final List<String> SHOWN = List.of("photograph", "knowledge", "enough");

  /** Of steps that look anywhere, or always at the same letter. */
  private static final double CHANCE = 0.5;

  private Attending() {}

  static Example.Result run(Example example) throws IOException {
    var words =
        Pronouncing.words(
            example,
            example.most(100_000, 4_000),
            example.size(1_000, 200),
            example.size(500, 100));
    var maps = new ArrayList<AttentionMap>();
    var more = new LinkedHashMap<String, Double>();
    double least = 1;
    for (var kind : List.of(AttentionKind.ADDITIVE, AttentionKind.MULTIPLICATIVE)) {
      String name = kind.name().toLowerCase(Locale.ROOT);
      try (var model = Pronouncing.train(example, words, name, kind, example.size(3, 4))) {
        double inOrder =
            words.test().stream()
                .mapToDouble(pair -> inOrder(model.attention(pair.source(), pair.target())))
                .average()
                .orElseThrow();
        least = Math.min(least, inOrder);
        more.put(name + "InOrder", inOrder);
        more.put(name + "PhonemeErrorRate", words.errors(model, words.test(), 1).rate());
        SHOWN.forEach(word -> maps.add(map(model, name, word)));
      }
    }
    example.picture(() -> AttentionMap.picture(maps, SHOWN.size(), 28));
    return new Example.Result("steps in order", least, CHANCE, more);
  }

  /** Returns of how many pairs of steps the later one looks further on; half of the equal ones. */
  private static double inOrder(double[][] weights) {
    int[] at = Stream.of(weights).mapToInt(Attending::most).toArray();
    double inOrder = 0;
    for (int t = 0; t < at.length; t++) {
      for (int before = 0; before < t; before++) {
        inOrder += (1 + Integer.signum(at[t] - at[before])) / 2.0;
      }
    }
    return inOrder / (at.length * (at.length - 1) / 2);
  }

  private static int most(double[] row) {
    return IntStream.range(0, row.length)
        .boxed()
        .max(Comparator.comparingDouble(i -> row[i]))
        .orElseThrow();
  }

  private static AttentionMap map(Translator model, String kind, String word) {
    String found = model.translate(List.of(word), 4, 20).getFirst();
    return AttentionMap.of(model, kind, word, found, List.of(found.split(" ")));
  }
}
