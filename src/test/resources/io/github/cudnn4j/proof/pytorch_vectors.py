"""Writes pytorch-vectors.safetensors: what PyTorch's RNN modules compute, forward and backward.

    python pytorch_vectors.py        (made with torch 2.13.0 on the CPU, in float64)

One case for each combination of what the modules can be told: cell, projection, layers, directions,
lengths, and some without biases, without states, with rows in no order. A case named
`lstm.proj2.layers2.bi.packed` holds, under that prefix:

    x [T,B,I]  h0 [L*D,B,P]  c0 [L*D,B,H]  lengths [B]   inputs (padding of x is zero)
    parameters [n]                                       one after the other, in PyTorch's order
    y [T,B,D*P]  hy [L*D,B,P]  cy [L*D,B,H]              outputs
    dy dhy dcy                                           gradients that arrive
    dx dh0 dc0  gradients [n]                            gradients that leave

P is H without a projection. The loss is sum(y*dy) + sum(hy*dhy) + sum(cy*dcy). Everything that goes
in is a multiple of 1/128 below 1, which bfloat16, float16, float32 and float64 all have; everything
that comes out is float64. The file is plain safetensors, written by hand so that nothing but torch
is needed.
"""

import itertools
import json
import pathlib
import struct

import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

TIME, BATCH, INPUT, HIDDEN, PROJECTION = 4, 3, 2, 3, 2
LENGTHS = {"equal": [4, 4, 4], "packed": [4, 3, 1], "unsorted": [1, 4, 2]}
CELLS = {
    "relu": lambda **k: torch.nn.RNN(nonlinearity="relu", **k),
    "tanh": lambda **k: torch.nn.RNN(nonlinearity="tanh", **k),
    "lstm": lambda **k: torch.nn.LSTM(**k),
    "gru": lambda **k: torch.nn.GRU(**k),
}
KINDS = [(cell, 0) for cell in CELLS] + [("lstm", PROJECTION)]


def draw(*shape, bound=1.0):
    return torch.round(torch.empty(*shape).uniform_(-bound, bound) * 127).double() / 128


def case(cell, projection, layers, directions, lengths, bias=True, states=True):
    module = CELLS[cell](
        input_size=INPUT,
        hidden_size=HIDDEN,
        num_layers=layers,
        bidirectional=directions == 2,
        bias=bias,
        **({"proj_size": projection} if projection else {}),
    ).double()
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(draw(*parameter.shape, bound=HIDDEN**-0.5))
    lengths = torch.tensor(LENGTHS[lengths])
    mask = (torch.arange(TIME)[:, None] < lengths[None, :]).double()[:, :, None]

    x = (draw(TIME, BATCH, INPUT) * mask).requires_grad_()
    widths = [projection or HIDDEN, HIDDEN] if cell == "lstm" else [HIDDEN]
    hx = [draw(layers * directions, BATCH, w).requires_grad_() for w in widths if states]
    packed = pack_padded_sequence(x, lengths, enforce_sorted=False)
    given = None if not states else tuple(hx) if cell == "lstm" else hx[0]
    out, last = module(packed, given)
    y, _ = pad_packed_sequence(out, total_length=TIME)
    finals = list(last) if cell == "lstm" else [last]

    dy = draw(*y.shape) * mask
    dfinals = [draw(*f.shape) for f in finals]
    loss = (y * dy).sum() + sum((f * d).sum() for f, d in zip(finals, dfinals))
    loss.backward()

    tensors = {"x": x, "dy": dy, "parameters": flat(module.parameters())}
    tensors |= {f"d{letter}y": d for letter, d in zip("hc", dfinals)}
    tensors |= {f"{letter}0": state for letter, state in zip("hc", hx)}
    tensors = {name: tensor.detach().bfloat16() for name, tensor in tensors.items()}
    tensors |= {"lengths": lengths, "y": y, "dx": x.grad}
    tensors |= {f"{letter}y": final for letter, final in zip("hc", finals)}
    tensors |= {f"d{letter}0": state.grad for letter, state in zip("hc", hx)}
    tensors["gradients"] = flat(parameter.grad for parameter in module.parameters())
    return tensors


def flat(tensors):
    return torch.cat([tensor.reshape(-1) for tensor in tensors])


def write(path, tensors):
    header, blobs, offset = {}, [], 0
    types = {torch.float64: "F64", torch.int64: "I64", torch.bfloat16: "BF16"}
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


def main():
    torch.manual_seed(2013)
    tensors = {}

    def add(kind, layers, directions, lengths, **options):
        cell, projection = kind
        words = [f"{cell}.proj{projection}" if projection else cell, f"layers{layers}"]
        words += ["bi" if directions == 2 else "uni", lengths] + ["no-" + word for word in options]
        for name, tensor in case(*kind, layers, directions, lengths, **options).items():
            tensors[".".join(words + [name])] = tensor

    for kind in KINDS:
        for shape in itertools.product((1, 2, 3), (1, 2), ("equal", "packed")):
            add(kind, *shape)
        add(kind, 2, 2, "unsorted")
        add(kind, 1, 1, "equal", bias=False)
        add(kind, 2, 2, "packed", bias=False)
        add(kind, 2, 2, "packed", states=False)
    write(pathlib.Path(__file__).with_name("pytorch-vectors.safetensors"), tensors)


if __name__ == "__main__":
    main()
