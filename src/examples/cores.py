"""Compares the cores of examples, model and loss, with the same in PyTorch: a table of losses and gradients.

    python cores.py FOLDER...

The short form of an example leaves core-NAME.safetensors in its folder: weights, a batch, its loss
and the gradients. PyTorch computes in float64. The exit status is 1 if a difference is above 1e-4
of the largest gradient of a tensor, or of the loss. A tensor whose gradients are below 1e-4 of the
largest of all, as that of a bias that a softmax does not see, is compared with that.
"""

import json
import pathlib
import struct
import sys

import torch
from torch import nn
from torch.func import functional_call
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, ctc_loss, embedding, layer_norm, linear, mse_loss, one_hot
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

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
        self.lengths = part("lengths.")

    def embed(self, tokens, name="embed"):
        table = self.state[name + ".weight"]
        return embedding(tokens.clamp(min=0), table) * (tokens >= 0).unsqueeze(-1)

    def linear(self, name, x):
        return linear(x, self.state[name + ".weight"], self.state.get(name + ".bias"))

    def recurrent(self, kind, name, x, lengths=None, state=None):
        """Returns the outputs [T, B, ...] and the final hidden states [L * D, B, H]."""
        prefix = name + "."
        weights = {k.removeprefix(prefix): v for k, v in self.state.items() if k.startswith(prefix)}
        both = any(key.endswith("_reverse") for key in weights)
        hidden = weights["weight_hh_l0"].shape[1]
        layers = sum(key.startswith("weight_hh") for key in weights) // (2 if both else 1)
        network = kind(x.shape[-1], hidden, layers, bidirectional=both).double()
        if lengths is None:
            y, state = functional_call(network, weights, (x, state))
        else:
            packed = pack_padded_sequence(x, self.lengths[lengths], enforce_sorted=False)
            y, state = functional_call(network, weights, (packed, state))
            y = pad_packed_sequence(y, total_length=len(x))[0]
        return y, state

    def rnn(self, kind, name, x, lengths=None, state=None):
        return self.recurrent(kind, name, x, lengths, state)[0]

    def last(self, kind, name, x, lengths=None):
        state = self.recurrent(kind, name, x, lengths)[1]
        h = state[0] if isinstance(state, tuple) else state
        return torch.cat(list(h), -1)

    def counted(self, name, time):
        """Which steps count, [T, B, 1]."""
        return (torch.arange(time)[:, None] < self.lengths[name]).unsqueeze(-1)

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


def slow(core, kept=0.98):
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


def attachment(core, words=4):
    x = torch.cat(core.embed(core.batch["features"]).split(words), -1)
    return core.cross_entropy(core.linear("head", core.last(nn.LSTM, "rnn", x)), "verb")


def context(query, keys, values):
    """What a query [B, H] finds in a memory [S, B, H]."""
    weights = torch.softmax((keys * query).sum(-1), 0)
    return (weights.unsqueeze(-1) * values).sum(0)


def memory(core, words=5, hops=3):
    story = core.embed(core.batch["story"])
    alone = torch.cat(story.split(len(story) // words), -1)
    sentences = torch.cat([alone, core.rnn(nn.GRU, "context", alone)], -1)
    state = core.last(nn.GRU, "question", core.embed(core.batch["question"]))
    for hop in range(hops):
        keys = core.linear(f"memory{hop}", sentences) / state.shape[-1] ** 0.5
        state = state + context(state, keys, core.linear(f"memory{hop + 1}", sentences))
    return core.cross_entropy(core.linear("head", state), "answer")


def questions(core):
    return looking(core, core.last(nn.GRU, "reader", core.embed(core.batch["question"]), "question"))


def spoken_questions(core):
    y = core.linear("words", core.rnn(nn.GRU, "hearing", core.batch["question"], "question"))
    heard = (torch.softmax(y, -1) * core.counted("question", len(y))).sum(0)
    words = ctc_loss(
        torch.log_softmax(y, -1),
        core.batch["words"].clamp(min=0).T,
        core.lengths["question"],
        core.lengths["words"],
        reduction="none",
    )
    return looking(core, core.linear("asking", heard[:, 1:])) + 0.3 * words.mean()


def looking(core, question, looks=2):
    state = question
    keys = core.linear("keys", core.batch["scene"])
    values = core.linear("values", core.batch["scene"])
    for look in range(looks):
        query = core.linear(f"query{look}", state) / question.shape[-1] ** 0.5
        both = torch.cat([question, context(query, keys, values)], -1)
        state = torch.relu(core.linear(f"thought{look}", both))
    return core.cross_entropy(core.linear("head", state), "answer")


def caption(core):
    h = core.embed(core.batch["language"], "language").unsqueeze(0)
    x = core.embed(core.batch["before"], "letter")
    y = core.rnn(nn.LSTM, "lstm", x, "before", (h, torch.zeros_like(h)))
    return core.cross_entropy(core.linear("head", y), "next")


def autoencoder(core):
    h = core.last(nn.GRU, "encoder", core.embed(core.batch["read"]), "read").unsqueeze(0)
    y = core.rnn(nn.GRU, "decoder", core.embed(core.batch["before"]), "before", h)
    return core.cross_entropy(core.linear("head", y), "next")


def skip_thought(core):
    h = core.last(nn.GRU, "encoder", core.embed(core.batch["here"]), "here").unsqueeze(0)
    loss = 0
    for side in ("before", "after"):
        y = core.rnn(nn.GRU, side, core.embed(core.batch[side]), side, h)
        loss = loss + core.cross_entropy(core.linear("head", y), "write-" + side)
    return loss


def document(core, parts):
    def norm(x):
        return layer_norm(x, x.shape[-1:], core.state["norm.weight"], core.state["norm.bias"])

    def read(part):
        return core.recurrent(nn.GRU, "reader", core.embed(core.batch[part]), part)[1]

    states = torch.cat([read(f"read{i}") for i in range(parts)])
    if parts > 1:
        whole = norm(core.last(nn.GRU, "phrases", norm(states)))
        states = core.rnn(nn.GRU, "states", whole.expand(parts, -1, -1))
    loss = 0
    for i, state in enumerate(states.chunk(parts)):
        x = core.embed(core.batch[f"before{i}"])
        y = core.rnn(nn.GRU, "writer", x, f"before{i}", state.contiguous())
        loss = loss + core.cross_entropy(core.linear("head", y), f"next{i}")
    return loss


def audio(core):
    x, wanted = core.batch["heard"], core.batch["spoken"]
    heard, spoken = core.counted("heard", len(x)), core.counted("spoken", len(wanted)).squeeze(-1)
    y = core.rnn(nn.GRU, "encoder", x, "heard")
    vector = core.linear("vector", (y * heard).sum(0) / heard.sum(0))
    y = core.linear("head", core.rnn(nn.GRU, "decoder", vector.expand(len(wanted), -1, -1)))
    return mse_loss(y[spoken], wanted[spoken])


def kinds(core, time):
    return one_hot(core.batch["kind"], 2).double().expand(time, -1, -1)


def waves(core):
    noise = core.batch["noise"]
    time = core.batch["wave"].shape[-1]
    x = torch.cat([noise.expand(time, -1, -1), kinds(core, time)], -1)
    return torch.tanh(core.linear("shaping", core.rnn(nn.LSTM, "making", x)))


def judge(core, x, wanted):
    batch = torch.cat([x, x * x], -1).mean(1, keepdim=True).expand(-1, x.shape[1], -1)
    y = core.rnn(nn.LSTM, "judging", torch.cat([x, kinds(core, len(x)), batch], -1))
    y = core.linear("judged", y)
    return binary_cross_entropy_with_logits(y, torch.full_like(y, wanted))


def telling(core):
    real = core.batch["wave"].T.unsqueeze(-1)
    return judge(core, real, 0.9) + judge(core, waves(core).detach(), 0.0)


def tagging(core, kind):
    x = core.embed(core.batch["words"])
    y = core.linear("head", core.rnn(nn.LSTM, "lstm", x, "words"))
    if kind == "softmax":
        return core.cross_entropy(y, "tags")
    losses = []
    for row, length in enumerate(core.lengths["words"]):
        if length > 0 and core.batch["tags"][0, row] >= 0:
            losses.append(chain(core, y[:length, row], core.batch["tags"][:length, row], kind))
    return torch.stack(losses).mean()


def chain(core, emissions, tags, kind):
    """All paths' scores, together or the best of them with a margin, less that of the tags."""
    start, end, transitions = (core.state["chain." + n + "transitions"] for n in ("start_", "end_", ""))
    right = start[tags[0]] + emissions[torch.arange(len(tags)), tags].sum() + end[tags[-1]]
    right = right + transitions[tags[:-1], tags[1:]].sum()
    best = torch.logsumexp if kind == "CRF" else torch.amax
    if kind == "hinge":
        emissions = emissions + 1 - one_hot(tags, emissions.shape[-1])
    scores = start + emissions[0]
    for emission in emissions[1:]:
        scores = best(scores.unsqueeze(-1) + transitions, 0) + emission
    return best(scores + end, 0) - right


def translator(core):
    x = core.embed(core.batch["source"], "source")
    y, states = core.recurrent(nn.LSTM, "encoder", x, "source")
    states = tuple(torch.cat(list(state), -1).unsqueeze(0) for state in states)
    z = core.rnn(nn.LSTM, "decoder", core.embed(core.batch["target"], "target"), None, states)
    scores = torch.einsum("tbh,sbh->tbs", z, core.linear("attention", y))
    counted = core.counted("source", len(x)).squeeze(-1).T.unsqueeze(0)
    weights = torch.softmax(scores.masked_fill(~counted, -torch.inf), -1)
    seen = torch.einsum("tbs,sbh->tbh", weights, y)
    both = torch.tanh(core.linear("combine", torch.cat([seen, z], -1)))
    return core.cross_entropy(core.linear("head", both), "next")


def plain_lstm(core):
    y = core.rnn(nn.LSTM, "lstm", core.batch["steps"])
    return core.cross_entropy(core.linear("head", y), "wanted")


def machine(core, width=12):
    x = core.batch["steps"]
    rows = max(20, len(x) // 2 + 2)
    batch = x.shape[1]
    hidden = core.state["steer.weight"].shape[1]
    state = (x.new_zeros(1, batch, hidden), x.new_zeros(1, batch, hidden))
    read = x.new_zeros(batch, width)
    memory = x.new_full((batch, rows, width), 1e-3)
    heads = x.new_zeros(batch, 2, rows)
    heads[..., 0] = 1
    logits = []
    for now in x:
        y, state = core.recurrent(nn.LSTM, "lstm", torch.cat([now, read], -1).unsqueeze(0), None, state)
        orders = core.linear("steer", y[0])
        heads = move(orders[:, : -2 * width].reshape(batch, 2, -1), heads, memory, width)
        erase, add = orders[:, -2 * width :].split(width, -1)
        written = heads[:, 1].unsqueeze(-1)
        memory = memory * (1 - written * torch.sigmoid(erase).unsqueeze(1))
        memory = memory + written * torch.tanh(add).unsqueeze(1)
        read = (heads[:, :1] @ memory).squeeze(1)
        logits.append(core.linear("head", torch.cat([y[0], read], -1)))
    return core.cross_entropy(torch.stack(logits), "wanted")


def move(orders, heads, memory, width):
    key, strength, gate, shift, sharpness = orders.split([width, 1, 1, 3, 1], -1)
    key = torch.tanh(key)
    lengths = [torch.sqrt((x * x).sum(-1, keepdim=True) + 1e-3) for x in (key, memory)]
    like = (key / lengths[0]) @ (memory / lengths[1]).transpose(1, 2)
    found = torch.softmax(torch.exp(strength) * like, -1)
    gated = heads + torch.sigmoid(gate) * (found - heads)
    shift = torch.softmax(shift, -1)
    beside = [torch.roll(gated, -1, -1), gated, torch.roll(gated, 1, -1)]
    moved = sum(shift[..., i : i + 1] * beside[i] for i in range(3))
    return torch.softmax((1 + torch.exp(sharpness)) * torch.log(moved + 1e-6), -1)


CORES = {
    "turing-machine": machine,
    "turing-lstm": plain_lstm,
    "repeat-machine": machine,
    "repeat-lstm": plain_lstm,
    "attachment": attachment,
    "memory": memory,
    "questions": questions,
    "spoken-questions": spoken_questions,
    "caption": caption,
    "autoencoder": autoencoder,
    "skip-thought": skip_thought,
    "parts-1": lambda core: document(core, 1),
    "parts-3": lambda core: document(core, 3),
    "audio": audio,
    "telling": telling,
    "deceiving": lambda core: judge(core, waves(core), 1.0),
    "tagging-softmax": lambda core: tagging(core, "softmax"),
    "tagging-hinge": lambda core: tagging(core, "hinge"),
    "tagging-CRF": lambda core: tagging(core, "CRF"),
    "dialogue": translator,
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
    print(f"{'core':16} {'loss':>12} {'PyTorch':>12} {'loss differs':>13} {'gradients differ':>17}")
    files = [file for folder in sys.argv[1:] for file in pathlib.Path(folder).glob("core-*.safetensors")]
    for file in sorted(files):
        name = file.stem.removeprefix("core-")
        tensors = read(file)
        core = Core(tensors)
        loss = CORES[name](core)
        loss.backward()
        ours = tensors["loss"].item()
        off = abs(ours - loss.item()) / abs(loss.item())
        wanted = {key: torch.zeros_like(w) if w.grad is None else w.grad for key, w in core.state.items()}
        largest = max(gradient.abs().max().item() for gradient in wanted.values())
        gradients = 0
        for key, gradient in wanted.items():
            apart = (tensors["grad." + key] - gradient).abs().max().item()
            gradients = max(gradients, apart / max(gradient.abs().max().item(), 1e-4 * largest))
        worst = max(worst, off, gradients)
        print(f"{name:16} {ours:12.6f} {loss.item():12.6f} {off:13.1e} {gradients:17.1e}")
    if not files or not worst <= LIMIT:
        sys.exit(f"{len(files)} cores, the largest difference is {worst}")


if __name__ == "__main__":
    main()
