#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""wisp train in several processes, as mpirun starts them: what one process makes, to 1e-5; of candidates, to the byte; a checkpoint that another
number of ranks goes on from; Ctrl-C; a rank that fails or dies; two machines, each a network namespace (root alone can make them).

usage: ranks.py BUILD-FOLDER
"""
import contextlib
import json
import os
import random
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
from programs import Programs, check

SIDE, CLASSES, SAMPLES = 8, 4, 70
RECIPE = ("--epochs", "3", "--batch", "16", "--validation", "0.2", "--clip", "1", "--regrow", "rigl,every=3")

# When one has ended ill, mpirun waits so long, twice, before it kills the others.
PATIENCE = ["--mca", "odls_base_sigkill_timeout"]
MPIRUN = ["mpirun", "--oversubscribe", "--bind-to", "none", *PATIENCE, "0"]

# With a normalisation that is folded in the end, and what is dropped.
STRUCTURE = """\
name: small
processing: image.classification
input: [1, 8, 8]
layers:
  - conv2d: {channels: 6, kernel: 3, stride: 2, padding: 1}
  - batch_norm
  - relu
  - dropout: 0.2
  - linear: 4
  - softmax
"""


def write_idx(path, dimensions, data):
    with open(path, "wb") as file:
        file.write(struct.pack(">HBB", 0, 8, len(dimensions)) + b"".join(struct.pack(">I", d) for d in dimensions) + bytes(data))


def write_data(folder):
    """Which quadrant is brighter, under noise."""
    chance = random.Random(3)
    os.makedirs(folder)
    labels = [chance.randrange(CLASSES) for _ in range(SAMPLES)]
    pixels = [chance.randrange(160) + 60 * (y // 4 * 2 + x // 4 == label) for label in labels for y in range(SIDE) for x in range(SIDE)]
    write_idx(os.path.join(folder, "train-images-idx3-ubyte"), (SAMPLES, SIDE, SIDE), pixels)
    write_idx(os.path.join(folder, "train-labels-idx1-ubyte"), (SAMPLES,), labels)


def read_weights(path):
    with open(path, "rb") as file:
        data = file.read()
    size = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + size])
    tensors = {}
    for name, tensor in header.items():
        if name != "__metadata__" and tensor["dtype"] == "F32":
            begin, end = tensor["data_offsets"]
            tensors[name] = struct.unpack(f"<{(end - begin) // 4}f", data[8 + size + begin:8 + size + end])
    return tensors


def distance(one, other):
    a, b = read_weights(one), read_weights(other)
    check("the same tensors", a.keys() == b.keys() and a)
    return max(abs(x - y) for name in a for x, y in zip(a[name], b[name], strict=True))


class Ranks(Programs):
    """And mpirun, whose processes are this user's, be it root."""

    def __init__(self, build, folder):
        super().__init__(build, folder)
        self.environment.update(OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1", TMPDIR="/tmp")
        self.forge = os.path.join(build, "bin/wisp-forge")

    def command(self, model, out, *words, data="data"):
        return [self.forge, "train", model, "-D", data, "--no-history", "--threads", "1", "--json", "--name", "t", "-o", out, *words]

    def path(self, name):
        return os.path.join(self.folder, name)

    def start(self, *words):
        environment = dict(self.environment)
        if words[0] != self.forge:  # Open MPI leaves memory behind; AddressSanitizer looks for ours in what runs alone
            environment["ASAN_OPTIONS"] = ":".join(filter(None, (environment.get("ASAN_OPTIONS"), "detect_leaks=0")))
        return subprocess.Popen(words, cwd=self.folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def end(self, process):
        try:
            out, error = process.communicate(timeout=120)
        except subprocess.TimeoutExpired:
            process.terminate()  # mpirun ends its own
            out, error = process.communicate()
            sys.exit(f"FAIL {process.args} does not end: {error}")
        return process.returncode, out, error

    def launch(self, count, *words):
        """Of a run that is to succeed: what it prints."""
        status, out, error = self.end(self.start(*MPIRUN, "-n", str(count), *words))
        check(f"{count} ranks: exit {status}: {error}", status == 0)
        return out

    def alone(self, *words):
        status, _, error = self.end(self.start(*words))
        check(f"exit {status}: {error}", status == 0)


def test_a_network(ranks):
    """Trained on, stopped, and gone on with by another number of ranks; all by one rank in one go."""
    ranks.alone(*ranks.command("normal.safetensors", "one.safetensors", *RECIPE))
    for count in (4, 2):
        said = ranks.launch(count, *ranks.command("normal.safetensors", "more.safetensors", *RECIPE))
        check(f"{count} ranks come to what one comes to", distance(ranks.path("one.safetensors"), ranks.path("more.safetensors")) <= 1e-5)
    check("one of them speaks", said.count('"event":"done"') == 1 and said.count('"event":"epoch"') == 3)
    ranks.launch(3, *ranks.command("normal.safetensors", "part.safetensors", *RECIPE, "--until-accuracy", "0.01", "--checkpoint", "kept"))
    check("three ranks stop early", distance(ranks.path("one.safetensors"), ranks.path("part.safetensors")) > 1e-5)
    ranks.alone(*ranks.command("normal.safetensors", "rest.safetensors", *RECIPE, "--resume", "kept"))
    check("one rank goes on from three", distance(ranks.path("one.safetensors"), ranks.path("rest.safetensors")) <= 1e-5)


def test_candidates(ranks):
    """The best of four is the fourth, which the second rank trains; its connections are exchanged meanwhile."""
    words = ("--epochs", "2", "--batch", "16", "--validation", "0.3", "--candidates", "4", "--seed", "4", "--regrow", "set,every=3")
    ranks.alone(*ranks.command("plain.safetensors", "alone.safetensors", *words))
    said = ranks.launch(2, *ranks.command("plain.safetensors", "spread.safetensors", *words))
    done = json.loads(said.strip().splitlines()[-1])
    check(f"the best is another rank's: seed {done['seed']}", done["seed"] % 2 == 0)
    with open(ranks.path("alone.safetensors"), "rb") as alone, open(ranks.path("spread.safetensors"), "rb") as spread:
        check("the same file", alone.read() == spread.read())


def test_a_rank_that_fails(ranks):
    """Rank 1 has no data, or other data: it says so, and mpirun ends with its status. So it does when all fail."""
    shutil.copytree(ranks.path("data"), ranks.path("other"))
    with open(ranks.path("other/train-images-idx3-ubyte"), "r+b") as file:
        file.seek(500)
        file.write(b"\xff")
    for data, said in (("nowhere", "rank 1: cannot open nowhere"), ("other", 'rank 1: not the same as on the first rank: "data"')):
        own = ranks.command("plain.safetensors", "failed.safetensors", data=data)
        first = ranks.command("plain.safetensors", "failed.safetensors")
        status, _, error = ranks.end(ranks.start(*MPIRUN, "-n", "1", *first, ":", "-n", "1", *own))
        check(f"{data}: exit {status}: {error}", status == 65 and said in error)
    status, _, error = ranks.end(ranks.start(*MPIRUN, "-n", "2", *first, "--candidates", "4", "--halving"))
    check(f"what none can do: exit {status}: {error}", status == 2 and "--halving is for one process" in error)
    # The third has no candidate, and waits for what the others have found.
    status, _, error = ranks.end(ranks.start(*MPIRUN, "-n", "3", *first, "--candidates", "2", "--validation", "0.3", "--rate", "1000", "--warmup", "0",
                                             "--momentum", "0.99", "--decay", "0.9", "--batch", "1", "--epochs", "6"))
    check(f"what diverges: exit {status}: {error}", status == 1 and "the loss is no number any more" in error)
    check("nothing is written", not os.path.exists(ranks.path("failed.safetensors")))


def test_a_signal(ranks):
    """Ctrl-C is mpirun's, which passes it on; and what one rank gets, all heed. What there is is saved."""
    for who, patience in (("mpirun", "2"), ("rank", "0")):
        own = ranks.command("plain.safetensors", f"{who}.safetensors", "--epochs", "1000000", "--quiet", "--checkpoint", who)
        # Each says its process in a file of its own: what stands on stderr, mpirun may have said.
        words = ["sh", "-c", f'echo $$ >{who}.$OMPI_COMM_WORLD_RANK; exec "$@"', "sh", *own]
        process = ranks.start(*MPIRUN[:-1], patience, "-n", "2", *words)
        while not os.path.exists(ranks.path(who)): # which both have come to
            check("it trains", process.poll() is None)
            time.sleep(0.01)
        with open(ranks.path(f"{who}.1"), encoding="ascii") as file:
            second = int(file.read())
        os.kill(process.pid if who == "mpirun" else second, signal.SIGINT)
        status, _, error = ranks.end(process)
        check(f"{who}: exit {status}: {error}", status == 130 if who == "rank" else status)
        check(f"{who} is saved", os.path.exists(ranks.path(f"{who}.safetensors")))


@contextlib.contextmanager
def namespaces(count):
    """So many, with a wire between the first two. None where they cannot be made."""
    names = [f"wisp{os.getpid()}x{i}" for i in range(count)]
    ip = lambda *words: subprocess.run(["ip", *words], check=True, capture_output=True)
    try:
        for name in names:
            ip("netns", "add", name)
            ip("-n", name, "link", "set", "lo", "up")
        ip("link", "add", "wire", "netns", names[0], "type", "veth", "peer", "name", "wire", "netns", names[1])
        for i, name in enumerate(names):
            ip("-n", name, "addr", "add", f"10.77.1.{i + 1}/24", "dev", "wire")
            ip("-n", name, "link", "set", "wire", "up")
            ip("netns", "exec", name, "true")
        made = names
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"ranks: no network namespaces here ({error}); two machines are not tried")
        made = None
    try:
        yield made
    finally:
        for name in names:
            with contextlib.suppress(OSError):
                subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)


def test_two_machines(ranks):
    """An agent stands for ssh: it runs what mpirun wants to run on the other host in the other namespace."""
    with namespaces(2) as names:
        if not names:
            return
        with open(ranks.path("agent"), "w", encoding="utf-8") as file:
            file.write(f'#!/bin/sh\nshift\nexec ip netns exec {names[1]} sh -c "$*"\n')
        os.chmod(ranks.path("agent"), 0o755)
        wire = ["--mca", "btl", "tcp,self", "--mca", "btl_tcp_if_include", "wire", "--mca", "oob_tcp_if_include", "wire"]
        status, _, error = ranks.end(
            ranks.start("ip", "netns", "exec", names[0], *MPIRUN, "-n", "2", "--host", "10.77.1.1:1,10.77.1.2:1", "--mca", "plm", "rsh", "--mca",
                        "plm_rsh_agent", ranks.path("agent"), *wire, "-wdir", ranks.folder,
                        *ranks.command("normal.safetensors", "far.safetensors", *RECIPE)))
        check(f"two namespaces: exit {status}: {error}", status == 0)
        check("two machines come to what one comes to", distance(ranks.path("one.safetensors"), ranks.path("far.safetensors")) <= 1e-5)


def main():
    with tempfile.TemporaryDirectory() as folder:
        ranks = Ranks(os.path.abspath(sys.argv[1]), folder)
        write_data(ranks.path("data"))
        with open(ranks.path("small.yaml"), "w", encoding="utf-8") as file:
            file.write(STRUCTURE)
        ranks.run("bin/wisp-forge", "build", "--structure", "small.yaml", "-d", "0.5", "-o", "normal.safetensors")
        ranks.run("bin/wisp-forge", "build", "--layers", "64-24-4", "-d", "0.4", "--processing", "image.classification", "-o", "plain.safetensors")
        check("it says so", b", with Open MPI v" in ranks.run("bin/wisp-forge", "--version"))
        for test in (test_a_network, test_candidates, test_a_rank_that_fails, test_a_signal, test_two_machines):
            test(ranks)
    print("ranks: all as one")


if __name__ == "__main__":
    main()
