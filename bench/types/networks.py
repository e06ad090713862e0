# SPDX-License-Identifier: Apache-2.0
"""Which network stands for a processing type: one of the structures, what its inputs are made of, and what file it is given."""
import json
import re

TILES = {"fit": "tiles", "answer": "picture"}
PICTURE = {"kind": "image", "width": 64, "height": 64, **TILES}
SPECTRA = {"kind": "audio", "spectrum": 512, "frames": 64, "rate": 16000, "answer": "sound"}
WORDS = {"kind": "text", "features": 32768, "sequence": 32, "each": "word"}

# type: structure, description of its input, the file
TYPES = {
    "image.classification": ("cnn-28-w16", {"kind": "image", "width": 28, "height": 28, "channels": 1}, "photo"),
    "image.enhancement": ("resnet-enhance-w48-b4", PICTURE, "photo"),
    "image.denoising": ("resnet-denoise-w48-b4", PICTURE, "photo"),
    "image.super-resolution": ("resnet-upscale-x2-w48-b4", {**PICTURE, "width": 32, "height": 32}, "photo"),
    "image.segmentation": ("unet-segment-128-w8", {"kind": "image", "width": 128, "height": 128, "channels": 1, "fit": "tiles", "answer": "mask"}, "photo"),
    "image.compression": ("compress-8-w96-b1", {"kind": "image", "width": 128, "height": 128, **TILES}, "photo"),
    "image.style": ("resnet-style-w48-b4", PICTURE, "photo"),
    "image.generation": ("unet-generate-28-w24", {"kind": "image", "width": 28, "height": 28, "channels": 1, "answer": "picture"}, "photo"),
    "text.classification": ("ngram-8192-128-20", {"kind": "text", "features": 8192}, "sentence"),
    "text.semantics": ("text-tagger-w128-17", WORDS, None),
    "text.translation": ("text-translator-2-w128", None, None),
    "text.summarisation": ("text-gist-w128-2", {**WORDS, "sequence": 64}, None),
    "text.keywords": ("text-keywords-w128-256", WORDS, None),
    "audio.recognition": ("sound-cnn-w16-12", {"kind": "audio", "mels": 40, "frames": 64, "rate": 16000}, "word"),
    "audio.denoising": ("sound-denoise-w96", SPECTRA, "minute"),
    "audio.synthesis": ("sound-merge-3-w96", {**SPECTRA, "recordings": 3}, "minutes"),
}

DECODERS = ("text.translation",)


def structure(folder, name):
    """The document of one structure, without its batch normalisations: those of a trained network are part of its convolutions."""
    for path in sorted(folder.glob("*.yaml")):
        for text in re.split(r"(?m)^(?=  - name: )", path.read_text()):
            if text.startswith(f"  - name: {name}\n"):
                lines = [line[4:] for line in text.splitlines() if line.strip() != "- batch_norm" and not line.strip().startswith("#")]
                return "\n".join(lines) + "\n"
    raise KeyError(name)


def build(forge, structures, folder, kind, sparsity):
    """The model file of a type's network at a sparsity; untrained, for speed does not depend on weights."""
    name, media, _ = TYPES[kind]
    document = folder / f"{name}.yaml"
    document.write_text(structure(structures, name))
    path = folder / f"{name}-{sparsity}.safetensors"
    more = ["--media", json.dumps(media)] if media else []
    forge("build", f"--structure={document}", "--sparsity", sparsity, "--no-history", *more, "-o", path)
    if kind in DECODERS:
        learn(forge, folder, path)
    return path


def learn(forge, folder, path):
    """What makes a decoder of a network with a source and a target is that it was trained: a moment, on pairs of no meaning."""
    pairs = folder / "pairs.tsv"
    words = "the quick brown fox jumps over a lazy dog and runs home".split()
    pairs.write_text("".join(" ".join(words[i % 5:]) + "\t" + " ".join(words[i % 7:]) + "\n" for i in range(32)))
    forge("train", path, "--data", pairs, "--epochs", 1, "--validation", 0, "--no-history", "-o", path)
