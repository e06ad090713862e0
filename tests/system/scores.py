#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What `wisp eval` says of labels, masks and recordings against scikit-learn and fast-bss-eval, of transcripts against jiwer, where those are installed, of the files that `wisp run -o`
makes of the same; and of compressed pictures against the sizes of those files.

usage: scores.py BUILD-FOLDER SOURCE-FOLDER
"""
import json
import os
import random
import struct
import sys
import tempfile
import wave

sys.dont_write_bytecode = True
from programs import Programs, check, png

try:
    from fast_bss_eval.numpy import si_sdr
    import jiwer
    import numpy
    import skimage.io
    from sklearn.metrics import accuracy_score, f1_score, jaccard_score
except ImportError as missing:
    if "WISP_METRICS_PYTHON" in os.environ:  # scripts/test has them there
        os.execv(python := os.environ.pop("WISP_METRICS_PYTHON"), [python, *sys.argv])
    print(f"skipped: {missing}")
    sys.exit(77)

COUNT = 5
MASK = "name: m\nprocessing: image.segmentation\ninput: [1, 16, 16]\nlayers:\n  - conv2d: {channels: 1, kernel: 3, padding: 1}\n  - sigmoid\n"
MASK_MEDIA = {"kind": "image", "width": 16, "height": 16, "channels": 1, "fit": "tiles", "answer": "mask", "mean": 0.5, "deviation": 0.2}
SOUND = "name: s\nprocessing: audio.denoising\ninput: [33, 16]\nlayers:\n  - conv1d: {channels: 33, kernel: 3, padding: 1}\n  - sigmoid\n"
SOUND_MEDIA = {"kind": "audio", "spectrum": 64, "frames": 16, "rate": 8000, "answer": "sound"}


def near(what, ours, theirs, within):
    check(f"{what}: wisp eval says {ours}, they say {theirs}", abs(ours - theirs) <= within)
    print(what, ours, theirs)


def write(programs, name, data):
    path = os.path.join(programs.folder, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(data if isinstance(data, bytes) else data.encode())


def build(programs, name, structure, media):
    write(programs, f"{name}.yaml", structure)
    programs.run("bin/wisp-forge", "build", f"--structure={name}.yaml", "-s0", "-S3", "--no-history", "--media", json.dumps(media), "-o",
                 f"{name}.safetensors")


def evaluated(programs, model, *words):
    return json.loads(programs.run("bin/wisp-forge", "eval", model, "--json", *words))


def labels(programs, _):
    """Three classes, of which a small network that was hardly trained knows something."""
    chance = random.Random(7)
    words = {"one": "ab ac ad", "two": "ba bc bd", "three": "ca cb cd"}
    rows = lambda count: "".join(f"{label}\t{' '.join(chance.choices(words[label].split() + ['ab', 'ba', 'cb', 'x'], k=4))}\n"
                                 for label in chance.choices(list(words), [6, 3, 1], k=count))
    write(programs, "texts/train.tsv", rows(200))
    write(programs, "texts/test.tsv", rows(300))
    programs.run("bin/wisp-forge", "build", "--layers", "64-3", "-s0", "--no-history", "--processing", "text.classification", "-o", "t.safetensors")
    programs.run("bin/wisp-forge", "train", "t.safetensors", "-D", "texts", "-e", "2", "--no-history", "-t", "1", "-o", "l.safetensors")
    said = evaluated(programs, "l.safetensors", "-D", "texts", "--answers", "answers")
    answers = numpy.fromfile(os.path.join(programs.folder, "answers"), "<f4").reshape(-1, 3).argmax(1)
    with open(os.path.join(programs.folder, "texts/test.tsv"), encoding="utf-8") as file:
        wanted = [line.split("\t")[0] for line in file]
    answers = [said["classes"][i]["label"] for i in answers]
    near("accuracy", said["accuracy"], accuracy_score(wanted, answers), 1e-9)
    near("macro F1", said["macro_f1"], f1_score(wanted, answers, average="macro"), 1e-6)


def masks(programs, _):
    chance = numpy.random.default_rng(3)
    for i in range(COUNT):
        y, x = numpy.mgrid[0:35, 0:41]
        disc = (x - 9 - 5 * i) ** 2 + (y - 16) ** 2 < (6 + i) ** 2
        noisy = (90 + 110 * disc + chance.normal(0, 30, disc.shape)).clip(0, 255).astype("uint8")
        write(programs, f"masks/input/{i}.png", png(noisy.tolist(), 1))
        write(programs, f"masks/target/{i}.png", png((255 * disc).tolist(), 1))
    build(programs, "m", MASK, MASK_MEDIA)
    said = evaluated(programs, "m.safetensors", "-D", "masks")
    programs.run("bin/wisp", "run", "--model", "m.safetensors", "masks/input", "-o", made_in(programs, "found"))
    read = lambda of: [skimage.io.imread(os.path.join(programs.folder, of, f"{i}.png")).ravel() > 127 for i in range(COUNT)]
    found, wanted = read("found"), read("masks/target")
    every = numpy.concatenate(wanted), numpy.concatenate(found)
    near("IoU", said["iou"], jaccard_score(*every), 1e-9)
    near("Dice", said["dice"], f1_score(*every), 1e-9)
    near("mean IoU", said["iou_mean"], numpy.mean([jaccard_score(a, b) for a, b in zip(wanted, found)]), 1e-9)


def made_in(programs, folder):
    os.mkdir(os.path.join(programs.folder, folder))
    return folder


def wav(samples):
    data = (samples * 32767).round().clip(-32768, 32767).astype("<i2").tobytes()
    return b"RIFF" + struct.pack("<I", 36 + len(data)) + b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, 8000, 16000, 2, 16) + b"data" + \
        struct.pack("<I", len(data)) + data


def sound_at(path):
    with wave.open(path) as file:
        return numpy.frombuffer(file.readframes(file.getnframes()), "<i2") / 32768


def recordings(programs, _):
    chance = numpy.random.default_rng(5)
    for i in range(COUNT):
        clean = 0.3 * numpy.sin(numpy.arange(4000 + 777 * i) * (0.05 + 0.03 * i))
        write(programs, f"sounds/target/{i}.wav", wav(clean))
        write(programs, f"sounds/input/{i}.wav", wav(clean + chance.normal(0, 0.03 * (i + 1), clean.shape)))
    build(programs, "s", SOUND, SOUND_MEDIA)
    said = evaluated(programs, "s.safetensors", "-D", "sounds")
    programs.run("bin/wisp", "run", "--model", "s.safetensors", "sounds/input", "-o", made_in(programs, "heard"))

    def ratio(of):
        pairs = [[sound_at(os.path.join(programs.folder, folder, f"{i}.wav")) for folder in ("sounds/target", of)] for i in range(COUNT)]
        return numpy.mean([si_sdr(a[None], b[None], zero_mean=False)[0] for a, b in pairs])

    near("SI-SDR of what goes in", said["input_si_sdr"], ratio("sounds/input"), 1e-3)
    near("SI-SDR", said["si_sdr"], ratio("heard"), 0.02)  # files are rounded to 16 bits


def transcripts(programs, _):
    """Letters, hardly learned: of tones that stand for them."""
    chance = numpy.random.default_rng(9)
    rows = ["file\ttext"]
    for i in range(3 * COUNT):
        said = "".join(chance.choice(list("ab "), 7, p=[0.4, 0.4, 0.2])).strip().replace("  ", " ").replace("  ", " ") or "a"
        write(programs, f"letters/{i}.wav", wav(numpy.concatenate([0.3 * numpy.sin(numpy.arange(1500) * (0.2 + 0.3 * "ab ".index(c))) for c in said]) + chance.normal(0, 0.02, 1500 * len(said))))
        rows.append(f"{i}.wav\t{said}")
    write(programs, "letters/train.tsv", "\n".join(rows) + "\n")
    write(programs, "labels", "<blank>\na\nb\n\u2581\n")
    write(programs, "c.yaml", "name: c\nprocessing: audio.transcription\ninput: [40, 128]\nlayers:\n  - conv1d: {channels: 16, kernel: 5, padding: 2}\n  - relu\n"
                              "  - conv1d: {channels: 4, kernel: 3, padding: 1}\n")
    programs.run("bin/wisp-forge", "train", "--structure", "c.yaml", "-s", "0", "-D", "letters", "--labels", "labels", "-e", "30", "--validation", "0", "--no-history", "-q", "-t", "1",
                 "-o", "c.safetensors")
    said = evaluated(programs, "c.safetensors", "-D", "letters", "--split", "train")["texts"]
    files = [row.split("\t") for row in rows[1:]]
    lines = programs.run("bin/wisp", "run", "--model", "c.safetensors", "--json", *(f"letters/{name}" for name, _ in files)).decode().splitlines()
    heard = [json.loads(line)["transcript"] for line in lines]
    check(f"something is heard: {heard}", any(heard))
    wanted = [text for _, text in files]
    near("character error rate", said["character_error_rate"], jiwer.cer(wanted, heard), 1e-9)
    near("word error rate", said["word_error_rate"], jiwer.wer(wanted, heard), 1e-9)


def bits(programs, source):
    pictures = [os.path.join(source, "examples/inputs", name) for name in ("cells.png", "photo.png", "small.png")]
    for path in pictures:
        with open(path, "rb") as file:
            write(programs, f"pictures/{os.path.basename(path)}", file.read())
    model = os.path.join(source, "models/squeeze.safetensors")
    said = evaluated(programs, model, "-D", "pictures", "-b", "8")["compressed"]
    lines = programs.run("bin/wisp", "run", "--model", model, "pictures", "-o", made_in(programs, "coded"), "--json").decode().splitlines()
    lines = [json.loads(line) for line in lines]
    sizes = [os.path.getsize(os.path.join(programs.folder, line["output"])) for line in lines]
    near("bits a pixel", said["bits_per_pixel"], 8 * sum(sizes) / sum(line["width"] * line["height"] for line in lines), 1e-9)


def main():
    for part in labels, masks, recordings, transcripts, bits:
        with tempfile.TemporaryDirectory() as folder:
            part(Programs(sys.argv[1], folder), sys.argv[2])


main()
