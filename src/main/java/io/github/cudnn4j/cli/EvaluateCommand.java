package io.github.cudnn4j.cli;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.data.TextWindows;
import io.github.cudnn4j.data.Tokens;
import io.github.cudnn4j.io.Json;
import io.github.cudnn4j.model.Corpus;
import io.github.cudnn4j.model.LanguageModel;
import io.github.cudnn4j.model.Text;
import io.github.cudnn4j.train.Evaluator;
import java.io.IOException;
import java.util.LinkedHashMap;
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
    Text content = text.open();
    try (Device opened = Device.open(device.choice());
        LanguageModel model = checkpoint.load(opened)) {
      Tokens tokens = Corpus.of(content, model.vocabulary(), 0, 0).training();
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
      result.put("bitsPerCharacter", loss / Math.log(2));
      result.put("uniformPerplexity", model.vocabulary().size());
      result.put("characters", tokens.length());
      result.put("unknownCharacters", unknown(tokens));
      result.put("device", opened.name());
      spec.commandLine().getOut().println(Json.write(result));
    }
    return 0;
  }

  private static long unknown(Tokens tokens) {
    long count = 0;
    for (long i = 0; i < tokens.length(); i++) {
      count += tokens.get(i) == 0 ? 1 : 0;
    }
    return count;
  }
}
