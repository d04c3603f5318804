package io.github.cudnn4j.host;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.cudnn4j.library.HostControl;
import io.github.cudnn4j.testing.JavaProcess;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.SymbolLookup;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * The libcudnn.so.9 in the folder that the environment variable CUDNN4J_REAL_CUDNN names. It is
 * asked in a process of its own: once it is in a process, no other cuDNN can be loaded there.
 */
final class RealCudnn {
  private RealCudnn() {}

  /**
   * @param version as cudnnGetVersion has it
   * @param lines what {@link CudnnWitness} answers to each case
   */
  record Answers(long version, List<String> lines) {}

  /** The cases that there are. */
  enum Cases {
    STATUS,
    ACCEPTANCE;

    private List<CudnnCase> list() {
      return this == STATUS
          ? CudnnCase.all()
          : List.copyOf(CudnnAcceptanceTest.questions().keySet());
    }
  }

  /** Asks; skips the test where there is no such library, or the device of the tests is a GPU. */
  static Answers ask(Cases cases) throws IOException, InterruptedException {
    String folder = System.getenv("CUDNN4J_REAL_CUDNN");
    assumeTrue(folder != null, "CUDNN4J_REAL_CUDNN names no folder with libcudnn.so.9");
    assumeTrue(RawCudnn.onHost());
    JavaProcess process =
        JavaProcess.run(
            RealCudnn.class, JavaProcess.sameProperties(), Map.of(), folder, cases.name());
    assertEquals(0, process.status(), process::errors);
    List<String> output = process.output();
    return new Answers(Long.parseLong(output.getFirst()), output.subList(1, output.size()));
  }

  public static void main(String[] arguments) {
    HostControl.get(); // The bindings tell the types of the functions.
    var witness =
        new CudnnWitness(
            SymbolLookup.libraryLookup(Path.of(arguments[0], "libcudnn.so.9"), Arena.global()));
    System.out.println(witness.version());
    for (CudnnCase question : Cases.valueOf(arguments[1]).list()) {
      System.out.println(question + " -> " + witness.answer(question));
    }
  }
}
