package io.github.cudnn4j.cli;

import java.io.PrintWriter;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Lets the signals that end a program end a training in order: the first one after the step under
 * way, a second one at once. What they did before is restored by {@link #close}.
 *
 * <p>Java has signals in {@code jdk.unsupported} only, which a runtime may be without and the
 * compiler warns of; so it is called by reflection, and where it is not there signals are as ever.
 */
final class StopSignals implements AutoCloseable {

  /** By their POSIX numbers; a program that one has ended has the status 128 more. */
  private static final Map<String, Integer> NUMBERS = Map.of("HUP", 1, "INT", 2, "TERM", 15);

  private static final int ENDED_BY_SIGNAL = 128;

  private final Runnable stop;
  private final String when;
  private final PrintWriter err;
  private final Map<Object, Object> before = new LinkedHashMap<>();
  private volatile int status;

  private StopSignals(Runnable stop, String when, PrintWriter err) {
    this.stop = stop;
    this.when = when;
    this.err = err;
  }

  /**
   * Handles the signals from now on.
   *
   * @param stop called at the first one, on another thread
   * @param when it will have stopped, for the user
   */
  static StopSignals handle(Runnable stop, String when, PrintWriter err) {
    StopSignals signals = new StopSignals(stop, when, err);
    try {
      Class<?> type = Class.forName("sun.misc.Signal");
      Class<?> handlerType = Class.forName("sun.misc.SignalHandler");
      for (var named : NUMBERS.entrySet()) {
        Object signal = type.getConstructor(String.class).newInstance(named.getKey());
        Object handler =
            Proxy.newProxyInstance(
                handlerType.getClassLoader(),
                new Class<?>[] {handlerType},
                (proxy, method, arguments) -> {
                  signals.received(named.getKey(), ENDED_BY_SIGNAL + named.getValue());
                  return null;
                });
        signals.before.put(signal, install(signal, handler));
      }
    } catch (ReflectiveOperationException e) {
      // Not in this runtime, or the virtual machine keeps the signal for itself (-Xrs).
    }
    return signals;
  }

  private static Object install(Object signal, Object handler) throws ReflectiveOperationException {
    Method handle =
        signal
            .getClass()
            .getMethod("handle", signal.getClass(), Class.forName("sun.misc.SignalHandler"));
    return handle.invoke(null, signal, handler);
  }

  private synchronized void received(String name, int number) {
    if (status != 0) {
      Runtime.getRuntime().halt(number);
    }
    status = number;
    err.println("SIG" + name + ": stopping " + when + "; a second one stops at once");
    err.flush();
    stop.run();
  }

  /** Returns the status to end with: 0, or what a program has that the signal has ended. */
  int status() {
    return status;
  }

  @Override
  public void close() {
    before.forEach(
        (signal, handler) -> {
          try {
            install(signal, handler);
          } catch (ReflectiveOperationException e) {
            // It could be set, so it can be set back.
            throw new IllegalStateException(e);
          }
        });
  }
}
