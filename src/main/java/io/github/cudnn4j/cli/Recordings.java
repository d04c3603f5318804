package io.github.cudnn4j.cli;

import io.github.cudnn4j.cudnn.CtcLoss;
import io.github.cudnn4j.data.Batches;
import io.github.cudnn4j.model.LogMel;
import io.github.cudnn4j.model.Recogniser;
import io.github.cudnn4j.model.Recogniser.Recording;
import io.github.cudnn4j.model.Sound;
import io.github.cudnn4j.model.Vocabulary;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** Reads files of recordings with transcripts. */
final class Recordings {

  private static final String EXPECTED = "a WAV file, a TAB and its transcript";

  /** Recordings by which the sound is scaled. */
  private static final int SCALED_BY = 200;

  private Recordings() {}

  /**
   * A WAV file, and what is said there.
   *
   * @param line which tells of it, with its file
   */
  record Spoken(String line, Path wav, String transcript) {

    /**
     * Returns the sound as vectors.
     *
     * @throws IOException telling the line, if the file cannot be read, has no sample, or has
     *     another format or sample rate
     */
    float[][] vectors(LogMel features) throws IOException {
      try {
        float[][] vectors = features.of(wav);
        if (vectors.length == 0 && Sound.ofWav(wav).samples().length == 0) {
          throw new IOException(wav + " has no sample");
        }
        return vectors;
      } catch (IOException e) {
        throw new IOException(line + ": " + Main.message(e), e);
      }
    }
  }

  /**
   * Reads a file; blank lines are passed over.
   *
   * @param option what names the file; paths in it begin at its folder
   * @param known the characters that there may be; null for any
   * @throws IOException if the file cannot be read, has no recording, or a line is not as expected
   */
  static List<Spoken> read(
      String option, Path file, EncodingOption encoding, @Nullable Vocabulary known)
      throws IOException {
    LineFile lines = LineFile.of(option, file, encoding);
    return lines.readPairs(
        "recording",
        EXPECTED,
        (number, name, after) -> {
          String transcript = after.strip();
          if (known != null && unknown(transcript, known).length() > 0) {
            throw lines.wrong(
                number,
                "the model does not know '" + Terminal.visible(unknown(transcript, known)) + "'",
                "one of " + Terminal.named(known.symbols()));
          }
          return new Spoken(lines.place(number), wav(lines, number, file, name), transcript);
        });
  }

  private static Path wav(LineFile lines, int number, Path file, String name) throws IOException {
    Path wav;
    try {
      wav = file.resolveSibling(name.strip());
    } catch (InvalidPathException e) {
      throw lines.wrong(number, e.getMessage(), EXPECTED);
    }
    if (name.isBlank() || !Files.isRegularFile(wav)) {
      throw lines.wrong(number, "there is no file " + wav, EXPECTED);
    }
    return wav;
  }

  private static String unknown(String transcript, Vocabulary known) {
    return transcript
        .codePoints()
        .filter(character -> known.id(character) == 0)
        .limit(1)
        .mapToObj(Character::toString)
        .findFirst()
        .orElse("");
  }

  /**
   * Returns the characters of transcripts.
   *
   * @throws IOException if there is none
   */
  static Vocabulary vocabulary(List<Spoken> recordings) throws IOException {
    TreeSet<Integer> characters = new TreeSet<>();
    recordings.forEach(spoken -> spoken.transcript.codePoints().forEach(characters::add));
    if (characters.isEmpty()) {
      throw new IOException("there is nothing to learn: all transcripts are empty");
    }
    return Vocabulary.of(
        Vocabulary.Units.CHARACTERS, characters.stream().map(Character::toString).toList());
  }

  /**
   * Returns features of the first recording's sample rate, scaled so that the vectors of some
   * recordings have elements of mean 0 and deviation 1.
   */
  static LogMel features(List<Spoken> recordings, int bands) throws IOException {
    Spoken first = recordings.getFirst();
    LogMel features;
    try {
      features = LogMel.of(Sound.ofWav(first.wav).sampleRate(), bands);
    } catch (IOException e) {
      throw new IOException(first.line + ": " + Main.message(e), e);
    } catch (IllegalArgumentException e) {
      throw new IOException(first.line + ": " + first.wav + ": " + e.getMessage(), e);
    }
    double count = 0;
    double sum = 0;
    double squares = 0;
    for (Spoken spoken : recordings.subList(0, Math.min(SCALED_BY, recordings.size()))) {
      for (float[] vector : spoken.vectors(features)) {
        for (float element : vector) {
          count++;
          sum += element;
          squares += (double) element * element;
        }
      }
    }
    double mean = count == 0 ? 0 : sum / count;
    double variance = count == 0 ? 0 : squares / count - mean * mean;
    return features.scaled(mean, variance > 0 ? Math.sqrt(variance) : 1);
  }

  /**
   * Returns the features that the recogniser of a configuration reads.
   *
   * @throws IOException if it does not read sounds
   */
  static LogMel features(Map<String, Object> configuration) throws IOException {
    LogMel features = Recogniser.sound(configuration);
    if (features == null) {
      throw new IOException("the recogniser was trained on vectors, not on sound");
    }
    return features;
  }

  /** Returns the sounds of recordings as vectors. */
  static List<Recording> of(List<Spoken> recordings, LogMel features) throws IOException {
    List<Recording> read = new ArrayList<>();
    for (Spoken spoken : recordings) {
      read.add(new Recording(spoken.vectors(features), spoken.transcript));
    }
    return read;
  }

  /**
   * Tells whether a recording has from one to as many vectors, and no more symbols than the loss
   * takes.
   */
  static boolean fits(Recording recording, int frames) {
    String transcript = recording.transcript();
    return recording.frames().length > 0
        && recording.frames().length <= frames
        && transcript.codePointCount(0, transcript.length()) <= CtcLoss.MAX_LABELS;
  }

  /** Returns batches that hold all of some recordings. */
  static Batches<Recording> batches(Recogniser model, int batch, List<Recording> all) {
    int frames = all.stream().mapToInt(recording -> recording.frames().length).max().orElse(0);
    int symbols =
        all.stream()
            .mapToInt(r -> model.vocabulary().encode(r.transcript()).length)
            .max()
            .orElse(0);
    return model.batches(batch, Math.max(2, frames), Math.max(1, symbols));
  }
}
