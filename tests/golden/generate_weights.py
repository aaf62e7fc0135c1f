"""Files of weights as PyTorch and safetensors write them, and what the layers give.

Writes weights/*.pt, weights/*.safetensors and weights/expected.json. Everything is
computed on the CPU in float32.

    python generate_weights.py
"""

import json
import random
import zipfile

import torch
from safetensors.torch import save_file
from torch import nn

import vectors
from generate_pytorch import MODULES, from_file, to_file
from vectors import BATCH, D_HIDDEN, D_INPUT, SEQ

FOLDER = vectors.FOLDER / "weights"
# Cell, layers, both directions, biases.
CASES = {
    "lstm": ("lstm", 2, True, True),
    "gru": ("gru", 2, True, True),
    "rnn": ("rnn", 1, False, True),
    "lstm_without_bias": ("lstm", 1, False, False),
    "gru_without_bias": ("gru", 3, False, False),
}


class Model(nn.Module):
    """A layer under a path, as models have it."""

    def __init__(self, layer):
        super().__init__()
        self.encoder = nn.ModuleDict({"layer": layer})


def compress(path):
    with zipfile.ZipFile(path) as archive:
        entries = [(info.filename, archive.read(info)) for info in archive.infolist()]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries:
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)


def main():
    torch.set_num_threads(1)
    FOLDER.mkdir(exist_ok=True)
    cases = {}
    for name, (kind, layers, both, bias) in CASES.items():
        rng = random.Random(f"weights {name}")
        layer = MODULES[kind](
            D_INPUT, D_HIDDEN, num_layers=layers, bidirectional=both, bias=bias
        )
        with torch.no_grad():
            for value in layer.parameters():
                value.copy_(from_file(vectors.draw(rng, *value.shape, scale=0.5)))
        x = vectors.draw(rng, SEQ, BATCH, D_INPUT)
        model = Model(layer)
        state = model.state_dict()
        torch.save(state, FOLDER / f"{name}.pt")
        save_file(state, FOLDER / f"{name}.safetensors")
        outputs, _ = layer(from_file(x).float())
        cases[name] = {"input": x, "outputs": to_file(outputs.detach().double())}
    # A small file of a matrix that is not: every element is the same one.
    expanded = {"weight": torch.zeros(1).expand(1 << 15, 1 << 15)}
    torch.save(expanded, FOLDER / "expanded.pt")
    # Two elements at the ends of a storage of zeros, which is compressed.
    storage = torch.zeros(1 << 24)
    torch.save({"weight": storage[:: (1 << 24) - 1]}, FOLDER / "compressed.pt")
    compress(FOLDER / "compressed.pt")
    versions = {"torch": torch.__version__.split("+")[0], "generator": "generate_weights.py"}
    document = versions | {"cases": vectors.rounded(cases)}
    text = json.dumps(document, separators=(",", ":"), allow_nan=False) + "\n"
    (FOLDER / "expected.json").write_text(text)


if __name__ == "__main__":
    main()
