#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""bench_claim on a figure of seconds: stopped at random moments by SIGKILL and SIGTERM, and once shared by two, it ends in the same table
as undisturbed; its picture names what is missing; a damaged table is refused. Usage: claim.py BUILD-FOLDER"""
import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as tree

SOURCE = pathlib.Path(__file__).resolve().parent.parent.parent
FORGE = pathlib.Path(sys.argv[1], "bin", "wisp-forge").resolve()
STOPS = 6
sys.path.insert(0, str(SOURCE / "bench" / "claim"))
sys.dont_write_bytecode = True
from programs import stop_session  # noqa: E402
import figures  # noqa: E402
import sets  # noqa: E402


def start(folder, *more):
    words = [sys.executable, SOURCE / "bench" / "bench_claim", "tiny", "--forge", FORGE, "--wisp", "test", "--results", f"{folder}/results",
             "--work", f"{folder}/work", *more]
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)


def run(folder, *more):
    process = start(folder, *more)
    said, errors = process.communicate()
    return process.returncode, said.decode(), errors.decode()


def stop(process, number):
    """Whether it was still at work, and said so."""
    _, status = stop_session(process, number)
    assert status in (0, 130, -number), status
    return status != 0


def table(folder):
    return pathlib.Path(folder, "results", "tiny.csv").read_text()


def stopped_runs_end_the_same(top, whole, seconds):
    stops = 0
    while stops < STOPS:
        folder = tempfile.mkdtemp(dir=top)
        while True:
            process = start(folder)
            time.sleep(random.uniform(0, seconds))
            if not stop(process, random.choice([signal.SIGKILL, signal.SIGTERM])):
                break
            stops += 1
        assert run(folder)[0] == 0 and table(folder) == whole, table(folder)


def two_share_the_runs(top, whole):
    folder = tempfile.mkdtemp(dir=top)
    both = [start(folder), start(folder)]
    lines = [line for process in both for line in process.communicate()[0].decode().splitlines()]
    assert [process.returncode for process in both] == [0, 0]
    assert run(folder)[0] == 0 and table(folder) == whole and len(lines) <= 3


def the_picture_names_what_is_missing(folder):
    assert run(folder, "--method", "dense", "--method", "er")[0] == 0
    words = " ".join(tree.parse(f"{folder}/results/tiny.svg").getroot().itertext())
    assert "2 of 3 runs" in words and "snip, 16: at 0.5 (seed 1)" in words, words
    assert "er at 50 %, 16, against dense" in words and "one seed" in words, words


def subsets_are_the_published_ones():
    """NumPy's own permutations with seed 0 begin so, and their first 5,000 and 1,000 have these sums."""
    generator = sets.numpy_generator(0)
    train, test = sets.numpy_shuffle(generator, 60000), sets.numpy_shuffle(generator, 8000)
    assert train[:5] == [3048, 19563, 58303, 8870, 40228] and sum(train[:5000]) == 150520325
    assert test[:5] == [5646, 3712, 1363, 5993, 6585] and sum(test[:1000]) == 4051005


def subsets_are_apart():
    """What a recipe is chosen on is no part of what the figure measures on, and is what its training samples end with."""
    parts = sets.SUBSETS["fashion-5k-held"]
    assert parts["train"] == ("train", 0, 4000) and parts["test"] == ("train", 4000, 5000)
    with tempfile.TemporaryDirectory() as top:
        os.mkdir(f"{top}/all")
        for split, count in (("train", 6000), ("test", 1500)):
            numbers = [number.to_bytes(4, "big") + bytes(780) for number in range(count)]
            sets.write(f"{top}/all", split, b"".join(numbers), bytes(count), (28, 28))
        for name in ("fashion-5k", "fashion-5k-held"):
            os.mkdir(f"{top}/{name}")
            sets.write_subset(f"{top}/all", f"{top}/{name}", sets.SUBSETS[name])
        five, held = ({split: [pictures[at:at + 784] for at in range(16, len(pictures), 784)] for split, file in sets.NAMES.items()
                       for pictures in [sets.read(f"{top}/{name}", f"{file}-images-idx3-ubyte")]} for name in ("fashion-5k", "fashion-5k-held"))
    assert held["train"] + held["test"] == five["train"] and len(held["test"]) == 1000 and len(five["test"]) == 1000


def what_decides_can_be_had_alone(folder):
    status, said, _ = run(folder, "--decisive", "--list")
    assert status == 0 and [json.loads(line)["method"] for line in said.splitlines()] == ["dense", "er"], said
    for name, figure in figures.FIGURES.items():
        assert len(set(figure.runs)) == len(figure.runs), f"{name} has a run twice"


def one_that_fails_leaves_the_others(folder):
    """As where --prune would leave a layer no connection."""
    os.makedirs(folder)
    forge = pathlib.Path(folder, "forge")
    forge.write_text(f'#!/bin/sh\ncase "$*" in *16-dense-*) echo no >&2; exit 65;; esac\nexec {FORGE} "$@"\n')
    forge.chmod(0o755)
    status, said, errors = run(folder, "--forge", str(forge))
    assert status == 1 and [json.loads(line)["method"] for line in said.splitlines()] == ["er", "snip"], (status, said)
    assert "ended with 65" in errors and "failed: 1 runs" in errors, errors
    words = " ".join(tree.parse(f"{folder}/results/tiny.svg").getroot().itertext())
    assert "2 of 3 runs" in words and "dense, 16" in words, words


def damage_is_refused(folder):
    path = pathlib.Path(folder, "results", "tiny.csv")
    path.write_text(path.read_text().replace(",0.", ",x.", 3))
    status, _, errors = run(folder)
    assert status == 1 and "tiny.csv:2: not a line of this table" in errors, errors


def main():
    subsets_are_the_published_ones()
    subsets_are_apart()
    os.environ["WISP_DB"] = "/nonexistent/s.db"
    with tempfile.TemporaryDirectory() as top:
        began = time.monotonic()
        status, said, errors = run(f"{top}/whole")
        seconds, whole = time.monotonic() - began, table(f"{top}/whole")
        assert status == 0 and len(said.splitlines()) == 3 and len(whole.splitlines()) == 4, errors
        assert run(f"{top}/whole")[1] == "" and table(f"{top}/whole") == whole # nothing is left to do
        the_picture_names_what_is_missing(f"{top}/part")
        stopped_runs_end_the_same(top, whole, seconds)
        two_share_the_runs(top, whole)
        what_decides_can_be_had_alone(f"{top}/none")
        one_that_fails_leaves_the_others(f"{top}/failing")
        damage_is_refused(f"{top}/whole")


main()
