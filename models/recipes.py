# SPDX-License-Identifier: Apache-2.0
"""How the models that ship are made: a row each, which scripts/make-models reads.

network       a structure of the database, or layers; build: more options of `wisp build`
sparsity      of the model that ships; the same recipe is run dense and at 80 % besides
data          a path below WISP_DATA, or a function of datasets.py, which makes one of what is there
given         options of both `wisp train` and `wisp eval`; training and testing: of one of them
train         how it is trained; rates: what the rate is at some sparsities, where it is another
metric        one of METRICS, by which floor and goal are said
baseline      what stands beside it: what it is, and either its value or where `wisp eval` says it
licence, from of the data
"""
import collections

import datasets

# Where `wisp eval --json` says it, how it is called, by how much it is multiplied to be read, how many decimals, and whether more is better.
Metric = collections.namedtuple("Metric", "key name scale decimals unit more")
METRICS = {
    "accuracy": Metric("accuracy", "accuracy", 100, 2, " %", True),
    "f1": Metric("f1", "F1", 100, 1, "", True),
    "iou": Metric("iou", "IoU over all pixels", 1, 3, "", True),
    "psnr_compressed": Metric("compressed.psnr", "PSNR", 1, 2, " dB", True),
    "psnr": Metric("psnr", "PSNR", 1, 2, " dB", True),
    "rouge1": Metric("chosen.rouge1", "ROUGE-1", 100, 1, "", True),
    "bleu": Metric("decoded.texts.bleu", "BLEU", 1, 1, "", True),
    "si_sdr": Metric("si_sdr", "SI-SDR", 1, 2, " dB", True),
}

CLOTHES = ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"]
PHOTOS = {
    "data": datasets.photos,
    "metric": "psnr", "also": ["ssim"],
    "licence": "CC BY-SA 4.0 (of the photographs: CC0 1.0, CC BY 4.0, CC BY-SA 3.0 and 4.0); tested on the Kodak pictures (unrestricted usage)",
    "from": "photographs of the lomiri-wallpapers project of UBports, shrunk: Aitzol Berasategi, Trevor \"Freespace\", Jakub Mede, Clemens Engelhardt, Sander Klootwijk, "
            "\"Bolly\", Peter Nerlich, Lukas Baubkus",
}
TURNED = "--optimizer adamw --batch 4 --decay 1e-4 --rate-by-density root --augment flip=0.5,turn=0.75 --warmup 0.3 --validation 0.15"
SPEECH = {
    "data": datasets.speech, "metric": "si_sdr",
    "licence": "CC BY 4.0", "from": "Speech Commands v0.02 (Pete Warden, Google; arXiv:1804.03209), a selection",
}
TREEBANK = {
    "licence": "CC BY-SA 4.0",
    "from": "Universal Dependencies English Web Treebank (The Board of Trustees of The Leland Stanford Junior University, 2013-2021)",
}

RECIPES = {
    "fashion": {
        "processing": "image.classification", "network": "784-1000-1000-1000-10", "sparsity": 0.95, "seed": 7,
        "media": {"kind": "image", "width": 28, "height": 28, "channels": 1}, "labels": CLOTHES,
        "data": "fashion-mnist",
        "train": "--optimizer sgd --rate-by-density none --epochs 40 --rate 0.1 --augment flip=0.5",
        "metric": "accuracy", "baseline": {"what": "nearest mean of a class", "value": 0.675}, "floor": 0.889, "goal": 0.925,
        "licence": "MIT", "from": "Fashion-MNIST, Copyright (c) 2017 Zalando SE",
    },
    "clothes": {
        "processing": "image.classification", "network": "cnn-28-w16", "build": "--method erk", "sparsity": 0.5, "seed": 1,
        "labels": CLOTHES, "data": "fashion-mnist",
        "train": "--optimizer sgd --rate-by-density none --epochs 15 --rate 0.1 --momentum 0.9 --decay 0.0005 --batch 64 --augment flip=0.5 --label-smoothing 0.05 "
                 "--validation 0",
        "metric": "accuracy", "baseline": {"what": "nearest mean of a class", "value": 0.675}, "floor": 0.9, "goal": 0.925,
        "licence": "MIT", "from": "Fashion-MNIST, Copyright (c) 2017 Zalando SE",
    },
    "langid": {
        "processing": "text.classification", "network": "8192-128-20", "sparsity": 0.9, "seed": 1,
        "media": {"kind": "text", "features": 8192, "characters": [1, 3], "words": [1, 1], "weight": "sqrt"},
        "data": "langid-pud", "given": "--label-column 1 --text-column 3",
        "train": "--optimizer sgd --rate-by-density none --epochs 30 --rate 1 --warmup 3 --decay 1e-6 --augment crop=0.5",
        "metric": "accuracy", "baseline": {"what": "naive Bayes of three letters", "value": 0.991}, "floor": 0.98,
        "licence": "CC BY-SA 4.0", "from": "Parallel Universal Dependencies treebanks (CoNLL 2017 shared task, Zeman et al.)",
    },
    "digits": {
        "processing": "audio.recognition", "network": "1280-512-256-10", "sparsity": 0.9, "seed": 1,
        "media": {"kind": "audio", "rate": 8000, "mels": 40, "frames": 32, "window": 256, "low": 60, "high": 4000, "trim_db": 40},
        "labels": datasets.DIGITS, "data": datasets.digits,
        "train": "--optimizer sgd --rate-by-density none --epochs 80 --rate 0.1 --augment speed=0.12,noise=15,cut=0.03",
        "metric": "accuracy", "baseline": {"what": "nearest recording", "value": 0.952}, "floor": 0.95,
        "licence": "CC BY-SA 4.0", "from": "Free Spoken Digit Dataset (Zohar Jackson et al.), and espeak-ng's voices",
    },
    "light": {
        **PHOTOS, "processing": "image.enhancement", "network": "resnet-enhance-w32", "sparsity": 0.5, "seed": 1,
        "given": "--degrade dark=0.25", "train": f"{TURNED} --steps 2400 --rate 0.02",
        "baseline": {"what": "the curve undone exactly", "value": 25.54}, "floor": 28.5, "goal": 30,
    },
    "denoise": {
        **PHOTOS, "processing": "image.denoising", "network": "resnet-denoise-w32", "sparsity": 0.5, "seed": 1,
        "given": "--degrade noise=25", "train": f"{TURNED} --steps 8000 --rate 0.01",
        "baseline": {"what": "Gaussian blur, of the middles", "value": 26.22}, "floor": 27.6, "goal": 29.5,
    },
    "upscale": {
        **PHOTOS, "processing": "image.super-resolution", "network": "resnet-upscale-x2-w32", "sparsity": 0.5, "seed": 1,
        "given": "--degrade small=2", "train": f"{TURNED} --loss l1 --steps 6000 --rate 0.01",
        "baseline": {"what": "bicubic", "value": 29.03}, "floor": 30.0, "goal": 30.8,
    },
    "oil": {
        **PHOTOS, "processing": "image.style", "network": "resnet-style-w32", "sparsity": 0.5, "seed": 1,
        "given": "--degrade oil=4", "train": f"{TURNED} --steps 3200", "rates": {0: 0.01, 0.5: 0.01, 0.8: 0.02},
        "baseline": {"what": "the picture as it is", "key": "input_psnr"}, "floor": 25,
    },
    "squeeze": {
        **PHOTOS, "processing": "image.compression", "network": "compress-8-w96-b1", "sparsity": 0.5, "seed": 1,
        "build": "--layer-density straight=1 --layer-density look=1 --layer-density back=1 --layer-density correct=1",
        "train": "--optimizer adamw --batch 1 --rate 0.002 --rate-by-density root --decay 0 --clip 0.2 --steps 36000 --warmup 0.3 --validation 0 --augment flip=0.5,turn=0.75",
        "metric": "psnr_compressed", "also": ["compressed.bits_per_pixel", "compressed.ssim"],
        "baseline": {"what": "JPEG of as many bytes", "key": "compressed.jpeg_psnr"}, "floor": 27.5,
    },
    "nuclei": {
        "processing": "image.segmentation", "network": "unet-segment-128-w8", "sparsity": 0.5, "seed": 1,
        "data": "nuclei-256", "training": "--media {media}",
        "media": {"kind": "image", "width": 128, "height": 128, "channels": 1, "answer": "mask", "threshold": 1, "normalise": "picture"},
        "train": "--optimizer adamw --batch 4 --rate 0.003 --decay 1e-4 --steps 10000 --warmup 0.1 --augment flip=0.5,turn=0.75",
        "metric": "iou", "also": ["dice", "iou_mean"], "baseline": {"what": "Otsu's threshold", "value": 0.701}, "floor": 0.77, "goal": 0.83,
        "licence": "CC0 1.0", "from": "BBBC038v1, Broad Bioimage Benchmark Collection (Caicedo et al., Nature Methods 2019), corrected masks",
    },
    "draw": {
        "processing": "image.generation", "network": "unet-generate-28-w24", "sparsity": 0.5, "seed": 1,
        "data": "fashion-mnist", "given": "--degrade drawing=1",
        "train": "--optimizer adamw --batch 4 --decay 1e-4 --rate-by-density root --rate 0.006 --steps 6000 --warmup 0.1 --validation 0.05",
        "metric": "psnr", "also": ["ssim"], "baseline": {"what": "the outline filled", "value": 12.02}, "floor": 19.4, "goal": 21,
        "licence": "MIT", "from": "Fashion-MNIST, Copyright (c) 2017 Zalando SE",
    },
    "tagger": {
        **TREEBANK, "processing": "text.semantics", "network": "text-tagger-w128-17", "sparsity": 0.5, "seed": 1,
        "data": "ud-english-ewt", "train": "--epochs 12 --rate 0.003",
        "metric": "accuracy", "baseline": {"what": "the most frequent tag of the form", "key": "baseline.accuracy"}, "floor": 0.925, "goal": 0.95,
    },
    "keywords": {
        **TREEBANK, "processing": "text.keywords", "network": "text-keywords-w128-256", "sparsity": 0.55, "seed": 1,
        "data": "ud-english-ewt", "train": "--epochs 20 --rate 0.003",
        "metric": "f1", "baseline": {"what": "the most frequent code of the form", "key": "baseline.f1"}, "floor": 0.82, "goal": 0.89,
    },
    "gist": {
        **TREEBANK, "processing": "text.summarisation", "network": "text-gist-w128-2", "sparsity": 0.55, "seed": 1,
        "data": datasets.gists, "train": "--epochs 4 --rate 0.002",
        "metric": "rouge1", "also": ["chosen.rougeL"], "baseline": {"what": "the first eight words", "key": "baseline.rouge1"}, "floor": 0.78,
    },
    "translate": {
        "processing": "text.translation", "network": "text-translator-2-w96-3k", "sparsity": 0.5, "seed": 1,
        "data": datasets.translations,
        "train": "--epochs 24 --batch 32 --rate 0.002 --warmup 1 --label-smoothing 0.1 --clip 1 --beam 4",
        "metric": "bleu", "baseline": {"what": "of the nearest training sentence", "value": 19.96}, "floor": 20,
        "licence": "CC BY 2.0 FR", "from": "sentences of tatoeba.org by way of www.manythings.org/anki, English and Mandarin; their authors are named in the third column of the data",
    },
    "clear": {
        **SPEECH, "processing": "audio.denoising", "network": "sound-denoise-w96", "sparsity": 0.5, "seed": 1,
        "training": "--degrade mix=-3:13", "testing": "--degrade mix=0:10", "train": "--rate 0.003 --epochs 150",
        "baseline": {"what": "the noisy recording", "key": "input_si_sdr"}, "floor": 13.84,
    },
    "merge": {
        **SPEECH, "processing": "audio.synthesis", "network": "sound-merge-3-w96", "sparsity": 0.5, "seed": 1,
        "given": "--degrade damage=-3:12", "train": "--rate 0.003 --steps 240",
        "baseline": {"what": "the best of three", "key": "input_si_sdr"}, "floor": 11.1, "goal": 13,
    },
}
