"""PyTorch's LSTMs on a GPU, in the lines of figures that the benchmark of layers compares with.

Three ways to an LSTM in PyTorch, forward alone and with the gradients of all weights, in float32
without TF32: cuDNN's `nn.LSTM`, which takes no recurrent masks; a loop over the steps with a mask
on inputs and one on the state, the projection of all inputs taken out of it; and each once more
as a CUDA graph, one launch that replays all kernels of a pass, the most that PyTorch gives.

    python peers.py [--shapes sent,small,medium,large] [--device cuda]
"""

import argparse
import json
import statistics
import sys
import time

import torch
from torch.nn.functional import linear

# Batch size, steps, width of the input, units.
SHAPES = {
    "sent": (128, 200, 128, 128),
    "small": (20, 35, 200, 200),
    "medium": (20, 35, 650, 650),
    "large": (20, 35, 1500, 1500),
}
WARM_UP, ROUNDS = 3, 21


class MaskedLoop(torch.nn.Module):
    """An LSTM whose masks are the same at every step."""

    def __init__(self, d_input, d_hidden):
        super().__init__()
        self.projection = torch.nn.Linear(d_input, 4 * d_hidden)
        self.recurrent = torch.nn.Parameter(torch.randn(4 * d_hidden, d_hidden) / d_hidden**0.5)

    def forward(self, input, input_mask, mask, hidden, cell):
        outputs = []
        for projected in self.projection(input * input_mask).unbind(0):
            gates = projected + linear(hidden * mask, self.recurrent)
            i, f, g, o = gates.chunk(4, 1)
            cell = torch.sigmoid(f) * cell + torch.sigmoid(i) * torch.tanh(g)
            hidden = torch.sigmoid(o) * torch.tanh(cell)
            outputs.append(hidden)
        return torch.stack(outputs), (hidden, cell)


def seconds_of(run, synchronize):
    for _ in range(WARM_UP):
        run()
    synchronize()
    seconds = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        run()
        synchronize()
        seconds.append(time.perf_counter() - start)
    return seconds


def as_graph(run):
    """`run`, replayed by one launch."""
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(WARM_UP):
            run()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        run()
    return graph.replay


def report(variant, shape, which, seconds):
    batch_size, steps, d_input, d_hidden = SHAPES[shape]
    passes = 3 if which == "train" else 1
    flop = 2 * batch_size * steps * (d_input + d_hidden) * 4 * d_hidden * passes
    median = statistics.median(seconds)
    figures = {
        "system": f"torch {torch.__version__}",
        "variant": variant,
        "shape": shape,
        "pass": which,
        "median_ms": median * 1e3,
        "min_ms": min(seconds) * 1e3,
        "gflops": flop / median / 1e9,
    }
    print(json.dumps(figures), flush=True)


def measure(shape, device):
    batch_size, steps, d_input, d_hidden = SHAPES[shape]
    input = torch.randn(steps, batch_size, d_input, device=device)
    input_mask = 2.0 * (torch.rand(1, batch_size, d_input, device=device) > 0.5)
    mask = 2.0 * (torch.rand(batch_size, d_hidden, device=device) > 0.5)
    state = torch.zeros(2, batch_size, d_hidden, device=device)
    lstm = torch.nn.LSTM(d_input, d_hidden).to(device)
    loop = MaskedLoop(d_input, d_hidden).to(device)
    synchronize = torch.cuda.synchronize if device == "cuda" else lambda: None

    for variant, module, run in [
        ("nn.LSTM, no dropout", lstm, lambda: lstm(input)[0]),
        ("loop, tied masks", loop, lambda: loop(input, input_mask, mask, *state)[0]),
    ]:

        def forward():
            with torch.no_grad():
                run()

        def train():
            module.zero_grad(set_to_none=False)
            run().square().mean().backward()

        for which, body in [("forward", forward), ("train", train)]:
            report(variant, shape, which, seconds_of(body, synchronize))
            if device != "cuda":
                continue
            try:
                graph = as_graph(body)
            except RuntimeError as error:
                print(f"no CUDA graph of {variant}, {which}: {error}", file=sys.stderr)
            else:
                seconds = seconds_of(graph, synchronize)
                report(f"{variant}, CUDA graph", shape, which, seconds)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--shapes", default=",".join(SHAPES))
    parser.add_argument("--device", default="cuda")
    arguments = parser.parse_args()
    torch.manual_seed(0)
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    for shape in arguments.shapes.split(","):
        measure(shape, arguments.device)


if __name__ == "__main__":
    main()
