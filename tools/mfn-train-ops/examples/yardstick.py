"""Training throughput beside PyTorch's: runs the example `throughput` and PyTorch's eager mode (NCHW) in turns.

Usage: python yardstick.py PATH_OF_THE_BUILT_EXAMPLE [scale] [batch] [rounds]
Needs torch. One thread each; images a CPU-second, best of each side over the rounds.
"""

import json
import os
import subprocess
import sys
import time

import torch
from torch import nn


class ConvNorm(nn.Sequential):
    def __init__(self, i, o, kernel, stride=1, padding=0, groups=1, activation=True):
        parts = [nn.Conv2d(i, o, kernel, stride, padding, groups=groups, bias=False), nn.BatchNorm2d(o)]
        super().__init__(*parts, *([nn.PReLU(o)] if activation else []))


class Block(nn.Module):
    def __init__(self, i, e, o, stride):
        super().__init__()
        self.residual = stride == 1
        self.body = nn.Sequential(
            ConvNorm(i, e, 1), ConvNorm(e, e, 3, stride, 1, e), ConvNorm(e, o, 1, activation=False)
        )

    def forward(self, x):
        return x + self.body(x) if self.residual else self.body(x)


def network(scale):
    c = 64 * scale
    parts = [ConvNorm(3, c, 3, 2, 1), ConvNorm(c, c, 3, 1, 1, 64)]
    i = c
    stages = [(c, 128, 1, 2), (c, 128, 4, 1), (2 * c, 256, 1, 2), (2 * c, 256, 6, 1), (2 * c, 512, 1, 2), (2 * c, 256, 2, 1)]
    for o, e, repeat, stride in stages:
        for _ in range(repeat):
            parts.append(Block(i, e, o, stride))
            i = o
    parts += [ConvNorm(i, 512, 1), ConvNorm(512, 512, 7, groups=512, activation=False), nn.Flatten()]
    parts += [nn.Linear(512, 512, bias=False), nn.BatchNorm1d(512, affine=False), nn.Linear(512, 1000, bias=False)]
    return nn.Sequential(*parts)


def torch_rate(model, optimiser, images, labels, steps):
    best = 0.0
    for _ in range(steps):
        start = time.process_time()
        optimiser.zero_grad()
        nn.functional.cross_entropy(model(images), labels).backward()
        optimiser.step()
        best = max(best, len(images) / (time.process_time() - start))
    return best


def main():
    example = sys.argv[1]
    scale, batch, rounds = (int(a) for a in sys.argv[2:] + ["1", "32", "4"][len(sys.argv) - 2 :])
    torch.set_num_threads(1)
    torch.manual_seed(0)
    model = network(scale).train()
    optimiser = torch.optim.AdamW(model.parameters(), 1e-3)
    images, labels = torch.rand(batch, 3, 112, 112) * 2 - 1, torch.arange(batch)
    torch_rate(model, optimiser, images, labels, 1)
    ours, theirs = [], []
    for _ in range(rounds):
        run = [example, str(scale), str(batch), "5"]
        out = subprocess.run(run, env={**os.environ, "RAYON_NUM_THREADS": "1"}, capture_output=True, check=True)
        ours.append(json.loads(out.stdout))
        theirs.append(torch_rate(model, optimiser, images, labels, 3))
    best = max(r["best"] for r in ours)
    print(json.dumps({
        "scale": scale, "batch": batch, "ours": best, "pytorch_eager": round(max(theirs), 1),
        "ratio": round(best / max(theirs), 2), "peak_mb": max(r["peak_mb"] for r in ours),
        "torch": torch.__version__, "rounds": [[r["best"], round(t, 1)] for r, t in zip(ours, theirs)],
    }))


main()
