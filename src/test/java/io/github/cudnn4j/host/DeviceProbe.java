package io.github.cudnn4j.host;

import io.github.cudnn4j.bindings.Cudart;
import io.github.cudnn4j.bindings.Cudnn;
import io.github.cudnn4j.host.ProbeQuestion.Answer;
import io.github.cudnn4j.io.Json;
import io.github.cudnn4j.library.NativeLibraries;
import io.github.cudnn4j.testing.JavaProcess;
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
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/**
 * Asks the device in use what cuDNN's documentation leaves open, and compares its answers with
 * those of the host device. It is a program:
 *
 * <pre>{@code java ... io.github.cudnn4j.host.DeviceProbe [--json FILE] [QUESTION...] }</pre>
 *
 * <p>The questions are asked in a process of their own. When an answer is a crash, silence or a
 * device that has failed for good, the next question is asked in a new one. The exit status is 0 if
 * every question got an answer, whatever it is.
 */
final class DeviceProbe {
  private static final String CHILD = "--child";
  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final int DEVICE_LOST = 3;

  private DeviceProbe() {}

  public static void main(String[] arguments) throws IOException, InterruptedException {
    var names = new ArrayList<>(List.of(arguments));
    if (names.remove(CHILD)) {
      System.exit(answer(names));
    }
    int option = names.indexOf("--json");
    Path json = option < 0 ? null : Path.of(names.remove(option + 1));
    names.remove("--json");
    var questions =
        ProbeQuestion.all().stream()
            .filter(question -> names.isEmpty() || names.contains(question.name()))
            .toList();
    var answers =
        ask(DeviceProbe.class, questions.stream().map(ProbeQuestion::name).toList(), PATIENCE);
    print(questions, answers, System.out);
    if (json != null) {
      Files.writeString(json, Json.write(report(questions, answers)) + "\n");
    }
    boolean all = answers.values().stream().noneMatch(DeviceProbe::isMissing);
    System.exit(all ? 0 : 1);
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

  /**
   * Has a program answer questions, in as many processes as it takes.
   *
   * @param program answers the questions that follow {@code --child} in its arguments
   * @param patience how long an answer may take
   * @return an answer to each question, in the order of the questions
   */
  static Map<String, Answer> ask(Class<?> program, List<String> questions, Duration patience)
      throws IOException, InterruptedException {
    var answers = new LinkedHashMap<String, Answer>();
    questions.forEach(question -> answers.put(question, missing("not asked")));
    var open = new ArrayList<>(questions);
    while (!open.isEmpty()) {
      var asked = askOnce(program, open, patience);
      if (asked.isEmpty()) {
        // Not even the first one was begun: another try would not do better.
        asked.put(open.getFirst(), missing("the process did not begin"));
        answers.putAll(asked);
        return answers;
      }
      answers.putAll(asked);
      open.removeAll(asked.keySet());
    }
    return answers;
  }

  private static Map<String, Answer> askOnce(
      Class<?> program, List<String> questions, Duration patience)
      throws IOException, InterruptedException {
    var arguments = new ArrayList<String>(List.of(CHILD));
    arguments.addAll(questions);
    var options = new ArrayList<>(JavaProcess.sameProperties());
    options.add("-XX:-CreateCoredumpOnCrash");
    options.add("-XX:+SuppressFatalErrorMessage");
    var process =
        new ProcessBuilder(JavaProcess.command(program, options, arguments))
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    var lines = new LinkedBlockingQueue<String>();
    String end = "";
    Thread.ofPlatform()
        .daemon()
        .start(
            () -> {
              try (var reader = process.inputReader(StandardCharsets.UTF_8)) {
                reader.lines().forEach(lines::add);
              } catch (IOException | RuntimeException e) {
                System.err.println("probe: " + e);
              } finally {
                lines.add(end);
              }
            });
    var answers = new LinkedHashMap<String, Answer>();
    String begun = null;
    while (true) {
      String line = lines.poll(patience.toMillis(), TimeUnit.MILLISECONDS);
      if (line == null) {
        process.destroyForcibly();
        if (begun != null) {
          answers.put(begun, missing("no answer within " + patience.toSeconds() + " s"));
        }
        return answers;
      }
      if (line.equals(end)) {
        int status = process.waitFor();
        if (begun != null) {
          answers.put(begun, missing("the process ended with status " + status));
        }
        return answers;
      }
      if (Json.parse(line) instanceof Map<?, ?> said) {
        if (said.get("begin") instanceof String name) {
          begun = name;
        } else {
          answers.put(
              (String) said.get("name"),
              new Answer((String) said.get("text"), (String) said.get("detail")));
          begun = null;
        }
      }
    }
  }

  private static Answer missing(String why) {
    return new Answer("no answer", why);
  }

  private static boolean isMissing(Answer answer) {
    return answer.text().equals("no answer") || answer.text().equals("failed");
  }

  private static void print(
      List<ProbeQuestion> questions, Map<String, Answer> answers, PrintStream out) {
    int same = 0;
    for (var question : questions) {
      Answer answer = answers.get(question.name());
      boolean asHost = answer.text().equals(question.host());
      same += asHost ? 1 : 0;
      out.printf("%-22s %s%n", question.name(), question.text());
      out.printf("  %s %s%n", asHost ? "=" : "≠", answer.text());
      if (!asHost) {
        out.printf("  host device: %s%n", question.host());
      }
      if (!answer.detail().isBlank()) {
        out.printf("  (%s)%n", answer.detail());
      }
    }
    out.printf(
        "%d questions, %d answered as the host device does, %d otherwise, %d without an answer%n",
        questions.size(),
        same,
        questions.size() - same - answers.values().stream().filter(DeviceProbe::isMissing).count(),
        answers.values().stream().filter(DeviceProbe::isMissing).count());
  }

  private static Map<String, Object> report(
      List<ProbeQuestion> questions, Map<String, Answer> answers) {
    var report = new LinkedHashMap<String, Object>();
    var libraries = NativeLibraries.load();
    report.put("device", libraries.report().devices().getFirst().name());
    report.put("cudnn", Cudnn.cudnnGetVersion());
    var list = new ArrayList<Map<String, Object>>();
    for (var question : questions) {
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
