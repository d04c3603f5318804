package io.github.cudnn4j.cli;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.model.LanguageModel;
import io.github.cudnn4j.model.Model;
import io.github.cudnn4j.model.SequenceClassifier;
import io.github.cudnn4j.model.SequenceTagger;
import io.github.cudnn4j.model.Translator;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Applies a trained model to lines. */
@Command(
    name = "apply",
    description = {
      "Apply a trained model to each line of a file or of standard input, and write a line for it.",
      "Of a classifier: a text becomes its label, a TAB and how probable that is.",
      "Of a tagger: words parted by blanks become as many tags.",
      "Of a translator: a text becomes its translation."
    },
    mixinStandardHelpOptions = true,
    sortOptions = false)
final class ApplyCommand implements Callable<Integer> {

  private static final int MOST_LINES = 1024;

  /** Hypotheses of a translation. */
  private static final int BEAM = 4;

  private static final int MOST_SYMBOLS = 200;

  @Mixin private CheckpointOption checkpoint = new CheckpointOption();

  @Option(
      names = "--input",
      paramLabel = "FILE",
      description = "What to read. Default: standard input")
  private @Nullable Path input;

  @Mixin private EncodingOption encoding = new EncodingOption();
  @Mixin private DeviceOption device = new DeviceOption();

  @Spec private CommandSpec spec;

  /** Makes a line of output of each line. */
  private interface Application {
    List<String> apply(List<String> lines);
  }

  @Override
  public Integer call() throws IOException {
    try (Device opened = Device.open(device.choice());
        Model model = checkpoint.load(opened);
        BufferedReader lines = new BufferedReader(reader())) {
      Application application = application(model);
      PrintWriter out = spec.commandLine().getOut();
      for (List<String> some = next(lines); !some.isEmpty(); some = next(lines)) {
        application.apply(some).forEach(out::println);
        out.flush();
      }
    }
    return 0;
  }

  private Application application(Model model) {
    return switch (model) {
      case SequenceClassifier classifier -> lines -> classify(classifier, lines);
      case SequenceTagger tagger -> lines -> tag(tagger, lines);
      case Translator translator -> lines -> translator.translate(lines, BEAM, MOST_SYMBOLS);
      case LanguageModel _ ->
          throw new ParameterException(
              spec.commandLine(), "a language model is not applied to lines: generate");
      default ->
          throw new ParameterException(
              spec.commandLine(),
              "a " + Model.kind(model.configuration()) + " is not applied to lines");
    };
  }

  private Reader reader() throws IOException {
    return input == null
        ? new InputStreamReader(System.in, encoding.charset())
        : Files.newBufferedReader(input, encoding.charset());
  }

  /** Returns the lines that are there by now, at least one unless the input has ended. */
  private static List<String> next(BufferedReader lines) throws IOException {
    List<String> some = new ArrayList<>();
    do {
      String line = lines.readLine();
      if (line == null) {
        return some;
      }
      some.add(line);
    } while (some.size() < MOST_LINES && lines.ready());
    return some;
  }

  private static List<String> classify(SequenceClassifier model, List<String> texts) {
    return model.classify(texts).stream()
        .map(found -> String.format(Locale.ROOT, "%s\t%.4f", found.label(), found.probability()))
        .toList();
  }

  private static List<String> tag(SequenceTagger model, List<String> lines) {
    List<List<String>> sentences =
        lines.stream().map(line -> line.isBlank() ? List.<String>of() : words(line)).toList();
    return model.tag(sentences).stream().map(tags -> String.join(" ", tags)).toList();
  }

  private static List<String> words(String line) {
    return List.of(line.strip().split("\\s+"));
  }
}
