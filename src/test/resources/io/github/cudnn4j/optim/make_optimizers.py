"""Writes optimizers.safetensors: weights after each of six steps of torch.optim; and, under "scaled.",
gradients of which some are too large in FP16, and what GradScaler and Adam make of them; and, under
"clipped.", gradients, limits of their norm and what clip_grad_norm_ makes of them, in each type; and,
under "groups.", the weights of several tensors after each of six steps with parameter groups.

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



class Lion(torch.optim.Optimizer):
    """Chen et al., Symbolic discovery of optimization algorithms, 2023."""

    def __init__(self, params, lr, betas, weight_decay):
        super().__init__(params, {})
        self.lr, self.betas, self.weight_decay = lr, betas, weight_decay

    @torch.no_grad()
    def step(self):
        beta1, beta2 = self.betas
        for p in self.param_groups[0]["params"]:
            m = self.state[p].setdefault("m", torch.zeros_like(p))
            c = (beta1 * m + (1 - beta1) * p.grad).sign()
            p -= self.lr * (c + self.weight_decay * p)
            m.copy_(beta2 * m + (1 - beta2) * p.grad)


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
    "adagrad": lambda p: torch.optim.Adagrad(p, lr=0.1, eps=1e-6),
    "adamax": lambda p: torch.optim.Adamax(p, lr=0.02, betas=(0.9, 0.99), eps=1e-8),
    "lion": lambda p: Lion(p, lr=0.01, betas=(0.9, 0.99), weight_decay=0.1),
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

# What backpropagation leaves in FP16: the scaled gradient, rounded, infinite where it is too large.
scaled = torch.randn(40, SIZE, generator=generator, dtype=torch.float32)
scaled[[0, 3, 4, 17, 18, 19, 33]] *= 300
parameter = torch.nn.Parameter(weights.float().clone())
optimizer = torch.optim.Adam([parameter], lr=0.01)
scaler = torch.amp.GradScaler("cpu", init_scale=1024.0, growth_interval=5)
scaler.scale(torch.zeros(1))
history, scales = [], []
for gradient in scaled:
    parameter.grad = (gradient * scaler.get_scale()).half().float()
    scaler.unscale_(optimizer)
    torch.nn.utils.clip_grad_norm_([parameter], 2.0)
    scaler.step(optimizer)
    scaler.update()
    history.append(parameter.detach().clone())
    scales.append(scaler.get_scale())
tensors["scaled.gradients"] = scaled
tensors["scaled.weights"] = torch.stack(history)
tensors["scaled.scales"] = torch.tensor(scales, dtype=torch.float64)
print("scales", scales)

# A gradient so many times as long as the limit.
times = torch.tensor([0.5, 1, 1.0001, 1.5, 2, 1000], dtype=torch.float64)
for name, dtype in (
    ("f64", torch.float64),
    ("f32", torch.float32),
    ("f16", torch.float16),
    ("bf16", torch.bfloat16),
):
    gradient = torch.randn(SIZE, generator=generator, dtype=torch.float64).to(dtype).double()
    limits = gradient.norm() / times
    clipped = []
    for limit in limits:
        parameter = torch.nn.Parameter(torch.zeros(SIZE, dtype=torch.float64))
        parameter.grad = gradient.clone()
        torch.nn.utils.clip_grad_norm_([parameter], limit.item())
        clipped.append(parameter.grad)
    tensors[f"clipped.{name}.gradient"] = gradient
    tensors[f"clipped.{name}.limits"] = limits
    tensors[f"clipped.{name}"] = torch.stack(clipped)

# Two layers, of which the first is frozen; biases do not decay, and the last layer learns faster.
shapes = {
    "embed.weight": (7, 5),
    "rnn.weight": (6, 5),
    "rnn.bias": (6,),
    "head.weight": (3, 6),
    "head.bias": (3,),
}
start = {n: torch.randn(s, generator=generator).double() for n, s in shapes.items()}
history = [
    {n: torch.randn(s, generator=generator).double() for n, s in shapes.items()}
    for _ in range(STEPS)
]
for name in shapes:
    tensors["groups." + name] = start[name]
    tensors["groups.gradients." + name] = torch.stack([g[name] for g in history])


def clip(parameters, limit):
    """As clip_grad_norm_, which divides by the norm and one millionth."""
    norm = torch.nn.utils.get_total_norm([p.grad for p in parameters])
    for p in parameters:
        p.grad *= min(1.0, limit / norm.item())


grouped = {
    "sgd": lambda g: torch.optim.SGD(g, lr=0.1, momentum=0.9, weight_decay=0.1),
    "adamw": lambda g: torch.optim.AdamW(g, lr=0.01, weight_decay=0.1),
}
for rule, make in grouped.items():
    for apart in (False, True):
        for suffix, dtype in (("f32", torch.float32), ("f64", torch.float64)):
            p = {n: torch.nn.Parameter(w.to(dtype).clone()) for n, w in start.items()}
            head = [p["head.weight"], p["head.bias"]]
            rnn = [p["rnn.weight"], p["rnn.bias"]]
            lr = 0.1 if rule == "sgd" else 0.01
            optimizer = make(
                [
                    {"params": [p["rnn.weight"]]},
                    {"params": [p["rnn.bias"]], "weight_decay": 0.0},
                    {"params": head, "lr": 3 * lr},
                ]
            )
            after = {n: [] for n in shapes}
            for gradients in history:
                for n in shapes:
                    p[n].grad = gradients[n].to(dtype).clone()
                if apart:
                    clip(rnn, 2.0)
                    clip(head, 1.0)
                else:
                    clip(rnn + head, 2.0)
                optimizer.step()
                for n in shapes:
                    after[n].append(p[n].detach().clone())
            for n in shapes:
                which = f"groups.{rule}{'.apart' if apart else ''}.{suffix}.{n}"
                tensors[which] = torch.stack(after[n])

save_file(tensors, pathlib.Path(__file__).with_name("optimizers.safetensors"))
