package io.github.cudnn4j.train;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.library.DeviceChoice;
import io.github.cudnn4j.library.Settings;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Which of the processes that train together this is, and where they meet. Rank 0 listens, the
 * others come to it; {@link RankGroup#join} does that.
 *
 * <p>{@link #ofEnvironment} finds it in the variables that a launcher sets:
 *
 * <pre>
 * torchrun, a shell     RANK, WORLD_SIZE, LOCAL_RANK
 * mpirun of Open MPI    OMPI_COMM_WORLD_RANK, OMPI_COMM_WORLD_SIZE, OMPI_COMM_WORLD_LOCAL_RANK
 * mpiexec of MPICH      PMI_RANK, PMI_SIZE, MPI_LOCALRANKID
 * srun                  SLURM_PROCID, SLURM_STEP_NUM_TASKS, SLURM_LOCALID
 * Indexed Job           JOB_COMPLETION_INDEX, WORLD_SIZE
 * </pre>
 *
 * <p>The first of these that is there counts, since launchers start each other. {@code MASTER_ADDR}
 * and {@code MASTER_PORT} name the address at which rank 0 listens, by default {@value #HOST} and
 * {@value #PORT}; it is the port after it where torchrun's agent has the one that it names. {@code
 * CUDNN4J_TOKEN}, or the file that {@code CUDNN4J_TOKEN_FILE} names, is a secret of at least
 * {@value #TOKEN_LENGTH} characters, the same for all ranks and known to nobody else. {@code
 * CUDNN4J_JOIN_SECONDS} is the limit, by default {@value #JOIN_SECONDS}.
 *
 * @param rank from 0
 * @param size the number of ranks
 * @param local which of the ranks of its machine it is, from 0
 * @param host the name or address at which rank 0 listens
 * @param port the port at which rank 0 listens
 * @param token the secret; empty if there is one rank only
 * @param limit how long ranks wait for each other to come
 */
public record Ranks(
    int rank, int size, int local, String host, int port, String token, Duration limit) {

  static final int JOIN_SECONDS = 60;
  static final Duration LIMIT = Duration.ofSeconds(JOIN_SECONDS);

  private static final Duration LONGEST = Duration.ofNanos(Long.MAX_VALUE);

  /** One process alone. */
  public static final Ranks ALONE = new Ranks(0, 1, 0, Ranks.HOST, Ranks.PORT, "", Ranks.LIMIT);

  /** The version of this library, which all ranks must have. */
  public static final String VERSION = "0.1.0";

  static final String HOST = "127.0.0.1";
  static final int PORT = 29500;
  static final int TOKEN_LENGTH = 16;

  private static final int MOST_RANKS = 1 << 16;
  private static final int MOST_TOKEN_BYTES = 1 << 12;

  private static final String TOKEN = Settings.TOKEN_VARIABLE;
  private static final String TOKEN_FILE = Settings.TOKEN_FILE_VARIABLE;
  private static final String JOIN = Settings.JOIN_VARIABLE;

  /** The variables of one kind of launcher. */
  private record Launcher(String rank, String size, String local) {}

  private static final Launcher SLURM =
      new Launcher("SLURM_PROCID", "SLURM_STEP_NUM_TASKS", "SLURM_LOCALID");

  private static final List<Launcher> LAUNCHERS =
      List.of(
          new Launcher("RANK", "WORLD_SIZE", "LOCAL_RANK"),
          new Launcher(
              "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK"),
          new Launcher("PMI_RANK", "PMI_SIZE", "MPI_LOCALRANKID"),
          SLURM);

  private static final Launcher INDEXED_JOB =
      new Launcher("JOB_COMPLETION_INDEX", "WORLD_SIZE", "LOCAL_RANK");

  /**
   * Checks the numbers.
   *
   * @throws IllegalArgumentException if one is out of its range, the token is too short, or the
   *     limit is not above 0 or has more nanoseconds than a long
   */
  public Ranks {
    between("size", size, 1, MOST_RANKS);
    between("rank", rank, 0, size - 1);
    between("local rank", local, 0, size - 1);
    between("port", port, 1, 0xFFFF);
    if (host.isBlank()) {
      throw new IllegalArgumentException("the address of rank 0 is empty");
    }
    if (size > 1 && token.length() < TOKEN_LENGTH) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "a token of %d characters, must have at least %d",
              token.length(),
              TOKEN_LENGTH));
    }
    if (!limit.isPositive() || limit.compareTo(LONGEST) > 0) {
      throw new IllegalArgumentException(
          "limit = " + limit + ", must be above 0 and at most " + LONGEST);
    }
  }

  /**
   * Finds the rank in the variables of this process; {@link #ALONE} if no launcher has set any.
   *
   * @throws IllegalArgumentException naming the variables that contradict each other, are there
   *     without others that belong to them, or are no numbers
   * @throws IOException if the file of the token cannot be read
   */
  public static Ranks ofEnvironment() throws IOException {
    return of(System.getenv());
  }

  /**
   * Opens the device of this rank: that of its number on its machine, or the only one, since a
   * launcher may show each process one GPU, and the host device is one for each process.
   *
   * @throws IllegalArgumentException if there are several GPUs, but not as many as ranks
   * @throws io.github.cudnn4j.library.LibraryException if none is available
   * @throws io.github.cudnn4j.cuda.CudaException if it is there but cannot be used
   */
  public Device openDevice(DeviceChoice choice) {
    return Device.open(choice, local > 0 && Device.count(choice) > 1 ? local : 0);
  }

  /** {@link #ofEnvironment} of other variables. */
  static Ranks of(Map<String, String> variables) throws IOException {
    Launcher launcher = launcher(variables);
    if (launcher == null) {
      for (String alone : List.of("WORLD_SIZE", "MASTER_ADDR")) {
        if (variables.containsKey(alone)) {
          throw new IllegalArgumentException(alone + " is set, but RANK is not");
        }
      }
      return ALONE;
    }
    int size = number(variables, launcher.size, 1, MOST_RANKS);
    int rank = number(variables, launcher.rank, 0, size - 1);
    refuseContradiction(variables, launcher, rank, size);
    int local =
        variables.containsKey(launcher.local) ? number(variables, launcher.local, 0, size - 1) : 0;
    return new Ranks(
        rank,
        size,
        local,
        variables.getOrDefault("MASTER_ADDR", HOST),
        port(variables),
        size == 1 ? "" : token(variables),
        variables.containsKey(JOIN)
            ? Duration.ofSeconds(number(variables, JOIN, 1, Integer.MAX_VALUE))
            : LIMIT);
  }

  private static @Nullable Launcher launcher(Map<String, String> variables) {
    for (Launcher each : LAUNCHERS) {
      // Slurm gives a rank to a batch script too, which no step of tasks runs.
      boolean isScript = each == SLURM && !variables.containsKey(each.size);
      if (variables.containsKey(each.rank) && !isScript) {
        return each;
      }
    }
    // A job may be indexed for other reasons.
    boolean indexed = variables.containsKey(INDEXED_JOB.rank);
    boolean meant = variables.containsKey("WORLD_SIZE") || variables.containsKey("MASTER_ADDR");
    return indexed && meant ? INDEXED_JOB : null;
  }

  /** Launchers that start each other have different sizes, or give the same ranks. */
  private static void refuseContradiction(
      Map<String, String> variables, Launcher found, int rank, int size) {
    for (Launcher each : LAUNCHERS) {
      if (variables.containsKey(each.rank)
          && variables.getOrDefault(each.size, "").equals(Integer.toString(size))
          && number(variables, each.rank, 0, size - 1) != rank) {
        throw new IllegalArgumentException(
            String.format(
                Locale.ROOT,
                "%s is %d, but %s is %s",
                found.rank,
                rank,
                each.rank,
                variables.get(each.rank)));
      }
    }
  }

  /** At the one that torchrun names its own agent listens. */
  private static int port(Map<String, String> variables) {
    if (!variables.containsKey("MASTER_PORT")) {
      return PORT;
    }
    int port = number(variables, "MASTER_PORT", 1, 0xFFFF);
    boolean taken = "True".equals(variables.get("TORCHELASTIC_USE_AGENT_STORE"));
    return !taken ? port : port < 0xFFFF ? port + 1 : port - 1;
  }

  private static int number(Map<String, String> variables, String name, int least, int most) {
    String value = variables.get(name);
    if (value == null) {
      throw new IllegalArgumentException(name + " is not set, but others that belong to it are");
    }
    try {
      int number = Integer.parseInt(value.strip());
      if (number >= least && number <= most) {
        return number;
      }
    } catch (NumberFormatException e) {
      // Said below.
    }
    throw new IllegalArgumentException(
        String.format(
            Locale.ROOT, "%s is '%s', must be a number from %d to %d", name, value, least, most));
  }

  private static String token(Map<String, String> variables) throws IOException {
    String token = variables.get(TOKEN);
    String file = variables.get(TOKEN_FILE);
    if ((token == null) == (file == null)) {
      throw new IllegalArgumentException(
          token == null
              ? TOKEN
                  + " or "
                  + TOKEN_FILE
                  + " must be set: a secret that all ranks have and nobody else"
              : TOKEN + " and " + TOKEN_FILE + " are both set");
    }
    if (file == null) {
      return token;
    }
    try (var in = Files.newInputStream(Path.of(file))) {
      return new String(in.readNBytes(MOST_TOKEN_BYTES), StandardCharsets.UTF_8).strip();
    }
  }

  private static void between(String name, int value, int least, int most) {
    if (value < least || value > most) {
      throw new IllegalArgumentException(
          String.format(Locale.ROOT, "%s = %d, must be from %d to %d", name, value, least, most));
    }
  }

  /** Tells all but the token. */
  @Override
  public String toString() {
    return "rank " + rank + " of " + size + " at " + host + ":" + port;
  }
}
