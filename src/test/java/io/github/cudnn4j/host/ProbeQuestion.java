package io.github.cudnn4j.host;

import io.github.cudnn4j.bindings.Cudart;
import io.github.cudnn4j.bindings.Cudnn;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * What cuDNN's documentation leaves open, asked of the device in use by raw calls.
 *
 * @param name a short one, unique
 * @param text the question for people
 * @param host the answer of the host device, which is what this project took cuDNN to do when no
 *     GPU had been asked
 * @param asker finds the answer out
 */
record ProbeQuestion(String name, String text, String host, Asker asker) {

  /** Finds out the answer; what it makes is freed when the given object is closed. */
  interface Asker {
    Answer ask(RawCudnn cudnn);
  }

  /**
   * An answer.
   *
   * @param text what is compared with the host device's
   * @param detail what explains it and may differ: exact codes, messages, sizes
   */
  record Answer(String text, String detail) {
    Answer(String text) {
      this(text, "");
    }
  }

  static List<ProbeQuestion> all() {
    return Stream.of(
            ProbeDescriptors.QUESTIONS,
            ProbeCalls.QUESTIONS,
            ProbeAlgorithms.QUESTIONS,
            ProbeNumbers.QUESTIONS,
            ProbeDropout.QUESTIONS,
            ProbeCtc.QUESTIONS)
        .flatMap(List::stream)
        .toList();
  }

  /** Asks, and frees what that took; any failure becomes the answer. */
  Answer ask() {
    try (var cudnn = new RawCudnn()) {
      return asker.ask(cudnn);
    } catch (AssertionError | RuntimeException e) {
      return new Answer("failed", e.toString());
    }
  }

  /** The kind of failure, which is all that cuDNN documents, and what follows a success. */
  static String outcome(int status) {
    if (status != Cudnn.CUDNN_STATUS_SUCCESS()) {
      return category(status);
    }
    int afterwards = Cudart.cudaDeviceSynchronize();
    return afterwards == Cudart.cudaSuccess()
        ? "SUCCESS"
        : "SUCCESS, then " + Cudart.cudaGetErrorName(afterwards).getString(0);
  }

  private static String category(int status) {
    return RawCudnn.name(status / 1000 * 1000).replace("CUDNN_STATUS_", "");
  }

  /** The outcome with the exact code and the library's own words as detail. */
  static Answer answer(int status) {
    return new Answer(outcome(status), words(status));
  }

  static String words(int status) {
    return status == Cudnn.CUDNN_STATUS_SUCCESS()
        ? ""
        : RawCudnn.name(status) + ": " + RawCudnn.lastError().strip();
  }

  /** Answers to parts of a question: "a" if all are a, else each with the parts that gave it. */
  static String summary(Map<String, String> parts) {
    var byAnswer = new LinkedHashMap<String, List<String>>();
    parts.forEach(
        (part, answer) ->
            byAnswer.merge(
                answer, List.of(part), (a, b) -> Stream.concat(a.stream(), b.stream()).toList()));
    if (byAnswer.size() == 1) {
      return byAnswer.keySet().iterator().next();
    }
    var text = new StringBuilder();
    byAnswer.forEach(
        (answer, names) ->
            text.append(text.isEmpty() ? "" : "; ")
                .append(String.join(", ", names))
                .append(": ")
                .append(answer));
    return text.toString();
  }
}
