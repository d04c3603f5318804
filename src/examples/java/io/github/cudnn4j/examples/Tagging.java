package io.github.cudnn4j.examples;

import module java.base;

import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.data.*;
import io.github.cudnn4j.model.*;
import io.github.cudnn4j.model.SequenceTagger.Sentence;
import io.github.cudnn4j.optim.*;
import io.github.cudnn4j.rnn.RnnConfig;
import io.github.cudnn4j.tape.*;
import io.github.cudnn4j.train.*;

/**
 * Structured output: the dates in news, marked word by word, learnt from few sentences. What scores
 * the words' tags is a hidden Markov model of counts, or a bidirectional LSTM: each word by itself,
 * in the place of the Markov model's words, under transitions that a structured hinge loss trains
 * with it, and as a conditional random field. Viterbi finds the best path of each, and the best one
 * that has each tag five times.
 *
 * @see <a href="https://arxiv.org/abs/1508.01991">Huang, Xu and Yu, 2015</a>
 */
final class Tagging {

  private static final int FIVE = 5;

  /** What a path of tags is scored by: words, one by one, and neighbours. */
  private record Scores(
      List<double[][]> words, double[][] transitions, double[] start, double[] end) {

    Scores words(Stream<double[][]> others) {
      return new Scores(others.toList(), transitions, start, end);
    }

    /** Finds the best paths that have each tag so often. */
    List<int[]> paths(int least, int most) {
      int[][] bounds = new int[2][start.length];
      Arrays.fill(bounds[0], least);
      Arrays.fill(bounds[1], most);
      var labels = new CountedLabels(bounds[0], bounds[1]);
      return words.stream().map(each -> labels.bestPath(each, transitions, start, end)).toList();
    }
  }

  private Tagging() {}

  static Example.Result run(Example example) throws IOException {
    var text = TaggedText.of(example);
    var read = text.test().stream().map(text::words).toList();
    var markov = new HiddenMarkovModel(text.tags().size(), text.vocabulary().size());
    text.training().forEach(each -> markov.add(text.tags(each), text.words(each)));
    var counted = new Scores(List.of(), markov.transitions(), markov.start(), markov.end());
    var scores = new LinkedHashMap<String, Scores>();
    scores.put("HMM", counted.words(read.stream().map(markov::emissions)));
    for (String loss : List.of("softmax", "hinge", "CRF")) {
      scores.put(loss, network(example, loss, text, read));
    }
    var softmax = scores.get("softmax").words.stream();
    scores.put("softmaxHMM", counted.words(softmax.map(markov::emissions)));
    var right = new LinkedHashMap<String, Double>();
    scores.forEach((name, each) -> right.put(name, text.score(each.paths(0, Integer.MAX_VALUE))));
    var more = new LinkedHashMap<>(right);
    more.keySet().removeAll(List.of("HMM", "CRF"));
    var lines = new ArrayList<String>();
    if (text.areSpans()) {
      more.put("fiveOfEach", fiveOfEach(text, scores.get("CRF"), lines));
    }
    example.picture(
        () -> {
          var chart = Pictures.bars(text.training().size() + " sentences", "", text.metric());
          chart.addSeries("Viterbi", List.copyOf(right.keySet()), List.copyOf(right.values()));
          chart.getStyler().setYAxisMax(1.0).setLegendVisible(false);
          return lines.isEmpty() ? chart : Pictures.beside(chart, Pictures.text(lines));
        });
    return new Example.Result(text.metric(), right.get("CRF"), right.get("HMM"), more);
  }

  /** Trains a network and returns its scores of words, and the transitions learnt with them. */
  private static Scores network(Example example, String kind, TaggedText text, List<int[]> read)
      throws IOException {
    int count = text.tags().size();
    var batches =
        Batches.<Sentence>of(text.batch())
            .tokens("words", TaggedText.LONGEST, text::words)
            .labels("tags", "words", text::tags);
    try (var p = Parameters.on(example.device(), Precision.FP32)) {
      var embed = p.embedding("embed", text.vocabulary().size(), text.size());
      var lstm = p.rnn("lstm", RnnConfig.lstm(text.size(), text.size()).bidirectional());
      var head = p.linear("head", lstm.outputSize(), count);
      var chain = p.linearChain("chain", count);
      p.init("chain.*", Init.zeros()).initialize(1);
      Objective tags =
          (tape, in) -> {
            var lengths = in.lengths("words");
            Tensor x = tape.dropout(embed.on(tape, in.tokens("words")), example.rate(0.3), 1);
            Tensor y = head.on(tape, lstm.on(tape, x, lengths).y());
            return switch (kind) {
              case "softmax" -> tape.crossEntropy(y, in.labels("tags"));
              case "hinge" -> chain.on(tape, lengths).hinge(y, in.labels("tags"));
              default -> chain.on(tape, lengths).loss(y, in.labels("tags"));
            };
          };
      var config =
          TrainerConfig.of(Optimizer.adam(5e-3)).clip(Clip.byNorm(1)).epochs(text.epochs());
      var source = batches.over(text.training()).shuffled(1);
      example.core("tagging-" + kind, tags, source, p);
      try (var trainer = Trainer.of(p, tags, source, config)) {
        trainer.listener(example).checkpoints(example.checkpoints(kind)).run();
      }
      var words =
          SequenceRunner.vectors(
              p,
              read,
              (tape, tokens, lengths) -> {
                Tensor y = head.on(tape, lstm.on(tape, embed.on(tape, tokens), lengths).y());
                return kind.equals("softmax") ? tape.logSoftmax(y) : y;
              });
      var rows = new double[count][];
      var transitions = p.read("chain.transitions");
      Arrays.setAll(rows, k -> Arrays.copyOfRange(transitions, k * count, (k + 1) * count));
      return new Scores(
          words, rows, p.read("chain.start_transitions"), p.read("chain.end_transitions"));
    }
  }

  /**
   * Finds the best paths of sentences' first words that have each tag five times; returns how many
   * of them have, and adds lines of one sentence with its tags and such a path.
   */
  private static double fiveOfEach(TaggedText text, Scores scores, List<String> lines) {
    int length = text.tags().size() * FIVE;
    var some = scores.words.stream().filter(each -> each.length >= length);
    var first = scores.words(some.map(each -> Arrays.copyOf(each, length)));
    var paths = first.paths(FIVE, FIVE);
    int[] five = IntStream.range(0, length).map(i -> i / FIVE).toArray();
    var right =
        paths.stream().filter(path -> Arrays.equals(IntStream.of(path).sorted().toArray(), five));
    var sentence =
        text.test().stream()
            .filter(each -> each.words().size() >= length)
            .findFirst()
            .orElseThrow();
    for (int t = 0; t < length; t++) {
      String tag = text.tags().get(paths.getFirst()[t]);
      lines.add("%-14s %-7s %s".formatted(sentence.words().get(t), sentence.tags().get(t), tag));
    }
    return (double) right.count() / paths.size();
  }
}
