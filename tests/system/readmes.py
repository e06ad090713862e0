#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Each folder with C files has a README of at most ten lines, and what READMEs and docs/architecture.md name in backquotes as a file is there.

usage: readmes.py"""
import pathlib
import re
import sys

SOURCE = pathlib.Path(__file__).resolve().parents[2]
TOPS = ("base", "libipc", "sparse", "media", "config", "client", "daemon", "forge")
LINES_MAX = 10
NAME = re.compile(r"`([\w./-]+\.(?:c|h|inc|py|sh|md|txt|yaml))(?:\(\))?`")


def names_missing(text, places):
    """Names of files that are in none of the places."""
    return [name for name in NAME.findall(text) if not any((place / name).exists() for place in places)]


def main():
    faults, looked, named = [], 0, 0
    for top in TOPS:
        folders = {path.parent for path in (SOURCE / top).rglob("*.c")}
        for folder in sorted(folders):
            readme = folder / "README.md"
            if folder.name == "formats":  # its list is its README: kernels/README.md
                continue
            looked += 1
            if not readme.exists():
                faults.append(f"{folder.relative_to(SOURCE)} has no README.md")
                continue
            text = readme.read_text(encoding="utf-8")
            lines = len(text.splitlines())
            if lines > LINES_MAX:
                faults.append(f"{readme.relative_to(SOURCE)} has {lines} lines, and may have {LINES_MAX}")
            named += len(NAME.findall(text))
            faults += [f"{readme.relative_to(SOURCE)} names {name}, which is not there" for name in names_missing(text, (folder, SOURCE))]
    tour = SOURCE / "docs" / "architecture.md"
    text = tour.read_text(encoding="utf-8")
    named += len(NAME.findall(text))
    known = {path.name for top in (*TOPS, "tests", "docs") for path in (SOURCE / top).rglob("*") if path.is_file()}
    faults += [f"docs/architecture.md names {name}, which is not there" for name in names_missing(text, (SOURCE, SOURCE / "docs"))
               if "/" in name or name not in known]
    print("\n".join(faults), end="\n" if faults else "")
    print(f"{looked} folders and {named} names looked at, {len(faults)} faults")
    sys.exit(1 if faults or not looked or not named else 0)


if __name__ == "__main__":
    main()
