# SPDX-License-Identifier: Apache-2.0
"""Runs of a figure: built, trained, measured, and a line of its CSV file each.

A run is done when its line is there, with the digest of the recipe that it is of: another recipe is another run. Before that, what it has
come to stands in files of its own: the network, a checkpoint, the trained model, and the trainer's JSON lines, from which a run that was
stopped at any moment goes on to the same bits. A lock that its programs inherit keeps two from working on one run; so the
command may be started twice, and shares the work."""
import csv
import fcntl
import hashlib
import io
import json
import os
import subprocess

import sets
import stopping
from figures import Run, method_of

FIELDS = ["size", "method", "sparsity", "seed", "connections", "potential", "train_accuracy", "test_accuracy", "test_loss", "all_accuracy",
          "kernels", "wisp", "recipe"]


def build_command(figure, run):
    media = {"mean": 0.5, "deviation": 0.5, **figure.media}
    return ["build", *method_of(run).build, "-S", str(run.seed), "-m", json.dumps(media), "--no-history"]


def train_command(figure, run):
    blas = ["--blas"] if run.method == "dense" and "conv2d" not in figure.network(run.size) else []
    return ["train", "-p", "image.classification", *figure.recipe(run.size, run.method), *method_of(run).train, *blas, "-e", str(figure.epochs), "-S", str(run.seed),
            "--validation", "0", "--keep", "last", "--candidates", "1", "--no-history", "--json"]


def digest(figure, run):
    """Of all that makes its result: eight letters that change when a figure's table does."""
    words = [figure.network(run.size), *build_command(figure, run), *train_command(figure, run), figure.data]
    return hashlib.sha256("\0".join(words).encode()).hexdigest()[:8]


class Table:
    """A figure's CSV file: a line a run, in the order of the figure's table, whoever wrote them."""

    def __init__(self, path, figure, lock):
        self.path, self.figure, self.lock = path, figure, lock

    def read(self):
        rows = {}
        if not os.path.exists(self.path):
            return rows
        digests = {run: digest(self.figure, run) for run in self.figure.runs}
        with open(self.path, newline="", encoding="utf-8") as file:
            for number, row in enumerate(csv.DictReader(file), 2):
                try:
                    run = next((r for r in digests if self.names(r) == [row[f] for f in Run._fields]), None)
                    if run and digests[run] == row["recipe"]:
                        float(row["test_accuracy"])
                        rows[run] = row
                except (KeyError, TypeError, ValueError):
                    raise SystemExit(f"bench_claim: {self.path}:{number}: not a line of this table; remove it, and its run is made again")
        return rows

    @staticmethod
    def names(run):
        return [str(value) for value in run]

    def add(self, run, row):
        with open(self.lock, "w", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            rows = {**self.read(), run: row}
            text = io.StringIO()
            writer = csv.DictWriter(text, FIELDS, lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows[r] for r in self.figure.runs if r in rows)
            with open(f"{self.path}.part", "w", encoding="utf-8") as file:
                file.write(text.getvalue())
                file.flush()
                os.fsync(file.fileno())
            os.rename(f"{self.path}.part", self.path)

    def missing(self):
        rows = self.read()
        return [run for run in self.figure.runs if run not in rows]


class Failed(Exception):
    """A run that could not be made, as where --prune would leave a layer no connection; others may."""


class Runner:
    def __init__(self, options, figure, table):
        self.forge, self.threads, self.wisp = options.forge, options.threads, options.wisp
        self.figure, self.table = figure, table
        self.work = os.path.join(options.work, options.figure)
        os.makedirs(self.work, exist_ok=True)
        self.data = sets.prepare(figure.data, options.data, options.work)
        self.every = sets.prepare("fashion", options.data, options.work) if "all" in figure.tests else None

    def path(self, run, what):
        name = "-".join(str(word) for word in run).replace(" ", "-")
        return os.path.join(self.work, f"{name}-{digest(self.figure, run)}.{what}")

    def call(self, words, to, lock):
        """Runs wisp-forge to its end. A signal ends it as its user would, and it keeps what it has."""
        with stopping.running([self.forge, *words], stdout=to, pass_fds=[lock.fileno()]) as child:
            said, _ = child.communicate()
        if child.returncode:
            raise Failed(f"wisp {words[0]} ended with {child.returncode}; the run was: {' '.join(words)}")
        return said

    def trained(self, run):
        """What the trainer said at its end; None before that, or when it was stopped."""
        if not (os.path.exists(self.path(run, "jsonl")) and os.path.exists(self.path(run, "trained"))):
            return None
        with open(self.path(run, "jsonl"), encoding="utf-8") as file:
            lines = [json.loads(line) for line in file if line.endswith("}\n")]
        ends = [line for line in lines if line["event"] == "done" and not line["interrupted"]]
        starts = [line for line in lines if line["event"] == "start"]
        return {**starts[-1], **ends[-1]} if ends and starts else None

    def train(self, run, lock):
        """From the network, or the last checkpoint, to the trained model and its JSON lines."""
        if not os.path.exists(self.path(run, "built")):
            with open(self.path(run, "yaml"), "w", encoding="utf-8") as file:
                file.write(self.figure.network(run.size))
            self.call([*build_command(self.figure, run), "--structure", self.path(run, "yaml"), "-o", self.path(run, "built")],
                      subprocess.PIPE, lock)
        checkpoint = self.path(run, "checkpoint")
        resume = ["--resume", checkpoint] if os.path.exists(checkpoint) else []
        with open(self.path(run, "jsonl"), "ab" if resume else "wb") as lines:
            self.call([*train_command(self.figure, run), self.path(run, "built"), "-D", self.data, "-t", str(self.threads), "--checkpoint",
                       checkpoint, "--checkpoint-every", "minutes=1", *resume, "-o", self.path(run, "trained")], lines, lock)

    def measure(self, run, data, lock):
        return json.loads(self.call(["eval", self.path(run, "trained"), "-D", data, "-t", str(self.threads), "--json"], subprocess.PIPE, lock))

    def row(self, run, lock):
        if not self.trained(run):
            self.train(run, lock)
        end, measured = self.trained(run), self.measure(run, self.data, lock)
        every = self.measure(run, self.every, lock) if "all" in self.figure.tests else None
        row = dict(zip(FIELDS, Table.names(run)))
        row.update(connections=end["connections"], potential=end["potential"], train_accuracy=f"{end['accuracy']:.4f}",
                   test_accuracy=f"{measured['accuracy']:.6g}", test_loss=f"{measured['loss']:.4f}", kernels=end["kernels"],
                   all_accuracy=f"{every['accuracy']:.6g}" if every else "", wisp=self.wisp, recipe=digest(self.figure, run))
        return row

    def make(self, run):
        """Its row, once it is in the table; None when another is at it, or was."""
        with open(self.path(run, "lock"), "w", encoding="utf-8") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return None
            if run not in self.table.missing():
                return None
            row = self.row(run, lock)
            self.table.add(run, row)
            for what in ("yaml", "built", "checkpoint", "trained", "lock"):
                if os.path.exists(self.path(run, what)):
                    os.unlink(self.path(run, what))
            return row
