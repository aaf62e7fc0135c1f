"""The LSTMs of Zaremba et al. (2014) on Penn Treebank without dropout, in plain PyTorch.

A yardstick for perplexity and training speed: embedding, two LSTM layers and a
softmax layer, no dropout, 20 parallel streams, the state carried from window to
window, SGD with learning rate 1. `small` has 200 units, windows of 20 steps, and
halves the rate in every epoch after the fourth; `medium` has 650 units, windows
of 35 steps, and multiplies the rate by 0.8 in every epoch after the sixth.

Prints one JSON line per epoch, and the test perplexity at the end. Training and
validation perplexity are over 20 parallel streams, the test perplexity over the
whole text as one stream; a stream's first token is read but not predicted.
`seconds` and `tokens_per_second` cover training only.

    python pytorch.py --data DIR [--preset small] [--epochs 4] [--threads 2] [--seed 1]

DIR holds ptb.train.txt, ptb.valid.txt and ptb.test.txt.
"""

import argparse
import json
import math
import pathlib
import time
from typing import NamedTuple

import torch
from torch import nn
from torch.nn.functional import cross_entropy

LAYERS, STREAMS, MAX_NORM = 2, 20, 5.0


class Preset(NamedTuple):
    hidden: int
    steps: int
    init: float
    constant_epochs: int
    factor: float


PRESETS = {
    "small": Preset(hidden=200, steps=20, init=0.1, constant_epochs=4, factor=0.5),
    "medium": Preset(hidden=650, steps=35, init=0.05, constant_epochs=6, factor=0.8),
}


def read_tokens(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    return [token for line in lines for token in [*line.split(), "<eos>"]]


def to_streams(ids, count):
    """[steps, count]: the text cut into equal consecutive parts, one a column."""
    steps = len(ids) // count
    return ids[: steps * count].view(count, steps).t().contiguous()


class Model(nn.Module):
    def __init__(self, vocabulary, preset):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, preset.hidden)
        self.lstm = nn.LSTM(preset.hidden, preset.hidden, LAYERS)
        self.output = nn.Linear(preset.hidden, vocabulary)
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -preset.init, preset.init)

    def forward(self, tokens, state):
        hidden, state = self.lstm(self.embedding(tokens), state)
        return self.output(hidden), state


def train_epoch(model, optimizer, streams, window):
    """Whole windows only; returns the mean cross entropy and the token count."""
    model.train()
    state, total, windows = None, 0.0, (len(streams) - 1) // window
    for start in range(0, windows * window, window):
        targets = streams[start + 1 : start + 1 + window]
        logits, state = model(streams[start : start + window], state)
        state = tuple(s.detach() for s in state)
        loss = cross_entropy(logits.flatten(0, 1), targets.flatten())
        optimizer.zero_grad()
        (loss * window).backward()  # summed over the steps, averaged over the streams
        nn.utils.clip_grad_norm_(model.parameters(), MAX_NORM)
        optimizer.step()
        total += loss.item()
    return total / windows, windows * window * streams.shape[1]


@torch.no_grad()
def perplexity(model, streams, steps):
    model.eval()
    state, total, last = None, 0.0, len(streams) - 1
    for start in range(0, last, steps):
        end = min(start + steps, last)
        logits, state = model(streams[start:end], state)
        targets = streams[start + 1 : end + 1]
        total += cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="sum").item()
    return math.exp(total / (last * streams.shape[1]))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--preset", choices=PRESETS, default="small")
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--max-train-tokens", type=int, help="train on the first N tokens only")
    args = parser.parse_args()
    preset = PRESETS[args.preset]
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)

    text = {s: read_tokens(args.data / f"ptb.{s}.txt") for s in ("train", "valid", "test")}
    ids = {token: i for i, token in enumerate(sorted(set(text["train"])))}
    train, valid, test = (torch.tensor([ids[token] for token in t]) for t in text.values())
    train = to_streams(train[: args.max_train_tokens], STREAMS)
    if len(train) <= preset.steps:
        parser.error(f"training needs at least {STREAMS * (preset.steps + 1)} tokens")
    valid, test = to_streams(valid, STREAMS), to_streams(test, 1)

    model = Model(len(ids), preset)
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    for epoch in range(1, args.epochs + 1):
        optimizer.param_groups[0]["lr"] = preset.factor ** max(epoch - preset.constant_epochs, 0)
        start = time.perf_counter()
        loss, tokens = train_epoch(model, optimizer, train, preset.steps)
        seconds = time.perf_counter() - start
        line = {
            "epoch": epoch,
            "train_ppl": round(math.exp(loss), 3),
            "valid_ppl": round(perplexity(model, valid, preset.steps), 3),
            "seconds": round(seconds, 2),
            "tokens_per_second": round(tokens / seconds, 1),
        }
        print(json.dumps(line), flush=True)
    print(json.dumps({"test_ppl": round(perplexity(model, test, 100), 3)}), flush=True)


if __name__ == "__main__":
    main()
