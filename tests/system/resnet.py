#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A residual network from a structure to an answer: built sparse, trained on pictures, folded, served.

usage: resnet.py BUILD-FOLDER
"""
import json
import os
import random
import struct
import sys
import tempfile

sys.dont_write_bytecode = True
from programs import Programs, check, png, serving

SIDE, CLASSES = 16, ("across", "down")

# Everything that a ResNet of the collection is made of, small.
STRUCTURE = """\
name: resnet-tiny
processing: image.classification
input: [3, 16, 16]
layers:
  - conv2d: {name: stem, channels: 8, kernel: 3, padding: 1}
  - batch_norm
  - relu: {name: stem.out}
  - conv2d: {name: a, channels: 8, kernel: 3, padding: 1}
  - batch_norm
  - relu
  - conv2d: {name: b, channels: 8, kernel: 3, padding: 1, groups: 2}
  - batch_norm: {name: b.norm}
  - add: {name: sum, from: [b.norm, stem.out]}
  - relu: {name: block.out}
  - conv2d: {name: down, channels: 12, kernel: 3, stride: 2, padding: 1}
  - batch_norm: {name: down.norm}
  - conv2d: {name: skip, from: block.out, channels: 12, kernel: 1, stride: 2}
  - batch_norm: {name: skip.norm}
  - add: {from: [down.norm, skip.norm]}
  - relu
  - global_pool
  - linear: 2
  - softmax
"""


def picture(chance, label):
    """Stripes of a random colour, width and place, across or down, under noise: no pixel says which."""
    colour, period = [chance.randrange(60, 160) for _ in range(3)], chance.choice((4, 5, 6))
    start = chance.randrange(period)
    lit = lambda x, y: ((x if label else y) + start) % period < period // 2
    return [[colour[c] * lit(x, y) + chance.randrange(96) for x in range(SIDE) for c in range(3)] for y in range(SIDE)]


def write_pictures(folder, split, count, chance):
    for label, name in enumerate(CLASSES):
        os.makedirs(os.path.join(folder, split, name))
        for number in range(count):
            with open(os.path.join(folder, split, name, f"{number}.png"), "wb") as file:
                file.write(png(picture(chance, label)))


def train(programs, out, *words, **more):
    return programs.trained("built.safetensors", out, "-e", "3", "-b", "16", "--rate", "0.05", "--name", "resnet", *words, **more)


def kinds_of(model):
    (length,) = struct.unpack_from("<Q", model)
    return [layer["kind"] for layer in json.loads(json.loads(model[8:8 + length])["__metadata__"]["wisp.graph"])]


def check_training(programs):
    """The same file for any number of threads and any kernels; folded, it answers as it did."""
    model = train(programs, "resnet.safetensors", "-t", "1")
    check("two threads, another file", train(programs, "two.safetensors", "-t", "2") == model)
    check("scalar kernels, another file", train(programs, "scalar.safetensors", "-t", "2", WISP_CPU="scalar") == model)
    whole = train(programs, "whole.safetensors", "-t", "2", "--no-fold")
    check("a normalisation is left", "batch_norm" not in kinds_of(model))
    check("--no-fold leaves five", kinds_of(whole).count("batch_norm") == 5)
    said = [json.loads(programs.run("bin/wisp-forge", "eval", name, "-D", "data", "--json"))
            for name in ("resnet.safetensors", "whole.safetensors")]
    check(f"accuracy {said[0]['accuracy']}", said[0]["accuracy"] >= 0.95)
    check("folding changed what is answered", said[0]["confusion"] == said[1]["confusion"])
    check("folding changed the loss", abs(said[0]["loss"] - said[1]["loss"]) < 1e-5)


def check_answers(programs, socket, model):
    """The same bits whatever is asked together; a picture from the command line."""
    inputs = random.Random(3)
    data = struct.pack(f"<{32 * 3 * SIDE * SIDE}f", *(inputs.uniform(-2, 2) for _ in range(32 * 3 * SIDE * SIDE)))
    answers = [programs.run("tests/bin/answers", socket, model, rows, data=data) for rows in ("1", "7", "32")]
    check("no 32 answers", len(answers[0]) == 32 * 2 * 4 and len(set(answers[0][i:i + 8] for i in range(0, 256, 8))) == 32)
    check("the batch changes the bits", answers[0] == answers[1] == answers[2])
    for name in CLASSES:
        said = json.loads(programs.run("bin/wisp", "run", "-s", socket, model, f"data/test/{name}/0.png", "--json"))
        check(f"{name}: {said}", said["labels"][0]["label"] == name)


def check_serving(programs):
    with serving(programs, "resnet.safetensors") as socket:
        check_answers(programs, socket, "resnet")


def main():
    chance = random.Random(1)
    with tempfile.TemporaryDirectory() as folder:
        programs = Programs(os.path.realpath(sys.argv[1]), folder)
        write_pictures(os.path.join(folder, "data"), "train", 150, chance)
        write_pictures(os.path.join(folder, "data"), "test", 50, chance)
        with open(os.path.join(folder, "resnet.yaml"), "w", encoding="ascii") as file:
            file.write(STRUCTURE)
        said = programs.run("bin/wisp-forge", "build", "--structure", "resnet.yaml", "-s", "0.5", "-o", "built.safetensors")
        check("build warns", b"cannot" not in said)
        check_training(programs)
        check_serving(programs)


if __name__ == "__main__":
    main()
