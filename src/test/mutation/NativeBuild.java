import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * A host device with one changed file: what the file is compiled into, without optimization and for
 * one instruction set, and the objects of the build for the rest.
 */
final class NativeBuild {
  /** The least, which every processor has. */
  static final String ISA = "v2";

  private static final String OTHER_ISA = "-DCUDNN4J_ISA=(?!" + ISA + ").*";
  private static final Path SOURCES = Path.of("native").toAbsolutePath();
  private static final Path BUILT = Path.of("target/native-build").toAbsolutePath();
  private static final Pattern COMMAND =
      Pattern.compile("\"command\": \"(.*) -o (\\S+\\.o) -c (\\S+)\"");

  private NativeBuild() {}

  /** Compiles and links into {@code folder}; false if the text does not compile. */
  static boolean build(String file, String text, Path folder) throws Exception {
    Path source = Path.of(file).toAbsolutePath();
    Path overlay = folder.resolve("source");
    copy(source.getParent(), overlay.resolve(SOURCES.relativize(source.getParent())));
    Files.writeString(overlay.resolve(SOURCES.relativize(source)), text);
    String link = Files.readString(BUILT.resolve("CMakeFiles/cudnn4j_host.dir/link.txt")).strip();
    Path embedded = BUILT.resolve("embedded_kernels.cpp");
    boolean kernel = file.contains("/kernels/");
    if (kernel) {
      // The host device knows a kernel by its text.
      String kernels = Files.readString(embedded).replace(Files.readString(source), text);
      Files.writeString(overlay.resolve("embedded_kernels.cpp"), kernels);
    }
    int compiled = 0;
    for (String entry : Files.readString(BUILT.resolve("compile_commands.json")).split("\n")) {
      Matcher parts = COMMAND.matcher(entry);
      if (!parts.find()
          || !link.contains(" " + parts.group(2))
          || parts.group(1).matches(".* " + OTHER_ISA)) {
        continue;
      }
      Path unit = Path.of(parts.group(3));
      boolean isEmbedded = unit.equals(embedded);
      if (isEmbedded ? !kernel : !dependsOn(parts.group(2), source)) {
        continue;
      }
      Path changed = overlay.resolve(isEmbedded ? unit.getFileName() : SOURCES.relativize(unit));
      Path object = folder.resolve(compiled++ + ".o");
      String command = parts.group(1).replace("-O3 -g1", "-O0 -g0").replace("-Werror", "-w");
      String input = Files.exists(changed) ? changed.toString() : unit.toString();
      command = command.replaceFirst(" -I", " -I" + overlay + " -I");
      if (!run(command + " -o " + object + " -c " + input, folder)) {
        return false;
      }
      link = link.replace(" " + parts.group(2), " " + object);
    }
    if (compiled == 0) {
      throw new IllegalStateException("nothing is built from " + file);
    }
    Path library = folder.resolve("libcudnn4j_host.so");
    return run(link.replaceFirst(" -o \\S+", " -o " + library), folder);
  }

  private static boolean dependsOn(String object, Path source) throws IOException {
    String name = "/native/" + SOURCES.relativize(source);
    return Pattern.compile(Pattern.quote(name) + "\\s")
        .matcher(Files.readString(BUILT.resolve(object + ".d")))
        .find();
  }

  private static void copy(Path from, Path to) throws IOException {
    Files.createDirectories(to);
    List<Path> files = new ArrayList<>();
    try (Stream<Path> all = Files.list(from)) {
      all.filter(Files::isRegularFile).forEach(files::add);
    }
    for (Path file : files) {
      Files.copy(file, to.resolve(file.getFileName()));
    }
  }

  private static boolean run(String command, Path folder) throws Exception {
    return new ProcessBuilder("sh", "-c", command)
            .directory(BUILT.toFile())
            .redirectErrorStream(true)
            .redirectOutput(folder.resolve("build.log").toFile())
            .start()
            .waitFor()
        == 0;
  }
}
