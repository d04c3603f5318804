package io.github.cudnn4j.cli;

import io.github.cudnn4j.library.Settings;
import io.github.cudnn4j.model.TextEncodingException;
import io.github.cudnn4j.train.ErrorRate;
import io.github.cudnn4j.train.Ranks;
import io.github.cudnn4j.train.TrainingDivergedException;
import java.io.IOException;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;

/** The command line: {@code java -jar cudnn4j-cli.jar <command>}. */
@Command(
    name = "cudnn4j",
    description =
        "Recurrent networks through cuDNN, on an NVIDIA GPU or on this machine's processor.",
    mixinStandardHelpOptions = true,
    version = "cudnn4j " + Ranks.VERSION,
    synopsisSubcommandLabel = "COMMAND",
    subcommands = {
      TrainCommand.class,
      GenerateCommand.class,
      EvaluateCommand.class,
      ApplyCommand.class,
      ExportCommand.class,
      DoctorCommand.class,
      BenchCommand.class
    })
public final class Main {
  /** How the JDK's own logging writes a message: to a user its text alone matters. */
  private static final String LOG_FORMAT = "java.util.logging.SimpleFormatter.format";

  private static final int MOST_TYPING_ERRORS = 2;

  private Main() {}

  /**
   * Runs one command and exits: 0 done, 1 it failed or its output is lost, 2 the arguments are
   * wrong.
   */
  public static void main(String[] arguments) {
    if (System.getProperty(LOG_FORMAT) == null) {
      System.setProperty(LOG_FORMAT, "%5$s%n");
    }
    StandardOutput output = StandardOutput.install(encoding(System.out));
    System.setErr(new PrintStream(System.err, true, encoding(System.err)));
    int status = run(arguments);
    IOException lost = output.failure();
    if (lost != null && status == CommandLine.ExitCode.OK) {
      System.err.println("cudnn4j: standard output: " + message(lost));
      status = CommandLine.ExitCode.SOFTWARE;
    }
    System.exit(status);
  }

  /** ASCII is the encoding of a locale without a language, as containers have it. */
  private static Charset encoding(PrintStream stream) {
    return stream.charset().equals(StandardCharsets.US_ASCII)
        ? StandardCharsets.UTF_8
        : stream.charset();
  }

  private static int run(String... arguments) {
    for (String argument : arguments) {
      if (isUnreadable(argument)) {
        System.err.println(
            "cudnn4j: Java cannot read the argument '"
                + argument
                + "' in this locale; set LC_ALL=C.UTF-8");
        return CommandLine.ExitCode.USAGE;
      }
    }
    try {
      // Those that picocli makes do not ask the streams for their encoding.
      return commandLine()
          .setOut(new PrintWriter(System.out, true))
          .setErr(new PrintWriter(System.err, true))
          .execute(arguments);
    } catch (OutOfMemoryError e) {
      long heap = Runtime.getRuntime().maxMemory() >> 20;
      System.err.println(
          "cudnn4j: Java's heap of "
              + heap
              + " MiB is too small; start with more: java -Xmx"
              + 2 * heap
              + "m -jar ...");
      return CommandLine.ExitCode.SOFTWARE;
    }
  }

  /** Java reads arguments in the encoding of the locale, and what that has not as U+FFFD. */
  private static boolean isUnreadable(String argument) {
    return argument.indexOf('\uFFFD') >= 0
        && !StandardCharsets.UTF_8.name().equals(System.getProperty("sun.jnu.encoding"));
  }

  /** Returns the commands, ready to be executed on this thread. */
  static CommandLine commandLine() {
    return new CommandLine(new Main())
        .setCaseInsensitiveEnumValuesAllowed(true)
        .setOverwrittenOptionsAllowed(true)
        .setAllowSubcommandsAsOptionParameters(true)
        .setUsageHelpWidth(100)
        .setParameterExceptionHandler(Main::refuse)
        .setExecutionExceptionHandler(Main::explain);
  }

  /** What is wrong with the arguments, and where the right ones are listed. */
  private static int refuse(CommandLine.ParameterException wrong, String[] arguments) {
    CommandLine command = wrong.getCommandLine();
    String name = command.getCommandSpec().qualifiedName();
    command.getErr().println(name + ": " + Terminal.visibleLines(message(wrong)));
    command.getErr().println(name + " --help lists the options");
    return CommandLine.ExitCode.USAGE;
  }

  private static String message(CommandLine.ParameterException wrong) {
    return wrong instanceof CommandLine.UnmatchedArgumentException unmatched
        ? unmatched(unmatched)
        : wrong.getMessage();
  }

  /** Where a command is due, what is no option of the program's is taken for one. */
  private static String unmatched(CommandLine.UnmatchedArgumentException wrong) {
    var commands = wrong.getCommandLine().getSubcommands();
    String first = wrong.getUnmatched().getFirst();
    if (!wrong.isUnknownOption()) {
      return commands.isEmpty()
          ? wrong.getMessage()
          : "there is no command '"
              + first
              + "'; there are "
              + String.join(", ", commands.keySet());
    }
    String option = first.split("=", 2)[0];
    String theirs =
        commands.values().stream()
            .map(CommandLine::getCommandSpec)
            .filter(command -> command.findOption(option) != null)
            .map(CommandSpec::qualifiedName)
            .collect(Collectors.joining(", "));
    if (!theirs.isEmpty()) {
      return option + " is an option of " + theirs;
    }
    List<String> close = wrong.getSuggestions();
    if (close.isEmpty()) {
      // Picocli's have the same first two letters.
      close =
          wrong.getCommandLine().getCommandSpec().optionsMap().keySet().stream()
              .filter(name -> isAlike(name, option))
              .toList();
    }
    return wrong.getMessage()
        + (close.isEmpty() ? "" : "; is it " + String.join(" or ", close) + "?");
  }

  private static boolean isAlike(String name, String typed) {
    var difference = new ErrorRate();
    difference.addCharacters(name, typed);
    return difference.errors() <= MOST_TYPING_ERRORS;
  }

  /** One line for what a user can do something about; the stack only when asked for. */
  private static int explain(
      Exception failure, CommandLine command, CommandLine.ParseResult parsed) {
    PrintWriter err = command.getErr();
    err.println(
        command.getCommandSpec().qualifiedName() + ": " + Terminal.visibleLines(message(failure)));
    if (Boolean.getBoolean(Settings.STACKTRACE)) {
      failure.printStackTrace(err);
    } else if (!isUsersConcern(failure)) {
      err.println("(-D" + Settings.STACKTRACE + "=true shows where)");
    }
    err.flush();
    // What the options say is checked where it is used, so the commands themselves refuse it.
    return failure instanceof IllegalArgumentException
        ? CommandLine.ExitCode.USAGE
        : CommandLine.ExitCode.SOFTWARE;
  }

  /** What went wrong, as a sentence; of many an exception about a file the message is a path. */
  static String message(Exception failure) {
    return switch (failure) {
      case NoSuchFileException missing -> "no such file: " + missing.getFile();
      case AccessDeniedException denied -> "no permission: " + denied.getFile();
      case FileAlreadyExistsException there -> "a file is in the way: " + there.getFile();
      case NotDirectoryException file -> "not a folder: " + file.getFile();
      case DirectoryNotEmptyException full -> "the folder is not empty: " + full.getFile();
      case FileSystemException other when other.getReason() == null ->
          String.format(
              Locale.ROOT,
              "cannot be used: %s (%s)",
              other.getMessage(),
              other.getClass().getSimpleName());
      case TextEncodingException wrong -> wrong.getMessage() + " (--encoding NAME)";
      default -> failure.getMessage() == null ? failure.toString() : failure.getMessage();
    };
  }

  /**
   * Makes the folder of a file that a command is to write, and returns it.
   *
   * @throws IllegalArgumentException if the file is a folder itself
   * @throws IOException if the folder cannot be made
   */
  static Path makeFolderOf(String option, Path file) throws IOException {
    if (Files.isDirectory(file)) {
      throw new IllegalArgumentException(option + ": " + file + " is a folder");
    }
    return Files.createDirectories(file.toAbsolutePath().getParent());
  }

  private static boolean isUsersConcern(Exception failure) {
    return failure instanceof IllegalArgumentException
        || failure instanceof IOException
        || failure instanceof UncheckedIOException
        || failure instanceof TrainingDivergedException;
  }
}
