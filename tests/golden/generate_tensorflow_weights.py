"""Weights in the layout of TensorFlow's LSTMCell, and what its LSTM kernel gives.

Writes weights/tensorflow_lstm.safetensors and weights/expected_tensorflow.json. The
computation is BlockLSTM's, the kernel behind LSTMBlockFusedCell, on the CPU in float32.

    python generate_tensorflow_weights.py
"""

import json
import random

import numpy as np
import tensorflow as tf
from safetensors.numpy import save_file

import vectors
from vectors import BATCH, D_HIDDEN, D_INPUT, SEQ

FOLDER = vectors.FOLDER / "weights"
FORGET_BIAS = 1.0


def main():
    rng = random.Random("weights tensorflow_lstm")
    draw = lambda *shape: vectors.draw(rng, *shape, scale=0.5)
    kernel = array(draw(D_INPUT + D_HIDDEN, 4 * D_HIDDEN))
    bias = array(draw(4 * D_HIDDEN))
    x = draw(SEQ, BATCH, D_INPUT)
    state = np.zeros([BATCH, D_HIDDEN], dtype="float32")
    peephole = np.zeros([D_HIDDEN], dtype="float32")
    lstm = tf.raw_ops.BlockLSTM(
        seq_len_max=SEQ,
        x=array(x),
        cs_prev=state,
        h_prev=state,
        w=kernel,
        wci=peephole,
        wcf=peephole,
        wco=peephole,
        b=bias,
        forget_bias=FORGET_BIAS,
        cell_clip=-1.0,
        use_peephole=False,
    )
    tensors = {"rnn.lstm_cell.kernel": kernel, "rnn.lstm_cell.bias": bias}
    save_file(tensors, FOLDER / "tensorflow_lstm.safetensors")
    y = lstm.h.numpy().astype("float64")
    outputs = {"shape": list(y.shape), "values": y.ravel().tolist()}
    cases = {"tensorflow_lstm": {"input": x, "outputs": outputs}}
    versions = {"tensorflow": tf.__version__, "generator": "generate_tensorflow_weights.py"}
    document = versions | {"cases": vectors.rounded(cases)}
    text = json.dumps(document, separators=(",", ":"), allow_nan=False) + "\n"
    (FOLDER / "expected_tensorflow.json").write_text(text)


def array(tensor):
    return np.array(tensor["values"], dtype="float32").reshape(tensor["shape"])


if __name__ == "__main__":
    main()
