package io.github.cudnn4j.host;

import io.github.cudnn4j.host.ProbeQuestion.Answer;
import io.github.cudnn4j.io.Json;
import io.github.cudnn4j.testing.JavaProcess;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.BiConsumer;
import java.util.stream.Stream;

/**
 * Has a program answer questions, in as many processes as it takes: a crash or silence is the
 * answer to one of them.
 *
 * <p>The program gets {@link #CHILD} and the names of the questions. On standard output it says
 * {@code {"begin": NAME}} before each, and then {@code {"name": NAME, "text": ANSWER, "detail":
 * DETAIL}}; it may end at any time.
 */
final class ProbeProcess {
  static final String CHILD = "--child";

  /** The text of an answer that is none. */
  static final String NONE = "no answer";

  private static final String END = "";

  private final Class<?> program;
  private final Duration patience;
  private final long end;

  /**
   * Prepares.
   *
   * @param patience how long one answer may take
   * @param limit after which no question is asked any more
   */
  ProbeProcess(Class<?> program, Duration patience, Duration limit) {
    this.program = program;
    this.patience = patience;
    end = System.nanoTime() + limit.toNanos();
  }

  /**
   * Asks.
   *
   * @param listener is told each answer when it is there
   * @return an answer to each question, in the order of the questions
   */
  Map<String, Answer> ask(Collection<String> questions, BiConsumer<String, Answer> listener)
      throws IOException, InterruptedException {
    var answers = new LinkedHashMap<String, Answer>();
    BiConsumer<String, Answer> keep =
        (name, answer) -> {
          answers.put(name, answer);
          listener.accept(name, answer);
        };
    var open = new ArrayList<>(questions);
    while (!open.isEmpty()) {
      if (left() <= 0) {
        keep.accept(open.getFirst(), none("the time was up"));
      } else {
        int before = answers.size();
        askOnce(open, keep);
        if (answers.size() == before) {
          keep.accept(open.getFirst(), none("the process ended before it"));
        }
      }
      open.removeAll(answers.keySet());
    }
    return answers;
  }

  private long left() {
    return end - System.nanoTime();
  }

  private void askOnce(List<String> questions, BiConsumer<String, Answer> listener)
      throws IOException, InterruptedException {
    var options = new ArrayList<>(JavaProcess.sameProperties());
    options.add("-XX:-CreateCoredumpOnCrash");
    options.add("-XX:+SuppressFatalErrorMessage");
    var arguments = Stream.concat(Stream.of(CHILD), questions.stream()).toList();
    var process =
        new ProcessBuilder(JavaProcess.command(program, options, arguments))
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    BlockingQueue<String> lines = linesOf(process);
    String begun = null;
    while (true) {
      long wait = Math.min(patience.toNanos(), left());
      String line = lines.poll(wait, TimeUnit.NANOSECONDS);
      if (line == null || line.equals(END)) {
        if (line == null || !process.waitFor(5, TimeUnit.SECONDS)) {
          process.destroyForcibly();
        }
        int status = process.waitFor();
        if (begun != null) {
          String why =
              line == null
                  ? "nothing within %d s".formatted(Duration.ofNanos(wait).toSeconds())
                  : "the process ended with status " + status;
          listener.accept(begun, none(why));
        }
        return;
      }
      if (line.startsWith("{") && Json.parse(line) instanceof Map<?, ?> said) {
        if (said.get("begin") instanceof String name) {
          begun = name;
        } else {
          begun = null;
          listener.accept(
              (String) said.get("name"),
              new Answer((String) said.get("text"), (String) said.get("detail")));
        }
      }
    }
  }

  /** What a process prints, then {@link #END}. */
  private static BlockingQueue<String> linesOf(Process process) {
    var lines = new LinkedBlockingQueue<String>();
    Thread.ofPlatform()
        .daemon()
        .start(
            () -> {
              try (var reader = process.inputReader(StandardCharsets.UTF_8)) {
                reader.lines().filter(line -> !line.isEmpty()).forEach(lines::add);
              } catch (IOException | UncheckedIOException e) {
                // A process that was killed: what it has not said by now it does not say.
                lines.add("(" + e + ")");
              } finally {
                lines.add(END);
              }
            });
    return lines;
  }

  private static Answer none(String why) {
    return new Answer(NONE, why);
  }
}
