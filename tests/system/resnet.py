#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A residual network from a structure to an answer: built sparse, trained on pictures, folded, served.

usage: resnet.py BUILD-FOLDER
"""
import contextlib
import json
import os
import random
import signal
import struct
import subprocess
import sys
import tempfile
import time
import zlib

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


def png(rows):
    """RGB rows as a PNG."""
    chunk = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    header = struct.pack(">IIBBBBB", len(rows[0]) // 3, len(rows), 8, 2, 0, 0, 0)
    data = zlib.compress(b"".join(b"\0" + bytes(row) for row in rows))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


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


class Programs:
    """Of one build, in a scratch folder."""

    def __init__(self, build, folder):
        self.build, self.folder = build, folder
        self.environment = dict(os.environ, WISP_DB=os.path.join(folder, "structures.db"), LC_ALL="C.UTF-8")
        self.environment.pop("WISP_CPU", None)

    def run(self, program, *words, data=None, **more):
        done = subprocess.run([os.path.join(self.build, program), *words], input=data, cwd=self.folder, timeout=250,
                              env=dict(self.environment, **more), capture_output=True, check=False)
        if done.returncode:
            sys.exit(f"{program} {' '.join(words)}: exit {done.returncode}: {done.stderr.decode(errors='replace')}")
        return done.stdout

    def train(self, out, *words, **more):
        self.run("bin/wisp-forge", "train", "built.safetensors", "-D", "data", "-e", "3", "-b", "16", "--rate", "0.05", "--name",
                 "resnet", "--no-history", "-o", out, *words, **more)
        with open(os.path.join(self.folder, out), "rb") as file:
            return file.read()


def kinds_of(model):
    (length,) = struct.unpack_from("<Q", model)
    return [layer["kind"] for layer in json.loads(json.loads(model[8:8 + length])["__metadata__"]["wisp.graph"])]


def check(what, holds):
    if not holds:
        sys.exit(f"FAIL {what}")


def check_training(programs):
    """The same file for any number of threads and any kernels; folded, it answers as it did."""
    model = programs.train("resnet.safetensors", "-t", "1")
    check("two threads, another file", programs.train("two.safetensors", "-t", "2") == model)
    check("scalar kernels, another file", programs.train("scalar.safetensors", "-t", "2", WISP_CPU="scalar") == model)
    whole = programs.train("whole.safetensors", "-t", "2", "--no-fold")
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


@contextlib.contextmanager
def serve(programs, *models):
    """A daemon of its own, which ends well."""
    socket = os.path.join(programs.folder, "socket")
    words = ["-s", socket, "-l", "error"]
    for model in models:
        words += ["-m", os.path.join(programs.folder, model)]
    with subprocess.Popen([os.path.join(programs.build, "bin/wispd"), *words], env=programs.environment) as daemon:
        try:
            ping = [os.path.join(programs.build, "bin/wisp"), "ping", "-s", socket]
            while subprocess.run(ping, env=programs.environment, capture_output=True, check=False).returncode:
                check("wispd did not come up", daemon.poll() is None)
                time.sleep(0.02)
            yield socket
        finally:
            daemon.send_signal(signal.SIGTERM)
    check(f"wispd: exit {daemon.returncode}", daemon.returncode == 0)


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
        with serve(programs, "resnet.safetensors") as socket:
            check_answers(programs, socket, "resnet")


if __name__ == "__main__":
    main()
