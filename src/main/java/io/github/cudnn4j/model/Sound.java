package io.github.cudnn4j.model;

import io.github.cudnn4j.io.WholeFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Locale;

/**
 * A sound in host memory.
 *
 * @param sampleRate the samples of a second
 * @param samples in [-1, 1], the mean of the channels
 */
public record Sound(int sampleRate, float[] samples) {

  private static final int PCM = 1;

  /** Followed by the coding proper, behind the entries that every format has. */
  private static final int EXTENSIBLE = 0xFFFE;

  private static final int CODING_OF_EXTENSIBLE = 24;
  private static final int HEADER = 12;

  /** What a WAV file tells of its samples. */
  private record Format(int channels, int sampleRate, int bytes) {}

  /**
   * Reads a WAV file of whole numbers of 8, 16, 24 or 32 bits.
   *
   * @throws IOException if it cannot be read, or has another format
   */
  public static Sound ofWav(Path wav) throws IOException {
    ByteBuffer file = ByteBuffer.wrap(WholeFile.read(wav)).order(ByteOrder.LITTLE_ENDIAN);
    if (file.remaining() < HEADER || !tag(file, 0).equals("RIFF") || !tag(file, 8).equals("WAVE")) {
      throw new IOException(wav + " is no WAV file");
    }
    file.position(HEADER);
    Format format = null;
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
        format = format(wav, content);
      } else if (chunk.equals("data") && format != null) {
        return new Sound(format.sampleRate, samples(content, format));
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

  private static Format format(Path wav, ByteBuffer chunk) throws IOException {
    int coding = Short.toUnsignedInt(chunk.getShort(0));
    if (coding == EXTENSIBLE && chunk.limit() >= CODING_OF_EXTENSIBLE + Short.BYTES) {
      coding = Short.toUnsignedInt(chunk.getShort(CODING_OF_EXTENSIBLE));
    }
    int channels = Short.toUnsignedInt(chunk.getShort(2));
    int bits = Short.toUnsignedInt(chunk.getShort(14));
    if (coding != PCM || bits % 8 != 0 || bits < 8 || bits > 32 || channels == 0) {
      throw new IOException(
          String.format(
              Locale.ROOT,
              "%s has coding %d, %d bits and %d channels, needed are coding 1 and 8, 16, 24 or 32"
                  + " bits",
              wav,
              coding,
              bits,
              channels));
    }
    return new Format(channels, chunk.getInt(4), bits / 8);
  }

  private static float[] samples(ByteBuffer data, Format format) {
    float[] samples = new float[data.remaining() / format.bytes / format.channels];
    for (int i = 0; i < samples.length; i++) {
      float sum = 0;
      for (int c = 0; c < format.channels; c++) {
        sum += sample(data, format.bytes);
      }
      samples[i] = sum / format.channels;
    }
    return samples;
  }

  /** Bytes have no sign, all others do. */
  private static float sample(ByteBuffer data, int bytes) {
    int value = 0;
    for (int i = 0; i < bytes; i++) {
      value |= Byte.toUnsignedInt(data.get()) << (Integer.SIZE - 8 * (bytes - i));
    }
    return (bytes == 1 ? value ^ Integer.MIN_VALUE : value) * 0x1p-31f;
  }
}
