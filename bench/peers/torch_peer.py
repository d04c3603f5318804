"""PyTorch's side of a comparison; the protocol is that of bench/java/.../Peer.java.

usage: torch_peer.py eager|graph|compile cpu|cuda

graph captures the work as a CUDA graph and replays it. The number of threads comes from
OMP_NUM_THREADS.
"""

import importlib.util
import math
import os
import sys
import time
from pathlib import Path

import torch
import torch.nn.functional as F

MODE, DEVICE = sys.argv[1], torch.device(sys.argv[2])
THREADS = int(os.environ.get("OMP_NUM_THREADS", "0"))
CHARACTERS = 10_000
CELLS = {"LSTM": torch.nn.LSTM, "GRU": torch.nn.GRU, "TANH": torch.nn.RNN, "RELU": torch.nn.RNN}
TYPES = {
    "FP32": torch.float32,
    "TF32": torch.float32,
    "FP16": torch.float16,
    "BF16": torch.bfloat16,
    "FP64": torch.float64,
}
X, DY, LINEAR_WEIGHT, LINEAR_BIAS, TOKENS, LENGTHS, LABELS, PARAMETERS = 1, 2, 3, 4, 5, 6, 7, 10
CRF = "src/test/resources/io/github/cudnn4j/tape/pytorch_crf.py"


class Unsupported(Exception):
    pass


def bits(salt, n):
    low = 0xFFFFFFFF
    h = (torch.arange(n, dtype=torch.int64) * 0x9E3779B1 + salt * 0x85EBCA6B) & low
    h = ((h ^ (h >> 15)) * 0x2C1B3C6D) & low
    return (h ^ (h >> 12)) >> 8


def floats(salt, shape, scale=1.0):
    values = bits(salt, math.prod(shape)).double() / (1 << 23) - 1
    return (values * scale).float().reshape(shape)


class Workload:
    """What Workload.java reads from the same name."""

    def __init__(self, name):
        parts = name.replace("SMALL_H", "SMALLH").split("_")
        self.cell, self.input, self.hidden = parts[0], int(parts[1]), int(parts[2])
        self.layers, self.batch, self.time = 1, 1, 1
        self.bidirectional = self.varying = self.any_order = False
        self.precision = "FP32"
        for part in parts[3:]:
            if part == "BI":
                self.bidirectional = True
            elif part in ("VAR", "ROWS"):
                self.varying, self.any_order = True, part == "ROWS"
            elif part in TYPES:
                self.precision = part
            elif part in ("SKIP", "STATIC", "DYNAMIC", "SMALLH"):
                raise Unsupported(f"PyTorch has no {part}")
            elif part == "AUTO":
                pass  # PyTorch always chooses by itself
            else:
                key = {"L": "layers", "B": "batch", "T": "time"}[part[0]]
                setattr(self, key, int(part[1:]))
        if self.precision not in ("FP32", "FP64") and DEVICE.type == "cpu":
            raise Unsupported(f"{self.precision} is not compared on a CPU")
        self.dtype = TYPES[self.precision]
        ranks = range(1, self.batch + 1) if self.any_order else range(self.batch, 0, -1)
        self.lengths = [
            -(-self.time * rank // self.batch) if self.varying else self.time for rank in ranks
        ]

    def rnn(self):
        torch.backends.cuda.matmul.allow_tf32 = self.precision == "TF32"
        torch.backends.cudnn.allow_tf32 = self.precision == "TF32"
        options = {} if self.cell in ("LSTM", "GRU") else {"nonlinearity": self.cell.lower()}
        rnn = CELLS[self.cell](
            self.input, self.hidden, self.layers, bidirectional=self.bidirectional, **options
        )
        with torch.no_grad():
            for salt, parameter in enumerate(rnn.parameters(), PARAMETERS):
                parameter.copy_(floats(salt, parameter.shape, self.hidden**-0.5))
        return rnn.to(DEVICE, self.dtype)


class Network:
    """infer, forward or train."""

    def __init__(self, kind, work):
        self.kind, self.work = kind, work
        self.rnn = work.rnn()
        self.rnn.train(kind != "infer")
        width = work.hidden * (2 if work.bidirectional else 1)
        rows = (work.time, work.batch)
        self.lengths = None
        if work.any_order:
            self.lengths = torch.tensor(work.lengths)
        elif work.varying:
            rows = (sum(work.lengths),)
            self.sizes = torch.tensor(
                [sum(n > t for n in work.lengths) for t in range(work.time)]
            )
        self.x = floats(X, (*rows, work.input)).to(DEVICE, work.dtype)
        self.dy = floats(DY, (*rows, width)).to(DEVICE, work.dtype)
        self.x.requires_grad_(kind == "train")
        self.call = torch.compile(self.output) if MODE == "compile" else self.output
        if MODE == "graph":
            self.graph = capture(self.once)

    def output(self, x):
        if self.work.any_order:
            packed = torch.nn.utils.rnn.pack_padded_sequence(
                x, self.lengths, enforce_sorted=False
            )
            y, _ = self.rnn(packed)
            return torch.nn.utils.rnn.pad_packed_sequence(y, total_length=self.work.time)[0]
        if self.work.varying:
            return self.rnn(torch.nn.utils.rnn.PackedSequence(x, self.sizes))[0].data
        return self.rnn(x)[0]

    def once(self):
        self.y = None  # and the autograd graph of the time before
        if self.kind == "infer":
            with torch.inference_mode():
                self.y = self.call(self.x)
            return
        self.rnn.zero_grad()
        self.x.grad = None
        self.y = self.call(self.x)
        if self.kind == "train":
            self.y.backward(self.dy)

    def run(self, times):
        for _ in range(times):
            self.graph.replay() if MODE == "graph" else self.once()

    def check(self):
        self.run(1)
        results = {"y": self.y}
        if self.kind == "train":
            results["dx"] = self.x.grad
            results["dw"] = torch.cat([p.grad.flatten() for p in self.rnn.parameters()])
        return {name: value.double().abs().mean().item() for name, value in results.items()}


class Steps:
    """Whole training steps of a character model, as StepWork.java."""

    def __init__(self, optimizer, work):
        self.work = work
        self.rnn = work.rnn()
        self.linear = linear(work)
        self.parameters = [*self.rnn.parameters(), *self.linear.parameters()]
        # The fused ones are the fastest that PyTorch has, on both devices.
        if optimizer == "sgd":
            self.optimizer = torch.optim.SGD(self.parameters, lr=1, fused=True)
        else:
            self.optimizer = torch.optim.Adam(
                self.parameters, lr=0.001, fused=True, capturable=MODE == "graph"
            )
        text = bits(TOKENS, CHARACTERS) % work.input
        length = (CHARACTERS - 1) // work.batch
        inputs = text[: work.batch * length].reshape(work.batch, length).t()
        labels = text[1 : work.batch * length + 1].reshape(work.batch, length).t()
        self.windows = []
        for start in range(0, length - work.time + 1, work.time):
            both = torch.stack([inputs[start : start + work.time], labels[start : start + work.time]])
            self.windows.append(both.contiguous().pin_memory() if DEVICE.type == "cuda" else both)
        self.window = 0
        shape = (work.layers, work.batch, work.hidden)
        count = 2 if work.cell == "LSTM" else 1
        self.state = [torch.zeros(shape, device=DEVICE) for _ in range(count)]
        self.loss_sum = torch.zeros((), device=DEVICE)
        self.call = torch.compile(self.loss) if MODE == "compile" else self.loss
        if MODE == "graph":
            self.tokens = torch.empty_like(self.windows[0], device=DEVICE)
            self.tokens.copy_(self.windows[0])
            initial = [parameter.detach().clone() for parameter in self.parameters]
            self.graph = capture(self.once)
            self.restart(initial)

    def restart(self, initial):
        """Undoes the training before the capture, in the memory that the graph uses."""
        moments = [value for kept in self.optimizer.state.values() for value in kept.values()]
        with torch.no_grad():
            for parameter, value in zip(self.parameters, initial):
                parameter.copy_(value)
            for part in [*self.state, self.loss_sum, *filter(torch.is_tensor, moments)]:
                part.zero_()

    def loss(self, tokens, state):
        x = F.one_hot(tokens[0], self.work.input).to(self.work.dtype)
        y, state = self.rnn(x, tuple(state) if self.work.cell == "LSTM" else state[0])
        logits = self.linear(y)
        loss = F.cross_entropy(logits.flatten(0, 1), tokens[1].flatten())
        return loss, state

    def once(self):
        self.optimizer.zero_grad()
        loss, state = self.call(self.tokens, self.state)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.parameters, 1)
        self.optimizer.step()
        state = state if self.work.cell == "LSTM" else (state,)
        if MODE == "graph":
            for kept, new in zip(self.state, state):
                kept.copy_(new.detach())
        else:
            self.state = [part.detach() for part in state]
        self.loss_sum += loss.detach()

    def run(self, times):
        self.mean_loss(times)

    def mean_loss(self, times):
        for _ in range(times):
            if self.window == len(self.windows):
                self.window = 0
                for part in self.state:
                    part.zero_()
            window = self.windows[self.window]
            self.window += 1
            if MODE == "graph":
                self.tokens.copy_(window, non_blocking=True)
                self.graph.replay()
            else:
                self.tokens = window.to(DEVICE, non_blocking=True)
                self.once()
        mean = self.loss_sum.item() / times
        self.loss_sum.zero_()
        return mean

    def check(self):
        return {"first": self.mean_loss(1), "next": self.mean_loss(10)}


class Stream:
    """Steps of a character model whose states stay, as StreamWork.java."""

    def __init__(self, work):
        self.rnn = work.rnn()
        self.linear = linear(work)
        self.classes, self.dtype = work.input, work.dtype
        self.tokens = bits(TOKENS, work.batch) % work.input
        self.on_device = self.tokens.to(DEVICE)
        self.cell = work.cell
        shape = (work.layers, work.batch, work.hidden)
        count = 2 if work.cell == "LSTM" else 1
        self.state = [torch.zeros(shape, device=DEVICE) for _ in range(count)]
        self.call = torch.compile(self.step) if MODE == "compile" else self.step
        if MODE == "graph":
            with torch.inference_mode():
                self.graph = capture(self.once)
            for part in self.state:
                part.zero_()

    def step(self, tokens, state):
        x = F.one_hot(tokens[None], self.classes).to(self.dtype)
        y, state = self.rnn(x, tuple(state) if self.cell == "LSTM" else state[0])
        return self.linear(y[0]), state if self.cell == "LSTM" else (state,)

    def once(self):
        self.logits, state = self.call(self.on_device, self.state)
        for kept, new in zip(self.state, state):
            kept.copy_(new)

    def run(self, times):
        with torch.inference_mode():
            for _ in range(times):
                self.on_device.copy_(self.tokens)
                self.graph.replay() if MODE == "graph" else self.once()
                self.result = self.logits.cpu()

    def check(self):
        results = {}
        for name, times in (("first", 1), ("next", 10)):
            self.run(times)
            results[name] = self.result.double().abs().mean().item()
        return results


class Classifier:
    """Training steps of a classifier of rows of any lengths, as ClassifierWork.java."""

    WORDS, CLASSES, BATCHES, SHORTEST = 20_000, 2, 4, 5

    def __init__(self, work):
        if not work.any_order or MODE != "eager":
            raise Unsupported("rows of any lengths, eager")
        self.embedding = torch.nn.Embedding(self.WORDS, work.input).to(DEVICE, work.dtype)
        self.rnn = work.rnn()
        self.directions = 2 if work.bidirectional else 1
        self.linear = linear(work, work.hidden * self.directions, self.CLASSES)
        with torch.no_grad():
            self.embedding.weight.copy_(floats(X, self.embedding.weight.shape))
        modules = (self.embedding, self.rnn, self.linear)
        self.parameters = [p for module in modules for p in module.parameters()]
        self.optimizer = torch.optim.Adam(self.parameters, lr=0.001, fused=True)
        self.batches = self.bucketed(work)
        self.next = 0

    def bucketed(self, work):
        """The shortest rows in the first batch; in each the longest first, which packs fastest."""
        rows = self.BATCHES * work.batch
        shortest = min(self.SHORTEST, work.time)
        lengths = shortest + bits(LENGTHS, rows) % (work.time - shortest + 1)
        labels = bits(LABELS, rows) % self.CLASSES
        texts = (bits(TOKENS, int(lengths.sum())) % self.WORDS).split(lengths.tolist())
        order = torch.sort(lengths, stable=True).indices
        batches = []
        for chosen in order.split(work.batch):
            chosen = chosen.flip(0)
            words = torch.nn.utils.rnn.pad_sequence([texts[row] for row in chosen])
            batches.append((words.to(DEVICE), lengths[chosen], labels[chosen].to(DEVICE)))
        return batches

    def once(self):
        words, lengths, labels = self.batches[self.next]
        self.next = (self.next + 1) % len(self.batches)
        self.optimizer.zero_grad()
        packed = torch.nn.utils.rnn.pack_padded_sequence(self.embedding(words), lengths)
        _, state = self.rnn(packed)
        h = state[0] if isinstance(state, tuple) else state
        last = torch.cat(h[-self.directions :].unbind(), 1)
        loss = F.cross_entropy(self.linear(last), labels)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.parameters, 1)
        self.optimizer.step()
        return loss.detach()

    def mean_loss(self, steps):
        return (sum(self.once() for _ in range(steps)) / steps).item()

    def run(self, times):
        self.mean_loss(times * self.BATCHES)

    def check(self):
        tokens = sum(int(lengths.sum()) for _, lengths, _ in self.batches)
        losses = {"first": self.mean_loss(1), "next": self.mean_loss(self.BATCHES - 1)}
        return {**losses, "tokens": tokens}


class Translator:
    """Training steps of an encoder and a decoder with attention, as TranslatorWork.java."""

    SYMBOLS, BATCHES, SHORTEST, CURVE, POINT = 200, 4, 3, 300, 50
    END, BEGIN = SYMBOLS, SYMBOLS + 1

    def __init__(self, work):
        if not work.any_order or work.bidirectional or MODE != "eager":
            raise Unsupported("rows of any lengths in one direction, eager")
        hidden = work.hidden
        modules = [
            torch.nn.Embedding(self.END + 1, work.input),
            torch.nn.Embedding(self.BEGIN + 1, work.input),
            work.rnn(),
            work.rnn(),
            torch.nn.Linear(hidden, hidden, bias=False),
            torch.nn.Linear(2 * hidden, hidden),
            torch.nn.Linear(hidden, self.END + 1),
        ]
        modules = [module.to(DEVICE, work.dtype) for module in modules]
        self.source, self.target, self.encoder, self.decoder = modules[:4]
        self.attention, self.combine, self.head = modules[4:]
        self.parameters = [p for module in modules for p in module.parameters()]
        with torch.no_grad():
            for salt, parameter in enumerate(self.parameters, PARAMETERS):
                parameter.copy_(floats(salt, parameter.shape, hidden**-0.5))
        self.optimizer = torch.optim.Adam(self.parameters, lr=0.0003, fused=True)
        self.batches = self.filled(work)
        self.next = 0

    def filled(self, work):
        """In each batch the longest first, which packs fastest."""
        rows = self.BATCHES * work.batch
        longest = max(self.SHORTEST, work.time - 1)
        lengths = self.SHORTEST + bits(LENGTHS, rows) % (longest - self.SHORTEST + 1)
        symbols = bits(TOKENS, int(lengths.sum())) % (self.SYMBOLS - 1) + 1
        texts = symbols.split(lengths.tolist())
        pad = torch.nn.utils.rnn.pad_sequence
        begin, end = torch.tensor([self.BEGIN]), torch.tensor([self.END])
        batches = []
        for chosen in torch.arange(rows).split(work.batch):
            chosen = chosen[torch.argsort(lengths[chosen], descending=True)]
            some = [texts[row] for row in chosen]
            sources = pad([torch.cat([text, end]) for text in some])
            targets = pad([torch.cat([begin, text.flip(0)]) for text in some])
            labels = pad([torch.cat([text.flip(0), end]) for text in some], padding_value=-100)
            padding = torch.arange(len(sources)) > lengths[chosen, None]
            tensors = (sources, targets, labels, padding[:, None])
            batches.append((lengths[chosen] + 1, *(tensor.to(DEVICE) for tensor in tensors)))
        return batches

    def once(self):
        lengths, sources, targets, labels, padding = self.batches[self.next]
        self.next = (self.next + 1) % len(self.batches)
        self.optimizer.zero_grad()
        packed = torch.nn.utils.rnn.pack_padded_sequence(self.source(sources), lengths)
        memory, state = self.encoder(packed)
        memory = torch.nn.utils.rnn.pad_packed_sequence(memory)[0].transpose(0, 1)
        y = self.decoder(self.target(targets), state)[0].transpose(0, 1)
        scores = y @ self.attention(memory).transpose(1, 2)
        weights = scores.masked_fill(padding, -torch.inf).softmax(-1)
        both = torch.cat([weights @ memory, y], -1)
        logits = self.head(torch.tanh(self.combine(both))).transpose(0, 1)
        loss = F.cross_entropy(logits.flatten(0, 1), labels.flatten())
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.parameters, 1)
        self.optimizer.step()
        count = lengths.sum()
        return loss.detach() * count, count

    def mean_loss(self, steps):
        losses, counts = zip(*(self.once() for _ in range(steps)))
        return (sum(losses) / sum(counts)).item()

    def run(self, times):
        self.mean_loss(times * self.BATCHES)

    def check(self):
        results = {"first": self.mean_loss(1)}
        results["tokens"] = sum(int(lengths.sum()) for lengths, *_ in self.batches)
        self.mean_loss(self.POINT - 1)
        for done in range(self.POINT, self.CURVE, self.POINT):
            results[f"curve{done + self.POINT}"] = self.mean_loss(self.POINT)
        return results


class Crf:
    """The loss of a conditional random field and its gradients, as CrfWork.java."""

    def __init__(self, work):
        if MODE == "graph":
            raise Unsupported("the loss waits for the device")
        path = Path(__file__).resolve().parents[2] / CRF
        spec = importlib.util.spec_from_file_location("pytorch_crf", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        self.loss = torch.compile(module.loss) if MODE == "compile" else module.loss
        classes = work.input
        shapes = (work.time, work.batch, classes), (classes, classes), (classes,), (classes,)
        self.parameters = [
            floats(salt, shape).to(DEVICE, work.dtype).requires_grad_()
            for salt, shape in enumerate(shapes, PARAMETERS)
        ]
        labels = bits(LABELS, work.time * work.batch) % classes
        self.labels = labels.reshape(work.time, work.batch).to(DEVICE)
        self.lengths = torch.tensor(work.lengths, device=DEVICE)

    def run(self, times):
        for _ in range(times):
            for parameter in self.parameters:
                parameter.grad = None
            self.value = self.loss(*self.parameters, self.labels, self.lengths)
            self.value.backward()

    def check(self):
        self.run(1)
        demissions, dtransitions = (p.grad.double().abs().mean().item() for p in self.parameters[:2])
        return {
            "loss": self.value.item(),
            "demissions": demissions,
            "dtransitions": dtransitions,
        }


def linear(work, inputs=None, outputs=None):
    layer = torch.nn.Linear(inputs or work.hidden, outputs or work.input).to(DEVICE)
    with torch.no_grad():
        for salt, parameter in ((LINEAR_WEIGHT, layer.weight), (LINEAR_BIAS, layer.bias)):
            parameter.copy_(floats(salt, parameter.shape, work.hidden**-0.5))
    return layer


def capture(work):
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(3):
            work()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        work()
    return graph


def opened(kind, work):
    if kind in ("stream", "session"):
        return Stream(work)
    if kind in ("classify", "translate", "crf"):
        return {"classify": Classifier, "translate": Translator, "crf": Crf}[kind](work)
    return (Steps if kind in ("sgd", "adam") else Network)(kind, work)


def answer(text):
    print("=", text, flush=True)


def main():
    if MODE == "graph" and DEVICE.type != "cuda":
        sys.exit("graph needs cuda")
    if THREADS:
        torch.set_num_threads(THREADS)
    name = torch.cuda.get_device_name() if DEVICE.type == "cuda" else torch.get_num_threads()
    cudnn = f", cuDNN {torch.backends.cudnn.version()}" if DEVICE.type == "cuda" else " threads"
    answer(f"PyTorch {torch.__version__} {MODE}, {name}{cudnn}, Python {sys.version.split()[0]}")
    job = None
    for line in sys.stdin:
        words = line.split()
        if words[0] == "quit":
            break
        try:
            if words[0] == "open":
                job = None
                job = opened(words[1], Workload(words[2]))
                answer("ok")
            elif words[0] == "check":
                answer(" ".join(f"{name}={value:.9g}" for name, value in job.check().items()))
            else:
                start = time.perf_counter_ns()
                job.run(int(words[1]))
                if DEVICE.type == "cuda":
                    torch.cuda.synchronize()
                answer(f"ns {time.perf_counter_ns() - start}")
        except Exception as e:
            answer("skip " + str(e).split("\n")[0])


main()
