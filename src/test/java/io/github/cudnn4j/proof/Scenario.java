package io.github.cudnn4j.proof;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.cuda.Parts;
import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.cudnn.CtcGradientMode;
import io.github.cudnn4j.cudnn.CtcLoss;
import io.github.cudnn4j.cudnn.LossNormalization;
import io.github.cudnn4j.cudnn.RnnDataLayout;
import io.github.cudnn4j.data.BatchSource;
import io.github.cudnn4j.data.TextWindows;
import io.github.cudnn4j.model.InferenceSession;
import io.github.cudnn4j.model.LanguageModel;
import io.github.cudnn4j.model.LanguageModelConfig;
import io.github.cudnn4j.model.Model;
import io.github.cudnn4j.model.Recogniser;
import io.github.cudnn4j.model.Recogniser.Recording;
import io.github.cudnn4j.model.SequenceClassifier;
import io.github.cudnn4j.model.SequenceClassifier.Example;
import io.github.cudnn4j.model.SequenceClassifier.Pooling;
import io.github.cudnn4j.model.SequenceTagger;
import io.github.cudnn4j.model.SequenceTagger.Sentence;
import io.github.cudnn4j.model.TextGenerator;
import io.github.cudnn4j.model.Translator;
import io.github.cudnn4j.model.Translator.Pair;
import io.github.cudnn4j.model.Vocabulary;
import io.github.cudnn4j.optim.Clip;
import io.github.cudnn4j.optim.Optimizer;
import io.github.cudnn4j.optim.ParameterGroup;
import io.github.cudnn4j.rnn.Rnn;
import io.github.cudnn4j.rnn.RnnConfig;
import io.github.cudnn4j.rnn.RnnStateGradients;
import io.github.cudnn4j.rnn.RnnStates;
import io.github.cudnn4j.rnn.SequenceBatch;
import io.github.cudnn4j.rnn.SequenceShape;
import io.github.cudnn4j.tape.Tape;
import io.github.cudnn4j.train.Checkpoint;
import io.github.cudnn4j.train.Checkpoints;
import io.github.cudnn4j.train.Evaluator;
import io.github.cudnn4j.train.Metric;
import io.github.cudnn4j.train.Trainer;
import io.github.cudnn4j.train.TrainerConfig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;

/** Something that this library is for, small, to be done again and again. */
record Scenario(String name, Work work) {
  private static final String TRAINED = "trained";
  private static final String CHARACTERS = "abcde";
  private static final int[] TOKENS = new int[73];

  static {
    Arrays.setAll(TOKENS, i -> 1 + i * i % CHARACTERS.length());
  }

  interface Work {
    /** Does it, with the folder of {@link #prepare}, and returns what came out. */
    Object run(Device device, Path folder) throws IOException;
  }

  static List<Scenario> all() {
    var all = new ArrayList<Scenario>();
    all.add(new Scenario("build", Scenario::build));
    all.add(new Scenario("plan", Scenario::plan));
    all.add(new Scenario("rows", Scenario::rows));
    all.add(new Scenario("lengths", Scenario::lengths));
    for (var precision : List.of(Precision.FP32, Precision.TF32, Precision.FP16, Precision.BF16)) {
      for (var capture : List.of(false, true)) {
        all.add(
            new Scenario(
                "train " + precision + (capture ? " captured" : " eager"),
                (device, folder) -> train(device, precision, capture, trainer -> {})));
      }
    }
    all.add(new Scenario("checkpoint", Scenario::checkpoint));
    all.add(new Scenario("resume", Scenario::resume));
    all.add(new Scenario("evaluate", Scenario::evaluate));
    all.add(new Scenario("generate", Scenario::generate));
    all.add(new Scenario("ctc", Scenario::ctc));
    all.add(new Scenario("classify", Scenario::classify));
    all.add(new Scenario("tag", Scenario::tag));
    all.add(new Scenario("translate", Scenario::translate));
    all.add(new Scenario("recognise", Scenario::recognise));
    all.add(new Scenario("serve", Scenario::serve));
    return all;
  }

  /** Writes what the scenarios read: the checkpoints of a training. */
  static void prepare(Path folder) throws IOException {
    try (var device = Device.open()) {
      var checkpoints = Checkpoints.in(folder.resolve(TRAINED), 1);
      train(device, Precision.FP32, false, trainer -> trainer.checkpoints(checkpoints));
    }
  }

  Object run(Device device, Path folder) throws IOException {
    return work.run(device, folder);
  }

  @Override
  public String toString() {
    return name;
  }

  private static TextWindows batches() {
    return TextWindows.training(TOKENS, 3, 4, false);
  }

  private static TextWindows heldOut() {
    return TextWindows.evaluation(TOKENS, 2, 6);
  }

  private static LanguageModel model(Device device, Precision precision) {
    var network = RnnConfig.lstm(6, 8).layers(2).dropout(0.1, 3).precision(precision);
    var config = LanguageModelConfig.of(network).seed(3);
    return LanguageModel.create(device, Vocabulary.of(CHARACTERS), config);
  }

  private static TrainerConfig config() {
    return TrainerConfig.of(Optimizer.adam(0.01))
        .clip(Clip.byNorm(1))
        .steps(5)
        .logEvery(2)
        .checkpointEvery(3);
  }

  private static Object train(
      Device device, Precision precision, boolean capture, Consumer<Trainer> more)
      throws IOException {
    try (var model = model(device, precision);
        var trainer = Trainer.of(model.parameters(), model, batches(), config().capture(capture))) {
      more.accept(trainer);
      return trainer.validation(heldOut()).run().loss();
    }
  }

  private static Object build(Device device, Path folder) {
    try (var model = model(device, Precision.FP32)) {
      Trainer.of(model.parameters(), model, batches(), config()).close();
      return model.parameters().names();
    }
  }

  private static Object checkpoint(Device device, Path folder) throws IOException {
    var checkpoints = Checkpoints.in(Files.createTempDirectory(folder, "training"), 2);
    return train(device, Precision.FP32, true, trainer -> trainer.checkpoints(checkpoints));
  }

  private static Checkpoint trained(Path folder) throws IOException {
    return Checkpoints.in(folder.resolve(TRAINED), 1).latest().orElseThrow();
  }

  private static LanguageModel load(Device device, Path folder) throws IOException {
    return (LanguageModel) Model.of(device, trained(folder));
  }

  private static Object resume(Device device, Path folder) throws IOException {
    try (var model = model(device, Precision.FP32);
        var trainer = Trainer.of(model.parameters(), model, batches(), config().steps(7))) {
      trainer.resume(trained(folder));
      return trainer.run().loss();
    }
  }

  private static Object evaluate(Device device, Path folder) throws IOException {
    try (var model = load(device, folder)) {
      return Evaluator.loss(model.parameters(), model, heldOut());
    }
  }

  private static Object generate(Device device, Path folder) throws IOException {
    try (var model = load(device, folder);
        var generator = TextGenerator.of(model)) {
      return generator.generate("ab", 6, 1, 5);
    }
  }

  private static Object ctc(Device device, Path folder) {
    try (var loss =
            CtcLoss.create(device, LossNormalization.SOFTMAX, CtcGradientMode.ZERO, 4, 2, 3, 3);
        var x = DeviceBuffer.allocate(device, ElementType.FLOAT32, 4 * 2 * 3);
        var costs = DeviceBuffer.allocate(device, ElementType.FLOAT32, 2);
        var dx = DeviceBuffer.allocate(device, ElementType.FLOAT32, x.elements())) {
      x.clear();
      loss.labels(new int[] {1, 1, 2}, new int[] {2, 1}, new int[] {4, 3});
      loss.forward(x, costs, dx);
      return List.of(Arrays.toString(costs.toFloats()), Arrays.toString(dx.toFloats()));
    }
  }

  private static Object classify(Device device, Path folder) throws IOException {
    var examples = List.of(new Example("x", "ab"), new Example("y", "cdcd"), new Example("x", "e"));
    var config = RnnConfig.gru(3, 4).bidirectional().dropout(0.1, 3);
    var words = Vocabulary.of(CHARACTERS);
    try (var model =
        SequenceClassifier.create(device, words, List.of("x", "y"), config, Pooling.LAST, 1)) {
      var source = model.batches(1, 8).shapes(4).over(examples);
      train(model, source.shuffled(1), config().microBatches(2).steps(3), Metric.macroF1());
      return model.classify(List.of("abc", "d")).toString();
    }
  }

  private static Object tag(Device device, Path folder) throws IOException {
    var words = Vocabulary.of(Vocabulary.Units.WORDS, List.of("a", "b"));
    var sentence = new Sentence(List.of("a", "b", "c"), List.of("O", "B-X", "O"));
    var config = RnnConfig.lstm(3, 4);
    try (var model = SequenceTagger.create(device, words, List.of("O", "B-X"), config, true, 1)) {
      var group = ParameterGroup.of("embed*").rateFactor(0.5).clip(Clip.byNorm(1));
      train(model, model.batches(2, 4).over(List.of(sentence)), config().groups(group));
      return model.tag(List.of(sentence.words()));
    }
  }

  private static Object translate(Device device, Path folder) throws IOException {
    var letters = Vocabulary.of(CHARACTERS);
    var pairs = List.of(new Pair("ab", "ba"), new Pair("cde", "edc"));
    try (var model = Translator.create(device, letters, letters, RnnConfig.gru(3, 4), 1)) {
      train(model, model.batches(2, 4, 4).over(pairs), config().steps(2));
      return model.translate(List.of("ab", "c"), 2, 3);
    }
  }

  private static Object recognise(Device device, Path folder) throws IOException {
    var recording = new Recording(new float[][] {{1, 2}, {0, 1}, {3, 1}, {1, 1}}, "ab");
    try (var model = Recogniser.create(device, Vocabulary.of(CHARACTERS), RnnConfig.gru(2, 3), 1)) {
      train(model, model.batches(2, 5, 3).over(List.of(recording)), config().steps(2));
      return model.recognise(List.<float[][]>of(recording.frames()), 2);
    }
  }

  private static void train(
      Model model, BatchSource source, TrainerConfig config, Metric... metrics) throws IOException {
    try (var trainer = Trainer.of(model.parameters(), model, source, config.epochs(9))) {
      trainer.validation(source, metrics).run();
    }
  }

  private static Object serve(Device device, Path folder) throws IOException {
    try (var model = load(device, folder);
        var afterwards = new Parts()) {
      // What is closed by a thread that cannot take the device over stays open until that is.
      afterwards.add(device::checkAccess);
      try (var session = InferenceSession.start(model.steps(2, 1, 2));
          var client = session.open()) {
        client.step(1);
        return Arrays.toString(client.step(2));
      }
    } catch (IllegalStateException e) {
      // What a client is told: the failure of the device is the cause.
      if (e.getCause() instanceof RuntimeException cause) {
        Arrays.stream(e.getSuppressed()).forEach(cause::addSuppressed);
        throw cause;
      }
      throw e;
    }
  }

  private static Object plan(Device device, Path folder) {
    var config = RnnConfig.gru(3, 5).bidirectional().layers(2).dropout(0.2, 7).autoAlgorithm();
    try (var rnn = Rnn.create(device, config);
        var plan = rnn.plan(SequenceShape.of(4, 2));
        var x = DeviceBuffer.allocate(device, ElementType.FLOAT32, plan.inputElements());
        var y = DeviceBuffer.allocate(device, ElementType.FLOAT32, plan.outputElements())) {
      rnn.initialize(1);
      rnn.gradients().space().clear();
      x.clear();
      var pass = plan.forward(x, y, RnnStates.NONE);
      pass.backward(y, null);
      return List.of(
          Arrays.toString(y.toFloats()), Arrays.toString(rnn.gradients().space().toFloats()));
    }
  }

  private static Object lengths(Device device, Path folder) {
    try (var rnn = Rnn.create(device, RnnConfig.gru(3, 5).bidirectional());
        var tape = Tape.training(device, Precision.FP32)) {
      rnn.initialize(1);
      rnn.gradients().space().clear();
      var lengths = tape.lengths(2);
      var last = tape.rnn(rnn, tape.input(4, 2, 3), lengths).last();
      tape.crossEntropy(last, tape.indices(2));
      for (int step = 1; step <= 2; step++) {
        lengths.set(step, 4);
        tape.forward();
        tape.backward();
      }
      return List.of(
          Arrays.toString(last.value().toFloats()),
          Arrays.toString(rnn.gradients().space().toFloats()));
    }
  }

  private static Object rows(Device device, Path folder) {
    try (var rnn = Rnn.create(device, RnnConfig.lstm(3, 5));
        var rows = SequenceBatch.create(rnn, RnnDataLayout.SEQ_MAJOR_UNPACKED, 4, 2, 0, 4);
        var x = DeviceBuffer.allocate(device, ElementType.FLOAT32, rows.inputElements());
        var y = DeviceBuffer.allocate(device, ElementType.FLOAT32, rows.outputElements())) {
      rnn.initialize(1);
      rnn.gradients().space().clear();
      x.clear();
      rows.forward(x, y, RnnStates.NONE);
      rows.backward(y, x, RnnStateGradients.NONE);
      return List.of(
          Arrays.toString(y.toFloats()), Arrays.toString(rnn.gradients().space().toFloats()));
    }
  }
}
