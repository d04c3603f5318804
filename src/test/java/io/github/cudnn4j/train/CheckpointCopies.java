package io.github.cudnn4j.train;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.cuda.PinnedBuffer;
import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.cudnn.RnnMode;
import io.github.cudnn4j.data.TextWindows;
import io.github.cudnn4j.optim.Optimizer;
import io.github.cudnn4j.tape.Parameters;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * A program that trains with a checkpoint after each of 300 steps into the folder that it is given,
 * and prints which tensors of a checkpoint are not those of the device.
 */
final class CheckpointCopies implements TrainingListener {
  private static final int STEPS = 300;

  private final Parameters parameters;
  private final PinnedBuffer device;
  private final List<String> wrong = new ArrayList<>();

  private CheckpointCopies(Parameters parameters, PinnedBuffer device) {
    this.parameters = parameters;
    this.device = device;
  }

  public static void main(String[] arguments) throws IOException {
    var batches = TextWindows.training(TinyModel.repeating(600), 4, 10, true);
    var config = TrainerConfig.of(Optimizer.adam(0.01)).epochs(STEPS).steps(STEPS);
    try (var device = Device.open();
        var model = new TinyModel(device, Precision.FP32, RnnMode.LSTM, 6, 12, 0.1);
        var weights =
            PinnedBuffer.allocate(
                device, ElementType.FLOAT32, model.parameters().weights().elements());
        var trainer = Trainer.of(model.parameters(), model, batches, config.checkpointEvery(1))) {
      var copies = new CheckpointCopies(model.parameters(), weights);
      var steps =
          trainer
              .checkpoints(Checkpoints.in(Path.of(arguments[0]), 1))
              .listener(copies)
              .run()
              .steps();
      System.out.println(copies.wrong.size() + " wrong after " + steps + " steps");
      copies.wrong.stream().limit(5).forEach(System.out::println);
    }
  }

  /** Compares with what the device itself puts into memory of the host, read number by number. */
  @Override
  public void checkpointed(Path folder, long step) throws IOException {
    parameters.weights().copyTo(device);
    parameters.weights().device().synchronize();
    try (var file = Checkpoint.open(folder).weights()) {
      for (var name : parameters.names()) {
        var written = file.floats(name);
        var at = 0;
        for (var piece : parameters.parameter(name).slices()) {
          var offset = (piece.address() - parameters.weights().address()) / Float.BYTES;
          for (long i = 0; i < piece.elements(); i++, at++) {
            var expected = device.segment().getAtIndex(JAVA_FLOAT, offset + i);
            if (written[at] != expected) {
              wrong.add(
                  "step %d, %s[%d] is %s, must be %s"
                      .formatted(step, name, at, written[at], expected));
            }
          }
        }
      }
    }
  }
}
