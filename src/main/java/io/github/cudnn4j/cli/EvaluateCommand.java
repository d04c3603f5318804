package io.github.cudnn4j.cli;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.data.TextWindows;
import io.github.cudnn4j.data.Tokens;
import io.github.cudnn4j.io.Json;
import io.github.cudnn4j.model.Corpus;
import io.github.cudnn4j.model.LanguageModel;
import io.github.cudnn4j.model.Text;
import io.github.cudnn4j.model.Vocabulary;
import io.github.cudnn4j.model.Vocabulary.Units;
import io.github.cudnn4j.train.Evaluator;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** Measures a trained model on a text. */
@Command(
    name = "evaluate",
    description = {
      "Measure a trained model on a text: perplexity beside the uniform guess.",
      "Prints one JSON object."
    },
    mixinStandardHelpOptions = true,
    sortOptions = false)
final class EvaluateCommand implements Callable<Integer> {

  @Mixin private CheckpointOption checkpoint = new CheckpointOption();
  @Mixin private TextOptions text = new TextOptions();

  @Mixin private WindowOptions window = new WindowOptions();
  @Mixin private DeviceOption device = new DeviceOption();

  @Spec private CommandSpec spec;

  @Override
  public Integer call() throws IOException {
    window.check();
    try (Device opened = Device.open(device.choice());
        LanguageModel model = checkpoint.load(opened)) {
      Vocabulary vocabulary = model.vocabulary();
      Units units = vocabulary.units();
      Text content = text.open(units);
      Tokens tokens = Corpus.of(content, vocabulary, 0, 0).training();
      double loss =
          Evaluator.loss(
              model.parameters(),
              model,
              TextWindows.evaluation(tokens, window.batch(), window.time()));
      if (!Double.isFinite(loss)) {
        throw new IOException(
            "the loss is "
                + loss
                + ": the model's numbers are beyond what "
                + model.precision()
                + " holds");
      }
      Map<String, Object> result = new LinkedHashMap<>();
      result.put("perplexity", Math.exp(loss));
      result.put("loss", loss);
      double bits = loss / Math.log(2);
      long characters = characters(content, units);
      result.put("bitsPerCharacter", bits * tokens.length() / characters);
      result.put("bitsPer" + capital(units.one()), bits);
      result.put("uniformPerplexity", vocabulary.size());
      result.put("characters", characters);
      result.put(units.many(), tokens.length());
      result.put("unknown" + capital(units.many()), unknown(tokens));
      result.put("device", opened.name());
      spec.commandLine().getOut().println(Json.write(result));
    }
    return 0;
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

  private static String capital(String name) {
    return name.substring(0, 1).toUpperCase(Locale.ROOT) + name.substring(1);
  }

  private static long unknown(Tokens tokens) {
    long count = 0;
    for (long i = 0; i < tokens.length(); i++) {
      count += tokens.get(i) == 0 ? 1 : 0;
    }
    return count;
  }
}
