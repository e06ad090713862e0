#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Loss curves against those in kept.csv, which another program made in double precision: README.md.

usage: curves.py BUILD-FOLDER
"""
import csv
import json
import os
import sys
import tempfile

sys.dont_write_bytecode = True
import networks  # noqa: E402

CLOSE = 1e-5  # of a loss: what float32 and another order of the sums come to in so many steps


def kept():
    curves = {}
    with open(os.path.join(networks.HERE, "kept.csv"), newline="", encoding="ascii") as file:
        for row in csv.DictReader(file):
            curves.setdefault(row["network"], []).append(float(row["loss"]))
    return curves


def compare(name, lines, expected):
    """The number of steps that are not as they should be; each is said."""
    losses = [event["loss"] for event in map(json.loads, lines) if event["event"] == "epoch"]
    wrong = 0
    if len(losses) != networks.STEPS or len(expected) != networks.STEPS:
        print(f"{name}: {len(losses)} steps, {len(expected)} kept, and there should be {networks.STEPS}", file=sys.stderr)
        return 1
    for step, (found, right) in enumerate(zip(losses, expected), 1):
        if abs(found - right) > CLOSE * right:
            print(f"{name}: step {step}: the loss is {found}, and {right} in double precision", file=sys.stderr)
            wrong += 1
    return wrong


def main(binaries):
    forge, curves, wrong = os.path.join(os.path.abspath(binaries), "bin/wisp-forge"), kept(), 0
    with tempfile.TemporaryDirectory() as folder:
        networks.write_data(folder)
        for name in networks.RUNS:
            networks.build(forge, folder, name)
            wrong += compare(name, networks.train(forge, folder, name), curves.get(name, []))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
