"""Golden vectors of Keras' `dropout` and `recurrent_dropout`, with the masks that
Keras drew.

Writes keras/drawn_*.json. Everything is computed on the CPU in float64. The
layout of the files is described in README.md.

    python generate_keras_drawn.py

A layer forgets its masks at the end of a call: they are read out of the cell when
it is told to. The gradients are those of the same layers with these masks put
into the cells, as generate_keras.py has it, which give the same outputs.
"""

import generate_keras as by_hand
from generate_keras import CACHES, from_file, jax, jnp, keras, make_layer, run_layer, to_file

import vectors

# With these the factors 0 and 2 are exact.
RATES = {"input_masks": 0.5, "recurrent_masks": 0.5}
CASES = {
    "input": ["input_masks"],
    "recurrent": ["recurrent_masks"],
    "both": ["input_masks", "recurrent_masks"],
}
SEED = 11


def note_masks(kind, layer):
    """The masks of the layer's next call, by site: there once it has been made."""
    seen = {}
    for site, cached in CACHES.items():
        reset = f"reset{cached}"

        def note(site=site, cached=cached, reset=getattr(layer.cell, reset)):
            masks = getattr(layer.cell, cached)
            seen[site] = masks if isinstance(masks, list) else [masks]
            reset()

        setattr(layer.cell, reset, note)
    return seen


def in_our_order(kind, masks):
    if len(masks) == 1:
        return masks
    by_gate = dict(zip(by_hand.ORDER[kind], masks))
    return [by_gate[k] for k in sorted(by_gate)]


def draw(kind, given, sites):
    """Puts the masks that Keras draws into a case, and returns the outputs."""
    x = jnp.swapaxes(from_file(given["input"]), 0, 1)
    for index, g in enumerate(given["layers"]):
        rates = {site: RATES[site] if site in sites else 0.0 for site in RATES}
        layer = make_layer(
            kind,
            g,
            dropout=rates["input_masks"],
            recurrent_dropout=rates["recurrent_masks"],
            seed=SEED + index,
            **{} if kind == "rnn" else {"implementation": 2, "use_cudnn": "auto"},
        )
        seen = note_masks(kind, layer)
        parameters = {name: from_file(g[name]) for name in vectors.learnt(g)}
        x, _ = run_layer(kind, layer, g, parameters, x)
        assert sorted(site for site in seen if seen[site][0] is not None) == sorted(sites)
        for site in sites:
            g[site] = [to_file(mask) for mask in in_our_order(kind, seen[site])]
            assert all(set(mask["values"]) <= {0.0, 2.0} for mask in g[site])
    return jnp.swapaxes(x, 0, 1)


def make_case(kind, name, sites):
    given = vectors.make_inputs(kind, "identity", by_hand.BIASES[kind]) | {"name": name}
    outputs = draw(kind, given, sites)
    expected = by_hand.expect(kind, given)
    error = vectors.largest_error(expected["outputs"], to_file(outputs))
    assert error < 1e-12, f"not the layer that drew: {error}"
    return given | {"expected": expected}


def main():
    versions = {"keras": keras.__version__, "jax": jax.__version__}
    for kind in by_hand.BIASES:
        cases = [make_case(kind, name, sites) for name, sites in CASES.items()]
        vectors.write("keras", versions, kind, cases, "drawn")


if __name__ == "__main__":
    main()
