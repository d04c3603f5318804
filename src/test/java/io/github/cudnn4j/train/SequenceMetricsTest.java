package io.github.cudnn4j.train;

import static io.github.cudnn4j.testing.Refusals.refuses;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.github.cudnn4j.io.Json;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Compared with what others' programs say of the same sequences: see make_metrics.py. */
class SequenceMetricsTest {

  private static Map<String, Object> cases;

  @BeforeAll
  static void read() throws IOException {
    try (var in = SequenceMetricsTest.class.getResourceAsStream("metrics.json")) {
      cases = Json.parseObject(new String(in.readAllBytes(), StandardCharsets.UTF_8));
    }
  }

  @SuppressWarnings("unchecked")
  private static List<Map<String, Object>> cases(String name) {
    return (List<Map<String, Object>>) cases.get(name);
  }

  @SuppressWarnings("unchecked")
  private static <T> List<T> list(Map<String, Object> of, String name) {
    return (List<T>) of.get(name);
  }

  private static double number(Object value) {
    return ((Number) value).doubleValue();
  }

  @Test
  void bleuIsSacrebleus() {
    for (var each : cases("translations")) {
      List<List<String>> predicted = list(each, "predicted");
      List<List<List<String>>> right = list(each, "right");
      Bleu bleu = new Bleu();
      for (int i = 0; i < predicted.size(); i++) {
        bleu.add(predicted.get(i), right.get(i));
      }
      assertEquals(number(each.get("bleu")), bleu.score(), 1e-9);
      assertEquals(number(each.get("brevity")), bleu.brevityPenalty(), 1e-12);
    }
  }

  @Test
  void errorRatesAreJiwers() {
    for (var each : cases("translations")) {
      if (!each.containsKey("words")) {
        continue;
      }
      List<List<String>> predicted = list(each, "predicted");
      List<List<List<String>>> right = list(each, "right");
      ErrorRate symbols = new ErrorRate();
      ErrorRate words = new ErrorRate();
      ErrorRate characters = new ErrorRate();
      for (int i = 0; i < predicted.size(); i++) {
        String text = String.join(" ", right.get(i).getFirst());
        String other = String.join(" ", predicted.get(i));
        symbols.add(right.get(i).getFirst(), predicted.get(i));
        words.addWords(" " + text + "\n", other.replace(" ", " \t"));
        characters.addCharacters(text, other);
      }
      assertEquals(number(each.get("words")), words.rate(), 1e-12);
      assertEquals(number(each.get("words")), symbols.rate(), 1e-12);
      assertEquals(number(each.get("characters")), characters.rate(), 1e-12);
    }
  }

  @Test
  void spansAreSeqevals() {
    for (var each : cases("spans")) {
      assertSpans(SpanScore.lenient(), each, "lenient");
      assertSpans(SpanScore.iob2(), each, "iob2");
    }
  }

  private static void assertSpans(SpanScore score, Map<String, Object> each, String name) {
    List<List<String>> right = list(each, "right");
    List<List<String>> predicted = list(each, "predicted");
    for (int i = 0; i < right.size(); i++) {
      score.add(right.get(i), predicted.get(i));
    }
    List<Object> expected = list(each, name);
    assertEquals(number(expected.get(0)), score.overall().precision(), 1e-12, name);
    assertEquals(number(expected.get(1)), score.overall().recall(), 1e-12, name);
    assertEquals(number(expected.get(2)), score.overall().f1(), 1e-12, name);
    assertEquals(number(expected.get(3)), score.macroF1(), 1e-12, name);
  }

  /** "kitten" to "sitting", as in every textbook: 3. */
  @Test
  void theDistanceIsLevenshteins() {
    ErrorRate rate = new ErrorRate();
    rate.addCharacters("kitten", "sitting");
    rate.addCharacters("", "ab");
    rate.addCharacters("abc", "");
    rate.addCharacters("same", "same");
    assertEquals(3 + 2 + 3, rate.errors());
    assertEquals(6 + 3 + 4, rate.symbols());
    assertEquals(8.0 / 13, rate.rate());
    assertEquals(0.25, rate.exactMatch());
    rate = new ErrorRate();
    assertEquals(Double.NaN, rate.rate());
    assertEquals(Double.NaN, rate.exactMatch());
    rate.add(List.of(), List.of(1));
    assertEquals(Double.POSITIVE_INFINITY, rate.rate());
  }

  @Test
  void anInsideTagWithoutABeginningCountsInOneWayOnly() {
    List<String> tags = List.of("I-PER", "O", "B-LOC", "I-PER", "B-PER", "B-PER", "I-PER");
    List<String> same = List.copyOf(tags);
    SpanScore lenient = SpanScore.lenient();
    lenient.add(tags, same);
    SpanScore strict = SpanScore.iob2();
    strict.add(tags, same);
    assertEquals(new PrecisionRecall(5, 5, 5), lenient.overall());
    assertEquals(new PrecisionRecall(3, 3, 3), strict.overall());
    assertEquals(List.of("LOC", "PER"), List.copyOf(strict.types()));
    assertEquals(new PrecisionRecall(2, 2, 2), strict.type("PER"));
    assertEquals(new PrecisionRecall(0, 0, 0), strict.type("ORG"));
  }

  /** As sacrebleu has both: of two that are as close the shorter, and no four words mean 0. */
  @Test
  void bleuOfFewWords() {
    Bleu bleu = new Bleu();
    bleu.add(
        List.of("a", "b", "c", "d"),
        List.of(List.of("a", "b", "c", "d", "e"), List.of("a", "b", "c")));
    assertEquals(1, bleu.brevityPenalty());
    assertEquals(100, bleu.score(), 1e-12);
    Bleu few = new Bleu();
    few.add(List.of("a", "b", "c"), List.of(List.of("a", "b", "c")));
    assertEquals(0, few.score());
  }

  @Test
  void nothingIsNeitherRightNorWrong() {
    assertEquals(0, new Bleu().score());
    assertEquals(1, new Bleu().brevityPenalty());
    assertEquals(0, SpanScore.iob2().overall().f1());
    assertEquals(Double.NaN, SpanScore.iob2().macroF1());
    assertEquals(Double.NaN, new ConfusionMatrix(2).accuracy());
    assertEquals(Double.NaN, new ConfusionMatrix(2).macroF1());
  }

  /**
   * Of scikit-learn's documentation of classification_report: 0, 1, 2, 2, 2 predicted as 0, 0, 2,
   * 2, 1 has precisions 0.5, 0, 1, recalls 1, 0, 2/3, F1 2/3, 0, 0.8, their mean 0.49, accuracy
   * 0.6.
   */
  @Test
  void labelsAreAsInScikitLearn() {
    ConfusionMatrix matrix = new ConfusionMatrix(4);
    matrix.add(new int[] {0, 1, 2}, new int[] {0, 0, 2});
    matrix.add(new int[] {2, -1, 2}, new int[] {2, 77, 1});
    assertEquals(5, matrix.total());
    assertEquals(0.6, matrix.accuracy());
    double[][] expected = {{0.5, 1, 2 / 3.0}, {0, 0, 0}, {1, 2 / 3.0, 0.8}, {0, 0, 0}};
    for (int label = 0; label < 4; label++) {
      PrecisionRecall found = matrix.label(label);
      assertEquals(
          Arrays.toString(expected[label]),
          Arrays.toString(new double[] {found.precision(), found.recall(), found.f1()}));
    }
    assertEquals((2 / 3.0 + 0.8) / 3, matrix.macroF1(), 1e-12);
    assertEquals(1, matrix.count(2, 1));
    assertEquals(0, matrix.count(1, 2));
  }

  @Test
  void refusesWhatDoesNotFit() {
    ConfusionMatrix matrix = new ConfusionMatrix(2);
    refuses("classes is 0, must be 1 or more", () -> new ConfusionMatrix(0));
    refuses("1 predictions for 2 labels", () -> matrix.add(new int[2], new int[1]));
    refuses(
        "label 1 is 2, must be in [0, 2)", () -> matrix.add(new int[] {0, 2}, new int[] {0, 0}));
    refuses(
        "prediction 1 is -1, must be in [0, 2)",
        () -> matrix.add(new int[] {0, 1}, new int[] {0, -1}));
    assertEquals(0, matrix.total());
    refuses("1 predicted tags for 2", () -> SpanScore.iob2().add(List.of("O", "O"), List.of("O")));
    for (String tag : List.of("PER", "B-", "E-PER", "", "BPER")) {
      refuses(
          "tag 1 is " + tag + ", must be O, B-TYPE or I-TYPE",
          () -> SpanScore.lenient().add(List.of("O", tag), List.of("O", "O")));
    }
    refuses(
        "a translation without a right one to compare it with",
        () -> new Bleu().add(List.of(), List.of()));
  }
}
