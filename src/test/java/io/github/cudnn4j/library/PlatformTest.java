package io.github.cudnn4j.library;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import org.junit.jupiter.api.Test;

/** Platforms without native libraries are named. */
class PlatformTest {
  @Test
  void linuxOnX86WithGlibcIsTheOne() {
    assertNull(Platform.refusal("Linux", "amd64", false));
    assertEquals(
        "this is Mac OS X; there are native libraries for Linux only",
        Platform.refusal("Mac OS X", "aarch64", false));
    assertEquals(
        "this is Linux on aarch64; there are native libraries for x86-64 only",
        Platform.refusal("Linux", "aarch64", false));
    assertEquals(
        "this Java runs on musl (Alpine Linux); NVIDIA's libraries and the host device need glibc",
        Platform.refusal("Linux", "amd64", true));
  }
}
