package io.github.cudnn4j.examples;

import module java.base;

import io.github.cudnn4j.model.Vocabulary;

/** Runs of words of the text, as numbers; their titles lack the most frequent words. */
final class Passages {

  static final int LENGTH = 12;
  static final int FREQUENT = 60;

  private Passages() {}

  /** Returns the sentences, shuffled, each once. */
  static List<List<String>> sentences(Example example) throws IOException {
    var sentences =
        example
            .text()
            .lines()
            .flatMap(line -> Stream.of(line.toLowerCase(Locale.ROOT).split("[.:;?!()]")))
            .distinct()
            .map(text -> List.of(text.strip().split("[^a-z]+")))
            .collect(Collectors.toList());
    Collections.shuffle(sentences, new Random(1));
    return sentences;
  }

  /** Returns the parts between punctuation marks in each paragraph, of as many words at most. */
  static List<List<List<String>>> paragraphs(Example example, int least, int most, int count)
      throws IOException {
    return example
        .text()
        .lines()
        .limit(count)
        .map(line -> Stream.of(line.toLowerCase(Locale.ROOT).split("[.,:;?!()]+")))
        .map(
            parts ->
                parts
                    .map(part -> List.of(part.strip().split("[^a-z]+")))
                    .filter(part -> part.size() >= least)
                    .map(part -> part.subList(0, Math.min(most, part.size())))
                    .toList())
        .toList();
  }

  /** Returns the most frequent words of paragraphs. */
  static Vocabulary vocabulary(List<List<List<String>>> paragraphs, int most) {
    var words = paragraphs.stream().flatMap(List::stream).flatMap(List::stream);
    return Vocabulary.mostFrequent(Vocabulary.Units.WORDS, words, most);
  }

  /** Returns every second run of different words, all known, at least four of them not frequent. */
  static List<int[]> of(List<List<String>> sentences, Vocabulary words) {
    var passages = new ArrayList<int[]>();
    for (var sentence : sentences) {
      int[] all = words.encode(sentence);
      for (int i = 0; i + LENGTH <= all.length; i += 2) {
        int[] passage = Arrays.copyOfRange(all, i, i + LENGTH);
        if (IntStream.of(passage).filter(word -> word > 0).distinct().count() == LENGTH
            && title(passage).length >= 4) {
          passages.add(passage);
        }
      }
    }
    return passages;
  }

  /** Returns the words that are not frequent; a vocabulary begins with the most frequent. */
  static int[] title(int[] passage) {
    return IntStream.of(passage).filter(word -> word > FREQUENT).toArray();
  }

  /** Returns a copy in which words that are not frequent have changed places in pairs. */
  static int[] mixed(int[] passage, int pairs, SplittableRandom random) {
    int[] places = IntStream.range(0, LENGTH).filter(i -> passage[i] > FREQUENT).toArray();
    int[] copy = passage.clone();
    for (int n = 0; n < pairs; n++) {
      int i = random.nextInt(places.length);
      int j = (i + 1 + random.nextInt(places.length - 1)) % places.length;
      int word = copy[places[i]];
      copy[places[i]] = copy[places[j]];
      copy[places[j]] = word;
    }
    return copy;
  }

  /** Returns a vector of length 1 that tells which words there are. */
  static double[] bag(int[] passage, int words) {
    var bag = new double[words];
    IntStream.of(passage).forEach(word -> bag[word] = 1 / Math.sqrt(passage.length));
    return bag;
  }
}
