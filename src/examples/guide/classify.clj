(import (io.github.cudnn4j.cuda Device)
        (io.github.cudnn4j.data Batches)
        (io.github.cudnn4j.model SequenceClassifier SequenceClassifier$Example
                                 SequenceClassifier$Pooling Vocabulary Vocabulary$Units)
        (io.github.cudnn4j.optim Optimizer)
        (io.github.cudnn4j.rnn RnnConfig)
        (io.github.cudnn4j.train Trainer TrainerConfig)
        (java.util List))

(def examples
  (mapcat (fn [i] [(SequenceClassifier$Example. "rising" (str "up w" i " down"))
                   (SequenceClassifier$Example. "falling" (str "down w" i " up"))])
          (range 20)))

(def words
  (mapcat #(.split Vocabulary$Units/WORDS (.text ^SequenceClassifier$Example %)) examples))

(with-open [device (Device/open)
            model (SequenceClassifier/create
                   device
                   (Vocabulary/mostFrequent Vocabulary$Units/WORDS (.stream ^List words) 100)
                   ["falling" "rising"]
                   (RnnConfig/lstm 16 16)
                   SequenceClassifier$Pooling/LAST
                   42)]
  (let [batches (.over ^Batches (.batches model 8 10) ^List examples)
        config (.epochs (TrainerConfig/of (Optimizer/adamW 0.02)) 10)]
    (with-open [trainer (Trainer/of (.parameters model) model batches config)]
      (.run trainer)))
  (println (.label (first (.classify model ["up w3 w4 down"])))))
