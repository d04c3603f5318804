package io.github.cudnn4j.cuda;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.invoke.MethodHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;

/** Unix sockets that take messages, with names in no folder, which Java does not have. */
final class UnixDatagram {
  private static final int AF_UNIX = 1;
  private static final int SOCK_DGRAM = 2;
  private static final int MSG_DONTWAIT = 0x40;

  private static final MethodHandle SOCKET =
      function("socket", JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT);
  private static final MethodHandle CLOSE = function("close", JAVA_INT, JAVA_INT);
  private static final MethodHandle SENDTO =
      function("sendto", JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT, ADDRESS, JAVA_INT);

  private UnixDatagram() {}

  private static MethodHandle function(
      String name, MemoryLayout result, MemoryLayout... parameters) {
    var linker = Linker.nativeLinker();
    return linker.downcallHandle(
        linker.defaultLookup().findOrThrow(name), FunctionDescriptor.of(result, parameters));
  }

  /** Returns the names of this process's that begin so. */
  static List<String> names(String prefix) throws IOException {
    var own = new HashSet<String>();
    try (var files = Files.newDirectoryStream(Path.of("/proc/self/fd"))) {
      for (var file : files) {
        try {
          own.add(Files.readSymbolicLink(file).toString());
        } catch (IOException e) {
          // Closed meanwhile.
        }
      }
    }
    try (var lines = Files.lines(Path.of("/proc/net/unix"), ISO_8859_1)) {
      return lines
          .map(line -> line.strip().split(" +"))
          .filter(fields -> fields.length == 8 && fields[7].startsWith("@" + prefix))
          .filter(fields -> own.contains("socket:[" + fields[6] + "]"))
          .map(fields -> fields[7].substring(1))
          .toList();
    }
  }

  /** Sends zeros; returns how many were sent. */
  static long send(String name, long bytes) {
    try (var arena = Arena.ofConfined()) {
      var address = ByteBuffer.allocate(3 + name.length()).order(ByteOrder.nativeOrder());
      address.putShort((short) AF_UNIX).put((byte) 0).put(name.getBytes(ISO_8859_1));
      var target = arena.allocateFrom(JAVA_BYTE, address.array());
      var socket = (int) SOCKET.invokeExact(AF_UNIX, SOCK_DGRAM, 0);
      var data = arena.allocate(bytes + 1);
      var sent =
          (long) SENDTO.invokeExact(socket, data, bytes, MSG_DONTWAIT, target, address.capacity());
      var closed = (int) CLOSE.invokeExact(socket);
      return closed == 0 ? sent : -1;
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
  }
}
