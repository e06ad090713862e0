#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Small faults are put into libipc, the daemon and the client, one at a time, and the tests are to notice.

usage: mutants.py FOLDER [--count N] [--seed S] [--minutes M] [--coverage JSON] [FILE…]

FOLDER gets a copy of HEAD, is built in it, and keeps record.jsonl, a line for each fault; whoever names it again goes on where that ends. The faults are drawn by
the seed of all places where a comparison, an arithmetic or a logical operator, a number, a condition, a result or a call can be another: what is asserted, logged or said is
left alone. FILE: only in these. JSON is what coverage.py counted of the same commit: a test that does not run the line is not asked. At the end it says how many were noticed, and prints those that were not. Exits 1 only when something cannot be built, or fails without a fault."""
import argparse
import json
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent.parent
AREAS = ("libipc", "daemon", "client")
# The tests that look closest, by folder; then all that might.
FIRST = {
    "libipc": "wire|wire_buffers|wire_block|wire_pairs|region|ring|wake|message",
    "daemon/control": "attach|handshake|questions",
    "daemon/event": "loop|restricted|mailbox",
    "daemon/models": "model_set|kept|routes|start_memory|impersonate",
    "daemon/schedule": "schedule|turns|users",
    "daemon/service": "service|start|bundle|listen",
    "daemon/shard": "shard|stages|worker|turns",
    "daemon/users": "users|peer",
    "client": "arena|times|requests|refusals|cancel",
}
THEN = {
    "libipc": "loop|requests|serve|handshake|hostile|buffers",
    "daemon": "seal|swap|policies|decode|steps|runners|serve|handshake|hostile|buffers|quota|questions|start|service|lifecycle|reload|rollback|shards|kept_channels|sight|cli|"
              "daemon_log|fair|canaries",
    "client": "connect|fork|events|buffer|restart|identity|progress|quota_waits|time_limits|memory|cli|cli_run|bench|sight",
}
RULES = [
    (r"(?<![<\-])<(?![<=])", "<="), (r"<=", "<"), (r"(?<![>\-])>(?![>=])", ">="), (r">=", ">"), (r"==", "!="), (r"!=", "=="),
    (r"&&", "||"), (r"\|\|", "&&"), (r" \+ ", " - "), (r" - ", " + "), (r"\+=", "-="), (r"-=", "+="), (r" & ", " | "), (r" \| ", " & "),
    (r"(?<=[ (\[])\d+(?=[;,)\] ])", lambda found: str(int(found.group()) + 1)), (r"!(?=[a-z_(*])", ""), (r"\btrue\b", "false"), (r"\bfalse\b", "true"),
    (r"\bMIN\(", "MAX("), (r"\bMAX\(", "MIN("), (r"return result;", "return 0;"), (r"(?<=\bif )\((?=[\w.\->]+\)(?: \{)?\n)", "(!"),
    (r"(?m)^ +[a-z_]+\([^;{]*\);$", ""),
]
FEW, LONG_S = 1, 20 # where more tests than that run a line, those that take so long are not asked
LEFT_ALONE = r'(?s)/\*.*?\*/|"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\'|(?m:^#(?:[^\n]*\\\n)*[^\n]*$)|\b(?:insist(?:_debug)?|log_\w+|refuse\w*|last_error_set|_Static_assert)\([^;]*;'


def run(words, **options):
    return subprocess.run([str(word) for word in words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)


def must(words, **options):
    done = run(words, **options)
    if done.returncode:
        sys.exit(f"mutants: {' '.join(map(str, words))}:\n{done.stdout[-3000:]}")


def sources(tree, files):
    for folder in AREAS:
        for path in sorted((tree / folder).rglob("*.c")):
            name = str(path.relative_to(tree))
            if not name.startswith(("client/cli/", "client/codecs/")) and (not files or name in files):
                yield name


def places(tree, files):
    """(file, offset, length, what is put there) of each fault there may be."""
    for name in sources(tree, files):
        text = (tree / name).read_text()
        bare = re.sub(LEFT_ALONE, lambda found: re.sub(r"[^\n]", "\0", found.group()), text)
        for pattern, instead in RULES:
            for found in re.finditer(pattern, bare):
                yield name, found.start(), len(found.group()), instead(found) if callable(instead) else instead


class Runs:
    """Which tests run a line, by what coverage.py counted; without that, all."""

    def __init__(self, path):
        told = json.loads(path.read_text()) if path else {"lines": [], "tests": {}}
        self.known = {(name, line) for name, line, _ in told["lines"]}
        self.tests = {test: {name: set(lines) for name, lines in files.items()} for test, files in told["tests"].items()}

    def line(self, test, name, line):
        lines = self.tests.get(f"test_{test}", {}).get(name, ()) if self.tests else True
        return line in lines if (name, line) in self.known else bool(lines) # no code of its own: a constant, a type


class Tree:
    def __init__(self, folder):
        self.source, self.build = folder / "tree", folder / "tree/build/ci"
        commit, self.times = folder / "commit", folder / "times.json"
        if not commit.exists():
            self.source.mkdir(parents=True)
            self.take("HEAD")
            commit.write_text(run(["git", "-C", HERE, "rev-parse", "HEAD"]).stdout)
        else: # one that was stopped has left its fault there
            self.take(commit.read_text().strip(), *AREAS)
        # Nothing is timed: what counts is how soon eighty programs are linked.
        gold = ["-DCMAKE_EXE_LINKER_FLAGS=-fuse-ld=gold"] if shutil.which("ld.gold") else []
        must(["cmake", "--preset", "ci", "-DWISP_WERROR=OFF", "-DWISP_MPI=OFF", "-DCMAKE_C_FLAGS_RELWITHDEBINFO=-O1", *gold], cwd=self.source)
        self.all = sorted({test for table in (FIRST, THEN) for names in table.values() for test in names.split("|")})
        self.seconds = json.loads(self.times.read_text()) if self.times.exists() else self.measure()
        self.limit()

    def take(self, *what):
        must(["sh", "-c", f"git -C '{HERE}' archive {' '.join(what)} | tar -x -C '{self.source}'"])

    def make(self, tests):
        return run(["cmake", "--build", self.build, "-j", "1", "--target", *(f"test_{test}" for test in tests)])

    def fails(self, tests, both_loops):
        """The first test that does not pass, or None; and whether that took too long."""
        environment = os.environ | ({} if both_loops else {"WISP_LOOP": "io_uring"})
        done = run(["ctest", "--test-dir", self.build, "-R", f"^test_({'|'.join(tests)})$", "--stop-on-failure", "-j", "3", "--no-tests=error"], env=environment)
        failed = re.search(r"test_(\w+) \.*\s*\*\*\*(Timeout)?", done.stdout)
        name = failed.group(1) if failed else f"ctest: {done.stdout[-300:]}" if done.returncode else None
        return name, bool(failed and failed.group(2))

    def measure(self):
        """How long each test takes without a fault: each passes, or there is nothing to notice by."""
        seconds = {}
        made = self.make(self.all)
        if made.returncode:
            sys.exit(f"mutants: cannot be built:\n{made.stdout[-3000:]}")
        for test in self.all:
            began = time.monotonic()
            if self.fails([test], False)[0]:
                sys.exit(f"mutants: test_{test} fails without a fault")
            seconds[test] = time.monotonic() - began
        self.times.write_text(json.dumps(seconds))
        return seconds

    def limit(self):
        """What takes four times as long as without a fault, and twenty seconds, hangs; ctest's own limits are for the busiest machine."""
        for path in self.build.rglob("CTestTestfile.cmake"):
            text = path.read_text()
            path.write_text(re.sub(r'(set_tests_properties\(\[=\[test_(\w+)\]=\] .*?TIMEOUT )"\d+"', lambda found: f'{found[1]}"{max(20, 4 * self.seconds.get(found[2], 40)):.0f}"', text))

    def groups(self, name):
        """Which tests are asked of a fault in this file, the nearest first, then the quickest."""
        near = next((tests.split("|") for folder, tests in FIRST.items() if name.startswith(folder + "/")), [])
        rest = sorted(set(THEN[name.split("/")[0]].split("|")) - set(near), key=self.seconds.get)
        yield sorted(near, key=self.seconds.get)
        for most, least in ((1, 0), (4, 1), (1e9, 4)):
            yield [test for test in rest if least <= self.seconds[test] < most]

    def notices(self, tests, both_loops):
        """The test that fails twice, since once may have been for want of a processor; or hangs."""
        while tests:
            failed, hangs = self.fails(tests, both_loops)
            if not failed or failed not in tests or hangs or self.fails([failed], both_loops)[0]:
                return failed
            tests = tests[tests.index(failed) + 1:]
        return None


def attempt(tree, runs, place):
    """By what the fault was noticed; "" by nothing; None where it is no program."""
    name, offset, length, instead = place
    path = tree.source / name
    text = path.read_text()
    path.write_text(text[:offset] + instead + text[offset + length:])
    try:
        line = text.count("\n", 0, offset) + 1
        groups = [[test for test in group if runs.line(test, name, line)] for group in tree.groups(name)]
        if sum(map(len, groups)) > FEW:
            groups = [[test for test in group if tree.seconds[test] < LONG_S] for group in groups]
        if not any(groups) and tree.make(tree.all).returncode:
            return None
        for tests in filter(None, groups):
            if tree.make(tests).returncode:
                return None
            failed = tree.notices(tests, "/event/" in name)
            if failed:
                return f"test_{failed}" if failed in tests else failed
        return ""
    finally:
        path.write_text(text)


def line_of(tree, place):
    name, offset, length, instead = place
    text = (tree.source / name).read_text()
    number, begin = text.count("\n", 0, offset) + 1, text.rfind("\n", 0, offset) + 1
    end = text.find("\n", offset + length)
    return f"{name}:{number}", text[begin:end].strip(), (text[begin:offset] + instead + text[offset + length:end]).strip()


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", default="1")
    parser.add_argument("--minutes", type=float, default=1e9)
    parser.add_argument("--coverage", type=pathlib.Path)
    parser.add_argument("files", nargs="*")
    chosen = parser.parse_intermixed_args()
    runs, until = Runs(chosen.coverage), time.monotonic() + 60 * chosen.minutes
    tree = Tree(chosen.folder.resolve())
    record = chosen.folder / "record.jsonl"
    rows = [json.loads(line) for line in record.read_text().splitlines()] if record.exists() else []
    done = {(row["at"], row["to"]) for row in rows}
    lot = sorted(set(places(tree.source, chosen.files)))
    random.Random(chosen.seed).shuffle(lot)
    for place in lot:
        if len(rows) >= chosen.count or time.monotonic() > until:
            break
        at, before, after = line_of(tree, place)
        if (at, after) in done:
            continue
        noticed = attempt(tree, runs, place)
        done.add((at, after))
        if noticed is None:
            continue
        rows.append({"at": at, "from": before, "to": after, "noticed": noticed})
        with open(record, "a", encoding="utf-8") as file:
            file.write(json.dumps(rows[-1]) + "\n")
    for row in rows:
        if not row["noticed"]:
            print(f"{row['at']}: nobody notices\n    {row['from']}\n    {row['to']}")
    noticed = sum(row["noticed"] != "" for row in rows)
    print(f"mutants: {noticed} of {len(rows)} faults were noticed, {100 * noticed / max(1, len(rows)):.0f} %, of {len(lot)} that there may be")


if __name__ == "__main__":
    main()
