package io.github.cudnn4j.proof;

import io.github.cudnn4j.cuda.CapturedGraph;
import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.cuda.Stream;
import io.github.cudnn4j.rnn.Rnn;
import io.github.cudnn4j.rnn.RnnPlan;
import io.github.cudnn4j.rnn.RnnStates;
import io.github.cudnn4j.rnn.SequenceShape;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** A device with all that was made from it, which goes with it from thread to thread. */
final class OwnedDevice {
  /** The value of a buffer whose elements are not all the same. */
  private static final int MIXED = -1;

  final Device device = Device.open();
  final List<Item> items = new ArrayList<>();

  /** Returns something of a type for which a condition holds, null if there is nothing. */
  @Nullable Item any(SplittableRandom random, Class<?> type, Predicate<Item> condition) {
    var found =
        items.stream().filter(item -> type.isInstance(item.what) && condition.test(item)).toList();
    return found.isEmpty() ? null : found.get(random.nextInt(found.size()));
  }

  /** Something that was made from the device, and what it needs. */
  static final class Item {
    final AutoCloseable what;
    private final List<Item> needs;
    private boolean open = true;

    /** What every element of a buffer is, after the work that is queued. */
    private int value;

    Item(AutoCloseable what, Item... needs) {
      this.what = what;
      this.needs = List.of(needs);
    }

    boolean usable() {
      return open && needs.stream().allMatch(Item::usable);
    }

    DeviceBuffer buffer() {
      return (DeviceBuffer) what;
    }

    boolean isSlice() {
      return what instanceof DeviceBuffer && !needs.isEmpty();
    }

    void close() {
      try {
        what.close();
      } catch (RuntimeException e) {
        throw e;
      } catch (Exception e) {
        throw new AssertionError(e);
      }
      // Closing a slice does nothing.
      open = open && isSlice();
    }

    /** Takes note that the device was closed. */
    void closed() {
      open = false;
    }

    void write(int number, Stream stream) {
      var fill = buffer().device().kernels().get("fill", "fill_i32");
      var elements = buffer().elements();
      try (var launch = fill.overElements(elements, buffer(), number, elements)) {
        launch.run(stream);
      }
      holds(number);
    }

    void clear(Stream stream) {
      buffer().clear(stream);
      holds(0);
    }

    /** The first element is that of the slices too, all others are the buffer's. */
    private void holds(int number) {
      value = number;
      needs.forEach(whole -> whole.value = MIXED);
    }

    void read() {
      var values = buffer().toInts();
      if (value != MIXED && !isSlice() && !Arrays.stream(values).allMatch(each -> each == value)) {
        throw new AssertionError("a buffer of " + value + " holds " + Arrays.toString(values));
      }
    }
  }

  /** A plan with its input and output. */
  static final class Planned implements AutoCloseable {
    private final RnnPlan plan;
    private final DeviceBuffer x;
    private final DeviceBuffer y;

    Planned(Rnn rnn) {
      plan = rnn.plan(SequenceShape.of(2, 2));
      x = DeviceBuffer.allocate(rnn.device(), ElementType.FLOAT32, plan.inputElements());
      y = DeviceBuffer.allocate(rnn.device(), ElementType.FLOAT32, plan.outputElements());
      x.clear();
    }

    void infer() {
      plan.infer(x, y, RnnStates.NONE);
    }

    @Override
    public void close() {
      x.close();
      plan.close();
      y.close();
    }
  }

  /** A graph that sets a buffer to 0. */
  record Captured(CapturedGraph graph, Item cleared) implements AutoCloseable {
    void launch() {
      graph.launch(cleared.buffer().device().stream());
      cleared.holds(0);
    }

    @Override
    public void close() {
      graph.close();
    }
  }
}
