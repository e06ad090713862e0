# SPDX-License-Identifier: Apache-2.0
"""The programs of a build in a scratch folder, for tests that go from a structure to an answer."""
import contextlib
import os
import pathlib
import signal
import struct
import subprocess
import sys
import time
import zlib


def png(rows, channels=3):
    """Rows of RGB or grey as a PNG."""
    chunk = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    header = struct.pack(">IIBBBBB", len(rows[0]) // channels, len(rows), 8, 2 if channels == 3 else 0, 0, 0, 0)
    data = zlib.compress(b"".join(b"\0" + bytes(row) for row in rows))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def check(what, holds):
    if not holds:
        sys.exit(f"FAIL {what}")


def session(leader):
    """The processes of a session, but for those that are gone and not waited for."""
    for entry in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            state, _, _, number = entry.joinpath("stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[:4]
            if number == str(leader) and state != "Z":
                yield int(entry.name)
        except OSError:
            pass


def stop_session(process, number):
    """By SIGKILL all of its processes at once, as a power cut would; by another signal its leader alone, as a person would, who then leaves none behind.
    What it said, and its status."""
    process.send_signal(number)  # first, so that it starts no other meanwhile
    if number == signal.SIGKILL:
        for pid in session(process.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
    process.wait(60)
    left = list(session(process.pid))
    check(f"after signal {number} these are left: {left}", number == signal.SIGKILL or not left)
    return process.communicate(), process.returncode


class Programs:
    """Of one build, in a scratch folder."""

    def __init__(self, build, folder):
        self.build, self.folder = build, folder
        self.environment = dict(os.environ, WISP_DB=os.path.join(folder, "structures.db"), LC_ALL="C.UTF-8")
        self.environment.pop("WISP_CPU", None)

    def run(self, program, *words, data=None, **more):
        done = subprocess.run([os.path.join(self.build, program), *words], input=data, cwd=self.folder, timeout=250,
                              env=dict(self.environment, **more), capture_output=True, check=False)
        if done.returncode:
            sys.exit(f"{program} {' '.join(words)}: exit {done.returncode}: {done.stderr.decode(errors='replace')}")
        return done.stdout

    def trained(self, model, out, *words, **more):
        """The bytes of what `model` becomes."""
        self.run("bin/wisp-forge", "train", model, "-D", "data", "--no-history", "-o", out, *words, **more)
        with open(os.path.join(self.folder, out), "rb") as file:
            return file.read()


@contextlib.contextmanager
def serving(programs, *models):
    """A wispd with some models: its socket."""
    socket = os.path.join(programs.folder, "socket")
    words = ["-s", socket, "-l", "error"]
    for model in models:
        words += ["-m", os.path.join(programs.folder, model)]
    with subprocess.Popen([os.path.join(programs.build, "bin/wispd"), *words], env=programs.environment) as daemon:
        try:
            ping = [os.path.join(programs.build, "bin/wisp"), "ping", "-s", socket]
            while subprocess.run(ping, env=programs.environment, capture_output=True, check=False).returncode:
                check("wispd did not come up", daemon.poll() is None)
                time.sleep(0.02)
            yield socket
        finally:
            daemon.send_signal(signal.SIGTERM)
    check(f"wispd: exit {daemon.returncode}", daemon.returncode == 0)
