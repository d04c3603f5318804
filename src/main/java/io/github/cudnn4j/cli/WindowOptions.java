package io.github.cudnn4j.cli;

import picocli.CommandLine.Option;

/** How a text is cut into the windows that a model reads. */
final class WindowOptions {

  @Option(
      names = "--batch",
      defaultValue = "32",
      paramLabel = "B",
      description = "Streams of text read side by side. Default: ${DEFAULT-VALUE}")
  private int batch;

  @Option(
      names = "--steps",
      defaultValue = "35",
      paramLabel = "T",
      description =
          "Characters of each stream per window; the state is carried on to the next. Default:"
              + " ${DEFAULT-VALUE}")
  private int time;

  int batch() {
    return batch;
  }

  int time() {
    return time;
  }
}
