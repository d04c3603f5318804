package io.github.cudnn4j.tape;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** Tells whether two parameter sets have the same bits. */
public final class ParameterHash {

  private ParameterHash() {}

  /**
   * Returns the SHA-256 of all parameters in the order of their names, each as FLOAT32 with the
   * lowest byte first, in hexadecimal digits; waits for the device.
   */
  public static String sha256(Parameters parameters) {
    try {
      var digest = MessageDigest.getInstance("SHA-256");
      for (String name : parameters.names().stream().sorted().toList()) {
        double[] values = parameters.read(name);
        var bytes = ByteBuffer.allocate(values.length * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        for (double value : values) {
          bytes.putFloat((float) value);
        }
        digest.update(bytes.array());
      }
      return HexFormat.of().formatHex(digest.digest());
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e); // Every Java has it.
    }
  }
}
