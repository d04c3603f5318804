package io.github.cudnn4j.io;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cudnn4j.io.SafeTensors.Type;
import io.github.cudnn4j.testing.InOneMode;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.ClosedChannelException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

@InOneMode
class SafeTensorsTest {

  @TempDir Path folder;

  /** The file comes from the format's own library: see make_safetensors.py beside it. */
  @Test
  void readsWhatTheReferenceImplementationWrote() throws IOException {
    var file = folder.resolve("reference.safetensors");
    Files.write(file, reference());
    try (var tensors = SafeTensors.open(file)) {
      assertEquals(Map.of("format", "pt", "who", "café"), tensors.metadata());
      assertEquals(12, tensors.names().size());
      assertEquals(Type.F32, tensors.type("weight_ih_l0"));
      assertArrayEquals(new long[] {8, 3}, tensors.shape("weight_ih_l0"));
      var expected = new float[24];
      for (int i = 0; i < expected.length; i++) {
        expected[i] = i / 8f;
      }
      assertArrayEquals(expected, tensors.floats("weight_ih_l0"));
      assertEquals(-3, tensors.floats("bias_hh_l0")[0]);
      assertArrayEquals(new float[] {1, -0.5f, 65504, 0x1p-24f}, tensors.floats("half"));
      assertEquals(1e30, tensors.doubles("brain")[2], 1e28);
      assertArrayEquals(new double[] {0.1, -0.2}, tensors.doubles("wide"));
      assertArrayEquals(new long[] {1234567890123L}, tensors.longs("step"));
      assertArrayEquals(new long[0], tensors.shape("step"));
      assertArrayEquals(new int[] {1, -2, 3, 4}, tensors.ints("tokens"));
      assertArrayEquals(new byte[] {0, 127, -1}, tensors.bytes("bytes"));
      assertEquals(Type.BOOL, tensors.type("mask"));
      assertArrayEquals(new byte[] {1, 0, 1}, tensors.bytes("mask"));
      assertEquals(0, tensors.elements("empty"));
      assertArrayEquals(new float[0], tensors.floats("empty"));
    }
  }

  @Test
  void halfTypesAreRoundedAsPyTorchRounds() throws IOException {
    var numbers = folder.resolve("rounding.safetensors");
    try (var in = SafeTensorsTest.class.getResourceAsStream("rounding.safetensors")) {
      Files.copy(in, numbers);
    }
    var file = folder.resolve("half.safetensors");
    try (var expected = SafeTensors.open(numbers)) {
      float[] floats = expected.floats("float");
      long[] shape = {floats.length};
      new SafeTensorsWriter()
          .add("half", Type.F16, shape, floats)
          .add("brain", Type.BF16, shape, floats)
          .add("float", Type.F32, shape, floats)
          .write(file);
      try (var tensors = SafeTensors.open(file)) {
        for (String name : List.of("half", "brain", "float")) {
          assertEquals(expected.type(name), tensors.type(name));
          float[] wanted = expected.floats(name);
          float[] got = tensors.floats(name);
          for (int i = 0; i < got.length; i++) {
            // Of a NaN only that it is one.
            assertEquals(wanted[i], got[i], name + " of " + floats[i] + ", element " + i);
          }
        }
      }
    }
    assertEquals(
        "a: type I32 for floats, possible are F32, F16 and BF16",
        assertThrows(
                IllegalArgumentException.class,
                () -> new SafeTensorsWriter().add("a", Type.I32, new long[] {1}, new float[1]))
            .getMessage());
  }

  @Test
  void readsWhatItWrote() throws IOException {
    var file = folder.resolve("a.safetensors");
    // More than one part of the reader and the writer, and not a multiple of it.
    var large = new float[700_001];
    for (int i = 0; i < large.length; i++) {
      large[i] = i * 0.5f;
    }
    new SafeTensorsWriter()
        .metadata("key", "va\"lue")
        .add("large", new long[] {large.length}, large)
        .add("d", new long[] {1, 2}, new double[] {Math.PI, Double.NaN})
        .add("i", new long[] {3}, new int[] {1, Integer.MIN_VALUE, -1})
        .add("l", new long[] {}, new long[] {Long.MIN_VALUE})
        .add("b", new long[] {5}, new byte[] {1, 2, 3, -4, 5})
        .add("none", new long[] {0, 7}, new float[0])
        .write(file);
    try (var tensors = SafeTensors.open(file)) {
      assertEquals(List.of("d", "l", "i", "large", "none", "b"), List.copyOf(tensors.names()));
      assertEquals(Map.of("key", "va\"lue"), tensors.metadata());
      assertArrayEquals(large, tensors.floats("large"));
      assertArrayEquals(new double[] {Math.PI, Double.NaN}, tensors.doubles("d"));
      assertArrayEquals(new int[] {1, Integer.MIN_VALUE, -1}, tensors.ints("i"));
      assertArrayEquals(new long[] {Long.MIN_VALUE}, tensors.longs("l"));
      assertArrayEquals(new byte[] {1, 2, 3, -4, 5}, tensors.bytes("b"));
      assertArrayEquals(new long[] {0, 7}, tensors.shape("none"));
      assertTrue(tensors.contains("i"));
      assertFalse(tensors.contains("j"));
    }
    long headerBytes =
        ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN).getLong();
    assertEquals(0, headerBytes % 8);
  }

  @Test
  void namesWhatIsMissingOrOfAnotherType() throws IOException {
    var file = folder.resolve("a.safetensors");
    new SafeTensorsWriter().add("i", new long[] {1}, new int[] {1}).write(file);
    try (var tensors = SafeTensors.open(file)) {
      assertMessage("no tensor j among [i]", () -> tensors.floats("j"));
      assertMessage("i is I32, not F32, F16 or BF16", () -> tensors.floats("i"));
      assertMessage("i is I32, not I64", () -> tensors.longs("i"));
    }
  }

  @Test
  void writerChecksShapesAndNames() {
    var writer = new SafeTensorsWriter().add("a", new long[] {1}, new float[1]);
    assertThrows(
        IllegalArgumentException.class, () -> writer.add("a", new long[] {1}, new float[1]));
    assertThrows(
        IllegalArgumentException.class, () -> writer.add("b", new long[] {2}, new float[1]));
    assertThrows(
        IllegalArgumentException.class, () -> writer.add("b", new long[] {-1, -1}, new float[1]));
    assertThrows(
        IllegalArgumentException.class,
        () -> writer.add("__metadata__", new long[] {1}, new float[1]));
  }

  static Stream<Arguments> brokenFiles() {
    String two = "\"b\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":";
    String one = "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},";
    return Stream.of(
        Arguments.of("{\"a\":1}", 0, "a is not an object of dtype, shape and data_offsets"),
        Arguments.of("[]", 0, "the header does not start with '{'"),
        Arguments.of(" {}", 0, "the header does not start with '{'"),
        Arguments.of("{\"a\"", 0, "header: JSON, position 4"),
        Arguments.of("{\"__metadata__\":{\"a\":1}}", 0, "__metadata__, a is not a string"),
        Arguments.of("{\"__metadata__\":[]}", 0, "__metadata__ is not an object"),
        Arguments.of(
            tensor("F32", "[1]", "[0,4]").replace("\"F32\"", "32"), 4, "a: dtype is not a string"),
        Arguments.of(one + one.substring(1, one.length() - 1) + "}", 4, "there are two tensors a"),
        Arguments.of(tensor("F32", "[-1]", "[0,4]"), 4, "a: shape holds -1"),
        Arguments.of(tensor("F32", "[1.0]", "[0,4]"), 4, "a: shape holds 1.0"),
        Arguments.of(tensor("F32", "1", "[0,4]"), 4, "a: shape is not an array"),
        Arguments.of(tensor("F32", "[1]", "[0,4,8]"), 4, "data_offsets that are not a begin and"),
        Arguments.of(tensor("F32", "[1]", "[4,0]"), 4, "data_offsets that are not a begin and"),
        Arguments.of(
            tensor("F32", "[2]", "[0,4]"), 4, "takes 8 bytes by its shape and type, but 4"),
        Arguments.of(tensor("F32", "[1]", "[4,8]"), 8, "a begins at byte 4 where 0 is due"),
        Arguments.of(tensor("F32", "[1]", "[0,4]"), 3, "take 4 bytes, the file has 3"),
        Arguments.of(tensor("F32", "[1]", "[0,4]"), 5, "take 4 bytes, the file has 5"),
        Arguments.of(one + two + "[5,7]}}", 7, "b begins at byte 5 where 4 is due"),
        Arguments.of(one + two + "[3,5]}}", 5, "b begins at byte 3 where 4 is due"),
        Arguments.of(
            tensor("F64", "[4294967296,4294967296]", "[0,0]"), 0, "a shape beyond 2^63 bytes"),
        Arguments.of(tensor("F64", "[2305843009213693952]", "[0,0]"), 0, "beyond 2^63 bytes"));
  }

  @ParameterizedTest
  @MethodSource("brokenFiles")
  void refusesBrokenFiles(String header, int dataBytes, String reason) throws IOException {
    var file = folder.resolve("broken.safetensors");
    write(file, header, dataBytes);
    assertMessage(reason, () -> SafeTensors.open(file));
  }

  @Test
  void boundsTheHeader() throws IOException {
    var file = folder.resolve("header.safetensors");
    for (long length : new long[] {-1, 0, 1, 9, Long.MAX_VALUE, Long.MIN_VALUE, 1L << 40}) {
      var bytes = ByteBuffer.allocate(16).order(ByteOrder.LITTLE_ENDIAN).putLong(length);
      Files.write(file, bytes.array());
      assertMessage(
          "header of " + length + " bytes, possible are 2 to 8", () -> SafeTensors.open(file));
    }
    Files.write(file, new byte[7]);
    assertMessage("its 7 bytes cannot hold a header", () -> SafeTensors.open(file));
    Files.write(file, new byte[8]);
    assertMessage("header of 0 bytes, possible are 2 to 0", () -> SafeTensors.open(file));
  }

  /** Whatever a header of 8 MB holds, it takes a few times its size at most. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "\"a\":[#{},",
        "\"a\":{\"dtype\":\"U8\",\"data_offsets\":[0,0],\"shape\":[#0,",
        "\"__metadata__\":{#\"@\":\"\","
      })
  void aHeaderTakesLittleMemory(String parts) throws IOException {
    String begin = parts.substring(0, parts.indexOf('#'));
    String part = parts.substring(begin.length() + 1);
    var header = new StringBuilder("{").append(begin);
    for (int i = 0; header.length() < 8_000_000; i++) {
      header.append(part.replace("@", Integer.toString(i, 36)));
    }
    var file = folder.resolve("large.safetensors");
    write(file, header.toString(), 0);
    var threads = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
    long before = threads.getCurrentThreadAllocatedBytes();
    var error = assertThrows(IOException.class, () -> SafeTensors.open(file));
    long allocated = threads.getCurrentThreadAllocatedBytes() - before;
    assertTrue(allocated < 100_000_000, allocated + " bytes allocated");
    assertTrue(error.getMessage().length() < 500, "a message of " + error.getMessage().length());
  }

  @Test
  void boundsTheNumberOfTensors() throws IOException {
    var file = folder.resolve("many.safetensors");
    String one = "\"%d\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}";
    String most =
        IntStream.range(0, 131_072).mapToObj(one::formatted).collect(Collectors.joining(","));
    write(file, "{" + most + "," + one.formatted(131_072) + "}", 0);
    assertMessage("it has more than 131072 tensors", () -> SafeTensors.open(file));
    write(file, "{" + most + "}", 0);
    try (var tensors = SafeTensors.open(file)) {
      assertEquals(131_072, tensors.names().size());
      assertMessage("no tensor a among [0, 1, 2,", () -> tensors.floats("a"));
      assertMessage("18, 19] and 131052 more", () -> tensors.floats("a"));
    }
  }

  @Test
  void aTypeThatIsNotKnownConcernsItsTensorOnly() throws IOException {
    var file = folder.resolve("newer.safetensors");
    String tensors =
        "\"new\":{\"dtype\":\"F8_E4M3\",\"shape\":[3],\"data_offsets\":[4,7]},"
            + "\"half a byte\":{\"dtype\":\"F4\",\"shape\":[2],\"data_offsets\":[7,8]}";
    String header = tensor("F32", "[1]", "[0,4]");
    write(file, header.substring(0, header.length() - 1) + "," + tensors + "}", 8);
    try (var open = SafeTensors.open(file)) {
      assertArrayEquals(new float[1], open.floats("a"));
      assertEquals("F32", open.typeName("a"));
      assertEquals("F8_E4M3", open.typeName("new"));
      assertArrayEquals(new long[] {3}, open.shape("new"));
      assertEquals(3, open.bytes("new").length);
      assertEquals(1, open.bytes("half a byte").length);
      String refusal = ": new is of the type F8_E4M3, which is not known here; only its bytes can";
      assertMessage(refusal, () -> open.floats("new"));
      assertMessage(refusal, () -> open.doubles("new"));
      assertMessage(refusal, () -> open.ints("new"));
      assertMessage(refusal, () -> open.longs("new"));
      assertMessage(refusal, () -> open.type("new"));
    }
  }

  @Test
  void tellsWhatAnotherFileLooksLike() throws IOException {
    assertLooksLike("a ZIP file, as torch.save writes", "PK\3\4\0\0\b\b\0\0\0\0");
    assertLooksLike("a Python pickle", "\u0080\2}q\0X\4\0\0\0abcd");
    assertLooksLike("a pointer of Git LFS", "version https://git-lfs.github.com/spec/v1\noid");
    assertLooksLike("a web page", "\n<!DOCTYPE html><html>");
    assertLooksLike("JSON", "{\"metadata\": {}}");
    assertLooksLike("an HDF5 file", "\u0089HDF\r\n\u001a\n\0\0\0");
    assertLooksLike("a GGUF file", "GGUF\3\0\0\0\0\1\0\0");
  }

  private void assertLooksLike(String kind, String content) throws IOException {
    var file = folder.resolve("other.safetensors");
    Files.writeString(file, content, StandardCharsets.ISO_8859_1);
    assertMessage(
        "is not a valid safetensors file: it looks like " + kind, () -> SafeTensors.open(file));
  }

  private static void write(Path file, String header, int dataBytes) throws IOException {
    byte[] text = header.getBytes(StandardCharsets.UTF_8);
    var bytes = ByteBuffer.allocate(8 + text.length + dataBytes).order(ByteOrder.LITTLE_ENDIAN);
    Files.write(file, bytes.putLong(text.length).put(text).array());
  }

  @Test
  void everyTruncationIsRefused() throws IOException {
    byte[] whole = reference();
    var file = folder.resolve("cut.safetensors");
    for (int length = 0; length < whole.length; length++) {
      Files.write(file, Arrays.copyOf(whole, length));
      assertThrows(IOException.class, () -> SafeTensors.open(file), "cut to " + length + " bytes");
    }
  }

  /** A file with random damage is either refused or read to the end; nothing else may happen. */
  @Test
  void damageIsRefusedOrHarmless() throws IOException {
    byte[] whole = reference();
    var random = new SplittableRandom(7);
    var file = folder.resolve("damaged.safetensors");
    int refused = 0;
    for (int round = 0; round < 1000; round++) {
      byte[] damaged = whole.clone();
      for (int i = random.nextInt(1, 4); i > 0; i--) {
        damaged[random.nextInt(damaged.length)] = (byte) random.nextInt(256);
      }
      Files.write(file, damaged);
      try (var tensors = SafeTensors.open(file)) {
        for (String name : tensors.names()) {
          long bytes = tensors.elements(name) * tensors.type(name).bytes();
          assertEquals(bytes, tensors.bytes(name).length);
        }
      } catch (IOException expected) {
        refused++;
      }
    }
    assertTrue(refused > 300 && refused < 1000, "refused " + refused + " of 1000");
  }

  @Test
  void aFileThatShrinksWhileOpenIsAnError() throws IOException {
    var file = folder.resolve("shrinking.safetensors");
    Files.write(file, reference());
    try (var tensors = SafeTensors.open(file)) {
      Files.write(file, new byte[100]);
      assertMessage("the file ends before byte", () -> tensors.floats("weight_ih_l0"));
    }
  }

  @Test
  void aFileThatIsClosedIsNotRead() throws IOException {
    var file = Files.write(folder.resolve("closed.safetensors"), reference());
    var tensors = SafeTensors.open(file);
    tensors.close();
    assertThrows(ClosedChannelException.class, () -> tensors.floats("weight_ih_l0"));
  }

  private static String tensor(String type, String shape, String offsets) {
    return "{\"a\":{\"dtype\":\"%s\",\"shape\":%s,\"data_offsets\":%s}}"
        .formatted(type, shape, offsets);
  }

  private static byte[] reference() throws IOException {
    try (var in = SafeTensorsTest.class.getResourceAsStream("reference.safetensors")) {
      return in.readAllBytes();
    }
  }

  private static void assertMessage(String part, org.junit.jupiter.api.function.Executable action) {
    String message = assertThrows(IOException.class, action).getMessage();
    assertTrue(message.contains(part), message);
  }
}
