# SPDX-License-Identifier: Apache-2.0
"""Our side of what is measured in turn with others: models that are built, and passes of them in a program beside this one."""
import os
import pathlib
import subprocess

import numpy

BINARY = pathlib.Path(os.environ.get("WISP_BINARY_DIR", pathlib.Path(__file__).resolve().parent.parent.parent / "build/release"))


class NotMade(Exception):
    """Wisp's program did not begin."""


def forge(*words):
    subprocess.run([BINARY / "bin/wisp-forge", *map(str, words)], check=True, stdout=subprocess.DEVNULL)


class Wisp:
    """A program of ours beside this one, that makes as many passes as it is told."""
    name = "wisp"

    def __init__(self, folder, path, samples, threads, cores, begin=lambda: None):
        given, answer = folder / "input", folder / "output"
        samples.tofile(given)

        def prepare():
            os.sched_setaffinity(0, cores)
            begin()

        words = [BINARY / "bench/bench_pass_one", path, len(samples), threads, given, answer]
        self.process = subprocess.Popen(list(map(str, words)), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, preexec_fn=prepare)
        if self.process.stdout.readline() != "ready\n":
            raise NotMade(f"bench_pass_one did not begin with {path}")
        self.answer = numpy.fromfile(answer, "float32")

    def measure(self, count):
        self.process.stdin.write(f"{count}\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        self.process.wait()
