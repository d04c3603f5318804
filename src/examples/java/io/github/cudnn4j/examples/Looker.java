package io.github.cudnn4j.examples;

import module java.base;

import io.github.cudnn4j.data.*;
import io.github.cudnn4j.tape.*;
import io.github.cudnn4j.train.*;

/**
 * Answers questions, {@code [B, SIZE]}, about scenes, {@code [THINGS, B, FEATURES]}: the question
 * and what was seen decide where to look next.
 */
@FunctionalInterface
interface Looker {

  int LOOKS = 2;

  /** What is answered, and how much each look is at each thing, {@code [B, THINGS]}. */
  record Answer(Tensor logits, Tensor[] weights) {}

  /** The answer to one question, and its looks, {@code [LOOKS * THINGS]}. */
  record Given(String answer, double[] looks) {}

  /** Reads questions, then answers them. */
  interface Network {
    Answer on(Tape tape, Batch in);
  }

  Answer on(Tape tape, Tensor scene, Tensor question);

  /**
   * Declares one that looks several times.
   *
   * @param size the elements of a question
   */
  static Looker of(Parameters p, int size) {
    var keys = p.linear("keys", Scene.FEATURES, size);
    var values = p.linear("values", Scene.FEATURES, size);
    var queries = new LinearLayer[LOOKS];
    Arrays.setAll(queries, i -> p.linear("query" + i, size, size));
    var thoughts = new LinearLayer[LOOKS];
    Arrays.setAll(thoughts, i -> p.linear("thought" + i, 2 * size, size));
    var head = p.linear("head", size, Scene.ANSWERS.size());
    return (tape, scene, question) -> {
      var attention = Attention.scaledDot(tape, keys.on(tape, scene), null);
      attention = attention.withValues(values.on(tape, scene));
      Tensor state = question;
      var weights = new Tensor[LOOKS];
      for (int i = 0; i < LOOKS; i++) {
        var seen = attention.on(queries[i].on(tape, state));
        Tensor both = tape.concatenate(question, seen.context());
        state = tape.relu(thoughts[i].on(tape, both));
        weights[i] = seen.weights();
      }
      return new Answer(head.on(tape, state), weights);
    };
  }

  /** Lets the network answer. */
  static List<Given> given(Parameters p, Network network, BatchSource source) throws IOException {
    Outputs.Model both =
        (tape, in) -> {
          Answer answer = network.on(tape, in);
          return tape.concatenate(answer.logits, tape.concatenate(answer.weights));
        };
    int answers = Scene.ANSWERS.size();
    return Outputs.of(p, source, both).stream()
        .map(
            row -> {
              var best = Comparator.comparing((Integer i) -> row[i]);
              int answer = IntStream.range(0, answers).boxed().max(best).orElseThrow();
              double[] looks = Arrays.copyOfRange(row, answers, row.length);
              return new Given(Scene.ANSWERS.get(answer), looks);
            })
        .toList();
  }
}
