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

fun main() {
    val examples = (0..19).flatMap {
        listOf(Example("rising", "up w$it down"), Example("falling", "down w$it up"))
    }
    val words = examples.flatMap { Units.WORDS.split(it.text) }
    val vocabulary = Vocabulary.mostFrequent(Units.WORDS, words.stream(), 100)
    val labels = listOf("falling", "rising")
    Device.open().use { device ->
        SequenceClassifier.create(
            device, vocabulary, labels, RnnConfig.lstm(16, 16), Pooling.LAST, 42
        ).use { model ->
            val batches = model.batches(8, 10).over(examples)
            val config = TrainerConfig.of(Optimizer.adamW(0.02)).epochs(10)
            Trainer.of(model.parameters(), model, batches, config).use { it.run() }
            println(model.classify(listOf("up w3 w4 down")).first().label)
        }
    }
}
