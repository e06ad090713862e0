# SPDX-License-Identifier: Apache-2.0
"""How the models that ship are made: a row each, which scripts/make-models reads.

network       a structure of the database, or layers
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
}

CLOTHES = ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"]

RECIPES = {
    "fashion": {
        "processing": "image.classification", "network": "784-1000-1000-1000-10", "sparsity": 0.95, "seed": 7,
        "media": {"kind": "image", "width": 28, "height": 28, "channels": 1}, "labels": CLOTHES,
        "data": "fashion-mnist",
        "train": "--optimizer sgd --rate-by-density none --epochs 40 --rate 0.1 --augment flip=0.5",
        "metric": "accuracy", "baseline": {"what": "nearest mean of a class", "value": 0.675}, "floor": 0.889, "goal": 0.925,
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
}
