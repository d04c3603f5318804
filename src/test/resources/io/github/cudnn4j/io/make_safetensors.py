"""Writes reference.safetensors and rounding.safetensors with the format's own library, from
PyTorch tensors.

Needs torch, numpy and safetensors; the tests only need the file.
"""

import pathlib

import torch
from safetensors.torch import save_file

lstm = torch.nn.LSTM(3, 2)
with torch.no_grad():
    for index, parameter in enumerate(lstm.parameters()):
        count = parameter.numel()
        parameter.copy_((torch.arange(count) / 8 - index).reshape(parameter.shape))

tensors = dict(lstm.state_dict())
tensors["half"] = torch.tensor([1.0, -0.5, 65504.0, 6e-8], dtype=torch.float16)
tensors["brain"] = torch.tensor([1.0, -0.5, 1e30], dtype=torch.bfloat16)
tensors["wide"] = torch.tensor([[0.1, -0.2]], dtype=torch.float64)
tensors["step"] = torch.tensor(1234567890123, dtype=torch.int64)
tensors["tokens"] = torch.tensor([[1, -2], [3, 4]], dtype=torch.int32)
tensors["mask"] = torch.tensor([True, False, True])
tensors["bytes"] = torch.tensor([0, 127, 255], dtype=torch.uint8)
tensors["empty"] = torch.zeros(0, 4)
save_file(
    tensors,
    pathlib.Path(__file__).with_name("reference.safetensors"),
    metadata={"format": "pt", "who": "caf\u00e9"},
)

# Numbers on, between and midway between those of the half types, and what PyTorch rounds them to.
bits = torch.randint(0, 2**16, (200,), generator=torch.Generator().manual_seed(1))
numbers = [torch.tensor([65504.0, 65519.99, 65520.0, 1e30, 3.39e38, 3.4e38, -0.0, 1e-45, 2.0**-25])]
for half in torch.float16, torch.bfloat16:
    low = bits.to(torch.int16).view(half).float()
    high = (bits + 1).to(torch.int16).view(half).float()
    numbers += [low, low + (high - low) / 2, low + (high - low) * 0.49, low + (high - low) * 0.51]
numbers = torch.cat(numbers)
save_file(
    {"float": numbers, "half": numbers.half(), "brain": numbers.bfloat16()},
    pathlib.Path(__file__).with_name("rounding.safetensors"),
)
