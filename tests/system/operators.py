#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the pages for operators have one type is there: verbs, options, units and keys of the configuration, in blocks of commands and in backquotes;
and what they say the journal says, something says.

usage: operators.py BUILD"""
import pathlib
import re
import subprocess
import sys

SOURCE = pathlib.Path(__file__).resolve().parents[2]
PAGES = ("README.md", "docs/operations.md", "docs/metrics.md", "docs/latency.md")
SHELL = re.compile(r"&&|\|\||[|;]")


def said(program, *arguments):
    return subprocess.run([program, *arguments], capture_output=True, text=True, timeout=60, check=False).stdout


class Programs:
    """What wisp and wispd take, as they say it themselves."""

    def __init__(self, build):
        self.bin = build / "bin"
        self.verbs = set(re.findall(r"^  ([a-z]+)  ", said(self.bin / "wisp", "--help"), re.MULTILINE))
        self.helps = {}

    def options(self, *command):
        if command not in self.helps:
            text = said(self.bin / command[0], *command[1:], "--help")
            self.helps[command] = set(re.findall(r"(?<![\w-])--?[a-zA-Z][\w-]*", text))
        return self.helps[command]


def commands(text):
    """Each command of wisp's that a page has one type, as words: lines of blocks, and backquotes."""
    lines = [line.split("  #")[0] for line in re.findall(r"^    (\S.*)$", text, re.MULTILINE)]
    for line in lines + re.findall(r"`([^`\n]+)`", text):
        for part in SHELL.split(line):
            words = part.split()
            if words and words[0] == "sudo":
                words = words[1:]
            if len(words) > 1 and words[0] in ("wisp", "wispd"):
                yield words


def faults_of_command(words, programs):
    command, rest = (words[0],), words[1:]
    if words[0] == "wisp":
        verb = words[1]
        if not re.fullmatch(r"[a-z]+", verb):
            return
        if verb not in programs.verbs:
            yield f"there is no wisp {verb}"
            return
        command, rest = ("wisp", verb), words[2:]
        if verb == "structure" and rest and re.fullmatch("[a-z]+", rest[0]):
            command, rest = (*command, rest[0]), rest[1:]
    for word in rest:
        option = re.fullmatch(r"(--[a-z][\w-]*|-[a-zA-Z])(=.*)?", word)
        if option and option[1] not in programs.options(*command):
            yield f"{' '.join(command)} has no {option[1]}"


def faults_of_page(name, text, programs, keys, sources):
    looked = 0
    for words in commands(text):
        looked += 1
        yield from (f"{name}: {fault}: {' '.join(words)}" for fault in faults_of_command(words, programs))
    for unit in re.findall(r"\b(wisp[\w-]*\.(?:socket|service|timer))\b", text):
        looked += 1
        if not list((SOURCE / "systemd").glob(f"{unit}*")):
            yield f"{name}: there is no unit {unit}"
    for key in re.findall(r"`((?:limits|batch|log|users)\.[a-z_]+)`", text):
        looked += 1
        if key.split(".")[1] not in keys:
            yield f"{name}: wispd.yaml has no {key}"
    # First cells of tables: what the journal says. What differs from one time to the next is not in these.
    for line in re.findall(r"^\| ([^|]*`[^|]*) \|", text, re.MULTILINE):
        for sentence in re.findall(r"`([A-Za-z][^`]* [^`]* [^`]*)`", line):
            if sentence.startswith(("wisp", "status=")) or name == "README.md":
                continue
            looked += 1
            if sentence.rstrip(". ") not in sources:
                yield f"{name}: nothing says “{sentence}”"
    if name != "README.md" and not looked:
        yield f"{name}: nothing to type"


def main():
    programs = Programs(pathlib.Path(sys.argv[1]))
    keys = set(re.findall(r'"([a-z_]+)"', (SOURCE / "config/schema.c").read_text(encoding="utf-8")))
    sources = "\n".join(path.read_text(encoding="utf-8") for top in ("daemon", "client", "config", "base", "sparse") for path in sorted((SOURCE / top).rglob("*.c")))
    sources = re.sub(r'"\s*\n\s*"', "", sources)
    faults, looked = [], 0
    for name in PAGES:
        page = SOURCE / name
        if page.exists():
            looked += 1
            faults += faults_of_page(name, page.read_text(encoding="utf-8"), programs, keys, sources)
    print("\n".join(faults), end="\n" if faults else "")
    print(f"operators: {looked} pages looked at, {len(programs.helps)} helps read, {len(faults)} faults")
    sys.exit(1 if faults or looked < 3 or len(programs.verbs) < 12 or not keys else 0)


if __name__ == "__main__":
    main()
