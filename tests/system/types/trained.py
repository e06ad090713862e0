#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Each processing type by its name alone: `wisp train --processing TYPE --data DATA -o FILE` takes the type's structure, two epochs of it, `wisp eval` says the type's own
figures, and `wisp run` answers a file that nobody trained on. A row for each form of data that a type takes; a type of the forge's table without a row fails. And what
is trained without a model is, to the byte, what `wisp build` and `wisp train` make one after the other.

usage: trained.py BUILD-FOLDER"""
import collections
import json
import os
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
sys.dont_write_bytecode = True
import samples  # noqa: E402
from chance import Chance  # noqa: E402

SOURCE = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../.."))
EXAMPLES = os.path.join(SOURCE, "examples")

# The structure that is taken; what is said of the data besides; where `wisp eval --json` has the type's figures; the files that are asked about, and the file or the
# word of --json that answers.
Row = collections.namedtuple("Row", "processing make structure figures files answer told", defaults=[""])
ROWS = (
    Row("image.classification", samples.clothes, "cnn-28-w16.2", "accuracy macro_f1", "picture.png", "labels"),
    Row("image.segmentation", samples.masks, "unet-segment-128-w8", "iou dice", "inputs/cells.png", "out.png"),
    Row("image.denoising", samples.photos, "resnet-denoise-w32", "psnr ssim", "inputs/small.png", "out.png"),
    Row("image.denoising", samples.noisy_and_clean, "resnet-denoise-w32", "psnr ssim", "inputs/small.png", "out.png"),
    Row("image.denoising", samples.photos, "resnet-denoise-w32", "psnr ssim", "inputs/small.png", "out.jpg", "--degrade noise=50"),
    Row("image.super-resolution", samples.photos, "resnet-upscale-x2-w32", "psnr ssim", "inputs/small.png", "out.png"),
    Row("image.compression", samples.photos, "compress-8-w96-b1", "compressed.bits_per_pixel compressed.psnr", "inputs/small.png", "out.wz"),
    Row("image.enhancement", samples.photos, "resnet-enhance-w32", "psnr ssim", "inputs/dark.png", "out.png"),
    Row("image.style", samples.photos, "resnet-style-w32", "psnr ssim", "inputs/small.png", "out.png"),
    Row("image.generation", samples.small_pictures, "unet-generate-28-w24", "psnr ssim", "inputs/drawing.png", "out.png"),
    Row("text.classification", samples.languages, "ngram-8192-128-20.2", "accuracy macro_f1", "sentence.txt", "labels"),
    Row("text.classification", samples.several_labels, "ngram-labels-8192-128-28.3", "macro_f1 micro_f1", "sentence.txt", "labels", "--label-separator |"),
    Row("text.semantics", samples.treebank, "text-tagger-w128-17.4", "accuracy macro_f1", "inputs/words.txt", "words"),
    Row("text.semantics", samples.opinions, "ngram-8192-128-3", "accuracy macro_f1", "sentence.txt", "labels"),
    Row("text.semantics", samples.several_labels, "ngram-labels-8192-128-28.3", "macro_f1 micro_f1", "sentence.txt", "labels", "--label-separator |"),
    Row("text.keywords", samples.treebank, "text-keywords-w128-256.5", "f1", "inputs/words.txt", "words"),
    Row("text.summarisation", samples.gists, "text-gist-w128-2", "chosen.rouge1 chosen.rougeL", "inputs/story.txt", "gist"),
    Row("text.translation", samples.pairs_of_texts, "text-translator-2-w96-3k", "decoded.texts.bleu", "sentences/en.txt", "text"),
    Row("text.generation", samples.stories, "text-decoder-2-w128", "perplexity", "sentence.txt", "output"),
    Row("audio.classification", samples.words, "sound-cnn-w16-10.2", "accuracy macro_f1", "recording.wav", "labels"),
    Row("audio.recognition", samples.words, "sound-cnn-w16-10.2", "accuracy macro_f1", "recording.wav", "labels"),
    Row("audio.transcription", samples.transcripts, "sound-ctc-w64-11", "error_rate texts.character_error_rate texts.word_error_rate", "recording.wav", "transcript"),
    Row("audio.denoising", samples.recordings, "sound-denoise-w96", "si_sdr", "inputs/noisy.wav", "out.wav"),
    Row("audio.denoising", samples.noisy_and_clean_sounds, "sound-denoise-w96", "si_sdr", "inputs/noisy.wav", "out.wav"),
    Row("audio.synthesis", samples.recordings, "sound-merge-3-w96", "si_sdr", "inputs/event-1.wav inputs/event-2.wav inputs/event-3.wav", "out.flac"),
)


class Bed:
    def __init__(self, build, folder):
        self.bin, self.folder = os.path.join(build, "bin"), folder
        self.environment = dict(os.environ, WISP_DB=os.path.join(folder, "structures.db"), LC_ALL="C.UTF-8")

    def call(self, program, *words, status=0):
        done = subprocess.run([os.path.join(self.bin, program), *words], env=self.environment, cwd=self.folder, capture_output=True, timeout=60, check=False)
        if done.returncode != status:
            sys.exit(f"{program} {' '.join(words)}: exit {done.returncode}: {done.stderr.decode(errors='replace')}{done.stdout.decode(errors='replace')}")
        return (done.stderr if status else done.stdout).decode()


def types_of_the_forge():
    with open(os.path.join(SOURCE, "forge/experiment/tasks.c"), encoding="utf-8") as file:
        return set(re.findall(r'\{ "([a-z]+\.[a-z-]+)", (?:true|false),', file.read()))


def figure(measured, key):
    for word in key.split("."):
        measured = measured.get(word, {})
    return measured


def faults_of(bed, row, number):
    folder = os.path.join(bed.folder, str(number))
    os.mkdir(folder)
    data = row.make(folder, Chance(number + 1))
    told = ["--data", data, *row.told.split()]
    lines = bed.call("wisp-forge", "train", "-p", row.processing, *told, "-e", "2", "-o", "model.safetensors", "--no-history", "--json").splitlines()
    built, done = json.loads(lines[0]), json.loads(lines[-1])
    what = f"{row.processing} of {row.make.__name__}"
    if built.get("structure") != row.structure:
        yield f"{what}: begins with {built}"
    if done.get("ended") != "epochs":
        yield f"{what}: ends with {done}"
    measured = json.loads(bed.call("wisp-forge", "eval", "model.safetensors", *told, "--json"))
    missing = [key for key in row.figures.split() if not isinstance(figure(measured, key), (int, float))]
    if missing:
        yield f"{what}: wisp eval says no {', '.join(missing)}: {list(measured)} {measured.get('decoded')}"
    output = os.path.join(bed.folder, row.answer) if "." in row.answer else None
    said = json.loads(bed.call("wisp", "run", "--model", "model.safetensors", "--json", *(["-o", output] if output else []),
                               *(os.path.join(EXAMPLES, file) for file in row.files.split())))
    if said.get("processing") != row.processing or not (os.path.getsize(output) if output else row.answer in said):
        yield f"{what}: wisp run says {said}"


def same_as_two_verbs(bed):
    folder = os.path.join(bed.folder, "same")
    os.mkdir(folder)
    data = samples.clothes(folder, Chance(1))
    told = ("-p", "image.classification", "--data", data, "-e", "2", "-S", "3", "--no-history", "-q")
    bed.call("wisp-forge", "train", *told, "-s", "0.8", "-o", "one.safetensors", "-n", "same")
    bed.call("wisp-forge", "build", "-p", "image.classification", "-s", "0.8", "-S", "3", "--outputs", "2", "--no-history", "-o", "two.safetensors")
    bed.call("wisp-forge", "train", "two.safetensors", *told, "-o", "two.safetensors", "-n", "same")
    one, two = (open(os.path.join(bed.folder, name), "rb").read() for name in ("one.safetensors", "two.safetensors"))
    if one != two:
        yield "without a model another one is trained"


REFUSALS = (
    ("-D d -o o", 2, "the model file (made by 'wisp build') is missing"),
    ("-D d -o o -p image.denoysing", 2, "did you mean image.denoising?"),
    ("-D d -o o -p raw", 2, "no structure of its own"),
    ("one.safetensors -D d -o o -s 0.5", 2, "--sparsity says what is built"),
    ("one.safetensors -D d -o o --structure lenet-5", 2, "--structure says what is built"),
    ("one.safetensors -D d -o o --outputs 3", 2, "--outputs says what is built"),
    ("-D d -o o -p image.denoising -s 1", 2, "from 0 to 1 (exclusive)"),
    ("-D d -o o -p image.denoising --structure lenet-5", 2, "classifies, which is not image.denoising"),
    ("-D d -o o --structure none-such", 65, 'no structure called "none-such"'),
    ("-D same -o o -p text.semantics", 65, "no train.tsv"),
    ("-D d -o o -p image.classification --teacher one.safetensors", 2, "--teacher is for a model that is there"),
    ("-D same -o o -p image.classification --outputs 5", 65, "has 2 classes, but the model has 5 outputs"),
    ("-D same -o o -p image.classification -s 0.9999", 2, "nothing passes through this network"),
)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    faults = [f"{kind}: a processing type without a row" for kind in sorted(types_of_the_forge() ^ {row.processing for row in ROWS})]
    with tempfile.TemporaryDirectory() as folder:
        bed = Bed(os.path.abspath(sys.argv[1]), folder)
        for number, row in enumerate(ROWS):
            faults += faults_of(bed, row, number)
        faults += same_as_two_verbs(bed)
        for words, status, says in REFUSALS:
            said = bed.call("wisp-forge", "train", *words.split(), status=status)
            faults += [] if says in said else [f"wisp train {words}: {said}"]
        faults += [f"{name} is left" for name in os.listdir(folder) if name == "o"]
    for fault in faults:
        print(fault)
    print(f"{len(ROWS)} rows: {len(faults)} faults")
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
