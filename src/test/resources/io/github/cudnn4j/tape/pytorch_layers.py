"""Writes pytorch-layers.safetensors: what PyTorch computes with layers, and their state_dict.

    python pytorch_layers.py        (made with torch 2.13.0 on the CPU, in float64)

A model holds, under its name:

    state.NAME     its state_dict
    tokens         [T, B]
    y              outputs
    dy             gradients that arrive
    grad.NAME      gradients of its parameters
"""

import json
import pathlib
import struct

import torch
from torch import nn

T, B, V = 5, 3, 7
tensors = {}


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(V, 5)
        self.rnn = nn.LSTM(5, 4, num_layers=2, bidirectional=True)
        self.norm = nn.LayerNorm(8)
        self.head = nn.Linear(8, 3, bias=False)

    def forward(self, tokens):
        _, (h, _) = self.rnn(self.embed(tokens))
        return self.head(self.norm(torch.cat([h[-2], h[-1]], -1)))


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(V, 4)
        self.rnn = nn.GRU(4, 4)
        self.head = nn.Linear(4, V)
        self.head.weight = self.embed.weight

    def forward(self, tokens):
        return self.head(self.rnn(self.embed(tokens))[0])


def add(name, model):
    model = model.double()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.uniform_(-0.9, 0.9)
    tokens = torch.randint(0, V, (T, B))
    y = model(tokens)
    dy = torch.empty_like(y).uniform_(-1, 1)
    y.backward(dy)
    for key, value in model.state_dict().items():
        tensors[f"{name}.state.{key}"] = value
    for key, value in model.named_parameters():
        tensors[f"{name}.grad.{key}"] = value.grad
    tensors.update({f"{name}.tokens": tokens.int(), f"{name}.y": y, f"{name}.dy": dy})


def write(path):
    header, blobs, offset = {}, [], 0
    types = {torch.float64: "F64", torch.int32: "I32"}
    for name, tensor in tensors.items():
        blob = tensor.detach().contiguous().numpy().tobytes()
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


torch.manual_seed(12)
add("classifier", Classifier())
add("tied", Tied())
write(pathlib.Path(__file__).with_name("pytorch-layers.safetensors"))
