# SPDX-License-Identifier: Apache-2.0
"""Data sets that are made of those below WISP_DATA before a model is trained. A function gets that folder and a folder to work in, where what it made
once stays, and returns what to train on, what to test on, and options of both; and other sets to test on, by name."""
import collections
import lzma
import os
import pathlib
import subprocess
import tarfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
DIGITS = "zero one two three four five six seven eight nine".split()

Data = collections.namedtuple("Data", "train test options others", defaults=[(), {}])


def once(folder, make):
    """The folder, made by the function unless it was."""
    if not (folder / "made").exists():
        folder.mkdir(parents=True, exist_ok=True)
        make(folder)
        (folder / "made").touch()
    return folder


def unpack(archive, folder):
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")


def photos(data, _work):
    return Data(data / "photos/photos-train.tar", data / "photos/kodak.tar")


# ---- digits ----

def add_folder(tar, folder):
    """Files DIGIT_REST.wav, by name, with the digit as a word, which is the model's label. Nothing of the machine stands in their headers: the same tar
    everywhere."""
    for path in sorted(folder.iterdir()):
        entry = tarfile.TarInfo(f"{folder.name}/{DIGITS[int(path.name[0])]}{path.name[1:]}")
        entry.size = path.stat().st_size
        with open(path, "rb") as file:
            tar.addfile(entry, file)


def digits(data, work):
    """People and espeak-ng's voices in one tar to train on; each apart to test on."""
    people = once(work / "people", lambda folder: unpack(data / "fsdd/fsdd.tar.xz", folder))
    voices = once(work / "voices", lambda folder: subprocess.run([ROOT / "scripts/make-voices", folder], check=True))
    made = {}
    for name, folders in (("digits", [people / "train", voices / "train"]), ("people-test", [people / "test"]), ("voices-test", [voices / "test"])):
        made[name] = work / f"{name}.tar"
        with tarfile.open(made[name], "w") as tar:
            for folder in folders:
                add_folder(tar, folder)
    return Data(made["digits"], made["people-test"], others={"voices": made["voices-test"]})


# ---- speech ----

def part_noise(archive, folder):
    unpack(archive, folder / "words")
    for split in ("train", "test"):
        (folder / "noise" / split).mkdir(parents=True)
        os.rename(folder / "words" / split / "_silence_", folder / "noise" / split / "_silence_")


def speech(data, work):
    """Words to be cleaned, and what is put over them: the recordings of noise of the same split."""
    folder = once(work / "speech", lambda folder: part_noise(data / "speech-commands-mini/speech-commands-mini.tar.xz", folder))
    return Data(folder / "words", folder / "words", ["--noise", folder / "noise"])


# ---- translations ----

def write_translations(data, folder):
    for split in ("train", "test"):
        with lzma.open(data / f"tatoeba-eng-cmn/{split}.tsv.xz", "rt", encoding="utf-8") as file, open(folder / f"{split}.tsv", "w", encoding="utf-8") as out:
            for line in file:
                out.write("\t".join(line.rstrip("\n").split("\t")[:2]) + "\n")


def translations(data, work):
    """Sentences and their translations, without the column that names their authors."""
    folder = once(work / "translations", lambda folder: write_translations(data, folder))
    return Data(folder, folder)


# ---- gists ----

# How much is lost of a sentence with a word: little of what hangs on its verb, more the farther away; what is not named, most.
LOSSES = {
    "root": 0, "nsubj": 1, "nsubj:pass": 1, "obj": 1, "csubj": 2, "xcomp": 1, "ccomp": 2, "iobj": 2, "obl": 3, "obl:agent": 2, "aux": 4, "aux:pass": 4, "cop": 3,
    "compound": 2, "compound:prt": 1, "flat": 1, "flat:foreign": 2, "fixed": 4, "nummod": 3, "amod": 3, "nmod": 3, "nmod:poss": 5, "conj": 4, "advmod": 4, "advcl": 5,
    "acl": 5, "acl:relcl": 6, "appos": 5, "parataxis": 5, "obl:tmod": 4, "case": 5, "mark": 6, "det": 9, "cc": 8, "expl": 4,
}
GIST_WORDS, SHORTEST = 8, 14
NEGATIONS = {"not", "n't", "never", "no"}


def gist_of(words):
    """The eight words of a sentence without which least is left, in their order: those that are nearest to its root, by what ties them to it. Words are
    (form, head, relation), heads from 1 on."""
    def loss(i):
        total, seen = 0, 0
        while i >= 0 and seen < 50:
            form, head, relation = words[i]
            total += 1 if form.lower() in NEGATIONS else LOSSES.get(relation, LOSSES.get(relation.split(":")[0], 9))
            i, seen = head - 1, seen + 1
        return total

    says = [i for i, (form, _, relation) in enumerate(words) if any(c.isalnum() for c in form) and relation != "punct"]
    return sorted(sorted(says, key=lambda i: (loss(i), i))[:GIST_WORDS])


def sentences(path):
    with lzma.open(path, "rt", encoding="utf-8") as file:
        words = []
        for line in file:
            fields = line.rstrip("\n").split("\t")
            if len(fields) == 7:
                words.append((fields[1], int(fields[5]), fields[6]))
            elif not line.strip():
                yield words
                words = []
        if words:
            yield words


def write_gists(data, folder):
    for split in ("train", "dev", "test"):
        with open(folder / f"{split}.tsv", "w", encoding="utf-8") as file:
            file.write("source\ttarget\n")
            for words in sentences(data / f"ud-english-ewt/{split}.tsv.xz"):
                if len(words) >= SHORTEST:
                    gist = [words[i][0] for i in gist_of(words)]
                    file.write(" ".join(form for form, _, _ in words) + "\t" + " ".join(gist) + "\n")


def gists(data, work):
    """Sentences of the treebank, and what is left of each when its tree is cut to eight words."""
    folder = once(work / "gists", lambda folder: write_gists(data, folder))
    return Data(folder, folder)
