package io.github.cudnn4j.cli;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.model.LanguageModel;
import io.github.cudnn4j.model.LogMel;
import io.github.cudnn4j.model.Model;
import io.github.cudnn4j.model.Recogniser;
import io.github.cudnn4j.model.SequenceClassifier;
import io.github.cudnn4j.model.SequenceTagger;
import io.github.cudnn4j.model.Translator;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
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
      "Of a translator: a text becomes its translation.",
      "Of a recogniser: the path of a WAV file becomes its transcript.",
      "Control characters, and blanks in tags, are written as \\u0009."
    },
    mixinStandardHelpOptions = true,
    sortOptions = false)
final class ApplyCommand implements Callable<Integer> {

  private static final int MOST_LINES = 1024;
  private static final int BEAM = 4;
  private static final int MOST_SYMBOLS = 200;

  @Mixin private CheckpointOption checkpoint = new CheckpointOption();

  @Option(
      names = "--input",
      paramLabel = "FILE",
      description = "What to read. Default: standard input")
  private @Nullable Path input;

  @Option(
      names = "--beam",
      converter = Limits.PositiveCount.class,
      paramLabel = "W",
      description =
          "Beginnings of a translation or transcript that are followed; 1 takes the likeliest"
              + " symbol each time. Default: "
              + BEAM)
  private @Nullable Integer beam;

  @Option(
      names = "--max-symbols",
      converter = Limits.PositiveCount.class,
      paramLabel = "N",
      description = "The longest translation, in symbols. Default: " + MOST_SYMBOLS)
  private @Nullable Integer most;

  @Mixin private EncodingOption encoding = new EncodingOption();
  @Mixin private DeviceOption device = new DeviceOption();

  @Spec private CommandSpec spec;

  /** Makes a line of output of each line. */
  private interface Application {
    List<String> apply(List<String> lines) throws IOException;
  }

  @Override
  public Integer call() throws IOException {
    try (Device opened = Device.open(device.choice());
        Model model = checkpoint.load(opened)) {
      Application application = application(model);
      PrintWriter out = spec.commandLine().getOut();
      try (LineReader lines = reader()) {
        for (List<String> some = lines.next(MOST_LINES);
            !some.isEmpty() && !out.checkError();
            some = lines.next(MOST_LINES)) {
          application.apply(some).forEach(out::println);
          out.flush();
        }
      }
    }
    return 0;
  }

  private Application application(Model model) throws IOException {
    if (!(model instanceof Translator || model instanceof Recogniser)) {
      refuse("--beam", beam, model);
    }
    if (!(model instanceof Translator)) {
      refuse("--max-symbols", most, model);
    }
    int width = beam == null ? BEAM : beam;
    int symbols = most == null ? MOST_SYMBOLS : most;
    return switch (model) {
      case SequenceClassifier classifier -> lines -> classify(classifier, lines);
      case SequenceTagger tagger -> lines -> tag(tagger, lines);
      case Translator translator -> lines -> visible(translator.translate(lines, width, symbols));
      case Recogniser recogniser -> {
        LogMel features = Recordings.features(model.configuration());
        yield lines -> recognise(recogniser, features, lines, width);
      }
      case LanguageModel _ ->
          throw usage(
              "the checkpoint holds a language model, which is not applied to lines; generate"
                  + " writes text with it");
      default -> throw usage("a " + Model.kind(model.configuration()) + " is not applied to lines");
    };
  }

  private void refuse(String option, @Nullable Object value, Model model) {
    if (value != null) {
      throw usage(option + ": a " + Model.kind(model.configuration()) + " has none");
    }
  }

  private ParameterException usage(String message) {
    return new ParameterException(spec.commandLine(), message);
  }

  private LineReader reader() throws IOException {
    return input == null
        ? new LineReader("standard input", System.in, encoding.charset())
        : new LineReader(input.toString(), Files.newInputStream(input), encoding.charset());
  }

  private static List<String> recognise(
      Recogniser model, LogMel features, List<String> lines, int width) throws IOException {
    List<float[][]> sounds = new ArrayList<>();
    for (String line : lines) {
      sounds.add(line.isBlank() ? new float[0][] : features.of(Path.of(line.strip())));
    }
    return visible(model.recognise(sounds, width));
  }

  private static List<String> classify(SequenceClassifier model, List<String> texts) {
    return model.classify(texts).stream()
        .map(
            found ->
                String.format(
                    Locale.ROOT, "%s\t%.4f", Terminal.visible(found.label()), found.probability()))
        .toList();
  }

  private static List<String> tag(SequenceTagger model, List<String> lines) {
    List<List<String>> sentences =
        lines.stream().map(line -> line.isBlank() ? List.<String>of() : words(line)).toList();
    return model.tag(sentences).stream()
        .map(tags -> tags.stream().map(Terminal::visibleWord).collect(Collectors.joining(" ")))
        .toList();
  }

  private static List<String> visible(List<String> lines) {
    return lines.stream().map(Terminal::visible).toList();
  }

  private static List<String> words(String line) {
    return List.of(line.strip().split("\\s+"));
  }
}
