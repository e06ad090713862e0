#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""PyTorch's turns for bench_train: the same networks trained densely, densely times a mask, and by sparse CSR weights.

usage: train_torch.py THREADS     reads lines "CASE KIND STEPS", writes the seconds of a step of each, or "cannot: why"

What a case is follows from its name: mlp-SPARSITY[-bN], resnet-20-SPARSITY, transformer-SPARSITY. Inputs are noise that is in memory
as float32 before: nothing is read, shifted or converted, which wisp does within its steps."""
import sys
import time
import warnings

import torch
from torch import nn
from torch.nn import functional

CHANNELS = (16, 32, 64)


class Masked(nn.Module):
    """A layer whose weight is multiplied by a mask in every step, as methods do that are said to be sparse."""

    def __init__(self, layer, sparsity):
        super().__init__()
        self.layer = layer
        self.register_buffer("mask", (torch.rand_like(layer.weight) >= sparsity).float())

    def forward(self, x):
        weight = self.layer.weight * self.mask
        if isinstance(self.layer, nn.Conv2d):
            return functional.conv2d(x, weight, self.layer.bias, self.layer.stride, self.layer.padding)
        return functional.linear(x, weight, self.layer.bias)


class Csr(nn.Module):
    """A linear layer with a weight in CSR, which torch.sparse.mm differentiates. The optimiser moves the values."""

    def __init__(self, layer, sparsity):
        super().__init__()
        weight = layer.weight.detach() * (torch.rand_like(layer.weight) >= sparsity)
        self.weight = weight.to_sparse_csr().requires_grad_()
        self.bias = layer.bias

    def forward(self, x):
        flat = x.reshape(-1, x.shape[-1])
        return (torch.sparse.mm(self.weight, flat.t()) + self.bias[:, None]).t().reshape(*x.shape[:-1], -1)


def wrap(module, kind, sparsity):
    """Every weighted layer below `module` in its kind."""
    for name, child in module.named_children():
        if isinstance(child, (nn.Linear, nn.Conv2d)) and kind == "mask":
            setattr(module, name, Masked(child, sparsity))
        elif isinstance(child, nn.Linear) and kind == "csr":
            setattr(module, name, Csr(child, sparsity))
        else:
            wrap(child, kind, sparsity)
    return module


def mlp():
    widths = (784, 1000, 1000, 1000, 10)
    layers = []
    for before, after in zip(widths, widths[1:]):
        layers += [nn.Linear(before, after), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


class Block(nn.Module):
    def __init__(self, before, after):
        super().__init__()
        stride = 2 if before != after else 1
        self.a = nn.Conv2d(before, after, 3, stride, 1)
        self.norm_a = nn.BatchNorm2d(after)
        self.b = nn.Conv2d(after, after, 3, 1, 1)
        self.norm_b = nn.BatchNorm2d(after)
        self.skip = nn.Sequential(nn.Conv2d(before, after, 1, stride), nn.BatchNorm2d(after)) if before != after else nn.Identity()

    def forward(self, x):
        y = functional.relu(self.norm_a(self.a(x)))
        return functional.relu(self.norm_b(self.b(y)) + self.skip(x))


def resnet():
    layers, before = [nn.Conv2d(3, CHANNELS[0], 3, 1, 1), nn.BatchNorm2d(CHANNELS[0]), nn.ReLU()], CHANNELS[0]
    for after in CHANNELS:
        for _ in range(3):
            layers.append(Block(before, after))
            before = after
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(before, 10))


class TransformerBlock(nn.Module):
    """Before the sums, normalised; queries, keys and values each a layer of its own, so that each can be wrapped."""

    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.norm_a, self.norm_b = nn.LayerNorm(width), nn.LayerNorm(width)
        self.query, self.key, self.value, self.out = (nn.Linear(width, width) for _ in range(4))
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x):
        batch, tokens, width = x.shape
        y = self.norm_a(x)
        q, k, v = (layer(y).view(batch, tokens, self.heads, -1).transpose(1, 2) for layer in (self.query, self.key, self.value))
        y = functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(batch, tokens, width)
        x = x + self.out(y)
        return x + self.mlp(self.norm_b(x))


class Transformer(nn.Module):
    def __init__(self, width=256, blocks=4, heads=4, tokens=49):
        super().__init__()
        self.patches = nn.Conv2d(1, width, 4, 4)
        self.position = nn.Parameter(torch.zeros(tokens, width))
        self.blocks = nn.Sequential(*(TransformerBlock(width, heads) for _ in range(blocks)))
        self.norm, self.last = nn.LayerNorm(width), nn.Linear(width, 10)

    def forward(self, x):
        x = self.patches(x).flatten(2).transpose(1, 2) + self.position
        return self.last(self.norm(self.blocks(x)).mean(1))


NETWORKS = {"mlp": (mlp, (784,)), "resnet": (resnet, (3, 32, 32)), "transformer": (Transformer, (1, 28, 28))}


def batch_of(case):
    return int(case.rpartition("-b")[2]) if "-b" in case else 128


class Run:
    def __init__(self, case, kind):
        words = case.split("-")
        sparsity = next(int(word) for word in words[1:] if word.isdigit() and int(word) >= 50) / 100
        make, shape = NETWORKS[words[0]]
        torch.manual_seed(1)
        if kind == "csr" and words[0] == "resnet":
            raise ValueError("no convolution with a weight in CSR")
        self.model = wrap(make(), kind, sparsity)
        self.x = torch.randn(batch_of(case), *shape)
        self.y = torch.randint(0, 10, (batch_of(case),))
        # The optimisers do not take CSR parameters: plain descent with momentum on the values, by hand.
        self.sparse = [layer.weight for layer in self.model.modules() if isinstance(layer, Csr)]
        self.velocity = [torch.zeros_like(weight.values()) for weight in self.sparse]
        dense = list(self.model.parameters())
        if words[0] == "transformer":
            self.optimizer = torch.optim.AdamW(dense, lr=1e-3)
        else:
            self.optimizer = torch.optim.SGD(dense, lr=0.02, momentum=0.9, nesterov=True, weight_decay=5e-4)

    def step(self):
        self.optimizer.zero_grad(set_to_none=True)
        for weight in self.sparse:
            weight.grad = None
        functional.cross_entropy(self.model(self.x), self.y).backward()
        self.optimizer.step()
        with torch.no_grad():
            for weight, velocity in zip(self.sparse, self.velocity):
                velocity.mul_(0.9).add_(weight.grad.values())
                weight.values().sub_(velocity, alpha=0.02)

    def time_steps(self, count):
        self.step()
        begun = time.perf_counter()
        for _ in range(count):
            self.step()
        return (time.perf_counter() - begun) / count


def main():
    torch.set_num_threads(int(sys.argv[1]))
    warnings.filterwarnings("ignore", message="Sparse CSR tensor support is in beta")
    runs = {}
    for line in sys.stdin:
        case, kind, steps = line.split()
        try:
            if (case, kind) not in runs:
                runs[case, kind] = Run(case, kind)
            print(runs[case, kind].time_steps(int(steps)), flush=True)
        except (ValueError, RuntimeError, NotImplementedError) as error:
            print("cannot:", str(error).splitlines()[0], flush=True)


if __name__ == "__main__":
    main()
