package io.github.cudnn4j.cli;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.model.LanguageModel;
import io.github.cudnn4j.model.Sampling;
import io.github.cudnn4j.model.TextGenerator;
import io.github.cudnn4j.model.Vocabulary;
import java.io.IOException;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Writes text with a trained model. */
@Command(
    name = "generate",
    description = "Write text with a trained language model, one symbol at a time.",
    mixinStandardHelpOptions = true,
    sortOptions = false)
final class GenerateCommand implements Callable<Integer> {

  @Mixin private CheckpointOption checkpoint = new CheckpointOption();

  @Option(
      names = "--prefix",
      required = true,
      paramLabel = "TEXT",
      description = "What the text begins with.")
  private String prefix;

  @Option(
      names = "--length",
      converter = Limits.Count.class,
      defaultValue = "200",
      paramLabel = "N",
      description =
          "Characters, bytes or words to write after the prefix, whichever the model is of."
              + " Default: ${DEFAULT-VALUE}")
  private int length;

  @Option(
      names = "--temperature",
      converter = Limits.NonNegative.class,
      defaultValue = "0.7",
      paramLabel = "T",
      description =
          "1: the model's own distribution; less: likelier symbols; 0: always the likeliest."
              + " Default: ${DEFAULT-VALUE}")
  private double temperature;

  @Option(
      names = "--top-k",
      converter = Limits.PositiveCount.class,
      defaultValue = "2147483647",
      paramLabel = "K",
      description = "Draw from the K likeliest symbols only. Default: all")
  private int topK;

  @Option(
      names = "--top-p",
      converter = Limits.Share.class,
      defaultValue = "1",
      paramLabel = "P",
      description =
          "Draw from as few of the likeliest symbols as have probability P together. Default: 1,"
              + " all")
  private double topP;

  @Option(
      names = "--seed",
      defaultValue = "1",
      paramLabel = "S",
      description = "Same seed, same text. Default: ${DEFAULT-VALUE}")
  private long seed;

  @Mixin private DeviceOption device = new DeviceOption();

  @Spec private CommandSpec spec;

  @Override
  public Integer call() throws IOException {
    try (Device opened = Device.open(device.choice());
        LanguageModel model = checkpoint.loadLanguageModel(opened);
        TextGenerator generator = TextGenerator.of(model)) {
      warn(model.vocabulary());
      String text = generator.generate(prefix, length, new Sampling(temperature, topK, topP), seed);
      spec.commandLine().getOut().println(Terminal.isOutput() ? Terminal.visibleLines(text) : text);
    }
    return 0;
  }

  /** The model reads them all as one. */
  private void warn(Vocabulary known) {
    Set<String> unknown = new TreeSet<>(known.units().split(prefix));
    unknown.removeIf(symbol -> known.id(symbol) != 0);
    if (!unknown.isEmpty()) {
      spec.commandLine()
          .getErr()
          .println("--prefix: the model does not know " + Terminal.named(unknown));
    }
  }
}
