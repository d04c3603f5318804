package io.github.cudnn4j.rnn;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.cudnn4j.cuda.CudaException;
import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.cudnn.CudnnException;
import io.github.cudnn4j.cudnn.RnnDataLayout;
import io.github.cudnn4j.library.HostControl;
import io.github.cudnn4j.testing.Closeness;
import io.github.cudnn4j.testing.InOneMode;
import io.github.cudnn4j.testing.JavaProcess;
import java.util.Arrays;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** How the host device computes a network does not change what it computes. */
class RnnOnHostTest {
  @BeforeEach
  void needsTheHostDevice() {
    assumeTrue(HostControl.ifHost().isPresent(), "this process uses CUDA");
  }

  private static Arguments network(String name, RnnConfig config, SequenceShape shape) {
    return Arguments.argumentSet(name, config, shape);
  }

  static Stream<Arguments> networks() {
    var ragged = SequenceShape.ofLengths(RnnDataLayout.BATCH_MAJOR_UNPACKED, 6, 2, 6, 1, 5);
    return Stream.of(
        network("shared by rows", RnnConfig.lstm(20, 64), SequenceShape.of(6, 40)),
        network("shared by units", RnnConfig.lstm(28, 256), SequenceShape.of(4, 2)),
        network(
            "clipped and without an input matrix, shared by units",
            RnnConfig.lstm(256, 256).skipInput().clip(-0.1, 0.1),
            SequenceShape.of(4, 2)),
        network(
            "projected, few rows",
            RnnConfig.lstm(28, 256).projection(96).layers(2).bidirectional(),
            SequenceShape.of(5, 3)),
        network(
            "shared by units, double",
            RnnConfig.tanh(64, 512).precision(Precision.FP64),
            SequenceShape.of(3, 2)),
        network(
            "shared by units, lengths",
            RnnConfig.gru(64, 256).layers(2).bidirectional().dropout(0.3, 5),
            ragged),
        network(
            "odd sizes",
            RnnConfig.gru(7, 93).layers(2).bidirectional(),
            SequenceShape.ofLengths(RnnDataLayout.SEQ_MAJOR_PACKED, 9, 9, 7, 7, 4, 3, 1, 1)),
        network(
            "an input multiplied by steps",
            RnnConfig.gru(7, 20).layers(3).bidirectional(),
            SequenceShape.of(6, 20)),
        network("overlapping layers", RnnConfig.lstm(28, 64).layers(2), SequenceShape.of(61, 1)),
        network(
            "overlapping layers instead of shared units",
            RnnConfig.lstm(28, 256).layers(2),
            SequenceShape.of(50, 1)),
        network(
            "overlapping layers, dropout",
            RnnConfig.lstm(64, 64).layers(4).dropout(0.4, 7),
            SequenceShape.of(40, 2)),
        network(
            "overlapping layers, clipped and without an input matrix",
            RnnConfig.lstm(48, 48).layers(3).skipInput().clip(-0.1, 0.1),
            SequenceShape.of(50, 1)),
        network(
            "overlapping layers, projection",
            RnnConfig.lstm(30, 80).projection(33).layers(3).dropout(0.2, 3),
            SequenceShape.of(50, 3)),
        network(
            "overlapping layers, lengths",
            RnnConfig.gru(20, 65).layers(5).dropout(0.3, 5),
            SequenceShape.ofLengths(RnnDataLayout.BATCH_MAJOR_UNPACKED, 70, 33, 70, 1, 48)),
        network(
            "overlapping layers, packed",
            RnnConfig.relu(20, 128).layers(3),
            SequenceShape.ofLengths(RnnDataLayout.SEQ_MAJOR_PACKED, 90, 90, 41, 7)),
        network(
            "overlapping layers, double",
            RnnConfig.tanh(40, 100).layers(2).precision(Precision.FP64),
            SequenceShape.of(100, 1)),
        network(
            "overlapping layers, half",
            RnnConfig.lstm(40, 64).layers(3).dropout(0.3, 5).precision(Precision.FP16),
            SequenceShape.of(60, 2)),
        network(
            "overlapping layers, half math",
            RnnConfig.gru(40, 64).layers(2).precision(Precision.FP16_MATH),
            SequenceShape.ofLengths(RnnDataLayout.SEQ_MAJOR_UNPACKED, 70, 70, 20)),
        network(
            "overlapping layers, eight rows",
            RnnConfig.gru(32, 40).layers(2).dropout(0.5, 1),
            SequenceShape.of(40, 8)));
  }

  @ParameterizedTest
  @MethodSource("networks")
  void theNumberOfThreadsChangesNoBit(RnnConfig config, SequenceShape shape) {
    var host = HostControl.get();
    int usual = host.threads();
    try (Device device = Device.open()) {
      host.threads(1);
      double[][] expected = results(device, config, shape);
      for (int threads : new int[] {2, 3, 5}) {
        host.threads(threads);
        double[][] actual = results(device, config, shape);
        for (int i = 0; i < expected.length; i++) {
          assertArrayEquals(expected[i], actual[i], threads + " threads, result " + i);
        }
      }
    } finally {
      host.threads(usual);
    }
  }

  private static double[][] results(Device device, RnnConfig config, SequenceShape shape) {
    try (RnnFixture fixture = new RnnFixture(device, config, shape)) {
      for (var buffer : new DeviceBuffer[] {fixture.y, fixture.dx}) {
        buffer.clear();
      }
      fixture.step();
      double[][] trained = fixture.results();
      fixture.plan.infer(fixture.x, fixture.y, fixture.states);
      var inferred = Arrays.stream(fixture.results()).limit(3);
      var room = new double[] {fixture.plan.workspaceBytes(), fixture.plan.reserveBytes()};
      return Stream.of(Arrays.stream(trained), inferred, Stream.of(room))
          .flatMap(results -> results)
          .toArray(double[][]::new);
    }
  }

  @ParameterizedTest
  @MethodSource("networks")
  void inferenceComputesWhatTrainingDoes(RnnConfig config, SequenceShape shape) {
    try (Device device = Device.open();
        RnnFixture fixture = new RnnFixture(device, config.dropout(0, 0), shape)) {
      fixture.y.clear();
      fixture.plan.forward(fixture.x, fixture.y, fixture.states);
      double[][] trained = fixture.results();
      fixture.spoil();
      fixture.y.clear();
      fixture.plan.infer(fixture.x, fixture.y, fixture.states);
      double[][] inferred = fixture.results();
      for (int i = 0; i < 3; i++) {
        assertArrayEquals(trained[i], inferred[i], "result " + i);
      }
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"FP32", "BF16"})
  void aStepThatRunsOutOfMemoryCanBeRepeated(Precision precision) {
    var config = RnnConfig.lstm(20, 64).precision(precision);
    try (Device device = Device.open();
        RnnFixture fixture = new RnnFixture(device, config, SequenceShape.of(6, 40))) {
      fixture.step();
      double[][] expected = fixture.results();
      int failures = 0;
      while (runsOutOfMemory(fixture, failures + 1)) {
        fixture.step();
        assertArrayEquals(expected, fixture.results());
        failures++;
      }
      assertTrue(failures > 0, "nothing was reserved");
    }
  }

  /** A step whose k-th reservation of memory fails, on whichever thread; whether there is one. */
  private static boolean runsOutOfMemory(RnnFixture fixture, int k) {
    var host = HostControl.get();
    host.fail("memory", k, 1, false);
    try {
      fixture.step();
      fixture.results();
      return false;
    } catch (CudnnException e) {
      assertEquals("CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED", e.codeName());
      return true;
    } catch (CudaException e) {
      // Lazy: who waits for the step is told.
      assertEquals("cudaErrorMemoryAllocation", e.codeName());
      return true;
    } finally {
      host.clearFault();
    }
  }

  @InOneMode
  @ParameterizedTest
  @ValueSource(strings = {"v2", "v3", "v4"})
  void everyInstructionSetComputesTheSame(String set) throws Exception {
    var process =
        JavaProcess.run(Printer.class, JavaProcess.sameProperties(), Map.of("CUDNN4J_ISA", set));
    assertEquals(0, process.status(), process.errors());
    double[] actual = process.output().stream().mapToDouble(Double::parseDouble).toArray();
    // Only how products are rounded differs: with or without a fused multiply-add.
    Closeness.within(1e-13).check(set, Printer.values(), actual);
  }

  /** A program that prints what a small network computes. */
  static final class Printer {
    private Printer() {}

    public static void main(String[] arguments) {
      for (double value : values()) {
        System.out.println(value);
      }
    }

    static double[] values() {
      var config = RnnConfig.lstm(11, 37).bidirectional().precision(Precision.FP64);
      try (Device device = Device.open();
          RnnFixture fixture = new RnnFixture(device, config, SequenceShape.of(5, 9))) {
        fixture.step();
        return Arrays.stream(fixture.results()).flatMapToDouble(Arrays::stream).toArray();
      }
    }
  }
}
