package io.github.cudnn4j.library;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The order in which locations are looked at. */
class SearchPathTest {
  @TempDir private Path root;
  private final Map<String, String> variables = new HashMap<>();
  private final Map<String, String> properties = new HashMap<>();

  private SearchPath searchPath() {
    return new SearchPath(new Environment(properties::get, variables::get, root, true));
  }

  private List<String> origins(List<LibraryLocation> locations) {
    return locations.stream()
        .map(location -> location.origin().replace(root.toString(), ""))
        .distinct()
        .toList();
  }

  private void folder(String path) throws IOException {
    Files.createDirectories(root.resolve(path));
  }

  @Test
  void everyKindOfPlaceHasItsTurn() throws IOException {
    variables.put("CUDA_HOME", root + "/home");
    variables.put("CUDNN4J_CUDA_PATH", root + "/own");
    variables.put("CUDNN_PATH", root + "/dnn");
    variables.put("VIRTUAL_ENV", root + "/venv");
    variables.put("CONDA_PREFIX", root + "/conda");
    properties.put("user.home", root + "/me");
    folder("venv/lib/python3.9/site-packages");
    folder("venv/lib/python3.11/site-packages");
    folder("me/.local/lib/python3.12/site-packages");
    folder("usr/lib/python3/dist-packages");
    folder("usr/local/cuda-12.9");
    folder("usr/local/cuda-13.0");
    Files.createSymbolicLink(root.resolve("usr/local/cuda"), root.resolve("usr/local/cuda-12.9"));
    assertEquals(
        List.of(
            "environment CUDNN4J_CUDA_PATH",
            "environment CUDA_HOME",
            "pip wheels in /venv/lib/python3.11/site-packages",
            "pip wheels in /venv/lib/python3.9/site-packages",
            "pip wheels in /me/.local/lib/python3.12/site-packages",
            "pip wheels in /usr/lib/python3/dist-packages",
            "environment CONDA_PREFIX",
            "CUDA toolkit",
            "distribution folders",
            "the dynamic loader's own search"),
        origins(searchPath().cuda()));
    assertEquals(
        List.of("environment CUDNN_PATH", "pip wheels in /venv/lib/python3.11/site-packages"),
        origins(searchPath().cudnn()).subList(0, 2));
    var toolkits =
        searchPath().cuda().stream()
            .filter(location -> location.origin().equals("CUDA toolkit"))
            .map(location -> location.describe().replace(root.toString(), ""))
            .toList();
    assertEquals(List.of("/usr/local/cuda/lib64", "/usr/local/cuda-13.0/lib64"), toolkits);
  }

  @Test
  void pythonOfThePathIsFoundByItsPrefix() throws IOException {
    folder("py/bin");
    Files.createFile(root.resolve("py/bin/python3"));
    folder("py/lib/python3.13/site-packages");
    variables.put("PATH", root + "/bin:" + root + "/py/bin");
    assertEquals(
        "pip wheels in /py/lib/python3.13/site-packages", origins(searchPath().cuda()).getFirst());
  }

  /** As a virtual environment links to a Python, and /usr/local/bin to one elsewhere. */
  @Test
  void aLinkToPythonLeadsToItsPackages() throws IOException {
    folder("py/bin");
    Files.createFile(root.resolve("py/bin/python3.13"));
    folder("py/lib/python3.13/site-packages");
    folder("venv/bin");
    folder("venv/lib/python3.13/site-packages");
    Files.createSymbolicLink(root.resolve("venv/bin/python3"), root.resolve("py/bin/python3.13"));
    variables.put("PATH", root + "/venv/bin");
    assertEquals(
        List.of(
            "pip wheels in /venv/lib/python3.13/site-packages",
            "pip wheels in " + root.toRealPath().resolve("py/lib/python3.13/site-packages")),
        searchPath().cuda().stream()
            .map(location -> location.origin().replace(root + "/venv", "/venv"))
            .limit(2)
            .toList());
  }

  @Test
  void aPropertyIsExclusive() {
    variables.put("CUDA_HOME", root + "/home");
    properties.put(Settings.CUDA_PATH, root + "/a:" + root + "/b");
    assertEquals(List.of("property cudnn4j.cuda.path"), origins(searchPath().cuda()));
    assertEquals(
        List.of("/a", "/a/lib64", "/a/lib", "/b", "/b/lib64", "/b/lib"),
        searchPath().cuda().getFirst().folders().stream()
            .map(path -> path.toString().replace(root.toString(), ""))
            .toList());
  }

  @Test
  void cudnnComesFromOneFolderAtATime() {
    for (var location : searchPath().cudnn()) {
      assertEquals(location.isLoader() ? 0 : 1, location.folders().size(), location::toString);
    }
  }

  @Test
  void anEmptyListIsRefused() {
    properties.put(Settings.CUDA_PATH, ":");
    var e = assertThrows(IllegalArgumentException.class, () -> searchPath().cuda());
    assertEquals("the folder list ':' names no folder", e.getMessage());
  }

  /** Variables are inherited, and a relative path means another folder wherever one is. */
  @Test
  void onlyFullPathsOfVariablesAreTaken() throws IOException {
    folder("venv/lib/python3.13/site-packages");
    variables.put("CUDA_HOME", ".:" + root + "/home");
    variables.put("CUDA_PATH", ":");
    variables.put("CONDA_PREFIX", "");
    variables.put("VIRTUAL_ENV", "venv");
    variables.put("PATH", "bin::" + root + "/bin");
    properties.put("user.home", "?");
    var path = searchPath();
    assertEquals(
        List.of("environment CUDA_HOME", "distribution folders", "the dynamic loader's own search"),
        origins(path.cuda()));
    assertEquals(root.resolve("home"), path.cuda().getFirst().folders().getFirst());
    assertEquals(
        List.of(
            "The variable CUDA_HOME names '.', which is not the full path of a folder: no library"
                + " is looked for there.",
            "The variable VIRTUAL_ENV names 'venv', which is not the full path of a folder: no"
                + " library is looked for there."),
        List.copyOf(path.remarks()));
  }

  @Test
  void onlyWhatTheUserNamesForThisLibraryIsTakenAsItIs() {
    variables.put("CUDA_HOME", root + "/home");
    assertFalse(searchPath().cuda().getFirst().trusted());
    variables.put("CUDNN4J_CUDA_PATH", root + "/own");
    assertTrue(searchPath().cuda().getFirst().trusted());
    properties.put(Settings.CUDA_PATH, root + "/own");
    assertTrue(searchPath().cuda().getFirst().trusted());
    assertTrue(searchPath().cudnn().getFirst().trusted());
  }
}
