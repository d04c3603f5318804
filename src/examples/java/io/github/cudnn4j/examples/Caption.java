package io.github.cudnn4j.examples;

import module java.base;

import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.data.*;
import io.github.cudnn4j.model.*;
import io.github.cudnn4j.optim.*;
import io.github.cudnn4j.rnn.RnnConfig;
import io.github.cudnn4j.tape.*;
import io.github.cudnn4j.train.*;

/**
 * One to many: words that a language might have, from the number of the language alone. It gives
 * the first state of an LSTM, which then writes letter by letter. Whether the words are of that
 * language tells a classifier that has seen real ones only.
 *
 * @see <a href="https://arxiv.org/abs/1411.4555">Vinyals et al., 2015</a>
 */
final class Caption {

  private static final List<String> LANGUAGES = List.of("DE", "ES", "FR", "IT", "NL", "PL", "PT");
  private static final int LONGEST = 14, SIZE = 96, SAMPLES = 100;

  private record Word(int language, String text) {}

  private Caption() {}

  static Example.Result run(Example example) throws IOException {
    var words = new ArrayList<Word>();
    var names = example.files("*.txt").stream().map(file -> file.getFileName().toString());
    var named = names.map(name -> name.replace(".txt", "")).toList();
    var languages = named.isEmpty() ? LANGUAGES : named;
    for (int i = 0; i < languages.size(); i++) {
      int language = i;
      String name = languages.get(i) + ".txt";
      example.lines(name, "/opennlp/tools/sentdetect/Sentences_" + name).stream()
          .flatMap(line -> Arrays.stream(line.split("[^\\p{L}]+")))
          .map(word -> word.toLowerCase(Locale.ROOT))
          .filter(word -> word.length() >= 4 && word.length() <= LONGEST)
          .distinct()
          .limit(example.most(900, 900))
          .forEach(word -> words.add(new Word(language, word)));
    }
    Collections.shuffle(words, new Random(1));
    var vocabulary = Vocabulary.of(words.stream().map(Word::text).collect(Collectors.joining()));
    int end = vocabulary.size();
    int[] first = {end};
    var batches =
        Batches.<Word>of(32)
            .label("language", Word::language)
            .tokens("before", LONGEST + 1, one -> Example.with(first, vocabulary.encode(one.text)))
            .labels("next", "before", word -> Example.with(vocabulary.encode(word.text), end));
    try (var p = Parameters.on(example.device(), Precision.FP32)) {
      var language = p.embedding("language", languages.size(), SIZE);
      var letter = p.embedding("letter", end + 1, 32);
      var lstm = p.rnn("lstm", RnnConfig.lstm(32, SIZE));
      var head = p.linear("head", SIZE, end + 1);
      p.initialize(1);
      BiFunction<Tape, Indices, Tensor> state =
          (tape, numbers) -> tape.reshape(language.on(tape, numbers), 1, numbers.dim(0), SIZE);
      Objective write =
          (tape, in) -> {
            Tensor h = state.apply(tape, in.labels("language"));
            Tensor x = letter.on(tape, in.tokens("before"));
            Tensor y = lstm.on(tape, x, in.lengths("before"), h, tape.input(h.shape())).y();
            Tensor kept = tape.dropout(y, example.rate(0.2), 1);
            return tape.crossEntropy(head.on(tape, kept), in.labels("next"));
          };
      example.core("caption", write, batches.over(words), p);
      train(example, "writer", p, write, batches.over(words).shuffled(1), example.size(8, 2));

      int rows = SAMPLES * languages.size();
      StepNetwork step =
          (tape, in) -> {
            Tensor x = letter.on(tape, in.tokens());
            var out = lstm.on(tape, x, in.state(0), in.state(1));
            return StepNetwork.Output.of(head.on(tape, out.y()), out);
          };
      try (var tape = Tape.inference(example.device(), p.precision());
          var runner =
              StepRunner.ofTokens(
                  example.device(),
                  p.precision(),
                  step,
                  StepNetwork.State.of(lstm.config()),
                  rows,
                  rows)) {
        var numbers = tape.indices(rows);
        numbers.buffer().copyFrom(IntStream.range(0, rows).map(i -> i / SAMPLES).toArray());
        Tensor h = state.apply(tape, numbers);
        tape.forward();
        runner.state(0).copyFrom(h.value());
        int[] starts = new int[rows];
        Arrays.fill(starts, end);
        var written = Sampling.temperature(0.8).draw(runner, starts, end, LONGEST, new Random(1));
        var texts = written.stream().map(vocabulary::decode).toList();
        return recognised(example, languages, words, vocabulary, texts);
      }
    }
  }

  /** Trains a classifier on real words and asks it for the languages of those written. */
  private static Example.Result recognised(
      Example example,
      List<String> languages,
      List<Word> words,
      Vocabulary vocabulary,
      List<String> texts)
      throws IOException {
    var real =
        words.stream()
            .map(word -> new SequenceClassifier.Example(languages.get(word.language), word.text))
            .toList();
    var network = RnnConfig.lstm(24, 48).bidirectional().dropout(0.3, 1);
    try (var model =
        SequenceClassifier.create(
            example.device(), vocabulary, languages, network, SequenceClassifier.Pooling.LAST, 1)) {
      var source = model.batches(32, LONGEST).over(real).shuffled(1);
      train(example, "classifier", model.parameters(), model, source, example.size(8, 3));
      var found = model.classify(texts);
      double[][] parts = new double[languages.size()][languages.size()];
      for (int i = 0; i < texts.size(); i++) {
        parts[i / SAMPLES][languages.indexOf(found.get(i).label())] += 1.0 / SAMPLES;
      }
      var rows = new ArrayList<String>();
      for (int i = 0; i < texts.size(); i += SAMPLES) {
        rows.add(languages.get(i / SAMPLES) + ": " + String.join("  ", texts.subList(i, i + 8)));
      }
      example.picture(() -> Pictures.matrix(parts, rows, languages));
      double right =
          IntStream.range(0, parts.length).mapToDouble(i -> parts[i][i]).average().orElseThrow();
      return new Example.Result("words recognised", right, 1.0 / languages.size());
    }
  }

  private static void train(
      Example example,
      String name,
      Parameters p,
      Objective objective,
      BatchSource source,
      int epochs)
      throws IOException {
    var config = TrainerConfig.of(Optimizer.adamW(3e-3)).clip(Clip.byNorm(1)).epochs(epochs);
    try (var trainer = Trainer.of(p, objective, source, config)) {
      trainer.listener(example).checkpoints(example.checkpoints(name)).run();
    }
  }
}
