# SPDX-License-Identifier: Apache-2.0
"""A structure of the database: built, trained until its loss has fallen, served by a daemon and asked: a line of structures.csv.

A line counts while the structure and the recipe are the same, of which it has digests; so what is done is not done again. A training that was stopped at any moment
goes on from its checkpoint. A lock that the programs inherit keeps two from working on one structure."""
import contextlib
import csv
import fcntl
import hashlib
import io
import json
import os
import pathlib
import signal
import struct
import subprocess
import time

import data
import stopping

FIELDS = ["structure", "processing", "connections", "potential", "data", "bytes_needed", "updates", "seconds", "loss_before", "loss_after", "asked", "numbers",
          "different", "wisp", "digest"]
SPARSITY, BATCH, EPOCHS, FALL = 0.9, 8, 300, 0.2
BUILD = ["--method", "erk", "-s", str(SPARSITY), "-S", "1", "--no-history"]
TRAIN = ["--optimizer", "adamw", "--rate", "0.002", "--decay", "0", "--schedule", "constant", "--warmup", "0", "--balance", "none", "--augment", "none",
         "--validation", "0", "--keep", "last", "--candidates", "1", "-b", str(BATCH), "-e", str(EPOCHS), "-S", "1", "--no-history", "--json"]


def digest(structure):
    words = [structure["hash"], *BUILD, *TRAIN]
    return hashlib.sha256("\0".join(words).encode()).hexdigest()[:8]


class Table:
    """Lines by structure, in the order of the list that it is given."""

    def __init__(self, path):
        self.path = path

    def read(self):
        if not os.path.exists(self.path):
            return {}
        with open(self.path, newline="", encoding="utf-8") as file:
            return {row["structure"]: row for row in csv.DictReader(file)}

    def add(self, row, order):
        with open(f"{self.path}.lock", "w", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            rows = {**self.read(), row["structure"]: row}
            text = io.StringIO()
            writer = csv.DictWriter(text, FIELDS, lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows[name] for name in order if name in rows)
            with open(f"{self.path}.part", "w", encoding="utf-8") as file:
                file.write(text.getvalue())
                file.flush()
                os.fsync(file.fileno())
            os.rename(f"{self.path}.part", self.path)
        os.unlink(f"{self.path}.lock")


def bytes_needed(cost):
    """Of a training in our batches: what it says of its own, less the values and gradients of the samples that it has more."""
    return int(cost["train_bytes"] - 8 * cost["neurons"] * (cost["batch"] - BATCH))


def bytes_here():
    with open("/proc/meminfo", encoding="ascii") as file:
        return next(int(line.split()[1]) << 10 for line in file if line.startswith("MemAvailable"))


def read_built(path):
    """The shape of its first input, and the outputs of its last layer with weights."""
    with open(path, "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
    about = header["__metadata__"]
    shape = json.loads(about["wisp.input"]) if "wisp.input" in about else json.loads(about["wisp.inputs"])[0]["shape"]
    last = [layer["name"] for layer in json.loads(about["wisp.graph"]) if f"{layer['name']}.weight.crow_indices" in header][-1]
    return {"input": shape, "outputs": header[f"{last}.weight.crow_indices"]["shape"][0] - 1}


class Runner:
    def __init__(self, binaries, database, samples, work, threads):
        """`samples`: the folder of data sets, or None."""
        self.binaries, self.database, self.samples, self.work, self.threads = pathlib.Path(binaries), database, samples, pathlib.Path(work), threads
        self.work.mkdir(parents=True, exist_ok=True)
        self.environment = dict(os.environ, WISP_DB=str(database))

    def call(self, program, *words):
        done = subprocess.run([self.binaries / program, *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=self.environment, check=False, text=True, process_group=0)
        if done.returncode:
            raise SystemExit(f"bench_structures: {program} {' '.join(map(str, words))}: exit {done.returncode}: {done.stderr}{done.stdout}")
        return done.stdout

    def structures(self):
        return json.loads(self.call("bin/wisp-forge", "structure", "list", "--json"))

    def cost(self, name):
        return json.loads(self.call("bin/wisp-forge", "build", "--structure", name, *BUILD, "--json"))

    def path(self, name, what):
        """Of other samples, or by another recipe, it is another."""
        return self.work / f"{name}-{hashlib.sha256(repr((BUILD, TRAIN, bool(self.samples))).encode()).hexdigest()[:8]}.{what}"

    def kind_for(self, structure):
        built = self.path(structure["name"], "built")
        if not built.exists():
            self.call("bin/wisp-forge", "build", "--structure", structure["name"], *BUILD, "-n", structure["name"], "-o", built)
        shape = read_built(built)
        return data.kind_for({**structure, **shape}, self.samples), shape["outputs"]

    def events(self, name):
        path = self.path(name, "jsonl")
        if not path.exists():
            return []
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.endswith("}")]

    def train(self, name, told, lock):
        """Goes on until the loss has fallen, then ends it as its user would."""
        checkpoint, kept = self.path(name, "checkpoint"), []
        if lacks_an_epoch(self.events(name)):
            checkpoint.unlink(missing_ok=True)
        if checkpoint.exists():
            kept = ["--resume", checkpoint]
        else:
            self.path(name, "jsonl").unlink(missing_ok=True)
        words = ["train", self.path(name, "built"), *told, *TRAIN, "--checkpoint", checkpoint, *kept, "-o", self.path(name, "trained")]
        losses = losses_of(self.events(name))
        with open(self.path(name, "jsonl"), "a", encoding="utf-8") as said, \
                stopping.running([self.binaries / "bin/wisp-forge", *words], stdout=subprocess.PIPE, env=self.environment, text=True, pass_fds=[lock.fileno()]) as child:
            for line in child.stdout:
                said.write(line)
                said.flush()
                losses += losses_of([json.loads(line)])
                if falls(losses):
                    stopping.end(child)
        if child.returncode not in (0, 130):
            raise SystemExit(f"bench_structures: wisp {' '.join(map(str, words))}: exit {child.returncode}")

    def is_trained(self, name):
        """To its end, or until the loss had fallen: what its user stops before that is saved, too."""
        events = self.events(name)
        return self.path(name, "trained").exists() and not lacks_an_epoch(events) and \
            (falls(losses_of(events)) or any(event["event"] == "done" and not event["interrupted"] for event in events))

    @contextlib.contextmanager
    def serving(self, name):
        """A daemon with the model: its socket."""
        socket = self.path(name, "socket")
        with subprocess.Popen([self.binaries / "bin/wispd", "-s", socket, "-l", "error", "-m", self.path(name, "trained")], env=self.environment, process_group=0) as daemon:
            try:
                while subprocess.run([self.binaries / "bin/wisp", "ping", "-s", socket], capture_output=True, env=self.environment, check=False).returncode:
                    if daemon.poll() is not None:
                        raise SystemExit(f"bench_structures: {name}: wispd: exit {daemon.returncode}")
                    time.sleep(0.02)
                yield socket
            finally:
                daemon.send_signal(signal.SIGTERM)

    def compare(self, name, told):
        with self.serving(name) as socket:
            done = subprocess.run([self.binaries / "bench/bench_same_answers", self.path(name, "trained"), *told, "--socket", socket], stdout=subprocess.PIPE, env=self.environment, check=False,
                                  text=True, process_group=0)
        if not done.stdout:
            raise SystemExit(f"bench_structures: {name}: the comparison ended with {done.returncode}")
        same = json.loads(done.stdout)
        return {"asked": same["samples"], "numbers": same["numbers"], "different": same["different"]}

    def row(self, structure, lock):
        name = structure["name"]
        cost = self.cost(name)
        row = dict.fromkeys(FIELDS, "") | {"structure": name, "processing": structure["processing"], "connections": cost["connections"],
                                           "potential": structure["potential"], "bytes_needed": bytes_needed(cost["cost"])}
        if row["bytes_needed"] > bytes_here():
            return row
        kind, outputs = self.kind_for(structure)
        folder, row["data"] = data.prepare(kind, self.samples, self.work)
        told = ["--data", folder, *kind.options, "-t", str(self.threads)]
        labels = data.write_labels(kind, folder, outputs)
        told += ["--labels", labels] if labels else []
        for _ in range(2):  # where an epoch turns out to be lacking, all of it again
            if not self.is_trained(name):
                self.train(name, told, lock)
        return row | trained(self.events(name)) | self.compare(name, told)

    def make(self, structure, table, order, commit):
        """Its row, once it is in the table; None when another is at it, or was."""
        name = structure["name"]
        with open(self.path(name, "lock"), "w", encoding="utf-8") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return None
            row = self.row(structure, lock) | {"wisp": commit}
            row["digest"] = digest(structure)
            table.add(row, order)
            for what in ("built", "checkpoint", "trained", "jsonl", "lock"):
                self.path(name, what).unlink(missing_ok=True)
            return row


def epochs_of(events):
    """Each once: whoever is killed between a line and its checkpoint goes through that epoch again, to the same bits."""
    return [event for _, event in sorted({event["epoch"]: event for event in events if event["event"] == "epoch"}.items())]


def lacks_an_epoch(events):
    """As when whoever was to write it down was killed between a checkpoint and that."""
    epochs = epochs_of(events)
    return [event["epoch"] for event in epochs] != list(range(1, len(epochs) + 1))


def losses_of(events):
    return [event["loss"] for event in epochs_of(events)]


def falls(losses):
    """After how many epochs it has fallen by a fifth of what it was after the first; one that counts decibels may be below 0. 0: it has not."""
    return next((number for number, loss in enumerate(losses, 1) if loss <= losses[0] - FALL * abs(losses[0])), 0)


def trained(events):
    """Up to the end of the epoch in which it had fallen; else all of it."""
    epochs, losses = epochs_of(events), losses_of(events)
    count = falls(losses) or len(losses)
    steps = -(-events[0]["samples"] // BATCH)
    return {"updates": count * steps, "seconds": f"{sum(event['seconds'] for event in epochs[:count]):.3g}", "loss_before": f"{losses[0]:.5g}",
            "loss_after": f"{losses[count - 1]:.5g}"}
