package io.github.cudnn4j.library;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.cudnn4j.testing.InOneMode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Which libraries are taken from trees of fake ones, and why the others are refused. */
@InOneMode
class CudaSearchTest {
  @TempDir private Path root;
  private final Map<String, String> variables = new HashMap<>();
  private final Map<String, String> properties = new HashMap<>();
  private final Findings findings = new Findings();
  private CudaSearch search;
  private CudaSearch.Found found;

  @BeforeEach
  void makeSearch() {
    assumeTrue(
        HostControl.ifHost().isPresent(),
        "in this process the names of cuDNN's libraries lead to the real ones");
    var environment = new Environment(properties::get, variables::get, root, false);
    search = new CudaSearch(environment, findings);
  }

  @AfterEach
  void closeLibraries() {
    if (found != null) {
      found.cudnn().close();
      found.toolkit().close();
      found.driver().close();
    }
  }

  private Path lib() {
    return root.resolve("usr/lib/x86_64-linux-gnu");
  }

  private void findsNothing(String refusal) {
    found = search.find();
    assertNull(found, () -> report().toString());
    assertEquals(refusal, search.refusal().replace(root.toString(), ""));
  }

  private void finds() {
    found = search.find();
    assertNotNull(found, () -> search.refusal() + "\n" + report());
  }

  private LibraryReport report() {
    return findings.report(DeviceChoice.CUDA, null);
  }

  private void reports(String reason) {
    assertTrue(
        report().attempts().stream().anyMatch(attempt -> attempt.reason().equals(reason)),
        () -> report().toString());
  }

  private void advises(String words) {
    assertTrue(
        report().advice().stream().anyMatch(advice -> advice.contains(words)),
        () -> report().toString());
  }

  @Test
  void findsACompleteSet() {
    new FakeCuda().driver(lib()).toolkit(lib()).cudnn(lib());
    finds();
    assertEquals(13, found.toolkit().major());
    assertEquals(lib().resolve("libcudnn.so.9"), found.cudnn().dispatcher().path());
    var reasons =
        report().attempts().stream()
            .filter(attempt -> attempt.outcome() == LibraryAttempt.Outcome.FOUND)
            .map(LibraryAttempt::reason)
            .filter(reason -> !reason.isEmpty())
            .toList();
    assertEquals(
        "[for CUDA 13.1, CUDA runtime 13.0, cuBLAS 13.0.0, NVRTC 13.0, cuDNN 9.24.0 for CUDA 13.0]",
        reasons.toString());
  }

  @Test
  void withoutAnythingNamesTheDriverFirst() {
    findsNothing("there is no NVIDIA driver (libcuda.so.1 is not found)");
    advises("install NVIDIA's driver, 580.65.06 or newer for CUDA 13");
    advises("pip install nvidia-cuda-runtime nvidia-cublas nvidia-cuda-nvrtc nvidia-cudnn-cu13");
  }

  @Test
  void librariesWithoutADriverAreStillLookedAt() {
    new FakeCuda().with("COUNT_STATUS", 35).with("DRIVER", 0).toolkit(lib()).cudnn(lib());
    findsNothing("there is no NVIDIA driver (libcuda.so.1 is not found)");
    reports("cuDNN 9.24.0 for CUDA 13.0");
    reports("cudaGetDeviceCount returns 35 (cudaErrorFake: fake text)");
  }

  @Test
  void aMissingSubLibraryIsNamed() throws IOException {
    new FakeCuda().driver(lib()).toolkit(lib()).cudnn(lib());
    Files.delete(lib().resolve("libcudnn_adv.so.9"));
    findsNothing(
        "cuDNN cannot be used: libcudnn_adv.so.9 of /usr/lib/x86_64-linux-gnu: no such file");
    advises("pip install nvidia-cudnn-cu13");
  }

  @Test
  void aMissingToolkitLibraryIsNamed() throws IOException {
    new FakeCuda().driver(lib()).toolkit(lib()).cudnn(lib());
    Files.delete(lib().resolve("libcublasLt.so.13"));
    findsNothing(
        "CUDA 13 cannot be used: libcublasLt.so.13 of /usr/lib/x86_64-linux-gnu: no such file");
  }

  @Test
  void nvrtcNeedsItsBuiltins() throws IOException {
    new FakeCuda().driver(lib()).toolkit(lib()).cudnn(lib());
    Files.delete(lib().resolve("libnvrtc-builtins.so.13.0"));
    findsNothing(
        "CUDA 13 cannot be used: libnvrtc.so.13 of /usr/lib/x86_64-linux-gnu:"
            + " libnvrtc-builtins.so.13.0 is not beside it in /usr/lib/x86_64-linux-gnu");
  }

  @Test
  void filesThatAreNoLibrariesForThisProcessorAreRefused() throws IOException {
    new FakeCuda().driver(lib()).toolkit(lib()).cudnn(lib());
    var header = ByteBuffer.allocate(64).order(ByteOrder.LITTLE_ENDIAN);
    header.putInt(0x464c457f).put((byte) 2).position(16).putShort((short) 3).putShort((short) 183);
    Files.write(lib().resolve("libcudnn_ops.so.9"), header.array());
    findsNothing(
        "cuDNN cannot be used: libcudnn_ops.so.9 of /usr/lib/x86_64-linux-gnu: a library for"
            + " another processor (aarch64), not x86-64");
    Files.writeString(lib().resolve("libcublas.so.13"), "version https://git-lfs");
    findsNothing(
        "CUDA 13 cannot be used: libcublas.so.13 of /usr/lib/x86_64-linux-gnu: not a library (no"
            + " ELF header)");
  }

  @Test
  void theCudnnForTheToolkitIsTaken() {
    new FakeCuda().driver(lib()).toolkit(lib());
    var ofCuda12 = root.resolve("12");
    var ofCuda13 = root.resolve("13");
    new FakeCuda().with("RUNTIME", 12090).cudnn(ofCuda12);
    new FakeCuda().with("CUDNN", 91000).cudnn(ofCuda13);
    variables.put("CUDNN_HOME", ofCuda12 + ":" + ofCuda13);
    finds();
    assertEquals(ofCuda13.resolve("libcudnn.so.9"), found.cudnn().dispatcher().path());
    reports("cuDNN 9.24.0 is built for CUDA 12.9, the other libraries are of CUDA 13");
  }

  @Test
  void anOldDriverTakesTheOlderToolkit() {
    new FakeCuda().with("DRIVER", 12080).driver(lib()).toolkit(lib()).cudnn(lib());
    var old = root.resolve("usr/lib64");
    new FakeCuda().with("DRIVER", 12080).with("RUNTIME", 12090).toolkit(old).cudnn(old);
    finds();
    assertEquals(12, found.toolkit().major());
    assertEquals(old.resolve("libcudnn.so.9"), found.cudnn().dispatcher().path());
  }

  @Test
  void anOldDriverAloneIsToldWhatItNeeds() {
    new FakeCuda().with("DRIVER", 12080).driver(lib()).toolkit(lib()).cudnn(lib());
    findsNothing("the driver supports CUDA 12.8, the libraries are of CUDA 13");
    advises("Update NVIDIA's driver: CUDA 13 needs 580.65.06 or newer.");
    advises("pip install nvidia-cuda-runtime-cu12");
  }

  @Test
  void aMissingFunctionIsNamed() {
    new FakeCuda().driver(lib()).toolkit(lib());
    new FakeCuda().without("cudnnRNNForward").cudnn(lib());
    findsNothing(
        "cuDNN cannot be used: libcudnn.so.9 of /usr/lib/x86_64-linux-gnu: it has no function"
            + " cudnnRNNForward");
  }

  @Test
  void onlyCudnn9IsTaken() {
    new FakeCuda().with("CUDNN", 8907).driver(lib()).toolkit(lib()).cudnn(lib());
    findsNothing(
        "cuDNN cannot be used: libcudnn.so.9 of /usr/lib/x86_64-linux-gnu: it says it is cuDNN"
            + " 0.89.7; cuDNN 9 is needed");
  }

  @Test
  void subLibrariesOfDifferentVersionsAreRefused() {
    new FakeCuda().with("ADV_STATUS", 1002).driver(lib()).toolkit(lib()).cudnn(lib());
    findsNothing(
        "cuDNN cannot be used: libcudnn.so.9 of /usr/lib/x86_64-linux-gnu: cuDNN 9.24.0:"
            + " cudnnAdvVersionCheck returns 1002 (CUDNN_FAKE): the sub-libraries are of different"
            + " versions");
  }

  @Test
  void aFileNamedForAnotherReleaseIsRefused() throws IOException {
    new FakeCuda().driver(lib()).toolkit(lib()).cudnn(lib());
    new FakeCuda().with("RUNTIME", 12090).toolkit(root.resolve("other"));
    Files.delete(lib().resolve("libcudart.so.13"));
    Files.copy(root.resolve("other/libcudart.so.12"), lib().resolve("libcudart.so.13"));
    findsNothing(
        "CUDA 13 cannot be used: libcudart.so.13 of /usr/lib/x86_64-linux-gnu: it says it is CUDA"
            + " runtime 12.9, which is not of CUDA 13");
  }

  @Test
  void noGpuIsNamed() {
    new FakeCuda().with("DEVICES", 0).driver(lib()).toolkit(lib()).cudnn(lib());
    findsNothing("there is no GPU (cudaGetDeviceCount finds 0)");
    advises("CUDA_VISIBLE_DEVICES");
  }

  @Test
  void aGpuThatTakesNoContextIsNamed() {
    new FakeCuda().with("FREE_STATUS", 46).driver(lib()).toolkit(lib()).cudnn(lib());
    findsNothing("no context can be made on GPU 0: 46 (cudaErrorFake: fake text)");
    advises("exclusive compute mode");
  }

  @Test
  void aPropertyIsTheOnlyPlace() {
    new FakeCuda().driver(lib()).toolkit(lib()).cudnn(lib());
    properties.put(Settings.CUDA_PATH, root.resolve("nowhere").toString());
    findsNothing("neither CUDA 13 nor 12 (libcudart, libcublas, libnvrtc) was found");
    advises("-Dcudnn4j.cuda.path=FOLDER");
  }

  @Test
  void aFolderThatOthersCanWriteIsRefusedUnlessItIsNamed() throws IOException {
    var wheel = root.resolve("wheel/lib");
    new FakeCuda().driver(lib()).toolkit(wheel).cudnn(lib());
    Files.setPosixFilePermissions(wheel, PosixFilePermissions.fromString("rwxrwxrwx"));
    variables.put("CUDA_HOME", root.resolve("wheel").toString());
    findsNothing(
        "CUDA 13 cannot be used: libcudart.so.13 of /wheel, /wheel/lib64, /wheel/lib: can be"
            + " replaced by everybody (who may write /wheel/lib)");
    advises("taken as they are");
    properties.put(Settings.CUDA_PATH, wheel.toString());
    properties.put(Settings.CUDNN_PATH, lib().toString());
    makeSearch();
    finds();
  }

  @Test
  void whatNvrtcOpensByItselfMustBeSafeToo() throws IOException {
    new FakeCuda().driver(lib()).toolkit(lib()).cudnn(lib());
    Files.setPosixFilePermissions(
        lib().resolve("libnvrtc-builtins.so.13.0"), PosixFilePermissions.fromString("rw-r--rw-"));
    findsNothing(
        "CUDA 13 cannot be used: libnvrtc.so.13 of /usr/lib/x86_64-linux-gnu:"
            + " libnvrtc-builtins.so.13.0 beside it can be replaced by everybody (who may write"
            + " /usr/lib/x86_64-linux-gnu/libnvrtc-builtins.so.13.0)");
  }

  @Test
  void aDriverThatIsThereAndCannotBeUsedIsSaid() throws IOException {
    new FakeCuda().driver(lib()).toolkit(lib()).cudnn(lib());
    Files.write(lib().resolve("libcuda.so.1"), new byte[0]);
    findsNothing(
        "NVIDIA's driver cannot be used: libcuda.so.1 of /usr/lib/x86_64-linux-gnu: not a library"
            + " (no ELF header)");
    new FakeCuda().with("DRIVER_STATUS", 34).driver(lib());
    makeSearch();
    findsNothing(
        "NVIDIA's driver cannot be used: libcuda.so.1 of /usr/lib/x86_64-linux-gnu: a toolkit's"
            + " stand-in to link programs with, no driver");
  }
}
