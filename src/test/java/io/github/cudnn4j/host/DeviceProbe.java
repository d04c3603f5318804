package io.github.cudnn4j.host;

import io.github.cudnn4j.bindings.Cudart;
import io.github.cudnn4j.bindings.Cudnn;
import io.github.cudnn4j.host.ProbeQuestion.Answer;
import io.github.cudnn4j.io.Json;
import io.github.cudnn4j.library.NativeLibraries;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Asks the device in use what cuDNN's documentation leaves open, and compares its answers with
 * those of the host device. It is a program:
 *
 * <pre>{@code
 * java ... io.github.cudnn4j.host.DeviceProbe [--json FILE] [--seconds LIMIT] [QUESTION...]
 * }</pre>
 *
 * <p>The questions are asked in a process of their own. When an answer is a crash, silence or a
 * device that has failed for good, the next question is asked in a new one. The exit status is 0 if
 * every question got an answer, whatever it is.
 */
final class DeviceProbe {
  /** How long one answer may take, if the limit allows some such. */
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  private static final int DEVICE_LOST = 3;

  private DeviceProbe() {}

  public static void main(String[] arguments) throws IOException, InterruptedException {
    var names = new ArrayList<>(List.of(arguments));
    if (names.remove(ProbeProcess.CHILD)) {
      System.exit(answer(names));
    }
    String json = option(names, "--json", "");
    var limit = Duration.ofSeconds(Long.parseLong(option(names, "--seconds", "600")));
    var third = limit.dividedBy(3);
    var patience = third.compareTo(PATIENCE) < 0 ? third : PATIENCE;
    var questions = new LinkedHashMap<String, ProbeQuestion>();
    for (var question : ProbeQuestion.all()) {
      if (names.isEmpty() || names.contains(question.name())) {
        questions.put(question.name(), question);
      }
    }
    var answers =
        new ProbeProcess(DeviceProbe.class, patience, limit)
            .ask(questions.keySet(), (name, answer) -> print(questions.get(name), answer));
    printSum(questions, answers);
    if (!json.isEmpty()) {
      Files.writeString(Path.of(json), Json.write(report(questions, answers)) + "\n");
    }
    System.exit(answers.values().stream().noneMatch(DeviceProbe::isMissing) ? 0 : 1);
  }

  private static String option(List<String> arguments, String name, String otherwise) {
    int at = arguments.indexOf(name);
    if (at < 0) {
      return otherwise;
    }
    arguments.remove(at);
    return arguments.remove(at);
  }

  /** Answers questions one after the other, each with a line before and a line after. */
  private static int answer(List<String> names) {
    var out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    for (var question : ProbeQuestion.all()) {
      if (names.contains(question.name())) {
        out.println(Json.write(Map.of("begin", question.name())));
        Answer answer = question.ask();
        out.println(
            Json.write(
                Map.of("name", question.name(), "text", answer.text(), "detail", answer.detail())));
        if (Cudart.cudaDeviceSynchronize() != Cudart.cudaSuccess()) {
          return DEVICE_LOST;
        }
      }
    }
    return 0;
  }

  private static boolean isMissing(Answer answer) {
    return answer.text().equals(ProbeProcess.NONE) || answer.text().equals("failed");
  }

  private static void print(ProbeQuestion question, Answer answer) {
    boolean asHost = answer.text().equals(question.host());
    System.out.printf("%-22s %s%n", question.name(), question.text());
    System.out.printf("  %s %s%n", asHost ? "=" : "≠", answer.text());
    if (!asHost) {
      System.out.printf("  host device: %s%n", question.host());
    }
    if (!answer.detail().isBlank()) {
      System.out.printf("  (%s)%n", answer.detail());
    }
  }

  private static void printSum(Map<String, ProbeQuestion> questions, Map<String, Answer> answers) {
    long same =
        questions.values().stream()
            .filter(question -> answers.get(question.name()).text().equals(question.host()))
            .count();
    long missing = answers.values().stream().filter(DeviceProbe::isMissing).count();
    System.out.printf(
        "%d questions: %d answered as the host device does, %d otherwise, %d without an answer%n",
        answers.size(), same, answers.size() - same - missing, missing);
  }

  private static Map<String, Object> report(
      Map<String, ProbeQuestion> questions, Map<String, Answer> answers) {
    var report = new LinkedHashMap<String, Object>();
    var libraries = NativeLibraries.load();
    report.put("device", libraries.report().devices().getFirst().name());
    report.put("cudnn", Cudnn.cudnnGetVersion());
    var list = new ArrayList<Map<String, Object>>();
    for (var question : questions.values()) {
      Answer answer = answers.get(question.name());
      var entry = new LinkedHashMap<String, Object>();
      entry.put("name", question.name());
      entry.put("question", question.text());
      entry.put("answer", answer.text());
      entry.put("host", question.host());
      entry.put("same", answer.text().equals(question.host()));
      entry.put("detail", answer.detail());
      list.add(entry);
    }
    report.put("questions", list);
    return report;
  }
}
