package io.github.cudnn4j.host;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cudnn4j.bindings.Cudart;
import java.io.IOException;
import java.lang.foreign.SymbolLookup;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The host device has every function that the bindings bind, and counts each of them. */
class HostExportsTest extends HostDeviceTest {
  private static final String FUNCTION = "--include-function ";

  @ParameterizedTest
  @ValueSource(strings = {"cudart", "cuda", "cublas", "nvrtc", "cudnn", "nccl"})
  void exportsAndCountsWhatIsBound(String library) throws IOException {
    var functions = functions(library);
    assertTrue(functions.size() > 10, () -> "only " + functions);
    var lookup = SymbolLookup.loaderLookup();
    assertEquals(
        List.of(), functions.stream().filter(f -> lookup.find(f).isEmpty()).toList(), "missing");
    assertEquals(
        List.of(), functions.stream().filter(f -> host.calls(f) < 0).toList(), "not counted");
  }

  /** The functions of a library but for groups that a device may lack. */
  private static List<String> functions(String library) throws IOException {
    String text;
    try (var stream = Cudart.class.getResourceAsStream("includes/" + library + ".txt")) {
      text = new String(stream.readAllBytes(), StandardCharsets.UTF_8);
    }
    return Arrays.stream(text.split("(?m)^#: "))
        .filter(group -> !group.lines().findFirst().orElse("").endsWith("(optional)"))
        .flatMap(String::lines)
        .filter(line -> line.startsWith(FUNCTION))
        .map(line -> line.substring(FUNCTION.length()).strip())
        .toList();
  }
}
