import io.github.cudnn4j.cuda.Device
import io.github.cudnn4j.model.{SequenceClassifier, Vocabulary}
import io.github.cudnn4j.model.SequenceClassifier.{Example, Pooling}
import io.github.cudnn4j.model.Vocabulary.Units
import io.github.cudnn4j.optim.Optimizer
import io.github.cudnn4j.rnn.RnnConfig
import io.github.cudnn4j.train.{Trainer, TrainerConfig}
import scala.jdk.CollectionConverters._
import scala.util.Using

object Classify {
  def main(arguments: Array[String]): Unit = {
    val examples = (0 until 20).flatMap { i =>
      Seq(new Example("rising", s"up w$i down"), new Example("falling", s"down w$i up"))
    }
    val words = examples.flatMap(example => Units.WORDS.split(example.text).asScala)
    val vocabulary = Vocabulary.mostFrequent(Units.WORDS, words.asJava.stream, 100)
    val labels = Seq("falling", "rising").asJava
    Using.Manager { use =>
      val device = use(Device.open())
      val model = use(
        SequenceClassifier
          .create(device, vocabulary, labels, RnnConfig.lstm(16, 16), Pooling.LAST, 42)
      )
      val batches = model.batches(8, 10).over(examples.asJava)
      val config = TrainerConfig.of(Optimizer.adamW(0.02)).epochs(10)
      use(Trainer.of(model.parameters, model, batches, config)).run()
      println(model.classify(Seq("up w3 w4 down").asJava).getFirst.label)
    }.get
  }
}
