package io.github.cudnn4j.examples;

import com.sun.speech.freetts.Voice;
import com.sun.speech.freetts.VoiceManager;
import com.sun.speech.freetts.audio.NullAudioPlayer;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.random.RandomGenerator;

/**
 * Speaks texts, in 8000 samples of [-1, 1] a second.
 *
 * @see <a href="https://freetts.sourceforge.io">FreeTTS</a>
 */
final class Speaker {

  static final int SAMPLE_RATE = 8000;

  private final Voice voice;
  private final ByteArrayOutputStream spoken = new ByteArrayOutputStream();

  /**
   * Takes one of the voices of general English, {@code kevin} and {@code kevin16}.
   *
   * @param pitch in Hz
   * @param wordsPerMinute how fast it speaks
   */
  Speaker(String name, int pitch, int wordsPerMinute) {
    System.setProperty(
        "freetts.voices", "com.sun.speech.freetts.en.us.cmu_us_kal.KevinVoiceDirectory");
    voice = VoiceManager.getInstance().getVoice(name);
    voice.allocate();
    voice.setPitch(pitch);
    voice.setRate(wordsPerMinute);
    voice.setAudioPlayer(
        new NullAudioPlayer() {
          @Override
          public boolean write(byte[] bytes, int offset, int count) {
            spoken.write(bytes, offset, count);
            return true;
          }

          @Override
          public boolean write(byte[] bytes) {
            return write(bytes, 0, bytes.length);
          }
        });
  }

  float[] speak(String text) {
    spoken.reset();
    voice.speak(text);
    var values = ByteBuffer.wrap(spoken.toByteArray()).asShortBuffer();
    int each = (int) voice.getAudioPlayer().getAudioFormat().getSampleRate() / SAMPLE_RATE;
    float[] samples = new float[values.remaining() / each];
    for (int i = 0; i < samples.length; i++) {
      for (int j = 0; j < each; j++) {
        samples[i] += values.get(i * each + j) / (float) each / Short.MAX_VALUE;
      }
    }
    return samples;
  }

  /** Returns what is heard if a recording is played so much faster, as of a smaller speaker. */
  static float[] played(float[] samples, double speed) {
    float[] played = new float[(int) ((samples.length - 1) / speed)];
    for (int i = 0; i < played.length; i++) {
      int at = (int) (i * speed);
      double behind = i * speed - at;
      played[i] = (float) ((1 - behind) * samples[at] + behind * samples[at + 1]);
    }
    return played;
  }

  /** Adds white noise of a deviation; speech has about 0.1. */
  static float[] noisy(float[] samples, double deviation, RandomGenerator random) {
    float[] noisy = samples.clone();
    for (int i = 0; i < noisy.length; i++) {
      noisy[i] += (float) (deviation * random.nextGaussian());
    }
    return noisy;
  }
}
