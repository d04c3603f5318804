"""Writes pytorch-*.onnx: networks by PyTorch's exporters, the older one and the newer one.

    python pytorch_models.py    (made with torch 2.13.0, onnx 1.23.1 and onnxscript 0.7.2)

The newer one writes a plain cell step by step, and a fixed number of steps into others.
"""

import pathlib
import warnings

import onnx
import torch
from torch import nn

FOLDER = pathlib.Path(__file__).parent


class Classifier(nn.Module):
    """Tokens [B, T] to the probabilities of labels [B, 3]."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(7, 4)
        self.rnn = nn.LSTM(4, 5, batch_first=True, bidirectional=True)
        self.linear = nn.Linear(10, 3)

    def forward(self, tokens):
        _, (h, _) = self.rnn(self.embedding(tokens))
        return torch.softmax(self.linear(torch.cat((h[0], h[1]), 1)), 1)


class Tagger(nn.Module):
    """Vectors [T, B, 4] to the scores of tags [T, B, 3], with states in and out."""

    def __init__(self):
        super().__init__()
        self.rnn = nn.GRU(4, 5)
        self.hidden = nn.Linear(5, 6)
        self.linear = nn.Linear(6, 3, bias=False)

    def forward(self, x, h0):
        y, h = self.rnn(x, h0)
        return self.linear(torch.relu(self.hidden(y))), h


def networks():
    x = torch.zeros(5, 2, 4)
    vectors = {"x": {0: "T", 1: "B"}}
    yield "lstm", nn.LSTM(4, 5, num_layers=2, bidirectional=True), (x,), vectors
    yield "gru", nn.GRU(4, 5, bidirectional=True), (x,), vectors
    yield "tanh", nn.RNN(4, 5), (x,), vectors
    yield "relu", nn.RNN(4, 5, nonlinearity="relu", bias=False), (x,), vectors
    yield "tagger", Tagger(), (x, torch.zeros(1, 2, 5)), {**vectors, "h0": {1: "B"}}
    tokens = torch.zeros(2, 5, dtype=torch.long)
    yield "classifier", Classifier(), (tokens,), {"tokens": {0: "B", 1: "T"}}


def main():
    warnings.simplefilter("ignore")
    for dynamo in False, True:
        for name, network, inputs, extents in networks():
            if dynamo and isinstance(network, nn.RNN):
                continue
            torch.manual_seed(7)
            for parameter in network.parameters():
                nn.init.uniform_(parameter, -0.5, 0.5)
            file = f"pytorch-{name}-{'newer' if dynamo else 'older'}.onnx"
            options = {"input_names": list(extents), "dynamo": dynamo}
            if dynamo:
                options["dynamic_shapes"] = tuple(
                    {axis: torch.export.Dim(extent) for axis, extent in axes.items()}
                    for axes in extents.values()
                )
                options["external_data"] = False
            else:
                options["dynamic_axes"] = extents
            torch.onnx.export(network.eval(), inputs, str(FOLDER / file), **options)
            strip(FOLDER / file)


def strip(file):
    """Removes where in the source a node comes from, which is most of a small file."""
    model = onnx.load(file)
    del model.graph.value_info[:]
    for part in (*model.graph.node, *model.graph.input, *model.graph.output, model.graph):
        del part.metadata_props[:]
        part.doc_string = ""
    onnx.save(model, file)


if __name__ == "__main__":
    main()
