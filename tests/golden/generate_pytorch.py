"""Golden vectors of what PyTorch has: layers without masks, and cells with one
mask for all gates.

Writes pytorch/*.json. Everything is computed on the CPU in float64. The layout
of the files is described in README.md.

    python generate_pytorch.py
"""

import torch
from torch import nn

import vectors
from vectors import D_HIDDEN, D_INPUT, N_LAYERS, SEQ

# nn.GRUCell cannot serve for masks: the h it carries over would be masked too.
CASES = {"lstm": ["identity", "tied"], "gru": ["identity"], "rnn": ["identity", "tied"]}
MODULES = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}
CELLS = {"lstm": nn.LSTMCell, "rnn": nn.RNNCell}
WEIGHTS = ["weight_ih", "weight_hh", "bias_ih", "bias_hh"]


def from_file(tensor):
    return torch.tensor(tensor["values"], dtype=torch.float64).reshape(tensor["shape"])


def to_file(tensor):
    return {"shape": list(tensor.shape), "values": tensor.flatten().tolist()}


def run_module(kind, given, layers, x):
    """nn.LSTM, nn.GRU or nn.RNN with num_layers=2 and no masks."""
    net = MODULES[kind](D_INPUT, D_HIDDEN, num_layers=N_LAYERS, dtype=torch.float64)
    for index, p in enumerate(layers):
        for name in WEIGHTS:
            setattr(net, f"{name}_l{index}", p[name])
    h0 = torch.stack([p["h0"] for p in layers])
    if kind == "lstm":
        outputs, (h, c) = net(x, (h0, torch.stack([p["c0"] for p in layers])))
        return outputs, [{"h": h[l], "c": c[l]} for l in range(N_LAYERS)]
    outputs, h = net(x, h0)
    return outputs, [{"h": h[l]} for l in range(N_LAYERS)]


def run_cells(kind, given, layers, x):
    """nn.LSTMCell or nn.RNNCell on masked inputs and masked h, if there are masks.

    Layer by layer; a layer reads the raw outputs of the one below it.
    """
    finals = []
    for fixed, p in zip(given["layers"], layers):
        cell = CELLS[kind](x.shape[2], D_HIDDEN, dtype=torch.float64)
        for name in WEIGHTS:
            setattr(cell, name, p[name])
        zx, zh = (
            from_file(fixed[site][0]) if fixed[site] else torch.ones(()).double()
            for site in ("input_masks", "recurrent_masks")
        )
        h, c, outputs = p["h0"], p.get("c0"), []
        for t in range(SEQ):
            if kind == "lstm":
                h, c = cell(x[t] * zx, (h * zh, c))
            else:
                h = cell(x[t] * zx, h * zh)
            outputs.append(h)
        x = torch.stack(outputs)
        finals.append({"h": h, "c": c} if kind == "lstm" else {"h": h})
    return x, finals


def expect(kind, given, run):
    """Outputs, final states, loss and every gradient of one run."""
    layers = [
        {name: nn.Parameter(from_file(g[name])) for name in vectors.learnt(g)}
        for g in given["layers"]
    ]
    x = nn.Parameter(from_file(given["input"]))
    outputs, finals = run(kind, given, layers, x)
    loss = (outputs * from_file(given["output_weights"])).sum()
    for fixed, final in zip(given["layers"], finals):
        for state, value in final.items():
            loss = loss + (value * from_file(fixed[f"{state}_final_weights"])).sum()
    loss.backward()
    return {
        "outputs": to_file(outputs),
        "layers": [
            {f"{s}_final": to_file(v) for s, v in final.items()}
            | {f"grad_{name}": to_file(v.grad) for name, v in p.items()}
            for final, p in zip(finals, layers)
        ],
        "grad_input": to_file(x.grad),
        "loss": loss.item(),
    }


def make_case(kind, case):
    given = vectors.make_inputs(kind, case, biases=2)
    run = run_module if case == "identity" else run_cells
    expected = expect(kind, given, run)
    if case == "identity" and kind in CELLS:
        error = vectors.largest_error(expect(kind, given, run_cells), expected)
        assert error < 1e-12, f"the cells are not the layer: {error}"
    return given | {"expected": expected}


def main():
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    versions = {"torch": torch.__version__.split("+")[0]}
    for kind, cases in CASES.items():
        vectors.write("pytorch", versions, kind, [make_case(kind, case) for case in cases])


if __name__ == "__main__":
    main()
