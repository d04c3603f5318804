"""Compares the cores of examples, model and loss, with the same in PyTorch: a table of losses and gradients.

    python cores.py FOLDER...

The short form of an example leaves core-NAME.safetensors in its folder: weights, a batch, its loss
and the gradients. PyTorch computes in float64. The exit status is 1 if a difference is above 1e-4
of the largest gradient of a tensor, or of the loss.
"""

import json
import pathlib
import struct
import sys

import torch
from torch import nn
from torch.func import functional_call
from torch.nn.functional import cross_entropy, embedding, linear, mse_loss

TYPES = {"F32": torch.float32, "F64": torch.float64, "I32": torch.int32}
LIMIT = 1e-4


def read(path):
    data = path.read_bytes()
    (size,) = struct.unpack("<Q", data[:8])
    tensors = {}
    for name, entry in json.loads(data[8 : 8 + size]).items():
        if name != "__metadata__":
            begin, end = entry["data_offsets"]
            part = bytearray(data[8 + size + begin : 8 + size + end])
            values = torch.frombuffer(part, dtype=TYPES[entry["dtype"]]).reshape(entry["shape"])
            tensors[name] = values.double() if values.is_floating_point() else values.long()
    return tensors


class Core:
    """The weights and the batch, and what networks are made of."""

    def __init__(self, tensors):
        def part(prefix):
            return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}

        self.state = {name: value.requires_grad_() for name, value in part("state.").items()}
        self.batch = part("batch.")

    def embed(self, tokens, name="embed"):
        return embedding(tokens, self.state[name + ".weight"])

    def linear(self, name, x):
        return linear(x, self.state[name + ".weight"], self.state.get(name + ".bias"))

    def rnn(self, kind, name, x):
        prefix = name + "."
        weights = {k.removeprefix(prefix): v for k, v in self.state.items() if k.startswith(prefix)}
        both = any(key.endswith("_reverse") for key in weights)
        hidden = weights["weight_hh_l0"].shape[1]
        network = kind(x.shape[-1], hidden, bidirectional=both).double()
        return functional_call(network, weights, (x,))[0]

    def cross_entropy(self, logits, labels):
        return cross_entropy(logits.flatten(0, -2), self.batch[labels].flatten(), ignore_index=-1)


def directions(core):
    y = core.rnn(nn.LSTM, "rnn", core.embed(core.batch["letters"]))
    return core.cross_entropy(core.linear("head", y), "ends")


def layers(core, skip):
    x = core.embed(core.batch["tokens"])
    for layer in range(4):
        y = core.rnn(nn.LSTM, f"layer{layer}", x)
        x = x + y if skip else y
    return core.cross_entropy(core.linear("head", x), "labels")


def characters(core):
    y = core.rnn(nn.RNN, "rnn", core.embed(core.batch["tokens"]))
    return core.cross_entropy(core.linear("head", y), "labels")


def vanilla(core):
    y = core.rnn(nn.RNN, "rnn", core.embed(core.batch["symbols"]))
    return core.cross_entropy(core.linear("head", y[-1]), "first")


def slow(core, kept=0.95):
    x = core.embed(core.batch["symbols"])
    hidden = core.state["a.weight"].shape[0]
    s = x.new_zeros(x.shape[1], core.state["b.weight"].shape[0])
    h = x.new_zeros(x.shape[1], hidden)
    for now in x:
        s = (1 - kept) * core.linear("b", now) + kept * s
        h = torch.sigmoid(core.linear("a", torch.cat([now, s, h], -1)))
    return core.cross_entropy(core.linear("head", torch.cat([h, s], -1)), "first")


def sequence(core, kind):
    y = core.rnn(kind, "rnn", core.batch["nothing"])
    return mse_loss(core.linear("head", y), core.batch["wave"])


def clockwork(core, groups=8, size=4):
    wave = core.batch["wave"]
    h = [wave.new_zeros(wave.shape[1], size)] * groups
    y = []
    for t in range(len(wave)):
        before = list(h)
        for i in range(groups):
            if t % (1 << i) == 0:
                h[i] = torch.tanh(core.linear(f"group{i}", torch.cat(before[i:], -1)))
        y.append(torch.cat(h, -1))
    return mse_loss(core.linear("head", torch.stack(y)), wave)


CORES = {
    "directions-1": directions,
    "directions-2": directions,
    "plain": lambda core: layers(core, False),
    "residual": lambda core: layers(core, True),
    "characters": characters,
    "vanilla": vanilla,
    "slow": slow,
    "clockwork": clockwork,
    "tanh": lambda core: sequence(core, nn.RNN),
    "lstm": lambda core: sequence(core, nn.LSTM),
}


def main():
    worst = 0
    print(f"{'core':14} {'loss':>12} {'PyTorch':>12} {'loss differs':>13} {'gradients differ':>17}")
    files = [file for folder in sys.argv[1:] for file in pathlib.Path(folder).glob("core-*.safetensors")]
    for file in sorted(files):
        name = file.stem.removeprefix("core-")
        tensors = read(file)
        core = Core(tensors)
        loss = CORES[name](core)
        loss.backward()
        ours = tensors["loss"].item()
        off = abs(ours - loss.item()) / abs(loss.item())
        gradients = 0
        for key, weight in core.state.items():
            wanted = weight.grad if weight.grad is not None else torch.zeros_like(weight)
            apart = (tensors["grad." + key] - wanted).abs().max().item()
            gradients = max(gradients, apart / max(wanted.abs().max().item(), 1e-12))
        worst = max(worst, off, gradients)
        print(f"{name:14} {ours:12.6f} {loss.item():12.6f} {off:13.1e} {gradients:17.1e}")
    if not files or not worst <= LIMIT:
        sys.exit(f"{len(files)} cores, the largest difference is {worst}")


if __name__ == "__main__":
    main()
