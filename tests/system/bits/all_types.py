#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The forge and the daemon give the same bits for every processing type's models that ship: README.md.

usage: all_types.py BUILD-FOLDER"""
import array
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
sys.dont_write_bytecode = True
from chance import Chance  # noqa: E402
from samples import (SENTENCES, clothes, gists, languages, masks, pairs_of_texts, photos, recordings, small_pictures, tagged, words,  # noqa: E402
                     write_text)

SOURCE = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../.."))
MODELS = os.path.join(SOURCE, "models")
NOT_SHIPPED = {"text.generation", "audio.classification", "audio.transcription"}  # variants of the sixteen


# How data of a type are made, and what else `wisp eval` is told.
CASES = {
    "image.classification": (clothes, ""),
    "image.enhancement": (photos, "--degrade dark=0.25"),
    "image.denoising": (photos, "--degrade noise=25"),
    "image.super-resolution": (photos, "--degrade small=2"),
    "image.segmentation": (masks, ""),
    "image.compression": (photos, ""),
    "image.style": (photos, "--degrade oil=4"),
    "image.generation": (small_pictures, "--degrade drawing=1"),
    "text.classification": (languages, ""),
    "text.semantics": (tagged, ""),
    "text.translation": (pairs_of_texts, ""),
    "text.summarisation": (gists, ""),
    "text.keywords": (tagged, ""),
    "audio.recognition": (words, ""),
    "audio.denoising": (recordings, "--degrade mix=0:10"),
    "audio.synthesis": (recordings, "--degrade damage=0:10"),
}


def types_of_the_forge():
    with open(os.path.join(SOURCE, "forge/experiment/tasks.c"), encoding="utf-8") as file:
        return set(re.findall(r'\{ "([a-z]+\.[a-z-]+)", (?:true|false),', file.read()))


class Bed:
    """A daemon with all models that ship, and the programs of a build."""

    def __init__(self, build, folder, models):
        self.bin, self.together = os.path.join(build, "bin"), os.path.join(build, "tests/bin/together")
        self.folder, self.socket = folder, os.path.join(folder, "socket")
        self.environment = dict(os.environ, WISP_DB=os.path.join(folder, "structures.db"), LC_ALL="C.UTF-8")
        words_of_models = [word for path in models.values() for word in ("-m", path)]
        self.daemon = subprocess.Popen([os.path.join(self.bin, "wispd"), "-s", self.socket, "-l", "error", *words_of_models], env=self.environment)

    def __enter__(self):
        while subprocess.run([os.path.join(self.bin, "wisp"), "ping", "-s", self.socket], env=self.environment, capture_output=True, check=False).returncode:
            if self.daemon.poll() is not None:
                sys.exit(f"wispd: exit {self.daemon.returncode} before it answered")
            time.sleep(0.02)
        return self

    def __exit__(self, *_):
        self.daemon.send_signal(signal.SIGTERM)
        if self.daemon.wait():
            sys.exit(f"wispd: exit {self.daemon.returncode}")

    def run(self, *command, data=None):
        done = subprocess.run(command, input=data, env=self.environment, cwd=self.folder, capture_output=True, timeout=60, check=False)
        if done.returncode:
            sys.exit(f"{' '.join(command)}: exit {done.returncode}: {done.stderr.decode(errors='replace')}")
        return done.stdout

    def forge(self, path, data, options, batch):
        """What the samples are, and what the forge says of them."""
        files = [os.path.join(self.folder, name) for name in ("inputs", "answers")]
        self.run(os.path.join(self.bin, "wisp-forge"), "eval", path, "--data", data, *options.split(), "--batch", str(batch), "--json",
                 "--inputs", files[0], "--answers", files[1])
        return [open(file, "rb").read() for file in files]

    def ask(self, name, inputs):
        return self.run(self.together, self.socket, name, data=inputs)

    def ask_halves(self, name, inputs):
        """What compresses is two models to the daemon, and between them a client rounds."""
        squeezed = array.array("f", self.ask(name, inputs))
        rounded = array.array("f", (round(max(-8191, min(8191, number))) for number in squeezed))
        return self.ask(name + ".decoder", rounded.tobytes())


def compare(bed, name, path, processing):
    make, options = CASES[processing]
    folder = os.path.join(bed.folder, name)
    os.mkdir(folder)
    data = make(folder, Chance(len(name)))
    inputs, said = bed.forge(path, data, options, 128)
    if bed.forge(path, data, options, 2) != [inputs, said]:
        return f"{name}: what wisp eval says depends on its batch"
    answers = bed.ask_halves(name, inputs) if processing == "image.compression" else bed.ask(name, inputs)
    if not said or len(set(said)) < 2:
        return f"{name}: the forge says nothing"
    if answers == said:
        return None
    differ = sum(a != b for a, b in zip(answers, said)) if len(answers) == len(said) else -1
    return f"{name}: {len(answers)} bytes of the daemon, {len(said)} of the forge, {differ} differ"


def refused(bed, path):
    """Files that cannot be written are said before anything is measured, and nothing of them is left."""
    data = write_text(bed.folder, "refused.tsv", [text + "\t好。" for text in SENTENCES])
    command = [os.path.join(bed.bin, "wisp-forge"), "eval", path, "--data", data]
    for option, target, says in (("--answers", "nowhere/answers", "No such file"), ("--inputs", bed.folder, "directory"), ("--answers", "/dev/full", "/dev/full")):
        done = subprocess.run([*command, option, target], env=bed.environment, cwd=bed.folder, capture_output=True, timeout=60, check=False)
        if done.returncode == 0 or done.stdout or says not in done.stderr.decode():
            yield f"{option} {target}: exit {done.returncode}: {done.stdout.decode()}{done.stderr.decode()}"


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    build = os.path.abspath(sys.argv[1])
    models = {name[:-len(".safetensors")]: os.path.join(MODELS, name) for name in sorted(os.listdir(MODELS)) if name.endswith(".safetensors")}
    with open(os.path.join(MODELS, "models.json"), encoding="utf-8") as file:
        types = {name: row["processing"] for name, row in json.load(file).items()}
    faults = [f"{kind}: a processing type without a case here" for kind in sorted(types_of_the_forge() - NOT_SHIPPED - set(CASES))]
    faults += [f"{name}: a model that ships without a case here" for name in models if types.get(name) not in CASES]
    faults += [f"{kind}: no model of this type ships" for kind in sorted(set(CASES) - {types.get(name) for name in models})]
    with tempfile.TemporaryDirectory() as folder, Bed(build, folder, models) as bed:
        faults += filter(None, (compare(bed, name, path, types[name]) for name, path in models.items() if types.get(name) in CASES))
        faults += refused(bed, models["translate"])
    for fault in faults:
        print(fault)
    print(f"{len(models)} models of {len(CASES)} processing types: {len(faults)} faults")
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
