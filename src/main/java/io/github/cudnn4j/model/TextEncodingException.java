package io.github.cudnn4j.model;

import java.io.IOException;

/** A text is not in the encoding that it was said to have; the message tells where, and a guess. */
public final class TextEncodingException extends IOException {
  private static final long serialVersionUID = 1;

  /** Tells where in a text what is wrong. */
  public TextEncodingException(String message) {
    super(message);
  }
}
