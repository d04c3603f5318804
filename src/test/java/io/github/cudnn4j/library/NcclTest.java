package io.github.cudnn4j.library;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.abort;

import io.github.cudnn4j.bindings.Nccl;
import io.github.cudnn4j.bindings.ncclUniqueId;
import io.github.cudnn4j.testing.InOneMode;
import io.github.cudnn4j.testing.JavaProcess;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** NCCL's own library, which answers without a GPU, where it is found. */
@InOneMode
class NcclTest {
  private static final String FILE = "libnccl.so.2";
  private static final int BYTES = 128;

  @TempDir private Path folder;

  /** Calls the library that is named, with an id by value and without a GPU to use. */
  static final class Join {
    private Join() {}

    public static void main(String[] library) {
      System.load(library[0]);
      try (var arena = Arena.ofConfined()) {
        var version = arena.allocate(ValueLayout.JAVA_INT);
        System.out.println(Nccl.ncclGetVersion(version));
        System.out.println(version.get(ValueLayout.JAVA_INT, 0) / 10_000);
        var id = arena.allocate(ncclUniqueId.layout());
        System.out.println(id.byteSize());
        System.out.println(Nccl.ncclGetUniqueId(id));
        var communicator = arena.allocate(ValueLayout.ADDRESS);
        var status = Nccl.ncclCommInitRank(communicator, 1, id, 0);
        System.out.println(status == Nccl.ncclUnhandledCudaError());
        System.out.println(communicator.get(ValueLayout.ADDRESS, 0).address());
        System.out.println(Nccl.ncclGetErrorString(status).getString(0));
      }
    }
  }

  @Test
  void withoutAGpuAnIdIsMadeAndNobodyJoins() throws Exception {
    var process =
        JavaProcess.run(
            Join.class,
            List.of(),
            // Also where there is a GPU, of which other tests tell.
            Map.of("CUDA_VISIBLE_DEVICES", "", "NCCL_SOCKET_IFNAME", "lo"),
            libraryFile().toString());
    assertEquals(
        List.of(
            "0",
            "2",
            BYTES + "",
            "0",
            "true",
            "0",
            "unhandled cuda error (run with NCCL_DEBUG=INFO for details)"),
        process.output(),
        process::toString);
  }

  @Test
  void itIsFoundBesideCudaAndNotMissedElsewhere() throws Exception {
    new FakeCuda().driver(folder).toolkit(folder).cudnn(folder);
    assertEquals("not found, so each GPU works alone", factOf(folder.toString()));
    new FakeCuda().nccl(folder);
    var found = factOf(folder.toString());
    assertTrue(found.endsWith(FILE), found);
  }

  /** Prints what a program that uses CUDA says of NCCL. */
  static final class Fact {
    private Fact() {}

    public static void main(String[] none) {
      NativeLibraries.load(DeviceChoice.CUDA).report().facts().stream()
          .filter(fact -> fact.name().equals("NCCL"))
          .forEach(fact -> System.out.println(fact.value()));
    }
  }

  private static String factOf(String folders) throws IOException, InterruptedException {
    var process =
        JavaProcess.run(
            Fact.class,
            List.of("-Dcudnn4j.cuda.path=" + folders, "-Dcudnn4j.cudnn.path=" + folders),
            Map.of("LD_LIBRARY_PATH", folders));
    assertEquals(0, process.status(), process::toString);
    assertEquals(1, process.output().size(), process::toString);
    return process.output().getFirst();
  }

  private static Path libraryFile() throws IOException {
    for (var location : new SearchPath(Environment.ofProcess()).cuda()) {
      var file = location.isLoader() ? null : location.find(FILE);
      if (file != null) {
        return file.toRealPath();
      }
    }
    return abort("there is no NCCL here; VIRTUAL_ENV may name an environment with NVIDIA's wheels");
  }
}
