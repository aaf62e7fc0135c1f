"""Golden vectors of PyTorch's bidirectional layers over sequences of different
lengths: nn.LSTM, nn.GRU and nn.RNN of one to three layers, fed through
pack_padded_sequence.

Writes packed/*.json. Everything is computed on the CPU in float64. The layout of
the files is described in README.md.

    python generate_packed.py
"""

import random

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

import vectors
from generate_pytorch import MODULES, WEIGHTS, from_file, to_file
from vectors import BATCH, D_HIDDEN, D_INPUT, SEQ

LENGTHS = [2, 5, 4]
DEPTHS = [1, 2, 3]


def names(index):
    """PyTorch's names of the tensors of a layer, two of which are a layer of the stack."""
    suffix = f"l{index // 2}" + ("_reverse" if index % 2 else "")
    return {name: f"{name}_{suffix}" for name in WEIGHTS}


def make_inputs(kind, depth, net):
    rng = random.Random(f"packed {kind}, {depth}")
    states = ["h", "c"] if kind == "lstm" else ["h"]
    shapes = {name: list(value.shape) for name, value in net.named_parameters()}
    layers = []
    for index in range(2 * depth):
        layer = {
            ours: vectors.draw(rng, *shapes[name], scale=0.5)
            for ours, name in names(index).items()
        }
        for state in states:
            layer[f"{state}0"] = vectors.draw(rng, BATCH, D_HIDDEN)
            layer[f"{state}_final_weights"] = vectors.draw(rng, BATCH, D_HIDDEN)
        layers.append(layer | {"input_masks": [], "recurrent_masks": []})
    return states, {
        "name": f"depth {depth}",
        "lengths": LENGTHS,
        "input": vectors.draw(rng, SEQ, BATCH, D_INPUT),
        "layers": layers,
        "output_weights": vectors.draw(rng, SEQ, BATCH, 2 * D_HIDDEN),
    }


def make_case(kind, depth):
    net = MODULES[kind](
        D_INPUT, D_HIDDEN, num_layers=depth, bidirectional=True, dtype=torch.float64
    )
    states, given = make_inputs(kind, depth, net)
    parameters = dict(net.named_parameters())
    with torch.no_grad():
        for index, layer in enumerate(given["layers"]):
            for ours, name in names(index).items():
                parameters[name].copy_(from_file(layer[ours]))
    x = nn.Parameter(from_file(given["input"]))
    initial = {
        s: nn.Parameter(torch.stack([from_file(layer[f"{s}0"]) for layer in given["layers"]]))
        for s in states
    }
    packed = pack_padded_sequence(x, torch.tensor(LENGTHS), enforce_sorted=False)
    outputs, finals = net(packed, tuple(initial.values()) if kind == "lstm" else initial["h"])
    finals = dict(zip(states, finals if kind == "lstm" else (finals,)))
    outputs, _ = pad_packed_sequence(outputs, total_length=SEQ)

    loss = (outputs * from_file(given["output_weights"])).sum()
    for index, layer in enumerate(given["layers"]):
        for s in states:
            loss = loss + (finals[s][index] * from_file(layer[f"{s}_final_weights"])).sum()
    loss.backward()
    layers = [
        {f"{s}_final": to_file(finals[s][index]) for s in states}
        | {f"grad_{s}0": to_file(initial[s].grad[index]) for s in states}
        | {f"grad_{ours}": to_file(parameters[name].grad) for ours, name in names(index).items()}
        for index in range(2 * depth)
    ]
    expected = {
        "outputs": to_file(outputs),
        "layers": layers,
        "grad_input": to_file(x.grad),
        "loss": loss.item(),
    }
    return given | {"expected": expected}


def main():
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    versions = {"torch": torch.__version__.split("+")[0]}
    for kind in MODULES:
        cases = [make_case(kind, depth) for depth in DEPTHS]
        vectors.write("packed", versions, kind, cases)


if __name__ == "__main__":
    main()
