package io.github.cudnn4j.train;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.cudnn.RnnMode;
import io.github.cudnn4j.data.TextWindows;
import io.github.cudnn4j.optim.Optimizer;
import io.github.cudnn4j.testing.InOneMode;
import io.github.cudnn4j.testing.JavaProcess;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TrainingEventsTest {

  @TempDir Path folder;

  @Test
  void aRecordingShowsWhatListenersHear() throws IOException {
    Path file = folder.resolve("training.jfr");
    List<Progress> heard;
    try (var recording = new Recording()) {
      recording.start();
      heard = Program.train(Checkpoints.in(folder.resolve("checkpoints"), 2));
      recording.stop();
      recording.dump(file);
    }

    List<RecordedEvent> events =
        RecordingFile.readAllEvents(file).stream()
            .filter(event -> event.getEventType().getName().startsWith("io.github.cudnn4j."))
            .toList();
    List<RecordedEvent> progress = of("Progress", events);
    assertEquals(heard.size(), progress.size());
    for (int i = 0; i < heard.size(); i++) {
      assertEquals(heard.get(i).step(), progress.get(i).getLong("step"));
      assertEquals(heard.get(i).loss(), progress.get(i).getDouble("loss"));
      assertEquals(heard.get(i).gradientNorm(), progress.get(i).getDouble("gradientNorm"));
    }
    RecordedEvent validation = of("Validation", events).getLast();
    assertEquals(6, validation.getLong("step"));
    assertEquals(true, validation.getBoolean("best"));
    RecordedEvent checkpoint = of("Checkpoint", events).getLast();
    assertEquals(6, checkpoint.getLong("step"));
    assertEquals(folder.resolve("checkpoints/step-000000006") + "", checkpoint.getString("folder"));
  }

  /** As in an image that jlink made without it. */
  @InOneMode
  @Test
  void withoutFlightRecorderTrainingIsAsEver() throws IOException, InterruptedException {
    var options = new ArrayList<>(JavaProcess.sameProperties());
    options.add("--limit-modules=java.logging,jdk.unsupported");
    var process = JavaProcess.run(Program.class, options, Map.of());
    assertEquals(0, process.status(), process::toString);
    assertEquals(List.of("trained, Flight Recorder: false"), process.output());
  }

  private static List<RecordedEvent> of(String name, List<RecordedEvent> events) {
    return events.stream()
        .filter(event -> event.getEventType().getName().equals("io.github.cudnn4j." + name))
        .toList();
  }

  static final class Program {
    public static void main(String[] arguments) throws IOException {
      train(null);
      System.out.println("trained, Flight Recorder: " + TrainingEvents.areAvailable());
    }

    /** Trains for six steps and returns what its three log points told. */
    static List<Progress> train(Checkpoints checkpoints) throws IOException {
      var heard = new ArrayList<Progress>();
      var config = TrainerConfig.of(Optimizer.adam(0.01)).epochs(10).steps(6).logEvery(2);
      try (var device = Device.open();
          var model = new TinyModel(device, Precision.FP32, RnnMode.LSTM, 6, 8, 0);
          var trainer =
              Trainer.of(
                  model.parameters(),
                  model,
                  TextWindows.training(TinyModel.repeating(200), 4, 10, true),
                  config.validateEvery(3))) {
        trainer.validation(TextWindows.evaluation(TinyModel.repeating(200), 3, 11));
        if (checkpoints != null) {
          trainer.checkpoints(checkpoints);
        }
        trainer
            .listener(
                new TrainingListener() {
                  @Override
                  public void logged(Progress progress) {
                    heard.add(progress);
                  }
                })
            .run();
      }
      return heard;
    }
  }
}
