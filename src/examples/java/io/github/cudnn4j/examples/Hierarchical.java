package io.github.cudnn4j.examples;

import module java.base;

import io.github.cudnn4j.model.Vocabulary;
import io.github.cudnn4j.optim.*;
import io.github.cudnn4j.train.*;

/**
 * A hierarchical autoencoder: words to vectors of phrases, these to the vector of a document, from
 * which a network makes a state for each phrase and another one writes its words. It is compared
 * with an autoencoder of as many weights that reads and writes the document as one sequence.
 *
 * @see <a href="https://arxiv.org/abs/1506.01057">Li, Luong and Jurafsky, 2015</a>
 */
final class Hierarchical {

  private static final int PHRASES = 3;
  private static final int LONGEST = 5;
  private static final int BATCH = 64;

  /** What an autoencoder has written, how many words are wrong, how many phrases in place. */
  private record Written(List<List<int[]>> documents, double errors, double inPlace) {}

  private Hierarchical() {}

  static Example.Result run(Example example) throws IOException {
    var paragraphs = Passages.paragraphs(example, 2, LONGEST, example.most(1_500, 700));
    var words = Passages.vocabulary(paragraphs, example.size(300, 200));
    int first = paragraphs.size() / 16;
    var held = documents(paragraphs.subList(0, first), words);
    var training = new ArrayList<List<int[]>>();
    var random = new Random(1);
    for (var document : documents(paragraphs.subList(first, paragraphs.size()), words)) {
      var mixed = new ArrayList<>(document);
      Collections.shuffle(mixed, random);
      training.addAll(List.of(document, mixed));
    }
    int mark = words.size(); // behind a phrase where all are one part
    UnaryOperator<List<int[]>> join = one -> List.of(joined(one, mark));
    UnaryOperator<List<int[]>> split = one -> split(one.getFirst(), mark);
    var flat = train(example, training, held, 1, mark + 1, join, split);
    var deep = train(example, training, held, PHRASES, mark, one -> one, one -> one);
    var lines = new ArrayList<String>();
    for (int i = 0; i < held.size() && lines.size() < 32; i += 1 + held.size() / 8) {
      lines.add("read:         " + text(held.get(i), words));
      lines.add("hierarchical: " + text(deep.documents.get(i), words));
      lines.add("one sequence: " + text(flat.documents.get(i), words));
      lines.add("");
    }
    example.picture(() -> Pictures.text(lines));
    return new Example.Result(
        "phrases in place",
        deep.inPlace,
        flat.inPlace,
        Map.of("wordErrorRate", deep.errors, "baselineWordErrorRate", flat.errors));
  }

  private static String text(List<int[]> document, Vocabulary words) {
    return document.stream().map(words::decode).collect(Collectors.joining(" | "));
  }

  /** Returns all runs of phrases. */
  private static List<List<int[]>> documents(
      List<List<List<String>>> paragraphs, Vocabulary words) {
    var documents = new ArrayList<List<int[]>>();
    for (var paragraph : paragraphs) {
      var all = paragraph.stream().map(words::encode).toList();
      for (int i = 0; i + PHRASES <= all.size(); i++) {
        documents.add(all.subList(i, i + PHRASES));
      }
    }
    return documents;
  }

  private static Written train(
      Example example,
      List<List<int[]>> training,
      List<List<int[]>> held,
      int parts,
      int symbols,
      UnaryOperator<List<int[]>> before,
      UnaryOperator<List<int[]>> after)
      throws IOException {
    int most = parts == 1 ? PHRASES * (LONGEST + 1) : LONGEST;
    int size = 64;
    try (var model = new DocumentAutoencoder(example, parts, most, symbols, size)) {
      var batches = model.batches(BATCH);
      var read = held.stream().map(before).toList();
      int epochs = example.size(10, parts == 1 ? 1 : 10);
      var config =
          TrainerConfig.of(Optimizer.adamW(1e-2))
              .clip(Clip.byNorm(1))
              .schedule(Schedule.cosine(20, epochs * (training.size() / BATCH), 0.05))
              .epochs(epochs);
      var source = batches.over(training.stream().map(before).toList()).shuffled(1);
      example.core("parts-" + parts, model, source, model.parameters());
      try (var trainer = Trainer.of(model.parameters(), model, source, config)) {
        trainer.validation(batches.over(read), Metric.loss()).listener(example);
        trainer.checkpoints(example.checkpoints("parts-" + parts)).run();
      }
      var written = model.write(read).stream().map(after).toList();
      var errors = new ErrorRate();
      double inPlace = 0;
      for (int i = 0; i < held.size(); i++) {
        errors.add(numbers(held.get(i)), numbers(written.get(i)));
        inPlace += inPlace(held.get(i), written.get(i)) / held.size();
      }
      return new Written(written, errors.rate(), inPlace);
    }
  }

  private static int[] joined(List<int[]> phrases, int mark) {
    return phrases.stream().flatMapToInt(one -> IntStream.of(Example.with(one, mark))).toArray();
  }

  private static List<int[]> split(int[] document, int mark) {
    var phrases = new ArrayList<int[]>();
    int from = 0;
    for (int i = 0; i <= document.length; i++) {
      if (i == document.length ? i > from : document[i] == mark) {
        phrases.add(Arrays.copyOfRange(document, from, i));
        from = i + 1;
      }
    }
    return phrases;
  }

  private static List<Integer> numbers(List<int[]> document) {
    return document.stream().flatMapToInt(IntStream::of).boxed().toList();
  }

  /** How many of the phrases share most words with the one that was written in their place. */
  private static double inPlace(List<int[]> document, List<int[]> written) {
    double right = 0;
    for (int i = 0; i < Math.min(PHRASES, written.size()); i++) {
      var found = new ErrorRate[PHRASES];
      var phrase = numbers(List.of(written.get(i)));
      for (int k = 0; k < PHRASES; k++) {
        found[k] = new ErrorRate();
        found[k].add(numbers(List.of(document.get(k))), phrase);
      }
      var best = Collections.min(List.of(found), Comparator.comparingDouble(ErrorRate::rate));
      right += best == found[i] ? 1.0 / PHRASES : 0;
    }
    return right;
  }
}
