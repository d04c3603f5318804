"""Writes pytorch-operations.safetensors: what PyTorch computes for each operation of a tape.

    python pytorch_operations.py        (made with torch 2.13.0 on the CPU, in float64)

A case holds, under its name:

    in.NAME        inputs; exact in every type, in bfloat16 here, but numbers of tokens and steps
    y.I            outputs
    dy.I           gradients that arrive
    grad.NAME      gradients that leave, of every input that is no whole number
"""

import json
import pathlib
import struct

import torch
from torch.nn.functional import embedding, layer_norm, linear, one_hot
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

T, B, C, S = 4, 3, 5, 6
tensors = {}


def draw(*shape, least=-1.0, most=1.0):
    return torch.round(torch.empty(*shape).uniform_(least, most) * 127).double() / 128


def add(name, function, **inputs):
    given = {
        key: value.clone().requires_grad_() if value.is_floating_point() else value
        for key, value in inputs.items()
    }
    outputs = function(**given)
    outputs = [outputs] if isinstance(outputs, torch.Tensor) else list(outputs)
    arriving = [draw(*y.shape) for y in outputs]
    if any(y.requires_grad for y in outputs):
        torch.autograd.backward(outputs, arriving)
    for key, value in given.items():
        real = value.is_floating_point()
        tensors[f"{name}.in.{key}"] = value.bfloat16() if real else value.int()
        if real:
            tensors[f"{name}.grad.{key}"] = value.grad
    for i, (y, dy) in enumerate(zip(outputs, arriving)):
        tensors[f"{name}.y.{i}"] = y
        tensors[f"{name}.dy.{i}"] = dy.bfloat16()


def counts(lengths, time):
    """[time, B], whether a step counts."""
    return torch.arange(time)[:, None] < lengths[None, :]


def elementwise():
    x, y = draw(T, B, C), draw(T, B, C)
    positive = draw(T, B, C, least=0.1, most=1.0)
    add("add", lambda x, y: x + y, x=x, y=y)
    add("multiply", lambda x, y: x * y, x=x, y=y)
    add("divide", lambda x, y: x / y, x=x, y=positive)
    add("scale", lambda x: -1.5 * x, x=x)
    add("tanh", torch.tanh, input=x)
    add("sigmoid", torch.sigmoid, input=x)
    add("relu", torch.relu, input=x)
    add("exp", torch.exp, input=x)
    add("log", torch.log, input=positive)


def shapes():
    x, y = draw(T, B, C), draw(T, B, 2)
    add("concatenate", lambda x, y: torch.cat([y, x, y], -1), x=x, y=y)
    add("concatenate.time", lambda x, y: torch.cat([x, y]), x=x, y=draw(1, B, C))
    add("slice", lambda x: x[..., 1:4], x=x)
    add("slice.time", lambda x: x[1:3], x=x)
    add("unbind", lambda x: torch.unbind(x), x=x)
    add("stack", lambda x, y: torch.stack([x, y, x]), x=draw(B, C), y=draw(B, C))
    add("repeat", lambda x: x.expand(T, B, C), x=draw(B, C))
    add("transpose", lambda x: x.transpose(0, 1), x=x)
    add("reshape", lambda x: x.reshape(B, T * C), x=x)


def matrices():
    for name, trans_x, trans_y in (("nn", 0, 0), ("nt", 0, 1), ("tn", 1, 0), ("tt", 1, 1)):
        x = draw(B, C, T) if trans_x else draw(B, T, C)
        y = draw(B, S, C) if trans_y else draw(B, C, S)
        product = lambda x, y: (x.mT if trans_x else x) @ (y.mT if trans_y else y)
        add(f"product.{name}", product, x=x, y=y)
    x, weight = draw(T, B, C), draw(S, C)
    add("linear", linear, input=x, weight=weight, bias=draw(S))
    add("linear.unbiased", linear, input=x, weight=weight)
    # A table that is used twice, and as the weight of the output.
    tokens = torch.randint(0, S, (2, T, B))
    tied = lambda first, second, table: (
        linear(embedding(first, table) * embedding(second, table), table)
    )
    add("embedding", tied, first=tokens[0], second=tokens[1], table=draw(S, C))
    add("oneHot", lambda tokens: one_hot(tokens, S).double(), tokens=tokens[0])


def normalized():
    x = draw(T, B, C)
    add("softmax", lambda x: x.softmax(-1), x=x)
    add("logSoftmax", lambda x: x.log_softmax(-1), x=x)
    add(
        "layerNorm",
        lambda x, weight, bias: layer_norm(x, (C,), weight, bias, 1e-3),
        x=x,
        weight=draw(C),
        bias=draw(C),
    )


def recurrent():
    for name, make in {
        "lstm": lambda: torch.nn.LSTM(C, S, 2, bidirectional=True),
        "gru": lambda: torch.nn.GRU(C, S, 2),
        "tanh": lambda: torch.nn.RNN(C, S, 2),
        "relu": lambda: torch.nn.RNN(C, S, 1, nonlinearity="relu"),
    }.items():
        module = make().double()
        states = [draw(module.num_layers * (1 + module.bidirectional), B, S) for _ in "hc"]
        weights = {key: draw(*value.shape, least=-0.5, most=0.5) for key, value in
                   module.named_parameters()}

        def run(x, h0, c0=None, **weights):
            state = h0 if c0 is None else (h0, c0)
            y, last = torch.func.functional_call(module, weights, (x, state))
            return (y, *last) if isinstance(last, tuple) else (y, last)

        def packed(x, lengths, **given):
            rows = pack_padded_sequence(x, lengths, enforce_sorted=False)
            y, *states = run(rows, **given)
            return (pad_packed_sequence(y, total_length=T)[0], *states)

        given = dict(zip(("h0", "c0"), states if name == "lstm" else states[:1])) | weights
        add(f"rnn.{name}", run, x=draw(T, B, C), **given)
        add(f"rnn.{name}.lengths", packed, x=draw(T, B, C), lengths=torch.tensor([2, 4, 1]), **given)


def lengths():
    x, n = draw(T, B, C), torch.tensor([4, 1, 3])
    mask = lambda lengths: counts(lengths, T)[:, :, None].double()
    at = lambda x, steps: x.gather(0, steps[..., None].expand(-1, -1, C))
    back = lambda lengths: (lengths[None, :] - 1 - torch.arange(T)[:, None]).clamp(min=0)
    total = lambda x, lengths: (x * mask(lengths)).sum(0)
    add("mask", lambda x, lengths: x * mask(lengths), x=x, lengths=n)
    add("reverse", lambda x, lengths: at(x, back(lengths)) * mask(lengths), x=x, lengths=n)
    add("last", lambda x, lengths: at(x, lengths[None, :] - 1)[0], x=x, lengths=n)
    add("sum", total, x=x, lengths=n)
    add("mean", lambda x, lengths: total(x, lengths) / lengths[:, None], x=x, lengths=n)
    softmax = lambda x, lengths: x.masked_fill(~counts(lengths, T).T[:, None], -torch.inf).softmax(-1)
    add("softmax.lengths", softmax, x=draw(B, C, T), lengths=n)


def attention():
    n = torch.tensor([6, 2, 5])

    def attend(score, query, memory, lengths):
        scores = score(query, memory).masked_fill(~counts(lengths, S).T[:, None], -torch.inf)
        weights = scores.softmax(-1)
        return torch.einsum("bts,sbm->tbm", weights, memory), weights

    dot = lambda query, keys: torch.einsum("tbh,sbh->bts", query, keys)
    tanh = lambda q, k, v: torch.tanh(q[:, None] + k[None]).matmul(v).permute(2, 0, 1)
    scores = {
        "dot": ({}, lambda: dot),
        "scaled": ({}, lambda: lambda query, keys: dot(query, keys) / C**0.5),
        "multiplicative": (
            {"weight": draw(C, 4)},
            lambda weight: lambda query, memory: dot(query, linear(memory, weight)),
        ),
        "additive": (
            {"ofQuery": draw(7, C), "ofMemory": draw(7, 4), "vector": draw(7)},
            lambda ofQuery, ofMemory, vector: lambda query, memory: tanh(
                linear(query, ofQuery), linear(memory, ofMemory), vector
            ),
        ),
    }
    for name, (weights, make) in scores.items():
        memory = draw(S, B, 4 if weights else C)

        def at_once(query, memory, lengths, **weights):
            return attend(make(**weights), query, memory, lengths)

        def fed(query, memory, lengths, **weights):
            """Each query has something of the weights before."""
            contexts, before = [], torch.ones(B, C, dtype=torch.float64)
            for step in query:
                context, given = attend(make(**weights), (step * before)[None], memory, lengths)
                contexts.append(context[0])
                before = given[:, 0, :C]
            return contexts

        given = dict(query=draw(T, B, C), memory=memory, lengths=n, **weights)
        add(f"attention.{name}", at_once, **given)
        add(f"attention.{name}.fed", fed, **given)


def gathered():
    rows = torch.tensor([[7, 0], [7, 11], [3, 7]])
    add("gather", lambda x, rows: x.reshape(-1, C)[rows], x=draw(T, B, C), rows=rows)


def write(path):
    header, blobs, offset = {}, [], 0
    types = {torch.float64: "F64", torch.int32: "I32", torch.bfloat16: "BF16"}
    for name, tensor in tensors.items():
        tensor = tensor.detach().contiguous()
        blob = tensor.reshape(-1).view(torch.uint8).numpy().tobytes()
        header[name] = {
            "dtype": types[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [offset, offset + len(blob)],
        }
        offset += len(blob)
        blobs.append(blob)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(blobs))


if __name__ == "__main__":
    torch.manual_seed(2013)
    for cases in (
        elementwise, shapes, matrices, normalized, recurrent, lengths, attention, gathered
    ):
        cases()
    write(pathlib.Path(__file__).with_name("pytorch-operations.safetensors"))
