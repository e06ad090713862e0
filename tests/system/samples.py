# SPDX-License-Identifier: Apache-2.0
"""Small data of each form that the forge reads, made by a Chance in a folder that is there; each function returns the path that --data takes."""
import os
import struct
import wave

from programs import png

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


def noisy_and_clean(folder, chance):
    """Pairs of pictures by their folders."""
    for number, (width, height) in enumerate(((128, 128), (140, 130))):
        for kind in ("noisy", "clean"):
            write_picture(os.path.join(folder, kind, f"{number}.png"), width, height, 3, chance)
    return folder


def noisy_and_clean_sounds(folder, chance):
    for number, samples in enumerate((16000, 24000)):
        for kind in ("noisy", "clean"):
            write_sound(os.path.join(folder, kind, f"{number}.wav"), samples, 16000, chance)
    return folder


def treebank(folder, chance):
    """CoNLL-U as it is published: ten fields, comments, words of several tokens."""
    kinds = {"the": ("the", "DET"), "cats": ("cat", "NOUN"), "dogs": ("dog", "NOUN"), "ran": ("run", "VERB"), "sees": ("see", "VERB"), "old": ("old", "ADJ")}
    lines = []
    for length in LENGTHS:
        lines += ["# text = …", "1-2\tcan't" + "\t_" * 8]
        for i in range(length):
            word = chance.choice(list(kinds))
            lines.append("\t".join((str(i + 1), word, *kinds[word], "X", "_", "0", "dep", "_", "_")))
        lines.append("")
    return write_text(folder, "sentences.conllu", lines)


def opinions(folder, _chance):
    return write_text(folder, "opinions.tsv", [f"{label}\t{text}" for label, text in zip(("for", "against", "neither") * 4, SENTENCES * 3)])


def several_labels(folder, _chance):
    """Of each text none, one or two."""
    return write_text(folder, "several.tsv", [f"{labels}\t{text}" for labels, text in zip(("joy|awe", "joy", "", "awe", "fear|joy"), SENTENCES * 2)])


def transcripts(folder, chance):
    """Recordings that a table names, and what is said in them: ten words."""
    digits = "zero one two three four five six seven eight nine".split()
    rows = []
    for number, said in enumerate([*digits, *digits[::-1]]):
        write_sound(os.path.join(folder, f"{number}.wav"), 6000 + chance.below(2000), 8000, chance)
        rows.append(f"{number}.wav\t{said}")
    return write_text(folder, "transcripts.tsv", ["file\ttext", *rows])


def stories(folder, _chance):
    return write_text(folder, "stories.tsv", ["text", *SENTENCES * 2])
