"""The LSTMs of Zaremba et al. (2014) on Penn Treebank, in plain PyTorch.

A yardstick for perplexity and training speed: embedding, two LSTM layers and a
softmax layer, 20 parallel streams, the state carried from window to window, SGD
with learning rate 1. `small` has 200 units, windows of 20 steps, and halves the
rate in every epoch after the fourth; `medium` has 650 units, windows of 35 steps,
and multiplies the rate by 0.8 in every epoch after the sixth.

Without dropout the layers are `nn.LSTM`. It has no recurrent dropout, so that
`--dropout variational` (Gal & Ghahramani 2016, tied weights: one mask for a window
on word types, inputs, recurrence and outputs) walks the steps in a loop, with the
projection of all inputs taken out of it.

Prints one JSON line per epoch, and the test perplexity at the end. Training and
validation perplexity are over 20 parallel streams, the test perplexity over the
whole text as one stream; a stream's first token is read but not predicted.
`seconds` and `tokens_per_second` cover training only.

    python pytorch.py --data DIR [--preset small] [--dropout none] [--epochs 4]

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


class Rates(NamedTuple):
    """Drop probabilities: of word types, of layer inputs and the output, of the recurrence."""

    word_type: float
    input: float
    recurrent: float


class Preset(NamedTuple):
    hidden: int
    steps: int
    init: float
    constant_epochs: int
    factor: float
    rates: Rates
    decay: float


PRESETS = {
    "small": Preset(200, 20, 0.1, 4, 0.5, Rates(0.25, 0.25, 0.25), decay=0.0),
    "medium": Preset(650, 35, 0.05, 6, 0.8, Rates(0.3, 0.5, 0.3), decay=1e-7),
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


def sample(prob, *shape):
    """A mask: 0 where dropped, 1 / (1 - prob) where kept."""
    return torch.empty(shape).bernoulli_(1 - prob).div_(1 - prob)


class VariationalLSTM(nn.Module):
    """One layer, tied masks on what enters it and on the recurrence."""

    def __init__(self, hidden, rates):
        super().__init__()
        self.input = nn.Linear(hidden, 4 * hidden)
        self.recurrent = nn.Linear(hidden, 4 * hidden, bias=False)
        self.rates = rates

    def forward(self, x, state):
        h, c = state
        if self.training:
            x = x * sample(self.rates.input, *h.shape)
            mask = sample(self.rates.recurrent, *h.shape)
        outputs = []
        for gates in self.input(x).unbind(0):
            entering = h * mask if self.training else h
            i, f, g, o = (gates + self.recurrent(entering)).chunk(4, 1)
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
            h = torch.sigmoid(o) * torch.tanh(c)
            outputs.append(h)
        return torch.stack(outputs), (h, c)


class VariationalModel(nn.Module):
    def __init__(self, vocabulary, preset):
        super().__init__()
        hidden, self.rates = preset.hidden, preset.rates
        self.embedding = nn.Embedding(vocabulary, hidden)
        self.layers = nn.ModuleList(VariationalLSTM(hidden, self.rates) for _ in range(LAYERS))
        self.output = nn.Linear(hidden, vocabulary)
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -preset.init, preset.init)

    def forward(self, tokens, state):
        streams, (vocabulary, hidden) = tokens.shape[1], self.embedding.weight.shape
        x = self.embedding(tokens)
        if self.training:
            kept_types = sample(self.rates.word_type, streams, vocabulary)
            x = x * kept_types.gather(1, tokens.t()).t().unsqueeze(2)
        if state is None:
            state = [torch.zeros(2, streams, hidden).unbind(0) for _ in self.layers]
        after = []
        for layer, before in zip(self.layers, state):
            x, last = layer(x, before)
            after.append(last)
        if self.training:
            x = x * sample(self.rates.input, streams, hidden)
        return self.output(x), after


MODELS = {"none": Model, "variational": VariationalModel}


def detached(state):
    """The same values without their past: a tensor, or any nesting of them."""
    if isinstance(state, torch.Tensor):
        return state.detach()
    return tuple(detached(part) for part in state)


def train_epoch(model, optimizer, streams, window, decay):
    """Whole windows only; returns the mean cross entropy and the token count."""
    model.train()
    state, total, windows = None, 0.0, (len(streams) - 1) // window
    for start in range(0, windows * window, window):
        targets = streams[start + 1 : start + 1 + window]
        logits, state = model(streams[start : start + window], state)
        state = detached(state)
        loss = cross_entropy(logits.flatten(0, 1), targets.flatten())
        optimizer.zero_grad()
        (loss * window).backward()  # summed over the steps, averaged over the streams
        nn.utils.clip_grad_norm_(model.parameters(), MAX_NORM)
        optimizer.step()
        if decay:
            with torch.no_grad():
                torch._foreach_mul_(list(model.parameters()), 1 - decay)
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
    parser.add_argument("--dropout", choices=MODELS, default="none")
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

    model = MODELS[args.dropout](len(ids), preset)
    decay = preset.decay if args.dropout == "variational" else 0.0
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    for epoch in range(1, args.epochs + 1):
        optimizer.param_groups[0]["lr"] = preset.factor ** max(epoch - preset.constant_epochs, 0)
        start = time.perf_counter()
        loss, tokens = train_epoch(model, optimizer, train, preset.steps, decay)
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
