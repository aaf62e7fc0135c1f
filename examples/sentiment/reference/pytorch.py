#!/usr/bin/env python3
"""The film reviews in PyTorch, written apart from the program beside it: the same sizes, settings and
masks, a split and random numbers of its own.

    python pytorch.py DIR [--method none|variational] [--epochs N] [--threads N]

prints the root mean squared error of standardised ratings of the test pieces after each epoch, by
expected masks and, in the end, by 20 draws of the masks."""
import argparse
import glob
import math
import os
import random
import time

import torch

UNITS, WORDS, PIECE, BATCH, PROB, SCALE, PRECISION = 128, 20_000, 200, 128, 0.5, 0.2, 2.0


def read(folder):
    reviews = []
    for author in sorted(os.listdir(folder)):
        texts = glob.glob(os.path.join(folder, author, "subj.*"))
        if not texts:
            continue
        with open(texts[0]) as lines, open(texts[0].replace("subj.", "rating.")) as ratings:
            reviews += [(line.split(), float(rating)) for line, rating in zip(lines, ratings)]
    return reviews


def pieces(reviews, words):
    for tokens, rating in reviews:
        numbers = [words.get(token, 0) for token in tokens]
        for start in range(0, len(numbers), PIECE):
            yield numbers[start:start + PIECE], rating


class Model(torch.nn.Module):
    def __init__(self, n_words, drops):
        super().__init__()
        self.drops = drops
        self.embedding = torch.nn.Parameter(torch.empty(n_words, UNITS).uniform_(-0.05, 0.05))
        self.w = torch.nn.Parameter(torch.cat([self.glorot(UNITS, UNITS) for _ in range(4)], 1))
        self.u = torch.nn.Parameter(torch.cat(
            [torch.nn.init.orthogonal_(torch.empty(UNITS, UNITS)) for _ in range(4)], 1))
        bias = torch.zeros(4 * UNITS)
        bias[UNITS:2 * UNITS] = 1.0  # Of the forget gate.
        self.b = torch.nn.Parameter(bias)
        self.v = torch.nn.Parameter(self.glorot(UNITS, 1))
        self.c = torch.nn.Parameter(torch.zeros(1))

    @staticmethod
    def glorot(rows, columns):
        bound = math.sqrt(6 / (rows + columns))
        return torch.empty(rows, columns).uniform_(-bound, bound)

    def mask(self, *dims):
        return (torch.rand(*dims) >= PROB).float() / (1 - PROB)

    def forward(self, tokens, lengths, drawn):
        rows, steps = tokens.shape
        x = self.embedding[tokens]
        if drawn and self.drops:
            types = self.mask(rows, len(self.embedding)).gather(1, tokens)
            zx, zh, zo = (self.mask(rows, UNITS) for _ in range(3))
            x = x * types.unsqueeze(2) * zx.unsqueeze(1)
        else:
            zh = zo = 1.0
        gx = x @ self.w + self.b
        h = c = torch.zeros(rows, UNITS)
        for t in range(steps):
            i, f, g, o = (gx[:, t] + (h * zh) @ self.u).chunk(4, 1)
            there = (lengths > t).unsqueeze(1)
            new = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
            h = torch.where(there, torch.sigmoid(o) * torch.tanh(new), h)
            c = torch.where(there, new, c)
        return ((h * zo) @ self.v).squeeze(1) + self.c


def batches(data, shuffled):
    data = sorted(data, key=lambda piece: len(piece[0]) + (random.random() if shuffled else 0))
    data = [data[k:k + BATCH] for k in range(0, len(data), BATCH)]
    if shuffled:
        random.shuffle(data)
    for batch in data:
        lengths = torch.tensor([len(tokens) for tokens, _ in batch])
        tokens = torch.zeros(len(batch), int(lengths.max()), dtype=torch.long)
        for row, (numbers, _) in enumerate(batch):
            tokens[row, :len(numbers)] = torch.tensor(numbers)
        yield tokens, lengths, torch.tensor([rating for _, rating in batch])


def rmse(model, data, n_draws):
    with torch.no_grad():
        squares = 0.0
        for tokens, lengths, ratings in batches(data, False):
            draws = [model(tokens, lengths, n_draws > 1) for _ in range(n_draws)]
            squares += float((torch.stack(draws).mean(0) - ratings).square().sum())
    return math.sqrt(squares / len(data))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder")
    parser.add_argument("--method", choices=["none", "variational"], default="variational")
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(arguments.seed)
    random.seed(arguments.seed)

    reviews = read(arguments.folder)
    random.shuffle(reviews)
    n_test = len(reviews) // 5
    # As many as the program trains on, which holds a tenth of the rest back.
    n_train = (len(reviews) - n_test) * 9 // 10
    counts = {}
    for tokens, _ in reviews[:n_train]:
        for token in tokens:
            counts[token] = counts.get(token, 0) + 1
    frequent = sorted(counts, key=counts.get, reverse=True)[:WORDS]
    words = {word: number + 1 for number, word in enumerate(frequent)}
    train, test = (list(pieces(part, words)) for part in (reviews[:n_train], reviews[-n_test:]))
    mean = sum(rating for _, rating in train) / len(train)
    deviation = math.sqrt(sum((rating - mean) ** 2 for _, rating in train) / len(train))
    train, test = ([(tokens, (rating - mean) / deviation) for tokens, rating in part]
                   for part in (train, test))
    print(f"{len(train)} training and {len(test)} test pieces", flush=True)

    model = Model(len(words) + 1, arguments.method == "variational")
    adam = torch.optim.Adam(model.parameters(), lr=1e-3, eps=1e-8)
    bias_decay = SCALE ** 2 / (2 * len(train) * PRECISION)
    weight_decay = bias_decay / (1 - PROB)
    for epoch in range(1, arguments.epochs + 1):
        start, squares = time.time(), 0.0
        for tokens, lengths, ratings in batches(train, True):
            errors = (model(tokens, lengths, True) - ratings).square()
            norms = sum(p.square().sum() * (bias_decay if p.dim() == 1 else weight_decay)
                        for p in model.parameters())
            adam.zero_grad()
            (errors.mean() / 2 + norms).backward()
            adam.step()
            squares += float(errors.detach().sum())
        print(f"epoch {epoch:3}  as trained {math.sqrt(squares / len(train)):.3f}  "
              f"test {rmse(model, test, 1):.3f}  ({time.time() - start:.0f} s)", flush=True)
    if model.drops:
        print(f"by Monte Carlo {rmse(model, test, 20):.3f}")


if __name__ == "__main__":
    main()
