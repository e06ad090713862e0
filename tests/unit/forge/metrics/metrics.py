#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Metrics of random texts against sacrebleu, rouge-score and jiwer, of PyPI; where they are not installed it says so, and 77.

usage: metrics.py PROGRAM
"""
import os
import random
import subprocess
import sys

try:
    import jiwer
    import sacrebleu
    from rouge_score import rouge_scorer
except ImportError as missing:
    if "WISP_METRICS_PYTHON" in os.environ:  # scripts/test has them there
        os.execv(python := os.environ.pop("WISP_METRICS_PYTHON"), [python, *sys.argv])
    print(f"skipped: {missing}; pip install sacrebleu rouge-score jiwer")
    sys.exit(77)

WORDS = "the The a an über naïve 日本 1,000.5 3-4 don't U.S. end. (so) \"q\" &amp; x&y 5% e.g. it's - -- ... a/b $9 [x] ~ ^_` @me #1 é,ü 试试吧。 他说:“3,5.2”，好！ ３ㄅ".split()


def texts(chance):
    wanted = [chance.choice(WORDS) for _ in range(chance.randrange(1, 14))]
    said = [chance.choice(WORDS) if chance.random() < 0.3 else word for word in wanted if chance.random() < 0.9]
    between = chance.choice(["", " "])
    return between.join(said or ["x"]), between.join(wanted)


def main():
    for seed in range(40):
        chance = random.Random(seed)
        said, wanted = zip(*(texts(chance) for _ in range(1 + seed)))
        ours = subprocess.run(sys.argv[1], input="".join(f"{a}\t{b}\n" for a, b in zip(said, wanted)), capture_output=True, text=True,
                              check=True).stdout
        scorer = rouge_scorer.RougeScorer(["rouge1", "rouge2", "rougeL"])
        rouge = [scorer.score(b, a) for a, b in zip(said, wanted)]
        theirs = [sacrebleu.corpus_bleu(said, [wanted]).score, sacrebleu.corpus_bleu(said, [wanted], tokenize="char").score]
        theirs += [sacrebleu.corpus_bleu(said, [wanted], tokenize="zh").score]
        theirs += [sum(score[key].fmeasure for score in rouge) / len(rouge) for key in ("rouge1", "rouge2", "rougeL")]
        theirs += [jiwer.wer(list(wanted), list(said)), jiwer.cer(list(wanted), list(said))]
        for a, b in zip(map(float, ours.split()), theirs, strict=True):
            if abs(a - b) > 1e-9 * max(1, abs(b)):
                sys.exit(f"seed {seed}: {ours.split()} instead of {theirs}")


if __name__ == "__main__":
    main()
