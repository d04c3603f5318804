package io.github.cudnn4j.testing;

import io.github.cudnn4j.library.HostControl;
import java.util.Locale;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * After every test class that ran on a GPU: how near to their bounds its errors came, so that a
 * bound that is too narrow or too wide shows at the first run on another GPU.
 *
 * <p>Registered for all test classes through {@code META-INF/services}.
 */
public final class WorstErrors implements AfterAllCallback {
  @Override
  public void afterAll(ExtensionContext context) {
    if (HostControl.ifHost().isEmpty()) {
      Closeness.WORST.forEach(
          (bound, worst) ->
              System.out.printf(
                  Locale.ROOT,
                  "worst error %.3g times %.1e + %.1e·|expected|: %s%n",
                  worst.ratio(),
                  bound.abs(),
                  bound.rel(),
                  worst.what()));
    }
    Closeness.WORST.clear();
  }
}
