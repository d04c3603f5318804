package io.github.cudnn4j.testing;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** Writes WAV files. */
public final class Wav {

  private static final int HEADER = 44;

  private Wav() {}

  /** Writes one channel of samples in [-1, 1) as whole numbers of 8, 16, 24 or 32 bits. */
  public static Path write(Path file, int sampleRate, int bits, double... samples)
      throws IOException {
    int width = bits / 8;
    int length = samples.length * width;
    ByteBuffer wav = ByteBuffer.allocate(HEADER + length).order(ByteOrder.LITTLE_ENDIAN);
    tag(wav, "RIFF").putInt(HEADER - 8 + length);
    tag(tag(wav, "WAVE"), "fmt ").putInt(16).putShort((short) 1).putShort((short) 1);
    wav.putInt(sampleRate).putInt(sampleRate * width).putShort((short) width);
    tag(wav.putShort((short) bits), "data").putInt(length);
    for (double sample : samples) {
      long value = Math.round(sample * (1L << (bits - 1))) + (bits == 8 ? 128 : 0);
      for (int i = 0; i < width; i++) {
        wav.put((byte) (value >> (8 * i)));
      }
    }
    return Files.write(file, wav.array());
  }

  private static ByteBuffer tag(ByteBuffer wav, String tag) {
    return wav.put(tag.getBytes(StandardCharsets.US_ASCII));
  }
}
