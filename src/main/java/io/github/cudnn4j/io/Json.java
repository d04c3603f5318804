package io.github.cudnn4j.io;

import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Reads and writes JSON as RFC 8259 defines it, strictly.
 *
 * <p>Values are plain Java objects:
 *
 * <table>
 * <caption>JSON and Java</caption>
 * <tr><th>JSON</th><th>read as</th><th>written from</th></tr>
 * <tr><td>object</td><td>{@code LinkedHashMap<String, Object>}</td><td>{@link Map}</td></tr>
 * <tr><td>array</td><td>{@code ArrayList<Object>}</td><td>{@link Iterable}</td></tr>
 * <tr><td>string</td><td>{@link String}</td><td>{@link CharSequence}</td></tr>
 * <tr><td>number</td><td>{@link Long} where it fits, otherwise {@link Double}</td>
 *     <td>{@link Number}; a number that is not finite becomes {@code null}</td></tr>
 * <tr><td>true, false, null</td><td>{@link Boolean}, null</td><td>the same</td></tr>
 * </table>
 *
 * <p>A repeated key, anything behind the value and a nesting deeper than {@value #MAX_DEPTH} are
 * errors. All methods may be called from any thread.
 */
public final class Json {

  /** The deepest nesting of arrays and objects that is read or written. */
  public static final int MAX_DEPTH = 100;

  private final String text;
  private int at;

  /** How many more values may be read, which bounds the memory that they take. */
  private int left = Integer.MAX_VALUE;

  private Json(String text) {
    this.text = text;
  }

  /**
   * Reads one value.
   *
   * @throws IOException if the text is not exactly one JSON value; the message tells the position
   */
  public static @Nullable Object parse(String text) throws IOException {
    var json = new Json(text);
    json.space();
    Object value = json.value(0);
    json.space();
    if (json.at < text.length()) {
      throw json.error("the end");
    }
    return value;
  }

  /**
   * Reads one object.
   *
   * @throws IOException if the text is not exactly one JSON object
   */
  public static Map<String, @Nullable Object> parseObject(String text) throws IOException {
    if (parse(text) instanceof Map<?, ?> map) {
      @SuppressWarnings("unchecked") // Parsing makes no other kind of map.
      var object = (Map<String, @Nullable Object>) map;
      return object;
    }
    throw new IOException("JSON: expected an object");
  }

  /** Takes the members of an object one by one. */
  interface Members {
    void add(String key, @Nullable Object value) throws IOException;
  }

  /**
   * Reads one object member by member, so that only what is made of them is held. Repeated keys are
   * the reader's concern.
   *
   * @param most how many values a member may have, all arrays and objects in it included
   * @throws IOException if the text is not exactly one JSON object of such members
   */
  static void parseMembers(String text, int most, Members members) throws IOException {
    var json = new Json(text);
    json.space();
    json.members(1, (key, start) -> json.left = most, members);
    json.space();
    if (json.at < text.length()) {
      throw json.error("the end");
    }
  }

  /**
   * Writes a value on one line.
   *
   * @throws IllegalArgumentException if the value holds something that JSON has no form for
   */
  public static String write(@Nullable Object value) {
    var out = new StringBuilder();
    write(value, out, 0);
    return out.toString();
  }

  private @Nullable Object value(int depth) throws IOException {
    if (depth > MAX_DEPTH) {
      throw new IOException("JSON, position " + at + ": nested deeper than " + MAX_DEPTH);
    }
    if (--left < 0) {
      throw new IOException("JSON, position " + at + ": too many values");
    }
    return switch (peek()) {
      case '{' -> object(depth);
      case '[' -> array(depth);
      case '"' -> string();
      case 't' -> literal("true", Boolean.TRUE);
      case 'f' -> literal("false", Boolean.FALSE);
      case 'n' -> literal("null", null);
      default -> number();
    };
  }

  private Map<String, @Nullable Object> object(int depth) throws IOException {
    var object = new LinkedHashMap<String, @Nullable Object>();
    members(
        depth + 1,
        (key, start) -> {
          if (object.containsKey(key)) {
            throw new IOException("JSON, position " + start + ": repeated key \"" + key + "\"");
          }
        },
        object::put);
    return object;
  }

  private interface Keys {
    void check(String key, int start) throws IOException;
  }

  private void members(int depth, Keys keys, Members members) throws IOException {
    expect('{');
    space();
    if (skip('}')) {
      return;
    }
    do {
      space();
      int start = at;
      String key = string();
      keys.check(key, start);
      space();
      expect(':');
      space();
      members.add(key, value(depth));
      space();
    } while (skip(','));
    expect('}');
  }

  private List<@Nullable Object> array(int depth) throws IOException {
    var array = new ArrayList<@Nullable Object>();
    expect('[');
    space();
    if (skip(']')) {
      return array;
    }
    do {
      space();
      array.add(value(depth + 1));
      space();
    } while (skip(','));
    expect(']');
    return array;
  }

  private String string() throws IOException {
    expect('"');
    var out = new StringBuilder();
    while (true) {
      char c = peek();
      if (c < ' ') {
        throw error("a character of a string");
      }
      at++;
      if (c == '"') {
        return out.toString();
      }
      out.append(c == '\\' ? escaped() : c);
    }
  }

  private char escaped() throws IOException {
    char c = peek();
    at++;
    return switch (c) {
      case '"', '\\', '/' -> c;
      case 'b' -> '\b';
      case 'f' -> '\f';
      case 'n' -> '\n';
      case 'r' -> '\r';
      case 't' -> '\t';
      case 'u' -> unicode();
      default -> {
        at--;
        throw error("an escape");
      }
    };
  }

  private char unicode() throws IOException {
    int code = 0;
    for (int i = 0; i < 4; i++) {
      char c = peek();
      int digit = c < 128 ? Character.digit(c, 16) : -1;
      if (digit < 0) {
        throw error("a hexadecimal digit");
      }
      code = code * 16 + digit;
      at++;
    }
    return (char) code;
  }

  private Number number() throws IOException {
    int start = at;
    skip('-');
    if (!skip('0')) {
      digits();
    }
    boolean whole = true;
    if (skip('.')) {
      whole = false;
      digits();
    }
    if (skip('e') || skip('E')) {
      whole = false;
      if (!skip('+')) {
        skip('-');
      }
      digits();
    }
    String number = text.substring(start, at);
    if (whole) {
      try {
        return Long.valueOf(number);
      } catch (NumberFormatException tooLarge) {
        return Double.valueOf(number);
      }
    }
    return Double.valueOf(number);
  }

  private void digits() throws IOException {
    int start = at;
    while (at < text.length() && text.charAt(at) >= '0' && text.charAt(at) <= '9') {
      at++;
    }
    if (at == start) {
      throw error("a value");
    }
  }

  private @Nullable Object literal(String word, @Nullable Object value) throws IOException {
    if (!text.startsWith(word, at)) {
      throw error("a value");
    }
    at += word.length();
    return value;
  }

  private void space() {
    while (at < text.length() && " \t\n\r".indexOf(text.charAt(at)) >= 0) {
      at++;
    }
  }

  private char peek() throws IOException {
    if (at >= text.length()) {
      throw new IOException("JSON, position " + at + ": the text ends too early");
    }
    return text.charAt(at);
  }

  private boolean skip(char c) {
    boolean found = at < text.length() && text.charAt(at) == c;
    if (found) {
      at++;
    }
    return found;
  }

  private void expect(char c) throws IOException {
    if (peek() != c) {
      throw error("'" + c + "'");
    }
    at++;
  }

  private IOException error(String expected) {
    String found = at < text.length() ? "'" + text.charAt(at) + "'" : "the end";
    return new IOException("JSON, position " + at + ": expected " + expected + ", found " + found);
  }

  private static void write(@Nullable Object value, StringBuilder out, int depth) {
    if (depth > MAX_DEPTH) {
      throw new IllegalArgumentException("nested deeper than " + MAX_DEPTH);
    }
    switch (value) {
      case null -> out.append("null");
      case Boolean bool -> out.append(bool);
      case CharSequence string -> writeString(string, out);
      case Number number -> out.append(Double.isFinite(number.doubleValue()) ? number : "null");
      case Map<?, ?> map -> {
        String separator = "{";
        for (var entry : map.entrySet()) {
          out.append(separator);
          writeString((CharSequence) entry.getKey(), out);
          out.append(':');
          write(entry.getValue(), out, depth + 1);
          separator = ",";
        }
        out.append(map.isEmpty() ? "{}" : "}");
      }
      case Iterable<?> items -> {
        int start = out.length();
        for (var item : items) {
          out.append(out.length() == start ? '[' : ',');
          write(item, out, depth + 1);
        }
        out.append(out.length() == start ? "[]" : "]");
      }
      default -> throw new IllegalArgumentException("no JSON for a value of " + value.getClass());
    }
  }

  private static void writeString(CharSequence string, StringBuilder out) {
    out.append('"');
    for (int i = 0; i < string.length(); i++) {
      char c = string.charAt(i);
      switch (c) {
        case '"' -> out.append("\\\"");
        case '\\' -> out.append("\\\\");
        case '\n' -> out.append("\\n");
        case '\r' -> out.append("\\r");
        case '\t' -> out.append("\\t");
        default -> {
          // A lone surrogate has no UTF-8 form.
          if (c < ' ' || Character.isSurrogate(c) && !isPaired(string, i)) {
            out.append(String.format(Locale.ROOT, "\\u%04x", (int) c));
          } else {
            out.append(c);
          }
        }
      }
    }
    out.append('"');
  }

  private static boolean isPaired(CharSequence string, int i) {
    char c = string.charAt(i);
    return Character.isHighSurrogate(c)
        ? i + 1 < string.length() && Character.isLowSurrogate(string.charAt(i + 1))
        : i > 0 && Character.isHighSurrogate(string.charAt(i - 1));
  }
}
