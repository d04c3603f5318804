package io.github.cudnn4j.proof;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cudnn.RnnDataLayout;
import io.github.cudnn4j.io.SafeTensors;
import io.github.cudnn4j.io.SafeTensorsWriter;
import io.github.cudnn4j.library.DeviceKind;
import io.github.cudnn4j.rnn.Rnn;
import io.github.cudnn4j.rnn.RnnConfig;
import io.github.cudnn4j.testing.Closeness;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A model whose state_dict PyTorch saved with the safetensors library, {@code
 * pytorch-model.safetensors} made by {@code pytorch_model.py} beside it, computes here what it
 * computed there, and is saved under the same names.
 */
class PyTorchModelTest {
  private static final RnnConfig ENCODER =
      RnnConfig.lstm(5, 6).layers(2).bidirectional().projection(3);
  private static final RnnConfig DECODER = RnnConfig.gru(6, 4);

  @TempDir private Path folder;

  @Test
  void itComputesTheSameAndIsSavedTheSame() throws IOException, URISyntaxException {
    Path file = Path.of(PyTorchModelTest.class.getResource("pytorch-model.safetensors").toURI());
    try (SafeTensors model = SafeTensors.open(file);
        Device device = Device.open();
        Rnn encoder = Rnn.create(device, ENCODER);
        Rnn decoder = Rnn.create(device, DECODER)) {
      encoder.weights().load(model, "encoder.");
      decoder.weights().load(model, "decoder.");
      Closeness.within(device.kind() == DeviceKind.HOST ? 1e-6 : 1e-5)
          .check("y", model.doubles("y"), run(decoder, run(encoder, model.doubles("x"))));

      SafeTensorsWriter writer = new SafeTensorsWriter();
      encoder.weights().save(writer, "encoder.");
      decoder.weights().save(writer, "decoder.");
      Path copy = folder.resolve("copy.safetensors");
      writer.write(copy);
      try (SafeTensors saved = SafeTensors.open(copy)) {
        Set<String> names = new TreeSet<>(model.names());
        names.removeAll(Set.of("x", "y"));
        assertEquals(names, new TreeSet<>(saved.names()));
        for (String name : names) {
          assertArrayEquals(model.shape(name), saved.shape(name), name);
          assertArrayEquals(model.bytes(name), saved.bytes(name), name);
        }
      }
    }
  }

  /** The outputs of T = 3 steps of B = 2 rows. */
  private static double[] run(Rnn rnn, double[] x) {
    Rows rows = Rows.of(RnnDataLayout.SEQ_MAJOR_UNPACKED, 3, 3, 3);
    double[] dy = new double[rows.vectors() * rnn.config().outputSize()];
    return Run.once(rnn, rows, new Run.Inputs(x, null, null, dy, null, null)).get("y");
  }
}
