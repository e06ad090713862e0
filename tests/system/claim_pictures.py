#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every picture in docs/results/claim/ is what `bench_claim --draw` makes of the table beside it, with neither data nor a program to train
with; and names the runs that its table lacks."""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

SOURCE = pathlib.Path(__file__).resolve().parent.parent.parent
RESULTS = SOURCE / "docs" / "results" / "claim"


def draw(folder):
    environment = {name: value for name, value in os.environ.items() if name != "WISP_DATA"}
    subprocess.run([sys.executable, SOURCE / "bench" / "bench_claim", "--draw", "--forge", "/nonexistent", "--wisp", "none", "--results", folder,
                    "--work", f"{folder}/work"], env=environment, stdout=subprocess.DEVNULL, check=True)


def pictures(folder):
    return {path.name: path.read_text() for path in pathlib.Path(folder).glob("*.svg")}


def main():
    tables = sorted(RESULTS.glob("*.csv"))
    with tempfile.TemporaryDirectory() as folder:
        for path in tables:
            shutil.copy(path, folder)
        draw(folder)
        drawn, kept = pictures(folder), pictures(RESULTS)
        assert set(drawn) == {f"{path.stem}.svg" for path in tables}, sorted(drawn)
        assert drawn == kept, [name for name in drawn if drawn[name] != kept.get(name)]
        path = pathlib.Path(folder, "width.csv")
        path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))
        draw(folder)
        assert "No run is missing." in drawn["width.svg"] and "snip-ratio, 1024" not in drawn["width.svg"]
        assert "Missing runs:" in pictures(folder)["width.svg"]


main()
