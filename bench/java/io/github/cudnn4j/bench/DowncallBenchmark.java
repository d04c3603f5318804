package io.github.cudnn4j.bench;

import io.github.cudnn4j.bindings.Cudart;
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
import org.openjdk.jmh.annotations.Warmup;

/** What a call from Java costs when the C function has next to nothing to do. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class DowncallBenchmark {
  private final MemorySegment device = Arena.ofAuto().allocate(Integer.BYTES);

  /** Loads the libraries that property {@code cudnn4j.device} names. */
  @Setup
  public void load() {
    NativeLibraries.load();
  }

  /** No argument; reads the calling thread's last error. */
  @Benchmark
  public int peekAtLastError() {
    return Cudart.cudaPeekAtLastError();
  }

  /** One pointer argument, to which the current device's number is written. */
  @Benchmark
  public int getDevice() {
    return Cudart.cudaGetDevice(device);
  }
}
