"""Writes pytorch-translator.safetensors: the loss and the gradients of a translator in PyTorch.

    python pytorch_translator.py        (made with torch 2.13.0 on the CPU, in float64)

A model holds, under its name:

    state.NAME     its state_dict
    loss           of the pairs below, the mean over all symbols of the targets and their ends
    grad.NAME      gradients of its parameters
"""

import json
import pathlib
import struct

import torch
from torch import nn
from torch.nn.functional import cross_entropy
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

PAIRS = [("abcde", "xyz"), ("ca", ""), ("", "zzxy"), ("deed", "y")]
SOURCES, TARGETS = "abcde", "xyz"
SOURCE_END, TARGET_END, BEGIN = 6, 4, 5
tensors = {}


class Translator(nn.Module):
    def __init__(self, cell, size, hidden, layers, bidirectional):
        super().__init__()
        wide = hidden * (2 if bidirectional else 1)
        self.source = nn.Embedding(SOURCE_END + 1, size)
        self.target = nn.Embedding(BEGIN + 1, size)
        self.encoder = cell(size, hidden, layers, bidirectional=bidirectional)
        self.decoder = cell(size, wide, layers)
        self.attention = nn.Linear(wide, wide, bias=False)
        self.combine = nn.Linear(2 * wide, wide)
        self.head = nn.Linear(wide, TARGET_END + 1)
        self.layers = layers

    def join(self, state):
        """[L * D, B, H] as [L, B, D * H]"""
        layers = state.unflatten(0, (self.layers, -1))
        return layers.transpose(1, 2).flatten(2)

    def forward(self, sources, lengths, targets):
        packed = pack_padded_sequence(self.source(sources), lengths, enforce_sorted=False)
        memory, state = self.encoder(packed)
        memory = pad_packed_sequence(memory)[0].transpose(0, 1)
        state = tuple(map(self.join, state)) if isinstance(state, tuple) else self.join(state)
        y = self.decoder(self.target(targets), state)[0].transpose(0, 1)
        scores = y @ self.attention(memory).transpose(1, 2)
        padding = torch.arange(memory.shape[1]) >= lengths[:, None]
        weights = scores.masked_fill(padding[:, None], -torch.inf).softmax(-1)
        both = torch.cat([weights @ memory, y], -1)
        return self.head(torch.tanh(self.combine(both))).transpose(0, 1)


def padded(rows, padding):
    longest = max(map(len, rows))
    return torch.tensor([row + [padding] * (longest - len(row)) for row in rows]).T


def add(name, model):
    model = model.double()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.uniform_(-0.6, 0.6)
    sources = [[SOURCES.index(c) + 1 for c in pair[0]] + [SOURCE_END] for pair in PAIRS]
    targets = [[TARGETS.index(c) + 1 for c in pair[1]] for pair in PAIRS]
    logits = model(
        padded(sources, 0),
        torch.tensor([len(row) for row in sources]),
        padded([[BEGIN] + row for row in targets], 0),
    )
    right = padded([row + [TARGET_END] for row in targets], -100)
    loss = cross_entropy(logits.flatten(0, 1), right.flatten())
    loss.backward()
    for key, value in model.state_dict().items():
        tensors[f"{name}.state.{key}"] = value
    for key, value in model.named_parameters():
        tensors[f"{name}.grad.{key}"] = value.grad
    tensors[f"{name}.loss"] = loss[None]


def write(path):
    header, blobs, offset = {}, [], 0
    for name, tensor in tensors.items():
        blob = tensor.detach().contiguous().numpy().tobytes()
        header[name] = {
            "dtype": "F64",
            "shape": list(tensor.shape),
            "data_offsets": [offset, offset + len(blob)],
        }
        offset += len(blob)
        blobs.append(blob)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(blobs))


torch.manual_seed(1)
add("gru", Translator(nn.GRU, 3, 4, 2, True))
add("lstm", Translator(nn.LSTM, 4, 5, 1, False))
write(pathlib.Path(__file__).with_name("pytorch-translator.safetensors"))
