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

  private static final String NEWS =
      "/opennlp/tools/namefind/RandomNewsWithGeneratedDates_EN.train";
  private static final List<String> TAGS = List.of("O", "B-date", "I-date");
  private static final int K = TAGS.size();
  private static final int ANY = Integer.MAX_VALUE;

  /** What a path of tags is scored by: words, one by one, and neighbours. */
  private record Scores(
      List<double[][]> words, double[][] transitions, double[] start, double[] end) {

    Scores words(Stream<double[][]> others) {
      return new Scores(others.toList(), transitions, start, end);
    }

    List<int[]> paths(CountedLabels labels) {
      return words.stream().map(each -> labels.bestPath(each, transitions, start, end)).toList();
    }
  }

  private Tagging() {}

  static Example.Result run(Example example) throws IOException {
    int few = 100;
    var lines = new ArrayList<>(Example.lines(NEWS).stream().distinct().toList());
    Collections.shuffle(lines, new Random(1));
    var all = lines.stream().map(line -> Sentence.marked(line.replaceAll("[0-9]", "0"))).toList();
    var training = all.subList(0, few);
    var test = all.subList(few, example.size(all.size(), 400));
    var known = training.stream().flatMap(sentence -> sentence.words().stream());
    var vocabulary = Vocabulary.mostFrequent(Vocabulary.Units.WORDS, known, ANY);
    var markov = new HiddenMarkovModel(K, vocabulary.size());
    training.forEach(each -> markov.add(tags(each), vocabulary.encode(each.words())));
    var scores = new LinkedHashMap<String, Scores>();
    var counted = new Scores(List.of(), markov.transitions(), markov.start(), markov.end());
    scores.put(
        "HMM",
        counted.words(
            test.stream().map(each -> markov.emissions(vocabulary.encode(each.words())))));
    for (String loss : List.of("softmax", "hinge", "CRF")) {
      scores.put("LSTM, " + loss, network(example, loss, vocabulary, training, test));
    }
    var softmax = scores.get("LSTM, softmax").words.stream();
    scores.put("LSTM, HMM", counted.words(softmax.map(markov::emissions)));
    var f1 = scores.values().stream().map(each -> f1(test, each)).toList();
    example.picture(
        () -> {
          var chart = Pictures.bars("Dates, from " + few + " sentences", "", "F1 of spans");
          chart.addSeries("Viterbi", List.copyOf(scores.keySet()), f1);
          chart.getStyler().setYAxisMax(1.0).setLegendVisible(false);
          return chart;
        });
    requireFiveOfEach(scores.get("LSTM, CRF"));
    return new Example.Result("span F1", f1(test, scores.get("LSTM, CRF")), f1.getFirst());
  }

  /** Trains a network and returns its scores of words, and the transitions learnt with them. */
  private static Scores network(
      Example example,
      String kind,
      Vocabulary vocabulary,
      List<Sentence> training,
      List<Sentence> test)
      throws IOException {
    var batches =
        Batches.<Sentence>of(10)
            .tokens("words", 40, sentence -> vocabulary.encode(sentence.words()))
            .labels("tags", "words", Tagging::tags);
    try (var p = Parameters.on(example.device(), Precision.FP32)) {
      var embed = p.embedding("embed", vocabulary.size(), 32);
      var lstm = p.rnn("lstm", RnnConfig.lstm(32, 32).bidirectional());
      var head = p.linear("head", lstm.outputSize(), K);
      var chain = p.linearChain("chain", K);
      p.init("chain.*", Init.zeros()).initialize(1);
      Objective tags =
          (tape, in) -> {
            var lengths = in.lengths("words");
            Tensor x = tape.dropout(embed.on(tape, in.tokens("words")), 0.3, 1);
            Tensor y = head.on(tape, lstm.on(tape, x, lengths).y());
            return switch (kind) {
              case "softmax" -> tape.crossEntropy(y, in.labels("tags"));
              case "hinge" -> chain.on(tape, lengths).hinge(y, in.labels("tags"));
              default -> chain.on(tape, lengths).loss(y, in.labels("tags"));
            };
          };
      var config = TrainerConfig.of(Optimizer.adam(5e-3)).clip(Clip.byNorm(1)).epochs(40);
      try (var trainer = Trainer.of(p, tags, batches.over(training).shuffled(1), config)) {
        trainer.listener(example).checkpoints(example.checkpoints(kind)).run();
      }
      var words =
          SequenceRunner.vectors(
              p,
              test.stream().map(sentence -> vocabulary.encode(sentence.words())).toList(),
              (tape, tokens, lengths) -> {
                Tensor y = head.on(tape, lstm.on(tape, embed.on(tape, tokens), lengths).y());
                return kind.equals("softmax") ? tape.logSoftmax(y) : y;
              });
      var rows = new double[K][];
      var transitions = p.read("chain.transitions");
      Arrays.setAll(rows, k -> Arrays.copyOfRange(transitions, k * K, (k + 1) * K));
      return new Scores(
          words, rows, p.read("chain.start_transitions"), p.read("chain.end_transitions"));
    }
  }

  /** Finds the best path of the first 15 words with five of each tag. */
  private static void requireFiveOfEach(Scores scores) {
    var some = scores.words.stream().filter(each -> each.length >= 15);
    var cut = scores.words(some.map(each -> Arrays.copyOf(each, 15)));
    for (int[] path : cut.paths(CountedLabels.exactly(5, 5, 5))) {
      Arrays.sort(path);
      if (!Arrays.equals(path, new int[] {0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2})) {
        throw new AssertionError(Arrays.toString(path));
      }
    }
  }

  private static double f1(List<Sentence> test, Scores scores) {
    var paths = scores.paths(CountedLabels.atMost(ANY, ANY, ANY));
    var score = SpanScore.lenient();
    for (int i = 0; i < paths.size(); i++) {
      score.add(test.get(i).tags(), Arrays.stream(paths.get(i)).mapToObj(TAGS::get).toList());
    }
    return score.overall().f1();
  }

  private static int[] tags(Sentence sentence) {
    return sentence.tags().stream().mapToInt(TAGS::indexOf).toArray();
  }
}
