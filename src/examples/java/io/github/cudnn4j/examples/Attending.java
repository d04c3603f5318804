package io.github.cudnn4j.examples;

import module java.base;

import io.github.cudnn4j.model.Translator;
import io.github.cudnn4j.model.Translator.Pair;
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
    double shuffled = 0;
    for (var kind : List.of(AttentionKind.ADDITIVE, AttentionKind.MULTIPLICATIVE)) {
      String name = kind.name().toLowerCase(Locale.ROOT);
      try (var model = Pronouncing.train(example, words, name, kind, example.size(3, 4))) {
        double forward = 0;
        double mixed = 0;
        for (Pair pair : words.test()) {
          var rows = Arrays.asList(model.attention(pair.source(), pair.target()));
          forward += forward(rows);
          Collections.shuffle(rows, new Random(1));
          mixed += forward(rows);
        }
        least = Math.min(least, forward / words.test().size());
        shuffled = Math.max(shuffled, mixed / words.test().size());
        more.put(name + "Forward", forward / words.test().size());
        more.put(name + "PhonemeErrorRate", words.errors(model, words.test(), 1).rate());
        SHOWN.forEach(word -> maps.add(map(model, name, word)));
      }
    }
    example.picture(() -> AttentionMap.picture(maps, SHOWN.size(), 28));
    return new Example.Result("steps forward", least, shuffled, more);
  }

  /** Returns how many of the steps look at the letter of the step before or at one behind it. */
  private static double forward(List<double[]> weights) {
    int forward = 0;
    for (int t = 1; t < weights.size(); t++) {
      forward += most(weights.get(t)) >= most(weights.get(t - 1)) ? 1 : 0;
    }
    return (double) forward / (weights.size() - 1);
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
