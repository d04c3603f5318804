package io.github.cudnn4j.examples;

import module java.base;

import io.github.cudnn4j.model.*;
import io.github.cudnn4j.model.SequenceTagger.Sentence;
import io.github.cudnn4j.optim.*;
import io.github.cudnn4j.rnn.RnnConfig;
import io.github.cudnn4j.train.*;
import java.awt.Color;
import java.awt.Font;
import java.awt.Graphics2D;
import java.awt.image.BufferedImage;

/**
 * Key terms: the spans of a text that matter, here the dates in English and German news, found
 * letter by letter by the ready-made tagger.
 *
 * @see <a href="https://arxiv.org/abs/1603.01360">Lample et al., 2016</a>
 */
final class KeyTerms {

  private static final List<String> TAGS = List.of("O", "B-date", "I-date");
  private static final String NEWS = "/opennlp/tools/namefind/RandomNewsWithGeneratedDates_";
  private static final int MOST = 80;

  private KeyTerms() {}

  static Example.Result run(Example example) throws IOException {
    var sentences = new ArrayList<Sentence>();
    example.lines("*.train", NEWS + "EN.train", NEWS + "DE.train").stream()
        .distinct()
        .filter(line -> line.contains("<START"))
        .forEach(line -> sentences.add(letters(Sentence.marked(line))));
    Collections.shuffle(sentences, new Random(1));
    int held = Math.min(example.size(500, 100), sentences.size() / 4);
    var test = sentences.subList(0, held);
    var training =
        sentences.subList(held, Math.min(sentences.size(), held + example.size(1500, 500)));
    var known = training.stream().flatMap(sentence -> sentence.words().stream());
    var vocabulary = Vocabulary.mostFrequent(Vocabulary.Units.WORDS, known, 100);
    var network = RnnConfig.lstm(24, 48).bidirectional().dropout(0.2, 1);
    try (var model = SequenceTagger.create(example.device(), vocabulary, TAGS, network, true, 1)) {
      var batches = model.batches(16, MOST);
      var config =
          TrainerConfig.of(Optimizer.adamW(5e-3)).clip(Clip.byNorm(1)).epochs(example.size(6, 4));
      try (var trainer =
          Trainer.of(model.parameters(), model, batches.over(training).shuffled(1), config)) {
        trainer.listener(example).checkpoints(example.checkpoints("checkpoints")).run();
      }
      var tagged = model.tag(test.stream().map(Sentence::words).toList());
      example.picture(() -> picture(test.subList(0, Math.min(20, held)), tagged));
      var naive = test.stream().map(sentence -> digits(sentence.words())).toList();
      return new Example.Result("span F1", f1(test, tagged), f1(test, naive));
    }
  }

  /**
   * Splits words into letters, with a blank between two words, of which the first ones are left.
   */
  private static Sentence letters(Sentence sentence) {
    var letters = new ArrayList<String>();
    var tags = new ArrayList<String>();
    for (int i = 0; i < sentence.words().size(); i++) {
      String tag = sentence.tags().get(i);
      String inside = tag.replace("B-", "I-");
      if (i > 0) {
        letters.add(" ");
        tags.add(tag.startsWith("B") ? "O" : tag);
      }
      for (String letter : sentence.words().get(i).split("")) {
        letters.add(letter);
        tags.add(tag);
        tag = inside;
      }
    }
    int most = Math.min(MOST, letters.size());
    return new Sentence(letters.subList(0, most), tags.subList(0, most));
  }

  /** Takes what is between two blanks and has a digit for a date. */
  private static List<String> digits(List<String> letters) {
    var tags = new ArrayList<String>();
    for (String word : String.join("", letters).split("(?<= )")) {
      boolean date = word.matches(".*[0-9].*");
      for (int i = 0; i < word.length(); i++) {
        tags.add(!date || word.charAt(i) == ' ' ? "O" : i == 0 ? "B-date" : "I-date");
      }
    }
    return tags;
  }

  private static double f1(List<Sentence> sentences, List<List<String>> found) {
    var score = SpanScore.lenient();
    for (int i = 0; i < sentences.size(); i++) {
      score.add(sentences.get(i).tags(), found.get(i));
    }
    return score.overall().f1();
  }

  /** Writes sentences on what was found: green where that is right, red where it is not. */
  private static BufferedImage picture(List<Sentence> sentences, List<List<String>> found) {
    int width = 11;
    int height = 26;
    var image =
        new BufferedImage(MOST * width, sentences.size() * height, BufferedImage.TYPE_INT_RGB);
    Graphics2D pen = image.createGraphics();
    pen.setFont(new Font(Font.MONOSPACED, Font.PLAIN, 16));
    pen.setColor(Color.WHITE);
    pen.fillRect(0, 0, image.getWidth(), image.getHeight());
    for (int row = 0; row < sentences.size(); row++) {
      for (int i = 0; i < found.get(row).size(); i++) {
        boolean right = found.get(row).get(i).equals(sentences.get(row).tags().get(i));
        if (!right || !found.get(row).get(i).equals("O")) {
          pen.setColor(right ? new Color(0xA8E6A1) : new Color(0xF4A6A0));
          pen.fillRect(i * width, row * height + 2, width, height - 4);
        }
        pen.setColor(Color.BLACK);
        pen.drawString(sentences.get(row).words().get(i), i * width, row * height + 18);
      }
    }
    pen.dispose();
    return image;
  }
}
