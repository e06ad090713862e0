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
}
SGD = {"optimizer": "sgd", "rate": 0.05, "momentum": 0.9, "decay": 0.0005, "rate-by-density": "none"}
ADAMW = {"optimizer": "adamw", "rate": 0.002, "momentum": 0.9, "decay": 0.01, "rate-by-density": "full"}
# Sparsity and recipe of each.
RUNS = {"perceptron": (0.7, {**SGD, "label-smoothing": 0.1}), "convolutions": (0.5, {**SGD, "rate": 0.02, "clip": 1}),
        "transformer": (0.6, ADAMW), "recurrent": (0.5, {**SGD, "rate-by-density": "full"})}


def write_data(folder):
    os.makedirs(os.path.join(folder, "d"))
    write_idx(os.path.join(folder, "d"), "train", SAMPLES, Chance(11))


def build(forge, folder, name):
    with open(os.path.join(folder, f"{name}.yaml"), "w", encoding="ascii") as file:
        file.write(f"name: {name}\nprocessing: image.classification\n" + "\n".join(STRUCTURES[name]) + "\n")
    subprocess.run([forge, "build", "--structure", f"{name}.yaml", "-s", str(RUNS[name][0]), "--method", "erk", "-S", "3", "-m", MEDIA, "--no-history",
                    "-o", f"{name}.built"], cwd=folder, check=True, stdout=subprocess.DEVNULL)


def train(forge, folder, name):
    """The trainer's JSON lines."""
    recipe = [word for key, value in RUNS[name][1].items() for word in (f"--{key}", str(value))]
    return subprocess.run([forge, "train", f"{name}.built", "-D", "d", *recipe, *ALL_AT_ONCE, "-o", f"{name}.trained"], cwd=folder, check=True,
                          stdout=subprocess.PIPE, text=True).stdout.splitlines()
