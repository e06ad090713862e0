#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How much of libipc, the daemon and the client the tests run: lines and branches, by folder.

usage: coverage.py BUILD [--count] [--missing FILE…] [--faults MOST]

BUILD is of the preset `coverage`. Builds what is needed, runs the tests of those three and of the whole system, one after the other, and counts what each runs, into
coverage.json there; with --faults it adds what the courses of libwisp and wispd run when each allocation fails, and so many of each call (faults/sweep.py); with --count it only says what that has; with --missing it prints what no test takes, of files that begin so. What insist() would do is no branch: it is never taken, unless a program is wrong. The command, and files of a
user's own (client/cli, client/codecs), are not libwisp. Exits 1 when a test fails."""
import argparse
import collections
import json
import os
import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent.parent
PARTS = ("libipc", "daemon", "client")
LEFT_OUT = ("client/cli/", "client/codecs/")
TESTED = re.compile(r"tests/(unit/(ipc|daemon|client)|system(/(buffers|lifecycle|hostile|sight))?)$")


def tests_of(build):
    """Those that are programs of ours, by their folders; twice over two shards is once."""
    told = json.loads(subprocess.run(["ctest", "--test-dir", build, "--show-only=json-v1"], capture_output=True, text=True, check=True).stdout)
    for test in told["tests"]:
        folder = next(item["value"] for item in test["properties"] if item["name"] == "WORKING_DIRECTORY")
        if test["name"].startswith("test_") and TESTED.search(folder) and not test["name"].startswith("test_install"):
            yield test["name"]


def run(build):
    names = list(tests_of(build))
    targets = ["wispd", "wisp-cli", "wisp-forge"] + [name for name in names if not name.endswith("_two_shards")]
    subprocess.run(["cmake", "--build", build, "-j", str(os.cpu_count()), "--target", *targets], check=True)
    counts, failed = Counts(), 0
    for name in names:
        for before in build.rglob("*.gcda"):
            before.unlink()
        failed |= subprocess.run(["ctest", "--test-dir", build, "-R", f"^{name}$", "--timeout", "900", "--output-on-failure", "--no-tests=error"], check=False).returncode
        counts.read(build, name)
    counts.write(build)
    return counts, failed


def run_faults(build, most):
    """The answers to allocations and calls that fail. Where one of those fails by which the counts are written at the end, what was counted before is lost: of those that a
    course makes often only the first are, and apart. What comes of each is not looked at, for the same reason: that is the sweep's to say, of a build that counts nothing."""
    subprocess.run(["cmake", "--build", build, "-j", str(os.cpu_count()), "--target", "wispd", "wisp-cli", "wisp-forge", "fail", "faults", "course"], check=True)
    counts = Counts.read_again(build)
    often = ["close", "fcntl", "openat", "read"]
    for kinds in ([["--but", call] for call in [*often, "lseek", "write"]], [["--only", call] for call in often]):
        for before in build.rglob("*.gcda"):
            before.unlink()
        subprocess.run([HERE / "tests/faults/sweep.py", build, "--most", str(most), *sum(kinds, []), "libwisp", "wispd"], check=False)
        counts.read(build, "faults")
    counts.write(build)
    return counts, 0


class Counts:
    def __init__(self):
        self.lines, self.branches, self.texts, self.insisted = {}, {}, {}, {}
        self.tests = collections.defaultdict(lambda: collections.defaultdict(list)) # the lines of each file that a test runs

    def text(self, name, line):
        if name not in self.texts:
            whole = (HERE / name).read_text()
            self.texts[name] = whole.split("\n")
            found = re.finditer(r"\binsist(?:_debug)?\([^;]*;", whole)
            self.insisted[name] = {1 + whole.count("\n", 0, at.start()) + more for at in found for more in range(at.group().count("\n") + 1)}
        return self.texts[name][line - 1]

    def insists(self, name, line):
        self.text(name, line)
        return line in self.insisted[name]

    def read(self, build, test):
        paths = [path for part in PARTS for path in sorted((build / part).rglob("*.gcda"))]
        if not paths:
            return
        told = subprocess.run(["gcov", "--json-format", "--branch-probabilities", "--stdout", *paths], capture_output=True, text=True, cwd=build, check=True).stdout
        for file in (file for row in told.splitlines() for file in json.loads(row)["files"]):
            name = os.path.relpath(os.path.normpath(build / file["file"]), HERE)
            if name.startswith(PARTS) and not name.startswith(LEFT_OUT):
                self.add(name, file["lines"])
                run_lines = self.tests[test][name]
                run_lines.extend(sorted({line["line_number"] for line in file["lines"] if line["count"]}.difference(run_lines)))

    def write(self, build):
        flat = {kind: [[*at, count] for at, count in table.items()] for kind, table in (("lines", self.lines), ("branches", self.branches))}
        (build / "coverage.json").write_text(json.dumps(flat | {"tests": self.tests}))

    @classmethod
    def read_again(cls, build):
        counts, flat = cls(), json.loads((build / "coverage.json").read_text())
        for test, told in flat["tests"].items():
            counts.tests[test].update(told)
        counts.lines, counts.branches = ({(name, line): count for name, line, count in flat[kind]} for kind in ("lines", "branches"))
        return counts

    def add(self, name, lines):
        for line in lines:
            at = name, line["line_number"]
            self.lines[at] = max(self.lines.get(at, 0), line["count"])
            if line["branches"] and not self.insists(*at):
                now, before = [branch["count"] for branch in line["branches"]], self.branches.get(at, [])
                self.branches[at] = [max(pair) for pair in zip(now, before)] if len(now) == len(before) else max(now, before, key=len)

    def row(self, begins):
        lines = [count for (name, _), count in self.lines.items() if name.startswith(begins)]
        branches = [count for (name, _), each in self.branches.items() if name.startswith(begins) for count in each]
        return [(sum(count > 0 for count in counts), len(counts)) for counts in (lines, branches)]

    def show(self):
        folders = sorted({os.path.dirname(name) for name, _ in self.lines})
        for begins in [*(folder + "/" for folder in folders if folder not in PARTS), *(part + "/" for part in PARTS)]:
            (lines, all_lines), (branches, all_branches) = self.row(begins)
            print(f"{begins:18} lines {lines:5} of {all_lines:5}, {100 * lines / all_lines:5.1f} %    "
                  f"branches {branches:5} of {all_branches:5}, {100 * branches / max(1, all_branches):5.1f} %")
        (lines, all_lines), (branches, all_branches) = self.row(PARTS)
        print(f"coverage: {100 * lines / all_lines:.1f} % of {all_lines} lines, {100 * branches / all_branches:.1f} % of {all_branches} branches")

    def show_missing(self, begins):
        by_file = collections.defaultdict(list)
        for (name, line), each in self.branches.items():
            if name.startswith(begins) and not all(each):
                by_file[name].append((line, sum(count > 0 for count in each), len(each)))
        for name, rows in sorted(by_file.items()):
            print(name)
            for line, taken, count in sorted(rows):
                print(f"  {line:4}  {taken} of {count}  {self.text(name, line).strip()[:120]}")


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--count", action="store_true")
    parser.add_argument("--missing", nargs="+")
    parser.add_argument("--faults", type=int)
    chosen = parser.parse_args()
    build = chosen.build.resolve()
    if chosen.count or chosen.missing:
        counts, failed = Counts.read_again(build), 0
    else:
        counts, failed = run_faults(build, chosen.faults) if chosen.faults else run(build)
    if chosen.missing:
        counts.show_missing(tuple(chosen.missing))
    else:
        counts.show()
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
