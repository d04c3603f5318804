"""Writes pytorch-crf.safetensors: a linear-chain conditional random field in PyTorch.

    python pytorch_crf.py        (made with torch 2.13.0 on the CPU, float64)
    python pytorch_crf.py time   prints the milliseconds of a forward and backward, float32, 2 threads

The forward algorithm by logsumexp, a step at a time, its gradients by autograd. The file holds

    emissions [T,B,K] F16  transitions [K,K]  start [K]  end [K]  labels [T,B]  lengths [B]
    loss [1]                                    the mean over the sequences
    demissions [T,B,K] F32  dtransitions  dstart  dend

and is plain safetensors, written by hand so that nothing but torch is needed.
"""

import json
import pathlib
import struct
import sys
import time

import torch

TIME, BATCH, LABELS = 64, 32, 20


def loss(emissions, transitions, start, end, labels, lengths):
    steps = torch.arange(len(emissions)).unsqueeze(1)
    counts = steps < lengths
    alpha = start + emissions[0]
    for t in range(1, len(emissions)):
        into = torch.logsumexp(alpha.unsqueeze(2) + transitions, 1) + emissions[t]
        alpha = torch.where(counts[t].unsqueeze(1), into, alpha)
    every = torch.logsumexp(alpha + end, 1)
    last = labels.gather(0, (lengths - 1).unsqueeze(0)).squeeze(0)
    own = emissions.gather(2, labels.unsqueeze(2)).squeeze(2)
    between = transitions[labels[:-1], labels[1:]]
    gold = start[labels[0]] + (own * counts).sum(0) + (between * counts[1:]).sum(0) + end[last]
    return (every - gold).mean()


def inputs(dtype):
    torch.manual_seed(2001)
    shapes = (TIME, BATCH, LABELS), (LABELS, LABELS), (LABELS,), (LABELS,)
    parameters = [torch.randn(shape).half().to(dtype).requires_grad_() for shape in shapes]
    labels = torch.randint(LABELS, (TIME, BATCH))
    lengths = torch.randint(1, TIME + 1, (BATCH,))
    lengths[0] = TIME
    return parameters, labels, lengths


def milliseconds():
    torch.set_num_threads(2)
    parameters, labels, lengths = inputs(torch.float32)
    lengths[:] = TIME
    times = []
    for _ in range(50):
        begin = time.perf_counter()
        loss(*parameters, labels, lengths).backward()
        times.append(1000 * (time.perf_counter() - begin))
    print(f"median {sorted(times)[25]:.2f} ms, least {min(times):.2f} ms")


def write(path, tensors):
    names = {torch.float64: "F64", torch.float32: "F32", torch.float16: "F16", torch.int64: "I64"}
    header, blobs, offset = {}, [], 0
    for name, tensor in tensors.items():
        tensor = tensor.detach().contiguous()
        blob = tensor.numpy().tobytes()
        header[name] = {
            "dtype": names[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [offset, offset + len(blob)],
        }
        offset += len(blob)
        blobs.append(blob)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(blobs))


def main():
    parameters, labels, lengths = inputs(torch.float64)
    value = loss(*parameters, labels, lengths)
    value.backward()
    tensors = {"labels": labels, "lengths": lengths, "loss": value.reshape(1)}
    for name, parameter in zip(("emissions", "transitions", "start", "end"), parameters):
        big = name == "emissions"
        tensors[name] = parameter.half() if big else parameter
        tensors["d" + name] = parameter.grad.float() if big else parameter.grad
    # The widest first, so that each is aligned.
    order = sorted(tensors, key=lambda name: -tensors[name].element_size())
    target = pathlib.Path(__file__).with_name("pytorch-crf.safetensors")
    write(target, {name: tensors[name] for name in order})


if __name__ == "__main__":
    milliseconds() if "time" in sys.argv else main()
