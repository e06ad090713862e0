#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The forge and the daemon give the same bits for every processing type's models that ship: README.md.

usage: all_types.py BUILD-FOLDER"""
import array
import json
import os
import re
import signal
import struct
import subprocess
import sys
import tempfile
import time
import wave

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
sys.dont_write_bytecode = True
from chance import Chance  # noqa: E402
from programs import png  # noqa: E402

SOURCE = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../.."))
MODELS = os.path.join(SOURCE, "models")
NOT_SHIPPED = {"text.generation", "audio.classification", "audio.transcription"}  # variants of the sixteen
SENTENCES = ("The child plays in the garden.", "Come!", "Yesterday my grandmother read an old book about the sea, and she liked it.",
             "I do not know.", "Where is the station?")
WORDS = "the old grandmother reads 3 new books in a green garden , and her child sleeps".split()
LENGTHS = (1, 15, 4, 9, 2, 40, 14)


def write_picture(path, width, height, channels, chance):
    """A PNG of soft bands with noise."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    at, step = chance.below(200), 1 + chance.below(3)
    rows = [bytes((at + step * (x + 2 * y) + 60 * c + chance.below(40)) % 256 for x in range(width) for c in range(channels)) for y in range(height)]
    with open(path, "wb") as file:
        file.write(png(rows, channels))


def write_sound(path, samples, rate, chance):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    period = 20 + chance.below(60)
    with wave.open(path, "wb") as file:
        file.setparams((1, 2, rate, samples, "NONE", ""))
        file.writeframes(struct.pack(f"<{samples}h", *((6000 if i % period < period // 2 else -6000) + chance.below(5000) for i in range(samples))))


def write_text(folder, name, lines):
    path = os.path.join(folder, name)
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(line + "\n" for line in lines)
    return path


def photos(folder, chance):
    """Clean pictures, one tile and many, from which the forge makes what goes in."""
    for number, (width, height) in enumerate(((128, 128), (150, 131))):
        write_picture(os.path.join(folder, f"{number}.png"), width, height, 3, chance)
    return folder


def masks(folder, chance):
    for number, (width, height) in enumerate(((128, 128), (140, 128))):
        write_picture(os.path.join(folder, "images", f"{number}.png"), width, height, 1, chance)
        write_picture(os.path.join(folder, "masks", f"{number}.png"), width, height, 1, chance)
    return folder


def small_pictures(folder, chance):
    for number in range(5):
        write_picture(os.path.join(folder, f"{number}.png"), 28, 28, 1, chance)
    return folder


def clothes(folder, chance):
    for number in range(7):
        write_picture(os.path.join(folder, ("Bag", "Coat")[number % 2], f"{number}.png"), 28, 28, 1, chance)
    return folder


def languages(folder, chance):
    texts = [(" ".join(SENTENCES) + " ") * (1 + chance.below(3)), *SENTENCES]
    return write_text(folder, "texts.tsv", [("en", "de")[i % 2] + "\t" + text for i, text in enumerate(texts)])


def tagged(folder, chance):
    """Sentences of one word and of more than a network has places for."""
    lines = []
    for length in LENGTHS:
        for i in range(length):
            word = WORDS[chance.below(len(WORDS))]
            lines.append("\t".join((str(i + 1), word, word, "NOUN", "NN", str(i), "dep")))
        lines.append("")
    return write_text(folder, "sentences.tsv", lines)


def gists(folder, chance):
    sentences = [[WORDS[chance.below(len(WORDS))] for _ in range(length)] for length in LENGTHS]
    return write_text(folder, "gists.tsv", ["source\ttarget"] + [" ".join(words) + "\t" + " ".join(words[::2] or words) for words in sentences])


def pairs_of_texts(folder, _chance):
    return write_text(folder, "pairs.tsv", [text + "\t好。" for text in SENTENCES])


def words(folder, chance):
    for number in range(5):
        write_sound(os.path.join(folder, ("seven", "one")[number % 2], f"{number}.wav"), 3000 + chance.below(4000), 8000, chance)
    return folder


def recordings(folder, chance):
    """Shorter than a block, and several blocks."""
    for number, samples in enumerate((9000, 16000, 40000)):
        write_sound(os.path.join(folder, f"{number}.wav"), samples, 16000, chance)
    return folder


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
