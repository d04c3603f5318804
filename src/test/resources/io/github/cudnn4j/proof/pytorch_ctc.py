"""Writes pytorch-ctc.safetensors: what PyTorch's ctc_loss computes, with gradients.

    python pytorch_ctc.py        (made with torch 2.13.0 on the CPU, float64)

A case holds, under its name:

    x [T,N,A]                                  what log_softmax is taken of
    labels [sum]  labelLengths [N]  inputLengths [N]
    costs [N]  dx [T,N,A]                      the loss, and the gradient of its sum

Sequences without an alignment have cost and gradient zero (zero_infinity). The file is plain
safetensors, written by hand so that nothing but torch is needed.
"""

import json
import pathlib
import struct

import torch

# Name: T, A, labels of each sequence, input lengths.
CASES = {
    "plain": (8, 5, [[1, 2, 3], [4, 1], [2]], [8, 8, 8]),
    "repeats": (9, 4, [[1, 1, 1], [2, 2, 3, 3], [1, 2, 1, 2]], [9, 9, 9]),
    "lengths": (7, 6, [[1, 2], [5, 5], [3, 4, 5], [1]], [7, 4, 3, 1]),
    "empty": (5, 3, [[], [1], []], [5, 3, 1]),
    "impossible": (4, 4, [[1, 1, 2], [1, 1, 2, 2], [3, 2, 1, 3]], [4, 4, 3]),
    "long": (60, 30, [[1 + i * 7 % 29 for i in range(25)], [3] * 12], [60, 45]),
}


def case(time, symbols, labels, input_lengths):
    x = torch.randn(time, len(labels), symbols, dtype=torch.float32).double() * 2
    x.requires_grad_()
    flat = torch.tensor([label for sequence in labels for label in sequence], dtype=torch.int64)
    label_lengths = torch.tensor([len(sequence) for sequence in labels])
    input_lengths = torch.tensor(input_lengths)
    costs = torch.nn.functional.ctc_loss(
        x.log_softmax(2), flat, input_lengths, label_lengths, reduction="none", zero_infinity=True
    )
    costs.sum().backward()
    return {
        "x": x,
        "labels": flat,
        "labelLengths": label_lengths,
        "inputLengths": input_lengths,
        "costs": costs,
        "dx": x.grad,
    }


def write(path, tensors):
    header, blobs, offset = {}, [], 0
    for name, tensor in tensors.items():
        tensor = tensor.detach().contiguous()
        blob = tensor.numpy().tobytes()
        header[name] = {
            "dtype": {torch.float64: "F64", torch.int64: "I64"}[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [offset, offset + len(blob)],
        }
        offset += len(blob)
        blobs.append(blob)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(blobs))


def main():
    torch.manual_seed(2006)
    tensors = {}
    for prefix, arguments in CASES.items():
        for name, tensor in case(*arguments).items():
            tensors[f"{prefix}.{name}"] = tensor
    write(pathlib.Path(__file__).with_name("pytorch-ctc.safetensors"), tensors)


if __name__ == "__main__":
    main()
