"""The small LSTM of Zaremba et al. (2014) on Penn Treebank, in plain PyTorch.

A yardstick for perplexity and training speed: embedding, two LSTM layers of 200
units and a softmax layer, no dropout, 20 parallel streams, windows of 20 steps
with the state carried from one to the next, SGD with learning rate 1, halved in
every epoch after the fourth.

Prints one JSON line per epoch, and the test perplexity at the end. Training and
validation perplexity are over 20 parallel streams, the test perplexity over the
whole text as one stream; a stream's first token is read but not predicted.
`seconds` and `tokens_per_second` cover training only.

    python pytorch.py --data DIR [--epochs 4] [--threads 2] [--seed 1]

DIR holds ptb.train.txt, ptb.valid.txt and ptb.test.txt.
"""

import argparse
import json
import math
import pathlib
import time

import torch
from torch import nn
from torch.nn.functional import cross_entropy

HIDDEN, LAYERS, STEPS, STREAMS = 200, 2, 20, 20
INIT, MAX_NORM = 0.1, 5.0


def read_tokens(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    return [token for line in lines for token in [*line.split(), "<eos>"]]


def to_streams(ids, count):
    """[steps, count]: the text cut into equal consecutive parts, one a column."""
    steps = len(ids) // count
    return ids[: steps * count].view(count, steps).t().contiguous()


class Model(nn.Module):
    def __init__(self, vocabulary):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, HIDDEN)
        self.lstm = nn.LSTM(HIDDEN, HIDDEN, LAYERS)
        self.output = nn.Linear(HIDDEN, vocabulary)
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -INIT, INIT)

    def forward(self, tokens, state):
        hidden, state = self.lstm(self.embedding(tokens), state)
        return self.output(hidden), state


def train_epoch(model, optimizer, streams):
    """Whole windows only; returns the mean cross entropy and the token count."""
    model.train()
    state, total, windows = None, 0.0, (len(streams) - 1) // STEPS
    for start in range(0, windows * STEPS, STEPS):
        targets = streams[start + 1 : start + 1 + STEPS]
        logits, state = model(streams[start : start + STEPS], state)
        state = tuple(s.detach() for s in state)
        loss = cross_entropy(logits.flatten(0, 1), targets.flatten())
        optimizer.zero_grad()
        (loss * STEPS).backward()  # summed over the steps, averaged over the streams
        nn.utils.clip_grad_norm_(model.parameters(), MAX_NORM)
        optimizer.step()
        total += loss.item()
    return total / windows, windows * STEPS * streams.shape[1]


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
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--max-train-tokens", type=int, help="train on the first N tokens only")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)

    text = {s: read_tokens(args.data / f"ptb.{s}.txt") for s in ("train", "valid", "test")}
    ids = {token: i for i, token in enumerate(sorted(set(text["train"])))}
    train, valid, test = (torch.tensor([ids[token] for token in t]) for t in text.values())
    train = to_streams(train[: args.max_train_tokens], STREAMS)
    if len(train) <= STEPS:
        parser.error(f"training needs at least {STREAMS * (STEPS + 1)} tokens")
    valid, test = to_streams(valid, STREAMS), to_streams(test, 1)

    model = Model(len(ids))
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    for epoch in range(1, args.epochs + 1):
        optimizer.param_groups[0]["lr"] = 0.5 ** max(epoch - 4, 0)
        start = time.perf_counter()
        loss, tokens = train_epoch(model, optimizer, train)
        seconds = time.perf_counter() - start
        line = {
            "epoch": epoch,
            "train_ppl": round(math.exp(loss), 3),
            "valid_ppl": round(perplexity(model, valid, STEPS), 3),
            "seconds": round(seconds, 2),
            "tokens_per_second": round(tokens / seconds, 1),
        }
        print(json.dumps(line), flush=True)
    print(json.dumps({"test_ppl": round(perplexity(model, test, 100), 3)}), flush=True)


if __name__ == "__main__":
    main()
