"""PyTorch's speed on the training step of the variational language model, in tokens a second.

The model of Gal & Ghahramani (2016) at the size of Zaremba's medium one: masks on word types, inputs,
states and outputs, the same at every step, a cross-entropy over all words, a clipped step of SGD, the
state carried from window to window. Its layers are loops over the steps, since cuDNN takes no masks on
the state; the projection of all inputs is taken out of them.

    python language_model.py [--words 10000] [--device cuda]        # as many as the Penn Treebank has
"""

import argparse
import json
import statistics
import time

import torch
from torch.nn.functional import cross_entropy, embedding

from peers import MaskedLoop

BATCH_SIZE, STEPS, UNITS, LAYERS, MAX_NORM, LEARNING_RATE = 20, 35, 650, 2, 5.0, 1.0
TYPE_PROB, INPUT_PROB, RECURRENT_PROB = 0.3, 0.5, 0.3
WARM_UP, ROUNDS = 3, 21


def mask(prob, dims, device):
    return (torch.rand(dims, device=device) >= prob) / (1 - prob)


class LanguageModel(torch.nn.Module):
    def __init__(self, words):
        super().__init__()
        self.words = torch.nn.Parameter(0.1 * torch.randn(words, UNITS))
        self.layers = torch.nn.ModuleList([MaskedLoop(UNITS, UNITS) for _ in range(LAYERS)])
        self.output = torch.nn.Linear(UNITS, words)

    def loss(self, tokens, targets, states):
        device = tokens.device
        rows = [1, BATCH_SIZE, UNITS]
        types = mask(TYPE_PROB, [BATCH_SIZE, self.words.shape[0]], device)
        input = embedding(tokens, self.words) * types.gather(1, tokens.T).T.unsqueeze(2)
        after = []
        for layer, state in zip(self.layers, states):
            masks = mask(INPUT_PROB, rows, device), mask(RECURRENT_PROB, rows[1:], device)
            input, state = layer(input, *masks, *state)
            after.append(tuple(part.detach() for part in state))
        logits = self.output(input * mask(INPUT_PROB, rows, device))
        return STEPS * cross_entropy(logits.flatten(0, 1), targets.flatten()), after


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--words", type=int, default=10_000)
    parser.add_argument("--device", default="cuda")
    arguments = parser.parse_args()
    device = arguments.device
    torch.manual_seed(0)
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    model = LanguageModel(arguments.words).to(device)
    optimizer = torch.optim.SGD(model.parameters(), LEARNING_RATE)
    tokens = torch.randint(arguments.words, [STEPS + 1, BATCH_SIZE], device=device)
    zeros = torch.zeros(BATCH_SIZE, UNITS, device=device)
    states = [(zeros, zeros)] * LAYERS
    seconds = []
    for _ in range(WARM_UP + ROUNDS):
        start = time.perf_counter()
        loss, states = model.loss(tokens[:-1], tokens[1:], states)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), MAX_NORM)
        optimizer.step()
        if device == "cuda":
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - start)
    median = statistics.median(seconds[WARM_UP:])
    figures = {
        "system": f"torch {torch.__version__}",
        "words": arguments.words,
        "tokens_per_second": BATCH_SIZE * STEPS / median,
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
