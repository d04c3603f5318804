package io.github.cudnn4j.io;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class JsonTest {

  @Test
  void readsEveryKindOfValue() throws IOException {
    var object =
        Json.parseObject(
            """
            { "a" : [1, -0.5, 2e3, true, false, null], "b\\u0041\\n": {"\\"": "\\\\/\\/"},
              "big": 123456789012345678901 }\
            """);
    assertEquals(List.of("a", "bA\n", "big"), List.copyOf(object.keySet()));
    assertEquals(Arrays.asList(1L, -0.5, 2000.0, true, false, null), object.get("a"));
    assertEquals(Map.of("\"", "\\//"), object.get("bA\n"));
    assertEquals(1.2345678901234568e20, object.get("big"));
    assertEquals(Long.MIN_VALUE, Json.parse("-9223372036854775808"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        " ",
        "{",
        "[",
        "\"",
        "tru",
        "nul",
        "01",
        "1.",
        ".5",
        "+1",
        "1e",
        "-",
        "[1,]",
        "{,}",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{a:1}",
        "'a'",
        "[1 2]",
        "1 1",
        "\"\\x\"",
        "\"\\u12g4\"",
        "\"\t\"",
        "NaN",
        "Infinity",
        "{\"a\":1,\"a\":2}",
        "[1]]",
        "\u00a01",
        "\"\\u\u0661\u0661\u0661\u0661\""
      })
  void refusesWhatIsNotJson(String text) {
    var error = assertThrows(IOException.class, () -> Json.parse(text));
    assertTrue(error.getMessage().startsWith("JSON, position "), error.getMessage());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "[1, x]     | JSON, position 4: expected a value, found 'x'",
        "{1: 2}     | JSON, position 1: expected '\"', found '1'",
        "[1         | JSON, position 2: the text ends too early",
        "[] []      | JSON, position 3: expected the end, found '['",
      })
  void tellsThePlace(String text, String message) {
    assertEquals(message, assertThrows(IOException.class, () -> Json.parse(text)).getMessage());
  }

  @Test
  void boundsTheDepth() throws IOException {
    int deepest = Json.MAX_DEPTH;
    Json.parse("[".repeat(deepest) + "]".repeat(deepest));
    String deeper = "[".repeat(deepest + 2) + "]".repeat(deepest + 2);
    assertThrows(IOException.class, () -> Json.parse(deeper));
    assertThrows(IOException.class, () -> Json.parse("[".repeat(1_000_000)));
    assertThrows(IOException.class, () -> Json.parse("{\"a\":".repeat(1_000_000)));
  }

  @Test
  void boundsTheValuesOfEachMember() throws IOException {
    var members = new LinkedHashMap<String, Object>();
    String text = "{\"a\":[1,2],\"b\":[[],3]}";
    Json.parseMembers(text, 3, members::put);
    assertEquals(Map.of("a", List.of(1L, 2L), "b", List.of(List.of(), 3L)), members);
    var e = assertThrows(IOException.class, () -> Json.parseMembers(text, 2, members::put));
    assertEquals("JSON, position 8: too many values", e.getMessage());
  }

  @Test
  void writesWhatItReads() throws IOException {
    var value = new LinkedHashMap<String, Object>();
    value.put("text", "quote \" backslash \\ line\nreturn\rtab\t bell\u0007 é 𝄞");
    value.put("numbers", List.of(1L, -0.25, 1e-300));
    value.put("empty", List.of(Map.of(), List.of()));
    value.put("truth", true);
    String text = Json.write(value);
    assertEquals(-1, text.indexOf('\n'));
    assertEquals(value, Json.parse(text));
  }

  @Test
  void writesNumbersThatJsonLacksAsNull() {
    assertEquals(
        "[null,null,null,1]",
        Json.write(Arrays.asList(Double.NaN, Float.POSITIVE_INFINITY, null, 1)));
  }

  @Test
  void escapesLoneSurrogates() throws IOException {
    assertEquals("\"\\ud834x\"", Json.write("\ud834x"));
    assertEquals("\ud834x", Json.parse("\"\\ud834x\""));
  }

  @Test
  void refusesToWriteOtherObjects() {
    assertThrows(IllegalArgumentException.class, () -> Json.write(new Object()));
  }
}
