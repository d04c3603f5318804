package io.github.cudnn4j.host;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.cudnn4j.host.RealCudnn.Cases;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;

/**
 * The host device's descriptors, and the argument checks of its calls for recurrent networks,
 * answer as those of cuDNN 9.24 do, but for the {@linkplain DeliberateDifference differences that
 * are wanted}.
 *
 * <p>What cuDNN answers is recorded in a file, so that the comparison runs anywhere. Where there is
 * {@linkplain RealCudnn NVIDIA's library}, the recording itself is compared with it, and many
 * random cases are; a new recording is written to target/cudnn-answers.txt.
 */
class CudnnStatusParityTest {
  private static final String RECORDING = "cudnn-9.24-answers.txt";
  private static final long RECORDED_VERSION = 92400;

  @Test
  void theHostDeviceAnswersLikeCudnn() throws IOException {
    assumeTrue(RawCudnn.onHost());
    assertHostAnswers(recording(), Cases.STATUS);
  }

  @Test
  void theRecordingIsWhatCudnnAnswers() throws IOException, InterruptedException {
    List<String> lines = ask(Cases.STATUS);
    Files.write(Path.of("target", "cudnn-answers.txt"), lines);
    assertNone(differences(recording(), lines));
  }

  @Test
  void theHostDeviceAnswersLikeCudnnInRandomCases() throws IOException, InterruptedException {
    assertHostAnswers(ask(Cases.RANDOM), Cases.RANDOM);
  }

  private static List<String> ask(Cases cases) throws IOException, InterruptedException {
    var cudnn = RealCudnn.ask(cases);
    assumeTrue(cudnn.version() == RECORDED_VERSION, () -> "its version is " + cudnn.version());
    return cudnn.lines();
  }

  private static List<String> recording() throws IOException {
    try (var in =
        Objects.requireNonNull(CudnnStatusParityTest.class.getResourceAsStream(RECORDING))) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8).lines().toList();
    }
  }

  private static void assertHostAnswers(List<String> expected, Cases cases) {
    try (var witness = CudnnWitness.host()) {
      var actual = new ArrayList<>(cases.answers(witness).toList());
      List<CudnnCase> questions = cases.list();
      for (int i = 0; i < Math.min(expected.size(), actual.size()); i++) {
        if (DeliberateDifference.explain(questions.get(i), expected.get(i), actual.get(i))) {
          actual.set(i, expected.get(i));
        }
      }
      assertNone(differences(expected, actual));
    }
  }

  private static List<String> differences(List<String> expected, List<String> actual) {
    assertEquals(expected.size(), actual.size(), "cases");
    var differences = new ArrayList<String>();
    for (int i = 0; i < expected.size(); i++) {
      if (!expected.get(i).equals(actual.get(i))) {
        differences.add("expected " + expected.get(i) + "\n     was " + actual.get(i));
      }
    }
    return differences;
  }

  private static void assertNone(List<String> differences) {
    assertEquals(
        0,
        differences.size(),
        () -> String.join("\n", differences.subList(0, Math.min(20, differences.size()))));
  }
}
