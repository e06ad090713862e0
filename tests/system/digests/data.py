# SPDX-License-Identifier: Apache-2.0
"""Small data sets from whole numbers alone, the same everywhere: pictures, texts, sounds, and an edge list."""
import os
import pathlib
import struct
import sys
import wave

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from chance import Chance  # noqa: E402


def write_idx(folder, prefix, count, chance):
    """Pictures of 12 x 12: a bar that stands in one of four places, and noise. Class 3 is rare."""
    pixels, labels = bytearray(), bytearray()
    for _ in range(count):
        label = chance.choice((0, 0, 0, 1, 1, 1, 2, 2, 2, 3))
        picture = [chance.below(120) for _ in range(144)]
        for at in range(12):
            for thick in range(3):
                row, column = 3 * label + thick, at
                picture[12 * row + column if label % 2 else 12 * column + row] += 100
        pixels += bytes(picture)
        labels.append(label)
    with open(os.path.join(folder, prefix + "-images-idx3-ubyte"), "wb") as file:
        file.write(struct.pack(">IIII", 0x803, count, 12, 12) + pixels)
    with open(os.path.join(folder, prefix + "-labels-idx1-ubyte"), "wb") as file:
        file.write(struct.pack(">II", 0x801, count) + labels)


def write_texts(path, count, chance):
    """Three languages of invented words, one of them rare, some letters outside ASCII."""
    words = {"ba": "ba bo bada obo abada dobo", "ki": "ki kiri iki riki kirk tikki", "zo": "zø zozö özo zzo zoz øzø"}
    with open(path, "w", encoding="utf-8") as file:
        for _ in range(count):
            label = chance.choice(("ba", "ba", "ba", "ki", "ki", "zo"))
            other = chance.choice(list(words))
            text = [chance.choice(words[label if chance.below(5) else other].split()) for _ in range(4 + chance.below(9))]
            file.write(label + "\t" + " ".join(text) + "\n")


def write_pairs(path, count, chance):
    """Words, and what each is called in another language of invented words."""
    called = {"ba": "zo", "bo": "zu", "ki": "xa", "ri": "xo", "du": "ve"}
    with open(path, "w", encoding="ascii") as file:
        for _ in range(count):
            text = [chance.choice(list(called)) for _ in range(1 + chance.below(4))]
            file.write(" ".join(text) + "\t" + " ".join(called[word] for word in text) + "\n")


def write_sounds(folder, count, chance):
    """A third of a second of a square wave, whose pitch is the class, and noise."""
    for split in ("train", "test"):
        for label, period in (("high", 8), ("low", 40), ("middle", 20)):
            os.makedirs(os.path.join(folder, split, label))
            for number in range(count):
                long, start = 2400 + chance.below(400), chance.below(period)
                samples = [(8000 if (at + start) % period < period // 2 else -8000) + chance.below(6000) - 3000
                           for at in range(long)]
                with wave.open(os.path.join(folder, split, label, f"{number}.wav"), "wb") as file:
                    file.setparams((1, 2, 8000, long, "NONE", ""))
                    file.writeframes(struct.pack(f"<{long}h", *samples))


def write_edges(path, chance):
    with open(path, "w", encoding="ascii") as file:
        file.write("output,input,weight\n")
        for place in range(chance.below(6), 30 * 40, 6):
            file.write(f"{place // 40},{place % 40},{(chance.below(128) - 64) / 64}\n")


def write_data(folder):
    chance = Chance(7)
    os.mkdir(os.path.join(folder, "image"))
    write_idx(os.path.join(folder, "image"), "train", 240, chance)
    write_idx(os.path.join(folder, "image"), "t10k", 40, chance)
    write_texts(os.path.join(folder, "text.tsv"), 240, chance)
    write_sounds(os.path.join(folder, "audio"), 12, chance)
    write_pairs(os.path.join(folder, "pairs.tsv"), 120, Chance(8))
    write_edges(os.path.join(folder, "edges.csv"), chance)
