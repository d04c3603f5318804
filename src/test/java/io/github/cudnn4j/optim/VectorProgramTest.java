package io.github.cudnn4j.optim;

import static io.github.cudnn4j.testing.Refusals.refuses;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.cuda.Parts;
import io.github.cudnn4j.proof.Numbers;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class VectorProgramTest {

  private static final double[] X = {4, -0.25, 0};
  private static final double[] Y = {-2, 0.5, 8};

  private Device device;
  private Parts parts;
  private DeviceBuffer skip;
  private DeviceBuffer one;

  @BeforeEach
  void open() {
    device = Device.open();
    parts = new Parts();
    skip = buffer(ElementType.FLOAT64, 0);
    one = buffer(ElementType.FLOAT64, 1);
  }

  @AfterEach
  void close() {
    parts.close();
    device.close();
  }

  @ParameterizedTest
  @EnumSource(names = {"FLOAT32", "FLOAT64"})
  void computesEachElement(ElementType type) {
    DeviceBuffer x = buffer(type, X);
    DeviceBuffer y = buffer(type, Y);
    DeviceBuffer z = buffer(type, 9, 9, 9);
    var three = new Scalar(1, buffer(ElementType.FLOAT64, 3));
    check(program().set(three.times(-1), z), z, -3, -3, -3);
    check(program().combine(0.5, x, 2, y, z), z, -2, 0.875, 16);
    check(program().combine(three, x, three.times(2), y, z), z, 0, 2.25, 48);
    check(program().add(three, y, z), z, -6, 3.75, 72);
    check(program().multiply(x, y, z), z, -8, -0.125, 0);
    check(program().multiply(three.times(0.5), x, y, z), z, -12, -0.1875, 0);
    check(program().divide(x, y, 4, z), z, 2, -0.25 / 4.5, 0);
    check(program().maximum(x, y, z), z, 4, 0.5, 8);
    check(program().sign(x, z), z, 1, -1, 0);
    check(program().absolute(x, z), z, 4, 0.25, 0);
    check(program().root(x, z), z, 2, Double.NaN, 0);
  }

  @ParameterizedTest
  @EnumSource(names = {"FLOAT32", "FLOAT64"})
  void runsInOrderOnWhatItOverwrites(ElementType type) {
    DeviceBuffer x = buffer(type, X);
    DeviceBuffer y = buffer(type, Y);
    check(
        program().absolute(x, x).root(x, x).combine(1, x, 1, y, y).multiply(y, y, y), y, 0, 1, 64);
  }

  @ParameterizedTest
  @EnumSource(names = {"FLOAT32", "FLOAT64"})
  void doesNothingInARefusedStep(ElementType type) {
    DeviceBuffer x = buffer(type, X);
    DeviceBuffer z = buffer(type, Y);
    var all =
        program()
            .set(Scalar.of(1), z)
            .combine(1, x, 1, x, z)
            .multiply(x, x, z)
            .divide(x, x, 1, z)
            .maximum(x, x, z)
            .root(x, z);
    skip.copyFrom(new double[] {1});
    check(all, z, Y);
  }

  @Test
  void maximumIsNanWhereOneIs() {
    DeviceBuffer x = buffer(ElementType.FLOAT64, Double.NaN, 1, 2);
    DeviceBuffer y = buffer(ElementType.FLOAT64, 1, Double.NaN, 3);
    check(program().maximum(x, y, x), x, Double.NaN, Double.NaN, 3);
  }

  @Test
  void refusesOperandsThatAreNotAlike() {
    DeviceBuffer x = buffer(ElementType.FLOAT32, X);
    DeviceBuffer two = buffer(ElementType.FLOAT32, 1, 2);
    DeviceBuffer wide = buffer(ElementType.FLOAT64, X);
    String message = "an operand of 2 FLOAT32 for a result of 3 FLOAT32, must be alike";
    refuses(message, () -> program().combine(1, two, 1, x, x));
    refuses(message, () -> program().combine(1, x, 1, two, x));
    refuses(message, () -> program().multiply(two, x, x));
    refuses(message, () -> program().multiply(x, two, x));
    refuses(message, () -> program().divide(two, x, 0, x));
    refuses(message, () -> program().divide(x, two, 0, x));
    refuses(message, () -> program().maximum(two, x, x));
    refuses(message, () -> program().maximum(x, two, x));
    refuses(message, () -> program().root(two, x));
    refuses(message, () -> program().sign(two, x));
    refuses(message, () -> program().absolute(two, x));
    refuses(
        "an operand of 3 FLOAT64 for a result of 3 FLOAT32, must be alike",
        () -> program().root(wide, x));
    refuses(
        "argument 1 of set_f32 is a DeviceBuffer of FLOAT32, must be a DeviceBuffer of FLOAT64"
            + " by_a",
        () -> program().set(new Scalar(1, x), x));
  }

  private static void check(VectorProgram program, DeviceBuffer z, double... expected) {
    program.run();
    assertArrayEquals(expected, Numbers.read(z), 1e-7);
  }

  private VectorProgram program() {
    return new VectorProgram(parts, skip, one);
  }

  private DeviceBuffer buffer(ElementType type, double... values) {
    DeviceBuffer buffer = parts.add(DeviceBuffer.allocate(device, type, values.length));
    Numbers.write(buffer, values);
    return buffer;
  }
}
