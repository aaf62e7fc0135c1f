"""Golden vectors of zoneout: Haste's, of the hidden state alone, and that of Krueger
et al. (2017, arXiv 1606.01305), of both states of an LSTM.

Writes zoneout/*.json. Haste needs a GPU and Krueger's code a framework of its
time: this is a derivation of what they compute, in float64, unit after unit and
in each one step after the other. The layout is described in README.md.

    python generate_zoneout.py

- `frameworks/pytorch/{lstm,gru}.py` of lmnt-com/haste, at ceba32e: what `forward`
  does with `zoneout` in training and in evaluation. Its GRU resets after.
- Krueger et al., section 3.2 and eqs. 4 and 5.
"""

import random

import numpy as np

import vectors

STEPS, ROWS, INPUTS, UNITS = 5, 3, 4, 6
# The share of units that stay as they were.
STAY_HIDDEN, STAY_CELL = 0.25, 0.5
# The columns of Haste's kernels; ours are i f g o and r z n.
COLUMNS = {"lstm": ["i", "g", "f", "o"], "gru": ["z", "r", "g"]}
OURS = {"lstm": ["i", "f", "g", "o"], "gru": ["r", "z", "g"]}


def table(rng, *shape, scale=1.0):
    drawn = vectors.draw(rng, *shape, scale=scale)
    return np.array(drawn["values"]).reshape(shape)


def logistic(x):
    return 1 / (1 + np.exp(-x))


def stay(old, new, moves):
    """What Haste writes in training: the old value, and of the difference what moves."""
    return old + (new - old) * moves


class Layer:
    """Kernels as Haste keeps them: [inputs, units] for each column name."""

    def __init__(self, rng, kind):
        self.kind = kind
        names = COLUMNS[kind]
        self.kernel = {name: table(rng, INPUTS, UNITS, scale=0.75) for name in names}
        self.recurrent_kernel = {name: table(rng, UNITS, UNITS, scale=0.75) for name in names}
        self.bias = {name: table(rng, UNITS, scale=0.5) for name in names}
        # Of the GRU's candidate alone does it matter where the bias is.
        self.recurrent_bias = {name: table(rng, UNITS, scale=0.5) for name in names}

    def entering(self, name, unit, seen):
        return seen @ self.kernel[name][:, unit] + self.bias[name][unit]

    def returning(self, name, unit, past):
        return past @ self.recurrent_kernel[name][:, unit] + self.recurrent_bias[name][unit]

    def proposes(self, unit, seen, past, memory):
        """What a unit of all rows would become: its hidden state, and its cell if it has one."""
        def gate(name):
            return logistic(self.entering(name, unit, seen) + self.returning(name, unit, past))

        if self.kind == "lstm":
            new = np.tanh(self.entering("g", unit, seen) + self.returning("g", unit, past))
            cell = gate("f") * memory[:, unit] + gate("i") * new
            return gate("o") * np.tanh(cell), cell
        inner = gate("r") * self.returning("g", unit, past)
        new = np.tanh(self.entering("g", unit, seen) + inner)
        return gate("z") * past[:, unit] + (1 - gate("z")) * new, memory[:, unit]

    def runs(self, x, hidden, memory, moves_hidden, moves_cell):
        """`moves_*` are what multiplies the difference that a step makes, [steps, rows, units]."""
        made = []
        for t in range(len(x)):
            proposed = [self.proposes(unit, x[t], hidden, memory) for unit in range(UNITS)]
            next_hidden, next_memory = np.empty_like(hidden), np.empty_like(memory)
            for unit, (h, c) in enumerate(proposed):
                # The output looks at the cell as proposed, not as it is left.
                next_hidden[:, unit] = stay(hidden[:, unit], h, moves_hidden[t][:, unit])
                next_memory[:, unit] = stay(memory[:, unit], c, moves_cell[t][:, unit])
            hidden, memory = next_hidden, next_memory
            made.append(hidden)
        return np.stack(made), hidden, memory


def to_file(array):
    return {"shape": list(array.shape), "values": array.ravel().tolist()}


def moving(rng, share):
    """1 where a unit moves and 0 where it stays; both occur at every step."""
    while True:
        values = [float(rng.random() >= share) for _ in range(STEPS * ROWS * UNITS)]
        moves = np.array(values).reshape(STEPS, ROWS, UNITS)
        if all(0 < step.mean() < 1 for step in moves):
            return moves


def make_case(kind, name, stays):
    """`stays` are the probabilities of staying, of the hidden state and of the cell."""
    rng = random.Random(f"zoneout, {name}")
    layer = Layer(rng, kind)
    x = table(rng, STEPS, ROWS, INPUTS)
    hidden, memory = table(rng, ROWS, UNITS), table(rng, ROWS, UNITS)
    all_move = np.ones((STEPS, ROWS, UNITS))
    masks = [moving(rng, share) if share else all_move for share in stays]

    def expected(moves_hidden, moves_cell):
        outputs, h, c = layer.runs(x, hidden, memory, moves_hidden, moves_cell)
        finals = {"outputs": to_file(outputs), "h_final": to_file(h)}
        return finals | ({"c_final": to_file(c)} if kind == "lstm" else {})

    def rows(columns):
        return to_file(np.concatenate([columns[name].T for name in OURS[kind]]))

    case = {
        "name": name,
        "hidden_prob": stays[0],
        "cell_prob": stays[1],
        "input": to_file(x),
        "weight_ih": rows(layer.kernel),
        "weight_hh": rows(layer.recurrent_kernel),
        "bias_ih": rows(layer.bias),
        "bias_hh": rows(layer.recurrent_bias),
        "h0": to_file(hidden),
        "hidden_masks": to_file(masks[0]),
    }
    if kind == "lstm":
        case |= {"c0": to_file(memory), "cell_masks": to_file(masks[1])}
    # In evaluation a state is p · old + (1 - p) · new.
    means = [(1 - share) * all_move for share in stays]
    return case | {"expected": {"training": expected(*masks), "evaluation": expected(*means)}}


def check_the_layer(kind):
    """Where everything moves, the first layer of PyTorch's golden file is this one."""
    case = vectors.read("pytorch", kind)[0]
    given, layer = case["layers"][0], Layer(random.Random(0), kind)

    def array(tensor):
        return np.array(tensor["values"]).reshape(tensor["shape"])

    def columns(name):
        split = np.split(array(given[name]), len(OURS[kind]))
        return dict(zip(OURS[kind], [part.T for part in split]))

    layer.kernel, layer.recurrent_kernel = columns("weight_ih"), columns("weight_hh")
    layer.bias, layer.recurrent_bias = columns("bias_ih"), columns("bias_hh")
    h0, c0 = array(given["h0"]), array(given.get("c0", given["h0"]))
    ones = np.ones((len(array(case["input"])), *h0.shape))
    _, h, c = layer.runs(array(case["input"]), h0, c0, ones, ones)
    finals = {"h_final": h} | ({"c_final": c} if kind == "lstm" else {})
    for name, got in finals.items():
        want = case["expected"]["layers"][0][name]["values"]
        assert vectors.largest_error(got.ravel().tolist(), want) < 6e-9, (kind, name)


def main():
    check_the_layer("lstm")
    check_the_layer("gru")
    written = {"numpy": np.__version__, "generator": "generate_zoneout.py"}
    lstm = [
        make_case("lstm", "haste", (STAY_HIDDEN, 0.0)),
        make_case("lstm", "krueger", (STAY_HIDDEN, STAY_CELL)),
    ]
    gru = [make_case("gru", "haste gru", (STAY_HIDDEN, 0.0))]
    vectors.write_document("zoneout", "lstm", {**written, "cases": lstm})
    vectors.write_document("zoneout", "gru", {**written, "cases": gru})


if __name__ == "__main__":
    main()
