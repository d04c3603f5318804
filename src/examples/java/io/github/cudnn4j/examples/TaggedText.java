package io.github.cudnn4j.examples;

import module java.base;

import io.github.cudnn4j.model.SequenceTagger;
import io.github.cudnn4j.model.SequenceTagger.Sentence;
import io.github.cudnn4j.model.Vocabulary;
import io.github.cudnn4j.train.SpanScore;

/**
 * Sentences whose words have tags, and how to learn from them.
 *
 * @param training to learn from
 * @param test the others
 * @param vocabulary the words that are known
 * @param tags in the order of their numbers
 * @param size the elements of a word's vector
 */
record TaggedText(
    List<Sentence> training,
    List<Sentence> test,
    Vocabulary vocabulary,
    List<String> tags,
    int batch,
    int epochs,
    int size) {

  static final int LONGEST = 40;

  private static final String NEWS =
      "/opennlp/tools/namefind/RandomNewsWithGeneratedDates_EN.train";

  /** The names of the files of the Brown corpus. */
  private static final String BROWN = "c[a-r][0-9][0-9]";

  private static final int FEW = 100;

  /** Takes 100 sentences of news whose dates are marked, or a folder of the Brown corpus. */
  static TaggedText of(Example example) throws IOException {
    boolean brown = !example.files(BROWN).isEmpty();
    var all =
        example.lines(BROWN, NEWS).stream()
            .filter(line -> !line.isBlank())
            .distinct()
            .map(brown ? TaggedText::classes : TaggedText::dates)
            .collect(Collectors.toCollection(ArrayList::new));
    Collections.shuffle(all, new Random(1));
    int count = brown ? all.size() - Math.min(2_000, all.size() / 10) : FEW;
    var training = all.subList(0, count).stream().map(TaggedText::cut).toList();
    var test = all.subList(count, brown ? all.size() : example.size(all.size(), 400));
    var tags = all.stream().flatMap(one -> one.tags().stream()).distinct().sorted().toList();
    var known = training.stream().flatMap(one -> one.words().stream());
    var words = Vocabulary.mostFrequent(Vocabulary.Units.WORDS, known, 15_000);
    return brown
        ? new TaggedText(training, test, words, tags, 32, 2, 64)
        : new TaggedText(training, test, words, tags, 10, 40, 32);
  }

  private static Sentence dates(String line) {
    return Sentence.marked(line.replaceAll("[0-9]", "0"));
  }

  /**
   * Reads words such as {@code The/at-tl}; what is behind a hyphen or plus in a tag is left out.
   */
  private static Sentence classes(String line) {
    var words = List.of(line.strip().split("\\s+"));
    return new Sentence(
        words.stream().map(word -> word.substring(0, word.lastIndexOf('/'))).toList(),
        words.stream()
            .map(word -> word.substring(word.lastIndexOf('/') + 1))
            .map(tag -> tag.replaceAll("^fw-|(?<=.)[-+*].*", ""))
            .toList());
  }

  private static Sentence cut(Sentence sentence) {
    int most = Math.min(LONGEST, sentence.words().size());
    return new Sentence(sentence.words().subList(0, most), sentence.tags().subList(0, most));
  }

  boolean areSpans() {
    return SequenceTagger.areSpans(tags);
  }

  String metric() {
    return areSpans() ? "span F1" : "accuracy";
  }

  int[] words(Sentence sentence) {
    return vocabulary.encode(sentence.words());
  }

  int[] tags(Sentence sentence) {
    return sentence.tags().stream().mapToInt(tags::indexOf).toArray();
  }

  /** Returns the F1 of spans, or else the part of the tags that is right. */
  double score(List<int[]> paths) {
    var spans = SpanScore.lenient();
    var right = new ArrayList<Boolean>();
    for (int i = 0; i < paths.size(); i++) {
      var expected = test.get(i).tags();
      var found = Arrays.stream(paths.get(i)).mapToObj(tags::get).toList();
      if (areSpans()) {
        spans.add(expected, found);
      }
      for (int t = 0; t < found.size(); t++) {
        right.add(found.get(t).equals(expected.get(t)));
      }
    }
    return areSpans()
        ? spans.overall().f1()
        : (double) Collections.frequency(right, true) / right.size();
  }
}
