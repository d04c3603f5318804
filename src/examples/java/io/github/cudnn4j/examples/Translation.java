package io.github.cudnn4j.examples;

import module java.base;

import io.github.cudnn4j.model.*;
import io.github.cudnn4j.model.Translator.Pair;
import io.github.cudnn4j.rnn.RnnConfig;
import io.github.cudnn4j.tape.AttentionKind;
import io.github.cudnn4j.train.Bleu;
import java.awt.image.BufferedImage;

/**
 * Translation: dates as people write and say them into those of ISO 8601, letter by letter; or the
 * texts of a folder, whose files named {@code .tsv} have a sentence, a TAB and its translation in
 * each line, word by word.
 *
 * @see <a href="https://arxiv.org/abs/1508.04025">Luong, Pham and Manning, 2015</a>
 */
final class Translation {

  private static final int MOST_WORDS = 30;
  private static final int MOST_LETTERS = 64;

  private Translation() {}

  static Example.Result run(Example example) throws IOException {
    var lines = example.lines("*.tsv");
    return lines.isEmpty() ? dates(example) : texts(example, lines);
  }

  private static Example.Result texts(Example example, List<String> lines) throws IOException {
    var units = Vocabulary.Units.WORDS;
    var pairs =
        lines.stream()
            .map(line -> line.split("\t"))
            .filter(line -> line.length == 2)
            .filter(line -> units.split(line[0]).size() <= MOST_WORDS)
            .filter(line -> units.split(line[1]).size() <= MOST_WORDS)
            .map(line -> new Pair(line[0], line[1]))
            .toList();
    int held = Math.min(1_000, pairs.size() / 10);
    var texts = Translating.of(pairs, pairs.size(), held, held, MOST_WORDS);
    var config = RnnConfig.gru(128, 128).bidirectional();
    try (var model =
        texts.train(example, "texts", units, units, config, AttentionKind.MULTIPLICATIVE, 8)) {
      var read = Translating.sources(texts.test());
      double found = bleu(texts.test(), model.translate(read, 4, MOST_WORDS));
      return new Example.Result("BLEU", found, bleu(texts.test(), read));
    }
  }

  private static Example.Result dates(Example example) throws IOException {
    var random = new Random(1);
    int training = example.size(20_000, 2_500);
    int held = example.size(2_000, 200);
    var pairs = new LinkedHashMap<String, Pair>(); // each way to write a date once
    while (pairs.size() < training + 2 * held) {
      Pair pair = Dates.any(random);
      pairs.put(pair.source(), pair);
    }
    var dates = Translating.of(List.copyOf(pairs.values()), training, held, held, MOST_LETTERS);
    var units = Vocabulary.Units.CHARACTERS;
    var config = RnnConfig.gru(32, 64).bidirectional();
    try (var model =
        dates.train(
            example,
            "dates",
            units,
            units,
            config,
            AttentionKind.MULTIPLICATIVE,
            example.size(3, 6))) {
      double right = dates.errors(model, dates.test(), 1).exactMatch();
      example.picture(() -> maps(model, dates.test().subList(0, 4)));
      long known = dates.training().stream().map(Pair::target).distinct().count();
      return new Example.Result("exact match", right, 1.0 / known);
    }
  }

  private static BufferedImage maps(Translator model, List<Pair> pairs) {
    var maps = new ArrayList<AttentionMap>();
    for (Pair pair : pairs) {
      String text = model.translate(List.of(pair.source()), 1, MOST_LETTERS).getFirst();
      maps.add(AttentionMap.of(model, text, pair.source(), text, List.of(text.split(""))));
    }
    return AttentionMap.picture(maps, 1, 18);
  }

  private static double bleu(List<Pair> pairs, List<String> found) {
    var bleu = new Bleu();
    for (int i = 0; i < pairs.size(); i++) {
      bleu.add(
          Vocabulary.Units.WORDS.split(found.get(i)),
          List.of(Vocabulary.Units.WORDS.split(pairs.get(i).target())));
    }
    return bleu.score();
  }
}
