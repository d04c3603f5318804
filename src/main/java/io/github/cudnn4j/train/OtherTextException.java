package io.github.cudnn4j.train;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Locale;

/**
 * A training was to go on with another text than it was begun with: what it has learned from could
 * become what it is tested on. {@link Trainer#resumeWithOtherText} goes on all the same.
 */
public final class OtherTextException extends IOException {

  private static final long serialVersionUID = 1;

  OtherTextException(Path checkpoint, long tokens, long checksum, long given, long givenChecksum) {
    super(
        String.format(
            Locale.ROOT,
            "%s was written in training on another text: %d tokens with checksum %08x, not %d with"
                + " %08x",
            checkpoint,
            tokens,
            checksum,
            given,
            givenChecksum));
  }
}
