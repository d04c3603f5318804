package io.github.cudnn4j.train;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;

/**
 * A training was to go on with other data than it was begun with: what it has learned from could
 * become what it is tested on. {@link Trainer#resumeWithOtherData} goes on all the same.
 */
public final class OtherDataException extends IOException {

  private static final long serialVersionUID = 1;

  OtherDataException(Path checkpoint, Map<String, ?> saved, Map<String, ?> given) {
    super(
        String.format(
            Locale.ROOT,
            "%s was written in training on other data: %s, not %s",
            checkpoint,
            saved,
            given));
  }
}
