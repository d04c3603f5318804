package io.github.cudnn4j.io;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** What a file is that was taken for another kind, by how it begins. */
final class FileKind {
  /** How much of a file tells. */
  static final int BYTES = 64;

  private FileKind() {}

  /** Returns what it is and what to do, as a part of a sentence; null if nothing is known. */
  static @Nullable String of(ByteBuffer head) {
    String text =
        StandardCharsets.ISO_8859_1.decode(head).toString().strip().toLowerCase(Locale.ROOT);
    if (text.startsWith("pk\3\4")) {
      return "a ZIP file, as torch.save writes; safetensors.torch.save_file writes the right kind";
    }
    if (text.startsWith("\u0080") && text.length() > 1 && text.charAt(1) <= 5) {
      return "a Python pickle, as an old torch.save writes; safetensors.torch.save_file writes the"
          + " right kind";
    }
    if (text.startsWith("version https://git-lfs")) {
      return "a pointer of Git LFS; 'git lfs pull' fetches the file";
    }
    if (text.startsWith("<!doctype") || text.startsWith("<html") || text.startsWith("<?xml")) {
      return "a web page, so the download went wrong";
    }
    if (text.startsWith("{")) {
      return "JSON, such as the index of a model in several files";
    }
    if (text.startsWith("\u0089hdf")) {
      return "an HDF5 file, as Keras writes";
    }
    if (text.startsWith("gguf")) {
      return "a GGUF file, as llama.cpp reads";
    }
    return null;
  }
}
