"""Writes pytorch-vectors.safetensors: what PyTorch's RNN modules compute, forward and backward.

    python pytorch_vectors.py        (made with torch 2.13.0 on the CPU, float64)

One case a combination of cell, layers, directions and lengths. A case named
`lstm.layers2.bi.packed` holds, under that prefix:

    x [T,B,I]  h0 [L*D,B,P]  c0 [L*D,B,H]  lengths [B]   inputs (padding of x is zero)
    weight_ih_l0 ...                               parameters, PyTorch's names
    y [T,B,D*P]  hy [L*D,B,P]  cy [L*D,B,H]        outputs
    dy dhy dcy                                     gradients that arrive
    dx dh0 dc0  grad.weight_ih_l0 ...              gradients that leave

P is H but in the cases `lstm.proj.`, whose LSTM projects its output to PROJECTION.
The loss is sum(y*dy) + sum(hy*dhy) + sum(cy*dcy). The file is plain safetensors, written by hand so
that nothing but torch is needed.
"""

import itertools
import json
import pathlib
import struct

import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

TIME, BATCH, INPUT, HIDDEN, PROJECTION = 5, 3, 3, 4, 2
CELLS = {
    "relu": lambda **k: torch.nn.RNN(nonlinearity="relu", **k),
    "tanh": lambda **k: torch.nn.RNN(nonlinearity="tanh", **k),
    "lstm": lambda **k: torch.nn.LSTM(**k),
    "gru": lambda **k: torch.nn.GRU(**k),
}


def case(cell, layers, bidirectional, packed, projection=0):
    directions = 2 if bidirectional else 1
    module = CELLS[cell](
        input_size=INPUT,
        hidden_size=HIDDEN,
        num_layers=layers,
        bidirectional=bidirectional,
        **({"proj_size": projection} if projection else {}),
    ).double()
    lengths = torch.tensor([5, 4, 2] if packed else [TIME] * BATCH)
    mask = (torch.arange(TIME)[:, None] < lengths[None, :]).double()[:, :, None]

    x = (torch.randn(TIME, BATCH, INPUT, dtype=torch.float64) * mask).requires_grad_()
    states = [
        torch.randn(layers * directions, BATCH, width, dtype=torch.float64, requires_grad=True)
        for width in ([projection or HIDDEN, HIDDEN] if cell == "lstm" else [HIDDEN])
    ]
    hx = tuple(states) if cell == "lstm" else states[0]
    if packed:
        out, last = module(pack_padded_sequence(x, lengths), hx)
        y, _ = pad_packed_sequence(out, total_length=TIME)
    else:
        y, last = module(x, hx)
    finals = list(last) if cell == "lstm" else [last]

    dy = torch.randn_like(y) * mask
    dfinals = [torch.randn_like(f) for f in finals]
    loss = (y * dy).sum() + sum((f * d).sum() for f, d in zip(finals, dfinals))
    loss.backward()

    tensors = {"x": x, "y": y, "dy": dy, "dx": x.grad, "lengths": lengths}
    for letter, state, final, dfinal in zip("hc", states, finals, dfinals):
        tensors |= {
            f"{letter}0": state,
            f"{letter}y": final,
            f"d{letter}y": dfinal,
            f"d{letter}0": state.grad,
        }
    for name, parameter in module.named_parameters():
        tensors[name] = parameter
        tensors[f"grad.{name}"] = parameter.grad
    return tensors


def write(path, tensors):
    header, blobs, offset = {}, [], 0
    for name, tensor in tensors.items():
        tensor = tensor.detach().contiguous()
        dtype = {torch.float64: "F64", torch.int64: "I64"}[tensor.dtype]
        blob = tensor.numpy().tobytes()
        header[name] = {
            "dtype": dtype,
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
    kinds = [(cell, 0) for cell in CELLS] + [("lstm", PROJECTION)]
    for (cell, projection), layers, bidirectional, packed in itertools.product(
        kinds, (1, 2, 3), (False, True), (False, True)
    ):
        if layers == 3 and not (bidirectional and packed):
            continue
        prefix = ".".join(
            [f"{cell}.proj" if projection else cell]
            + [f"layers{layers}", "bi" if bidirectional else "uni", "packed" if packed else "equal"]
        )
        for name, tensor in case(cell, layers, bidirectional, packed, projection).items():
            tensors[f"{prefix}.{name}"] = tensor
    write(pathlib.Path(__file__).with_name("pytorch-vectors.safetensors"), tensors)


if __name__ == "__main__":
    main()
