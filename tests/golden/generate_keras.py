"""Golden vectors of masks that differ between gates and of the GRU that resets
before, computed by Keras with the masks injected.

Writes keras/*.json. Everything is computed on the CPU in float64. The layout of
the files is described in README.md.

    python generate_keras.py

Where Keras draws its masks it keeps them on the cell for all time steps, one for
each gate, and draws none if they are there. So they are put there, and LSTM and
GRU do the rest. Gates come as PyTorch orders them and are put into the order of
Keras before the call; the gradients are taken through that, and so are in the
order of PyTorch again.
"""

import os

os.environ["KERAS_BACKEND"] = "jax"
os.environ["JAX_PLATFORMS"] = "cpu"
os.environ["JAX_ENABLE_X64"] = "1"

import jax
import jax.numpy as jnp
import keras

import vectors
from vectors import BATCH, D_HIDDEN, GATES, P_INPUT, P_RECURRENT

CASES = {
    "lstm": ["untied"],
    "gru": ["tied", "untied"],
    "gru_reset_before": ["identity", "tied", "untied"],
}
BIASES = {"lstm": 1, "gru": 2, "gru_reset_before": 1, "rnn": 1}
# Where Keras' gates are among ours: i f c o among i f g o, z r h among r z n.
ORDER = {"lstm": [0, 1, 2, 3], "gru": [1, 0, 2], "gru_reset_before": [1, 0, 2], "rnn": [0]}
# Where a Keras cell keeps the masks of each site.
CACHES = {"input_masks": "_dropout_mask", "recurrent_masks": "_recurrent_dropout_mask"}


def from_file(tensor):
    return jnp.array(tensor["values"], "float64").reshape(tensor["shape"])


def to_file(array):
    return {"shape": list(array.shape), "values": array.ravel().tolist()}


def in_order(kind, gates):
    """Gates along the first axis, or a list of one for each, in Keras' order."""
    if isinstance(gates, list):
        return [gates[k] for k in ORDER[kind]]
    return jnp.concatenate(in_order(kind, jnp.split(gates, GATES[kind])))


def make_layer(kind, given, **options):
    """A Keras layer with the number of units and the kind of masks of a given one."""
    options = {
        "dtype": "float64",
        "activation": jnp.tanh,  # under JAX, Keras' own tanh rounds to float32
        "return_sequences": True,
        "return_state": True,
        "dropout": P_INPUT if given["input_masks"] else 0.0,
        "recurrent_dropout": P_RECURRENT if given["recurrent_masks"] else 0.0,
    } | options
    # What takes a mask for each gate: the whole layer at once takes one for all.
    by_gate = {"implementation": 1, "use_cudnn": False}
    if kind == "rnn":
        layer = keras.layers.SimpleRNN(D_HIDDEN, **options)
    elif kind == "lstm":
        layer = keras.layers.LSTM(D_HIDDEN, **by_gate | options)
    else:
        layer = keras.layers.GRU(D_HIDDEN, reset_after=kind == "gru", **by_gate | options)
    layer.build((BATCH, None, given["weight_ih"]["shape"][1]))
    return layer


def run_layer(kind, layer, given, p, x):
    """Outputs and final states; x and the outputs are [batch, seq, unit]."""
    biases = [in_order(kind, p[name]) for name in ("bias_ih", "bias_hh") if name in p]
    weights = {
        "kernel": in_order(kind, p["weight_ih"]).T,
        "recurrent_kernel": in_order(kind, p["weight_hh"]).T,
        "bias": jnp.stack(biases) if kind == "gru" else sum(biases),
    }
    for site, cached in CACHES.items():
        masks = [from_file(mask) for mask in given[site]]
        masks = masks * GATES[kind] if len(masks) == 1 else masks
        masks = in_order(kind, masks) if masks else None
        setattr(layer.cell, cached, masks[0] if masks and kind == "rnn" else masks)
    (outputs, *finals), _ = layer.stateless_call(
        [weights[variable.name] for variable in layer.trainable_variables],
        [variable.value for variable in layer.non_trainable_variables],
        x,
        initial_state=[p[name] for name in ("h0", "c0") if name in p],
        training=True,
    )
    return outputs, dict(zip("hc", finals))


def expect(kind, given):
    """Outputs, final states, loss and every gradient of one case."""
    net = [make_layer(kind, g) for g in given["layers"]]

    def run(layers, x):
        x, finals, loss = jnp.swapaxes(x, 0, 1), [], 0.0
        for layer, g, p in zip(net, given["layers"], layers):
            x, final = run_layer(kind, layer, g, p, x)
            for state, value in final.items():
                loss += (value * from_file(g[f"{state}_final_weights"])).sum()
            finals.append(final)
        outputs = jnp.swapaxes(x, 0, 1)
        loss += (outputs * from_file(given["output_weights"])).sum()
        return loss, (outputs, finals)

    layers = [{n: from_file(g[n]) for n in vectors.learnt(g)} for g in given["layers"]]
    run = jax.value_and_grad(run, argnums=(0, 1), has_aux=True)
    (loss, (outputs, finals)), (grads, grad_input) = run(layers, from_file(given["input"]))
    return {
        "outputs": to_file(outputs),
        "layers": [
            {f"{s}_final": to_file(v) for s, v in final.items()}
            | {f"grad_{n}": to_file(v) for n, v in grad.items()}
            for final, grad in zip(finals, grads)
        ],
        "grad_input": to_file(grad_input),
        "loss": loss.item(),
    }


# --- checks ------------------------------------------------------------------


def check_against_pytorch():
    """What PyTorch has too is the same from both, to the digits that a file has."""
    for kind in ("lstm", "gru"):
        for case in vectors.read("pytorch", kind):
            error = vectors.largest_error(expect(kind, case), case["expected"])
            print(f"{kind}, {case['name']}: {error:.1e} from PyTorch")
            assert error < 6e-9


def check_masks(kind, given, expected):
    """Every injected mask is used: without any one of them the outputs differ."""
    for layer in given["layers"]:
        for site in CACHES:
            for k, mask in enumerate(layer[site]):
                layer[site][k] = mask | {"values": [1.0] * len(mask["values"])}
                other = expect(kind, given)
                layer[site][k] = mask
                assert vectors.largest_error(other["outputs"], expected["outputs"]) > 1e-3


def make_case(kind, case):
    given = vectors.make_inputs(kind, case, BIASES[kind])
    expected = expect(kind, given)
    check_masks(kind, given, expected)
    return given | {"expected": expected}


def main():
    check_against_pytorch()
    versions = {"keras": keras.__version__, "jax": jax.__version__}
    for kind, cases in CASES.items():
        vectors.write("keras", versions, kind, [make_case(kind, case) for case in cases])


if __name__ == "__main__":
    main()
