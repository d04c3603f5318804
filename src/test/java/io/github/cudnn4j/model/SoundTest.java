package io.github.cudnn4j.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.github.cudnn4j.testing.Wav;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SoundTest {

  @TempDir private Path folder;

  @ParameterizedTest
  @ValueSource(ints = {8, 16, 24, 32})
  void samplesAreThoseWritten(int bits) throws IOException {
    Path file = Wav.write(folder.resolve("a.wav"), 11025, bits, 0, 0.5, -1, -0.25, 0.75);
    Sound sound = Sound.ofWav(file);
    assertEquals(11025, sound.sampleRate());
    assertArrayEquals(new float[] {0, 0.5f, -1, -0.25f, 0.75f}, sound.samples());
  }

  /** As programs write more than 16 bits: the coding proper is behind the other entries. */
  @Test
  void readsTheExtensibleFormat() throws IOException {
    byte[] plain = Files.readAllBytes(Wav.write(folder.resolve("a.wav"), 8000, 24, 0.5, -0.5));
    ByteBuffer wav = ByteBuffer.allocate(plain.length + 24).order(ByteOrder.LITTLE_ENDIAN);
    wav.put(plain, 0, 36).putShort((short) 22).putShort((short) 24).putInt(4).putShort((short) 1);
    wav.position(60).put(plain, 36, plain.length - 36);
    wav.putInt(16, 40).putShort(20, (short) 0xFFFE);
    Path file = Files.write(folder.resolve("b.wav"), wav.array());
    assertArrayEquals(new float[] {0.5f, -0.5f}, Sound.ofWav(file).samples());
  }
}
