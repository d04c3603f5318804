import io.github.cudnn4j.cuda.Device
import io.github.cudnn4j.model.SequenceClassifier
import io.github.cudnn4j.model.SequenceClassifier.Example
import io.github.cudnn4j.model.SequenceClassifier.Pooling
import io.github.cudnn4j.model.Vocabulary
import io.github.cudnn4j.model.Vocabulary.Units
import io.github.cudnn4j.optim.Optimizer
import io.github.cudnn4j.rnn.RnnConfig
import io.github.cudnn4j.train.Trainer
import io.github.cudnn4j.train.TrainerConfig

var rising = IntStream.range(0, 20).mapToObj(i -> new Example("rising", "up w" + i + " down"))
var falling = IntStream.range(0, 20).mapToObj(i -> new Example("falling", "down w" + i + " up"))
var examples = Stream.concat(rising, falling).toList()
var words = examples.stream().flatMap(example -> Units.WORDS.split(example.text()).stream())
var vocabulary = Vocabulary.mostFrequent(Units.WORDS, words, 100)
var labels = List.of("falling", "rising")

var device = Device.open()
var config = RnnConfig.lstm(16, 16)
var model = SequenceClassifier.create(device, vocabulary, labels, config, Pooling.LAST, 42)
var batches = model.batches(8, 10).over(examples).shuffled(42)
var often = TrainerConfig.of(Optimizer.adamW(0.02)).epochs(10)
var trainer = Trainer.of(model.parameters(), model, batches, often)
var summary = trainer.run()
System.out.println(model.classify(List.of("up w3 w4 down")).getFirst().label())
device.close()
/exit
