package io.github.cudnn4j.examples;

import module java.base;

import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.data.*;
import io.github.cudnn4j.model.Vocabulary;
import io.github.cudnn4j.optim.*;
import io.github.cudnn4j.rnn.RnnConfig;
import io.github.cudnn4j.tape.*;
import io.github.cudnn4j.train.*;
import org.knowm.xchart.HeatMapChart;

/**
 * A memory network: questions about stories, answered by looking three times at the sentences. What
 * was found decides where to look next: at who took the apple, then at where that one went.
 *
 * @see <a href="https://arxiv.org/abs/1503.08895">Sukhbaatar et al., 2015</a>
 */
final class Memory {

  private static final int HOPS = 3, SENTENCES = 12, WORDS = 5, ASKED = 7;
  private static final int SIZE = 64;

  /** What is asked for, and how much each hop looks at each sentence, {@code [B, S]}. */
  private record Answer(Tensor logits, Tensor[] weights) {}

  private interface Network {
    Answer on(Tape tape, Batch in);
  }

  private Memory() {}

  static Example.Result run(Example example) throws IOException {
    var random = new SplittableRandom(1);
    var training = new ArrayList<Story>();
    var held = new ArrayList<Story>();
    var tasks = List.of(1, 2, 3, 15).subList(0, example.size(4, 1));
    for (int task : tasks) {
      training.addAll(Story.tell(task, example.size(10_000, 4_000), random));
      held.addAll(Story.tell(task, 500, random));
    }
    var words =
        Vocabulary.mostFrequent(
            Vocabulary.Units.WORDS, training.stream().flatMap(story -> story.words().stream()), 99);
    var batches =
        Batches.<Story>of(32)
            .tokens("story", WORDS * SENTENCES, WORDS * SENTENCES, story -> tokens(story, words))
            .tokens("question", ASKED, ASKED, story -> tokens(story.question(), ASKED, words))
            .label("answer", story -> words.id(story.answer()));
    try (var p = Parameters.on(example.device(), Precision.FP32)) {
      var network = network(p, words.size());
      p.initialize(1);
      Objective right =
          (tape, in) -> tape.crossEntropy(network.on(tape, in).logits, in.labels("answer"));
      int epochs = example.size(8, 3);
      var config =
          TrainerConfig.of(Optimizer.adam(3e-3))
              .clip(Clip.byNorm(1))
              .schedule(Schedule.cosine(100, epochs * (training.size() / 32), 0.05))
              .epochs(epochs);
      var source = batches.over(training).shuffled(1);
      example.core("memory", right, source, p);
      try (var trainer = Trainer.of(p, right, source, config)) {
        trainer.validation(batches.over(held), Metric.accuracy()).listener(example);
        trainer.checkpoints(example.checkpoints("checkpoints")).run();
      }
      var title = new StringJoiner(", ", "right answers: ", "");
      for (int i = 0; i < tasks.size(); i++) {
        double part = accuracy(p, right, batches.over(held.subList(500 * i, 500 * (i + 1))));
        title.add(String.format(Locale.ROOT, "task %d %.1f %%", tasks.get(i), 100 * part));
      }
      Story shown = held.get(held.size() / 2);
      var weights =
          Outputs.of(
              p,
              batches.over(List.of(shown)),
              (tape, in) -> tape.concatenate(network.on(tape, in).weights));
      example.picture(() -> chart(title.toString(), shown, weights.getFirst()));
      return new Example.Result(
          "accuracy", accuracy(p, right, batches.over(held)), Story.baseline(training, held));
    }
  }

  private static double accuracy(Parameters p, Objective right, BatchSource source)
      throws IOException {
    return Evaluator.evaluate(p, right, source, Metric.accuracy()).metrics().get("accuracy");
  }

  /** Declares the network; the values of a hop are the keys of the next. */
  private static Network network(Parameters p, int vocabulary) {
    var embed = p.embedding("embed", vocabulary, 32);
    var context = p.rnn("context", RnnConfig.gru(WORDS * 32, SIZE / 2).bidirectional());
    var memories = new LinearLayer[HOPS + 1];
    Arrays.setAll(
        memories, i -> p.linear("memory" + i, WORDS * 32 + context.outputSize(), SIZE, false));
    var question = p.rnn("question", RnnConfig.gru(32, SIZE));
    var head = p.linear("head", SIZE, vocabulary);
    return (tape, in) -> {
      Tensor words = embed.on(tape, in.tokens("story"));
      var parts = new Tensor[WORDS];
      Arrays.setAll(parts, i -> tape.slice(words, 0, i * SENTENCES, SENTENCES));
      Tensor alone = tape.concatenate(parts);
      Tensor sentences = tape.concatenate(alone, context.on(tape, alone).y());
      Tensor state = question.on(tape, embed.on(tape, in.tokens("question"))).last();
      var weights = new Tensor[HOPS];
      for (int hop = 0; hop < HOPS; hop++) {
        var keys = Attention.scaledDot(tape, memories[hop].on(tape, sentences), null);
        var seen = keys.withValues(memories[hop + 1].on(tape, sentences)).on(state);
        state = tape.add(state, seen.context());
        weights[hop] = seen.weights();
      }
      return new Answer(head.on(tape, state), weights);
    };
  }

  /** The first words of all sentences, then all second words ...; the last sentence is behind. */
  private static int[] tokens(Story story, Vocabulary words) {
    int[] all = new int[WORDS * SENTENCES];
    int before = SENTENCES - story.sentences().size();
    for (int i = before; i < SENTENCES; i++) {
      int[] sentence = tokens(story.sentences().get(i - before), WORDS, words);
      for (int j = 0; j < WORDS; j++) {
        all[j * SENTENCES + i] = sentence[j];
      }
    }
    return all;
  }

  private static int[] tokens(String text, int count, Vocabulary words) {
    int[] tokens = words.encode(List.of(text.split(" ")));
    int[] all = new int[count];
    System.arraycopy(tokens, 0, all, count - tokens.length, tokens.length);
    return all;
  }

  /** Draws how much each hop looks at each sentence; the first sentence is on top. */
  private static HeatMapChart chart(String title, Story story, double[] weights) {
    var cells = new ArrayList<Number[]>();
    var sentences = story.sentences().reversed();
    for (int hop = 0; hop < HOPS; hop++) {
      for (int i = 0; i < sentences.size(); i++) {
        cells.add(new Number[] {hop, i, weights[(hop + 1) * SENTENCES - 1 - i]});
      }
    }
    var chart = Pictures.heatMap(title, story.question() + "? " + story.answer(), "");
    chart.addSeries("weight", List.of("first look", "second look", "third look"), sentences, cells);
    return chart;
  }
}
