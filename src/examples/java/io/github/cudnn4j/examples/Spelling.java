package io.github.cudnn4j.examples;

import module java.base;

import io.github.cudnn4j.model.Translator.Pair;
import io.github.cudnn4j.tape.AttentionKind;
import io.github.cudnn4j.train.ErrorRate;

/**
 * Sequence to sequence: how a word that was never seen is pronounced, phoneme by phoneme until the
 * end symbol. A decoder that knows no more of the word than the encoder's last state is compared
 * with one that attends to every letter.
 *
 * @see <a href="https://arxiv.org/abs/1409.3215">Sutskever, Vinyals and Le, 2014</a>
 */
final class Spelling {

  private static final int BEAM = 4;

  private Spelling() {}

  static Example.Result run(Example example) throws IOException {
    var words =
        Pronouncing.words(
            example,
            example.most(100_000, 4_000),
            example.size(1_000, 200),
            example.size(3_000, 200));
    var byLength =
        new TreeMap<>(
            words.test().stream()
                .collect(Collectors.groupingBy(pair -> Math.clamp(pair.source().length(), 4, 12))));
    var lengths =
        byLength.keySet().stream().map(length -> length == 12 ? "12-20" : "" + length).toList();
    var shown = new LinkedHashMap<String, List<Double>>();
    var errors = new ArrayList<ErrorRate>();
    for (var attention : Arrays.asList(null, AttentionKind.MULTIPLICATIVE)) {
      String name = attention == null ? "last state only" : "with attention";
      int epochs = example.size(5, 4);
      try (var model =
          Pronouncing.train(example, words, name.replace(' ', '-'), attention, epochs)) {
        errors.add(words.errors(model, words.test(), BEAM));
        var rates = new ArrayList<Double>();
        for (List<Pair> some : byLength.values()) {
          rates.add(words.errors(model, some, BEAM).rate());
        }
        shown.put(name, rates);
      }
    }
    example.picture(
        () -> {
          var chart = Pictures.bars("Wrong phonemes", "letters of the word", "phoneme error rate");
          shown.forEach((name, rates) -> chart.addSeries(name, lengths, rates));
          return chart;
        });
    return new Example.Result(
        "phoneme error rate",
        errors.get(1).rate(),
        errors.get(0).rate(),
        Map.of(
            "wordErrorRate", 1 - errors.get(1).exactMatch(),
            "baselineWordErrorRate", 1 - errors.get(0).exactMatch()));
  }
}
