package io.github.cudnn4j.io;

import java.io.IOException;
import java.nio.channels.ClosedChannelException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.FileSystemException;
import java.nio.file.Path;

/** Failures of files that have been opened: of a full disk, for one, the JDK tells no file. */
public final class FileFailure {

  private FileFailure() {}

  /**
   * Returns a failure that tells the file: the same one if it does, or is not the file's but of a
   * channel that is closed or of its contents.
   */
  public static IOException of(Path file, IOException failure) {
    if (failure instanceof FileSystemException
        || failure instanceof ClosedChannelException
        || failure instanceof CharacterCodingException) {
      return failure;
    }
    var named = new FileSystemException(file.toString(), null, failure.getMessage());
    named.initCause(failure);
    return named;
  }
}
