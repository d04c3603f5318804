package io.github.cudnn4j.proof;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.cudnn.BiasMode;
import io.github.cudnn4j.cudnn.RnnDataLayout;
import io.github.cudnn4j.cudnn.RnnMode;
import io.github.cudnn4j.rnn.Rnn;
import io.github.cudnn4j.rnn.RnnConfig;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;

/**
 * Gradients against finite differences in double, over configurations drawn from all that can be
 * expressed, dropout among it.
 */
class GradientCheckTest {
  private static final double TOLERANCE = 1e-6;
  private static final int[] SIZES = {1, 2, 3, 4, 5, 7};
  static final long[] seeds = LongStream.range(0, 240).toArray();

  private static Device device;
  private static double worst;
  private static String worstAt = "";

  @BeforeAll
  static void open() {
    device = Device.open();
  }

  @AfterAll
  static void close() {
    device.close();
    System.out.printf(
        Locale.ROOT,
        "Finite differences: %d configurations, worst error %.1e, in %s%n",
        seeds.length,
        worst,
        worstAt);
  }

  @Test
  void theSetupsMeetEverythingOfEveryCell() {
    Set<String> met = new TreeSet<>();
    Arrays.stream(seeds)
        .mapToObj(GradientCheckTest::setup)
        .forEach(setup -> met.addAll(traits(setup)));
    Set<String> all = new TreeSet<>();
    for (RnnMode mode : RnnMode.values()) {
      for (BiasMode bias : BiasMode.values()) {
        all.add(mode + " " + bias);
      }
      for (RnnDataLayout layout : RnnDataLayout.values()) {
        all.add(mode + " " + layout);
      }
      for (String trait : TRAITS) {
        all.add(mode + " " + trait);
      }
    }
    all.addAll(List.of("LSTM projection", "LSTM clip"));
    assertEquals(all, met);
  }

  private static final String[] TRAITS = {
    "1 layers",
    "2 layers",
    "3 layers",
    "1 directions",
    "2 directions",
    "skip",
    "dropout",
    "any order",
    "equal lengths",
    "lengths",
    "empty rows"
  };

  private static List<String> traits(RandomSetup setup) {
    RnnConfig config = setup.config();
    Rows rows = setup.rows();
    boolean empty = rows.lengths().contains(0);
    boolean equal = rows.lengths().stream().allMatch(length -> length == rows.time());
    return Stream.of(
            config.bias().toString(),
            rows.layout().toString(),
            config.layers() + " layers",
            config.directions() + " directions",
            config.inputSkipped() ? "skip" : "",
            config.projects() ? "projection" : "",
            config.clip() == null ? "" : "clip",
            config.dropout() > 0 ? "dropout" : "",
            rows.anyOrder() ? "any order" : "",
            empty ? "empty rows" : equal ? "equal lengths" : "lengths")
        .filter(trait -> !trait.isEmpty())
        .map(trait -> config.mode() + " " + trait)
        .toList();
  }

  private static RandomSetup setup(long seed) {
    return RandomSetup.anything(seed, Precision.FP64, 3, SIZES, 6);
  }

  @ParameterizedTest
  @FieldSource("seeds")
  void derivatives(long seed) {
    RandomSetup setup = setup(seed);
    try (Rnn rnn = Rnn.create(device, setup.config());
        FiniteDifferences differences =
            new FiniteDifferences(rnn, setup, setup.parameters(rnn), setup.inputs())) {
      double error = Math.max(differences.throughAll(), differences.throughEach());
      if (error > worst) {
        worst = error;
        worstAt = setup.toString();
      }
      assertTrue(
          error <= TOLERANCE,
          () -> String.format(Locale.ROOT, "%s: error %.2e > %.0e", setup, error, TOLERANCE));
    }
  }
}
