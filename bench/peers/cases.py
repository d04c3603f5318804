"""What is compared: which work, in which sets, and what it costs at least."""

import re
from dataclasses import dataclass, field
from itertools import zip_longest

# What a compared figure must reach on the host device; see README.md.
TRAIN_LSTM = (
    "LSTM_28_256_B32_T35",
    "LSTM_256_256_B32_T35",
    "LSTM_512_512_B64_T64",
    "LSTM_28_32_B1024_T32",
    "LSTM_256_256_L2_BI_B32_T35",
)
TRAIN_GRU = ("GRU_28_256_B32_T35", "GRU_256_256_B32_T35", "GRU_512_512_B32_T35")
TRAIN_VANILLA = (
    "TANH_28_256_B32_T35",
    "RELU_28_256_B32_T35",
    "TANH_256_256_B32_T35",
    "TANH_512_512_B32_T35",
)
MANY_SHORT = ("GRU_28_32_B1024_T32", "TANH_28_32_B1024_T32")
INFER = (
    "LSTM_28_256_B32_T35",
    "GRU_28_256_B32_T35",
    "TANH_28_256_B32_T35",
    "LSTM_512_512_B1_T25",
    "LSTM_256_256_B1_T150",
    "LSTM_512_512_B4_T25",
)
LAYERS = "LSTM_64_64_L2_B1_T100"
D2L = ("TANH_28_256_B32_T35", "GRU_28_256_B32_T35", "LSTM_28_256_B32_T35")
D2L_LAYERS = ("LSTM_28_256_L2_B32_T35",)
TINY = "LSTM_28_8_B1_T1"
CLASSIFY = "LSTM_64_128_L2_BI_B32_T200_ROWS"
CLASSIFY_BATCHES = 4
TRANSLATE = "GRU_256_256_L2_B64_T10_ROWS"
TRANSLATE_BATCHES, TRANSLATE_SYMBOLS = 4, 200
CRF = "TANH_20_1_B32_T64"  # 20 labels
STREAM = ("LSTM_28_256_B1_T1", "LSTM_28_256_B64_T1")

AUTO = "_AUTO"  # of a network's name: by the algorithm that is measured to be the fastest

RNN_PEERS = ("torch", "djl", "c")


@dataclass
class Entry:
    """One side of a case: which peer does which work, beside a busy neighbour or not."""

    peer: str
    kind: str
    name: str
    busy: bool = False

    @property
    def label(self):
        return self.peer + (" (busy core)" if self.busy else "")


@dataclass
class Case:
    """Work that is compared in one go; the first entry is what the others are compared with."""

    group: str
    entries: list = field(default_factory=list)

    @property
    def title(self):
        return f"{self.entries[0].kind} {self.entries[0].name}"


def case(group, kind, name, peers):
    return Case(group, [Entry(peer, kind, name) for peer in ("ours", *peers)])


def lstm_shapes(pairs):
    return [f"LSTM_{h}_{h}_B{b}_T{t}" for h, b, t in pairs]


def in_turn(names):
    """The cells in turn, so that a limit of time leaves some of each."""
    cells = {}
    for name in names:
        cells.setdefault(name.split("_")[0], []).append(name)
    return [name for turn in zip_longest(*cells.values()) for name in turn if name]


def deepbench_training(skip=False):
    """Baidu's DeepBench, code/kernels/rnn_problems.h; I = H."""
    names = [f"RELU_{h}_{h}_B{b}_T50" for h in (1760, 2048, 2560) for b in (16, 32, 64, 128)]
    names += lstm_shapes((h, b, 25) for h in (512, 1024, 2048, 4096) for b in (16, 32, 64, 128))
    names += lstm_shapes((1536, b, 50) for b in (8, 16, 32))
    names += lstm_shapes((256, b, 150) for b in (16, 32, 64))
    times = (187, 375, 750, 1500)
    names += [f"GRU_{h}_{h}_B32_T{t}" for t in times for h in (2816, 2048, 1536, 2560)]
    names += ["GRU_512_512_B32_T1", "GRU_1024_1024_B32_T1500", "GRU_1024_1024_B64_T1500"]
    names = in_turn(names)
    return [name + "_SKIP" for name in names] if skip else names


def deepbench_inference():
    batches = (1, 2, 4)
    names = lstm_shapes((h, b, 25) for h in (512, 1024, 2048) for b in batches)
    names += lstm_shapes((1536, b, 50) for b in batches)
    names += lstm_shapes((256, b, 150) for b in batches)
    hidden, times = (2816, 2048, 1536, 2560), (1500, 750, 375, 187)
    names += [f"GRU_{h}_{h}_B{b}_T{t}" for h in hidden for b in batches for t in times]
    names += [f"GRU_512_512_B{b}_T1" for b in batches]
    return names + [f"GRU_1024_1024_B{b}_T1500" for b in batches]


def smaller(names):
    """Hidden sizes divided by 4, times by 5: what a processor can do in DeepBench's place."""

    def divide(match):
        letter, number = match[1], int(match[2])
        return letter + str(-(-number // 5) if letter == "T" else number // 4)

    return [re.sub(r"((?<![A-Z0-9])|T)(\d+)(?=_|$)", divide, name) for name in names]


def host():
    """The figures that are to be reached on a processor."""
    cases = [case("lstm", "train", name, RNN_PEERS) for name in TRAIN_LSTM]
    cases += [case("gru", "train", name, RNN_PEERS) for name in TRAIN_GRU]
    cases += [case("vanilla", "train", name, RNN_PEERS) for name in TRAIN_VANILLA]
    cases += [case("short", "train", name, ("torch", "djl")) for name in MANY_SHORT]
    cases += [case("infer", "infer", name, ("torch", "djl", "onnx")) for name in INFER]
    cases += [case("layers", "train", LAYERS, ("torch", "djl"))]
    cases += [case("layers", "infer", LAYERS, ("torch", "djl", "onnx"))]
    cases += [case("step", "sgd", name, ("torch", "torch-compile", "djl")) for name in D2L]
    cases += [case("step", "adam", "LSTM_28_256_B32_T35", ("torch",))]
    cases += [case("tiny", "sgd", TINY, ("torch", "djl"))]
    cases += [case("stream", "stream", name, ("torch", "onnx")) for name in STREAM]
    cases += [case("stream", "session", name, ("torch",)) for name in STREAM]
    cases += [case("classify", "classify", CLASSIFY, ("torch",))]
    cases += [case("translate", "translate", TRANSLATE, ("torch",))]
    cases += [case("crf", "crf", CRF, ("torch", "torch-compile"))]
    for equal in ("LSTM_256_256_B32_T35", "GRU_256_256_B32_T35"):
        for varying in ("VAR", "ROWS"):
            name = f"{equal}_{varying}"
            entries = [Entry("ours", "train", name), Entry("ours#2", "train", equal)]
            cases.append(Case("varying", [*entries, Entry("torch", "train", name)]))
    for kind, name in (("train", "LSTM_256_256_B32_T35"), ("sgd", "GRU_28_256_B32_T35")):
        entries = [Entry("ours", kind, name), Entry("ours#2", kind, name, busy=True)]
        cases.append(Case("busy", entries))
    return cases


def gpu_case(group, kind, name, peers):
    """With ours a second time, by the fastest algorithm, which PyTorch too chooses by itself."""
    ours = [Entry("ours", kind, name), Entry("ours#auto", kind, name + AUTO)]
    return Case(group, ours + [Entry(peer, kind, name) for peer in peers])


def gpu(names, kind):
    peers = ("ours-graph", "c", "torch", "torch-graph")
    return [gpu_case("deepbench", kind, name, peers) for name in names]


def d2l():
    peers = ("torch", "torch-graph", "torch-compile")
    cases = [gpu_case("step", "sgd", name, peers) for name in D2L]
    cases += gpu(D2L, "train")
    cases += [gpu_case("step", "sgd", name, peers) for name in D2L_LAYERS]
    cases += [gpu_case("step", "adam", "LSTM_28_256_B32_T35", peers)]
    cases += [gpu_case("tiny", "sgd", TINY, peers)]
    for kind in ("stream", "session"):
        cases += [case("stream", kind, name, ("torch", "torch-graph")) for name in STREAM]
    return cases


SETS = {
    "host": host,
    "d2l": d2l,
    "deepbench": lambda: gpu(deepbench_training(), "train"),
    "deepbench-small": lambda: gpu(smaller(deepbench_training()), "train"),
    "deepbench-skip": lambda: [
        case("deepbench", "train", name, ("c",)) for name in deepbench_training(skip=True)
    ],
    "deepbench-infer": lambda: gpu(deepbench_inference(), "infer"),
    "shapes": lambda: gpu(TRAIN_LSTM + TRAIN_GRU + TRAIN_VANILLA + MANY_SHORT, "train"),
}


class Cost:
    """The least that a work must do, whoever does it."""

    GATES = {"LSTM": 4, "GRU": 3, "TANH": 1, "RELU": 1}
    WIDTH = {"FP16": 2, "BF16": 2, "FP64": 8}

    def __init__(self, kind, name):
        parts = name.split("_")
        gates = self.GATES[parts[0]]
        inputs, hidden = int(parts[1]), int(parts[2])

        def number(letter):
            found = re.search(rf"_{letter}(\d+)", name)
            return int(found[1]) if found else 1

        layers, batch, self.time = number("L"), number("B"), number("T")
        directions = 2 if "BI" in parts else 1
        varying = "VAR" in parts or "ROWS" in parts
        lengths = [-(-self.time * (b + 1) // batch) if varying else self.time for b in range(batch)]
        self.rows = sum(lengths)
        self.precision = next((p for p in parts if p in ("TF32", "FP16", "BF16", "FP64")), "FP32")
        width = self.WIDTH.get(self.precision, 4)
        training = ("train", "sgd", "adam", "classify", "translate", "crf")
        passes = 3 if kind in training else 1
        products = values = 0
        for layer in range(layers):
            size = inputs if layer == 0 else hidden * directions
            matrix = 0 if layer == 0 and "SKIP" in parts else size
            # A whole step has no use for the gradient of the first layer's input.
            input_passes = 2 if layer == 0 and kind in ("sgd", "adam") else passes
            products += directions * gates * hidden * (input_passes * matrix + passes * hidden)
            values += self.rows * (size + hidden * directions)
        if kind == "classify":
            self.rows *= CLASSIFY_BATCHES
            values *= CLASSIFY_BATCHES
        elif kind == "translate":
            self.rows *= TRANSLATE_BATCHES
            products = 2 * products + passes * hidden * (3 * hidden + TRANSLATE_SYMBOLS)
            values *= 2 * TRANSLATE_BATCHES
        elif kind == "crf":
            products, values = passes * inputs * inputs, self.rows * inputs
        elif kind not in ("train", "infer", "forward"):
            products += passes * hidden * directions * inputs
        self.dependent_steps = self.time * (2 if passes == 3 else 1)
        self.flops = 2 * self.rows * products
        self.bytes = width * (products + passes * values)

    def floor(self, peak):
        """Seconds: of multiplying, of moving data, or of one synchronization for each step."""
        flops, bandwidth, step = peak
        return max(self.flops / flops, self.bytes / bandwidth, step * self.dependent_steps)
