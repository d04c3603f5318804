package io.github.cudnn4j.examples;

import static io.github.cudnn4j.model.Vocabulary.Units.WORDS;

import module java.base;

import io.github.cudnn4j.model.*;
import io.github.cudnn4j.model.Translator.Pair;
import io.github.cudnn4j.optim.*;
import io.github.cudnn4j.rnn.RnnConfig;
import io.github.cudnn4j.train.*;

/**
 * Dialogue: the reply to all that was said before, in generated talks of one who books a table and
 * one who asks for what is still to be known: which food, where, for how many. Replies are written
 * by beam search, which finds the likeliest, and by sampling, which says the same in other words.
 *
 * @see <a href="https://arxiv.org/abs/1506.05869">Vinyals and Le, 2015</a>
 */
final class Dialogue {

  private static final int MOST = 90;

  /** Of each thing to know: values, ways to say it, ways to ask for it. */
  private record Slot(List<String> values, List<String> said, List<String> asked) {}

  private static final List<Slot> SLOTS =
      List.of(
          new Slot(
              List.of("italian", "indian", "french", "thai", "greek", "mexican"),
              List.of("some % food", "a % restaurant", "% please"),
              List.of("what kind of food ?", "which cuisine would you like ?")),
          new Slot(
              List.of("london", "paris", "rome", "madrid", "vienna", "prague"),
              List.of("in %", "somewhere in %", "% would be good"),
              List.of("in which city ?", "where should it be ?")),
          new Slot(
              List.of("two", "three", "four", "six", "eight"),
              List.of("for %", "we are %", "% people"),
              List.of("for how many people ?", "how many are you ?")));

  private static final List<String> GREETINGS =
      List.of("hello", "hi there", "good evening", "i want");
  private static final List<String> DONE =
      List.of("a %0 table in %1 for %2 is booked .", "i found %0 food in %1 for %2 .");

  private Dialogue() {}

  static Example.Result run(Example example) throws IOException {
    var random = new Random(1);
    var text = String.join("\n", example.lines("*.txt"));
    var talks =
        text.isEmpty()
            ? Stream.generate(() -> talk(random)).limit(example.size(3_000, 600)).toList()
            : Stream.of(text.split("\n\\s*\n")).map(talk -> talk.lines().toList()).toList();
    int held = Math.min(100, talks.size() / 4);
    var test = talks.subList(0, held).stream().flatMap(Dialogue::replies).toList();
    var training = talks.subList(held, talks.size()).stream().flatMap(Dialogue::replies).toList();
    var heard = vocabulary(training.stream().map(Pair::source));
    var said = vocabulary(training.stream().map(Pair::target));
    var network = RnnConfig.lstm(48, 64).bidirectional();
    try (var model = Translator.create(example.device(), heard, said, network, 1)) {
      var batches = model.batches(32, MOST, MOST);
      var config = TrainerConfig.of(Optimizer.adam(3e-3)).clip(Clip.byNorm(1)).epochs(3);
      var source = batches.over(training).shuffled(1).bucketed(20);
      example.core("dialogue", model, source, model.parameters());
      try (var trainer = Trainer.of(model.parameters(), model, source, config)) {
        trainer.listener(example).checkpoints(example.checkpoints("checkpoints")).run();
      }
      var lines = new ArrayList<String>();
      for (Pair turn : replies(talks.getFirst()).toList()) {
        var twice = Collections.nCopies(2, turn.source());
        lines.add("heard:  " + turn.source());
        lines.add("beam:   " + model.translate(twice, 5, MOST).getFirst());
        var drawn = model.translate(twice, Sampling.temperature(1), MOST, random);
        drawn.forEach(reply -> lines.add("drawn:  " + reply));
        lines.add("");
      }
      example.picture(() -> Pictures.text(lines));
      double loss = Evaluator.loss(model.parameters(), model, batches.over(test));
      return new Example.Result("perplexity", Math.exp(loss), bigrams(training, test));
    }
  }

  /** Returns every second turn, and the words before it, or the last ones of many. */
  private static Stream<Pair> replies(List<String> turns) {
    return IntStream.iterate(1, i -> i < turns.size(), i -> i + 2)
        .mapToObj(i -> new Pair(last(turns.subList(0, i)), last(turns.subList(i, i + 1))));
  }

  private static String last(List<String> turns) {
    var words = WORDS.split(String.join(" | ", turns));
    return String.join(" ", words.subList(Math.max(0, words.size() - MOST), words.size()));
  }

  /** Plays a talk. */
  private static List<String> talk(Random random) {
    var turns = new ArrayList<String>();
    var known = new String[SLOTS.size()];
    String words = one(GREETINGS, random);
    for (int slot = 0; slot < known.length; slot++) {
      words += random.nextInt(3) == 0 ? " " + say(slot, known, random) : "";
    }
    while (true) {
      turns.add(words);
      int next = Arrays.asList(known).indexOf(null);
      String reply = one(next < 0 ? DONE : SLOTS.get(next).asked, random);
      for (int slot = 0; slot < known.length && next < 0; slot++) {
        reply = reply.replace("%" + slot, known[slot]);
      }
      turns.add(reply);
      if (next < 0) {
        return turns;
      }
      words = say(next, known, random);
    }
  }

  private static String say(int slot, String[] known, Random random) {
    known[slot] = one(SLOTS.get(slot).values, random);
    return one(SLOTS.get(slot).said, random).replace("%", known[slot]);
  }

  private static String one(List<String> all, Random random) {
    return all.get(random.nextInt(all.size()));
  }

  private static Vocabulary vocabulary(Stream<String> texts) {
    return Vocabulary.mostFrequent(WORDS, texts.flatMap(text -> WORDS.split(text).stream()), 9_000);
  }

  /** Returns the perplexity of replies where each word depends on the one before it. */
  private static double bigrams(List<Pair> training, List<Pair> test) {
    var counts = new HashMap<List<String>, Double>();
    for (Pair pair : training) {
      pairs(pair).forEach(two -> counts.merge(two, 1.0, Double::sum));
      pairs(pair).forEach(two -> counts.merge(two.subList(0, 1), 1.0, Double::sum));
    }
    ToDoubleFunction<List<String>> logarithm =
        two ->
            Math.log(counts.getOrDefault(two, 0.1) / counts.getOrDefault(two.subList(0, 1), 1.0));
    var all = test.stream().flatMap(pair -> pairs(pair).stream());
    return Math.exp(-all.mapToDouble(logarithm).average().orElseThrow());
  }

  private static List<List<String>> pairs(Pair pair) {
    var words = WORDS.split("| " + pair.target() + " |");
    return IntStream.range(1, words.size()).mapToObj(i -> words.subList(i - 1, i + 1)).toList();
  }
}
