# SPDX-License-Identifier: Apache-2.0
"""Data sets in idx files. Subsets are those that a program with NumPy's older generator and seed 0 takes, which is what the published
runs on 5,000 samples did: a permutation of all samples, of which the first count."""
import gzip
import hashlib
import os
import random
import struct

NAMES = {"train": "train", "test": "t10k"}
# Which of a split's permuted samples are which of the subset's; None: all of its own, as they stand.
SUBSETS = {"fashion": None,
           "fashion-5k": {"train": ("train", 0, 5000), "test": ("test", 0, 1000)},
           "fashion-5k-held": {"train": ("train", 0, 4000), "test": ("train", 4000, 5000)},  # of the 5,000: to choose a recipe on
           "fashion-10k": {"train": ("train", 0, 10000), "test": None},
           "fashion-20k": {"train": ("train", 0, 20000), "test": None}}


def numpy_generator(seed):
    """The Mersenne Twister as numpy.random.seed() sets it up, which Python's random.seed() does not."""
    state = [seed]
    for number in range(1, 624):
        state.append((1812433253 * (state[-1] ^ (state[-1] >> 30)) + number) & 0xFFFFFFFF)
    generator = random.Random()
    generator.setstate((3, tuple(state + [624]), None))
    return generator


def numpy_shuffle(generator, count):
    """numpy.random.shuffle(numpy.arange(count))"""
    order = list(range(count))
    for last in range(count - 1, 0, -1):
        mask = (1 << last.bit_length()) - 1
        drawn = generator.getrandbits(32) & mask
        while drawn > last:
            drawn = generator.getrandbits(32) & mask
        order[last], order[drawn] = order[drawn], order[last]
    return order


def read(folder, name):
    for path, opener in ((f"{folder}/{name}.gz", gzip.open), (f"{folder}/{name}", open)):
        if os.path.exists(path):
            with opener(path, "rb") as file:
                return file.read()
    raise SystemExit(f"bench_claim: {folder}/{name}: not there, nor with .gz; WISP_DATA says where fashion-mnist/ is")


def write(folder, split, images, labels, sides):
    count = len(labels)
    with open(f"{folder}/{NAMES[split]}-images-idx3-ubyte", "wb") as file:
        file.write(struct.pack(">IIII", 0x803, count, *sides) + images)
    with open(f"{folder}/{NAMES[split]}-labels-idx1-ubyte", "wb") as file:
        file.write(struct.pack(">II", 0x801, count) + labels)


def write_subset(source, folder, parts):
    files = {split: [read(source, f"{NAMES[split]}-{what}-ubyte") for what in ("images-idx3", "labels-idx1")] for split in NAMES}
    generator = numpy_generator(0)
    orders = {split: numpy_shuffle(generator, len(files[split][1]) - 8) for split in NAMES}
    for split, part in parts.items():
        images, labels = files[part[0] if part else split]
        order = orders[part[0]][part[1]:part[2]] if part else range(len(labels) - 8)
        write(folder, split, b"".join(images[16 + 784 * i:800 + 784 * i] for i in order), bytes(labels[8 + i] for i in order), (28, 28))


def write_tiny(folder):
    """Ten classes of pictures, 8 x 8: a pattern each, and noise."""
    for split, count in (("train", 1000), ("test", 500)):
        noise = hashlib.shake_128(split.encode()).digest(64 * count)
        patterns = hashlib.shake_128(b"patterns").digest(640)
        images = bytes((noise[64 * i + k] * 3 + patterns[64 * (i % 10) + k]) // 4 for i in range(count) for k in range(64))
        write(folder, split, images, bytes(i % 10 for i in range(count)), (8, 8))


def prepare(name, data, work):
    """The folder of a set; a subset is written the first time, whole or not at all."""
    if SUBSETS.get(name, name) is None:
        return os.path.join(data, "fashion-mnist")
    folder = os.path.join(work, "data", name)
    if not os.path.exists(folder):
        part = f"{folder}.{os.getpid()}"
        os.makedirs(part)
        if name == "tiny":
            write_tiny(part)
        else:
            write_subset(os.path.join(data, "fashion-mnist"), part, SUBSETS[name])
        try:
            os.rename(part, folder)
        except OSError:  # another was faster
            if not os.path.exists(folder):
                raise
    return folder
