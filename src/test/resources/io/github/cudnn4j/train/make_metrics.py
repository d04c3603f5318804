"""Writes metrics.json: sequences, and what sacrebleu, seqeval and jiwer say about them.

Made with sacrebleu 2.6.0, seqeval 1.2.2 and jiwer 4.0.0; the tests only need the file.
"""

import json
import pathlib
import random

import jiwer
import sacrebleu
from seqeval.metrics.sequence_labeling import precision_recall_fscore_support as lenient
from seqeval.metrics.v1 import precision_recall_fscore_support as strict
from seqeval.scheme import IOB2


def changed(words, vocabulary, rate):
    result = []
    for word in words:
        kind = random.random() / rate
        if kind < 1 / 3:
            result.append(random.choice(vocabulary))
        elif kind < 2 / 3:
            result += [word, random.choice(vocabulary)]
        elif kind >= 1:
            result.append(word)
    return result


def translations(count, references, rate, longest):
    vocabulary = ["the", "a", "is", "on", "cat", "mat", "größer", "😀", ",", "."]
    predicted, right = [], []
    for _ in range(count):
        words = random.choices(vocabulary, k=random.randint(1, longest))
        right.append([words] + [changed(words, vocabulary, 0.3) for _ in range(references - 1)])
        predicted.append(changed(words, vocabulary, rate))
    texts = [" ".join(words) for words in predicted]
    streams = [[" ".join(each[i]) for each in right] for i in range(references)]
    bleu = sacrebleu.corpus_bleu(texts, streams, tokenize="none", force=True)
    case = {"predicted": predicted, "right": right, "bleu": bleu.score, "brevity": bleu.bp}
    if references == 1:
        first = streams[0]
        case["words"] = jiwer.wer(first, texts)
        case["characters"] = jiwer.cer(first, texts)
    return case


def spans(count):
    tags = ["O", "O", "B-PER", "I-PER", "B-LOC", "I-LOC", "I-LOC"]
    right = [random.choices(tags, k=random.randint(1, 12)) for _ in range(count)]
    predicted = [[random.choice(tags) if random.random() < 0.2 else tag for tag in each]
                 for each in right]

    def scores(measure, **scheme):
        micro, macro = (measure(right, predicted, average=average, zero_division=0, **scheme)
                        for average in ("micro", "macro"))
        return [float(number) for number in (*micro[:3], macro[2])]

    return {"right": right, "predicted": predicted, "lenient": scores(lenient),
            "iob2": scores(strict, scheme=IOB2)}


random.seed(12)
cases = {
    "translations": [translations(30, 1, 0.2, 12), translations(10, 1, 0.9, 6),
                     translations(12, 3, 0.4, 15), translations(5, 1, 0.2, 3)],
    "spans": [spans(30), spans(2)],
}
pathlib.Path(__file__).with_name("metrics.json").write_text(
    json.dumps(cases, ensure_ascii=False) + "\n", encoding="utf-8")
