package io.github.cudnn4j.bench;

import io.github.cudnn4j.bindings.Cudart;
import io.github.cudnn4j.bindings.Cudnn;
import io.github.cudnn4j.bindings.NativeTypes;
import io.github.cudnn4j.library.NativeLibraries;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.TimeUnit;
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

/** What a call from Java costs when the C function has next to nothing to do. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class DowncallBenchmark {
  private final MemorySegment out = Arena.ofAuto().allocate(NativeTypes.C_POINTER);
  private MemorySegment descriptor;

  /** Loads the libraries that property {@code cudnn4j.device} names. */
  @Setup
  public void load() {
    NativeLibraries.load();
    check(Cudnn.cudnnCreateRNNDescriptor(out));
    descriptor = out.get(NativeTypes.C_POINTER, 0);
    check(setRnnDescriptor());
  }

  /** Frees the descriptor. */
  @TearDown
  public void destroy() {
    check(Cudnn.cudnnDestroyRNNDescriptor(descriptor));
  }

  /** No argument; reads the calling thread's last error. */
  @Benchmark
  public int peekAtLastError() {
    return Cudart.cudaPeekAtLastError();
  }

  /** One pointer argument, to which the current device's number is written. */
  @Benchmark
  public int getDevice() {
    return Cudart.cudaGetDevice(out);
  }

  /** Fifteen arguments, which are checked and kept. */
  @Benchmark
  public int setRnnDescriptor() {
    return setRnnDescriptor(descriptor);
  }

  static int setRnnDescriptor(MemorySegment descriptor) {
    return Cudnn.cudnnSetRNNDescriptor_v8(
        descriptor,
        Cudnn.CUDNN_RNN_ALGO_STANDARD(),
        Cudnn.CUDNN_LSTM(),
        Cudnn.CUDNN_RNN_DOUBLE_BIAS(),
        Cudnn.CUDNN_UNIDIRECTIONAL(),
        Cudnn.CUDNN_LINEAR_INPUT(),
        Cudnn.CUDNN_DATA_FLOAT(),
        Cudnn.CUDNN_DATA_FLOAT(),
        Cudnn.CUDNN_FMA_MATH(),
        28,
        256,
        256,
        1,
        MemorySegment.NULL,
        Cudnn.CUDNN_RNN_PADDED_IO_ENABLED());
  }

  static void check(int status) {
    if (status != 0) {
      throw new IllegalStateException("status " + status);
    }
  }
}
