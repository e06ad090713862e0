#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What each folder may include, tried with the compiler's own command for it: includes.txt says what, and nothing else is found.

usage: includes.py BUILD-FOLDER

A folder is one with a CMakeLists.txt that makes a library; what lies below it without one belongs to it."""
import json
import pathlib
import shlex
import subprocess
import sys
import tempfile

SOURCE = pathlib.Path(__file__).resolve().parents[2]
TABLE = pathlib.Path(__file__).with_suffix(".txt")
NOT_OURS = ("tests", "bench", "examples", "build")


def owner(path):
    """The folder of the library that a file belongs to."""
    folder = path.parent
    while not (SOURCE / folder / "CMakeLists.txt").exists():
        folder = folder.parent
    return str(folder)


def commands(build):
    """Folder to the command that compiles one of its files; where a folder makes several libraries, to one that sees most."""
    found = {}
    for entry in json.loads((build / "compile_commands.json").read_text(encoding="utf-8")):
        path = pathlib.Path(entry["file"])
        if path.is_relative_to(SOURCE) and path.relative_to(SOURCE).parts[0] not in NOT_OURS:
            words, folder = shlex.split(entry["command"]), owner(path.relative_to(SOURCE))
            views = sum(word.startswith("-I") for word in words)
            if views >= found.get(folder, (0, None))[0]:
                found[folder] = views, (entry["directory"], words, entry["file"])
    return {folder: command for folder, (_, command) in found.items()}


def headers():
    """Folder to its headers, but for the public ones, which are found as <wisp/…>."""
    found = {}
    for path in sorted(SOURCE.rglob("*.h")):
        path = path.relative_to(SOURCE)
        if path.parts[0] not in NOT_OURS and not path.parts[0].startswith(".") and "include" not in path.parts:
            found.setdefault(owner(path), []).append(str(path))
    return found


def compile_text(command, text, *more):
    directory, words, file = command
    with tempfile.NamedTemporaryFile("w", suffix=".c", encoding="ascii") as source:
        source.write(text)
        source.flush()
        words = [word for word in words if word not in ("-c", file)]
        return subprocess.run([*words[:words.index("-o")], *words[words.index("-o") + 2:], *more, source.name], cwd=directory,
                              capture_output=True, text=True, check=False)


def folders_seen(command, all_headers):
    """Those of which a header is found; all of them or none, or it is said."""
    text = "".join(f'#if __has_include("{name}")\nSEES "{name}"\n#endif\n' for names in all_headers.values() for name in names)
    done = compile_text(command, text, "-E", "-P")
    if done.returncode:
        sys.exit(done.stderr)
    seen = {line.split('"')[1] for line in done.stdout.splitlines() if line.startswith("SEES")}
    partly = [name for names in all_headers.values() if seen & set(names) for name in names if name not in seen]
    if partly:
        print(f"not found beside others of its folder: {partly}")
    return {folder for folder, names in all_headers.items() if seen & set(names)}


def read_table():
    table = {}
    for line in TABLE.read_text(encoding="utf-8").splitlines():
        folder, mark, others = line.partition(":")
        if mark and not line.startswith("#"):
            table[folder.strip()] = set(others.split())
    return table


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    table, all_headers, faults, refused, compiled = read_table(), headers(), [], 0, 0
    known = commands(pathlib.Path(sys.argv[1]).resolve())
    for folder in sorted(table.keys() - known.keys()):
        faults.append(f"{folder} stands in the table, and no file of it is compiled")
    for folder, command in sorted(known.items()):
        may = table.get(folder, set()) | {folder}
        for other in sorted(folders_seen(command, all_headers) ^ may & all_headers.keys()):
            faults.append(f"{folder} {'does not find' if other in may else 'finds'} headers of {other}"
                          f"{'' if other in may else ', which the table does not allow'}")
        # What is not found does not compile. One of them is compiled, each folder another, so that it is seen and not concluded.
        strangers = sorted(all_headers.keys() - may)
        refused += len(strangers)
        for other in strangers[compiled % max(1, len(strangers)):][:1]:
            done = compile_text(command, f'#include "{all_headers[other][0]}"\n', "-fsyntax-only")
            compiled += 1
            if done.returncode == 0 or "No such file" not in done.stderr and "not found" not in done.stderr:
                faults.append(f"{folder} compiles with {all_headers[other][0]}")
    print("\n".join(faults), end="\n" if faults else "")
    print(f"{len(known)} folders looked at, {refused} includes refused, {compiled} of them compiled, {len(faults)} faults")
    sys.exit(1 if faults or not compiled else 0)


if __name__ == "__main__":
    main()
