package io.github.cudnn4j.cli;

import io.github.cudnn4j.cli.Recordings.Spoken;
import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.data.BatchSource;
import io.github.cudnn4j.data.TextWindows;
import io.github.cudnn4j.data.Tokens;
import io.github.cudnn4j.io.Json;
import io.github.cudnn4j.model.Corpus;
import io.github.cudnn4j.model.LanguageModel;
import io.github.cudnn4j.model.Model;
import io.github.cudnn4j.model.Recogniser;
import io.github.cudnn4j.model.Recogniser.Recording;
import io.github.cudnn4j.model.SequenceClassifier;
import io.github.cudnn4j.model.SequenceClassifier.Example;
import io.github.cudnn4j.model.SequenceTagger;
import io.github.cudnn4j.model.SequenceTagger.Sentence;
import io.github.cudnn4j.model.Text;
import io.github.cudnn4j.model.Translator;
import io.github.cudnn4j.model.Translator.Pair;
import io.github.cudnn4j.model.Vocabulary;
import io.github.cudnn4j.model.Vocabulary.Units;
import io.github.cudnn4j.train.Evaluator;
import io.github.cudnn4j.train.Metric;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Measures a trained model on data. */
@Command(
    name = "evaluate",
    description = {
      "Measure a trained model: a language model on a text, perplexity beside the uniform guess;"
          + " others on records.",
      "Prints one JSON object."
    },
    mixinStandardHelpOptions = true,
    sortOptions = false)
final class EvaluateCommand implements Callable<Integer> {

  @Mixin private CheckpointOption checkpoint = new CheckpointOption();
  @Mixin private TextOptions text = new TextOptions();

  @Option(
      names = "--data",
      paramLabel = "FILE",
      description = "Records in the form that another model was trained on; instead of --text.")
  private @Nullable Path data;

  @Mixin private EncodingOption encoding = new EncodingOption();
  @Mixin private WindowOptions window = new WindowOptions();
  @Mixin private DeviceOption device = new DeviceOption();

  @Spec private CommandSpec spec;

  @Override
  public Integer call() throws IOException {
    window.check();
    try (Device opened = Device.open(device.choice());
        Model model = checkpoint.load(opened)) {
      Map<String, Object> result =
          switch (model) {
            case LanguageModel languageModel -> evaluate(languageModel);
            case SequenceClassifier classifier -> evaluate(classifier);
            case SequenceTagger tagger -> evaluate(tagger);
            case Translator translator -> evaluate(translator);
            case Recogniser recogniser -> evaluate(recogniser);
            default ->
                throw usage("there is no way to evaluate a " + Model.kind(model.configuration()));
          };
      result.put("device", opened.name());
      spec.commandLine().getOut().println(Json.write(result));
    }
    return 0;
  }

  private Map<String, Object> evaluate(LanguageModel model) throws IOException {
    if (data != null || !text.isGiven()) {
      throw usage("the checkpoint holds a language model, which is evaluated on --text FILE");
    }
    Vocabulary vocabulary = model.vocabulary();
    Units units = vocabulary.units();
    Text content = text.open(encoding, units);
    Tokens tokens = Corpus.of(content, vocabulary, 0, 0).training();
    double loss =
        measure(model, TextWindows.evaluation(tokens, window.batch(), window.time())).loss();
    Map<String, Object> result = new LinkedHashMap<>();
    result.put("perplexity", Math.exp(loss));
    result.put("loss", loss);
    double bits = loss / Math.log(2);
    long characters = characters(content, units);
    result.put("bitsPerCharacter", bits * tokens.length() / characters);
    result.put("bitsPer" + Score.capital(units.one()), bits);
    result.put("uniformPerplexity", vocabulary.size());
    result.put("characters", characters);
    result.put(units.many(), tokens.length());
    result.put("unknown" + Score.capital(units.many()), unknown(tokens));
    return result;
  }

  private Map<String, Object> evaluate(SequenceClassifier model) throws IOException {
    Vocabulary vocabulary = model.vocabulary();
    List<Example> examples =
        ClassifierFile.read("--data", data(model), encoding, vocabulary.units(), model.labels());
    int longest = longest(examples.stream().map(e -> vocabulary.encode(e.text())));
    return result(model, model.batches(window.batch(), longest).over(examples), examples.size());
  }

  private Map<String, Object> evaluate(SequenceTagger model) throws IOException {
    List<Sentence> sentences = TaggerFile.read("--data", data(model), encoding, model.tags());
    int longest = sentences.stream().mapToInt(s -> s.words().size()).max().orElseThrow();
    return result(model, model.batches(window.batch(), longest).over(sentences), sentences.size());
  }

  private Map<String, Object> evaluate(Translator model) throws IOException {
    List<Pair> pairs = TranslatorFile.read("--data", data(model), encoding);
    int source = longest(pairs.stream().map(pair -> model.source().encode(pair.source())));
    int target = longest(pairs.stream().map(pair -> model.target().encode(pair.target())));
    BatchSource batches = model.batches(window.batch(), source + 1, target + 1).over(pairs);
    return result(model, batches, pairs.size());
  }

  private Map<String, Object> evaluate(Recogniser model) throws IOException {
    List<Spoken> spoken = Recordings.read("--data", data(model), encoding, model.vocabulary());
    List<Recording> recordings = Recordings.of(spoken, Recordings.features(model.configuration()));
    List<Recording> taken =
        recordings.stream().filter(r -> Recordings.fits(r, Integer.MAX_VALUE)).toList();
    if (taken.isEmpty()) {
      throw new IOException(
          data(model) + ": all recordings are without sound or have too many characters");
    }
    BatchSource batches = Recordings.batches(model, window.batch(), taken).over(taken);
    Map<String, Object> result = result(model, batches, taken.size());
    result.put("leftOut", recordings.size() - taken.size());
    return result;
  }

  private Map<String, Object> result(Model model, BatchSource source, int records)
      throws IOException {
    Evaluator.Result measured = measure(model, source);
    Map<String, Object> result = new LinkedHashMap<>(measured.metrics());
    result.put("loss", measured.loss());
    result.put("records", records);
    return result;
  }

  private static int longest(Stream<int[]> sequences) {
    return sequences.mapToInt(sequence -> sequence.length).max().orElseThrow();
  }

  private static Evaluator.Result measure(Model model, BatchSource source) throws IOException {
    Metric[] metrics = model.metrics().toArray(Metric[]::new);
    try (Evaluator evaluator = Evaluator.create(model.parameters(), model, source, metrics)) {
      Evaluator.Result result = evaluator.evaluate();
      if (!Double.isFinite(result.loss())) {
        throw new IOException(
            "the loss is "
                + result.loss()
                + ": the model's numbers are beyond what "
                + model.precision()
                + " holds");
      }
      return result;
    }
  }

  /** Returns the records for a model that is not one of language. */
  private Path data(Model model) {
    if (data == null || text.isGiven()) {
      throw usage(
          "the checkpoint holds a "
              + Model.kind(model.configuration())
              + ", which is evaluated on --data FILE");
    }
    return data;
  }

  private ParameterException usage(String message) {
    return new ParameterException(spec.commandLine(), message);
  }

  /** Of bytes, as many as UTF-8 begins with them. */
  private static long characters(Text text, Units units) throws IOException {
    long[] count = {0};
    text.read(
        symbol -> {
          count[0] += units == Units.BYTES && (symbol & 0xC0) == 0x80 ? 0 : 1;
          return true;
        });
    return count[0];
  }

  private static long unknown(Tokens tokens) {
    long count = 0;
    for (long i = 0; i < tokens.length(); i++) {
      count += tokens.get(i) == 0 ? 1 : 0;
    }
    return count;
  }
}
