package io.github.cudnn4j.host;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.lang.foreign.SymbolLookup;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;

/**
 * The host device's descriptors answer as cuDNN 9.24 does, over a thousand cases.
 *
 * <p>What cuDNN answers is recorded in a file, so that the comparison runs anywhere. Where the
 * environment variable CUDNN4J_REAL_CUDNN names the folder of a libcudnn.so.9, the recording itself
 * is compared with the library; a new recording is written to target/cudnn-answers.txt.
 */
class CudnnStatusParityTest {
  private static final String RECORDING = "cudnn-9.24-answers.txt";
  private static final long RECORDED_VERSION = 92400;

  @Test
  void theHostDeviceAnswersLikeCudnn() throws IOException {
    assumeTrue(RawCudnn.onHost());
    assertSame(recording(), answers(new CudnnWitness(SymbolLookup.loaderLookup())));
  }

  @Test
  void theRecordingIsWhatCudnnAnswers() throws IOException, InterruptedException {
    var cudnn = RealCudnn.ask(RealCudnn.Cases.STATUS);
    assumeTrue(cudnn.version() == RECORDED_VERSION, () -> "its version is " + cudnn.version());
    Files.write(Path.of("target", "cudnn-answers.txt"), cudnn.lines());
    assertSame(recording(), cudnn.lines());
  }

  private static List<String> answers(CudnnWitness witness) {
    return CudnnCase.all().stream().map(c -> c + " -> " + witness.answer(c)).toList();
  }

  private static List<String> recording() throws IOException {
    try (var in =
        Objects.requireNonNull(CudnnStatusParityTest.class.getResourceAsStream(RECORDING))) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8).lines().toList();
    }
  }

  private static void assertSame(List<String> expected, List<String> actual) {
    assertEquals(expected.size(), actual.size(), "cases");
    var differences = new ArrayList<String>();
    for (int i = 0; i < expected.size(); i++) {
      if (!expected.get(i).equals(actual.get(i))) {
        differences.add("expected " + expected.get(i) + "\n     was " + actual.get(i));
      }
    }
    assertEquals(
        0,
        differences.size(),
        () -> String.join("\n", differences.subList(0, Math.min(20, differences.size()))));
  }
}
