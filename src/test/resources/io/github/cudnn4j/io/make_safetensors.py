"""Writes reference.safetensors with the format's own library, from PyTorch tensors.

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
