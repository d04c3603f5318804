/**
 * Finds, checks and loads NVIDIA's libraries, or the host device in their place, and tells what was
 * tried: {@link io.github.cudnn4j.library.NativeLibraries#diagnose} gives the report that the
 * command {@code doctor} prints.
 */
package io.github.cudnn4j.library;
