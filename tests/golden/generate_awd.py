"""Golden vectors of the AWD-LSTM recipe, computed by PyTorch.

Writes awd/*.json. Everything is computed on the CPU in float64. The penalties,
the order of the dropouts and the trigger are the lines of awd-lstm-lm's main.py,
model.py and locked_dropout.py that the functions below name, with the masks of
the file for those that they draw; the averages are those of torch.optim.ASGD. The
layout of the files is described in README.md.

    python generate_awd.py
"""

import json
import random

import torch
from torch import nn
from torch.func import functional_call

import vectors
from vectors import BATCH, D_HIDDEN, D_INPUT, FOLDER, N_LAYERS, SEQ

VOCABULARY = 8
P_TYPE, P_INPUT, P_HIDDEN, P_OUTPUT, P_WEIGHT = 0.25, 0.5, 0.25, 0.5, 0.5
WEIGHTS = ["weight_ih", "weight_hh", "bias_ih", "bias_hh"]


def from_file(tensor):
    return torch.tensor(tensor["values"], dtype=torch.float64).reshape(tensor["shape"])


def to_file(tensor):
    return {"shape": list(tensor.shape), "values": tensor.flatten().tolist()}


def parameter(tensor):
    return nn.Parameter(from_file(tensor))


def draw_mask(rng, *shape, p):
    """A dropout mask in which both values occur."""
    kept = vectors.nine_digits(1 / (1 - p))
    while True:
        mask = vectors.draw(rng, *shape)
        mask["values"] = [kept if rng.random() >= p else 0.0 for _ in mask["values"]]
        if len(set(mask["values"])) == 2:
            return mask


# --- penalties ---------------------------------------------------------------


def penalties_of_main(alpha, beta, rnn_hs, dropped_rnn_hs):
    """main.py, train(): the terms that it adds to the loss."""
    ar = sum(alpha * dropped_rnn_h.pow(2).mean() for dropped_rnn_h in dropped_rnn_hs[-1:])
    tar = sum(beta * (rnn_h[1:] - rnn_h[:-1]).pow(2).mean() for rnn_h in rnn_hs[-1:])
    return ar, tar


def penalties_of_lengths(alpha, beta, lengths, raw, dropped):
    """The same of each row's own steps and of pairs of them, put one after the other."""
    rows = list(enumerate(lengths))
    steps = torch.cat([dropped[:length, row] for row, length in rows])
    changes = torch.cat([raw[1:length, row] - raw[: length - 1, row] for row, length in rows])
    return alpha * steps.pow(2).mean(), beta * changes.pow(2).mean()


def penalty_case(name, seq, lengths=None):
    rng = random.Random(f"penalties, {name}")
    alpha, beta = 2.0, 1.0
    raw = vectors.draw(rng, seq, BATCH, D_HIDDEN)
    mask = draw_mask(rng, 1, BATCH, D_HIDDEN, p=P_OUTPUT)
    x = parameter(raw)
    dropped = from_file(mask) * x
    if lengths is None:
        ar, tar = penalties_of_main(alpha, beta, [x], [dropped])
    else:
        ar, tar = penalties_of_lengths(alpha, beta, lengths, x, dropped)
    (grad_ar,) = torch.autograd.grad(ar, x, retain_graph=True)
    (grad_tar,) = torch.autograd.grad(tar, x)
    given = {"name": name, "alpha": alpha, "beta": beta, "raw": raw, "output_mask": mask}
    if lengths is not None:
        given["lengths"] = lengths
    expected = {
        "ar": ar.item(),
        "tar": tar.item(),
        "grad_ar": to_file(grad_ar),
        "grad_tar": to_file(grad_tar),
    }
    return given | {"expected": expected}


# --- averages ----------------------------------------------------------------


def asgd_case(name, lrs, **options):
    """Steps of torch.optim.ASGD down the sum of curvature ∘ (weight - target)² / 2, whose target
    is another one in each step."""
    rng = random.Random(f"asgd, {name}")
    settings = {"t0": 0, "lambd": 0.0, "alpha": 0.75, "weight_decay": 0.0} | options
    initial, curvature = vectors.draw(rng, 2, 3), vectors.draw(rng, 2, 3)
    curvature["values"] = [abs(value) for value in curvature["values"]]
    weight = parameter(initial)
    optimizer = torch.optim.ASGD([weight], lr=lrs[0], **settings)
    steps = []
    for lr in lrs:
        target = vectors.draw(rng, 2, 3)
        for group in optimizer.param_groups:
            group["lr"] = lr
        optimizer.zero_grad()
        distance = weight - from_file(target)
        (from_file(curvature) * distance.pow(2) / 2).sum().backward()
        optimizer.step()
        steps.append(
            {
                "lr": lr,
                "target": target,
                "weight": to_file(weight),
                "average": to_file(optimizer.state[weight]["ax"]),
            }
        )
    given = {"name": name} | settings | {"initial": initial, "curvature": curvature}
    return given | {"steps": steps}


# --- trigger -----------------------------------------------------------------


def trigger_of_main(nonmono, losses):
    """main.py, the loop over epochs: whether each of them would switch to ASGD."""
    best_val_loss, switches = [], []
    for val_loss in losses:
        switches.append(
            len(best_val_loss) > nonmono and val_loss > min(best_val_loss[:-nonmono])
        )
        best_val_loss.append(val_loss)
    return switches


def trigger_case(name, nonmono, losses):
    switches = trigger_of_main(nonmono, losses)
    return {"name": name, "nonmono": nonmono, "losses": losses, "triggered": switches}


def trigger_cases():
    rng = random.Random("trigger")
    noisy = [5 - 0.1 * k + vectors.draw(rng, 1)["values"][0] for k in range(20)]
    return [
        trigger_case("falling", 5, [10.0 - k for k in range(12)]),
        trigger_case("rising", 5, [1.0 + k for k in range(12)]),
        trigger_case("level", 5, [3.0] * 12),
        trigger_case("the best six checks ago", 5, [4.0, 1.0, 3.0, 3.0, 3.0, 3.0, 3.0, 3.0]),
        trigger_case("noisy, 5", 5, noisy),
        trigger_case("noisy, 1", 1, noisy),
        trigger_case("noisy, 2", 2, noisy),
    ]


# --- the network -------------------------------------------------------------


def model_inputs():
    rng = random.Random("awd")
    layers = []
    for index in range(N_LAYERS):
        width = D_INPUT if index == 0 else D_HIDDEN
        layers.append(
            {
                "weight_ih": vectors.draw(rng, 4 * D_HIDDEN, width, scale=0.75),
                "weight_hh": vectors.draw(rng, 4 * D_HIDDEN, D_HIDDEN, scale=0.75),
                "bias_ih": vectors.draw(rng, 4 * D_HIDDEN, scale=0.5),
                "bias_hh": vectors.draw(rng, 4 * D_HIDDEN, scale=0.5),
                "h0": vectors.draw(rng, BATCH, D_HIDDEN),
                "c0": vectors.draw(rng, BATCH, D_HIDDEN),
                "recurrent_weight_mask": draw_mask(rng, 4 * D_HIDDEN, D_HIDDEN, p=P_WEIGHT),
                "h_final_weights": vectors.draw(rng, BATCH, D_HIDDEN),
                "c_final_weights": vectors.draw(rng, BATCH, D_HIDDEN),
            }
        )
    return {
        "name": "awd",
        "tokens": [[int(rng.random() * VOCABULARY) for _ in range(BATCH)] for _ in range(SEQ)],
        "embedding": vectors.draw(rng, VOCABULARY, D_INPUT),
        "type_mask": draw_mask(rng, VOCABULARY, 1, p=P_TYPE),
        "input_mask": draw_mask(rng, 1, BATCH, D_INPUT, p=P_INPUT),
        "hidden_mask": draw_mask(rng, 1, BATCH, D_HIDDEN, p=P_HIDDEN),
        "output_mask": draw_mask(rng, 1, BATCH, D_HIDDEN, p=P_OUTPUT),
        "layers": layers,
        "output_weights": vectors.draw(rng, SEQ, BATCH, D_HIDDEN),
    }


def forward_of_model(given, embedding, layers):
    """model.py, RNNModel.forward(): embedded dropout, locked dropout, LSTMs with dropped recurrent
    weights and locked dropout after each."""
    tokens = torch.tensor(given["tokens"])
    emb = nn.functional.embedding(tokens, from_file(given["type_mask"]) * embedding)
    raw_output = from_file(given["input_mask"]) * emb
    masks = [from_file(given["hidden_mask"])] * (N_LAYERS - 1) + [from_file(given["output_mask"])]
    raw_outputs, outputs, finals = [], [], []
    for fixed, weights, mask in zip(given["layers"], layers, masks):
        rnn = nn.LSTM(raw_output.shape[2], D_HIDDEN)
        dropped = from_file(fixed["recurrent_weight_mask"]) * weights["weight_hh"]
        parameters = {f"{name}_l0": weights[name] for name in WEIGHTS}
        parameters["weight_hh_l0"] = dropped
        state = (weights["h0"].unsqueeze(0), weights["c0"].unsqueeze(0))
        raw, (h, c) = functional_call(rnn, parameters, (raw_output, state))
        raw_output = mask * raw
        raw_outputs.append(raw)
        outputs.append(raw_output)
        finals.append({"h": h[0], "c": c[0]})
    return raw_outputs, outputs, finals


def model_case():
    given = model_inputs()
    embedding = parameter(given["embedding"])
    layers = [
        {name: parameter(layer[name]) for name in vectors.learnt(layer)}
        for layer in given["layers"]
    ]
    raw_outputs, outputs, finals = forward_of_model(given, embedding, layers)
    loss = (outputs[-1] * from_file(given["output_weights"])).sum()
    for fixed, final in zip(given["layers"], finals):
        for state, value in final.items():
            loss = loss + (value * from_file(fixed[f"{state}_final_weights"])).sum()
    loss.backward()
    expected = {
        "outputs": to_file(outputs[-1]),
        "layers": [
            {"raw_outputs": to_file(raw)}
            | {f"{s}_final": to_file(v) for s, v in final.items()}
            | {f"grad_{name}": to_file(v.grad) for name, v in weights.items()}
            for raw, final, weights in zip(raw_outputs, finals, layers)
        ],
        "grad_embedding": to_file(embedding.grad),
        "loss": loss.item(),
    }
    # What the masks drop, and nothing else, has no gradient.
    for fixed, weights in zip(given["layers"], layers):
        dropped = from_file(fixed["recurrent_weight_mask"]) == 0
        assert ((weights["weight_hh"].grad == 0) == dropped).all()
    return given | {"expected": expected}


# --- files -------------------------------------------------------------------


def write(name, cases):
    document = {
        "torch": torch.__version__.split("+")[0],
        "generator": "generate_awd.py",
        "cases": vectors.rounded(cases),
    }
    path = FOLDER / "awd" / f"{name}.json"
    path.parent.mkdir(exist_ok=True)
    text = json.dumps(document, separators=(",", ":"), allow_nan=False) + "\n"
    path.write_text(text)
    print(f"awd/{path.name}: {len(text)} bytes")


def main():
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    # ASGD keeps its factors in the default type.
    torch.set_default_dtype(torch.float64)
    write(
        "penalties",
        [
            penalty_case("window", SEQ),
            penalty_case("two steps", 2),
            penalty_case("lengths", SEQ, lengths=[2, 5, 1]),
        ],
    )
    lrs = [0.5] * 8
    write(
        "asgd",
        [
            asgd_case("from the beginning", lrs),
            asgd_case("weight decay", lrs, weight_decay=0.25),
            asgd_case("after three steps", lrs, t0=3, weight_decay=0.25),
            asgd_case("lambd", lrs, lambd=0.125, t0=1, weight_decay=0.25),
            asgd_case("changing rates", [0.5, 0.25, 0.75, 0.5, 1.0, 0.125, 0.5, 0.25]),
        ],
    )
    write("trigger", trigger_cases())
    write("lstm", [model_case()])


if __name__ == "__main__":
    main()
