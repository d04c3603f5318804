package io.github.cudnn4j.cli;

import java.io.BufferedOutputStream;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.Charset;
import org.jspecify.annotations.Nullable;

/** Standard output, which keeps why it cannot be written: what prints to it is not told. */
final class StandardOutput extends FilterOutputStream {

  private volatile @Nullable IOException failure;

  private StandardOutput(OutputStream out) {
    super(out);
  }

  /** Replaces {@link System#out}, with the same encoding. */
  static StandardOutput install(Charset encoding) {
    var output = new StandardOutput(new FileOutputStream(FileDescriptor.out));
    System.setOut(new PrintStream(new BufferedOutputStream(output), true, encoding));
    return output;
  }

  @Override
  public void write(int b) throws IOException {
    write(new byte[] {(byte) b}, 0, 1);
  }

  @Override
  public void write(byte[] bytes, int offset, int length) throws IOException {
    try {
      out.write(bytes, offset, length);
    } catch (IOException e) {
      failure = e;
      throw e;
    }
  }

  /** Returns why something that was printed is lost; null if nothing is. */
  @Nullable IOException failure() {
    System.out.flush();
    return failure;
  }
}
