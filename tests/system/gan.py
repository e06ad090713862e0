#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Two sparse networks that are trained against each other, from their structures to pictures that a daemon makes of noise.

usage: gan.py BUILD-FOLDER
"""
import os
import random
import signal
import struct
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
from programs import Programs, check, serving  # noqa: E402

SIDE, NOISE, PICTURES, ASKED, KILLS = 8, 6, 400, 64, 5
PIXELS = SIDE * SIDE
TRAIN = ["made.safetensors", "-D", "data", "--adversary", "adversary.safetensors", "-m", "media.json", "--optimizer", "adamw",
         "--momentum", "0.5", "-r", "0.004", "-b", "40", "-e", "40", "--average", "ema=0.95",
         "--regrow", "set,every=9", "-n", "made", "--no-history"]

DOCUMENTS = {
    "made.yaml": """\
name: made
processing: image.generation
inputs: {noise: [6]}
layers:
  - linear: {neurons: 32, from: noise}
  - leaky_relu: {slope: 0.2}
  - linear: 64
  - tanh
""",
    "adversary.yaml": """\
name: adversary
processing: image.generation
input: [64]
layers:
  - linear: 32
  - leaky_relu: {slope: 0.2}
  - dropout: {rate: 0.2}
  - linear: 1
""",
    "media.json": '{"kind": "image", "width": 8, "height": 8, "channels": 1, "mean": [0.5], "deviation": [0.5]}',
}


def pictures(chance):
    """Bright above or bright on the left, under noise."""
    kinds = [[row < 4 for row in range(SIDE) for _ in range(SIDE)], [column < 4 for _ in range(SIDE) for column in range(SIDE)]]
    return [[int(chance.uniform(180, 250) if bright else chance.uniform(5, 75)) for bright in kinds[number % 2]]
            for number in range(PICTURES)]


def write_data(folder, shown):
    os.mkdir(os.path.join(folder, "data"))
    for name, text in DOCUMENTS.items():
        with open(os.path.join(folder, name), "w", encoding="ascii") as file:
            file.write(text)
    for split in ("train", "t10k"):
        with open(os.path.join(folder, "data", f"{split}-images-idx3-ubyte"), "wb") as file:
            file.write(struct.pack(">IIII", 0x803, len(shown), SIDE, SIDE) + bytes(sum(shown, [])))


def read_both(programs, out):
    both = []
    for name in (out, f"{out}.adversary"):
        with open(os.path.join(programs.folder, name), "rb") as file:
            both.append(file.read())
    return both


def train(programs, out, *words, **more):
    programs.run("bin/wisp-forge", "train", *TRAIN, "-o", out, "--save-adversary", f"{out}.adversary", *words, **more)
    return read_both(programs, out)


def killed(programs, chance, out):
    """Killed at a random moment, and gone on from there, until it comes to its end."""
    kept = os.path.join(programs.folder, "checkpoint")
    command = [os.path.join(programs.build, "bin/wisp-forge"), "train", *TRAIN, "-o", out, "--save-adversary", f"{out}.adversary",
               "--checkpoint", "checkpoint", "--checkpoint-every", "steps=7", "-q"]
    kills = 0
    while True:
        words = command + (["--resume", "checkpoint"] if os.path.exists(kept) else [])
        with subprocess.Popen(words, cwd=programs.folder, env=programs.environment) as training:
            if kills < KILLS:
                time.sleep(chance.uniform(0, 0.15))
                training.send_signal(signal.SIGKILL)
            status = training.wait()
        if status == 0:
            return read_both(programs, out)
        check(f"a training that was killed ended with {status}", status == -signal.SIGKILL)
        kills += 1


def ask(programs, socket, model, chance):
    """Many together; and the first by itself, from the command line."""
    noise = [struct.pack(f"<{NOISE}f", *(chance.uniform(-1, 1) for _ in range(NOISE))) for _ in range(ASKED)]
    said = programs.run("tests/bin/answers", socket, model, "16", data=b"".join(noise))
    with open(os.path.join(programs.folder, "noise.bin"), "wb") as file:
        file.write(noise[0])
    first = programs.run("bin/wisp", "run", "-s", socket, model, "--raw", "--input", "noise=noise.bin")
    check(f"{model}: by itself it answers otherwise", first == said[:4 * PIXELS])
    values = struct.unpack(f"<{ASKED * PIXELS}f", said)
    return [values[i * PIXELS:(i + 1) * PIXELS] for i in range(ASKED)]


def distance(a, b):
    return sum((x - y) ** 2 for x, y in zip(a, b)) ** 0.5


def check_pictures(made, untrained, shown):
    """Near to some of the data's, and all kinds of them."""
    data = [[byte / 127.5 - 1 for byte in picture] for picture in shown[:80]]
    nearest = lambda picture: min((distance(picture, other), number % 2) for number, other in enumerate(data))
    before, after = ([nearest(picture) for picture in many] for many in (untrained, made))
    mean = lambda found: sum(way for way, _ in found) / ASKED
    check(f"the distance to the data was {mean(before):.2f} and is {mean(after):.2f}", mean(after) < mean(before) / 2)
    share = sum(kind for _, kind in after) / ASKED
    check(f"one of two kinds is {share:.2f} of what is made", 0.15 < share < 0.85)


def main():
    chance = random.Random(1)
    with tempfile.TemporaryDirectory() as folder:
        programs = Programs(os.path.realpath(sys.argv[1]), folder)
        shown = pictures(chance)
        write_data(folder, shown)
        for name in ("made", "adversary"):
            programs.run("bin/wisp-forge", "build", "--structure", f"{name}.yaml", "-s", "0.5", "-n", "untrained", "-o",
                         f"{name}.safetensors")
        both = train(programs, "trained", "-t", "1")
        check("two threads, other files", train(programs, "two", "-t", "2") == both)
        check("scalar kernels, other files", train(programs, "scalar", WISP_CPU="scalar") == both)
        check("killed and gone on, other files", killed(programs, random.Random(), "killed") == both)
        with serving(programs, "trained", "made.safetensors") as socket:
            check_pictures(ask(programs, socket, "made", chance), ask(programs, socket, "untrained", chance), shown)


main()
