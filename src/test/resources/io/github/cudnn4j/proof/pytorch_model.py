"""Writes pytorch-model.safetensors: a model's state_dict, as safetensors.torch.save_file saves it.

    python pytorch_model.py        (made with torch 2.13.0 and safetensors 0.8.0 on the CPU)

Beside the state_dict are the model's input x [T,B,I] and output y [T,B,H].
"""

import pathlib

import torch
from safetensors.torch import save_file


class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = torch.nn.LSTM(5, 6, num_layers=2, bidirectional=True, proj_size=3)
        self.decoder = torch.nn.GRU(6, 4)

    def forward(self, x):
        return self.decoder(self.encoder(x)[0])[0]


def main():
    torch.manual_seed(7)
    model = Model()
    x = torch.randn(3, 2, 5)
    with torch.no_grad():
        y = model(x)
    path = pathlib.Path(__file__).with_name("pytorch-model.safetensors")
    save_file(dict(model.state_dict()) | {"x": x, "y": y}, path, metadata={"format": "pt"})


if __name__ == "__main__":
    main()
