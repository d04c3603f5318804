package io.github.cudnn4j.model;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;

/**
 * Turns sound into vectors for a {@link Recogniser}: the logarithm of the energy in bands that are
 * equally wide on the mel scale, 2595 · log₁₀(1 + f / 700).
 *
 * <pre>
 *   frame t      samples [t · hop, t · hop + window), times a Hann window of that period
 *   power        |discrete Fourier transform|², zeros up to a power of two behind the frame
 *   band m       triangle from the corner m to m + 2, 1 at m + 1, of bands + 2 corners from 0 Hz to
 *                half the sample rate
 *   vector       ln(Σ triangle · power + 10⁻⁶)
 * </pre>
 *
 * <p>Samples are in [-1, 1]. Immutable; safe for use by several threads.
 *
 * @see <a href="https://doi.org/10.1109/TASSP.1980.1163420">Davis and Mermelstein, 1980</a>
 */
public final class LogMel {

  private static final double FLOOR = 1e-6;
  private static final int PCM = 1;
  private static final int HEADER = 12;

  private final int sampleRate;
  private final int window;
  private final int hop;
  private final int size;
  private final double[] hann;
  private final double[][] bands;

  private LogMel(int sampleRate, int window, int hop, int bands) {
    this.sampleRate = sampleRate;
    this.window = window;
    this.hop = hop;
    size = window == 1 ? 1 : 2 * Integer.highestOneBit(window - 1);
    hann = new double[window];
    Arrays.setAll(hann, i -> 0.5 - 0.5 * Math.cos(2 * Math.PI * i / window));
    this.bands = triangles(bands);
  }

  /**
   * Returns frames of 25 ms, every 10 ms.
   *
   * @param sampleRate in Hz, from 1000
   * @param bands the elements of a vector, F
   * @throws IllegalArgumentException if a number is too small
   */
  public static LogMel of(int sampleRate, int bands) {
    if (sampleRate < 1000 || bands < 1) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT, "%d Hz and %d bands, must be at least 1000 and 1", sampleRate, bands));
    }
    return new LogMel(sampleRate, sampleRate / 40, sampleRate / 100, bands);
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
        vectors[t][m] = (float) Math.log(energy);
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
   * Returns the vectors of a WAV file of 16-bit samples, the mean of its channels.
   *
   * @throws IOException if it cannot be read, or has another format or sample rate
   */
  public float[][] of(Path wav) throws IOException {
    ByteBuffer file = ByteBuffer.wrap(Files.readAllBytes(wav)).order(ByteOrder.LITTLE_ENDIAN);
    if (file.remaining() < HEADER || !tag(file, 0).equals("RIFF") || !tag(file, 8).equals("WAVE")) {
      throw new IOException(wav + " is no WAV file");
    }
    file.position(HEADER);
    int channels = 0;
    while (file.remaining() >= 8) {
      String chunk = tag(file, file.position());
      long length = Integer.toUnsignedLong(file.getInt(file.position() + 4));
      file.position(file.position() + 8);
      if (length > file.remaining()) {
        throw new IOException(
            wav
                + " ends in its chunk "
                + chunk
                + ", "
                + (length - file.remaining())
                + " bytes early");
      }
      ByteBuffer content = file.slice(file.position(), (int) length).order(ByteOrder.LITTLE_ENDIAN);
      if (chunk.equals("fmt ") && length >= 16) {
        channels = channels(wav, content);
      } else if (chunk.equals("data") && channels > 0) {
        return of(samples(content, channels));
      }
      // Chunks begin at even places.
      file.position((int) Math.min(file.limit(), file.position() + length + length % 2));
    }
    throw new IOException(wav + " has no sound");
  }

  private static String tag(ByteBuffer file, int at) {
    byte[] tag = new byte[4];
    file.get(at, tag);
    return new String(tag, StandardCharsets.ISO_8859_1);
  }

  private int channels(Path wav, ByteBuffer format) throws IOException {
    int coding = format.getShort(0);
    int channels = format.getShort(2);
    int rate = format.getInt(4);
    int bits = format.getShort(14);
    if (coding != PCM || bits != Short.SIZE || rate != sampleRate || channels < 1) {
      throw new IOException(
          String.format(
              Locale.ROOT,
              "%s has coding %d, %d bits, %d channels and %d Hz, needed are coding 1, 16 bits and"
                  + " %d Hz",
              wav,
              coding,
              bits,
              channels,
              rate,
              sampleRate));
    }
    return channels;
  }

  private static float[] samples(ByteBuffer data, int channels) {
    float[] samples = new float[data.remaining() / Short.BYTES / channels];
    for (int i = 0; i < samples.length; i++) {
      float sum = 0;
      for (int c = 0; c < channels; c++) {
        sum += data.getShort() / 32768f;
      }
      samples[i] = sum / channels;
    }
    return samples;
  }
}
