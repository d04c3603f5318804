package io.github.cudnn4j.train;

import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.rnn.RnnParameter;
import java.util.Arrays;
import java.util.List;

/** Weights and gradients that have a name, wherever in the flat buffers they lie. */
sealed interface NamedTensor {

  int[] shape();

  /** Returns the parts of the weights in the order of the values. */
  List<DeviceBuffer> slices();

  double[] read(boolean gradient);

  void write(double[] values);

  /** A tensor of its own. */
  record Plain(DeviceBuffer weights, DeviceBuffer gradients, int[] shape) implements NamedTensor {

    @Override
    public List<DeviceBuffer> slices() {
      return List.of(weights);
    }

    @Override
    public double[] read(boolean gradient) {
      var buffer = gradient ? gradients : weights;
      return buffer.type() == ElementType.FLOAT64
          ? buffer.toDoubles()
          : toDoubles(buffer.toFloats());
    }

    @Override
    public void write(double[] values) {
      if (weights.type() == ElementType.FLOAT64) {
        weights.copyFrom(values);
      } else {
        weights.copyFrom(toFloats(values));
      }
    }
  }

  /** A tensor inside a network's weight space. */
  record Attached(RnnParameter weights, RnnParameter gradients) implements NamedTensor {

    @Override
    public int[] shape() {
      return weights.shape();
    }

    @Override
    public List<DeviceBuffer> slices() {
      return weights.slices();
    }

    @Override
    public double[] read(boolean gradient) {
      var values = new double[Math.toIntExact(weights.elements())];
      (gradient ? gradients : weights).copyTo(values);
      return values;
    }

    @Override
    public void write(double[] values) {
      weights.copyFrom(values);
    }
  }

  /** Rounds each value. */
  static float[] toFloats(double[] values) {
    var floats = new float[values.length];
    for (int i = 0; i < floats.length; i++) {
      floats[i] = (float) values[i];
    }
    return floats;
  }

  /** Widens each value. */
  static double[] toDoubles(float[] values) {
    var doubles = new double[values.length];
    Arrays.setAll(doubles, i -> values[i]);
    return doubles;
  }
}
