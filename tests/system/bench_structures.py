#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""bench_structures on what examples/ has: killed at random moments it ends in the table of an undisturbed run; its picture says what was not made; and the
comparison that it makes tells another model's answers from the right ones. Usage: bench_structures.py BUILD-FOLDER"""
import csv
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as tree

sys.dont_write_bytecode = True
from programs import Programs, check, serving, stop_session  # noqa: E402

SOURCE = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = pathlib.Path(sys.argv[1]).resolve()
STRUCTURES = ("cnn-28-w16", "compress-8-w64", "keyword-gru-w64", "ngram-4096-128-20", "resnet-upscale-x2-w32", "sound-denoise-w32", "text-tagger-w128-17", "text-translator-2-w96-3k")
STOPS = 4


def start(folder, *more):
    words = [sys.executable, SOURCE / "bench" / "bench_structures", "--binaries", BUILD, "--wisp", "test", "--results", f"{folder}/results", "--work", f"{folder}/work"]
    for name in STRUCTURES:
        words += ["--only", name]
    environment = {key: value for key, value in os.environ.items() if key not in ("WISP_DATA", "WISP_DB", "WISP_CPU")}
    return subprocess.Popen([*words, *more], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, start_new_session=True)


def run(folder, *more):
    process = start(folder, *more)
    said, errors = process.communicate()
    return process.returncode, said.decode(), errors.decode()


def table(folder):
    """All but how long it took."""
    with open(f"{folder}/results/structures.csv", newline="", encoding="utf-8") as file:
        return [{key: value for key, value in row.items() if key not in ("seconds", "bytes_needed")} for row in csv.DictReader(file)]


def are_alike(row, other):
    """A training is ended by a signal, which may find it an update further; what follows from that is no difference."""
    later = () if row["updates"] == other["updates"] else ("updates", "loss_after", "numbers")
    return all(row[key] == other[key] for key in row if key not in later)


def stopped_runs_end_the_same(top, whole, seconds):
    folder, stops = f"{top}/stopped", 0
    while stops < STOPS:
        process = start(folder)
        time.sleep(random.uniform(0, seconds / 2))
        stops += 1 if stop_session(process, random.choice([signal.SIGKILL, signal.SIGTERM]))[1] else STOPS
    status, _, errors = run(folder)
    check(f"after it was stopped: {status}, {errors}", status == 0)
    check(f"stopped and gone on: {table(folder)}, and not {whole}", len(table(folder)) == len(whole) and all(map(are_alike, table(folder), whole)))


def one_that_was_not_written_down_is_made_again(top, whole):
    """Killed between a checkpoint and the line of its epoch."""
    folder = f"{top}/lacking"
    process = start(folder)
    while process.poll() is None:
        found = [path for path in pathlib.Path(folder, "work").glob("*.checkpoint") if path.with_suffix(".jsonl").exists()]
        if found:
            break
        time.sleep(0.002)
    stop_session(process, signal.SIGKILL)
    check("a training is stopped in the middle", found and found[0].exists())
    lines = found[0].with_suffix(".jsonl")
    lines.write_text("".join(line + "\n" for line in lines.read_text().splitlines() if '"event":"epoch"' not in line))
    status, _, errors = run(folder)
    check(f"after an epoch was lost: {status}, {errors}", status == 0)
    check(f"an epoch lost: {table(folder)}, and not {whole}", all(map(are_alike, table(folder), whole)))


def the_picture_says_what_is_missing(top):
    words = " ".join(tree.parse(f"{top}/whole/results/structures.svg").getroot().itertext())
    check(f"the picture says: {words}", f"{len(STRUCTURES)} of " in words and "not made yet: " in words)


def what_does_not_hold_ends_with_1(top):
    folder = shutil.copytree(f"{top}/whole", f"{top}/wrong")
    path = pathlib.Path(folder, "results/structures.csv")
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    rows[0]["different"] = "1"
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    status, _, errors = run(folder, "--draw")
    check(f"an answer that differs: {status}, {errors}", status == 1 and f"{rows[0]['structure']}: does not hold" in errors)


def other_answers_are_told(top):
    """The same structure from another seed, served by the same name."""
    programs = Programs(str(BUILD), top)
    data = os.path.join(top, "whole/work/grey_pictures-examples")
    for seed in "12":
        programs.run("bin/wisp-forge", "build", "--layers", "784-40-4", "-s", "0.5", "-S", seed, "-n", "net", "-p", "image.classification", "--no-history", "-o", f"{seed}.safetensors")
    with serving(programs, "1.safetensors") as socket:
        for seed, status in (("1", 0), ("2", 1)):
            done = subprocess.run([BUILD / "bench/bench_same_answers", f"{top}/{seed}.safetensors", "--data", data, "--socket", socket], capture_output=True, check=False)
            said = json.loads(done.stdout)
            check(f"seed {seed}: {done}", done.returncode == status and said["numbers"] == 32 and bool(said["different"]) == bool(status))


def main():
    with tempfile.TemporaryDirectory() as top:
        began = time.monotonic()
        status, said, errors = run(f"{top}/whole")
        seconds, whole = time.monotonic() - began, table(f"{top}/whole")
        check(f"a whole run: {status}, {errors}", status == 0 and len(said.splitlines()) == len(whole) == len(STRUCTURES))
        check("made again", run(f"{top}/whole")[1] == "" and table(f"{top}/whole") == whole)
        the_picture_says_what_is_missing(top)
        stopped_runs_end_the_same(top, whole, seconds)
        one_that_was_not_written_down_is_made_again(top, whole)
        what_does_not_hold_ends_with_1(top)
        other_answers_are_told(top)


main()
