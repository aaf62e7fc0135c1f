"""Golden vectors of Gal's language model and of his Keras fork.

Writes gal/*.json. Neither program runs any more: this is a derivation of what
they compute, one unit of one row at a time, in float64. The gradients are JAX's,
and central differences check them. The layout is described in README.md.

    python generate_gal.py

- `LM_code/main_new_dropout_SOTA_v3.lua` of yaringal/BayesianRNN, at 3e65a11: one
  step of training.
- `keras/layers/recurrent.py` of yaringal/keras, branch BayesianRNN, at fe7a4ce:
  `DropoutLSTM` and `DropoutGRU`, training and test.
"""

import os

os.environ["JAX_PLATFORMS"] = "cpu"
os.environ["JAX_ENABLE_X64"] = "1"

import math
import random

import jax
import jax.numpy as jnp
import numpy as np

import vectors
from vectors import nine_digits

FORK = "yaringal/keras fe7a4ce"
LUA = "yaringal/BayesianRNN 3e65a11"

# --- the language model ------------------------------------------------------

VOCABULARY, UNITS, STEPS, ROWS, LAYERS = 7, 4, 5, 3, 2
# As his code names the transforms of a layer; ours are in, forget, g, out.
TRANSFORMS = ["in", "g", "forget", "out"]
FUSED = ["in", "forget", "g", "out"]
DROP = {"x": 0.3, "i": 0.5, "h": 0.3, "o": 0.5}


def noise(rng, p):
    return nine_digits(1 / (1 - p)) if rng.random() >= p else 0.0


def noises(rng, p, *shape):
    values = [noise(rng, p) for _ in range(math.prod(shape))]
    return np.array(values).reshape(shape)


def table(rng, *shape, scale=1.0):
    return np.array(vectors.draw(rng, *shape, scale=scale)["values"]).reshape(shape)


def tie_words(tokens, mask):
    """Within a row, a token that occurred before has the mask that it had there."""
    mask = mask.copy()
    for row in range(ROWS):
        for t in range(STEPS):
            for before in range(t):
                if tokens[before][row] == tokens[t][row]:
                    mask[t][row] = mask[before][row]
                    break
    return mask


def new_model(rng, scale):
    """Each transform is two linear maps, of what comes from below and of the own past, with a
    bias each."""
    def linear():
        return {
            "weight": table(rng, UNITS, UNITS, scale=scale),
            "bias": table(rng, UNITS, scale=scale / 2),
        }

    return {
        "lookup": table(rng, VOCABULARY, UNITS, scale=scale),
        "layers": [
            {name: {"below": linear(), "past": linear()} for name in TRANSFORMS}
            for _ in range(LAYERS)
        ],
        "decoder": {
            "weight": table(rng, VOCABULARY, UNITS, scale=scale),
            "bias": table(rng, VOCABULARY, scale=scale / 2),
        },
    }


def affine(linear, unit, entering):
    return sum(linear["weight"][unit][j] * entering[j] for j in range(UNITS)) + linear["bias"][unit]


def read_row(model, row, given, xp):
    """The loss of each step of a row, and what its layers carry out of the window."""
    def sigmoid(x):
        return 1 / (1 + xp.exp(-x))

    past = [list(given["h0"][l][row]) for l in range(LAYERS)]
    memory = [list(given["c0"][l][row]) for l in range(LAYERS)]
    losses = []
    for t in range(STEPS):
        word = model["lookup"][given["tokens"][t][row]]
        below = [word[j] * given["noise_x"][t][row] for j in range(UNITS)]
        for l in range(LAYERS):
            made, kept = [], []
            for unit in range(UNITS):
                entering = {}
                for k, name in enumerate(TRANSFORMS):
                    transform = model["layers"][l][name]
                    from_below = [below[j] * given["noise_i"][l][row][k][j] for j in range(UNITS)]
                    from_past = [past[l][j] * given["noise_h"][l][row][k][j] for j in range(UNITS)]
                    entering[name] = affine(transform["below"], unit, from_below)
                    entering[name] += affine(transform["past"], unit, from_past)
                c = sigmoid(entering["forget"]) * memory[l][unit]
                c += sigmoid(entering["in"]) * xp.tanh(entering["g"])
                kept.append(c)
                made.append(sigmoid(entering["out"]) * xp.tanh(c))
            past[l], memory[l], below = made, kept, made
        read = [below[j] * given["noise_o"][row][j] for j in range(UNITS)]
        decoder = model["decoder"]
        scores = [affine(decoder, w, read) for w in range(VOCABULARY)]
        target = given["targets"][t][row]
        losses.append(xp.log(sum(xp.exp(score) for score in scores)) - scores[target])
    return losses, past, memory


def window(model, given, xp=jnp):
    """The sum over steps of the mean over rows of the negative log-likelihood."""
    rows = [read_row(model, row, given, xp) for row in range(ROWS)]
    total = sum(sum(losses) for losses, _, _ in rows) / ROWS
    carried = [
        {
            "h": xp.stack([xp.stack(past[l]) for _, past, _ in rows]),
            "c": xp.stack([xp.stack(memory[l]) for _, _, memory in rows]),
        }
        for l in range(LAYERS)
    ]
    return total, carried


def check_gradient(model, given, gradient):
    leaves, tree = jax.tree.flatten(model)
    step = 1e-5
    for index, leaf in enumerate(leaves):
        for at in (0, leaf.size - 1):
            def loss(delta):
                moved = leaf.copy()
                moved.flat[at] += delta
                others = leaves[:index] + [moved] + leaves[index + 1:]
                return window(jax.tree.unflatten(tree, others), given, np)[0]

            numeric = (loss(step) - loss(-step)) / (2 * step)
            got = jax.tree.leaves(gradient)[index].ravel()[at]
            assert abs(numeric - got) < 1e-8 + 1e-6 * abs(got), (index, at, numeric, got)


def train(model, given, rate, largest_norm, decay):
    """One step: the gradient's norm is cut to the largest, then the weights decay on their own."""
    (loss, carried), gradient = jax.value_and_grad(window, has_aux=True)(model, given)
    check_gradient(model, given, gradient)
    norm = math.sqrt(sum(float((leaf**2).sum()) for leaf in jax.tree.leaves(gradient)))
    shrink = largest_norm / norm if norm > largest_norm else 1.0
    stepped = jax.tree.map(lambda w, g: w - rate * shrink * g, model, gradient)
    return loss, carried, norm, jax.tree.map(lambda w: w - decay * w, stepped)


def to_file(array):
    array = np.asarray(array, np.float64)
    return {"shape": list(array.shape), "values": array.ravel().tolist()}


def fused(model):
    """Rows of all gates one below the other, as PyTorch has them."""
    def rows(layer, side, part):
        return to_file(np.concatenate([layer[name][side][part] for name in FUSED]))

    return {
        "embedding": to_file(model["lookup"]),
        "layers": [
            {
                "weight_ih": rows(layer, "below", "weight"),
                "weight_hh": rows(layer, "past", "weight"),
                "bias_ih": rows(layer, "below", "bias"),
                "bias_hh": rows(layer, "past", "bias"),
            }
            for layer in model["layers"]
        ],
        "output_weight": to_file(model["decoder"]["weight"]),
        "output_bias": to_file(model["decoder"]["bias"]),
    }


def by_gate(masks):
    """[layers, rows, gates, units] as a list of [rows, units] for each layer, in fused order."""
    order = [TRANSFORMS.index(name) for name in FUSED]
    return [[to_file(masks[l][:, k]) for k in order] for l in range(LAYERS)]


def language_model_case(name, rate, largest_norm, decay):
    rng = random.Random(f"gal, {name}")
    model = new_model(rng, scale=0.5)
    tokens = [[int(rng.random() * VOCABULARY) for _ in range(ROWS)] for _ in range(STEPS + 1)]
    given = {
        "tokens": tokens[:-1],
        "targets": tokens[1:],
        "noise_x": tie_words(tokens, noises(rng, DROP["x"], STEPS, ROWS)),
        "noise_i": noises(rng, DROP["i"], LAYERS, ROWS, len(TRANSFORMS), UNITS),
        "noise_h": noises(rng, DROP["h"], LAYERS, ROWS, len(TRANSFORMS), UNITS),
        "noise_o": noises(rng, DROP["o"], ROWS, UNITS),
        "h0": table(rng, LAYERS, ROWS, UNITS),
        "c0": table(rng, LAYERS, ROWS, UNITS),
    }
    loss, carried, norm, stepped = train(model, given, rate, largest_norm, decay)
    print(f"{name}: loss {loss:.3f}, norm of the gradient {norm:.3f} of at most {largest_norm}")
    assert (norm > largest_norm) == (name == "clipped")
    return {
        "name": name,
        "learning_rate": rate,
        "largest_norm": largest_norm,
        "decay": decay,
        "tokens": given["tokens"],
        "targets": given["targets"],
        "word_mask": to_file(given["noise_x"]),
        "input_masks": by_gate(given["noise_i"]),
        "recurrent_masks": by_gate(given["noise_h"]),
        "output_mask": to_file(given["noise_o"]),
        "h0": [to_file(h) for h in given["h0"]],
        "c0": [to_file(c) for c in given["c0"]],
        "before": fused(model),
        "expected": {
            "loss": float(loss),
            "norm": norm,
            "h_final": [to_file(layer["h"]) for layer in carried],
            "c_final": [to_file(layer["c"]) for layer in carried],
            "after": fused(stepped),
        },
    }


# --- the Keras fork ----------------------------------------------------------

D_INPUT, D_HIDDEN, SEQ, BATCH = 4, 6, 5, 3
P_W, P_U = 0.25, 0.5
# Its gates; ours are i f c o and r z h.
GATES = {"lstm": ["i", "f", "c", "o"], "gru": ["z", "r", "h"]}
OURS = {"lstm": ["i", "f", "c", "o"], "gru": ["r", "z", "h"]}


def hard_sigmoid(x):
    return min(1.0, max(0.0, 0.2 * x + 0.5))


def logistic(x):
    return 1 / (1 + math.exp(-x))


def fork_row(kind, weights, x, h, factor):
    """The outputs of a row. `factor(side, gate, j)` is what multiplies what enters a gate."""
    c, outputs = [0.0] * D_HIDDEN, []
    for step in x:
        def entering(gate, unit, past):
            own = weights[gate]
            total = own["b"][unit]
            for j in range(D_INPUT):
                total += step[j] * factor("W", gate, j) * own["W"][j][unit]
            for j in range(D_HIDDEN):
                total += past[j] * factor("U", gate, j) * own["U"][j][unit]
            return total

        made = []
        if kind == "lstm":
            for unit in range(D_HIDDEN):
                i, f, o = (hard_sigmoid(entering(gate, unit, h)) for gate in "ifo")
                c[unit] = f * c[unit] + i * math.tanh(entering("c", unit, h))
                made.append(o * math.tanh(c[unit]))
        else:
            reset = [hard_sigmoid(entering("r", unit, h)) * h[unit] for unit in range(D_HIDDEN)]
            for unit in range(D_HIDDEN):
                z = hard_sigmoid(entering("z", unit, h))
                candidate = logistic(entering("h", unit, reset))
                made.append(z * h[unit] + (1 - z) * candidate)
        h = made
        outputs.append(h)
    return outputs


def fork_case(kind):
    rng = random.Random(f"gal, {kind}")
    weights = {
        gate: {
            "W": table(rng, D_INPUT, D_HIDDEN, scale=0.75),
            "U": table(rng, D_HIDDEN, D_HIDDEN, scale=0.75),
            # The forget gate's begins at 1.
            "b": table(rng, D_HIDDEN, scale=0.25) + (1.0 if gate == "f" else 0.0),
        }
        for gate in GATES[kind]
    }
    x = table(rng, SEQ, BATCH, D_INPUT, scale=2.0)
    kept = {
        side: {gate: (noises(rng, p, BATCH, width) > 0).astype(float) for gate in GATES[kind]}
        for side, p, width in (("W", P_W, D_INPUT), ("U", P_U, D_HIDDEN))
    }
    retain = {"W": 1 - P_W, "U": 1 - P_U}

    def run(factor):
        rows = [
            fork_row(kind, weights, x[:, row], [0.0] * D_HIDDEN, lambda *at: factor(row, *at))
            for row in range(BATCH)
        ]
        return to_file(np.array(rows).swapaxes(0, 1))

    def stacked(part):
        return to_file(np.concatenate([weights[gate][part].T for gate in OURS[kind]]))

    return {
        "name": kind,
        "input_prob": P_W,
        "recurrent_prob": P_U,
        "input": to_file(x),
        "weight_ih": stacked("W"),
        "weight_hh": stacked("U"),
        "bias_ih": to_file(np.concatenate([weights[gate]["b"] for gate in OURS[kind]])),
        "input_masks": [to_file(kept["W"][gate]) for gate in OURS[kind]],
        "recurrent_masks": [to_file(kept["U"][gate]) for gate in OURS[kind]],
        "expected": {
            "training": run(lambda row, side, gate, j: kept[side][gate][row][j]),
            "test": run(lambda row, side, gate, j: retain[side]),
        },
    }


def main():
    written = {"generator": "generate_gal.py", "jax": jax.__version__}
    cases = [
        language_model_case("his", rate=1.0, largest_norm=10.0, decay=1e-7),
        # A model of this size does not reach his norm, and his decay is under any tolerance.
        language_model_case("clipped", rate=0.5, largest_norm=0.5, decay=0.01),
    ]
    vectors.write_document("gal", "language_model", {"source": LUA, **written, "cases": cases})
    cases = [fork_case(kind) for kind in GATES]
    vectors.write_document("gal", "keras_fork", {"source": FORK, **written, "cases": cases})


if __name__ == "__main__":
    main()
