package io.github.cudnn4j.library;

/**
 * What can be set from outside of a program: system properties, and the environment variables that
 * say the same. A property goes before its variable.
 *
 * <p>Beside these, {@code CUDA_HOME}, {@code CUDNN_HOME} and others say where to look for NVIDIA's
 * libraries, {@code XDG_CACHE_HOME} where to keep what need not be made again, {@code
 * CUDNN4J_THREADS} how many threads the host device has, and {@code CUDNN4J_ISA} ({@code v2},
 * {@code v3} or {@code v4} of x86-64) which instructions it may use at most.
 */
public final class Settings {

  /** Which device: {@code auto}, {@code cuda} or {@code host}. See {@link DeviceChoice}. */
  public static final String DEVICE = "cudnn4j.device";

  /** The variable for {@link #DEVICE}. */
  public static final String DEVICE_VARIABLE = "CUDNN4J_DEVICE";

  /** Folders of CUDA's libraries, separated as in a path; those of cuDNN, too, if it is in them. */
  public static final String CUDA_PATH = "cudnn4j.cuda.path";

  /** The variable for {@link #CUDA_PATH}. */
  public static final String CUDA_PATH_VARIABLE = "CUDNN4J_CUDA_PATH";

  /** Folders of cuDNN's libraries, separated as in a path. */
  public static final String CUDNN_PATH = "cudnn4j.cudnn.path";

  /** The variable for {@link #CUDNN_PATH}. */
  public static final String CUDNN_PATH_VARIABLE = "CUDNN4J_CUDNN_PATH";

  /** The folder of the host device's library, in place of that in the jar. */
  public static final String HOST_PATH = "cudnn4j.host.path";

  /** When the host device does its work: {@code eager} or {@code lazy}. See {@link HostMode}. */
  public static final String HOST_MODE = "cudnn4j.host.mode";

  /** The file that keeps which algorithm was the fastest for which network. */
  public static final String ALGORITHMS_PATH = "cudnn4j.algorithms.path";

  /** {@code true} reports what was not closed, with where it was made. */
  public static final String LEAKS = "cudnn4j.leaks";

  /** {@code true} lets the command line print where in the program a failure happened. */
  public static final String STACKTRACE = "cudnn4j.stacktrace";

  /** The variable with the secret that the ranks of a training share. */
  public static final String TOKEN_VARIABLE = "CUDNN4J_TOKEN";

  /** The variable with the name of a file that holds {@link #TOKEN_VARIABLE}. */
  public static final String TOKEN_FILE_VARIABLE = "CUDNN4J_TOKEN_FILE";

  /** The variable with the seconds that the ranks of a training wait for each other to come. */
  public static final String JOIN_VARIABLE = "CUDNN4J_JOIN_SECONDS";

  private Settings() {}
}
