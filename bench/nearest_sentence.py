#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How good a translation is that is the nearest training sentence's, and one that is another person's: BLEU by sacrebleu, of PyPI.

usage: nearest_sentence.py FOLDER [13a|zh]

FOLDER has train.tsv and test.tsv, a source and a target a line. Nearest is the sentence with the highest cosine of its words and
punctuation, each once, weighted by the logarithm of how rare it is (idf); of equal ones the first. Texts are NFKC, as a vocabulary reads them back.
Another person's: of sources that have several targets, in either file, each target is held against each other one.
"""
import math
import os
import re
import sys
import unicodedata
from collections import Counter, defaultdict

import sacrebleu


def read(path):
    with open(path, encoding="utf-8") as file:
        return [unicodedata.normalize("NFKC", line.rstrip("\n")).split("\t")[:2] for line in file]


def words_of(text):
    return set(re.findall(r"\w+|[^\w\s]", text.lower()))


def others(pairs):
    """Answers and what they are held against: all ordered pairs of two targets of one source."""
    targets = defaultdict(dict)
    for source, target in pairs:
        targets[source][target] = True
    return [(answer, target) for each in targets.values() for answer in each for target in each if answer != target]


def bleu(answers, targets, tokens):
    return sacrebleu.corpus_bleu(answers, [targets], tokenize=tokens).score


def main():
    train, test = (read(os.path.join(sys.argv[1], split + ".tsv")) for split in ("train", "test"))
    tokens = sys.argv[2] if len(sys.argv) > 2 else "13a"
    known = [words_of(source) for source, _ in train]
    seen = Counter(word for words in known for word in words)
    weight = {word: math.log(len(train) / count) ** 2 for word, count in seen.items()}
    norm = [math.sqrt(sum(weight[word] for word in words)) or 1 for words in known]
    having = defaultdict(list)
    for i, words in enumerate(known):
        for word in words:
            having[word].append(i)
    answers = []
    for source, _ in test:
        score = defaultdict(float)
        for word in sorted(words_of(source) & seen.keys()):
            for i in having[word]:
                score[i] += weight[word]
        answers.append(train[max(sorted(score), key=lambda i: score[i] / norm[i], default=0)][1])
    print(f"nearest: BLEU {bleu(answers, [target for _, target in test], tokens):.2f} ({tokens})")
    several = others(train + test)
    if several:
        print(f"another person's: BLEU {bleu(*zip(*several), tokens):.2f}, of {len(several)} pairs of targets")


if __name__ == "__main__":
    main()
