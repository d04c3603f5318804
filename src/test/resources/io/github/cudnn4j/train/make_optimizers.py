"""Writes optimizers.safetensors: weights after each of six steps of torch.optim.

Needs torch, numpy and safetensors; the tests only need the file.
"""

import pathlib

import torch
from safetensors.torch import save_file

STEPS = 6
SIZE = 37

generator = torch.Generator().manual_seed(5)
weights = torch.randn(SIZE, generator=generator, dtype=torch.float64)
gradients = torch.randn(STEPS, SIZE, generator=generator, dtype=torch.float64)
# Rounded, so that both precisions start from the same numbers.
weights = weights.float().double()
gradients = gradients.float().double()

cases = {
    "sgd": lambda p: torch.optim.SGD(p, lr=0.1),
    "sgd-decay": lambda p: torch.optim.SGD(p, lr=0.1, weight_decay=0.01),
    "sgd-momentum": lambda p: torch.optim.SGD(
        p, lr=0.1, momentum=0.9, dampening=0.3, weight_decay=0.01
    ),
    "sgd-nesterov": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True),
    "rmsprop": lambda p: torch.optim.RMSprop(p),
    "rmsprop-all": lambda p: torch.optim.RMSprop(
        p, lr=0.02, alpha=0.9, eps=1e-6, weight_decay=0.01, momentum=0.8, centered=True
    ),
    "adam": lambda p: torch.optim.Adam(p),
    "adam-decay": lambda p: torch.optim.Adam(
        p, lr=0.01, betas=(0.8, 0.99), eps=1e-6, weight_decay=0.1
    ),
    "adamw": lambda p: torch.optim.AdamW(p),
    "adamw-decay": lambda p: torch.optim.AdamW(
        p, lr=0.01, betas=(0.8, 0.99), eps=1e-6, weight_decay=0.1
    ),
}

tensors = {"weights": weights, "gradients": gradients}
for name, make in cases.items():
    for suffix, dtype in (("f32", torch.float32), ("f64", torch.float64)):
        parameter = torch.nn.Parameter(weights.to(dtype).clone())
        optimizer = make([parameter])
        history = []
        for gradient in gradients:
            parameter.grad = gradient.to(dtype).clone()
            optimizer.step()
            history.append(parameter.detach().clone())
        tensors[f"{name}.{suffix}"] = torch.stack(history)

save_file(tensors, pathlib.Path(__file__).with_name("optimizers.safetensors"))
