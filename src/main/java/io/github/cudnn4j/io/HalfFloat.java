package io.github.cudnn4j.io;

/**
 * The floating-point types of 16 bits, which Java holds in a short. A float is rounded to the
 * nearest number, to the even one of two that are equally near, and to infinity beyond the largest;
 * a NaN stays one. Back to float nothing changes.
 */
public enum HalfFloat {
  /** IEEE 754 binary16: 5 bits of exponent, 11 of significand, up to 65504. */
  FLOAT16 {
    @Override
    public short fromFloat(float value) {
      return Float.floatToFloat16(value);
    }

    @Override
    public float toFloat(short bits) {
      return Float.float16ToFloat(bits);
    }
  },

  /** The upper half of a binary32: 8 bits of exponent, 8 of significand. */
  BFLOAT16 {
    private static final int QUIET_NAN = 0x0040;

    @Override
    public short fromFloat(float value) {
      int bits = Float.floatToRawIntBits(value);
      if (Float.isNaN(value)) {
        return (short) (bits >>> Short.SIZE | QUIET_NAN);
      }
      // Just below one half, and one half if the number would become odd.
      int rounding = 0x7FFF + (bits >>> Short.SIZE & 1);
      return (short) (bits + rounding >>> Short.SIZE);
    }

    @Override
    public float toFloat(short bits) {
      return Float.intBitsToFloat(bits << Short.SIZE);
    }
  };

  /** The bits of the nearest number. */
  public abstract short fromFloat(float value);

  /** The number that bits mean. */
  public abstract float toFloat(short bits);

  /** {@link #fromFloat} of every element, in a new array. */
  public short[] fromFloats(float[] values) {
    short[] bits = new short[values.length];
    for (int i = 0; i < bits.length; i++) {
      bits[i] = fromFloat(values[i]);
    }
    return bits;
  }

  /** {@link #toFloat} of every element, into an array that is at least as long. */
  public void toFloats(short[] bits, float[] values) {
    for (int i = 0; i < bits.length; i++) {
      values[i] = toFloat(bits[i]);
    }
  }
}
