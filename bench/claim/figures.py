# SPDX-License-Identifier: Apache-2.0
"""The figures as data: networks, recipes, and which runs there are; what each is to show."""
from collections import namedtuple

import networks

# A run: `size` is a network of its figure. Dense is a sparsity of 0.
Run = namedtuple("Run", "size method sparsity seed")
# What is to hold: `least` an accuracy, or at least the dense one's (or of `rival`, at the same sparsity) plus `ahead`, less two
# standard errors, of which a `strict` one takes nothing off. Accuracies are shares.
Check = namedtuple("Check", "size method sparsity least ahead rival strict", defaults=(None, None, "dense", False))

TENTHS = [0.5, 0.9, 0.8, 0.7, 0.6, 0.4, 0.3, 0.2, 0.1]
TELLING = [0.5, 0.8, 0.9]
# How `wisp build` and `wisp train` are told: most sample their connections, and two prune a dense network before its first step.
Method = namedtuple("Method", "build train")
SAMPLED = {"er", "erk", "uniform"}
PRUNED = {"snip", "snip-ratio"}
METHODS = ["dense", "er", "erk", "uniform", "snip", "snip-ratio"]


def method_of(run):
    if run.method in SAMPLED:
        return Method(["--method", run.method, "-s", str(run.sparsity)], [])
    return Method(["-s", "0"], ["--prune", f"{run.method}={run.sparsity}"] if run.method in PRUNED else [])


# One rate for dense and sparse: where a layer's rate grows as its density falls, the sparse side would have the higher rates, and
# higher ones may do the dense side good as well (docs/results/resnet.md).
DESCENT = ["--optimizer", "sgd", "--momentum", "0.9", "--rate-by-density", "none", "--balance", "none"]
SGD = [*DESCENT, "--schedule", "cosine", "--warmup", "1", "-b", "128"]
PIXELS = {"kind": "image", "width": 28, "height": 28, "channels": 1}
SMALL = {"kind": "image", "width": 14, "height": 14, "channels": 1}


def claimed(method, sizes, seeds=3):
    """Dense and sparse at each size: everything once, what tells most `seeds` times; the others at the ends. Seed 1 comes first, and
    of it what tells most."""
    ends = dict.fromkeys([sizes[0], sizes[-1]])
    runs = [Run(size, m, s, 1) for s in [0, *TENTHS] for size in sizes for m in [method if s else "dense"]]
    runs += [Run(size, m, s, 1) for m in ("uniform", "snip", "snip-ratio") for s in TELLING for size in ends]
    return runs + [Run(size, method if s else "dense", s, seed) for seed in range(2, seeds + 1) for s in [0, *TELLING] for size in sizes]


def close(method, sizes, by, rivals):
    """The claim at the largest size, and that what is sampled at random is no worse than what was chosen."""
    return [Check(sizes[-1], method, 0.5, ahead=-by)] + [Check(sizes[-1], method, s, ahead=-0.003, rival="snip") for s in rivals]


class Figure:
    """`network(size)` is a document; `recipe(size, method)` options of `wisp train`; `data` a set of `sets.py`; `axis` the sparsities that are
    marked, from the first to the last of which a panel reaches; `measured` names what accuracies are of."""

    def __init__(self, **fields):
        self.tests = ["test"]
        self.measured = "test set"
        self.axis = [0, 0.2, 0.4, 0.6, 0.8, 1]
        self.__dict__.update(fields)


def decides(figure, run):
    """Whether one of the figure's checks looks at this run."""
    sides = {(c.size, method, c.sparsity if method != "dense" else 0)
             for c in figure.checks for method in (c.method, c.rival if c.ahead is not None else c.method)}
    return (run.size, run.method, run.sparsity) in sides


WIDTHS = [32, 128, 512, 1024]
DEPTHS = [8, 20, 32, 56]
FILTERS = [4, 8, 16, 32]
BLOCKS = [4, 6, 8]
# What the 5,000 samples were learned by (github.com/SelimaC/Tutorial-SCADS-Summer-School-2020-Scalable-Deep-Learning, fixprob_mlp.py):
# batches of 40, a rate of 0.05 that stays, momentum 0.9, dropout 0.2, pixels from 0 to 1. It takes 0.0002 of each weight off after
# a step; with that momentum a decay of 0.0004 in the gradient does. Its dense networks learned at 0.001, the second pair's do not.
PUBLISHED = [*DESCENT, "--schedule", "constant", "--warmup", "0", "-b", "40"]
FEW = {"published": [*PUBLISHED, "-r", "0.05", "--decay", "0.0004"],
       "published-dense": [*PUBLISHED, "-r", "0.001", "--decay", "0.02"]}
# What each side may be tuned over, on 1,000 of the 5,000; the test set has no part in it.
TUNED = {f"{schedule} {rate}": [*DESCENT, "--schedule", schedule, "--warmup", "0", "-b", "40", "-r", rate, "--decay", "0.0004"]
         for schedule in ("cosine", "constant") for rate in ("0.05", "0.02", "0.1", "0.01")}
# The best of each side's four rates with the cosine schedule (few-samples-tuning.csv): the third pair.
CHOSEN = {"er": TUNED["cosine 0.02"], "dense": TUNED["cosine 0.05"]}

FLOORS = {0.9: 0.892, 0.95: 0.889, 0.98: 0.880, 0.99: 0.865}

FIGURES = {
    "few-samples": Figure(
        title="5,000 samples: 784-1000-1000-1000-10, 97 % sparse, against the dense network", what="schedule", data="fashion-5k",
        tests=["test", "all"], media={**PIXELS, "mean": 0, "deviation": 1}, epochs=400,
        network=lambda size: networks.mlp(1000, 3, 0.2), recipe=lambda size, method: FEW[size] if size in FEW else CHOSEN[method],
        runs=[run for seed in range(1, 6) for run in (Run("published", "er", 0.97, seed), Run("published", "dense", 0, seed))] +
             [Run("published-dense", "dense", 0, seed) for seed in range(1, 6)] +
             [Run("tuned", method, s, seed) for seed in range(1, 6) for method, s in (("er", 0.97), ("dense", 0))],
        checks=[Check("published", "er", 0.97, least=0.839), Check("published", "er", 0.97, ahead=0.01, strict=True)]),
    "few-samples-tuning": Figure(
        title="5,000 samples: rate and schedule for each side, on 1,000 of them", what="", data="fashion-5k-held", measured="1,000 held back",
        media={**PIXELS, "mean": 0, "deviation": 1}, epochs=400, network=lambda size: networks.mlp(1000, 3, 0.2),
        recipe=lambda size, method: TUNED[size], checks=[],
        runs=[Run(size, method, sparsity, 1) for method, sparsity in (("er", 0.97), ("dense", 0)) for size in TUNED]),
    "perceptron": Figure(
        title="784-1000-1000-1000-10 on Fashion-MNIST, with few of its connections", what="neurons a layer:", data="fashion",
        media={**PIXELS, "mean": 0.286, "deviation": 0.353}, epochs=20, network=networks.mlp, axis=[0.88, 0.9, 0.95, 0.98, 0.99, 1],
        # A decay of 0.0001, rates by density, and no augmentation were chosen on a tenth of the training samples (docs/results/claim.md).
        recipe=lambda size, method: ["--optimizer", "sgd", "--momentum", "0.9", "--rate-by-density", "full", "--balance", "none",
                                     "--schedule", "cosine", "--warmup", "1", "-b", "128", "-r", "0.05", "--decay", "0.0001"],
        runs=[run for seed in (1, 2, 3) for run in [*(Run(1000, "er", s, seed) for s in FLOORS), Run(1000, "dense", 0, seed)]],
        checks=[Check(1000, "er", s, least=least) for s, least in FLOORS.items()]),
    "width": Figure(
        title="Width: 784-w-w-w-10 on Fashion-MNIST", what="w =", data="fashion", media=PIXELS, epochs=10, network=networks.mlp,
        recipe=lambda size, method: [*SGD, "-r", "0.05", "--decay", "0.0005"], runs=claimed("er", WIDTHS),
        checks=close("er", WIDTHS, 0.003, TELLING[:2])),
    "depth": Figure(
        title="Depth: residual networks of 128 neurons a layer on Fashion-MNIST", what="layers:", data="fashion", media=PIXELS,
        epochs=10, network=networks.residual_mlp,
        # Without the limit the loss of 56 layers jumps now and then (0.53 to 1.08 in a third epoch), and such a run does not recover.
        recipe=lambda size, method: [*SGD, "-r", "0.05", "--decay", "0.0005", "--clip", "1"],
        runs=claimed("er", DEPTHS), checks=close("er", DEPTHS, 0.003, TELLING[:2])),
    "filters": Figure(
        title="Filters: ResNet-8 on 10,000 pictures of Fashion-MNIST, 14 x 14", what="filters:", data="fashion-10k", media=SMALL, epochs=15,
        network=networks.resnet, recipe=lambda size, method: [*SGD, "-r", "0.1", "--decay", "0.0005", "--augment", "shift=2,flip=0.5"],
        runs=claimed("erk", FILTERS), checks=close("erk", FILTERS, 0.005, TELLING[:2])),
    "filters-20": Figure(
        title="ResNet-20, 32 filters, on 10,000 pictures of Fashion-MNIST, 14 x 14", what="filters:", data="fashion-10k", media=SMALL,
        epochs=15, network=lambda size: networks.resnet(size, 20),
        recipe=lambda size, method: [*SGD, "-r", "0.1", "--decay", "0.0005", "--augment", "shift=2,flip=0.5"],
        runs=claimed("erk", [32]), checks=close("erk", [32], 0.005, TELLING[:2])),
    "vit": Figure(
        title="Vision transformers of 64 features on 20,000 pictures of Fashion-MNIST", what="blocks:", data="fashion-20k", media=PIXELS, epochs=4,
        network=networks.vit,
        # With batches of 128 and a rate of 0.001 five epochs of all pictures were too few updates: eight blocks came to 84.9 % dense.
        recipe=lambda size, method: ["--optimizer", "adamw", "-r", "0.002", "--decay", "0.05", "--schedule", "cosine", "--warmup", "0.3",
                                     "-b", "32", "--balance", "none", "--label-smoothing", "0.05", "--clip", "1", "--augment", "flip=0.5"],
        runs=claimed("er", BLOCKS, seeds=1), checks=close("er", BLOCKS, 0.005, TELLING[:2])),
    # For tests: seconds, and data that are made.
    "tiny": Figure(
        title="A figure of seconds", what="w =", data="tiny", media={**PIXELS, "width": 8, "height": 8}, epochs=60,
        network=lambda size: networks.document([64], [f"- linear: {size}", "- relu", "- linear: 10", "- softmax"]),
        recipe=lambda size, method: [*SGD, "-r", "0.05", "--decay", "0.0005"],
        runs=[Run(16, "dense", 0, 1), Run(16, "er", 0.5, 1), Run(16, "snip", 0.5, 1)],
        checks=[Check(16, "er", 0.5, ahead=-0.003)]),
}
