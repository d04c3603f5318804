package io.github.cudnn4j.cli;

import java.io.PrintWriter;
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
      DoctorCommand.class
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
    System.exit(run(arguments));
  }

  /** Runs one command on this thread and returns its exit status. */
  static int run(String... arguments) {
    return new CommandLine(new Main())
        .setCaseInsensitiveEnumValuesAllowed(true)
        .setUsageHelpWidth(100)
        .setExecutionExceptionHandler(Main::explain)
        .execute(arguments);
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
    return CommandLine.ExitCode.SOFTWARE;
  }

  private static String message(Exception failure) {
    return switch (failure) {
      case java.nio.file.NoSuchFileException missing -> "no such file: " + missing.getFile();
      case java.nio.charset.MalformedInputException _ -> "the text is not UTF-8";
      default -> failure.getMessage() == null ? failure.toString() : failure.getMessage();
    };
  }

  private static boolean isUsersConcern(Exception failure) {
    return failure instanceof IllegalArgumentException || failure instanceof java.io.IOException;
  }
}
