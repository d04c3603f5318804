package io.github.cudnn4j.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.data.Batch;
import io.github.cudnn4j.data.BatchLayout;
import io.github.cudnn4j.data.BatchSource;
import io.github.cudnn4j.data.Epoch;
import io.github.cudnn4j.data.HostBatch;
import io.github.cudnn4j.tape.Loss;
import io.github.cudnn4j.tape.Tape;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What is done wrong with trainers, listeners and checkpoints is told, and changes no number. */
class TrainerMisuseTest extends MisuseFixture {

  @TempDir private Path folder;

  /** Not after hours, when the first of them is due. */
  @Test
  void whatCheckpointsCannotHoldIsToldBeforeTheFirstStep() {
    var checkpoints = Checkpoints.in(folder, 1);
    var e =
        assertThrows(
            IllegalArgumentException.class, () -> checkpoints.notes(Map.of("mine", new Object())));
    assertEquals("no JSON for a value of class java.lang.Object", e.getMessage());
    var large = checkpoints.notes(Map.of("mine", "a".repeat(CheckpointJson.MOST_BYTES)));
    assertRefused(guess(), SOURCE, large, "a description of 671", " bytes, at most are 67108864");
    var model =
        new Objective() {
          @Override
          public Loss record(Tape tape, Batch in) {
            return guess(tape, in.labels("label"));
          }

          @Override
          public Map<String, Object> configuration() {
            return Map.of("precision", Precision.FP32);
          }
        };
    String noForm = "no JSON for a value of class io.github.cudnn4j.cuda.Precision";
    assertRefused(model, SOURCE, checkpoints, noForm, "");
    var source = new Told(Map.of("precision", Precision.FP32));
    assertRefused(guess(), source, checkpoints, noForm, "");
  }

  private void assertRefused(
      Objective objective, BatchSource source, Checkpoints place, String begin, String end) {
    double[] before = parameters.read("words.weight");
    try (var trainer = Trainer.of(parameters, objective, source, CONFIG).checkpoints(place)) {
      var e = assertThrows(IllegalArgumentException.class, trainer::run);
      String message = e.getMessage();
      String reason = "no checkpoint can be written of this training: " + begin;
      assertTrue(message.startsWith(reason) && message.endsWith(end), message);
    }
    assertArrayEquals(before, parameters.read("words.weight"));
  }

  @Test
  void notesAreCopied() throws IOException {
    var list = new ArrayList<>(List.of("a"));
    var checkpoints = Checkpoints.in(folder, 1).notes(Map.of("mine", list));
    list.add("b");
    try (var trainer = Trainer.of(parameters, guess(), SOURCE, CONFIG).checkpoints(checkpoints)) {
      trainer.run();
    }
    assertEquals(Map.of("mine", List.of("a")), checkpoints.latest().orElseThrow().notes());
  }

  /** Of what JSON reads as something else than was written. */
  @Test
  void dataAreTheSameHoweverTheirNumbersAreWritten() throws IOException {
    var checkpoints = Checkpoints.in(folder, 1);
    var source = new Told(Map.of("int", 5, "float", 0.1f, "none", Double.NaN));
    long steps = 0;
    for (int epochs = 1; epochs <= 2; epochs++) {
      var config = CONFIG.epochs(epochs);
      try (var trainer = Trainer.of(parameters, guess(), source, config).checkpoints(checkpoints)) {
        if (epochs == 2) {
          trainer.resume(checkpoints.latest().orElseThrow());
        }
        steps = trainer.run().steps();
      }
    }
    assertEquals(16, steps);
  }

  /** Tells of its data what a test wants. */
  private record Told(Map<String, Object> identity) implements BatchSource {
    @Override
    public BatchLayout layout() {
      return SOURCE.layout();
    }

    @Override
    public long batches() {
      return SOURCE.batches();
    }

    @Override
    public Epoch epoch(RandomGenerator random) throws IOException {
      return SOURCE.epoch(random);
    }
  }

  @Test
  void aListenerMayStopATrainerAndNothingElse() throws IOException {
    var refused = new ArrayList<String>();
    var checkpoints = Checkpoints.in(folder, 1);
    try (var before = Trainer.of(parameters, guess(), SOURCE, CONFIG).checkpoints(checkpoints)) {
      before.run();
    }
    var checkpoint = checkpoints.latest().orElseThrow();
    try (var trainer = Trainer.of(parameters, guess(), SOURCE, CONFIG)) {
      List<Executable> attempts =
          List.of(
              trainer::run,
              trainer::close,
              () -> trainer.validation(SOURCE),
              () -> trainer.listener(new TrainingListener() {}),
              () -> trainer.checkpoints(checkpoints),
              () -> trainer.resume(checkpoint),
              () -> trainer.resumeWithOtherData(checkpoint));
      trainer.listener(
          new TrainingListener() {
            @Override
            public void logged(Progress progress) {
              for (Executable attempt : attempts) {
                refused.add(assertThrows(IllegalStateException.class, attempt).getMessage());
              }
              trainer.stop();
            }
          });
      assertEquals(1, trainer.run().steps());
      assertEquals(
          Collections.nCopies(7, "the trainer runs; a listener may only stop it"), refused);
      trainer.validation(SOURCE).listener(new TrainingListener() {});
    }
  }

  /** Wherever the thread is interrupted, what was done is kept, and goes on as if it never was. */
  @ParameterizedTest
  @CsvSource({
    "4, 1, 1, 0, 0",
    "4, 1, 4, 0, 0",
    "4, 1, 8, 0, 0",
    "4, 1, 12, 0, 0",
    "4, 1, 4, 6, 0",
    "4, 1, 4, 0, 3",
    "0, 1, 0, 1, 0",
    "0, 1, 8, 10, 0",
    "4, 1, 8, 10, 0",
    "0, 1, 8, 11, 0",
    "0, 1, 16, 20, 0",
    "0, 1, 24, 30, 0",
    "0, 3, 1, 3, 0",
    "0, 3, 1, 5, 0",
    "0, 3, 3, 9, 0",
    "0, 3, 3, 10, 0",
    "0, 3, 5, 16, 0"
  })
  void anInterruptedTrainingEndsInOrder(
      int validateEvery, int microBatches, int at, int inTraining, int inValidation)
      throws IOException {
    var config = CONFIG.epochs(3).validateEvery(validateEvery).microBatches(microBatches);
    var expected = new ArrayList<Long>();
    long steps;
    double[] whole;
    try (var trainer =
        Trainer.of(parameters, guess(), slow(0), config)
            .validation(slow(0), Metric.accuracy())
            .listener(validations(expected))) {
      steps = trainer.run().steps();
      whole = parameters.read("words.weight");
    }
    parameters.initialize(1);
    var checkpoints = Checkpoints.in(folder, 1);
    var validated = new ArrayList<Long>();
    try (var trainer =
        Trainer.of(parameters, guess(), slow(inTraining), config)
            .validation(slow(inValidation), Metric.accuracy())
            .checkpoints(checkpoints)
            .listener(validations(validated))
            .listener(
                new TrainingListener() {
                  @Override
                  public void logged(Progress progress) {
                    if (progress.step() == at && inTraining + inValidation == 0) {
                      Thread.currentThread().interrupt();
                    }
                  }
                })) {
      var summary = trainer.run();
      assertTrue(Thread.interrupted());
      assertTrue(summary.stopped(), summary::toString);
      assertEquals(at, summary.steps());
    }
    parameters.initialize(2);
    try (var trainer =
        Trainer.of(parameters, guess(), slow(0), config)
            .validation(slow(0), Metric.accuracy())
            .listener(validations(validated))) {
      trainer.resume(checkpoints.latest().orElseThrow());
      assertEquals(steps, trainer.run().steps());
    }
    assertArrayEquals(whole, parameters.read("words.weight"));
    assertEquals(expected, validated);
  }

  private static TrainingListener validations(List<Long> steps) {
    return new TrainingListener() {
      @Override
      public void validated(Validation validation) {
        steps.add(validation.step());
      }
    };
  }

  /** Always has the one who takes batches wait; one of them is interrupted then. */
  private BatchSource slow(int interrupted) {
    int[] calls = {0};
    return new BatchSource() {
      @Override
      public BatchLayout layout() {
        return SOURCE.layout();
      }

      @Override
      public Map<String, Object> identity() {
        return Map.of();
      }

      @Override
      public long batches() {
        return SOURCE.batches();
      }

      @Override
      public Epoch epoch(RandomGenerator random) throws IOException {
        pause();
        Epoch epoch = SOURCE.epoch(random);
        return new Epoch() {
          @Override
          public int next(HostBatch target) throws IOException {
            pause();
            return epoch.next(target);
          }

          @Override
          public void skip(long batches) throws IOException {
            epoch.skip(batches);
          }

          @Override
          public void close() throws IOException {
            epoch.close();
          }
        };
      }

      private void pause() throws IOException {
        if (++calls[0] == interrupted) {
          Thread.currentThread().interrupt();
        }
        if (Thread.currentThread().isInterrupted()) {
          throw new InterruptedIOException("interrupted while it waited");
        }
      }
    };
  }
}
