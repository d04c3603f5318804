package io.github.cudnn4j.examples;

import module java.base;

import io.github.cudnn4j.model.LogMel;
import io.github.cudnn4j.model.Recogniser.Recording;
import io.github.cudnn4j.model.Vocabulary;
import io.github.cudnn4j.rnn.RnnConfig;

/**
 * Recordings of what is known to be said there, and how to learn from them.
 *
 * @param training to learn from
 * @param held the others
 * @param frames the most vectors of a recording
 * @param longest the most symbols of a transcript
 */
record Recordings(
    List<Recording> training,
    List<Recording> held,
    Vocabulary symbols,
    RnnConfig network,
    int batch,
    int epochs,
    int frames,
    int longest) {

  /** As many vectors of 10 ms make one that a network reads. */
  static final int STACKED = 3;

  private static final LogMel MEL = LogMel.of(Speaker.SAMPLE_RATE, 20);
  static final int COLUMNS = STACKED * MEL.bands();
  private static final String SYMBOLS = "abcdefghijklmnopqrstuvwxyz0123456789";
  private static final int FRAMES = 150;
  private static final int MOST_FRAMES = 300;
  private static final int MOST_LETTERS = 150;

  /** Lets letters and digits be spelt, or reads a folder of recordings. */
  static Recordings of(Example example) throws IOException {
    var lists = example.files("*.txt");
    return lists.isEmpty() ? spelt(example) : read(lists);
  }

  private static Recordings spelt(Example example) {
    String symbols = SYMBOLS.substring(0, example.size(SYMBOLS.length(), 3));
    int longest = example.size(6, 3);
    var random = new SplittableRandom(1);
    var training = spelt(example.size(4_000, 300), symbols, longest, false, random);
    var held = spelt(example.size(400, 50), symbols, longest, true, random);
    var network = RnnConfig.lstm(COLUMNS, example.size(96, 32)).bidirectional();
    var vocabulary = Vocabulary.of(SYMBOLS);
    int epochs = example.size(12, 25);
    return new Recordings(training, held, vocabulary, network, 32, epochs, FRAMES, longest);
  }

  /** Reads lines such as {@code vm-goodbye: Goodbye.} and the recordings beside their file. */
  private static Recordings read(List<Path> lists) throws IOException {
    var all = new ArrayList<Recording>();
    for (Path list : lists) {
      for (String line : Files.readAllLines(list)) {
        String[] parts = line.split(":", 2);
        Path wav = list.resolveSibling(parts[0] + ".wav");
        if (parts.length == 2 && !parts[1].contains("[") && Files.exists(wav)) {
          String words = parts[1].toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9']+", " ").strip();
          float[][] frames = stacked(MEL.of(wav), Integer.MAX_VALUE);
          if (frames.length <= MOST_FRAMES
              && words.length() <= Math.min(frames.length, MOST_LETTERS)) {
            all.add(new Recording(frames, words));
          }
        }
      }
    }
    Collections.shuffle(all, new Random(1));
    int held = all.size() / 10;
    var network = RnnConfig.lstm(COLUMNS, 128).bidirectional().dropout(0.3, 1);
    return new Recordings(
        all.subList(held, all.size()),
        all.subList(0, held),
        Vocabulary.of(SYMBOLS + "' "),
        network,
        8,
        60,
        MOST_FRAMES,
        MOST_LETTERS);
  }

  /** Lets sequences be spelt, with a symbol twice in a row in every second one, or in all. */
  private static List<Recording> spelt(
      int count, String symbols, int longest, boolean twice, SplittableRandom random) {
    var speakers = new ArrayList<Speaker>();
    for (int i = 0; i < 20; i++) {
      String voice = i % 2 == 0 ? "kevin" : "kevin16";
      speakers.add(new Speaker(voice, random.nextInt(80, 180), random.nextInt(140, 220)));
    }
    var recordings = new ArrayList<Recording>();
    while (recordings.size() < count) {
      var spelt = new StringBuilder();
      int length = random.nextInt(2, longest + 1);
      int same = twice || random.nextBoolean() ? random.nextInt(1, length) : 0;
      for (int i = 0; i < length; i++) {
        spelt.append(
            i > 0 && i == same
                ? spelt.charAt(i - 1)
                : symbols.charAt(random.nextInt(symbols.length())));
      }
      String text = String.join(" ", spelt.toString().split(""));
      float[] sound = speakers.get(random.nextInt(speakers.size())).speak(text);
      float[] heard = Speaker.noisy(sound, random.nextDouble(0.001, 0.01), random);
      recordings.add(new Recording(frames(heard, FRAMES), spelt.toString()));
    }
    return recordings;
  }

  /** Returns at most so many vectors of sound, each of {@value #STACKED} of 10 ms. */
  static float[][] frames(float[] sound, int most) {
    return stacked(MEL.of(sound), most);
  }

  /** Puts vectors in a row side by side, less the mean of all. */
  private static float[][] stacked(float[][] vectors, int most) {
    var stacked = new float[Math.min(vectors.length / STACKED, most)][COLUMNS];
    double sum = 0;
    for (float[] vector : vectors) {
      for (float value : vector) {
        sum += value;
      }
    }
    double mean = sum / vectors.length / MEL.bands();
    for (int i = 0; i < stacked.length * COLUMNS; i++) {
      float value = vectors[i / MEL.bands()][i % MEL.bands()];
      stacked[i / COLUMNS][i % COLUMNS] = (float) (value - mean) / 4;
    }
    return stacked;
  }
}
