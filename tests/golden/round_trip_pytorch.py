"""Weights that the layers wrote, through PyTorch and back.

Reads weights/ours.safetensors into nn.GRU, and writes its state as weights/ours.pt.

    python round_trip_pytorch.py
"""

import torch
from safetensors.torch import load_file
from torch import nn

import vectors
from vectors import D_HIDDEN, D_INPUT

FOLDER = vectors.FOLDER / "weights"


def main():
    gru = nn.GRU(D_INPUT, D_HIDDEN, num_layers=2, bidirectional=True)
    model = nn.Module()
    model.encoder = nn.ModuleDict({"gru": gru})
    model.load_state_dict(load_file(FOLDER / "ours.safetensors"))
    torch.save(model.state_dict(), FOLDER / "ours.pt")


if __name__ == "__main__":
    main()
