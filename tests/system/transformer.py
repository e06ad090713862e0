#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Transformers from a structure to an answer: of pictures and of texts, and a translator, built sparse, trained, served.

usage: transformer.py BUILD-FOLDER
"""
import json
import math
import os
import random
import struct
import subprocess
import sys
import tempfile
from collections import Counter

sys.dont_write_bytecode = True
from programs import Programs, check, png, serving

SIDE, TOKENS, WORDS = 16, 12, 256

# Everything that a ViT of the collection is made of, small.
VIT = """\
name: vit
processing: image.classification
input: [3, 16, 16]
layers:
  - conv2d: {name: patches, channels: 16, kernel: 4, stride: 4}
  - tokens
  - position
  - repeat: 2
    name: block
    layers:
      - layer_norm
      - self_attention: {name: attention, heads: 2}
      - add: {name: middle, from: [previous, start]}
      - layer_norm
      - projection: {name: mlp1, neurons: 32}
      - gelu
      - projection: {name: mlp2, neurons: 16}
      - add: {name: out, from: [previous, middle]}
  - layer_norm
  - global_pool
  - linear: 2
  - softmax
"""

# And of a text encoder, with a causal block, and one that takes the first for its memory; neither looks at padding.
TEXT = """\
name: text
processing: text.classification
input: [12]
layers:
  - embedding: {vocabulary: 256, neurons: 16}
  - position: {name: words}
  - layer_norm
  - self_attention: {name: attention, heads: 4, causal: true, mask: input}
  - add: {name: memory, from: [previous, words]}
  - layer_norm: {name: queries}
  - cross_attention: {name: cross, heads: 2, from: [queries, memory], mask: input}
  - add: {name: middle, from: [previous, memory]}
  - layer_norm
  - projection: 32
  - gelu
  - projection: {name: mlp2, neurons: 16}
  - add: {from: [previous, middle]}
  - layer_norm
  - global_pool
  - linear: 2
  - softmax
"""

# Of two sequences, as the translators of the collection.
TRANSLATOR = """\
name: translator
processing: text.translation
inputs:
  source: {shape: [9], dtype: int32}
  target: {shape: [7], dtype: int32}
layers:
  - embedding: {from: source, vocabulary: 50, neurons: 8}
  - self_attention: {heads: 2, mask: source}
  - layer_norm: {name: memory}
  - embedding: {from: target, vocabulary: 50, neurons: 8}
  - position: {name: words}
  - self_attention: {heads: 2, causal: true}
  - cross_attention: {heads: 2, from: [previous, memory], mask: source}
  - projection: {name: next, neurons: 50}
"""

# The same with all that a block has, for pairs of a few words each; and one that goes on with a text.
BLOCKS = """\
name: pairs
processing: text.translation
inputs:
  target: {shape: [8], dtype: int32}
  source: {shape: [7], dtype: int32}
layers:
  - embedding: {from: source, vocabulary: 600, neurons: 16}
  - position: {name: memory}
  - embedding: {from: target, vocabulary: 600, neurons: 16}
  - position: {name: words}
  - self_attention: {heads: 2, causal: true}
  - add: {name: middle, from: [previous, words]}
  - layer_norm: {name: queries}
  - cross_attention: {heads: 2, from: [queries, memory], mask: source}
  - add: {from: [previous, middle]}
  - layer_norm
  - projection: {name: next, neurons: 600}
"""
LABELS = """\
name: labels
processing: text.translation
input: [9]
layers:
  - embedding: {vocabulary: 300, neurons: 24}
  - position
  - conv1d: {channels: 32, kernel: 3, padding: 1}
  - relu
  - projection: {name: words, neurons: 100}
"""
TAGGER = """\
name: tagger
processing: {0}
input: [88]
layers:
  - embedding: {{vocabulary: 512, neurons: 16}}
  - conv1d: {{channels: 16, kernel: 33, stride: 11, padding: 11}}
  - relu
  - conv1d: {{channels: {1}, kernel: 1}}
  - softmax
"""
DECODER = """\
name: decoder
processing: text.generation
input: [8]
layers:
  - embedding: {vocabulary: 200, neurons: 16}
  - position: {name: words}
  - self_attention: {heads: 2, causal: true}
  - add: {from: [previous, words]}
  - layer_norm
  - projection: {name: next, neurons: 200}
"""


def write_pictures(folder, chance):
    """A bright square in the upper or the lower half, under noise."""
    for split, count in (("train", 120), ("test", 20)):
        for label in ("above", "below"):
            os.makedirs(os.path.join(folder, split, label))
            for number in range(count):
                left, top = chance.randrange(SIDE - 5), chance.randrange(3) + (0 if label == "above" else SIDE // 2)
                inside = lambda x, y: left <= x < left + 5 and top <= y < top + 5
                rows = [[chance.randrange(90) + 150 * inside(x, y) for x in range(SIDE) for _ in range(3)] for y in range(SIDE)]
                with open(os.path.join(folder, split, label, f"{number}.png"), "wb") as file:
                    file.write(png(rows))


def sentence(chance, label):
    """Words of which none says the label: it is which of two comes first."""
    words = [chance.choice("a few more of these words here and there".split()) for _ in range(chance.randrange(4, 9))]
    first, second = sorted(chance.sample(range(len(words)), 2))
    words[first], words[second] = ("day", "night") if label == "day" else ("night", "day")
    return " ".join(words)


def write_texts(folder, chance):
    os.makedirs(folder)
    for split, count in (("train", 300), ("test", 20)):
        with open(os.path.join(folder, f"{split}.tsv"), "w", encoding="ascii") as file:
            file.write("label\ttext\n")
            file.writelines(f"{label}\t{sentence(chance, label)}\n" for _ in range(count) for label in ("day", "night"))


def write_pairs(folder, chance):
    """Numbers in words, of which the last is said first."""
    names = dict(zip("one two three four five six".split(), "eins zwei drei vier fünf sechs".split()))
    os.makedirs(folder)
    for split, count in (("train", 400), ("test", 30)):
        with open(os.path.join(folder, f"{split}.tsv"), "w", encoding="utf-8") as file:
            for _ in range(count):
                words = [chance.choice(list(names)) for _ in range(chance.randrange(1, 5))]
                file.write(f"{' '.join(words)}\t{' '.join(names[word] for word in reversed(words))}\n")
    with open(os.path.join(folder, "test.tsv"), encoding="utf-8") as file:
        sources, targets = zip(*(line.rstrip().split("\t") for line in file))
    with open(os.path.join(os.path.dirname(folder), "others.tsv"), "w", encoding="utf-8") as file:
        file.writelines(f"{source}\t{target}\n" for source, target in zip(sources, targets[1:] + targets[:1]))


def losses(programs, name, *words):
    said = programs.run("bin/wisp-forge", "train", "built.safetensors", "-D", "data", "--no-history", "-o", f"{name}.safetensors",
                        "--name", name, "--json", "-t", "1", *words)
    return [event["loss"] for event in map(json.loads, said.splitlines()) if event["event"] == "epoch"]


def token_accuracy(programs, name, data):
    return json.loads(programs.run("bin/wisp-forge", "eval", f"{name}.safetensors", "-D", data, "--json"))["token_accuracy"]


def check_training(programs, name, *words, fall=0.2, key="accuracy", least=0.85):
    """The loss falls; the same file for any number of threads and any kernels."""
    loss = losses(programs, name, *words)
    check(f"{name}: losses {loss}", loss[-1] < fall * loss[0])
    accuracy = json.loads(programs.run("bin/wisp-forge", "eval", f"{name}.safetensors", "-D", "data", "--json"))[key]
    check(f"{name}: accuracy {accuracy}", accuracy >= least)
    one = programs.trained("built.safetensors", "one.safetensors", *words, "--steps", "12", "-t", "1")
    for kernels in ("auto", "scalar"):
        more = {} if kernels == "auto" else {"WISP_CPU": kernels}
        check(f"{name}: two threads, {kernels} kernels: another file",
              programs.trained("built.safetensors", "again.safetensors", *words, "--name", "one", "--steps", "12", "-t", "2", **more) == one)


def check_bits(programs, socket, name, values):
    """The same answers whatever is asked together, 32 samples that differ."""
    data = struct.pack(f"<{len(values)}f", *values)
    answers = [programs.run("tests/bin/answers", socket, name, rows, data=data) for rows in ("1", "7", "32")]
    check(f"{name}: no 32 answers", len(answers[0]) == 32 * 2 * 4 and len({answers[0][i:i + 8] for i in range(0, 256, 8)}) == 32)
    check(f"{name}: the batch changes the bits", answers[0] == answers[1] == answers[2])


def build(programs, structure, sparsity):
    with open(os.path.join(programs.folder, "structure.yaml"), "w", encoding="ascii") as file:
        file.write(structure)
    said = programs.run("bin/wisp-forge", "build", "--structure", "structure.yaml", "-s", sparsity, "-o", "built.safetensors")
    check("what build says of it", b"cannot train" not in said)


def check_other_words(programs, media, said):
    """Numbers of other words than those that the network looks up are not learned from."""
    done = subprocess.run([os.path.join(programs.build, "bin/wisp-forge"), "train", "built.safetensors", "-D", "data", "-o", "x", "-m",
                           json.dumps(media)], cwd=programs.folder, env=programs.environment, capture_output=True, check=False)
    check(f"other words: {done.returncode}, {done.stderr}", done.returncode == 65 and said in done.stderr.decode())


def check_pictures(programs):
    write_pictures(os.path.join(programs.folder, "data"), random.Random(1))
    build(programs, VIT, "0.5")
    check_training(programs, "vit", "-e", "15", "-b", "16", "--optimizer", "adamw", "--rate", "0.01")
    chance = random.Random(3)
    with serving(programs, "vit.safetensors") as socket:
        check_bits(programs, socket, "vit", [chance.uniform(-2, 2) for _ in range(32 * 3 * SIDE * SIDE)])
        for label in ("above", "below"):
            said = json.loads(programs.run("bin/wisp", "run", "-s", socket, "vit", f"data/test/{label}/0.png", "--json"))
            check(f"vit: {label}: {said}", said["labels"][0]["label"] == label)


def check_texts(programs):
    write_texts(os.path.join(programs.folder, "data"), random.Random(2))
    build(programs, TEXT, "0.3")
    for other in (WORDS + 1, WORDS - 1, 2):
        check_other_words(programs, {"kind": "text", "features": other, "sequence": TOKENS},
                          f'"features" is {other}, and input "input" looks up {WORDS} words: give "features": {WORDS}')
    check_training(programs, "text", "-e", "15", "-b", "16", "--rate", "0.004")
    chance = random.Random(4)
    with serving(programs, "text.safetensors") as socket:
        check_bits(programs, socket, "text", [chance.randrange(WORDS) for _ in range(32 * TOKENS)])
        for label, text in (("day", "a few day of night"), ("night", "a few night of day")):
            said = json.loads(programs.run("bin/wisp", "run", "-s", socket, "text", "--text", text, "--json"))
            check(f"text: {label}: {said}", said["labels"][0]["label"] == label)


def translate(programs, socket, source, target):
    """The output, a list of numbers for each token of the target."""
    for name, tokens in (("source", source), ("target", target)):
        with open(os.path.join(programs.folder, name), "wb") as file:
            file.write(struct.pack(f"<{len(tokens)}i", *tokens))
    said = programs.run("bin/wisp", "run", "-s", socket, "built", "--input", "source=source", "--input", "target=target", "--raw")
    values = struct.unpack(f"<{50 * 7}f", said)
    return [values[token::7] for token in range(7)]


def check_translator(programs):
    """A token of the answer depends on the target's up to it, and on the source's words."""
    build(programs, TRANSLATOR, "0.3")
    source, target = [5, 9, 30, 2, 44, 0, 0, 0, 0], [1, 8, 20, 7, 3, 12, 40]
    with serving(programs, "built.safetensors") as socket:
        answer = translate(programs, socket, source, target)
        check("translator: the same again", translate(programs, socket, source, target) == answer)
        for token in range(7):
            other = translate(programs, socket, source, target[:token] + [target[token] + 1] + target[token + 1:])
            check(f"translator: target {token}", [a == b for a, b in zip(answer, other)] == [i < token for i in range(7)])
        other = translate(programs, socket, source[:2] + [31] + source[3:], target)
        check("translator: source", all(a != b for a, b in zip(answer, other)))


def check_vocabulary(programs, name, numbers, source, target):
    """Learned of the training texts, kept in the file, and said in a line."""
    media = json.loads(programs.run("bin/wisp", "show", f"./{name}.safetensors", "--json"))["media"]
    for text, piece in ((media, source), (media["answer"], target)):
        pieces = text["vocabulary"]
        check(f"{name}: the vocabulary {pieces}", piece in pieces and len(set(pieces)) == len(pieces) <= numbers - 259)
    said = programs.run("bin/wisp", "show", f"./{name}.safetensors").decode()
    check(f"{name}: what is shown: {said}", f"{len(media['vocabulary'])} entries; --json prints them" in said)


def decoded(programs, socket, *words, data=None):
    """What is said to each line or text."""
    said = programs.run("bin/wisp", "run", "-s", socket, "pairs", "--json", *words, data=data)
    return [event["text"] for event in map(json.loads, said.splitlines())]


def bleu(said, wanted):
    """Of texts that are words and spaces alone, of which some have four right in a row."""
    correct, total, lengths = [0] * 4, [0] * 4, [0, 0]
    for texts in zip(said, wanted):
        words = [text.split() for text in texts]
        lengths = [length + len(text) for length, text in zip(lengths, words)]
        for n in range(4):
            grams = [Counter(tuple(text[i:i + n + 1]) for i in range(len(text) - n)) for text in words]
            correct[n] += (grams[0] & grams[1]).total()
            total[n] += grams[0].total()
    return 100 * math.exp(min(0, 1 - lengths[1] / lengths[0]) + sum(math.log(c / t) for c, t in zip(correct, total)) / 4)


def check_decoding(programs):
    """The daemon says what eval counts, whatever is asked together: lines, a file and a text alike; by a beam of any width, the model's own of 2 at first."""
    with open(os.path.join(programs.folder, "data", "test.tsv"), encoding="utf-8") as file:
        sources, targets = zip(*(line.rstrip("\n").split("\t") for line in file))
    shown = json.loads(programs.run("bin/wisp", "show", "./pairs.safetensors", "--json"))["decoding"]
    check(f"decoding: {shown}", shown["beam"] == 2)
    with serving(programs, "pairs.safetensors") as socket:
        answers = None
        for beam in ([], ["--beam", "1"], ["--beam", "5"]):
            said = decoded(programs, socket, "--lines", "-", *beam, data="".join(f"{source}\n" for source in sources).encode())
            answers = answers or said
            check_counts(programs, beam, targets, said)
        with open(os.path.join(programs.folder, "text"), "w", encoding="utf-8") as file:
            file.write(sources[0])
        check("decoding: a file", decoded(programs, socket, "text") == list(answers[:1]))
        said = programs.run("bin/wisp", "run", "-s", socket, "pairs", "--text", sources[0]).decode()
        check(f"decoding: {said}", f"\n  {answers[0]}\n" in said)


def check_counts(programs, beam, targets, answers):
    exact = sum(answer == target for target, answer in zip(targets, answers))
    said = json.loads(programs.run("bin/wisp-forge", "eval", "pairs.safetensors", "-D", "data", "--json", *beam))["decoded"]
    check(f"decoding {beam}: {exact} of {said}", said["sequences"] == len(targets) and round(said["exact_match"] * len(targets)) == exact)
    check(f"decoding {beam}: {exact} are few: {answers}", exact > 0.7 * len(targets))
    check(f"decoding {beam}: BLEU {bleu(answers, targets)} of {said}", abs(said["texts"]["bleu"] - bleu(answers, targets)) < 1e-6)
    check(f"decoding {beam}: {said}", said["texts"]["tokenizer"] == "13a" and 0 < said["texts"]["bleu"] < 100)


def check_words(programs):
    """What is next in a translation follows from the source alone; in a text, from what is before it as far as it can."""
    write_pairs(os.path.join(programs.folder, "data"), random.Random(5))
    build(programs, BLOCKS, "0.3")
    pieces = {"kind": "text", "features": 600, "sequence": 7, "vocabulary": True}
    check_other_words(programs, dict(pieces, answer=dict(pieces, features=300, sequence=8)),
                      'answer: "features" is 300, and input "target" looks up 600 words: give "features": 600')
    check_training(programs, "pairs", "-e", "12", "-b", "16", "--rate", "0.01", "--beam", "2", key="token_accuracy", least=0.9)
    said = programs.run("bin/wisp-forge", "eval", "pairs.safetensors", "-D", "data").decode()
    check(f"pairs: {said}", said.startswith("token accuracy ") and ", perplexity 1." in said)
    check_vocabulary(programs, "pairs", 600, " one", " f\u00fcnf")
    check_decoding(programs)
    check("pairs: another source", token_accuracy(programs, "pairs", "others.tsv") < 0.6)
    build(programs, DECODER, "0.3")
    check_training(programs, "decoder", "-e", "4", "-b", "16", "--rate", "0.01", fall=0.8, key="token_accuracy", least=0.2)
    check("decoder: nobody can know", token_accuracy(programs, "decoder", "data") < 0.6)


def check_labels(programs):
    """Labels of which nobody says where they are: each word after the one before it, some with a filler between."""
    chance = random.Random(6)
    names = dict(zip("one two three four five six".split(), "eins zwei drei vier fünf sechs".split()))
    for split, count in (("train", 400), ("test", 40)):
        with open(os.path.join(programs.folder, f"{split}.tsv"), "w", encoding="utf-8") as file:
            for _ in range(count):
                words = [chance.choice(list(names)) for _ in range(chance.randrange(1, 5))]
                source = " ".join(word + " and" * chance.randrange(2) for word in words)
                file.write(f"{source}\t{' '.join(names[word] for word in words)}\n")
    build(programs, LABELS, "0.3")
    words = ("-D", "train.tsv", "--loss", "ctc", "-e", "10", "-b", "16", "--rate", "0.01")
    loss = losses(programs, "labels", *words)
    check(f"labels: losses {loss}", loss[-1] < 0.2 * loss[0])
    said = programs.run("bin/wisp-forge", "eval", "labels.safetensors", "-D", "test.tsv", "--loss", "ctc", "--json")
    check(f"labels: {said}", json.loads(said)["f1"] > 0.85)
    said = programs.run("bin/wisp-forge", "eval", "labels.safetensors", "-D", "test.tsv", "--loss", "ctc")
    check(f"labels: {said}", said.startswith(b"labels in their order: "))


def write_tagged(folder, chance):
    """What a word is follows from its ending, but "run" is what the word before it says."""
    nouns, verbs = "cats dogs boys trees".split(), "sitting running seeing doing".split()
    word = lambda number, form, lemma, tag: f"{number}\t{form}\t{lemma}\t{tag}\tX\t0\troot\n"
    os.makedirs(folder)
    for split, count in (("train", 400), ("test", 40)):
        with open(os.path.join(folder, f"{split}.tsv"), "w", encoding="ascii") as file:
            for _ in range(count):
                noun, verb, ran = chance.choice(nouns), chance.choice(verbs), chance.randrange(2)
                file.write("# text\n" + word(1, "the", "the", "DET") + word(2, noun, noun[:-1], "NOUN") + word(3, verb, verb[:-3], "VERB")
                           + word(4, "the" if ran else "they", "the", "DET" if ran else "PRON")
                           + word(5, "run", "run", "NOUN" if ran else "VERB") + word(6, ".", ".", "PUNCT") + "\n")


def check_tags(programs):
    """A label for each word, of those of a text of any length; and of the keywords their lemmas."""
    write_tagged(os.path.join(programs.folder, "data"), random.Random(7))
    for processing, labels in (("text.semantics", 5), ("text.keywords", 5)):
        name = processing.split(".")[1]
        build(programs, TAGGER.format(processing, labels), "0.3")
        check_training(programs, name, "-e", "6", "-b", "16", "--rate", "0.02", least=0.99)
        text = "the birds seeing they run. " * 50 + "the run"
        with serving(programs, f"{name}.safetensors") as socket:
            said = json.loads(programs.run("bin/wisp", "run", "-s", socket, name, "--text", text, "--json"))["words"]
            if processing == "text.semantics":
                tags = [word["label"] for word in said]
                told = programs.run("bin/words", name, "the birds seeing they run.", WISP_SOCKET=socket).decode()
                check(f"examples/words: {told}", told.split() == "the DET birds NOUN seeing VERB they PRON run VERB . PUNCT".split())
                check(f"tags: {tags}", tags == "DET NOUN VERB PRON VERB PUNCT".split() * 50 + ["DET", "NOUN"])
            else:
                lemmas = [word["lemma"] for word in said]
                check(f"lemmas: {lemmas}", lemmas == ["bird", "see", "run"] * 50 + ["run"])
                shown = programs.run("bin/wisp", "run", "-s", socket, name, "--text", "the birds").decode().split("\n")
                check(f"shown: {shown}", shown[1].split() == ["birds", "NOUN", "bird"])
        said = json.loads(programs.run("bin/wisp-forge", "eval", f"{name}.safetensors", "-D", "data", "--json"))
        check(f"tags: {said}", said["words"] == 40 * 6 and ("f1" in said) == (processing == "text.keywords"))
        plain = said["baseline"]
        check(f"plainly: {plain}", plain["accuracy"] < said["accuracy"] and ("f1" in plain) == ("f1" in said))
        said = json.loads(programs.run("bin/wisp-forge", "eval", f"{name}.safetensors", "-D", "data/test.tsv", "--json"))
        check(f"no training samples: {said}", "baseline" not in said)


def check_gists(programs):
    """Of a text the words that its gist would keep: here those behind "big"."""
    chance, names = random.Random(8), "storm river town bridge market school".split()
    os.makedirs(os.path.join(programs.folder, "data"))
    for split, count in (("train", 300), ("test", 30)):
        with open(os.path.join(programs.folder, "data", f"{split}.tsv"), "w", encoding="ascii") as file:
            for _ in range(count):
                text = [(chance.choice(("big", "old")), name) for name in chance.sample(names, 5)]
                gist = [name for word, name in text if word == "big"]
                file.write(f"{' '.join(word + ' ' + name for word, name in text)}\t{' '.join(gist) or 'nothing'}\n")
    build(programs, TAGGER.format("text.summarisation", 2).replace("[88]", "[110]"), "0.3")
    check_training(programs, "gists", "-e", "6", "-b", "16", "--rate", "0.02", least=0.99)
    said = programs.run("bin/wisp-forge", "eval", "gists.safetensors", "-D", "data").decode()
    check(f"gists: {said}", "the most probable 8 words: ROUGE-1 " in said and "the first 8 words: ROUGE-1 " in said)
    with serving(programs, "gists.safetensors") as socket:
        text = "big river, old market, big school. " * 2
        said = json.loads(programs.run("bin/wisp", "run", "-s", socket, "gists", "--text", text, "--json"))["gist"]
        check(f"gist: {said}", "," not in said and len(said.split()) == 8 and said.count("river") == said.count("school") == 2)


def main():
    for check_one in (check_pictures, check_texts, check_translator, check_words, check_labels, check_tags, check_gists):
        with tempfile.TemporaryDirectory() as folder:
            check_one(Programs(os.path.realpath(sys.argv[1]), folder))


if __name__ == "__main__":
    main()
