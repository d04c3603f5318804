package io.github.cudnn4j.examples;

import module java.base;

import io.github.cudnn4j.io.Json;

/**
 * Takes what the examples have left into {@code src/examples}: the pictures, and a row of each in
 * the table of the README. Run by {@code -Dexample=gallery}, in the place of an example.
 */
final class Gallery {

  private static final Path EXAMPLES = Path.of("src", "examples");

  private Gallery() {}

  static void update(Path results) throws IOException {
    Path readme = EXAMPLES.resolve("README.md");
    var lines = new ArrayList<>(Files.readAllLines(readme));
    for (int i = 0; i < lines.size(); i++) {
      // | [name](source) | what | metric | value | baseline | seconds | picture |
      String[] cells = lines.get(i).split(" \\| ");
      if (!lines.get(i).startsWith("| [")) {
        continue;
      }
      String name = cells[0].substring(3, cells[0].indexOf(']'));
      Path result = results.resolve(name).resolve("result.json");
      if (Files.exists(result)) {
        var facts = Json.parseObject(Files.readString(result));
        String picture = "pictures/" + name + ".png";
        Files.createDirectories(EXAMPLES.resolve("pictures"));
        Files.copy(
            result.resolveSibling("picture.png"),
            EXAMPLES.resolve(picture),
            StandardCopyOption.REPLACE_EXISTING);
        lines.set(
            i,
            String.join(
                " | ",
                cells[0],
                cells[1],
                facts.get("metric").toString(),
                facts.get("value").toString(),
                facts.get("baseline").toString(),
                facts.get("seconds") + " s",
                "![" + name + "](" + picture + ") |"));
      }
    }
    Files.write(readme, lines);
  }
}
