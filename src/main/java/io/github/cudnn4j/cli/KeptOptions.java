package io.github.cudnn4j.cli;

import io.github.cudnn4j.model.LanguageModelConfig;
import io.github.cudnn4j.model.Model;
import io.github.cudnn4j.train.Checkpoint;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;

/**
 * The options of a training, which its checkpoints keep: who goes on gives only what is to change.
 */
final class KeptOptions {

  private static final String NOTE = "options";

  /** Where things are; what a training is does not depend on them. */
  private static final Set<String> PLACES =
      Set.of(
          "--text",
          "--data",
          "--validation",
          "--device",
          "--checkpoint",
          "--resume",
          "--overwrite",
          "--other-text",
          "--other-data",
          "--metrics",
          "--tensorboard",
          "--plot",
          "--help",
          "--version");

  /** What may be another after a checkpoint. */
  private static final Set<String> CHANGEABLE =
      Set.of(
          "--lr",
          "--momentum",
          "--schedule",
          "--warm-up",
          "--clip-norm",
          "--clip-value",
          "--epochs",
          "--patience",
          "--validate-every",
          "--checkpoint-every",
          "--log-every");

  /** What is of the data, and may be another with other data. */
  private static final Set<String> OF_DATA =
      Set.of("--tokens", "--held-out", "--letters-only", "--encoding");

  private KeptOptions() {}

  /** Returns what a checkpoint is to keep: each option with its value, empty if it has none. */
  static Map<String, Object> notes(CommandSpec spec) {
    return Map.of(NOTE, values(spec));
  }

  private static Map<String, String> values(CommandSpec spec) {
    Map<String, String> values = new LinkedHashMap<>();
    for (OptionSpec option : spec.options()) {
      if (!PLACES.contains(option.longestName())) {
        Object value = option.getValue();
        values.put(
            option.longestName(),
            switch (value) {
              case null -> "";
              case Enum<?> constant -> Limits.typed(constant);
              default -> value.toString();
            });
      }
    }
    return values;
  }

  /** Returns what a checkpoint keeps; of one that the command did not write, what it is of. */
  private static Map<String, String> of(Checkpoint checkpoint) throws IOException {
    Map<String, String> kept = new LinkedHashMap<>();
    if (checkpoint.notes().get(NOTE) instanceof Map<?, ?> noted) {
      noted.forEach((name, value) -> kept.put(name.toString(), String.valueOf(value)));
    } else {
      try {
        kept.putAll(
            LanguageModelOptions.options(
                LanguageModelConfig.ofMap(checkpoint.modelConfiguration())));
      } catch (IllegalArgumentException e) {
        throw new IOException(checkpoint.folder() + ": " + e.getMessage(), e);
      }
      kept.put("--optimizer", checkpoint.optimizer().toLowerCase(Locale.ROOT));
    }
    kept.keySet().removeAll(PLACES); // a checkpoint may name one that was not among them
    // What checkpoints without these options are of.
    kept.putIfAbsent("--units", "characters");
    kept.putIfAbsent("--tie", "false");
    return kept;
  }

  /**
   * Gives each option that was not typed the value that it has in a checkpoint.
   *
   * @param kind the kind of model that the command trains
   * @param otherData whether the data may be others
   * @return what was changed, such as "--epochs 4 instead of 2"; empty if nothing was
   * @throws ParameterException naming each option that cannot be changed and was
   * @throws IOException if the checkpoint is not one of such a model
   */
  static List<String> restore(
      CommandSpec spec, Checkpoint checkpoint, String kind, boolean otherData) throws IOException {
    String found = Model.kind(checkpoint.modelConfiguration());
    if (!found.equals(kind)) {
      throw new ParameterException(
          spec.commandLine(),
          "--resume: " + checkpoint.folder() + " is of a " + found + ", not a " + kind);
    }
    CommandLine command = spec.commandLine();
    Map<String, String> kept = of(checkpoint);
    List<String> typed =
        command.getParseResult().matchedOptions().stream()
            .map(OptionSpec::longestName)
            .distinct()
            .toList();
    List<String> arguments = command.getParseResult().originalArgs();
    command.setDefaultValueProvider(
        argument ->
            argument instanceof OptionSpec option && !typed.contains(option.longestName())
                ? kept.getOrDefault(option.longestName(), "").transform(KeptOptions::orNone)
                : null);
    command.parseArgs(
        arguments
            .subList(arguments.indexOf(spec.name()) + 1, arguments.size())
            .toArray(String[]::new));
    Map<String, String> given = values(spec);
    List<String> changes = new ArrayList<>();
    List<String> refused = new ArrayList<>();
    for (String name : typed) {
      if (kept.containsKey(name) && !kept.get(name).equals(given.get(name))) {
        boolean allowed = CHANGEABLE.contains(name) || otherData && OF_DATA.contains(name);
        (allowed ? changes : refused)
            .add(said(name, given.get(name)) + " instead of " + said(name, kept.get(name)));
      }
    }
    if (!refused.isEmpty()) {
      throw new ParameterException(
          command,
          "--resume: " + checkpoint.folder() + " cannot go on with " + String.join(", ", refused));
    }
    return changes;
  }

  private static @Nullable String orNone(String value) {
    return value.isEmpty() ? null : value;
  }

  private static String said(String name, String value) {
    return switch (value) {
      case "", "false" -> "no " + name;
      case "true" -> name;
      default -> name + " " + value;
    };
  }
}
