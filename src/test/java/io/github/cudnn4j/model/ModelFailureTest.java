package io.github.cudnn4j.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.cudnn4j.bindings.Cudart;
import io.github.cudnn4j.cuda.CudaException;
import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cudnn.CudnnException;
import io.github.cudnn4j.data.TextWindows;
import io.github.cudnn4j.library.HostControl;
import io.github.cudnn4j.library.HostCounter;
import io.github.cudnn4j.optim.Optimizer;
import io.github.cudnn4j.rnn.RnnConfig;
import io.github.cudnn4j.testing.LeakCheck;
import io.github.cudnn4j.train.Trainer;
import io.github.cudnn4j.train.TrainerConfig;
import java.util.TreeMap;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag(LeakCheck.LEAVES_OBJECTS)
class ModelFailureTest {
  private static final LanguageModelConfig CONFIG = LanguageModelConfig.of(RnnConfig.gru(3, 4));

  /** Nothing works from some call on, so what was made cannot be closed either. */
  @Test
  void theFirstFailureIsThrownAndTheOthersAreSuppressed() {
    assumeTrue(HostControl.ifHost().isPresent(), "only the host device can be made to fail");
    var host = HostControl.get();
    var vocabulary = Vocabulary.of("abc");
    try (var device = Device.open()) {
      var before = host.calls();
      LanguageModel.create(device, vocabulary, CONFIG).close();
      LanguageModel.create(device, vocabulary, CONFIG).close();
      var calls = (host.calls() - before) / 2;
      var withOthers = 0;
      for (var k = 1; k <= calls / 2; k += 3) {
        host.fail(null, k, Cudart.cudaErrorUnknown(), true);
        var e =
            assertThrows(
                RuntimeException.class, () -> LanguageModel.create(device, vocabulary, CONFIG));
        host.clearFault();
        var function =
            e instanceof CudnnException c ? c.function() : ((CudaException) e).function();
        assertNotEquals("cudaFree", function);
        withOthers += e.getSuppressed().length > 0 ? 1 : 0;
      }
      assertTrue(withOthers > 5, withOthers + " failures had others");
    } finally {
      host.clearFault();
    }
  }

  @Test
  void whatCannotBeClosedKeepsNothingElseOpen() {
    assumeTrue(HostControl.ifHost().isPresent(), "only the host device can be made to fail");
    var host = HostControl.get();
    var text = TextWindows.evaluation(new int[50], 2, 6);
    var config = TrainerConfig.of(Optimizer.adam(0.1));
    try (var device = Device.open();
        var model = LanguageModel.create(device, Vocabulary.of("abc"), CONFIG)) {
      Trainer.of(model.parameters(), model, text, config).validation(text).close();
      var expected = new TreeMap<>(host.live());
      var trainer = Trainer.of(model.parameters(), model, text, config).validation(text);
      host.fail("cudaFree", 1, Cudart.cudaErrorUnknown(), false);
      assertThrows(CudaException.class, trainer::close);
      expected.merge(HostCounter.DEVICE_BLOCKS, 1L, Long::sum);
      expected.put(HostCounter.DEVICE_BYTES, host.live(HostCounter.DEVICE_BYTES));
      assertEquals(expected, host.live());
    } finally {
      host.clearFault();
    }
  }
}
