package io.github.cudnn4j.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.cudnn.RnnMode;
import io.github.cudnn4j.data.TextWindows;
import io.github.cudnn4j.io.SafeTensors;
import io.github.cudnn4j.optim.Clip;
import io.github.cudnn4j.optim.Optimizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The same training in PyTorch: see make_training.py. */
class PyTorchTrainingTest {

  @TempDir Path folder;

  @ParameterizedTest
  @CsvSource({
    "RELU, FP64, 1e-12", "TANH, FP64, 1e-12", "LSTM, FP64, 1e-12", "GRU, FP64, 1e-12",
    "RELU, FP32, 1e-4", "TANH, FP32, 1e-4", "LSTM, FP32, 1e-4", "GRU, FP32, 1e-4",
    "LSTM, FP16, 2e-2", "GRU, FP16, 2e-2", "LSTM, BF16, 1e-1", "TANH, BF16, 1e-1"
  })
  void lossesAndWeightsAgree(RnnMode mode, Precision precision, double tolerance)
      throws IOException {
    var file = folder.resolve("training.safetensors");
    try (var in = getClass().getResourceAsStream("training.safetensors")) {
      Files.copy(in, file);
    }
    String cell = mode.name().toLowerCase(Locale.ROOT);
    var losses = new ArrayList<Double>();
    var listener =
        new TrainingListener() {
          @Override
          public void logged(Progress progress) {
            losses.add(progress.loss());
          }
        };
    try (var vectors = SafeTensors.open(file);
        var device = Device.open();
        var model = new TinyModel(device, precision, mode, 7, 6, 0)) {
      List<String> names = model.parameters().names();
      for (String name : names) {
        model.parameters().write(name, vectors.doubles(cell + ".before." + name));
      }
      var config =
          TrainerConfig.of(Optimizer.adam(0.02)).clip(Clip.byNorm(0.6)).epochs(2).logEvery(1);
      var batches = TextWindows.training(vectors.ints("tokens"), 3, 8, false);
      try (var trainer =
          Trainer.of(model.parameters(), model, batches, config).listener(listener)) {
        trainer.run();
      }
      double[] expected = vectors.doubles(cell + ".losses");
      assertEquals(expected.length, losses.size());
      for (int i = 0; i < expected.length; i++) {
        assertEquals(expected[i], losses.get(i), tolerance * 0.1, "loss of step " + (i + 1));
      }
      double worst = 0;
      String where = "";
      for (String name : names) {
        double[] after = vectors.doubles(cell + ".after." + name);
        double[] found = model.parameters().read(name);
        for (int i = 0; i < after.length; i++) {
          double error = Math.abs(found[i] - after[i]);
          if (!(error <= worst)) {
            worst = error;
            where = "%s[%d] is %s, PyTorch has %s".formatted(name, i, found[i], after[i]);
          }
        }
      }
      assertTrue(worst <= tolerance, where);
    }
  }
}
