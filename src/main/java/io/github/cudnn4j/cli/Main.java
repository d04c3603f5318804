package io.github.cudnn4j.cli;

import io.github.cudnn4j.train.TrainingDivergedException;
import java.io.IOException;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.charset.MalformedInputException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.util.Locale;
import picocli.CommandLine;
import picocli.CommandLine.Command;

/** The command line: {@code java -jar cudnn4j-cli.jar <command>}. */
@Command(
    name = "cudnn4j",
    description = "Recurrent networks through cuDNN, on an NVIDIA GPU or on the host device.",
    mixinStandardHelpOptions = true,
    version = "cudnn4j 0.1.0",
    synopsisSubcommandLabel = "COMMAND",
    subcommands = {
      TrainCommand.class,
      GenerateCommand.class,
      EvaluateCommand.class,
      DoctorCommand.class,
      BenchCommand.class
    })
public final class Main {
  /** How the JDK's own logging writes a message: to a user its text alone matters. */
  private static final String LOG_FORMAT = "java.util.logging.SimpleFormatter.format";

  private Main() {}

  /** Runs one command and exits: 0 done, 1 it failed, 2 the arguments are wrong. */
  public static void main(String[] arguments) {
    if (System.getProperty(LOG_FORMAT) == null) {
      System.setProperty(LOG_FORMAT, "%5$s%n");
    }
    if (System.out.charset().equals(StandardCharsets.US_ASCII)) {
      // A locale without a language, as containers have it; whoever reads this knows UTF-8.
      System.setOut(new PrintStream(System.out, true, StandardCharsets.UTF_8));
      System.setErr(new PrintStream(System.err, true, StandardCharsets.UTF_8));
    }
    System.exit(run(arguments));
  }

  private static int run(String... arguments) {
    return commandLine().execute(arguments);
  }

  /** Returns the commands, ready to be executed on this thread. */
  static CommandLine commandLine() {
    return new CommandLine(new Main())
        .setCaseInsensitiveEnumValuesAllowed(true)
        .setOverwrittenOptionsAllowed(true)
        .setUsageHelpWidth(100)
        .setParameterExceptionHandler(Main::refuse)
        .setExecutionExceptionHandler(Main::explain);
  }

  /** What is wrong with the arguments, and where the right ones are listed. */
  private static int refuse(CommandLine.ParameterException wrong, String[] arguments) {
    CommandLine command = wrong.getCommandLine();
    String name = command.getCommandSpec().qualifiedName();
    command.getErr().println(name + ": " + wrong.getMessage());
    command.getErr().println(name + " --help lists the options");
    return CommandLine.ExitCode.USAGE;
  }

  /** One line for what a user can do something about; the stack only when asked for. */
  private static int explain(
      Exception failure, CommandLine command, CommandLine.ParseResult parsed) {
    PrintWriter err = command.getErr();
    err.println("cudnn4j " + command.getCommandName() + ": " + message(failure));
    if (Boolean.getBoolean("cudnn4j.stacktrace")) {
      failure.printStackTrace(err);
    } else if (!isUsersConcern(failure)) {
      err.println("(-Dcudnn4j.stacktrace=true shows where)");
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
      case MalformedInputException _ -> "the text is not UTF-8";
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
