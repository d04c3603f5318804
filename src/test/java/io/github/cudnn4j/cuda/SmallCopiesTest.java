package io.github.cudnn4j.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.github.cudnn4j.testing.InOneMode;
import io.github.cudnn4j.testing.JavaProcess;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What is copied is right when the compiler has taken part, which it does sooner in a child. */
@InOneMode
class SmallCopiesTest {
  @Test
  void copiesOfEverySizeAreRightOnceTheyAreCompiled() throws IOException, InterruptedException {
    var process = JavaProcess.run(SmallCopies.class, JavaProcess.compiledByC2(), Map.of());
    assertEquals(0, process.status(), process::toString);
    assertEquals(List.of("0 wrong"), process.output());
  }
}
