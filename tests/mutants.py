#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Small faults are put into libipc, the daemon and the client, one at a time, and the tests are to notice.

usage: mutants.py FOLDER [--count N] [--seed S] [--minutes M] [FILE…]

FOLDER gets a copy of HEAD, is built in it, and keeps record.jsonl, a line for each fault; whoever names it again goes on where that ends. The faults are drawn by
the seed of all places where a comparison, an arithmetic or a logical operator, a number, a condition, a result or a call can be another: what is asserted, logged or said is
left alone. FILE: only in these. At the end it says how many were noticed, and prints those that were not. Exits 1 only when something cannot be built, or fails without a fault."""
import argparse
import json
import os
import pathlib
import random
import re
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent.parent
UNITS = {
    "libipc": "wire|wire_buffers|wire_block|region|ring|wake|message|loop",
    "daemon": "loop|restricted|seal|peer|users|schedule|turns|policies|mailbox|stages|decode|steps|worker|model_set|runners|attach|kept|routes|swap|shard|start_memory",
    "client": "arena|times|connect|requests|fork|refusals|events|buffer|restart|identity|cancel|progress|quota_waits|time_limits|memory",
}
SYSTEM = {
    "libipc": "requests|serve|handshake|hostile|buffers",
    "daemon": "serve|handshake|hostile|buffers|quota|questions|start|service|lifecycle|reload|rollback|shards|kept_channels|sight|cli|daemon_log|fair|canaries",
    "client": "cli|cli_run|bench|sight",
}
TARGETS = ["wispd", "wisp-cli", "wisp-forge"]
RULES = [
    (r"(?<![<\-])<(?![<=])", "<="), (r"<=", "<"), (r"(?<![>\-])>(?![>=])", ">="), (r">=", ">"), (r"==", "!="), (r"!=", "=="),
    (r"&&", "||"), (r"\|\|", "&&"), (r" \+ ", " - "), (r" - ", " + "), (r"\+=", "-="), (r"-=", "+="), (r" & ", " | "), (r" \| ", " & "),
    (r"(?<=[ (\[])\d+(?=[;,)\] ])", lambda found: str(int(found.group()) + 1)), (r"!(?=[a-z_(*])", ""), (r"\btrue\b", "false"), (r"\bfalse\b", "true"),
    (r"\bMIN\(", "MAX("), (r"\bMAX\(", "MIN("), (r"return result;", "return 0;"), (r"(?<=\bif )\((?=[\w.\->]+\)(?: \{)?\n)", "(!"),
    (r"(?m)^ +[a-z_]+\([^;{]*\);$", ""),
]
LEFT_ALONE = r'(?s)/\*.*?\*/|"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\'|(?m:^#(?:[^\n]*\\\n)*[^\n]*$)|\b(?:insist(?:_debug)?|log_\w+|refuse\w*|last_error_set|_Static_assert)\([^;]*;'


def run(words, **options):
    return subprocess.run([str(word) for word in words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)


def must(words, **options):
    done = run(words, **options)
    if done.returncode:
        sys.exit(f"mutants: {' '.join(map(str, words))}:\n{done.stdout[-3000:]}")


def sources(tree, files):
    for folder in UNITS:
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


class Tree:
    def __init__(self, folder):
        self.source, self.build = folder / "tree", folder / "tree/build/ci"
        if not self.source.exists():
            self.source.mkdir(parents=True)
            must(["sh", "-c", f"git -C '{HERE}' archive HEAD | tar -x -C '{self.source}'"])
        must(["cmake", "--preset", "ci", "-DWISP_WERROR=OFF", "-DCMAKE_C_FLAGS_RELWITHDEBINFO=-O1"], cwd=self.source)
        tests = {test for table in (UNITS, SYSTEM) for names in table.values() for test in names.split("|")}
        self.targets = TARGETS + sorted(f"test_{test}" for test in tests)

    def make(self):
        return run(["cmake", "--build", self.build, "-j", os.cpu_count(), "--target", *self.targets])

    def fails(self, tests, both_loops):
        """The first test that does not pass, or None."""
        environment = os.environ | ({} if both_loops else {"WISP_LOOP": "io_uring"})
        done = run(["ctest", "--test-dir", self.build, "-R", f"^test_({tests})$", "--stop-on-failure", "--timeout", "120", "-j", 2 * os.cpu_count(), "--no-tests=error"], env=environment)
        failed = re.search(r"(test_\w+) \.*\s*\*\*\*", done.stdout)
        return failed.group(1) if failed else f"ctest: {done.stdout[-300:]}" if done.returncode else None


def attempt(tree, place):
    """By what the fault was noticed; "" by nothing; None where it is no program."""
    name, offset, length, instead = place
    path, area = tree.source / name, name.split("/")[0]
    text = path.read_text()
    path.write_text(text[:offset] + instead + text[offset + length:])
    try:
        if tree.make().returncode:
            return None
        both = "/event/" in name
        return tree.fails(UNITS[area], both) or tree.fails(SYSTEM[area], both) or ""
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
    parser.add_argument("files", nargs="*")
    chosen = parser.parse_intermixed_args()
    tree, until = Tree(chosen.folder.resolve()), time.monotonic() + 60 * chosen.minutes
    record = chosen.folder / "record.jsonl"
    rows = [json.loads(line) for line in record.read_text().splitlines()] if record.exists() else []
    done = {(row["at"], row["to"]) for row in rows}
    made = tree.make()
    if made.returncode:
        sys.exit(f"mutants: cannot be built:\n{made.stdout[-3000:]}")
    if not rows:
        for area in UNITS:
            failed = tree.fails(UNITS[area], True) or tree.fails(SYSTEM[area], True)
            if failed:
                sys.exit(f"mutants: {failed} fails without a fault")
    lot = sorted(set(places(tree.source, chosen.files)))
    random.Random(chosen.seed).shuffle(lot)
    for place in lot:
        if len(rows) >= chosen.count or time.monotonic() > until:
            break
        at, before, after = line_of(tree, place)
        if (at, after) in done:
            continue
        noticed = attempt(tree, place)
        done.add((at, after))
        if noticed is None:
            continue
        rows.append({"at": at, "from": before, "to": after, "noticed": noticed})
        with open(record, "a", encoding="utf-8") as file:
            file.write(json.dumps(rows[-1]) + "\n")
    must(["cmake", "--build", tree.build, "--target", *tree.targets])
    for row in rows:
        if not row["noticed"]:
            print(f"{row['at']}: nobody notices\n    {row['from']}\n    {row['to']}")
    noticed = sum(row["noticed"] != "" for row in rows)
    print(f"mutants: {noticed} of {len(rows)} faults were noticed, {100 * noticed / max(1, len(rows)):.0f} %, of {len(lot)} that there may be")


if __name__ == "__main__":
    main()
