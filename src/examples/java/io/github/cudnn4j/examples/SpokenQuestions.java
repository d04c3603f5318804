package io.github.cudnn4j.examples;

import module java.base;

import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.data.*;
import io.github.cudnn4j.optim.*;
import io.github.cudnn4j.rnn.RnnConfig;
import io.github.cudnn4j.tape.*;
import io.github.cudnn4j.train.*;

/**
 * The questions of {@link Questions}, spoken: FreeTTS asks at many pitches and speeds, in noise. A
 * recurrent network hears how probable each word is at each time; what it has heard of each word in
 * all, in whatever order, is the question that {@link Looker} answers. It learns from the answers,
 * and from the words by connectionist temporal classification.
 *
 * @see <a href="https://arxiv.org/abs/1511.02274">Yang et al., 2015</a>
 * @see <a href="https://doi.org/10.1145/1143844.1143891">Graves et al., 2006</a>
 */
final class SpokenQuestions {

  private static final int TIME = 100, SIZE = 96;

  /** How much the words count beside the answer. */
  private static final double HEARD = 0.3;

  private record Spoken(Scene scene, float[][] frames) {}

  /** Answers questions of which words have such logits at each time, {@code [T, B, V]}. */
  private interface Reader {
    Looker.Answer on(Tape tape, Batch in, Tensor heard);
  }

  private SpokenQuestions() {}

  static Example.Result run(Example example) throws IOException {
    var random = new Random(1);
    int longest = example.size(10, 6);
    var training = spoken(example.size(32_000, 12_000), longest, example.size(12, 6), random);
    var held = spoken(example.size(2_000, 500), longest, example.size(4, 2), random);
    var scenes = training.stream().map(Spoken::scene).toList();
    var asked = held.stream().map(Spoken::scene).toList();
    var words = Questions.words(scenes);
    var batches =
        Batches.<Spoken>of(32)
            .floats("question", TIME, Recordings.COLUMNS, Spoken::frames)
            .tokens("words", longest, one -> words.encode(one.scene.words()))
            .floats("scene", Scene.THINGS, Scene.FEATURES, one -> one.scene.vectors())
            .label("answer", one -> one.scene.label());
    try (var p = Parameters.on(example.device(), Precision.FP32)) {
      var hearing = p.rnn("hearing", RnnConfig.gru(Recordings.COLUMNS, 64).bidirectional());
      var naming = p.linear("words", hearing.outputSize(), words.size());
      var asking = p.linear("asking", words.size() - 1, SIZE);
      var looker = Looker.of(p, SIZE);
      p.initialize(1);
      Outputs.Model hear =
          (tape, in) -> {
            Tensor x = in.floats("question");
            return naming.on(tape, hearing.on(tape, x, in.lengths("question")).y());
          };
      Reader read =
          (tape, in, heard) -> {
            Tensor all = in.lengths("question").sum(tape.softmax(heard));
            Tensor named = tape.slice(all, 1, words.size() - 1); // without the blank
            return looker.on(tape, in.floats("scene"), asking.on(tape, named));
          };
      Looker.Network network = (tape, in) -> read.on(tape, in, hear.record(tape, in));
      Objective both =
          (tape, in) -> {
            Tensor heard = hear.record(tape, in);
            Tensor answers = read.on(tape, in, heard).logits();
            Indices right = in.labels("answer"), said = in.tokens("words");
            var lengths = in.lengths("question");
            return tape.sum(
                tape.crossEntropy(answers, right),
                tape.ctc(heard, lengths, said, in.lengths("words"), right).times(HEARD));
          };
      int epochs = 4;
      var config =
          TrainerConfig.of(Optimizer.adamW(3e-3))
              .clip(Clip.byNorm(1))
              .schedule(Schedule.cosine(100, epochs * (training.size() / 32), 0.05))
              .epochs(epochs);
      var source = batches.over(training).shuffled(1).bucketed(20);
      example.core("spoken-questions", both, source, p);
      try (var trainer = Trainer.of(p, both, source, config)) {
        trainer.validation(batches.over(held)).listener(example);
        trainer.checkpoints(example.checkpoints("checkpoints")).run();
      }
      var given = Looker.given(p, network, batches.over(held));
      int shown = Questions.shown(asked);
      example.picture(() -> SceneMap.of(asked.get(shown), given.get(shown)));
      return Questions.result(scenes, asked, given);
    }
  }

  /** Draws scenes; each question is one of the recordings of it, of so many speakers. */
  private static List<Spoken> spoken(int count, int longest, int speakers, Random random) {
    var scenes =
        Scene.draw(random).filter(one -> one.words().size() <= longest).limit(count).toList();
    var recordings = new HashMap<String, List<float[][]>>();
    for (int i = 0; i < speakers; i++) {
      var voice = i % 2 == 0 ? "kevin" : "kevin16";
      var speaker = new Speaker(voice, random.nextInt(80, 180), random.nextInt(150, 220));
      for (String question : new TreeSet<>(scenes.stream().map(Scene::question).toList())) {
        float[] sound = speaker.speak(question);
        sound = Speaker.noisy(sound, random.nextDouble(0.001, 0.01), random);
        recordings
            .computeIfAbsent(question, _ -> new ArrayList<>())
            .add(Recordings.frames(sound, TIME));
      }
    }
    return scenes.stream()
        .map(
            scene -> {
              var some = recordings.get(scene.question());
              return new Spoken(scene, some.get(random.nextInt(some.size())));
            })
        .toList();
  }
}
