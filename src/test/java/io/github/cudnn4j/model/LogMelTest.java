package io.github.cudnn4j.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cudnn4j.io.SafeTensors;
import io.github.cudnn4j.testing.Closeness;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Features of a sound, from {@code log_mel.py} beside it. */
class LogMelTest {

  @TempDir Path folder;

  private static Path file(String name) throws URISyntaxException {
    return Path.of(LogMelTest.class.getResource(name).toURI());
  }

  @Test
  void vectorsAreNumpys() throws IOException, URISyntaxException {
    float[][] vectors = LogMel.of(8000, 13).of(file("log-mel.wav"));
    try (var expected = SafeTensors.open(file("log-mel.safetensors"))) {
      double[] all = new double[11 * 13];
      for (int i = 0; i < all.length; i++) {
        all[i] = vectors[i / 13][i % 13];
      }
      assertEquals(11, vectors.length);
      Closeness.within(1e-6).check("vectors", expected.doubles("vectors"), all);
    }
  }

  @Test
  void shortSoundsHaveNoVectors() {
    assertEquals(0, LogMel.of(8000, 13).of(new float[199]).length);
    assertEquals(1, LogMel.of(8000, 13).of(new float[200]).length);
  }

  /** Before memory is taken for it, also where a checkpoint tells the numbers. */
  @Test
  void numbersBeyondAllMeasureAreRefused() {
    for (int[] each : new int[][] {{999, 1}, {1_000_001, 1}, {8000, 0}, {8000, 1001}}) {
      var refused = assertThrows(IllegalArgumentException.class, () -> LogMel.of(each[0], each[1]));
      assertEquals(
          each[0]
              + " Hz and "
              + each[1]
              + " bands, must be from 1000 to 1000000 and from 1 to 1000",
          refused.getMessage());
    }
    Map<String, Object> kept = LogMel.of(8000, 13).toMap();
    for (String name : new String[] {"sampleRate", "window", "hop", "bands"}) {
      for (int value : new int[] {0, -1, Integer.MAX_VALUE}) {
        Map<String, Object> spoilt = new HashMap<>(kept);
        spoilt.put(name, value);
        if (name.equals("hop") && value > 0) {
          LogMel.ofMap(spoilt);
        } else {
          var refused =
              assertThrows(IllegalArgumentException.class, () -> LogMel.ofMap(spoilt), name);
          assertTrue(refused.getMessage().contains("must be positive"), refused::getMessage);
        }
      }
    }
  }

  @Test
  void refusesWhatIsNoSuchFile() throws IOException, URISyntaxException {
    byte[] wav = Files.readAllBytes(file("log-mel.wav"));
    refused("has 8000 Hz, needed are 16000 Hz", LogMel.of(16000, 13), wav);
    byte[] floats = wav.clone();
    floats[20] = 3;
    refused(
        "has coding 3, 16 bits and 2 channels, needed are coding 1 and 8, 16, 24 or 32 bits",
        LogMel.of(8000, 13),
        floats);
    refused(
        "ends in its chunk data, 1 bytes early",
        LogMel.of(8000, 13),
        Arrays.copyOf(wav, wav.length - 1));
    refused("has no sound", LogMel.of(8000, 13), Arrays.copyOf(wav, 36));
    refused("is no WAV file", LogMel.of(8000, 13), new byte[100]);
    refused("is no WAV file", LogMel.of(8000, 13), new byte[0]);
  }

  private void refused(String message, LogMel features, byte[] wav) throws IOException {
    Path path = Files.write(folder.resolve("sound.wav"), wav);
    var e = assertThrows(IOException.class, () -> features.of(path));
    assertEquals(path + " " + message, e.getMessage());
  }
}
