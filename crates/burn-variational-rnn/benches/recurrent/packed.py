"""PyTorch's nn.LSTM over the sequences of the benchmark `sequences`: padded, and packed by
pack_padded_sequence. Training passes on the CPU, one JSON object a line.

    python packed.py [--threads 2]
"""

import argparse
import json
import statistics
import time

import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

BATCH, SEQ, D_INPUT, D_HIDDEN = 128, 200, 128, 128
ROUNDS = 9


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, default=2)
    torch.set_num_threads(parser.parse_args().threads)
    net = torch.nn.LSTM(D_INPUT, D_HIDDEN)
    x = torch.sin(torch.arange(SEQ * BATCH * D_INPUT, dtype=torch.float32))
    x = x.reshape(SEQ, BATCH, D_INPUT)
    shortest = SEQ // 4
    spread = [row * 61 % BATCH * (SEQ - shortest) // (BATCH - 1) for row in range(BATCH)]
    lengths = torch.tensor([shortest + extra for extra in spread])

    def padded():
        return net(x)[0]

    def packed():
        outputs, _ = net(pack_padded_sequence(x, lengths, enforce_sorted=False))
        return pad_packed_sequence(outputs, total_length=SEQ)[0]

    seconds = {"forward": [], "forward, lengths in [T/4, T]": []}
    for _ in range(ROUNDS):
        for (name, times), run in zip(seconds.items(), [padded, packed]):
            for measured in (False, True):
                start = time.perf_counter()
                run().square().mean().backward()
                if measured:
                    times.append(time.perf_counter() - start)
    for name, times in seconds.items():
        median = 1e3 * statistics.median(times)
        system = f"torch {torch.__version__}"
        print(json.dumps({"system": system, "shape": "sent", "variant": name, "median_ms": median}))


if __name__ == "__main__":
    main()
