package io.github.cudnn4j.tape;

import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.Launch;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What is done to each element by itself. */
final class Elementwise {

  private Elementwise() {}

  static Tensor sum(Tape tape, Tensor x, Tensor y) {
    checkAlike(x, y);
    return tape.record(
        x.shape(),
        (in, z) -> {
          var backward = new ArrayList<Launch>();
          for (Tensor input : in) {
            if (input.gradient() != null && z.gradient() != null) {
              backward.add(multiple(tape, z.gradient(), 1, input.gradient()));
            }
          }
          return new Launches(
              List.of(launch(tape, "add", z.value(), x.value(), y.value(), z.value())), backward);
        },
        x,
        y);
  }

  static Tensor product(Tape tape, Tensor x, Tensor y) {
    checkAlike(x, y);
    return tape.record(
        x.shape(),
        (in, z) -> {
          var backward = new ArrayList<Launch>();
          for (int i = 0; i < 2; i++) {
            DeviceBuffer gradient = in.get(i).gradient();
            if (gradient != null && z.gradient() != null) {
              backward.add(
                  launch(
                      tape, "multiply", gradient, z.gradient(), in.get(1 - i).value(), gradient));
            }
          }
          return new Launches(
              List.of(launch(tape, "multiply", z.value(), x.value(), y.value(), z.value())),
              backward);
        },
        x,
        y);
  }

  static Tensor multiple(Tape tape, Tensor x, double factor) {
    return tape.record(
        x.shape(),
        (in, y) ->
            Launches.of(
                multiple(tape, x.value(), factor, y.value()),
                in.get(0),
                y,
                (dy, dx) -> multiple(tape, dy, factor, dx)),
        x);
  }

  static Tensor function(Tape tape, UnaryFunction function, Tensor x) {
    int number = function.ordinal();
    boolean needsArgument = function == UnaryFunction.LOG;
    return tape.record(
        x.shape(),
        (in, y) ->
            Launches.of(
                launch(tape, "activate", y.value(), number, x.value(), y.value()),
                in.get(0),
                y,
                (dy, dx) ->
                    launch(
                        tape,
                        "activation_gradient",
                        dx,
                        number,
                        needsArgument ? x.value() : y.value(),
                        dy,
                        dx)),
        x);
  }

  private static Launch multiple(Tape tape, DeviceBuffer x, double factor, DeviceBuffer y) {
    return launch(tape, "scale", y, x, factor, y);
  }

  /** Binds a kernel to its arguments and, behind them, the number of elements of one. */
  private static Launch launch(
      Tape tape, String kernel, DeviceBuffer counted, @Nullable Object... arguments) {
    Object[] all = Arrays.copyOf(arguments, arguments.length + 1);
    all[arguments.length] = counted.elements();
    return tape.own(
        tape.kernel("elementwise", kernel, tape.type()).overElements(counted.elements(), all));
  }

  private static void checkAlike(Tensor x, Tensor y) {
    if (!Arrays.equals(x.shape(), y.shape())) {
      throw new IllegalArgumentException(x + " and " + y + ", must be of one shape");
    }
  }
}
