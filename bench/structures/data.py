# SPDX-License-Identifier: Apache-2.0
"""A few real samples for each structure: of the data sets below $WISP_DATA, or, without it, of what examples/ has. A function of each kind of data gets that
folder, or None, and a new folder to fill, and returns what the samples are, in words."""
import collections
import csv
import gzip
import io
import itertools
import json
import lzma
import pathlib
import shutil
import string
import struct
import sys
import tarfile

SOURCE = pathlib.Path(__file__).resolve().parent.parent.parent
EXAMPLES = SOURCE / "examples"
INPUTS = EXAMPLES / "inputs"
sys.path.insert(0, str(SOURCE / "models"))
import datasets  # noqa: E402  (what the shipped models are made of)

WORDS = "yes no up down left right on off stop go".split()

# How a structure gets its data: by which function, what `wisp train` and this folder's same_answers are told of them besides, and what names
# its outputs have in the few samples, where that is to be said because there are more outputs.
Kind = collections.namedtuple("Kind", "make options names", defaults=[(), None])


def open_text(path):
    opened = {".gz": gzip.open, ".xz": lzma.open}[path.suffix]
    return opened(path, "rt", encoding="utf-8", newline="")


def take(archive, out, wanted):
    """The files of an archive whose names `wanted` gives a place below `out`; until it has had enough, and raises StopIteration."""
    with tarfile.open(archive) as tar:
        for entry in tar:
            try:
                place = wanted(entry.name) if entry.isfile() else None
            except StopIteration:
                return
            if place:
                (out / place).parent.mkdir(parents=True, exist_ok=True)
                (out / place).write_bytes(tar.extractfile(entry).read())


def few_of_each(class_of, classes, each):
    """For take(): the first few files of each class, in a folder of the class."""
    counts = collections.Counter()

    def wanted(name):
        if sum(counts.values()) == classes * each:
            raise StopIteration
        kind = class_of(name)
        if kind is None or counts[kind] == each or (kind not in counts and len(counts) == classes):
            return None
        counts[kind] += 1
        return f"train/{kind}/{pathlib.Path(name).name}"
    return wanted


def write_rows(path, rows):
    with open(path, "w", encoding="utf-8") as file:
        file.writelines("\t".join(row) + "\n" for row in rows)


def copy_each(out, files):
    """One file a class: it is named so."""
    for path in files:
        (out / "train" / path.stem).mkdir(parents=True)
        shutil.copy(path, out / "train" / path.stem)


# ---- pictures ----

def grey_pictures(data, out):
    if not data:
        copy_each(out, [EXAMPLES / "picture.png", INPUTS / "drawing.png", INPUTS / "cells.png", INPUTS / "photo.png"])
        return "examples: 4 pictures, each a class of its own"
    for kind, size, head in (("images-idx3", 784, 16), ("labels-idx1", 1, 8)):
        with gzip.open(data / f"fashion-mnist/train-{kind}-ubyte.gz") as file:
            header = file.read(head)
            (out / f"train-{kind}-ubyte").write_bytes(header[:4] + struct.pack(">I", 200) + header[8:] + file.read(200 * size))
    return "Fashion-MNIST, 200 pictures"


def colour_pictures(data, out):
    if not data:
        copy_each(out, [INPUTS / f"{name}.png" for name in ("photo", "dark", "noisy", "small")])
        return "examples: 4 photographs, each a class of its own"
    take(data / "cifar10-jpeg/cifar10-train.tar.xz", out, few_of_each(lambda name: name.split("/")[1], 10, 10))
    return "CIFAR-10, 100 pictures"


def photographs(data, out):
    """Large ones; what is in each is nobody's business: each is a class of its own."""
    if not data:
        return colour_pictures(None, out)
    take(data / "photos/photos-train.tar", out, few_of_each(lambda name: pathlib.Path(name).stem, 12, 1))
    return "12 photographs, each a class of its own"


def one_photograph(_data, out):
    (out / "train").mkdir()
    shutil.copy(INPUTS / "photo.png", out / "train")
    return "a photograph of examples, in tiles"


def another_photograph(_data, out):
    """Large enough to be a quarter of itself."""
    (out / "train").mkdir()
    shutil.copy(INPUTS / "dark.png", out / "train")
    return "a dark photograph of examples, in tiles"


def drawings(data, out):
    said = grey_pictures(data, out)
    if not data:
        shutil.rmtree(out / "train")
        return one_photograph(data, out)
    return said


def masks(data, out):
    if not data:
        for kind in ("images", "masks"):
            (out / "train" / kind).mkdir(parents=True)
            shutil.copy(INPUTS / "cells.png", out / "train" / kind)
        return "examples: nuclei, and where the picture is bright"
    left = itertools.count()

    def wanted(name):
        if not name.startswith("train/"):
            return None
        if next(left) == 8:
            raise StopIteration
        return name
    take(data / "nuclei-256/nuclei-256.tar", out, wanted)
    return "BBBC038, 4 pictures and masks"


# ---- sounds ----

def spoken_digit(name):
    return datasets.DIGITS[int(pathlib.Path(name).name[0])] if name.startswith("train/") else None


def spoken_word(name):
    return name.split("/")[1] if name.startswith("train/") else None


def digits(data, out):
    if not data:
        return words(None, out)
    take(data / "fsdd/fsdd.tar.xz", out, few_of_each(spoken_digit, 10, 10))
    return "fsdd, 100 recordings"


def words(data, out):
    if not data:
        copy_each(out, [EXAMPLES / "recording.wav", INPUTS / "noisy.wav", INPUTS / "event-1.wav"])
        return "examples: 3 recordings, each a class of its own"
    take(data / "speech-commands-mini/speech-commands-mini.tar.xz", out, few_of_each(spoken_word, 12, 8))
    return "Speech Commands, 96 recordings"


def clean_words(data, out):
    if not data:
        (out / "train").mkdir()
        shutil.copy(EXAMPLES / "recording.wav", out / "train")
        return "a recording of examples"
    take(data / "speech-commands-mini/speech-commands-mini.tar.xz", out, few_of_each(lambda name: spoken_word(name) if "/_" not in name else None, 8, 2))
    return "Speech Commands, 16 recordings"


def transcripts(out, say):
    """A table of the recordings that are there, by the folders that they are in."""
    rows = [(str(path.relative_to(out)), say(path.parent.name)) for path in sorted(out.glob("train/*/*.wav"))]
    write_rows(out / "train.tsv", [("file", "transcript"), *rows])


def written_digits(data, out):
    said = digits(data, out)
    transcripts(out, lambda name: {"recording": "seven", "noisy": "left right go", "event-1": "stop"}.get(name, name))
    return said + ", and what is said"


def written_words(data, out):
    if data:
        take(data / "speech-commands-mini/speech-commands-mini.tar.xz", out, few_of_each(lambda name: spoken_word(name) if "/_" not in name else None, 10, 5))
        transcripts(out, lambda name: name)
        return "Speech Commands, 50 recordings, and what is said"
    return written_digits(None, out)


# ---- texts ----

def lines_of(*names):
    return [line.strip() for name in names for line in (EXAMPLES / name).read_text(encoding="utf-8").splitlines() if line.strip()]


def languages(data, out):
    if not data:
        write_rows(out / "train.tsv", [(path.stem, path.read_text(encoding="utf-8").strip()) for path in sorted((EXAMPLES / "sentences").glob("*.txt"))])
        return "examples: a sentence in 7 languages"
    with open_text(data / "langid-pud/train.tsv.xz") as file:
        rows = [line.rstrip("\n").split("\t") for line in itertools.islice(file, 200)]
    write_rows(out / "train.tsv", [(row[0], row[2]) for row in rows])
    return "langid-pud, 200 sentences"


def news_rows(data, count, classes):
    with open_text(data / "ag-news/train.csv.gz") as file:
        rows = [row for row in csv.reader(file, escapechar="\\") if row[0] in classes]
    return [(row[0], row[1].replace("\t", " ")) for row in rows[:count]]


def news_of(classes, count):
    def make(data, out):
        if not data:
            rows = [(path.stem, path.read_text(encoding="utf-8").strip()) for path in sorted((EXAMPLES / "sentences").glob("*.txt"))]
            write_rows(out / "train.tsv", rows[:len(classes)])
            return f"examples: a sentence in {len(classes)} languages"
        write_rows(out / "train.tsv", news_rows(data, count, classes))
        return f"AG News, {count} texts"
    make.__name__ = f"news_{len(classes)}"
    return make


def emotions(data, out):
    """Of each text the labels that it has, none or several."""
    if not data:
        texts = lines_of("inputs/story.txt", "inputs/words.txt", "inputs/english.txt")
        write_rows(out / "train.tsv", [(",".join(word for word in ("the", "a") if f" {word} " in text), text) for text in texts])
        return "sentences of examples, and the articles in them"
    with open_text(data / "goemotions/train.tsv.gz") as file:
        write_rows(out / "train.tsv", [line.split("\t")[1::-1] for line in itertools.islice(file, 64)])
    return "GoEmotions, 64 texts"


def stories(data, out):
    """One column: texts that are gone on with."""
    texts = [text for _, text in news_rows(data, 16, "1234")] if data else lines_of("inputs/story.txt", "inputs/words.txt", "inputs/english.txt")
    write_rows(out / "train.tsv", [("text",), *((text,) for text in texts)])
    return f"AG News, {len(texts)} texts" if data else "sentences of examples"


def pairs(data, out):
    if not data:
        english, *others = [(EXAMPLES / f"sentences/{code}.txt").read_text(encoding="utf-8").strip() for code in ("en", "fr", "es", "fi", "pl")]
        write_rows(out / "train.tsv", [(english, other) for other in others])
        return "examples: a sentence and four translations"
    with open_text(data / "tatoeba-eng-cmn/train.tsv.xz") as file:
        write_rows(out / "train.tsv", [line.split("\t")[:2] for line in itertools.islice(file, 21000, 21032)])  # long ones: whose end is not the first guess
    return "Tatoeba, 32 pairs"


def plain_sentences():
    """Of examples, with each word's class told by its letters: what there is to be learned where no treebank is."""
    kinds = {True: "NOUN", False: "DET"}
    for line in lines_of("inputs/story.txt", "inputs/words.txt", "inputs/english.txt"):
        yield [(word, kinds[len(word) > 3]) for word in line.rstrip(".").split()]


def tagged(data, out):
    """Rows as the treebank has them: number, form, lemma, class, tag, head, relation."""
    with io.StringIO() as text:
        if data:
            with open_text(data / "ud-english-ewt/train.tsv.xz") as file:
                text.writelines(itertools.takewhile(lambda line: text.tell() < 12000 or line.strip(), file))
        else:
            for words_ in plain_sentences():
                text.writelines(f"{i}\t{form}\t{form.lower()}\t{kind}\t{kind}\t0\troot\n" for i, (form, kind) in enumerate(words_, 1))
                text.write("\n")
        (out / "train.tsv").write_text(text.getvalue() + "\n", encoding="utf-8")
    return "English Web Treebank, its first sentences" if data else "sentences of examples, their words by length"


def gists(data, out):
    if data:
        long = (words_ for words_ in datasets.sentences(data / "ud-english-ewt/train.tsv.xz") if len(words_) >= datasets.SHORTEST)
        rows = [(" ".join(form for form, _, _ in words_), " ".join(words_[i][0] for i in datasets.gist_of(words_))) for words_ in itertools.islice(long, 32)]
    else:
        rows = [(" ".join(form for form, _ in words_), " ".join(form for form, kind in words_ if kind == "NOUN")) for words_ in plain_sentences()]
    write_rows(out / "train.tsv", [("source", "target"), *rows])
    return "English Web Treebank, 32 sentences and their gists" if data else "sentences of examples, and their longer words"


# ---- names ----

def folders(out):
    return sorted(path.name for path in out.glob("train/*") if path.is_dir())


def first_column(out):
    return sorted({line.split("\t")[0] for line in (out / "train.tsv").read_text(encoding="utf-8").splitlines()})


def of_shipped(model):
    """As the model has them that ships: its labels are made of all of the treebank."""
    def names(_out):
        with open(SOURCE / f"models/{model}.safetensors", "rb") as file:
            return json.loads(json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))["__metadata__"]["wisp.labels"])
    return names


def labels_of_rows(out):
    return sorted({label for row in first_column(out) for label in row.split(",") if label})


def spoken(out):
    return ["<blank>", *sorted({word for line in (out / "train.tsv").read_text(encoding="utf-8").splitlines()[1:] for word in line.split("\t")[1].split()})]


def letters(_out):
    return ["<blank>", *string.ascii_lowercase, "'", "-"]


# ---- which ----

TILES = {"image.denoising", "image.enhancement", "image.style", "image.super-resolution", "image.compression"}
BY_TYPE = {
    "image.generation": Kind(drawings),
    "audio.denoising": Kind(clean_words, ("--degrade", "mix=0:10")), "audio.synthesis": Kind(clean_words, ("--degrade", "damage=0:10")),
    "text.keywords": Kind(tagged, names=of_shipped("keywords")), "text.summarisation": Kind(gists, names=of_shipped("gist")), "text.translation": Kind(pairs), "text.generation": Kind(stories),
}
BY_OUTPUTS = {("audio.recognition", 10): Kind(digits, names=folders), ("audio.recognition", 12): Kind(words, names=folders), ("audio.transcription", 11): Kind(written_digits, names=spoken),
              ("audio.transcription", 29): Kind(written_words, names=letters), ("text.classification", 20): Kind(languages, names=first_column),
              ("text.classification", 4): Kind(news_of("1234", 32), names=first_column), ("text.semantics", 3): Kind(news_of("123", 32), names=first_column), ("text.semantics", 17): Kind(tagged, names=of_shipped("tagger")),
              ("text.semantics", 28): Kind(emotions, ("--label-separator", ","), labels_of_rows)}


def mask_media(structure, data):
    """The masks hold numbers of objects; those of examples are the bright half of the picture itself."""
    channels, height, width = structure["input"]
    return json.dumps({"kind": "image", "width": width, "height": height, "channels": channels, "answer": "mask", "threshold": 1 if data else 64})


def kind_for(structure, data):
    """`structure`: its name and processing type, the shape of its first input, and how many outputs it has at a position."""
    kind = structure["processing"]
    if kind == "image.segmentation":
        return Kind(masks, ("--media", mask_media(structure, data)))
    if kind in TILES:
        return Kind(another_photograph, ("--degrade", "small=4")) if structure["name"].endswith("x4") else Kind(one_photograph)
    if kind == "image.classification":
        make = grey_pictures if structure["input"][-1] in (28, 784) else photographs if structure["input"][-1] == 224 else colour_pictures
        return Kind(make, names=folders)
    return BY_OUTPUTS.get((kind, structure["outputs"])) or BY_TYPE[kind]


def write_labels(kind, out, outputs):
    """A name for each output: those that the few samples have, and what none of them has. None where the data's own are taken."""
    names = kind.names(out) if kind.names else None
    if not names:
        return None
    path = out / f"labels-{outputs}.txt"
    path.write_text("".join(f"{name}\n" for name in [*names, *(f"nothing-{number}" for number in range(outputs - len(names)))]), encoding="utf-8")
    return path


def prepare(kind, data, folder):
    """The folder of that data, made once, and what is in it."""
    out = folder / f"{kind.make.__name__}{'' if data else '-examples'}"
    said = out / "said.json"
    if not said.exists():
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir(parents=True)
        text = kind.make(data, out)
        said.write_text(json.dumps(text), encoding="utf-8")
    return out, json.loads(said.read_text(encoding="utf-8"))
