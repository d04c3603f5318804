package io.github.cudnn4j.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.model.SequenceClassifier.Pooling;
import io.github.cudnn4j.model.Vocabulary.Units;
import io.github.cudnn4j.rnn.RnnConfig;
import io.github.cudnn4j.tape.Indices;
import io.github.cudnn4j.tape.Lengths;
import io.github.cudnn4j.tape.Tape;
import io.github.cudnn4j.tape.Tensor;
import io.github.cudnn4j.testing.Closeness;
import io.github.cudnn4j.testing.JavaProcess;
import io.github.cudnn4j.testing.OnnxRuntime;
import io.github.cudnn4j.testing.OnnxRuntime.Array;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Ready-made models in ONNX Runtime. */
class ModelOnnxTest {

  private static final Closeness CLOSENESS = Closeness.within(1e-5);
  private static final Vocabulary WORDS =
      Vocabulary.mostFrequent(Units.WORDS, Stream.of("a", "b", "c", "d", "e", "f"), 6);

  @TempDir private Path folder;

  private Device device;
  private final Random random = new Random(5);

  @BeforeEach
  void open() {
    device = Device.open();
  }

  @AfterEach
  void close() {
    device.close();
  }

  /** Records a network. */
  private interface Network {
    Tensor on(Tape tape, Indices tokens, Lengths lengths);
  }

  private int[] tokens(int count) {
    return random.ints(count, 0, WORDS.size()).toArray();
  }

  private static Array longs(int[] tokens, long... shape) {
    return new Array(Arrays.stream(tokens).asLongStream().toArray(), shape);
  }

  /** Compares an output for batches of several shapes, with rows of several lengths. */
  private void compare(Model model, Network network, String output) throws Exception {
    Path file = folder.resolve("model.onnx");
    model.onnx().write(file);
    try (OnnxRuntime other = OnnxRuntime.load(model.onnx().toByteArray())) {
      for (int[] lengths : new int[][] {{4}, {1, 7, 3}, {2, 2}}) {
        int time = Arrays.stream(lengths).max().orElseThrow();
        int batch = lengths.length;
        int[] tokens = tokens(time * batch);
        try (Tape tape = Tape.inference(device, Precision.FP32)) {
          Indices own = tape.indices(time, batch);
          own.buffer().copyFrom(tokens);
          Lengths ownLengths = tape.lengths(batch);
          ownLengths.set(lengths);
          Tensor expected = network.on(tape, own, ownLengths);
          tape.forward();
          var outputs =
              other.run(
                  Map.of(
                      "tokens", longs(tokens, time, batch), "lengths", new Array(lengths, batch)));
          CLOSENESS.check(
              output + Arrays.toString(lengths),
              new Array(expected.value().toFloats()).doubles(),
              outputs.get(output).doubles());
        }
      }
    }
    JavaProcess loading = JavaProcess.run(OnnxRuntime.class, List.of(), Map.of(), file.toString());
    assertEquals("", loading.errors());
    assertEquals(0, loading.status());
  }

  @ParameterizedTest
  @EnumSource
  void aClassifiersProbabilitiesAreOurs(Pooling pooling) throws Exception {
    RnnConfig config = RnnConfig.lstm(5, 6).layers(2).bidirectional().dropout(0.5, 1);
    try (SequenceClassifier model =
        SequenceClassifier.create(device, WORDS, List.of("x", "y", "z"), config, pooling, 1)) {
      compare(model, model::logits, "logits");
      compare(
          model,
          (tape, tokens, lengths) -> tape.softmax(model.logits(tape, tokens, lengths)),
          "probabilities");
    }
  }

  @Test
  void aTaggersEmissionsAreOurs() throws Exception {
    try (SequenceTagger model =
        SequenceTagger.create(
            device, WORDS, List.of("x", "y"), RnnConfig.gru(5, 6).bidirectional(), true, 1)) {
      compare(model, model::emissions, "emissions");
    }
  }

  @Test
  void aRecognisersLogitsAreOurs() throws Exception {
    int[] lengths = {2, 5};
    int bands = 3;
    float[] frames = new float[5 * 2 * bands];
    for (int i = 0; i < frames.length; i++) {
      frames[i] = random.nextFloat(-1, 1);
    }
    try (Recogniser model =
            Recogniser.create(
                device, Vocabulary.of("abc"), RnnConfig.lstm(bands, 6).bidirectional(), 1);
        Tape tape = Tape.inference(device, Precision.FP32);
        OnnxRuntime other = OnnxRuntime.load(model.onnx().toByteArray())) {
      Tensor own = tape.input(5, 2, bands);
      own.value().copyFrom(frames);
      Lengths ownLengths = tape.lengths(2);
      ownLengths.set(lengths);
      Tensor expected = model.logits(tape, own, ownLengths);
      tape.forward();
      var outputs =
          other.run(
              Map.of("frames", new Array(frames, 5, 2, bands), "lengths", new Array(lengths, 2)));
      CLOSENESS.check(
          "logits",
          new Array(expected.value().toFloats()).doubles(),
          outputs.get("logits").doubles());
    }
  }

  /** A text in two pieces, the state of the first going in with the second. */
  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void aLanguageModelGoesOnWhereItWas(boolean embedded) throws Exception {
    LanguageModelConfig config =
        embedded
            ? LanguageModelConfig.of(RnnConfig.lstm(6, 6).layers(2)).tied(true)
            : LanguageModelConfig.of(RnnConfig.gru(WORDS.size(), 6)).oneHot(true);
    int batch = 2;
    try (LanguageModel model = LanguageModel.create(device, WORDS, config);
        Tape tape = Tape.inference(device, Precision.FP32);
        OnnxRuntime other = OnnxRuntime.load(model.onnx().toByteArray())) {
      int time = 3;
      Indices own = tape.indices(time, batch);
      Tensor logits = model.logits(tape, own);
      int elements = config.network().layers() * batch * config.network().hiddenSize();
      long[] shape = {config.network().layers(), batch, config.network().hiddenSize()};
      Map<String, Array> inputs = new HashMap<>();
      inputs.put("h0", new Array(new float[elements], shape));
      if (embedded) {
        inputs.put("c0", new Array(new float[elements], shape));
      }
      for (int piece = 0; piece < 2; piece++) {
        int[] tokens = tokens(time * batch);
        own.buffer().copyFrom(tokens);
        tape.forward();
        tape.carry();
        inputs.put("tokens", longs(tokens, time, batch));
        var outputs = other.run(inputs);
        CLOSENESS.check(
            "piece " + piece,
            new Array(logits.value().toFloats()).doubles(),
            outputs.get("logits").doubles());
        inputs.put("h0", outputs.get("h"));
        if (embedded) {
          inputs.put("c0", outputs.get("c"));
        }
      }
    }
  }

  @Test
  void whatOnnxHasNotIsRefused() {
    LanguageModelConfig config = LanguageModelConfig.of(RnnConfig.lstm(4, 6).projection(3));
    try (LanguageModel model = LanguageModel.create(device, WORDS, config)) {
      assertThrows(IllegalArgumentException.class, model::onnx);
    }
  }
}
