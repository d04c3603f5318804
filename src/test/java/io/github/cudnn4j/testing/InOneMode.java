package io.github.cudnn4j.testing;

import io.github.cudnn4j.library.HostMode;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.Tag;

/**
 * A slow test that tells the same in every {@link HostMode}: the build runs it with the first one
 * only.
 */
@Target({ElementType.TYPE, ElementType.METHOD})
@Retention(RetentionPolicy.RUNTIME)
@Tag("one-mode")
public @interface InOneMode {}
