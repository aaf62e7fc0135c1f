"""Golden vectors for recurrent layers with dropout masks, computed by PyTorch.

Writes lstm.json, gru.json, gru_reset_before.json and rnn.json next to this
file. Everything is computed on the CPU in float64. The layout of the files is
described in README.md.

    python generate.py

All given numbers except the recurrent masks' 1/(1-p) = 4/3 are multiples of
1/256, so they are exact in decimal, float32 and float64. 4/3 is rounded to the
nine digits that are written *before* anything is computed with it. The expected
numbers therefore belong to exactly the inputs in the file.
"""

import json
import pathlib

import torch
from torch import nn

SEQ, BATCH, D_INPUT, D_HIDDEN, N_LAYERS = 5, 3, 4, 6, 2
P_INPUT, P_RECURRENT = 0.5, 0.25
GATES = {"lstm": 4, "gru": 3, "gru_reset_before": 3, "rnn": 1}  # i f g o / r z n / one
# The two GRU variants get the same inputs.
SEEDS = {"lstm": 1000, "gru": 2000, "gru_reset_before": 2000, "rnn": 3000}
CASES = ["identity", "tied", "untied"]
MODULES = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}
CELLS = {"lstm": nn.LSTMCell, "rnn": nn.RNNCell}
WEIGHTS = ["weight_ih", "weight_hh", "bias_ih", "bias_hh"]


def nine_digits(value):
    return float(f"{value:.9g}") + 0.0  # + 0.0 turns -0.0 into 0.0


# --- inputs ------------------------------------------------------------------


def draw(rng, *shape, scale=1.0):
    """Uniform multiples of 1/256 in [-scale, scale]."""
    bound = int(256 * scale)
    return torch.randint(-bound, bound + 1, shape, generator=rng).double() / 256


def draw_mask(rng, width, p):
    """A [BATCH, width] dropout mask in which both values occur."""
    while True:
        keep = torch.rand(BATCH, width, generator=rng, dtype=torch.float64) >= p
        if keep.any() and not keep.all():
            return keep.double() * nine_digits(1 / (1 - p))


def draw_masks(rng, case, gates, width, p):
    count = {"identity": 0, "tied": 1, "untied": gates}[case]
    while True:
        masks = [draw_mask(rng, width, p) for _ in range(count)]
        if all(not torch.equal(a, b) for i, a in enumerate(masks) for b in masks[:i]):
            return masks


def make_inputs(kind, case):
    rng = torch.Generator().manual_seed(SEEDS[kind] + CASES.index(case))
    gates, layers = GATES[kind], []
    for index in range(N_LAYERS):
        width = D_INPUT if index == 0 else D_HIDDEN
        layer = {
            "weight_ih": draw(rng, gates * D_HIDDEN, width, scale=0.75),
            "weight_hh": draw(rng, gates * D_HIDDEN, D_HIDDEN, scale=0.75),
            "bias_ih": draw(rng, gates * D_HIDDEN, scale=0.5),
            "bias_hh": draw(rng, gates * D_HIDDEN, scale=0.5),
            "h0": draw(rng, BATCH, D_HIDDEN),
            "input_masks": draw_masks(rng, case, gates, width, P_INPUT),
            "recurrent_masks": draw_masks(rng, case, gates, D_HIDDEN, P_RECURRENT),
            "h_final_weights": draw(rng, BATCH, D_HIDDEN),
        }
        if kind == "lstm":
            layer["c0"] = draw(rng, BATCH, D_HIDDEN)
            layer["c_final_weights"] = draw(rng, BATCH, D_HIDDEN)
        layers.append(layer)
    return {
        "name": case,
        "input": draw(rng, SEQ, BATCH, D_INPUT),
        "layers": layers,
        "output_weights": draw(rng, SEQ, BATCH, D_HIDDEN),
    }


# --- steps -------------------------------------------------------------------


def written_out_step(kind, p, x, h, c, zx, zh):
    """One step in plain tensor operations; zx and zh hold one mask per gate."""
    w, u = p["weight_ih"].split(D_HIDDEN), p["weight_hh"].split(D_HIDDEN)
    bi, bh = p["bias_ih"].split(D_HIDDEN), p["bias_hh"].split(D_HIDDEN)

    def from_x(k):
        return (x * zx[k]) @ w[k].T + bi[k]

    def from_h(k):
        return (h * zh[k]) @ u[k].T + bh[k]

    if kind == "rnn":
        return torch.tanh(from_x(0) + from_h(0)), None
    if kind == "lstm":
        i, f, g, o = (from_x(k) + from_h(k) for k in range(4))
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(c), c
    r = torch.sigmoid(from_x(0) + from_h(0))
    z = torch.sigmoid(from_x(1) + from_h(1))
    if kind == "gru":  # reset after the product with U_n, as PyTorch and cuDNN do
        n = torch.tanh(from_x(2) + r * from_h(2))
    else:  # reset before it; b_hn is outside the reset
        n = torch.tanh(from_x(2) + (r * (h * zh[2])) @ u[2].T + bh[2])
    return (1 - z) * n + z * h, None  # the h carried over is not masked


def cell_step(kind, p, x, h, c, zx, zh):
    """One step by nn.LSTMCell or nn.RNNCell on masked inputs, for tied masks."""
    cell = CELLS[kind](x.shape[1], D_HIDDEN, dtype=torch.float64)
    for name in WEIGHTS:
        setattr(cell, name, p[name])
    if kind == "lstm":
        return cell(x * zx[0], (h * zh[0], c))
    return cell(x * zx[0], h * zh[0]), None


# --- whole runs --------------------------------------------------------------


def run_steps(kind, given, layers, x, step):
    """Layer by layer; a layer reads the raw outputs of the one below it."""
    ones = torch.ones((), dtype=torch.float64)
    finals = []
    for fixed, p in zip(given["layers"], layers):
        zx, zh = fixed["input_masks"] or [ones], fixed["recurrent_masks"] or [ones]
        zx, zh = (m if len(m) > 1 else m * GATES[kind] for m in (zx, zh))
        h, c, outputs = p["h0"], p.get("c0"), []
        for t in range(SEQ):
            h, c = step(kind, p, x[t], h, c, zx, zh)
            outputs.append(h)
        x = torch.stack(outputs)
        finals.append({"h": h, "c": c} if kind == "lstm" else {"h": h})
    return x, finals


def run_module(kind, given, layers, x, _step=None):
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


def expect(kind, given, run, step=None):
    """Outputs, final states, loss and every gradient of one run."""
    learnt = WEIGHTS + (["h0", "c0"] if kind == "lstm" else ["h0"])
    layers = [{n: nn.Parameter(g[n].clone()) for n in learnt} for g in given["layers"]]
    x = nn.Parameter(given["input"].clone())
    outputs, finals = run(kind, given, layers, x, step)
    loss = (outputs * given["output_weights"]).sum()
    for fixed, final in zip(given["layers"], finals):
        for state, value in final.items():
            loss = loss + (value * fixed[f"{state}_final_weights"]).sum()
    loss.backward()
    return {
        "outputs": outputs.detach(),
        "layers": [
            {f"{s}_final": v.detach() for s, v in final.items()}
            | {f"grad_{n}": p[n].grad for n in learnt}
            for final, p in zip(finals, layers)
        ],
        "grad_input": x.grad,
        "loss": loss.detach(),
    }


def assert_same(a, b):
    if isinstance(a, dict):
        assert a.keys() == b.keys()
        for key in a:
            assert_same(a[key], b[key])
    elif isinstance(a, list):
        assert len(a) == len(b)
        for left, right in zip(a, b):
            assert_same(left, right)
    else:
        assert torch.allclose(a, b, rtol=1e-12, atol=1e-12), (a - b).abs().max()


def check_written_out_steps(kind):
    """The steps above against PyTorch's own layers, gradients included."""
    by_hand = lambda k, given: expect(k, given, run_steps, written_out_step)
    given = make_inputs(kind, "identity")
    if kind in MODULES:
        assert_same(by_hand(kind, given), expect(kind, given, run_module))
    else:
        # No PyTorch layer resets before the product, but with the reset gate
        # held at exactly 1 the order no longer matters to the values.
        open_gate = make_inputs(kind, "identity")
        for layer in open_gate["layers"]:
            layer["bias_ih"][:D_HIDDEN] = 1000.0
        assert_same(by_hand(kind, open_gate), expect("gru", open_gate, run_module))
        # Otherwise it does, and must.
        other = expect("gru", given, run_module)["outputs"]
        assert (by_hand(kind, given)["outputs"] - other).abs().max() > 1e-3
    tied = make_inputs(kind, "tied")
    if kind in CELLS:
        assert_same(by_hand(kind, tied), expect(kind, tied, run_steps, cell_step))
    # A separate but equal mask per gate is the tied case.
    repeated = make_inputs(kind, "tied")
    for layer in repeated["layers"]:
        layer["input_masks"] *= GATES[kind]
        layer["recurrent_masks"] *= GATES[kind]
    assert_same(by_hand(kind, tied), by_hand(kind, repeated))


def make_case(kind, case):
    given = make_inputs(kind, case)
    if case == "identity" and kind in MODULES:
        expected = expect(kind, given, run_module)
    elif case == "tied" and kind in CELLS:
        expected = expect(kind, given, run_steps, cell_step)
    else:
        expected = expect(kind, given, run_steps, written_out_step)
    return given | {"expected": expected}


# --- files -------------------------------------------------------------------


def to_json(value):
    if isinstance(value, dict):
        return {key: to_json(v) for key, v in value.items()}
    if isinstance(value, list):
        return [to_json(v) for v in value]
    if not isinstance(value, torch.Tensor):
        return value
    if value.dim() == 0:
        return nine_digits(value.item())
    values = [nine_digits(v) for v in value.flatten().tolist()]
    return {"shape": list(value.shape), "values": values}


def main():
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    for kind in GATES:
        check_written_out_steps(kind)
        document = {
            "torch": torch.__version__.split("+")[0],
            "generator": "generate.py",
            "dims": {
                "batch": BATCH,
                "seq": SEQ,
                "d_input": D_INPUT,
                "d_hidden": D_HIDDEN,
                "layers": N_LAYERS,
                "gates": GATES[kind],
            },
            "cases": [to_json(make_case(kind, case)) for case in CASES],
        }
        path = pathlib.Path(__file__).with_name(f"{kind}.json")
        text = json.dumps(document, separators=(",", ":"), allow_nan=False) + "\n"
        path.write_text(text)
        print(f"{path.name}: {len(text)} bytes")


if __name__ == "__main__":
    main()
