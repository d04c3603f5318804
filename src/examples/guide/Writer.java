import io.github.cudnn4j.cuda.*;
import io.github.cudnn4j.data.*;
import io.github.cudnn4j.model.*;
import io.github.cudnn4j.optim.*;
import io.github.cudnn4j.rnn.RnnConfig;
import io.github.cudnn4j.train.*;

String continued(InferenceSession.Client client, Vocabulary vocabulary, String text) {
  float[] logits = {};
  for (int token : vocabulary.encode(text)) logits = client.step(token);
  var answer = new StringBuilder(text);
  for (int i = 0; i < 20; i++) {
    int token = Sampling.GREEDY.draw(logits, new Random(1));
    answer.append(vocabulary.symbol(token));
    logits = client.step(token);
  }
  return answer.toString();
}

void main(String[] args) throws IOException {
  if (args.length < 1) throw new IllegalArgumentException("Writer.java FILE");
  String text = Files.readString(Path.of(args[0]));
  var vocabulary = Vocabulary.of(text);
  var shape = LanguageModelConfig.of(RnnConfig.lstm(32, 64));
  try (var device = Device.open();
      var model = LanguageModel.create(device, vocabulary, shape)) {
    var windows = TextWindows.training(vocabulary.encode(text), 16, 32, true);
    var config = TrainerConfig.of(Optimizer.adam(3e-3)).clip(Clip.byNorm(1)).epochs(8);
    try (var trainer = Trainer.of(model.parameters(), model, windows, config)) {
      trainer.listener(TrainingListener.printing(System.out)).run();
    }
    try (var generator = TextGenerator.of(model)) {
      IO.println(generator.generate(text.substring(0, 1), 60, Sampling.temperature(0.7), 1));
    }
    model.parameters().setReadOnly(); // it has learnt enough: it only serves
    // From here on clients of any threads share the device, four at a time.
    try (var session = InferenceSession.start(model.steps(4, 1, 2, 4));
        var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      for (String beginning : text.substring(0, 30).split(" ", 4)) {
        threads.execute( // submit would keep a failure to itself
            () -> {
              try (var client = session.open()) {
                IO.println("answer: " + continued(client, vocabulary, beginning));
              }
            });
      }
    }
  }
}
