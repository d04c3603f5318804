package io.github.cudnn4j.cli;

import io.github.cudnn4j.train.Progress;
import io.github.cudnn4j.train.TrainingSummary;
import io.github.cudnn4j.train.Validation;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * The number by which a kind of model is judged, beside what one gets who guesses.
 *
 * @param name of a metric, or perplexity, which follows from the loss
 * @param guess what guessing gets; NaN if nobody would
 * @param guesser who guesses, such as "a uniform guess"
 */
record Score(String name, double guess, String guesser) {

  private static final String PERPLEXITY = "perplexity";
  private static final double LARGEST_IN_DIGITS = 1e6;

  /** The exponential of the loss, of a model with as many classes. */
  static Score perplexity(int classes) {
    return new Score(PERPLEXITY, classes, "a uniform guess");
  }

  /** The part of the labels that is found; who guesses takes the one that is learned most often. */
  static Score accuracy(List<String> training, List<String> heldOut) {
    String usual =
        training.stream()
            .collect(Collectors.groupingBy(Function.identity(), Collectors.counting()))
            .entrySet()
            .stream()
            .max(Map.Entry.comparingByValue())
            .orElseThrow()
            .getKey();
    List<String> judged = heldOut.isEmpty() ? training : heldOut;
    double right = judged.stream().filter(usual::equals).count();
    return new Score("accuracy", right / judged.size(), "always '" + Terminal.visible(usual) + "'");
  }

  /** Whether it can be told of the training data, too. */
  boolean isOfLoss() {
    return name.equals(PERPLEXITY);
  }

  boolean hasGuess() {
    return !Double.isNaN(guess);
  }

  /** Returns the name in words, such as "Exact match". */
  String label() {
    return capital(name.replaceAll("(?=[A-Z])", " ").toLowerCase(Locale.ROOT));
  }

  /** Returns what is drawn of the training data: the number, or the loss if it is not known. */
  double drawn(Progress progress) {
    return isOfLoss() ? progress.perplexity() : progress.loss();
  }

  double of(Validation validation) {
    return isOfLoss() ? validation.perplexity() : validation.metrics().get(name);
  }

  /** Returns how training goes. */
  String text(Progress progress) {
    String loss = "loss " + number("%.3f", progress.loss());
    return isOfLoss() ? loss + "  " + name + " " + text(progress.perplexity()) : loss;
  }

  /** Returns how good the model is on data that it was not trained on. */
  String text(Validation validation) {
    return isOfLoss() ? name + " " + text(of(validation)) : text(validation.metrics());
  }

  private String text(Map<String, Double> metrics) {
    return metrics.entrySet().stream()
        .map(metric -> metric.getKey() + " " + text(metric.getValue()))
        .collect(Collectors.joining("  "));
  }

  /** Returns how good the model has become. */
  String text(TrainingSummary summary) {
    boolean validated = !Double.isNaN(summary.validationLoss());
    String training =
        isOfLoss()
            ? name + " " + text(summary.perplexity())
            : "loss " + number("%.3f", summary.loss());
    String heldOut =
        !validated
            ? "nothing"
            : isOfLoss() ? text(summary.validationPerplexity()) : text(summary.metrics());
    String guessed = hasGuess() ? ", " + guessText() + " for " + guesser : "";
    return training + " in training, " + heldOut + " held out" + guessed;
  }

  /** Returns what ends a training early. */
  String stale() {
    return "held-out " + name + (isOfLoss() ? " no longer falls" : " is no longer better");
  }

  /** Returns what one gets who guesses. */
  String guessText() {
    return isOfLoss() ? Integer.toString((int) guess) : text(guess);
  }

  private String text(double value) {
    return number(isOfLoss() ? "%.2f" : "%.3f", value);
  }

  /** Returns the numbers for a reader of JSON. */
  Map<String, Object> result(TrainingSummary summary) {
    Map<String, Object> result = new LinkedHashMap<>();
    if (isOfLoss()) {
      result.put(name, summary.perplexity());
      result.put("heldOutPerplexity", summary.validationPerplexity());
      result.put("bestHeldOutPerplexity", Math.exp(summary.best()));
      result.put("uniformPerplexity", (int) guess);
      return result;
    }
    result.put("loss", summary.loss());
    result.put("heldOutLoss", summary.validationLoss());
    summary.metrics().forEach((metric, value) -> result.put("heldOut" + capital(metric), value));
    result.put("bestHeldOut" + capital(name), summary.best());
    if (hasGuess()) {
      result.put("guess" + capital(name), guess);
    }
    return result;
  }

  static String capital(String name) {
    return name.substring(0, 1).toUpperCase(Locale.ROOT) + name.substring(1);
  }

  /** Hundreds of digits tell nothing. */
  static String number(String format, double value) {
    return String.format(Locale.ROOT, value > LARGEST_IN_DIGITS ? "%.2e" : format, value);
  }
}
