"""Golden vectors of TensorFlow's DropoutWrapper, with the masks that it drew.

Writes tensorflow/wrapper_*.json. Everything is computed on the CPU in float64, by
the cells and the wrapper of `tf.compat.v1.nn.rnn_cell` and by `static_rnn`. The
layout of the files is described in README.md.

    python generate_tensorflow_wrapper.py

TensorFlow draws the masks. A subclass looks at what enters and leaves the
wrapper's own `_dropout`: a unit that comes out as 0 was dropped. Gates come as
PyTorch orders them and are put into the order of TensorFlow before the run.
"""

import os

os.environ["TF_USE_LEGACY_KERAS"] = "1"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import itertools
import random

import numpy as np
import tensorflow as tf
import tf_keras

import vectors
from vectors import BATCH, D_HIDDEN, D_INPUT, GATES, SEQ

v1 = tf.compat.v1
SITES = ["input", "state", "output"]
# The wrapper keeps them in float32; these and 1/keep are exact there and in decimal.
KEEP = {"input": 0.5, "state": 0.5, "output": 0.25}
NEARLY_0 = 1e-10


class Watched(v1.nn.rnn_cell.DropoutWrapper):
    """A wrapper that notes what it drops: a list of (before, after) for each site."""

    def _dropout(self, values, salt_prefix, *args, **kwargs):
        after = super()._dropout(values, salt_prefix, *args, **kwargs)
        self.seen.setdefault(salt_prefix, []).append((values, after))
        return after


def hidden(state):
    return state.h if hasattr(state, "h") else state


def from_file(tensor):
    return np.array(tensor["values"], np.float64).reshape(tensor["shape"])


def to_file(array):
    return {"shape": list(array.shape), "values": array.ravel().tolist()}


def weights_of(kind, given):
    """The variables of TensorFlow's cell, by name. LSTM: i j f o, where 1 is added to f."""
    kernel = np.concatenate([from_file(given["weight_ih"]), from_file(given["weight_hh"])], 1)
    kernel, bias = np.split(kernel.T, GATES[kind], 1), np.split(from_file(given["bias_ih"]), GATES[kind])
    if kind == "lstm":
        (i, f, g, o), (bi, bf, bg, bo) = kernel, bias
        return {"kernel": np.hstack([i, g, f, o]), "bias": np.hstack([bi, bg, bf - 1.0, bo])}
    (r, u, n), (br, bu, bn) = kernel, bias
    return {
        "gates/kernel": np.hstack([r, u]),
        "gates/bias": np.hstack([br, bu]),
        "candidate/kernel": n,
        "candidate/bias": bn,
    }


def mask(seen, keep):
    """The mask [seq, batch, units] of (before, after) at each step."""
    steps = []
    for before, after in seen:
        assert (before != 0).all(), "a unit that is 0 does not show its mask"
        steps.append(np.where(after != 0, 1.0 / keep, 0.0))
        assert np.allclose(before * steps[-1], after, rtol=1e-12, atol=0)
    return np.stack(steps)


def noise_mask(noise, keep):
    """The mask [1, units] of the noise that a variational wrapper holds."""
    return np.floor(noise + keep) / keep


def run(kind, given, keep, variational, seed):
    """Masks, outputs and final states of one run."""
    seq, batch, d_input = given["input"]["shape"]
    d_hidden = given["h0"]["shape"][1]
    with tf.Graph().as_default(), v1.Session() as session:
        v1.set_random_seed(seed)
        make = v1.nn.rnn_cell.LSTMCell if kind == "lstm" else v1.nn.rnn_cell.GRUCell
        cell = make(d_hidden, dtype=tf.float64)
        wrapper = Watched(
            cell,
            **{f"{site}_keep_prob": keep[site] for site in SITES},
            variational_recurrent=variational,
            input_size=tf.TensorShape([d_input]),
            dtype=tf.float64,
        )
        wrapper.seen = {}
        h0 = tf.constant(from_file(given["h0"]))
        if kind == "lstm":
            h0 = v1.nn.rnn_cell.LSTMStateTuple(tf.constant(from_file(given["c0"])), h0)
        x = [tf.constant(step) for step in from_file(given["input"])]
        outputs, final = v1.nn.static_rnn(wrapper, x, h0)
        weights = weights_of(kind, given)
        variables = v1.global_variables()
        assert len(variables) == len(weights)
        found = {name: next(v for v in variables if f"/{name}:" in v.name) for name in weights}
        session.run([v.initializer for v in variables])
        session.run([found[name].assign(value) for name, value in weights.items()])
        seen = {
            site: [tuple(hidden(v) if site == "state" else v for v in pair) for pair in pairs]
            for site, pairs in wrapper.seen.items()
        }
        noise = {}
        if variational:
            noise = {
                "input": wrapper._recurrent_input_noise,
                "state": hidden(wrapper._recurrent_state_noise),
                "output": wrapper._recurrent_output_noise,
            }
        fetched = session.run((tf.stack(outputs), final, seen, {s: noise[s] for s in seen if noise}))
    outputs, final, seen, noise = fetched
    masks = {site: mask(pairs, keep[site]) for site, pairs in seen.items()}
    for site in noise:
        shared = noise_mask(noise[site], keep[site])
        assert shared.shape == (1, masks[site].shape[2])
        assert np.array_equal(np.broadcast_to(shared, masks[site].shape), masks[site])
        masks[site] = shared
    expected = {"outputs": to_file(outputs), "h_final": to_file(hidden(final))}
    if kind == "lstm":
        expected["c_final"] = to_file(final.c)
    return {
        "masks": {site: to_file(values) for site, values in masks.items()},
        "expected": expected,
    }


def make_case(kind, given, name, variational, keep, seed=0):
    keep = {site: keep.get(site, 1.0) for site in SITES}
    case = {"name": name, "variational_recurrent": variational}
    case |= {f"{site}_keep_prob": keep[site] for site in SITES}
    case |= {"seed": seed} | run(kind, given, keep, variational, seed)
    assert sorted(case["masks"]) == sorted(site for site in SITES if keep[site] < 1.0)
    return case


def make_inputs(kind):
    rng = random.Random(f"wrapper, {kind}")
    gates = GATES[kind]
    given = {
        "input": vectors.draw(rng, SEQ, BATCH, D_INPUT),
        "weight_ih": vectors.draw(rng, gates * D_HIDDEN, D_INPUT, scale=0.75),
        "weight_hh": vectors.draw(rng, gates * D_HIDDEN, D_HIDDEN, scale=0.75),
        "bias_ih": vectors.draw(rng, gates * D_HIDDEN, scale=0.5),
        "h0": vectors.draw(rng, BATCH, D_HIDDEN),
    }
    # A unit that is 0 does not show its mask.
    x = given["input"]["values"]
    given["input"]["values"] = [value or 1 / 256 for value in x]
    if kind == "lstm":
        given["c0"] = vectors.draw(rng, BATCH, D_HIDDEN)
    return given


def make_cases(kind, given):
    cases = []
    for variational in (True, False):
        what = "variational" if variational else "every step"
        for site in SITES:
            cases.append(with_both(kind, given, f"{site}, {what}", variational, {site: KEEP[site]}))
        cases.append(with_both(kind, given, f"all, {what}", variational, KEEP))
    return cases


def with_both(*arguments):
    """The case of the first seed in whose masks both values occur."""
    seeds = (make_case(*arguments, seed=seed) for seed in itertools.count())
    return next(c for c in seeds if all(len(set(m["values"])) == 2 for m in c["masks"].values()))


def published():
    """The layer of TensorFlow's own tests, and the numbers that they expect."""
    def full(value, *shape):
        return {"shape": list(shape), "values": [value] * int(np.prod(shape))}

    given = {
        "input": {"shape": [2, 1, 3], "values": [2.0] * 3 + [1.0] * 3},
        "weight_ih": full(0.5, 12, 3),
        "weight_hh": full(0.5, 12, 3),
        # The cell's own forget bias.
        "bias_ih": {"shape": [12], "values": [0.0] * 3 + [1.0] * 3 + [0.0] * 6},
        "h0": full(0.1, 1, 3),
        "c0": full(0.1, 1, 3),
    }
    cases = [make_case("lstm", given, "keep all", False, {})]
    for site in SITES:
        cases.append(make_case("lstm", given, f"{site} dropped", False, {site: NEARLY_0}))
    want = {
        "keep all": ([0.751109, 0.895509], 0.895509, 1.949385),
        "output dropped": ([0.0, 0.0], 0.895509, 1.949385),
        "state dropped": ([0.751109, 0.766171], 0.0, 1.713925),
        "input dropped": ([0.083148, 0.096455], 0.096455, 0.183637),
    }
    for case in cases:
        outputs, h, c = want[case["name"]]
        got = case["expected"]
        assert np.allclose(got["outputs"]["values"], np.repeat(outputs, 3), atol=1e-6), case["name"]
        assert np.allclose(got["h_final"]["values"], h, atol=1e-6), case["name"]
        assert np.allclose(got["c_final"]["values"], c, atol=1e-6), case["name"]
    return given, cases


def write(name, given, cases):
    seq, batch, d_input = given["input"]["shape"]
    document = {
        "tensorflow": tf.__version__,
        "tf_keras": tf_keras.__version__,
        "generator": "generate_tensorflow_wrapper.py",
        "dims": {
            "batch": batch,
            "seq": seq,
            "d_input": d_input,
            "d_hidden": given["h0"]["shape"][1],
        },
        **given,
        "cases": cases,
    }
    vectors.write_document("tensorflow", name, document)


def main():
    for kind in ("lstm", "gru"):
        given = make_inputs(kind)
        write(f"wrapper_{kind}", given, make_cases(kind, given))
    write("wrapper_published", *published())


if __name__ == "__main__":
    main()
