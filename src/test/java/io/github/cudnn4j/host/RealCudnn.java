package io.github.cudnn4j.host;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.cudnn4j.library.HostControl;
import io.github.cudnn4j.library.InstalledCudnn;
import io.github.cudnn4j.testing.JavaProcess;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.SymbolLookup;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * The libcudnn.so.9 in the folder that the environment variable CUDNN4J_REAL_CUDNN names, or else
 * where NVIDIA's libraries are looked for. It is asked in a process of its own, which sees no GPU:
 * once it is in a process, no other cuDNN can be loaded there.
 */
final class RealCudnn {
  private static final String VARIABLE = "CUDNN4J_REAL_CUDNN";

  private RealCudnn() {}

  /**
   * @param version as cudnnGetVersion has it
   * @param lines what {@link CudnnWitness} answers to each case
   */
  record Answers(long version, List<String> lines) {}

  /** The cases that there are. */
  enum Cases {
    STATUS,
    ACCEPTANCE,
    RANDOM;

    List<CudnnCase> list() {
      return switch (this) {
        case STATUS -> CudnnCase.all();
        case ACCEPTANCE -> List.copyOf(CudnnAcceptanceTest.questions().keySet());
        case RANDOM -> CudnnCase.random(4_000);
      };
    }

    /** The cases with what a library answers to them, one by one. */
    Stream<String> answers(CudnnWitness witness) {
      return list().stream().map(question -> question + " -> " + witness.answer(question));
    }
  }

  /** Asks; skips the test where there is no such library, or the device of the tests is a GPU. */
  static Answers ask(Cases cases) throws IOException, InterruptedException {
    var folder =
        Optional.ofNullable(System.getenv(VARIABLE)).map(Path::of).or(InstalledCudnn::folder);
    assumeTrue(folder.isPresent(), VARIABLE + " names no folder with libcudnn.so.9");
    assumeTrue(RawCudnn.onHost());
    JavaProcess process =
        JavaProcess.run(
            RealCudnn.class,
            JavaProcess.sameProperties(),
            Map.of("CUDA_VISIBLE_DEVICES", ""),
            folder.get().toString(),
            cases.name());
    assertEquals(0, process.status(), process::errors);
    List<String> output = process.output();
    return new Answers(Long.parseLong(output.getFirst()), output.subList(1, output.size()));
  }

  public static void main(String[] arguments) {
    HostControl.get(); // The bindings tell the types of the functions.
    try (var witness =
        CudnnWitness.checking(
            SymbolLookup.libraryLookup(Path.of(arguments[0], "libcudnn.so.9"), Arena.global()))) {
      System.out.println(witness.version());
      Cases.valueOf(arguments[1]).answers(witness).forEach(System.out::println);
    }
  }
}
