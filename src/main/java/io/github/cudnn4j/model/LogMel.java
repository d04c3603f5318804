package io.github.cudnn4j.model;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.Map;

/**
 * Turns sound into vectors for a {@link Recogniser}: the logarithm of the energy in bands that are
 * equally wide on the mel scale, 2595 · log₁₀(1 + f / 700).
 *
 * <pre>
 *   frame t      samples [t · hop, t · hop + window), times a Hann window of that period
 *   power        |discrete Fourier transform|², zeros up to a power of two behind the frame
 *   band m       triangle from the corner m to m + 2, 1 at m + 1, of bands + 2 corners from 0 Hz to
 *                half the sample rate
 *   vector       (ln(Σ triangle · power + 10⁻⁶) - mean) / deviation
 * </pre>
 *
 * <p>Samples are in [-1, 1]. Immutable; safe for use by several threads.
 *
 * @see <a href="https://doi.org/10.1109/TASSP.1980.1163420">Davis and Mermelstein, 1980</a>
 */
public final class LogMel {

  private static final double FLOOR = 1e-6;
  private static final int LOWEST_RATE = 1000;

  /** Above all that records; more would only take memory. */
  private static final int HIGHEST_RATE = 1_000_000;

  private static final int MOST_BANDS = 1000;

  private final int sampleRate;
  private final int window;
  private final int hop;
  private final int size;
  private final double mean;
  private final double deviation;
  private final double[] hann;
  private final double[][] bands;

  private LogMel(int sampleRate, int window, int hop, int bands, double mean, double deviation) {
    if (Math.min(Math.min(sampleRate, window), Math.min(hop, bands)) < 1
        || sampleRate > HIGHEST_RATE
        || window > sampleRate
        || bands > MOST_BANDS) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "%d Hz, windows of %d every %d samples and %d bands, must be positive, at most %d Hz,"
                  + " a second and %d bands",
              sampleRate,
              window,
              hop,
              bands,
              HIGHEST_RATE,
              MOST_BANDS));
    }
    this.sampleRate = sampleRate;
    this.window = window;
    this.hop = hop;
    this.mean = mean;
    this.deviation = deviation;
    size = window == 1 ? 1 : 2 * Integer.highestOneBit(window - 1);
    hann = new double[window];
    Arrays.setAll(hann, i -> 0.5 - 0.5 * Math.cos(2 * Math.PI * i / window));
    this.bands = triangles(bands);
  }

  /**
   * Returns frames of 25 ms, every 10 ms, with a mean of 0 and a deviation of 1.
   *
   * @param sampleRate in Hz, from 1000 to 1,000,000
   * @param bands the elements of a vector, F, at most 1000
   * @throws IllegalArgumentException if a number is outside its range
   */
  public static LogMel of(int sampleRate, int bands) {
    if (sampleRate < LOWEST_RATE || sampleRate > HIGHEST_RATE || bands < 1 || bands > MOST_BANDS) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "%d Hz and %d bands, must be from %d to %d and from 1 to %d",
              sampleRate,
              bands,
              LOWEST_RATE,
              HIGHEST_RATE,
              MOST_BANDS));
    }
    return new LogMel(sampleRate, sampleRate / 40, sampleRate / 100, bands, 0, 1);
  }

  /**
   * Returns the same features with other numbers to subtract and to divide by, so that what a
   * network reads is about 0 and 1 in size.
   *
   * @throws IllegalArgumentException if one is not finite, or the deviation not positive
   */
  public LogMel scaled(double mean, double deviation) {
    if (!Double.isFinite(mean) || !Double.isFinite(deviation) || deviation <= 0) {
      throw new IllegalArgumentException(
          "mean "
              + mean
              + " and deviation "
              + deviation
              + ", must be finite and the deviation positive");
    }
    return new LogMel(sampleRate, window, hop, bands.length, mean, deviation);
  }

  private static double mel(double hertz) {
    return 2595 * Math.log10(1 + hertz / 700);
  }

  private double[][] triangles(int count) {
    double[] corners = new double[count + 2];
    double highest = mel(sampleRate / 2.0);
    Arrays.setAll(corners, i -> 700 * (Math.pow(10, highest * i / (count + 1) / 2595) - 1));
    double[][] triangles = new double[count][size / 2 + 1];
    for (int m = 0; m < count; m++) {
      for (int k = 0; k <= size / 2; k++) {
        double hertz = (double) k * sampleRate / size;
        double up = (hertz - corners[m]) / (corners[m + 1] - corners[m]);
        double down = (corners[m + 2] - hertz) / (corners[m + 2] - corners[m + 1]);
        triangles[m][k] = Math.max(0, Math.min(up, down));
      }
    }
    return triangles;
  }

  /** Returns how many elements a vector has, F. */
  public int bands() {
    return bands.length;
  }

  /** Returns the vectors of a second, as far as there are whole ones. */
  public int vectorsPerSecond() {
    return sampleRate / hop;
  }

  /** Returns the samples of a second. */
  public int sampleRate() {
    return sampleRate;
  }

  /**
   * Returns the vectors of a sound.
   *
   * @return {@code [T][F]}; T is 0 if the sound is shorter than a frame
   */
  public float[][] of(float[] samples) {
    int count = samples.length < window ? 0 : 1 + (samples.length - window) / hop;
    float[][] vectors = new float[count][bands.length];
    double[] real = new double[size];
    double[] imaginary = new double[size];
    for (int t = 0; t < count; t++) {
      Arrays.fill(real, 0);
      Arrays.fill(imaginary, 0);
      for (int i = 0; i < window; i++) {
        real[i] = hann[i] * samples[t * hop + i];
      }
      transform(real, imaginary);
      for (int m = 0; m < bands.length; m++) {
        double energy = FLOOR;
        for (int k = 0; k <= size / 2; k++) {
          energy += bands[m][k] * (real[k] * real[k] + imaginary[k] * imaginary[k]);
        }
        vectors[t][m] = (float) ((Math.log(energy) - mean) / deviation);
      }
    }
    return vectors;
  }

  /** Cooley and Tukey's transform in place, of a power of two. */
  private static void transform(double[] real, double[] imaginary) {
    int n = real.length;
    for (int i = 0; i < n; i++) {
      int j = n == 1 ? 0 : Integer.reverse(i) >>> Integer.numberOfLeadingZeros(n - 1);
      if (i < j) {
        swap(real, i, j);
        swap(imaginary, i, j);
      }
    }
    for (int half = 1; half < n; half *= 2) {
      for (int k = 0; k < half; k++) {
        double cos = Math.cos(Math.PI * k / half);
        double sin = -Math.sin(Math.PI * k / half);
        for (int i = k; i < n; i += 2 * half) {
          int j = i + half;
          double re = cos * real[j] - sin * imaginary[j];
          double im = cos * imaginary[j] + sin * real[j];
          real[j] = real[i] - re;
          imaginary[j] = imaginary[i] - im;
          real[i] += re;
          imaginary[i] += im;
        }
      }
    }
  }

  private static void swap(double[] values, int i, int j) {
    double value = values[i];
    values[i] = values[j];
    values[j] = value;
  }

  /**
   * Returns the vectors of a {@linkplain Sound#ofWav WAV file}.
   *
   * @throws IOException if it cannot be read, or has another format or sample rate
   */
  public float[][] of(Path wav) throws IOException {
    Sound sound = Sound.ofWav(wav);
    if (sound.sampleRate() != sampleRate) {
      throw new IOException(
          wav + " has " + sound.sampleRate() + " Hz, needed are " + sampleRate + " Hz");
    }
    return of(sound.samples());
  }

  /** Returns what makes these features again. */
  Map<String, Object> toMap() {
    return Map.of(
        "sampleRate", sampleRate,
        "window", window,
        "hop", hop,
        "bands", bands.length,
        "mean", mean,
        "deviation", deviation);
  }

  /**
   * The inverse of {@link #toMap}.
   *
   * @throws IllegalArgumentException if an entry is missing or cannot be
   */
  static LogMel ofMap(Map<String, Object> map) {
    LogMel features =
        new LogMel(
            Entries.whole(map, "sampleRate"),
            Entries.whole(map, "window"),
            Entries.whole(map, "hop"),
            Entries.whole(map, "bands"),
            0,
            1);
    return features.scaled(Entries.decimal(map, "mean"), Entries.decimal(map, "deviation"));
  }
}
