"""Files of weights as Keras writes them, and what the models give.

Writes weights/*.weights.h5, weights/*.keras and weights/expected_keras.json. Everything
is computed on the CPU in float32.

    python generate_keras_weights.py
"""

import json
import os
import random

os.environ.setdefault("KERAS_BACKEND", "jax")

import jax
import keras
import numpy as np

import vectors
from vectors import BATCH, D_HIDDEN, D_INPUT, SEQ

FOLDER = vectors.FOLDER / "weights"
N_TYPES = 7


def both(layer, **options):
    return keras.layers.Bidirectional(layer, **options)


def lstm(**options):
    return keras.layers.LSTM(D_HIDDEN, return_sequences=True, **options)


def gru(**options):
    return keras.layers.GRU(D_HIDDEN, return_sequences=True, **options)


def rnn(**options):
    return keras.layers.SimpleRNN(D_HIDDEN, return_sequences=True, **options)


# The layers of each model from the input up.
CASES = {
    "keras_lstm": lambda: [lstm(), lstm(name="second")],
    "keras_gru": lambda: [gru(), gru()],
    "keras_gru_reset_before": lambda: [gru(reset_after=False)],
    "keras_rnn": lambda: [rnn(use_bias=False)],
    "keras_both": lambda: [both(lstm(), merge_mode="sum") for _ in range(2)],
    "keras_both_gru": lambda: [both(gru()), both(gru())],
    "keras_both_rnn": lambda: [both(rnn(), merge_mode="mul")],
    "keras_backward": lambda: [lstm(go_backwards=True), lstm()],
    "keras_cell": lambda: [
        keras.layers.RNN(keras.layers.GRUCell(D_HIDDEN), return_sequences=True)
    ],
    "keras_relu": lambda: [lstm(activation="relu")],
    # The names of what is in them are the same, the layers are not.
    "keras_ambiguous": lambda: [
        both(lstm(activation="relu", name="x"), name="a"),
        both(lstm(name="x"), name="b"),
    ],
}


def fill(rng, model):
    for variable in model.weights:
        variable.assign(to_array(vectors.draw(rng, *variable.shape, scale=0.5)))


def save(model, name):
    model.save_weights(FOLDER / f"{name}.weights.h5")
    model.save(FOLDER / f"{name}.keras")


def case(x, y):
    y = np.asarray(y, dtype="float64")
    return {"input": x, "outputs": {"shape": list(y.shape), "values": y.ravel().tolist()}}


def main():
    FOLDER.mkdir(exist_ok=True)
    cases = {}
    for name, layers in CASES.items():
        keras.utils.clear_session()
        rng = random.Random(f"weights {name}")
        model = keras.Sequential([keras.Input((SEQ, D_INPUT)), *layers()])
        fill(rng, model)
        x = vectors.draw(rng, BATCH, SEQ, D_INPUT)
        save(model, name)
        cases[name] = case(x, model(to_array(x)))
    keras.utils.clear_session()
    x = keras.Input((SEQ, D_INPUT))
    model = keras.Model(x, both(lstm(), merge_mode=None)(x))
    fill(random.Random("weights keras_unmerged"), model)
    save(model, "keras_unmerged")
    # A whole model: words in, a number for each step out.
    keras.utils.clear_session()
    rng = random.Random("weights keras_model")
    words = keras.Input((SEQ,), dtype="int32")
    y = keras.layers.Embedding(N_TYPES, D_INPUT, name="words")(words)
    y = both(gru(reset_after=False), merge_mode="ave", name="encoder")(y)
    y = keras.layers.Dense(2, name="head")(y)
    model = keras.Model(words, y)
    fill(rng, model)
    save(model, "keras_model")
    tokens = np.arange(BATCH * SEQ).reshape(BATCH, SEQ) * 3 % N_TYPES
    x = {"shape": list(tokens.shape), "values": tokens.ravel().tolist()}
    cases["keras_model"] = case(x, model(tokens))
    versions = {
        "keras": keras.__version__,
        "jax": jax.__version__,
        "generator": "generate_keras_weights.py",
    }
    document = versions | {"cases": vectors.rounded(cases)}
    text = json.dumps(document, separators=(",", ":"), allow_nan=False) + "\n"
    (FOLDER / "expected_keras.json").write_text(text)


def to_array(tensor):
    return np.array(tensor["values"], dtype="float32").reshape(tensor["shape"])


if __name__ == "__main__":
    main()
