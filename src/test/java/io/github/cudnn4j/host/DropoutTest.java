package io.github.cudnn4j.host;

import static io.github.cudnn4j.host.RawCudnn.assertCategory;
import static io.github.cudnn4j.host.RawCudnn.succeed;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.cudnn4j.bindings.Cudnn;
import io.github.cudnn4j.bindings.NativeTypes;
import io.github.cudnn4j.host.RawRnn.Setup;
import io.github.cudnn4j.testing.Philox;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Dropout by itself and between the layers of a network. */
class DropoutTest {
  private static final int FLOAT = Cudnn.CUDNN_DATA_FLOAT();
  private static final int BAD = Cudnn.CUDNN_STATUS_BAD_PARAM();
  private static final int UNSUPPORTED = Cudnn.CUDNN_STATUS_NOT_SUPPORTED();
  private static final MemorySegment NONE = MemorySegment.NULL;
  private static final int ROWS = 300;
  private static final int COLUMNS = 401;
  private static final int COUNT = ROWS * COLUMNS;

  private RawCudnn cudnn;
  private MemorySegment tensor;
  private MemorySegment ones;
  private MemorySegment out;
  private MemorySegment reserve;
  private long reserveBytes;
  private long stateBytes;

  @BeforeEach
  void open() {
    cudnn = new RawCudnn();
    tensor = cudnn.tensor(FLOAT, ROWS, COLUMNS);
    var values = new double[COUNT];
    Arrays.fill(values, 1);
    ones = cudnn.upload(FLOAT, values);
    out = cudnn.allocate(RawCudnn.bytes(FLOAT, COUNT));
    reserveBytes = cudnn.size(size -> Cudnn.cudnnDropoutGetReserveSpaceSize(tensor, size));
    reserve = cudnn.allocate(reserveBytes);
    stateBytes = cudnn.size(size -> Cudnn.cudnnDropoutGetStatesSize(cudnn.handle, size));
  }

  @AfterEach
  void close() {
    cudnn.close();
  }

  private MemorySegment descriptor() {
    return cudnn.create(Cudnn::cudnnCreateDropoutDescriptor, Cudnn::cudnnDestroyDropoutDescriptor);
  }

  private MemorySegment seeded(double drop, long seed) {
    var dropout = descriptor();
    var states = cudnn.allocate(stateBytes);
    succeed(
        Cudnn.cudnnSetDropoutDescriptor(
            dropout, cudnn.handle, (float) drop, states, stateBytes, seed));
    return dropout;
  }

  private double[] draw(MemorySegment dropout) {
    succeed(forward(dropout, ones));
    return cudnn.read(out, FLOAT, COUNT);
  }

  private int forward(MemorySegment dropout, MemorySegment x) {
    return Cudnn.cudnnDropoutForward(
        cudnn.handle, dropout, tensor, x, tensor, out, reserve, reserveBytes);
  }

  @Test
  void elementsAreDroppedOrScaled() {
    for (double drop : new double[] {0.1, 0.5, 0.9}) {
      double[] values = draw(seeded(drop, 7));
      float scale = (float) (1 / (1 - drop));
      long kept = Arrays.stream(values).filter(v -> v != 0).count();
      for (double value : values) {
        assertTrue(value == 0 || Math.abs(value - scale) < 1e-5 * scale, () -> "value " + value);
      }
      // Five standard deviations of a binomial count.
      double spread = 5 * Math.sqrt(COUNT * drop * (1 - drop));
      assertEquals(COUNT * (1 - drop), kept, spread, "kept at " + drop);
    }
  }

  @Test
  void elementsAreIndependentOfTheirNeighbours() {
    double[] values = draw(seeded(0.5, 11));
    for (int distance : new int[] {1, 2, 4, 32, COLUMNS}) {
      int same = 0;
      for (int i = distance; i < COUNT; i++) {
        same += (values[i] == 0) == (values[i - distance] == 0) ? 1 : 0;
      }
      int pairs = COUNT - distance;
      assertEquals(0.5 * pairs, same, 2.5 * Math.sqrt(pairs), "distance " + distance);
    }
  }

  @Test
  void everyDrawOfTheHostDeviceIsPhilox() {
    assumeTrue(RawCudnn.onHost(), "how cuDNN draws is its own affair");
    long seed = 0x123456789ABL;
    var dropout = seeded(0.3, seed);
    for (int draw = 0; draw < 3; draw++) {
      double[] values = draw(dropout);
      for (int i = 0; i < COUNT; i++) {
        long element = (long) draw * COUNT + i;
        long bits = Philox.words(seed, element / 4)[(int) (element % 4)];
        assertEquals(bits >= 0.3f * 0x1p32, values[i] != 0, "element " + element);
      }
    }
  }

  private int call(boolean back, int type, MemorySegment in) {
    var shape = cudnn.tensor(type, ROWS, COLUMNS);
    var dropout = seeded(0.3, 5);
    return back
        ? Cudnn.cudnnDropoutBackward(
            cudnn.handle, dropout, shape, in, shape, out, reserve, reserveBytes)
        : Cudnn.cudnnDropoutForward(
            cudnn.handle, dropout, shape, in, shape, out, reserve, reserveBytes);
  }

  @Test
  void numbersOf16BitsAreDroppedAndScaledLikeFloats() {
    int half = Cudnn.CUDNN_DATA_HALF();
    double[] mask = draw(seeded(0.3, 5));
    double[] x = new Random(1).doubles(COUNT, -1, 1).toArray();
    Arrays.setAll(x, i -> RawCudnn.rounded(half, x[i]));
    var in = cudnn.upload(half, x);
    for (boolean back : new boolean[] {false, true}) {
      succeed(call(back, half, in));
      double[] values = cudnn.read(out, half, COUNT);
      for (int i = 0; i < COUNT; i++) {
        boolean kept = RawCudnn.onHost() ? mask[i] != 0 : values[i] != 0;
        double expected = kept ? RawCudnn.rounded(half, x[i] / 0.7) : 0;
        assertEquals(expected, values[i], 0x1p-10 * Math.abs(expected), "element " + i);
      }
    }
  }

  @Test
  void otherTypesAreNotSupported() {
    var in = cudnn.upload(Cudnn.CUDNN_DATA_DOUBLE(), new double[COUNT]);
    for (boolean back : new boolean[] {false, true}) {
      for (int type :
          new int[] {
            Cudnn.CUDNN_DATA_BFLOAT16(), Cudnn.CUDNN_DATA_INT32(), Cudnn.CUDNN_DATA_UINT8()
          }) {
        assertCategory(UNSUPPORTED, call(back, type, in));
      }
      assertCategory(BAD, call(back, Cudnn.CUDNN_DATA_INT8(), in));
    }
  }

  @Test
  void theSeedRepeatsAndCallsDiffer() {
    var dropout = seeded(0.5, 3);
    double[] first = draw(dropout);
    double[] second = draw(dropout);
    assertFalse(Arrays.equals(first, second));
    var again = seeded(0.5, 3);
    assertArrayEquals(first, draw(again));
    assertArrayEquals(second, draw(again));
    assertFalse(Arrays.equals(first, draw(seeded(0.5, 4))));
  }

  @Test
  void backwardUsesTheMaskOfForward() {
    var dropout = seeded(0.4, 5);
    double[] y = draw(dropout);
    succeed(
        Cudnn.cudnnDropoutBackward(
            cudnn.handle, dropout, tensor, ones, tensor, out, reserve, reserveBytes));
    assertArrayEquals(y, cudnn.read(out, FLOAT, COUNT));
  }

  @Test
  void theReserveHoldsOneBitPerElement() {
    for (int count : new int[] {2, 31, 32, 33, 1000}) {
      var small = cudnn.tensor(FLOAT, 1, count);
      long expected = (count + 31) / 32 * 4L;
      assertEquals(
          expected, cudnn.size(size -> Cudnn.cudnnDropoutGetReserveSpaceSize(small, size)));
    }
  }

  @Test
  void thereIsNoReserveForBytesNorForMoreElementsThanAnIntCounts() {
    var size = cudnn.arena.allocate(ValueLayout.JAVA_LONG);
    var bytes = cudnn.tensor(Cudnn.CUDNN_DATA_INT8(), 4, 4);
    assertCategory(UNSUPPORTED, Cudnn.cudnnDropoutGetReserveSpaceSize(bytes, size));
    int half = 1 << 16;
    // Rows that lie on one another: few elements apart, many in number.
    var many = cudnn.tensor(FLOAT, new int[] {half, half / 2}, new int[] {1, 1});
    assertCategory(UNSUPPORTED, Cudnn.cudnnDropoutGetReserveSpaceSize(many, size));
    var most = cudnn.tensor(FLOAT, 1, Integer.MAX_VALUE);
    succeed(Cudnn.cudnnDropoutGetReserveSpaceSize(most, size));
    assertEquals(1L << 28, size.get(ValueLayout.JAVA_LONG, 0));
  }

  private record Settings(float drop, long states, long seed) {}

  private Settings settings(MemorySegment dropout) {
    var drop = cudnn.arena.allocate(ValueLayout.JAVA_FLOAT);
    var states = cudnn.arena.allocate(NativeTypes.C_POINTER);
    var seed = cudnn.arena.allocate(ValueLayout.JAVA_LONG);
    succeed(Cudnn.cudnnGetDropoutDescriptor(dropout, cudnn.handle, drop, states, seed));
    return new Settings(
        drop.get(ValueLayout.JAVA_FLOAT, 0),
        states.get(NativeTypes.C_POINTER, 0).address(),
        seed.get(ValueLayout.JAVA_LONG, 0));
  }

  @Test
  void settingWithoutStatesKeepsThoseThatThereAre() {
    var states = cudnn.allocate(stateBytes);
    var dropout = descriptor();
    succeed(Cudnn.cudnnSetDropoutDescriptor(dropout, cudnn.handle, 0.5f, states, stateBytes, 9));
    succeed(Cudnn.cudnnSetDropoutDescriptor(dropout, cudnn.handle, 0.25f, NONE, 0, 8));
    assertEquals(new Settings(0.25f, states.address(), 8), settings(dropout));
    draw(dropout);
    assertCategory(
        BAD, Cudnn.cudnnSetDropoutDescriptor(dropout, cudnn.handle, 0.125f, states, 0, 7));
    assertEquals(new Settings(0.125f, states.address(), 7), settings(dropout));
    assertCategory(
        BAD, Cudnn.cudnnRestoreDropoutDescriptor(dropout, cudnn.handle, 0.5f, NONE, 0, 6));
    assertEquals(new Settings(0.5f, states.address(), 6), settings(dropout));
    succeed(Cudnn.cudnnSetDropoutDescriptor(dropout, cudnn.handle, 0.5f, NONE, stateBytes, 5));
    assertEquals(new Settings(0.5f, 0, 5), settings(dropout));
    assertCategory(BAD, forward(dropout, ones));
  }

  @Test
  void restoringKeepsTheState() {
    var states = cudnn.allocate(stateBytes);
    var dropout = descriptor();
    succeed(Cudnn.cudnnSetDropoutDescriptor(dropout, cudnn.handle, 0.5f, states, stateBytes, 9));
    draw(dropout);
    byte[] kept = cudnn.readBytes(states, stateBytes);
    var restored = descriptor();
    succeed(
        Cudnn.cudnnRestoreDropoutDescriptor(restored, cudnn.handle, 0.25f, states, stateBytes, 9));
    assertArrayEquals(kept, cudnn.readBytes(states, stateBytes));
    assertEquals(new Settings(0.25f, states.address(), 9), settings(restored));
  }

  @Test
  void badArgumentsAreRefused() {
    var dropout = seeded(0.5, 1);
    assertCategory(BAD, forward(NONE, ones));
    reserveBytes -= 4;
    assertCategory(BAD, forward(dropout, ones));
    reserveBytes += 4;
    var fresh = descriptor();
    assertCategory(BAD, Cudnn.cudnnSetDropoutDescriptor(NONE, cudnn.handle, 0, NONE, 0, 0));
    assertCategory(BAD, Cudnn.cudnnSetDropoutDescriptor(fresh, NONE, 0, NONE, 0, 0));
    if (RawCudnn.onHost()) {
      assertCategory(BAD, forward(dropout, NONE));
      assertCategory(BAD, Cudnn.cudnnSetDropoutDescriptor(fresh, cudnn.handle, 2, NONE, 0, 0));
      assertCategory(BAD, Cudnn.cudnnSetDropoutDescriptor(fresh, cudnn.handle, .5f, ones, 1, 0));
    }
  }

  /** Two layers, so that there is something to drop between them. */
  private RawRnn network(MemorySegment dropout) {
    return new RawRnn(cudnn, Setup.lstm(FLOAT), dropout, cudnn.scalar(FLOAT, 0));
  }

  private double[] outputs(RawRnn rnn) {
    succeed(rnn.forward());
    return rnn.read(rnn.y, rnn.setup.outputElements());
  }

  @Test
  void aNetworkDropsInTrainingOnly() {
    double[] plain = outputs(network(NONE));
    var dropping = network(seeded(0.5, 21));
    double[] first = outputs(dropping);
    assertFalse(Arrays.equals(plain, first));
    assertFalse(Arrays.equals(first, outputs(dropping)), "every training call draws anew");
    assertArrayEquals(first, outputs(network(seeded(0.5, 21))), "the same seed repeats");
    dropping.forwardMode = Cudnn.CUDNN_FWD_MODE_INFERENCE();
    assertArrayEquals(plain, outputs(dropping), 1e-6);
    assertArrayEquals(plain, outputs(network(seeded(0, 21))), 1e-6);
    assertEquals(0, cudnn.size(size -> dropping.spaces(NONE, size)));
  }

  @Test
  void aNetworkNeedsTheStatesItDraws() {
    assumeTrue(RawCudnn.onHost());
    var dropout = descriptor();
    succeed(Cudnn.cudnnSetDropoutDescriptor(dropout, cudnn.handle, 0.5f, NONE, 0, 0));
    var rnn = network(dropout);
    assertCategory(BAD, rnn.forward());
    assertEquals("dropoutDesc drops with probability 0.5 but has no states", RawCudnn.lastError());
    succeed(Cudnn.cudnnSetDropoutDescriptor(dropout, cudnn.handle, 0, NONE, 0, 0));
    succeed(rnn.forward());
  }
}
