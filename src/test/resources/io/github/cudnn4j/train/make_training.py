"""Writes training.safetensors: language models trained for some steps in PyTorch, in float64.

For each cell: the weights before and after, the loss of each step, and the tokens that all share.
The text is cut into parallel streams and consecutive windows; the state goes from window to window
without its gradient. Needs torch, numpy and safetensors; the tests only need the file.
"""

import pathlib

import torch
from safetensors.torch import save_file

VOCABULARY, EMBEDDING, HIDDEN, BATCH, TIME, EPOCHS = 7, 5, 6, 3, 8, 2
CLIP = 0.6

torch.manual_seed(3)
torch.set_default_dtype(torch.float64)
tokens = torch.randint(0, VOCABULARY, (200,), dtype=torch.int32)
length = (len(tokens) - 1) // BATCH
inputs = tokens[: BATCH * length].reshape(BATCH, length).T.long()
labels = tokens[1 : BATCH * length + 1].reshape(BATCH, length).T.long()

cells = {
    "relu": lambda: torch.nn.RNN(EMBEDDING, HIDDEN, 2, nonlinearity="relu"),
    "tanh": lambda: torch.nn.RNN(EMBEDDING, HIDDEN, 2),
    "lstm": lambda: torch.nn.LSTM(EMBEDDING, HIDDEN, 2),
    "gru": lambda: torch.nn.GRU(EMBEDDING, HIDDEN, 2),
}
tensors = {"tokens": tokens}
for cell, make in cells.items():
    model = torch.nn.ModuleDict(
        {
            "embedding": torch.nn.Embedding(VOCABULARY, EMBEDDING),
            "rnn": make(),
            "linear": torch.nn.Linear(HIDDEN, VOCABULARY),
        }
    )
    for name, value in model.state_dict().items():
        tensors[f"{cell}.before.{name}"] = value.clone()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    losses = []
    for _ in range(EPOCHS):
        state = None
        for start in range(0, length - TIME + 1, TIME):
            y, state = model["rnn"](model["embedding"](inputs[start : start + TIME]), state)
            state = tuple(s.detach() for s in state) if cell == "lstm" else state.detach()
            logits = model["linear"](y).reshape(-1, VOCABULARY)
            loss = torch.nn.functional.cross_entropy(
                logits, labels[start : start + TIME].reshape(-1)
            )
            optimizer.zero_grad()
            loss.backward()
            norm = torch.sqrt(sum((p.grad**2).sum() for p in model.parameters()))
            if norm > CLIP:
                for p in model.parameters():
                    p.grad *= CLIP / norm
            optimizer.step()
            losses.append(loss.detach())
    for name, value in model.state_dict().items():
        tensors[f"{cell}.after.{name}"] = value.clone()
    tensors[f"{cell}.losses"] = torch.stack(losses)

save_file(tensors, pathlib.Path(__file__).with_name("training.safetensors"))
