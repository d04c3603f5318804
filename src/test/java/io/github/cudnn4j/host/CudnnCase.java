package io.github.cudnn4j.host;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * A question to a cuDNN library that its argument checks answer, without a GPU: a kind of call and
 * its arguments. A 0 or 1 stands for a pointer that is absent or present.
 */
record CudnnCase(Kind kind, List<Number> arguments) {
  enum Kind {
    /** The name of a status code. */
    ERROR_NAME,
    /** A library property. */
    PROPERTY,
    /** The functions that take nothing but a NULL, by number. */
    NULLS,
    /** Type, number of dimensions, then extents and strides alternating. */
    TENSOR,
    /** Extents of a packed tensor. */
    DROPOUT_RESERVE,
    /** The arguments of cudnnSetRNNDescriptor_v8 after the descriptor. */
    RNN,
    /** Clip mode and bounds. */
    CLIP,
    /** Lengths asked for, fill, type, layout, time, batch, vector, then lengths (none: NULL). */
    SEQUENCES,
    /** The arguments of cudnnSetCTCLossDescriptor_v9 after the descriptor. */
    CTC,
    /** The fields of {@link RnnCallCases}. */
    CALL,
    /** As {@link FunctionCases} says. */
    FUNCTION
  }

  CudnnCase(Kind kind, Number... arguments) {
    this(kind, List.of(arguments));
  }

  @Override
  public String toString() {
    return arguments.stream()
        .map(Number::toString)
        .collect(Collectors.joining(" ", kind + " ", ""));
  }

  /** The questions that are asked: all single deviations, and random mixtures of them. */
  static List<CudnnCase> all() {
    var cases = new ArrayList<CudnnCase>();
    int[] thousands = {0, 1000, 2000, 3000, 4000, 5000};
    for (int thousand : thousands) {
      for (int code = thousand; code < thousand + 16; code++) {
        cases.add(new CudnnCase(Kind.ERROR_NAME, code));
      }
    }
    IntStream.range(-1, 5).forEach(p -> cases.add(new CudnnCase(Kind.PROPERTY, p)));
    IntStream.range(0, 15).forEach(f -> cases.add(new CudnnCase(Kind.NULLS, f)));
    var random = new Random(9_24);
    IntStream.range(-1, 24)
        .forEach(type -> cases.add(new CudnnCase(Kind.TENSOR, type, 2, 3, 5, 4, 1)));
    IntStream.range(0, 150).forEach(i -> cases.add(tensor(random)));
    IntStream.range(0, 30).forEach(i -> cases.add(packedTensor(random)));
    addDeviations(cases, Kind.RNN, NETWORK, NETWORK_VALUES);
    IntStream.range(0, 400)
        .forEach(i -> cases.add(mixture(random, Kind.RNN, NETWORK, NETWORK_VALUES)));
    for (double low : BOUNDS) {
      for (double high : BOUNDS) {
        cases.add(new CudnnCase(Kind.CLIP, random.nextInt(-1, 3), low, high));
      }
    }
    IntStream.range(-1, 26)
        .forEach(type -> cases.add(new CudnnCase(Kind.SEQUENCES, 2, 1, type, 0, 3, 2, 4, 3, 1)));
    IntStream.range(0, 250).forEach(i -> cases.add(sequences(random)));
    IntStream.range(-1, 24).forEach(type -> cases.add(new CudnnCase(Kind.CTC, type, 1, 0, 255)));
    IntStream.range(0, 20)
        .forEach(
            i ->
                cases.add(
                    new CudnnCase(
                        Kind.CTC,
                        random.nextInt(3),
                        random.nextInt(-1, 3),
                        random.nextInt(2),
                        random.nextInt(-2, 300))));
    cases.addAll(RnnCallCases.deviations());
    IntStream.range(0, 500).forEach(i -> cases.add(RnnCallCases.random(random)));
    cases.addAll(FunctionCases.deviations());
    IntStream.range(0, 500).forEach(i -> cases.add(FunctionCases.random(random)));
    return cases;
  }

  /**
   * Others than those, as many as wanted: networks, sequences and tensors, and calls most of all.
   */
  static List<CudnnCase> random(int count) {
    var random = new Random(count);
    return IntStream.range(0, count)
        .mapToObj(
            i ->
                switch (i % 8) {
                  case 0 -> mixture(random, Kind.RNN, NETWORK, NETWORK_VALUES);
                  case 1 -> sequences(random);
                  case 2 -> tensor(random);
                  case 3, 4 -> FunctionCases.random(random);
                  default -> RnnCallCases.random(random);
                })
        .toList();
  }

  private static final double[] BOUNDS = {
    0, -1, 1, 2.5, Double.NaN, Double.NEGATIVE_INFINITY, Double.POSITIVE_INFINITY
  };

  /** A network that is accepted, in the order of cudnnSetRNNDescriptor_v8. */
  private static final int[] NETWORK = {0, 2, 2, 0, 0, 0, 0, 3, 8, 16, 16, 2, 0, 1};

  /** The values that each argument is tried with. */
  private static final int[][] NETWORK_VALUES = {
    {-1, 0, 1, 2, 3, 4, 9},
    {-1, 0, 1, 2, 3, 4},
    {-1, 0, 1, 2, 3, 4},
    {-1, 0, 1, 2},
    {-1, 0, 1, 2},
    {-1, 0, 1, 2, 3, 4, 9, 10, 99},
    {-1, 0, 1, 2, 3, 9, 99},
    {-1, 0, 1, 2, 3, 4},
    {-5, 0, 1, 8, 16, 100000},
    {-5, 0, 1, 8, 16, 4096},
    {-5, 0, 1, 8, 16, 17},
    {-5, 0, 1, 2, 50},
    {0, 1},
    {0, 1, 2, 3, 4},
  };

  private static void addDeviations(List<CudnnCase> cases, Kind kind, int[] base, int[][] values) {
    for (int argument = 0; argument < base.length; argument++) {
      for (int value : values[argument]) {
        int[] changed = base.clone();
        changed[argument] = value;
        cases.add(of(kind, changed));
      }
    }
  }

  private static CudnnCase mixture(Random random, Kind kind, int[] base, int[][] values) {
    int[] mixed = base.clone();
    for (int changes = random.nextInt(1, 6); changes > 0; changes--) {
      int argument = random.nextInt(base.length);
      mixed[argument] = values[argument][random.nextInt(values[argument].length)];
    }
    return of(kind, mixed);
  }

  private static CudnnCase of(Kind kind, int... arguments) {
    return new CudnnCase(kind, Arrays.stream(arguments).mapToObj(i -> (Number) i).toList());
  }

  private static CudnnCase tensor(Random random) {
    int dims = random.nextInt(10) == 0 ? random.nextInt(-1, 11) : random.nextInt(2, 6);
    var arguments = new ArrayList<Number>(List.of(random.nextInt(10), dims));
    int[] extents = {1, 1, 2, 3, 7, 4096, 65536, 0, -2};
    int[] strides = {1, 1, 2, 5, 30, 4096, 32767, 0, -1};
    for (int d = 0; d < dims; d++) {
      // The odd values stand at the end and are taken seldom.
      int reach = random.nextInt(4) == 0 ? extents.length : extents.length - 3;
      arguments.add(extents[random.nextInt(reach)]);
      arguments.add(strides[random.nextInt(reach)]);
    }
    return new CudnnCase(Kind.TENSOR, List.copyOf(arguments));
  }

  private static CudnnCase packedTensor(Random random) {
    return new CudnnCase(
        Kind.DROPOUT_RESERVE,
        random.ints(random.nextInt(2, 5), 1, 40).mapToObj(i -> (Number) i).toList());
  }

  private static CudnnCase sequences(Random random) {
    int batch = random.nextInt(12) == 0 ? random.nextInt(-1, 1) : random.nextInt(1, 6);
    int[] oddTimes = {-1, 0, 65_535, 65_536};
    int time = random.nextInt(12) == 0 ? oddTimes[random.nextInt(4)] : random.nextInt(1, 5);
    int[] types = {0, 1, 2, 9, 4, 22};
    int type = types[random.nextInt(10) == 0 ? random.nextInt(6) : random.nextInt(4)];
    int layout = random.nextInt(10) == 0 ? random.nextInt(-1, 4) : random.nextInt(3);
    int vector = random.nextInt(12) == 0 ? random.nextInt(-1, 1) : random.nextInt(1, 6);
    var arguments =
        new ArrayList<Number>(
            List.of(random.nextInt(-1, 8), random.nextInt(2), type, layout, time, batch, vector));
    if (batch > 0 && time > 0 && random.nextInt(20) > 0) {
      var lengths = random.ints(batch, 0, time + 1).boxed().toList();
      if (random.nextBoolean()) {
        var sorted = new ArrayList<>(lengths);
        sorted.sort((a, b) -> b - a);
        sorted.set(0, time);
        lengths = sorted;
      }
      arguments.addAll(lengths);
      if (random.nextInt(10) == 0) {
        arguments.set(arguments.size() - 1, random.nextBoolean() ? -1 : time + 1);
      }
    }
    return new CudnnCase(Kind.SEQUENCES, List.copyOf(arguments));
  }
}
