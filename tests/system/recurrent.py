#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Recurrent networks from a structure to an answer: built sparse, trained on sounds, served whole and as a stream.

usage: recurrent.py BUILD-FOLDER
"""
import json
import math
import os
import random
import struct
import sys
import tempfile
import wave

sys.dont_write_bytecode = True
from programs import Programs, check, serving  # noqa: E402

MELS, FRAMES, NEURONS, CLASSES = 40, 16, {"lstm": 24, "gru": 20}, ("falling", "rising")

STRUCTURE = """\
name: {kind}-tiny
processing: audio.recognition
input: [40, 16]
layers:
  - {kind}: {{name: memory, neurons: {neurons}}}
  - slice: {{axis: 1, begin: 15}}
  - linear: {{name: head, neurons: 2}}
  - softmax
"""

# The same network, four frames at a time: a state goes in, and the state after the last frame comes out.
STREAM = """\
name: {kind}-stream
processing: audio.recognition
inputs: {{sound: [40, 4], before: [{state}]}}
outputs: {{after: {{from: state}}, output: {{from: softmax}}}}
base: {kind}.safetensors
layers:
  - {kind}: {{name: memory, neurons: {neurons}{whole}, from: [sound, before]}}
  - slice: {{name: state, axis: 1, begin: 3}}
  - slice: {{axis: 0, begin: 0, count: {neurons}}}
  - linear: {{name: head, neurons: 2}}
  - softmax: {{name: softmax}}
"""


def write_sound(path, chance, label):
    """A tone that rises or falls, from and to where differs, under noise: what counts is which comes first."""
    low, high, rate, count, phase = chance.uniform(300, 800), chance.uniform(1500, 3000), 8000, 4000, 0.0
    samples = []
    for i in range(count):
        way = i / count if label else 1 - i / count
        phase += 2 * math.pi * low * (high / low) ** way / rate
        samples.append(int(12000 * math.sin(phase) + chance.gauss(0, 300)))
    with wave.open(path, "wb") as out:
        out.setparams((1, 2, rate, count, "NONE", ""))
        out.writeframes(struct.pack(f"<{count}h", *samples))


def write_sounds(folder, split, count, chance):
    for label, name in enumerate(CLASSES):
        os.makedirs(os.path.join(folder, split, name))
        for number in range(count):
            write_sound(os.path.join(folder, split, name, f"{number}.wav"), chance, label)


def write_text(programs, name, text):
    with open(os.path.join(programs.folder, name), "w", encoding="ascii") as file:
        file.write(text)


def train(programs, kind, out, epochs, *words, **more):
    programs.run("bin/wisp-forge", "train", f"{kind}-built.safetensors", "-D", "data", "-e", str(epochs), "-b", "16",
                 "--optimizer", "adamw", "--rate", "0.01", "--name", kind, "--no-history", "-o", out, *words, **more)
    with open(os.path.join(programs.folder, out), "rb") as file:
        return file.read()


def check_training(programs, kind):
    """The same file for any number of threads and any kernels; the loss falls, and which way a tone goes is learned."""
    model = train(programs, kind, f"{kind}.safetensors", 8, "-t", "1")
    train(programs, kind, "early.safetensors", 1, "-t", "2")
    check("two threads, another file", train(programs, kind, "two.safetensors", 8, "-t", "2") == model)
    check("scalar kernels, another file", train(programs, kind, "scalar.safetensors", 8, WISP_CPU="scalar") == model)
    early, late = (json.loads(programs.run("bin/wisp-forge", "eval", name, "-D", "data", "--json"))
                   for name in ("early.safetensors", f"{kind}.safetensors"))
    check(f"{kind}: the loss was {early['loss']} and is {late['loss']}", late["loss"] < 0.8 * early["loss"])
    check(f"{kind}: accuracy {late['accuracy']}", late["accuracy"] >= 0.9)


def random_sounds(count):
    inputs = random.Random(3)
    return [[inputs.gauss(0, 1) for _ in range(MELS * FRAMES)] for _ in range(count)]


def floats(values):
    return struct.pack(f"<{len(values)}f", *values)


def check_batches(programs, socket, kind):
    """The same bits whatever is asked together; a recording from the command line."""
    data = floats(sum(random_sounds(32), []))
    answers = [programs.run("tests/bin/answers", socket, kind, rows, data=data) for rows in ("1", "7", "32")]
    check("no 32 answers", len(answers[0]) == 32 * 2 * 4 and len({answers[0][i:i + 8] for i in range(0, 256, 8)}) == 32)
    check(f"{kind}: the batch changes the bits", answers[0] == answers[1] == answers[2])
    for name in CLASSES:
        said = json.loads(programs.run("bin/wisp", "run", "-s", socket, kind, f"data/test/{name}/0.wav", "--json"))
        check(f"{kind}: {name}: {said}", said["labels"][0]["label"] == name)
    return answers[0]


def check_stream(programs, socket, kind, state_size, answers):
    """Four frames a request, with the state that the one before gave: the last answer is that of the whole sound."""
    for number, sound in enumerate(random_sounds(3)):
        state = bytes(4 * state_size)
        for first in range(0, FRAMES, 4):
            part = [sound[mel * FRAMES + first + frame] for mel in range(MELS) for frame in range(4)]
            for name, data in (("sound.bin", floats(part)), ("before.bin", state)):
                with open(os.path.join(programs.folder, name), "wb") as file:
                    file.write(data)
            said = programs.run("bin/wisp", "run", "-s", socket, f"{kind}-stream", "--raw", "--input", "sound=sound.bin",
                                "--input", "before=before.bin")
            state, answer = said[:4 * state_size], said[4 * state_size:]
        check(f"{kind}: a stream of sound {number} ends otherwise", answer == answers[8 * number:8 * number + 8])


def main():
    chance = random.Random(1)
    with tempfile.TemporaryDirectory() as folder:
        programs = Programs(os.path.realpath(sys.argv[1]), folder)
        write_sounds(os.path.join(folder, "data"), "train", 80, chance)
        write_sounds(os.path.join(folder, "data"), "test", 30, chance)
        for kind, neurons in NEURONS.items():
            state, whole = (2 * neurons, ", output: state") if kind == "lstm" else (neurons, "")
            write_text(programs, f"{kind}.yaml", STRUCTURE.format(kind=kind, neurons=neurons))
            write_text(programs, f"{kind}-stream.yaml",
                       STREAM.format(kind=kind, neurons=neurons, state=state, whole=whole))
            said = programs.run("bin/wisp-forge", "build", "--structure", f"{kind}.yaml", "-s", "0.5", "-o",
                                f"{kind}-built.safetensors")
            check("build warns", b"cannot" not in said)
            check_training(programs, kind)
            programs.run("bin/wisp-forge", "build", "--structure", f"{kind}-stream.yaml", "-s", "0.5", "-o",
                         f"{kind}-stream.safetensors")
            with serving(programs, f"{kind}.safetensors", f"{kind}-stream.safetensors") as socket:
                answers = check_batches(programs, socket, kind)
                check_stream(programs, socket, kind, state, answers)


if __name__ == "__main__":
    main()
