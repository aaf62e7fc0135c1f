"""Inputs and files of the golden vectors, whichever framework computes them.

All given numbers except the recurrent masks' 1/(1-p) = 4/3 are multiples of
1/256, so they are exact in decimal, float32 and float64. 4/3 is rounded to the
nine digits that are written *before* anything is computed with it. The expected
numbers therefore belong to exactly the inputs in the file.

A tensor is what it is in a file: {"shape": [...], "values": [...]}.
"""

import json
import math
import pathlib
import random

SEQ, BATCH, D_INPUT, D_HIDDEN, N_LAYERS = 5, 3, 4, 6, 2
P_INPUT, P_RECURRENT = 0.5, 0.25
GATES = {"lstm": 4, "gru": 3, "gru_reset_before": 3, "rnn": 1}  # i f g o / r z n / one
CASES = ["identity", "tied", "untied"]
FOLDER = pathlib.Path(__file__).parent


def nine_digits(value):
    return float(f"{value:.9g}") + 0.0  # + 0.0 turns -0.0 into 0.0


# --- inputs ------------------------------------------------------------------


def draw(rng, *shape, scale=1.0):
    """Uniform multiples of 1/256 in [-scale, scale]."""
    bound = int(256 * scale)
    below = 2 * bound + 1  # of all that Python draws, it promises random() for good
    values = [(int(rng.random() * below) - bound) / 256 for _ in range(math.prod(shape))]
    return {"shape": list(shape), "values": values}


def draw_mask(rng, width, p):
    """A [BATCH, width] dropout mask in which both values occur."""
    kept = nine_digits(1 / (1 - p))
    while True:
        values = [kept if rng.random() >= p else 0.0 for _ in range(BATCH * width)]
        if len(set(values)) == 2:
            return {"shape": [BATCH, width], "values": values}


def draw_masks(rng, case, gates, width, p):
    count = {"identity": 0, "tied": 1, "untied": gates}[case]
    while True:
        masks = [draw_mask(rng, width, p) for _ in range(count)]
        if all(a != b for i, a in enumerate(masks) for b in masks[:i]):
            return masks


def make_inputs(kind, case, biases):
    """The inputs of a case, for a framework whose layers have one bias or two."""
    rng = random.Random(f"{kind}, {case}")
    gates, layers = GATES[kind], []
    for index in range(N_LAYERS):
        width = D_INPUT if index == 0 else D_HIDDEN
        layer = {
            "weight_ih": draw(rng, gates * D_HIDDEN, width, scale=0.75),
            "weight_hh": draw(rng, gates * D_HIDDEN, D_HIDDEN, scale=0.75),
            "bias_ih": draw(rng, gates * D_HIDDEN, scale=0.5),
        }
        if biases == 2:
            layer["bias_hh"] = draw(rng, gates * D_HIDDEN, scale=0.5)
        layer |= {
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


def learnt(layer):
    """The names of a layer's tensors that have a gradient."""
    names = ["weight_ih", "weight_hh", "bias_ih", "bias_hh", "h0", "c0"]
    return [name for name in names if name in layer]


# --- files -------------------------------------------------------------------


def rounded(value):
    """Nine significant digits of a file's tensors and numbers."""
    if isinstance(value, dict):
        return {key: rounded(v) for key, v in value.items()}
    if isinstance(value, list):
        return [rounded(v) for v in value]
    return nine_digits(value) if isinstance(value, float) else value


def write(framework, versions, kind, cases, variant=None):
    parts = [framework, variant] if variant else [framework]
    document = {
        **versions,
        "generator": f"generate_{'_'.join(parts)}.py",
        "dims": {
            "batch": BATCH,
            "seq": SEQ,
            "d_input": D_INPUT,
            "d_hidden": D_HIDDEN,
            "layers": N_LAYERS,
            "gates": GATES[kind],
        },
        "cases": cases,
    }
    write_document(framework, "_".join([*parts[1:], kind]), document)


def write_document(framework, name, document):
    """Writes a file, its numbers rounded."""
    path = FOLDER / framework / f"{name}.json"
    path.parent.mkdir(exist_ok=True)
    text = json.dumps(rounded(document), separators=(",", ":"), allow_nan=False) + "\n"
    path.write_text(text)
    print(f"{framework}/{path.name}: {len(text)} bytes")


def read(framework, kind):
    """The cases of a file."""
    return json.loads((FOLDER / framework / f"{kind}.json").read_text())["cases"]


# --- comparison --------------------------------------------------------------


def largest_error(got, want):
    """The largest relative error of any number, of those above 1e-3 in size."""
    if isinstance(want, dict):
        assert got.keys() == want.keys()
        return max(largest_error(got[key], want[key]) for key in want)
    if isinstance(want, list):
        assert len(got) == len(want)
        return max((largest_error(g, w) for g, w in zip(got, want)), default=0.0)
    return abs(got - want) / max(abs(want), 1e-3)
