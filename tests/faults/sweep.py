#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Each allocation, and each call to the kernel, of a whole course fails in turn (docs/design/faults.md).

usage: sweep.py BUILD [--some N] [--seed S] [--record FILE] [--most N] [--only CALL]… [--but CALL]… [COURSE…]

COURSE: wispd (start, models, requests, reload, drain), libwisp, run (wisp run), build, train, eval; without any, all. With --some only so many faults, drawn by
the seed; else all, of a call to the kernel the first --most (50) of each kind and error, --but of none of these calls, or --only of these and no allocation. FILE has a line of JSON for each fault that was tried, and whoever names it
again goes on where it ends. Exits 1 when somebody crashed, hung, left something, said nothing or was wrong."""
import argparse
import collections
import json
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
LIMIT_S = 20  # longer is a hang
STEP_S = 0.1

# What the kernel can answer, by its manual pages.
ERRORS = {
    "accept4": ["EMFILE", "EINTR", "ENOMEM"], "bind": ["ENOMEM", "EACCES"], "clone": ["EAGAIN"], "clone3": ["EAGAIN", "ENOMEM"],
    "clock_nanosleep": ["EINTR"], "close": ["EIO"], "connect": ["EAGAIN", "EINTR"], "dup": ["EMFILE"], "dup3": ["EMFILE"],
    "epoll_create1": ["EMFILE", "ENOMEM"], "epoll_ctl": ["ENOMEM", "ENOSPC"], "epoll_pwait2": ["EINTR", "ENOSYS"], "epoll_wait": ["EINTR"],
    "eventfd2": ["EMFILE", "ENOMEM"], "execve": ["ENOMEM"], "fallocate": ["ENOSPC", "EINTR"], "fchmod": ["EPERM"], "fchmodat": ["EPERM"],
    "fcntl": ["EMFILE", "EPERM"], "fdatasync": ["EIO"], "flock": ["EINTR", "ENOMEM"], "fstat": ["ENOMEM"], "fsync": ["EIO", "ENOSPC"],
    "ftruncate": ["ENOSPC", "EINTR"], "futex": ["EINTR", "EAGAIN"], "getdents64": ["EIO"], "getpeername": ["ENOMEM"], "getrandom": ["EINTR", "ENOSYS"],
    "getsockname": ["ENOMEM"], "getsockopt": ["ENOMEM"], "io_uring_enter": ["EINTR", "EAGAIN", "EBUSY"], "io_uring_register": ["ENOMEM", "EINVAL"],
    "io_uring_setup": ["ENOMEM", "EPERM", "ENOSYS"], "ioctl": ["EIO"], "listen": ["ENOMEM"], "lseek": ["EINVAL"], "madvise": ["EAGAIN", "ENOMEM"],
    "membarrier": ["EPERM"], "memfd_create": ["EMFILE", "ENOMEM"], "mkdir": ["ENOSPC", "EACCES"], "mkdirat": ["ENOSPC"], "mmap": ["ENOMEM", "EAGAIN"],
    "mprotect": ["ENOMEM"], "mremap": ["ENOMEM"], "munmap": ["ENOMEM"], "newfstatat": ["ENOMEM", "EACCES"], "open": ["EMFILE", "ENOMEM"],
    "openat": ["EMFILE", "ENOMEM", "EINTR", "EACCES"], "openat2": ["EMFILE", "EAGAIN"], "pidfd_open": ["EMFILE", "ENOMEM"], "pipe2": ["EMFILE"],
    "poll": ["EINTR", "ENOMEM"], "ppoll": ["EINTR", "ENOMEM"], "prctl": ["EINVAL"], "pread64": ["EIO", "EINTR"], "prlimit64": ["EPERM"],
    "pwrite64": ["ENOSPC", "EIO"], "read": ["EIO", "EINTR"], "readlink": ["EACCES", "ENOMEM"], "recvfrom": ["EINTR", "ENOMEM"],
    "recvmsg": ["EINTR", "ENOMEM", "ECONNRESET"], "rename": ["ENOSPC", "EIO"], "renameat2": ["ENOSPC"], "rt_sigaction": ["EINVAL"],
    "sched_getaffinity": ["EPERM"], "sched_setaffinity": ["EINVAL"], "seccomp": ["EINVAL"], "sendmsg": ["EAGAIN", "ENOMEM", "EPIPE", "EINTR"],
    "sendto": ["EAGAIN", "ENOMEM", "EPIPE"], "setsockopt": ["ENOMEM"], "shutdown": ["ENOMEM"], "signalfd4": ["EMFILE", "ENOMEM"], "socket": ["EMFILE", "ENOMEM", "EACCES"],
    "socketpair": ["EMFILE"], "statx": ["ENOMEM", "EACCES"], "sysinfo": ["EPERM"], "timerfd_create": ["EMFILE", "ENOMEM"], "timerfd_settime": ["EINVAL"],
    "unlink": ["EIO", "EPERM"], "unlinkat": ["EIO"], "wait4": ["EINTR"], "waitid": ["EINTR"], "write": ["ENOSPC", "EIO", "EINTR"], "writev": ["ENOSPC", "EIO"],
}
# What could not be taken away, or given back, is left: there the fault itself leaves it.
LEAVES_FILES = {"unlink", "unlinkat", "rename", "renameat2"}
LEAVES_DESCRIPTORS = {"close", "munmap"}
# A thread's stack that glibc cannot give back ends the program, by abort() (nptl-stack.c): whose thread it was learns nothing of it.
C_LIBRARY_ABORTS = {"munmap"}
# A lock that was not taken stays: to remove what one does not hold would take it from under somebody else. What had been learned and could not be written
# where it was to be is kept, and its name said.
MAY_STAY = ("cache/", "state/", "wisp.sock.lock", "wisp-rescued-")

# What was wrong once, and is tried each time.
FOUND = {
    "wispd": [("allocation", "ENOMEM", range(1, 4))],
    "libwisp": [("epoll_ctl", "ENOMEM", range(1, 4)), ("mmap", "EAGAIN", range(1, 3)), ("fcntl", "EMFILE", range(1, 2))],
    "build": [("newfstatat", "EACCES", range(1, 8))],
    # The description of texts, and the lineage, read of a model that has them; about here, a few of many.
    "train": [("allocation", "ENOMEM", range(660, 730, 10)), ("allocation", "ENOMEM", range(2090, 2150, 10))],
}

Fault = collections.namedtuple("Fault", "what error number")


class Bed:
    """A folder with data, a model, and what all courses come to when nothing fails."""

    def __init__(self, build):
        self.bin, self.tools = build / "bin", build / "tests/bin"
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="faults."))
        self.data, self.model, self.answers = self.folder / "data.tsv", self.folder / "toy.safetensors", self.folder / "answers"
        self.said = self.folder / "said"
        draw = random.Random(7)
        rows = [[draw.random() for _ in range(3)] for _ in range(60)]
        self.data.write_text("".join(f"{'high' if sum(row) > 1.5 else 'low'}\t{' '.join(map(str, row))}\n" for row in rows))
        self.plain([self.bin / "wisp-forge", "build", "--layers", "512-24-2", "-s", "0.5", "-o", self.folder / "built.safetensors", "--no-history"])
        self.plain([self.bin / "wisp-forge", "train", self.folder / "built.safetensors", "--data", self.data, "-p", "text.classification", "--epochs", "1", "-t", "1", "-o", self.model, "--no-history"])

    def plain(self, words):
        done = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=60, env=self.environment(self.folder))
        if done.returncode:
            sys.exit(f"{words}: {done.stderr}")
        return done

    def environment(self, folder):
        return os.environ | {"TMPDIR": str(folder), "HOME": str(folder), "XDG_CACHE_HOME": str(folder / "cache"), "XDG_STATE_HOME": str(folder / "state"),
                             "XDG_RUNTIME_DIR": str(folder), "WISP_DB": str(folder / "forge.db"), "MALLOC_PERTURB_": "165"}

    def prefix(self, fault):
        self.said.write_text("")
        return [str(self.tools / "fail"), str(self.said), fault.what, fault.error, str(fault.number)] if fault else []

    def has_failed(self):
        return self.said.stat().st_size > 0


class Wrong(Exception):
    """Somebody did what nobody is to do, whatever fails."""


def threads(pid):
    """(state, ticks that it has run) of each thread of it and of its children."""
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/stat", encoding="utf-8") as stat, open(f"/proc/{pid}/task/{task}/children", encoding="utf-8") as children:
                fields = stat.read().rpartition(")")[2].split()
                yield fields[0], int(fields[11]) + int(fields[12])
                for child in children.read().split():
                    yield from threads(child)
    except OSError:
        pass


class Patience:
    """So many seconds: of waiting, while none of these processes could go on, and of running. Not while one is stopped from outside, has no processor, or waits for a
    disk."""

    def __init__(self, *pids, seconds=LIMIT_S):
        self.pids, self.left, self.last, self.ran = pids, seconds, time.monotonic(), 0

    def is_over(self):
        now, all_threads = time.monotonic(), [thread for pid in self.pids for thread in threads(pid)]
        ran = sum(ticks for _, ticks in all_threads) / os.sysconf("SC_CLK_TCK")
        waits = not any(state in "RDTt" for state, _ in all_threads)
        self.left -= min(now - self.last, 2 * STEP_S) if waits else max(ran - self.ran, 0)
        self.last, self.ran = now, ran
        return self.left <= 0


def run_to_end(words, *others, **options):
    """As subprocess.run() with both outputs; None in place of the status, where it had to be killed. The others are who it waits for."""
    with subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, process_group=0, **options) as process:
        patience, status = Patience(process.pid, *others), 0
        while True:
            try:
                out, err = process.communicate(timeout=STEP_S)
                return subprocess.CompletedProcess(words, status if status is None else process.returncode, out, err)
            except subprocess.TimeoutExpired:
                if status is not None and patience.is_over():
                    os.killpg(process.pid, signal.SIGKILL)
                    status = None


def ended(status):
    if status < 0 or status >= 128:
        raise Wrong(f"ended by {signal.Signals(-status if status < 0 else status - 128).name}")


def timeless(out):
    """What is said without how long it took, and without what OpenBLAS says where it cannot give memory back."""
    return re.sub(rb'"(\w+_ns|batch)":\d+,?|[\d.]+ s, \d+ samples/s|OpenBLAS : munmap failed:.*\n|error code=\d+,\trelease->address=\w+\n', b"", out)


def files(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir()}


class Program:
    """A program that runs to its end: it does what it does without the fault, or says that it did not, and leaves no half of it."""

    def __init__(self, bed, words, makes=None, environment=None):
        self.bed, self.words, self.makes, self.more = bed, words, makes, environment or {}
        self.clean, self.waits_for = None, []

    def run(self, fault):
        folder = self.bed.folder / "run"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        words = self.bed.prefix(fault) + [str(word) for word in self.words]
        done = run_to_end(words, *self.waits_for, cwd=folder, env=self.bed.environment(folder) | self.more)
        if done.returncode is None:
            raise Wrong(f"hangs: {done.stderr.decode(errors='replace')[-300:]}")
        return self.check(fault, folder, done)

    def check(self, fault, folder, done):
        said = done.stderr.decode(errors="replace").strip()
        there = files(folder)
        if done.returncode and len(said) < 10:
            ended(done.returncode)
            raise Wrong(f"exit status {done.returncode}, and nothing said: {said!r}")
        try:
            ended(done.returncode)
        except Wrong as wrong:
            raise Wrong(f"{wrong}: {said[-300:]}") from None
        made = (folder / self.makes).read_bytes() if self.makes and (folder / self.makes).exists() else None
        if not self.clean:
            self.clean = (timeless(done.stdout), made, there)
            return "clean"
        if done.returncode == 0 and self.makes and made != self.clean[1]:
            raise Wrong(f"exit status 0, and another file than without it: {said[-300:]}")
        if done.returncode == 0 and not self.makes and timeless(done.stdout) != self.clean[0]:
            raise Wrong(f"exit status 0, and something else said: {done.stdout[-300:]!r}, {said[-300:]}")
        if made is not None and made != self.clean[1]:
            raise Wrong(f"half a file is left: {said[-300:]}")
        left = {name for name in there - self.clean[2] if not name.startswith(MAY_STAY)}
        if left and fault.what not in LEAVES_FILES:
            raise Wrong(f"left {sorted(left)}: {said[-300:]}")
        return f"{done.returncode}: {said.splitlines()[-1][-160:]}" if done.returncode else "done" + (f", and says {said.splitlines()[-1][-120:]}" if said else "")


class Client(Program):
    """libwisp, with a daemon that nothing happens to."""

    def __init__(self, bed, words):
        super().__init__(bed, words)
        self.daemon = Daemon(bed)
        self.daemon.start(None, bed.folder / "serving")
        self.daemon.meet("write")
        self.waits_for = [self.daemon.process.pid]

    def run(self, fault):
        came = super().run(fault)
        if came.startswith("2:") and fault.what not in LEAVES_DESCRIPTORS:
            raise Wrong(came)
        if self.daemon.process.poll() is not None:
            raise Wrong("the daemon ended")
        self.daemon.settle(None)
        return came

    def close(self):
        self.daemon.stop()


class Daemon:
    """wispd, from its start to its end."""

    def __init__(self, bed):
        self.bed, self.process, self.folder, self.most = bed, None, None, None
        self.clean = None

    def start(self, fault, folder):
        self.folder = folder
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        self.socket, self.log = folder / "wisp.sock", self.bed.folder / "log"
        (folder / "wispd.yaml").write_text(f"socket: {self.socket}\ntune: false\nlimits:\n  arena: 1MiB\nmodels:\n  - path: {self.bed.model}\n    default: true\n")
        words = self.bed.prefix(fault) + [str(self.bed.bin / "wispd"), "--config", str(folder / "wispd.yaml")]
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=folder, env=self.bed.environment(folder) | {"WISP_LOOP": os.environ.get("WISP_LOOP", "auto")})
        patience = Patience(self.process.pid)
        while self.process.poll() is None and not self.listens():
            if patience.is_over():
                raise Wrong(f"does not start: {self.says()}")
            time.sleep(0.002)

    def listens(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as caller:
            return caller.connect_ex(str(self.socket)) == 0

    def says(self):
        return self.log.read_text(errors="replace").strip()[-400:]

    def ask(self, words, right):
        done = run_to_end([str(word) for word in words], self.process.pid, text=True, env=self.bed.environment(self.folder) | {"WISP_SOCKET": str(self.socket)})
        if done.returncode is None:
            raise Wrong(f"whoever asks waits for ever: {words[0]}: {self.says()}")
        ended(done.returncode)
        if done.returncode == right:
            return None
        if len(done.stderr) < 10:
            raise Wrong(f"{words[0]}: {done.returncode}, and nothing said")
        return done.stderr.strip().splitlines()[-1]

    def meet(self, *more):
        return self.ask([self.bed.tools / "course", self.socket, self.bed.answers, *more], 0)

    def insists(self, what):
        """Once it may be refused, of what has just failed; who comes after is served."""
        before = self.bed.has_failed()
        for attempt in range(2):
            said = what()
            if not said:
                return
            if self.process.poll() is not None:
                return  # its end is looked at next
            if before or attempt:
                raise Wrong(f"refused what had nothing to do with it: {said}; {self.says()}")

    def count(self):
        with open(f"/proc/{self.process.pid}/maps", encoding="utf-8") as maps:
            return len(os.listdir(f"/proc/{self.process.pid}/fd")), sum("memfd:" in line for line in maps)

    def settle(self, fault):
        """No more descriptors and mappings than without a fault, in a while."""
        if self.most is None:
            time.sleep(0.3)
            self.most = self.count()
            return
        patience = Patience(self.process.pid, seconds=5)
        more = (fault is not None) + (fault is not None and fault.what in LEAVES_DESCRIPTORS)  # one is the fault's own
        while self.process.poll() is None:
            try:
                now = self.count()
            except OSError:
                return
            if now[0] <= self.most[0] + more and now[1] <= self.most[1] + (more > 1):
                return
            if patience.is_over():
                raise Wrong(f"{now} descriptors and mappings, and {self.most} without a fault: {self.says()}")
            time.sleep(0.005)

    def serve(self, fault):
        self.start(fault, self.bed.folder / "run")
        if self.process.poll() is None:
            self.insists(self.meet)
        if self.process.poll() is None:
            self.insists(lambda: self.ask([self.bed.bin / "wisp", "reload"], 0))
        if self.process.poll() is None:
            self.insists(self.meet)
            self.settle(fault)
        self.stop()
        return self.check(fault)

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        patience = Patience(self.process.pid)
        while self.process.poll() is None:
            if patience.is_over():
                self.process.kill()
                self.process.wait()
                raise Wrong(f"does not end: {self.says()}")
            time.sleep(0.002)

    def check(self, fault):
        status, said = self.process.returncode, self.says()
        try:
            ended(status)
        except Wrong as wrong:
            raise Wrong(f"{wrong}: {said}") from None
        if status and "error" not in said:
            raise Wrong(f"exit status {status}, and no error said: {said}")
        there = files(self.folder)
        if self.clean is None:
            self.clean = there
        left = {name for name in there - self.clean if not name.startswith(MAY_STAY)}
        if fault and fault.what == "newfstatat":
            left -= {"wisp.sock"}  # who cannot see whether it is still its own does not take it from somebody else
        if left and fault.what not in LEAVES_FILES:
            raise Wrong(f"left {sorted(left)}: {said}")
        return f"{status}: {said.splitlines()[-1][-160:]}" if status else "done"

    def run(self, fault):
        try:
            return self.serve(fault)
        finally:
            if self.process and self.process.poll() is None:
                self.process.kill()
                self.process.wait()

    def close(self):
        pass


def courses(bed):
    forge = bed.bin / "wisp-forge"
    serving = bed.folder / "serving/wisp.sock"
    return {
        "wispd": lambda: Daemon(bed),
        "libwisp": lambda: Client(bed, [bed.tools / "course", serving, bed.answers]),
        "run": lambda: Client(bed, [bed.bin / "wisp", "run", "--socket", serving, "--json", "text", "--text", "0.3 0.4 0.9", "--text", "0.1 0.2 0.3"]),
        "build": lambda: Program(bed, [forge, "build", "--layers", "512-24-2", "-s", "0.5", "-o", "made.safetensors"], "made.safetensors"),
        "train": lambda: Program(bed, [forge, "train", bed.folder / "built.safetensors", "--data", bed.data, "-p", "text.classification", "--epochs", "1", "-t", "2", "-o", "made.safetensors"], "made.safetensors"),
        "eval": lambda: Program(bed, [forge, "eval", bed.model, "--data", bed.data, "-t", "1"]),
    }


class Record:
    """What was tried, a line each; and, of each kind, after how many there are no more."""

    def __init__(self, path):
        self.done, self.ends, self.file = {}, {}, None
        if path:
            for line in open(path, encoding="utf-8") if os.path.exists(path) else []:
                self.note(json.loads(line))
            self.file = open(path, "a", encoding="utf-8")

    def note(self, row):
        if row["number"] < 0:
            self.ends[row["course"], row["what"], row["error"]] = True
        else:
            self.done[row["course"], row["what"], row["error"], row["number"]] = row

    def keep(self, course, fault, came, good):
        row = {"course": course, "what": fault.what, "error": fault.error, "number": fault.number, "came": came, "good": good}
        self.note(row)
        if self.file:
            self.file.write(json.dumps(row) + "\n")
            self.file.flush()


def attempt(name, course, bed, fault, record):
    """Whether there was such a fault."""
    try:
        came, good = course.run(fault), True
    except Wrong as wrong:
        came = str(wrong)
        good = fault.what in C_LIBRARY_ABORTS and "ended by SIGABRT" in came and "assert" not in came
    if not bed.has_failed() and good:
        return False
    record.keep(name, fault, came, good)
    if not good:
        print(f"{name}: {fault.what} {fault.error} {fault.number}: {came}", *bed.said.read_text(errors="replace").splitlines()[2:10], sep="\n    ", flush=True)
    return True


def sweep(name, course, bed, record, most, allocations):
    for what, error in [("allocation", "ENOMEM")] * allocations + [(call, error) for call, errors in ERRORS.items() for error in errors]:
        if (name, what, error) in record.ends:
            continue
        number = 1
        while what == "allocation" or number <= most:
            if (name, what, error, number) not in record.done and not attempt(name, course, bed, Fault(what, error, number), record):
                break
            number += 1
        record.keep(name, Fault(what, error, -1), "", True)


def draw(name, course, bed, record, some, seed):
    """Those that were found; and so many faults, more of them early, since a course has some of each."""
    lot, tried = random.Random(f"{seed} {name}"), 0
    for what, error, numbers in FOUND.get(name, []):
        for number in numbers:
            attempt(name, course, bed, Fault(what, error, number), record)
    calls = [call for call in ERRORS if call not in ("futex", "close")]
    for _ in range(20 * some):
        if tried >= some:
            break
        what = "allocation" if lot.random() < 0.5 else lot.choice(calls)
        error = "ENOMEM" if what == "allocation" else lot.choice(ERRORS[what])
        number = int(2 ** lot.uniform(0, 10 if what == "allocation" else 4))
        tried += attempt(name, course, bed, Fault(what, error, number), record)


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--some", type=int)
    parser.add_argument("--seed", default="1")
    parser.add_argument("--record")
    parser.add_argument("--most", type=int, default=50)
    parser.add_argument("--but", action="append", default=[], choices=ERRORS)
    parser.add_argument("--only", action="append", default=[], choices=ERRORS)
    parser.add_argument("course", nargs="*")
    chosen = parser.parse_intermixed_args()
    for call in [call for call in ERRORS if call in chosen.but or (chosen.only and call not in chosen.only)]:
        del ERRORS[call]
    bed, record = Bed(chosen.build.resolve()), Record(chosen.record)
    try:
        all_courses = courses(bed)
        for name in chosen.course or all_courses:
            course = all_courses[name]()
            try:
                course.run(None)
                if chosen.some:
                    draw(name, course, bed, record, chosen.some, chosen.seed)
                else:
                    sweep(name, course, bed, record, chosen.most, not chosen.only)
            finally:
                getattr(course, "close", lambda: None)()
            rows = [row for row in record.done.values() if row["course"] == name]
            print(f"{name}: {len(rows)} faults, {sum(row['what'] == 'allocation' for row in rows)} of them allocations: "
                  f"{sum(row['came'].startswith('done') for row in rows)} times all was done, {sum(not row['good'] for row in rows)} wrong", flush=True)
        return any(not row["good"] for row in record.done.values())
    finally:
        shutil.rmtree(bed.folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
