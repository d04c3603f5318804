package io.github.cudnn4j.train;

import io.github.cudnn4j.cuda.Parts;
import io.github.cudnn4j.data.Batch;
import io.github.cudnn4j.data.BatchSource;
import io.github.cudnn4j.data.SavableRandom;
import io.github.cudnn4j.data.Shards;
import io.github.cudnn4j.tape.Loss;
import io.github.cudnn4j.tape.Parameters;
import io.github.cudnn4j.tape.Tape;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Measures a model on data: the loss of its objective, and metrics. Owner of the activations; the
 * weights are read as they are at each measurement. Belongs to the device's thread.
 */
public final class Evaluator implements AutoCloseable {

  /**
   * What was measured.
   *
   * @param loss the mean over everything that counts, NaN if the loss of any batch is not finite
   * @param metrics the value of each metric by its name, in the order given
   */
  public record Result(double loss, Map<String, Double> metrics) {}

  /** The names of what else a line about a validation tells; the loss is a metric, too. */
  private static final Set<String> OTHERS = Set.of("kind", "epoch", "step", "best");

  /** What is recorded for the batches of one shape. */
  private record Recorded(Tape tape, Loss loss, List<Metric.Meter> meters) {}

  private final Parameters parameters;
  private final Objective objective;
  private final List<Metric> metrics;
  private final Parts parts = new Parts();
  private final Map<Integer, Recorded> recorded = new LinkedHashMap<>();
  private final BatchRunner batches;

  /** Null if this is alone. */
  private final @Nullable RankGroup group;

  /** Whether what is measured here counts, beside what other ranks measure. */
  private final boolean counts;

  private Evaluator(
      Parameters parameters,
      Objective objective,
      BatchSource source,
      boolean capture,
      @Nullable RankGroup group,
      Metric... metrics) {
    this.group = group;
    this.parameters = Objects.requireNonNull(parameters, "parameters");
    this.objective = Objects.requireNonNull(objective, "objective");
    Objects.requireNonNull(source, "source");
    this.metrics = List.of(metrics);
    var names = new HashSet<String>();
    for (Metric metric : metrics) {
      if (OTHERS.contains(metric.name())) {
        throw new IllegalArgumentException(
            "a metric named " + metric.name() + ", which is something else in a log");
      }
      if (!names.add(metric.name())) {
        throw new IllegalArgumentException("two metrics " + metric.name());
      }
    }
    boolean divided = group != null && source.layout().batch() % group.size() == 0;
    counts = group == null || divided || group.isFirst();
    try {
      BatchSource own = divided ? Shards.of(source, group.size(), group.rank(), 1) : source;
      batches =
          parts.add(
              new BatchRunner(
                  parameters.device(), parameters.precision(), own, capture, this::record));
    } catch (RuntimeException | Error e) {
      throw parts.abandon(e);
    }
  }

  /** Prepares measurements of one model on one source, whose batches are not shuffled. */
  public static Evaluator create(
      Parameters parameters, Objective objective, BatchSource source, Metric... metrics) {
    return new Evaluator(parameters, objective, source, true, null, metrics);
  }

  /** As that; together with other ranks if there are, each of which measures its rows. */
  static Evaluator create(
      Parameters parameters,
      Objective objective,
      BatchSource source,
      boolean capture,
      @Nullable RankGroup group,
      Metric... metrics) {
    return new Evaluator(parameters, objective, source, capture, group, metrics);
  }

  /** Returns what tells these measurements from others. */
  String identity() {
    return batches.source().identity() + " " + metrics.stream().map(Metric::name).toList();
  }

  /**
   * Measures the loss once: {@link #loss()} of a new evaluator.
   *
   * @throws IOException if the source fails
   */
  public static double loss(Parameters parameters, Objective objective, BatchSource source)
      throws IOException {
    return evaluate(parameters, objective, source).loss();
  }

  /**
   * Measures the loss and metrics once: {@link #evaluate()} of a new evaluator.
   *
   * @throws IOException if the source fails
   */
  public static Result evaluate(
      Parameters parameters, Objective objective, BatchSource source, Metric... metrics)
      throws IOException {
    try (var evaluator = create(parameters, objective, source, metrics)) {
      return evaluator.evaluate();
    }
  }

  private BatchRunner.Work record(int shape) {
    Tape tape = Tape.inference(parameters.device(), parameters.precision());
    Batch in;
    try {
      in = batches.batch(tape, shape);
      Loss loss = BatchRunner.record(objective, tape, in);
      var meters = new ArrayList<Metric.Meter>();
      for (Metric metric : metrics) {
        meters.add(
            Objects.requireNonNull(metric.meter(tape, in, loss), "meter of " + metric.name()));
      }
      meters.forEach(Metric.Meter::reset);
      loss.meter().clear();
      recorded.put(shape, new Recorded(parts.add(tape), loss, meters));
    } catch (RuntimeException | Error e) {
      try (tape) {
        throw e;
      }
    }
    Runnable work =
        () -> {
          tape.forward();
          tape.carry();
        };
    return new BatchRunner.Work(in, work, tape.isCapturable());
  }

  /**
   * Returns the mean loss; its exponential is the perplexity if it is a cross-entropy. Waits for
   * the device.
   *
   * @return NaN if the loss of any batch is not finite
   * @throws IOException if the source fails or has no batch
   */
  public double loss() throws IOException {
    return evaluate().loss();
  }

  /**
   * Measures the loss and all metrics; waits for the device.
   *
   * @throws IOException if the source fails or has no batch
   */
  public Result evaluate() throws IOException {
    for (Recorded shape : recorded.values()) {
      shape.tape.resetStates();
      shape.meters.forEach(Metric.Meter::reset);
      shape.loss.meter().clear();
    }
    batches.begin(new SavableRandom(0), 0);
    if (!batches.hasNext()) {
      throw new IOException("a pass without a batch: there are no data");
    }
    while (batches.hasNext()) {
      int shape = batches.run(0);
      List<Metric.Meter> meters = recorded.get(shape).meters;
      for (int i = 0; i < meters.size(); i++) {
        meters.get(i).batchDone();
      }
    }
    double[] loss = new double[2];
    for (Recorded shape : recorded.values()) {
      double[] meter = shape.loss.meter().toDoubles();
      loss[0] += meter[0];
      loss[1] += meter[2] > 0 ? Double.NaN : meter[1];
    }
    sum(loss);
    var values = new LinkedHashMap<String, Double>();
    for (int i = 0; i < metrics.size(); i++) {
      values.put(metrics.get(i).name(), value(i));
    }
    return new Result(loss[0] / loss[1], values);
  }

  private double value(int metric) {
    double[] counts = {};
    for (Recorded shape : recorded.values()) {
      double[] some = shape.meters.get(metric).read();
      if (counts.length == 0) {
        counts = some;
      } else {
        for (int i = 0; i < counts.length; i++) {
          counts[i] += some[i];
        }
      }
    }
    sum(counts);
    return metrics.get(metric).value(counts);
  }

  /** Adds up what the ranks have counted. */
  private void sum(double[] counts) {
    if (group != null) {
      if (!this.counts) {
        Arrays.fill(counts, 0);
      }
      group.sum(counts);
    }
  }

  @Override
  public void close() {
    parts.close();
  }
}
