package io.github.cudnn4j.library;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** Reads as much of an ELF header as tells whether this processor can run the file. */
final class ElfFile {
  // ELF specification, figures 1-3 to 1-6: e_ident, e_type and e_machine.
  private static final int MAGIC = 0x464c457f;
  private static final int CLASS_OFFSET = 4;
  private static final int CLASS_64 = 2;
  private static final int TYPE_OFFSET = 16;
  private static final int TYPE_SHARED = 3;
  private static final int MACHINE_OFFSET = 18;
  private static final int MACHINE_X86_64 = 62;
  private static final int MACHINE_AARCH64 = 183;
  private static final int HEADER_BYTES = 20;

  private ElfFile() {}

  /** Returns why a file is no x86-64 library, null if it is one. */
  static @Nullable String refusal(Path file) {
    byte[] bytes;
    try (var in = Files.newInputStream(file)) {
      bytes = in.readNBytes(HEADER_BYTES);
    } catch (IOException e) {
      return "cannot be read: " + e.getMessage();
    }
    var header = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    if (bytes.length < HEADER_BYTES || header.getInt(0) != MAGIC) {
      return "not a library (no ELF header)";
    }
    if (header.get(CLASS_OFFSET) != CLASS_64) {
      return "a 32-bit library, the JVM has 64 bits";
    }
    var machine = header.getShort(MACHINE_OFFSET) & 0xffff;
    if (machine != MACHINE_X86_64) {
      return "a library for another processor ("
          + (machine == MACHINE_AARCH64 ? "aarch64" : "ELF machine " + machine)
          + "), not x86-64";
    }
    return header.getShort(TYPE_OFFSET) == TYPE_SHARED ? null : "an ELF file, but not a library";
  }
}
