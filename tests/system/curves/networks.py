# SPDX-License-Identifier: Apache-2.0
"""The networks whose curves are kept: structure, recipe, and how both are given to the program."""
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../digests"))
from data import Chance, write_idx  # noqa: E402

SAMPLES, STEPS, SIDE = 96, 16, 12
MEDIA = '{"kind":"image","width":12,"height":12,"channels":1,"fit":"stretch","background":0,"mean":0.5,"deviation":0.25}'
ALL_AT_ONCE = ["-e", str(STEPS), "-b", str(SAMPLES), "--schedule", "constant", "--warmup", "0", "--balance", "none", "--validation", "0",
               "--candidates", "1", "--keep", "last", "--no-history", "--json", "--no-fold"]

STRUCTURES = {
    "perceptron": ["input: [144]", "layers: [{linear: 40}, relu, {linear: 30}, tanh, {linear: 4}, softmax]"],
    "convolutions": [
        "input: [1, 12, 12]", "layers:", "  - conv2d: {channels: 6, kernel: 3, padding: 1}", "  - batch_norm", "  - relu: {name: first}",
        "  - conv2d: {channels: 6, kernel: 3, padding: 1, groups: 2}", "  - batch_norm: {name: second}", "  - add: {from: [second, first]}",
        "  - relu", "  - max_pool: {kernel: 2, stride: 2}", "  - conv2d: {channels: 8, kernel: 3, stride: 2}", "  - silu", "  - global_pool",
        "  - linear: 4", "  - softmax"],
    "transformer": [
        "input: [1, 12, 12]", "layers:", "  - conv2d: {name: patches, channels: 16, kernel: 4, stride: 4}", "  - tokens",
        "  - position: {name: placed}", "  - layer_norm", "  - self_attention: {name: attention, heads: 2}",
        "  - add: {name: middle, from: [previous, placed]}", "  - layer_norm", "  - projection: 24", "  - gelu", "  - projection: 16",
        "  - add: {from: [previous, middle]}", "  - layer_norm", "  - global_pool", "  - linear: 4", "  - softmax"],
    "recurrent": [
        "input: [12, 12]", "layers:", "  - lstm: {neurons: 14}", "  - gru: {neurons: 10, direction: backward}",
        "  - slice: {axis: 1, begin: 0}", "  - linear: 4", "  - softmax"],
    "moved": ["input: [144]", "layers: [{linear: 40}, relu, {linear: 4}, softmax]"],
    "taught": ["input: [144]", "layers: [{linear: 30}, relu, {linear: 4}, softmax]"],
    "teacher": ["input: [144]", "layers: [{linear: 20}, tanh, {linear: 4}, softmax]"],
    "opposed": ["input: [1, 12, 12]", "layers:", "  - conv2d: {channels: 6, kernel: 3, padding: 1}", "  - silu", "  - conv2d: {channels: 1, kernel: 3, padding: 1}"],
    "adversary": ["input: [1, 12, 12]", "layers:", "  - conv2d: {channels: 6, kernel: 4, stride: 2}", "  - silu", "  - linear: 1"],
}
SGD = {"optimizer": "sgd", "rate": 0.05, "momentum": 0.9, "decay": 0.0005, "rate-by-density": "none"}
ADAMW = {"optimizer": "adamw", "rate": 0.002, "momentum": 0.9, "decay": 0.01, "rate-by-density": "full"}
# Sparsity and recipe of each.
RUNS = {"perceptron": (0.7, {**SGD, "label-smoothing": 0.1}), "convolutions": (0.5, {**SGD, "rate": 0.02, "clip": 1}),
        "transformer": (0.6, ADAMW), "recurrent": (0.5, {**SGD, "rate-by-density": "full"}),
        "moved": (0.7, {**SGD, "regrow": "rigl,fraction=0.3,every=4,until=1"}), "taught": (0.5, {**SGD, "temperature": 2}),
        "opposed": (0.5, {**ADAMW, "loss": "mse", "degrade": "none", "adversarial": 0.5})}
# A network that is built with another, and as what it is given.
BESIDE = {"taught": "teacher", "opposed": "adversary"}
PICTURES = ("opposed", "adversary")


def write_data(folder):
    os.makedirs(os.path.join(folder, "d"))
    write_idx(os.path.join(folder, "d"), "train", SAMPLES, Chance(11))


def build(forge, folder, name):
    for one in filter(None, (name, BESIDE.get(name))):
        build_one(forge, folder, one, RUNS[name][0])


def build_one(forge, folder, name, sparsity):
    with open(os.path.join(folder, f"{name}.yaml"), "w", encoding="ascii") as file:
        file.write(f"name: {name}\nprocessing: image.{'generation' if name in PICTURES else 'classification'}\n" + "\n".join(STRUCTURES[name]) + "\n")
    labels = []
    if name == "teacher":  # as one that was trained says what its outputs are called
        labels = ["--labels", "labels.txt"]
        with open(os.path.join(folder, "labels.txt"), "w", encoding="ascii") as file:
            file.write("0\n1\n2\n3\n")
    subprocess.run([forge, "build", "--structure", f"{name}.yaml", *labels, "-s", str(sparsity), "--method", "erk", "-S", "3", "-m", MEDIA, "--no-history",
                    "-o", f"{name}.built"], cwd=folder, check=True, stdout=subprocess.DEVNULL)


def train(forge, folder, name):
    """The trainer's JSON lines."""
    recipe = [word for key, value in RUNS[name][1].items() for word in (f"--{key}", str(value))]
    recipe += [f"--{BESIDE[name]}", f"{BESIDE[name]}.built"] if name in BESIDE else []
    return subprocess.run([forge, "train", f"{name}.built", "-D", "d", *recipe, *ALL_AT_ONCE, "-o", f"{name}.trained"], cwd=folder, check=True,
                          stdout=subprocess.PIPE, text=True).stdout.splitlines()
