import io.github.cudnn4j.train.Progress;
import io.github.cudnn4j.train.TrainingListener;
import io.github.cudnn4j.train.Validation;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** Tells a training's progress to Micrometer: {@code trainer.listener(new Telemetry(registry))}. */
final class Telemetry implements TrainingListener {
  private final MeterRegistry registry;
  private final Map<String, Double> gauges = new ConcurrentHashMap<>();

  Telemetry(MeterRegistry registry) {
    this.registry = registry;
  }

  private void set(String name, double value) {
    if (gauges.put(name, value) == null) {
      Gauge.builder("cudnn4j." + name, () -> gauges.get(name))
          .strongReference(true) // The last value is there when the training has ended.
          .register(registry);
    }
  }

  @Override
  public void logged(Progress progress) {
    set("step", progress.step());
    set("loss", progress.loss());
    set("gradient.norm", progress.gradientNorm());
    set("learning.rate", progress.learningRate());
    set("tokens.per.second", progress.tokensPerSecond());
    set("steps.skipped", progress.skipped());
  }

  @Override
  public void validated(Validation validation) {
    set("validation.loss", validation.loss());
    validation.metrics().forEach((name, value) -> set("validation." + name, value));
  }

  @Override
  public void checkpointed(Path checkpoint, long step) {
    registry.counter("cudnn4j.checkpoints").increment();
  }
}
