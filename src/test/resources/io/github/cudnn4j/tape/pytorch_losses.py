"""Writes pytorch-losses.safetensors: what PyTorch computes for each loss of a tape.

    python pytorch_losses.py        (made with torch 2.13.0 on the CPU, in float64)

A case holds, under its name:

    in.NAME        inputs; exact in every type, in bfloat16 here, but whole numbers
    loss           the mean of what counts
    grad.NAME      its gradients, of every input that has one
"""

import pathlib

import torch
from torch.nn import functional

from pytorch_operations import draw, tensors, write

T, B, C, L = 6, 4, 5, 3


def add(name, function, fixed=(), **inputs):
    given = {
        key: value.clone().requires_grad_(key not in fixed)
        if value.is_floating_point()
        else value
        for key, value in inputs.items()
    }
    loss = function(**given)
    loss.backward()
    for key, value in given.items():
        real = value.is_floating_point()
        tensors[f"{name}.in.{key}"] = value.bfloat16() if real else value.int()
        if value.requires_grad:
            tensors[f"{name}.grad.{key}"] = value.grad
    tensors[f"{name}.loss"] = loss.reshape(1)


def labels():
    x = 4 * draw(T, B, C)
    targets = torch.randint(-1, C, (T, B))
    weight = torch.tensor([0.5, 2, 0.25, 1, 3], dtype=torch.float64)
    for name, options in {
        "plain": {},
        "weighted": {"weight": weight},
        "smooth": {"label_smoothing": 0.25},
        "both": {"weight": weight, "label_smoothing": 0.25},
    }.items():

        def loss(logits, targets):
            rows, flat = logits.reshape(-1, C), targets.reshape(-1)
            return functional.cross_entropy(rows, flat, ignore_index=-1, **options)

        add(f"crossEntropy.{name}", loss, logits=x, targets=targets)


def numbers():
    x, y = 4 * draw(T, B, C), draw(T, B, C, least=0)
    counted = torch.randint(-1, 2, (T, B))
    element = torch.randint(-1, 2, (T, B, C))
    weight = torch.tensor([0.5, 2, 0.25, 1, 3], dtype=torch.float64)
    logistic = functional.binary_cross_entropy_with_logits
    square = functional.mse_loss
    add("binaryCrossEntropy.plain", logistic, ("target",), input=x, target=y)
    add(
        "binaryCrossEntropy.rows",
        lambda input, target, counted: logistic(
            input[counted >= 0], target[counted >= 0], pos_weight=weight
        ),
        ("target",),
        input=x,
        target=y,
        counted=counted,
    )
    add(
        "binaryCrossEntropy.elements",
        lambda input, target, counted: logistic(
            input, target, pos_weight=weight, reduction="none"
        )[counted >= 0].mean(),
        ("target",),
        input=x,
        target=y,
        counted=element,
    )
    add("meanSquaredError.plain", square, input=x, target=y)
    add(
        "meanSquaredError.rows",
        lambda input, target, counted: square(input[counted >= 0], target[counted >= 0]),
        input=x,
        target=y,
        counted=counted,
    )


def alignments():
    def loss(logits, lengths, labels, labelLengths):
        options = {"reduction": "none", "zero_infinity": True}
        costs = functional.ctc_loss(
            logits.log_softmax(-1), labels.T, lengths, labelLengths, **options
        )
        return costs[costs > 0].mean()

    # The last has no alignment: two equal labels need three steps.
    add(
        "ctc",
        loss,
        logits=4 * draw(T, B, C),
        lengths=torch.tensor([6, 4, 5, 2]),
        labels=torch.tensor([[1, 2, 4, 3], [1, 4, 1, 3], [3, 1, 1, 1]]),
        labelLengths=torch.tensor([3, 2, 0, 2]),
    )


torch.manual_seed(2013)
for cases in (labels, numbers, alignments):
    cases()
write(pathlib.Path(__file__).with_name("pytorch-losses.safetensors"))
