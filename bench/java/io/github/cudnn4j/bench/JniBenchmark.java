package io.github.cudnn4j.bench;

import io.github.cudnn4j.bindings.Cudnn;
import io.github.cudnn4j.bindings.NativeTypes;
import io.github.cudnn4j.library.NativeLibraries;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.bytedeco.cuda.cudnn.cudnnRNNStruct;
import org.bytedeco.cuda.global.cudnn;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.Loader;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * The same functions of NVIDIA's cuDNN called through our bindings and through JNI, as JavaCPP's
 * presets do it. Needs a GPU, or {@value #VARIABLE}: what is called here works without one.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class JniBenchmark {
  /** The environment variable that names the folder of a libcudnn.so.9. */
  static final String VARIABLE = "CUDNN4J_REAL_CUDNN";

  /** What JavaCPP's library needs, in the order in which they need each other. */
  private static final List<String> LIBRARIES =
      List.of("libcudnn_graph.so.9", "libcudnn_ops.so.9", "libcudnn_cnn.so.9", "libcudnn_adv.so.9");

  private final MemorySegment out = Arena.ofAuto().allocate(NativeTypes.C_POINTER);
  private final cudnnRNNStruct jniDescriptor = new cudnnRNNStruct();
  private MemorySegment descriptor;

  static {
    // JavaCPP would load its library for the CUDA runtime too, which needs a driver.
    System.setProperty("org.bytedeco.javacpp.loadLibraries", "false");
  }

  /** Loads cuDNN once, for both. */
  @Setup
  public void load() throws IOException {
    String folder = System.getenv(VARIABLE);
    if (folder == null) {
      NativeLibraries.load();
    } else {
      LIBRARIES.forEach(name -> System.load(Path.of(folder, name).toString()));
    }
    var library = "/org/bytedeco/cuda/linux-x86_64/libjnicudnn.so";
    System.load(Loader.cacheResource(cudnn.class, library).toString());
    DowncallBenchmark.check(Cudnn.cudnnCreateRNNDescriptor(out));
    descriptor = out.get(NativeTypes.C_POINTER, 0);
    DowncallBenchmark.check(cudnn.cudnnCreateRNNDescriptor(jniDescriptor));
    DowncallBenchmark.check(setDescriptor());
    DowncallBenchmark.check(setDescriptorJni());
    if (Cudnn.cudnnGetVersion() != cudnn.cudnnGetVersion() || forward() != forwardJni()) {
      throw new IllegalStateException("JNI has loaded another cuDNN");
    }
  }

  /** Frees the descriptors. */
  @TearDown
  public void destroy() {
    DowncallBenchmark.check(Cudnn.cudnnDestroyRNNDescriptor(descriptor));
    DowncallBenchmark.check(cudnn.cudnnDestroyRNNDescriptor(jniDescriptor));
  }

  /** No argument. */
  @Benchmark
  public long version() {
    return Cudnn.cudnnGetVersion();
  }

  /** No argument. */
  @Benchmark
  public long versionJni() {
    return cudnn.cudnnGetVersion();
  }

  /** Fifteen arguments, which are checked and kept. */
  @Benchmark
  public int setDescriptor() {
    return DowncallBenchmark.setRnnDescriptor(descriptor);
  }

  /** Fifteen arguments, which are checked and kept. */
  @Benchmark
  public int setDescriptorJni() {
    return cudnn.cudnnSetRNNDescriptor_v8(
        jniDescriptor,
        cudnn.CUDNN_RNN_ALGO_STANDARD,
        cudnn.CUDNN_LSTM,
        cudnn.CUDNN_RNN_DOUBLE_BIAS,
        cudnn.CUDNN_UNIDIRECTIONAL,
        cudnn.CUDNN_LINEAR_INPUT,
        cudnn.CUDNN_DATA_FLOAT,
        cudnn.CUDNN_DATA_FLOAT,
        cudnn.CUDNN_FMA_MATH,
        28,
        256,
        256,
        1,
        null,
        cudnn.CUDNN_RNN_PADDED_IO_ENABLED);
  }

  /** Twenty arguments, which are refused, because there is no handle. */
  @Benchmark
  public int forward() {
    return Cudnn.cudnnRNNForward(
        MemorySegment.NULL,
        descriptor,
        Cudnn.CUDNN_FWD_MODE_INFERENCE(),
        MemorySegment.NULL,
        MemorySegment.NULL,
        MemorySegment.NULL,
        MemorySegment.NULL,
        MemorySegment.NULL,
        MemorySegment.NULL,
        MemorySegment.NULL,
        MemorySegment.NULL,
        MemorySegment.NULL,
        MemorySegment.NULL,
        MemorySegment.NULL,
        0,
        MemorySegment.NULL,
        0,
        MemorySegment.NULL,
        0,
        MemorySegment.NULL);
  }

  /** Twenty arguments, which are refused, because there is no handle. */
  @Benchmark
  public int forwardJni() {
    return cudnn.cudnnRNNForward(
        null,
        jniDescriptor,
        cudnn.CUDNN_FWD_MODE_INFERENCE,
        (IntPointer) null,
        null,
        null,
        null,
        null,
        null,
        null,
        null,
        null,
        null,
        null,
        0,
        null,
        0,
        null,
        0,
        null);
  }
}
