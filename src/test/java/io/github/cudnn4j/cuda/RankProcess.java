package io.github.cudnn4j.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cudnn4j.testing.JavaProcess;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.locks.LockSupport;
import java.util.function.IntFunction;
import java.util.stream.IntStream;

/** A rank as a process of its own, for {@link CommunicatorTest}. */
final class RankProcess {
  /** For each rank more than is sent at a time, and divided by no number of ranks. */
  private static final int MANY = 140_011;

  private RankProcess() {}

  /** Runs all ranks at the same time, to their ends. */
  static List<JavaProcess> run(String scenario, int ranks, Communicator.Id id)
      throws InterruptedException, ExecutionException {
    return run(scenario, ranks, id, -1);
  }

  /** One of the ranks shares no memory, as if it were on another machine. */
  static List<JavaProcess> run(String scenario, int ranks, Communicator.Id id, int apart)
      throws InterruptedException, ExecutionException {
    try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      var running =
          IntStream.range(0, ranks)
              .mapToObj(rank -> threads.submit(() -> run(scenario, rank, ranks, id, rank == apart)))
              .toList();
      var ended = new ArrayList<JavaProcess>();
      for (var each : running) {
        ended.add(each.get());
      }
      return ended;
    }
  }

  static JavaProcess run(String scenario, int rank, int ranks, Communicator.Id id, boolean apart)
      throws Exception {
    var options = new ArrayList<>(JavaProcess.sameProperties());
    // Of many short programs at the same time.
    options.addAll(List.of("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"));
    return JavaProcess.run(
        RankProcess.class,
        options,
        Map.of("NCCL_SHM_DISABLE", apart ? "1" : "0"),
        scenario,
        Integer.toString(rank),
        Integer.toString(ranks),
        HexFormat.of().formatHex(id.bytes()));
  }

  public static void main(String[] arguments) {
    var rank = Integer.parseInt(arguments[1]);
    var ranks = Integer.parseInt(arguments[2]);
    var id = Communicator.Id.of(HexFormat.of().parseHex(arguments[3]));
    try (var device = Device.open();
        var communicator = Communicator.join(device, id, rank, ranks)) {
      switch (arguments[0]) {
        case "work" -> work(device, communicator);
        case "speed" -> speed(device, communicator);
        case "death" -> death(device, communicator);
        case "misfit" -> misfit(device, communicator);
        case "abort" -> abort(device, communicator);
        case "damage" -> damage(device, communicator);
        case "sum" -> System.out.println(sum(device, communicator));
        default -> throw new IllegalArgumentException(arguments[0]);
      }
    }
  }

  private static void work(Device device, Communicator communicator) {
    assertEquals(communicator.rank() < communicator.ranks(), true);
    for (var type : List.of(ElementType.FLOAT32, ElementType.FLOAT64)) {
      reduces(device, communicator, type, 5);
    }
    reduces(device, communicator, ElementType.FLOAT32, 1);
    reduces(device, communicator, ElementType.FLOAT32, MANY);
    for (var type : List.of(ElementType.FLOAT16, ElementType.BFLOAT16)) {
      halves(device, communicator, type);
    }
    integers(device, communicator);
    copies(device, communicator);
    captured(device, communicator);
    sleeps(device, communicator);
    System.out.println("shares memory with " + shared().size() + " neighbours");
  }

  /** Returns where the memory is that this process shares with other ranks. */
  static List<MemorySegment> shared() {
    try (var maps = Files.lines(Path.of("/proc/self/maps"))) {
      return maps.filter(line -> line.contains("/memfd:cudnn4j"))
          .map(line -> MemorySegment.ofAddress(Long.parseLong(line, 0, line.indexOf('-'), 16)))
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Element i of a rank; whole numbers, which no order of adding changes. */
  private static float value(int rank, int i) {
    return (i % 7 - 3) * (rank + 1) + rank;
  }

  private static float[] values(int rank, int count) {
    var values = new float[count];
    for (var i = 0; i < count; i++) {
      values[i] = value(rank, i);
    }
    return values;
  }

  /** A loop, as a stream for each of millions of elements takes longer than all the sending. */
  private static float expected(Reduction reduction, int ranks, int i) {
    double all = value(0, i);
    for (var rank = 1; rank < ranks; rank++) {
      all =
          switch (reduction) {
            case SUM, AVERAGE -> all + value(rank, i);
            case MAX -> Math.max(all, value(rank, i));
            case MIN -> Math.min(all, value(rank, i));
          };
    }
    return (float) (reduction == Reduction.AVERAGE ? all / ranks : all);
  }

  private static float[] expected(Reduction reduction, int ranks, int from, int count) {
    var values = new float[count];
    for (var i = 0; i < count; i++) {
      values[i] = expected(reduction, ranks, from + i);
    }
    return values;
  }

  private static void reduces(
      Device device, Communicator communicator, ElementType type, int count) {
    var ranks = communicator.ranks();
    var own = values(communicator.rank(), count * ranks);
    try (var send = DeviceBuffer.allocate(device, type, (long) count * ranks);
        var receive = DeviceBuffer.allocate(device, type, count)) {
      for (var reduction : Reduction.values()) {
        put(send, own);
        communicator.allReduce(reduction, send.slice(0, count), receive);
        assertArrayEquals(expected(reduction, ranks, 0, count), get(receive), reduction + " apart");
        communicator.reduceScatter(reduction, send, receive);
        assertArrayEquals(
            expected(reduction, ranks, communicator.rank() * count, count),
            get(receive),
            reduction + " scattered");
        communicator.allReduce(reduction, send);
        assertArrayEquals(
            expected(reduction, ranks, 0, count * ranks), get(send), reduction + " in place");
      }
    }
  }

  private static void put(DeviceBuffer buffer, float[] values) {
    if (buffer.type() == ElementType.FLOAT64) {
      buffer.copyFrom(IntStream.range(0, values.length).mapToDouble(i -> values[i]).toArray());
    } else {
      buffer.copyFrom(values);
    }
  }

  private static float[] get(DeviceBuffer buffer) {
    if (buffer.type() != ElementType.FLOAT64) {
      return buffer.toFloats();
    }
    var doubles = buffer.toDoubles();
    var floats = new float[doubles.length];
    Arrays.setAll(doubles, i -> floats[i] = (float) doubles[i]);
    return floats;
  }

  /** Sums of halves are rounded to halves, and a mean does not overflow. */
  private static void halves(Device device, Communicator communicator, ElementType type) {
    try (var buffer = DeviceBuffer.allocate(device, type, 3)) {
      buffer.copyFrom(new float[] {communicator.rank(), 2, 49152});
      communicator.allReduce(Reduction.AVERAGE, buffer);
      var ranks = communicator.ranks();
      assertArrayEquals(new float[] {(ranks - 1) / 2f, 2, 49152}, buffer.toFloats(), type + "");
    }
  }

  private static void integers(Device device, Communicator communicator) {
    var ranks = communicator.ranks();
    try (var buffer = DeviceBuffer.allocate(device, ElementType.INT32, 2)) {
      buffer.copyFrom(new int[] {communicator.rank() + 1, Integer.MAX_VALUE});
      communicator.allReduce(Reduction.SUM, buffer);
      var wrapped = IntStream.generate(() -> Integer.MAX_VALUE).limit(ranks).sum();
      assertArrayEquals(new int[] {ranks * (ranks + 1) / 2, wrapped}, buffer.toInts());
    }
  }

  private static void copies(Device device, Communicator communicator) {
    var ranks = communicator.ranks();
    for (var count : new int[] {3, MANY}) {
      try (var one = DeviceBuffer.allocate(device, ElementType.FLOAT32, count);
          var all = DeviceBuffer.allocate(device, ElementType.FLOAT32, (long) count * ranks)) {
        IntFunction<float[]> of = rank -> values(rank, count);
        for (var root = 0; root < ranks; root++) {
          one.copyFrom(of.apply(communicator.rank()));
          communicator.broadcast(root, one);
          assertArrayEquals(of.apply(root), one.toFloats());
        }
        one.copyFrom(of.apply(communicator.rank()));
        communicator.allGather(one, all);
        for (var rank = 0; rank < ranks; rank++) {
          var row = all.slice((long) rank * count, count);
          assertArrayEquals(of.apply(rank), row.toFloats());
        }
      }
    }
  }

  private static void captured(Device device, Communicator communicator) {
    try (var buffer = DeviceBuffer.allocate(device, ElementType.FLOAT32, 2)) {
      buffer.copyFrom(new float[] {1, 2});
      try (var graph =
          device.stream().capture(() -> communicator.allReduce(Reduction.SUM, buffer))) {
        graph.launch();
        graph.launch();
        communicator.synchronize();
        var square = communicator.ranks() * communicator.ranks();
        assertArrayEquals(new float[] {square, 2 * square}, buffer.toFloats());
      }
    }
  }

  /** The processor is not kept busy by waiting for a rank that comes late. */
  private static void sleeps(Device device, Communicator communicator) {
    var threads = ManagementFactory.getThreadMXBean();
    try (var buffer = DeviceBuffer.allocate(device, ElementType.FLOAT32, 1)) {
      buffer.clear();
      communicator.allReduce(Reduction.SUM, buffer);
      communicator.synchronize();
      if (communicator.rank() == 1) {
        LockSupport.parkNanos(300_000_000);
      }
      var start = threads.getCurrentThreadCpuTime();
      communicator.allReduce(Reduction.SUM, buffer);
      communicator.synchronize();
      var millis = (threads.getCurrentThreadCpuTime() - start) / 1_000_000;
      assertTrue(millis < 100, () -> "computed " + millis + " ms while another rank slept");
    }
  }

  /** Returns the sum of the numbers of ranks from 1. */
  static int sum(Device device, Communicator communicator) {
    try (var buffer = DeviceBuffer.allocate(device, ElementType.INT32, 1)) {
      buffer.copyFrom(new int[] {communicator.rank() + 1});
      communicator.allReduce(Reduction.SUM, buffer);
      return buffer.toInts()[0];
    }
  }

  /** Rank 1 writes over what both know of the memory that they share. */
  private static void damage(Device device, Communicator communicator) {
    try (var buffer = DeviceBuffer.allocate(device, ElementType.FLOAT32, MANY)) {
      buffer.clear();
      if (communicator.rank() == 1) {
        assertEquals(2, shared().size());
        for (MemorySegment memory : shared()) {
          for (int i = 0; i < 128; i += Long.BYTES) {
            memory.reinterpret(128).set(ValueLayout.JAVA_LONG, i, Long.MAX_VALUE);
          }
        }
      }
      sayWhySummingFails(communicator, buffer);
    }
  }

  private static void sayWhySummingFails(Communicator communicator, DeviceBuffer buffer) {
    var e =
        assertThrows(
            CudaException.class,
            () -> {
              communicator.allReduce(Reduction.SUM, buffer);
              communicator.synchronize();
            });
    System.out.println(e.getMessage());
  }

  private static void speed(Device device, Communicator communicator) {
    for (var count : new int[] {1, 350_000, 4_000_000}) {
      try (var buffer = DeviceBuffer.allocate(device, ElementType.FLOAT32, count)) {
        buffer.clear();
        communicator.allReduce(Reduction.SUM, buffer);
        communicator.synchronize();
        var times = 10;
        var start = System.nanoTime();
        for (var i = 0; i < times; i++) {
          communicator.allReduce(Reduction.SUM, buffer);
          communicator.synchronize();
        }
        var millis = (System.nanoTime() - start) * 1e-6 / times;
        System.out.println(count * 4 + " bytes: " + millis + " ms");
      }
    }
  }

  /** Rank 1 ends without a word; the others say what they see. */
  private static void death(Device device, Communicator communicator) {
    try (var buffer = DeviceBuffer.allocate(device, ElementType.FLOAT32, MANY)) {
      buffer.clear();
      communicator.allReduce(Reduction.SUM, buffer);
      communicator.synchronize();
      if (communicator.rank() == 1) {
        Runtime.getRuntime().halt(7);
      }
      sayWhySummingFails(communicator, buffer);
      assertThrows(CudaException.class, () -> communicator.allReduce(Reduction.SUM, buffer));
      assertThrows(CudaException.class, communicator::check);
    }
  }

  private static void misfit(Device device, Communicator communicator) {
    try (var buffer = DeviceBuffer.allocate(device, ElementType.INT32, 3 + communicator.rank())) {
      var e =
          assertThrows(
              CudaException.class,
              () -> {
                communicator.allReduce(Reduction.MAX, buffer);
                communicator.synchronize();
              });
      System.out.println(e.getMessage());
    }
  }

  /** Rank 1 does not call what rank 0 waits for, until rank 0 gives up. */
  private static void abort(Device device, Communicator communicator) {
    try (var buffer = DeviceBuffer.allocate(device, ElementType.FLOAT32, MANY)) {
      if (communicator.rank() == 0) {
        var end = new Thread(communicator::abort);
        end.start();
        try {
          communicator.allReduce(Reduction.SUM, buffer);
          communicator.synchronize();
          System.out.println("not aborted");
        } catch (CudaException | IllegalStateException e) {
          System.out.println("aborted");
        }
      } else {
        System.out.println(
            assertThrows(
                    CudaException.class,
                    () -> {
                      communicator.broadcast(0, buffer);
                      communicator.synchronize();
                    })
                .codeName());
      }
    }
  }
}
