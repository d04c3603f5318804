package io.github.cudnn4j.host;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.cudnn4j.host.ProbeQuestion.Answer;
import io.github.cudnn4j.io.Json;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The host device's answers are those that the probe compares a GPU's with. */
class DeviceProbeTest {

  static Stream<ProbeQuestion> questions() {
    return ProbeQuestion.all().stream();
  }

  @ParameterizedTest
  @MethodSource("questions")
  void theHostDeviceAnswersAsIsRecorded(ProbeQuestion question) {
    assumeTrue(RawCudnn.onHost(), "a GPU may answer otherwise: DeviceProbe tells how");
    Answer answer = question.ask();
    assertEquals(question.host(), answer.text(), answer::detail);
  }

  @Test
  void namesAreUnique() {
    assertEquals(
        ProbeQuestion.all().size(), questions().map(ProbeQuestion::name).distinct().count());
  }

  @Test
  void aCrashAndSilenceAreAnswers() throws IOException, InterruptedException {
    var answers =
        new ProbeProcess(Child.class, Duration.ofSeconds(3), Duration.ofMinutes(5))
            .ask(List.of("one", "crash", "two", "silence", "three"), (_, _) -> {});
    assertEquals(
        Map.of(
            "one", new Answer("1"),
            "crash", new Answer("no answer", "the process ended with status 134"),
            "two", new Answer("2"),
            "silence", new Answer("no answer", "nothing within 3 s"),
            "three", new Answer("3")),
        answers);
  }

  @Test
  void noQuestionIsAskedAfterTheLimit() throws IOException, InterruptedException {
    var answers =
        new ProbeProcess(Child.class, Duration.ofSeconds(3), Duration.ZERO)
            .ask(List.of("one", "two"), (_, _) -> {});
    var none = new Answer("no answer", "the time was up");
    assertEquals(Map.of("one", none, "two", none), answers);
  }

  /** Answers, ends or falls silent as its arguments say. */
  static final class Child {
    private static final Map<String, String> KNOWN = Map.of("one", "1", "two", "2", "three", "3");

    public static void main(String[] arguments) throws InterruptedException {
      for (String name : List.of(arguments).subList(1, arguments.length)) {
        System.out.println(Json.write(Map.of("begin", name)));
        switch (name) {
          case "crash" -> Runtime.getRuntime().halt(134);
          case "silence" -> Thread.sleep(Duration.ofHours(1));
          default ->
              System.out.println(
                  Json.write(Map.of("name", name, "text", KNOWN.get(name), "detail", "")));
        }
      }
    }
  }
}
