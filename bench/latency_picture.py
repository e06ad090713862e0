#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Draws docs/pictures/latency.svg, where the time of a request goes, from the tables of docs/results/e2e.md and docs/results/ipc.md.

usage: latency_picture.py [OUTPUT]"""
import pathlib
import sys

SOURCE = pathlib.Path(__file__).resolve().parents[1]
COLOURS = {"exchange": "#8c8c8c", "queue": "#e69f00", "forward pass": "#0072b2", "all else": "#d55e00"}
WIDTH, LEFT, RIGHT, BAR, STEP = 760, 190, 110, 22, 34


def rows(name):
    """Of each table of a page, each row as its cells."""
    for line in (SOURCE / "docs" / "results" / name).read_text(encoding="utf-8").splitlines():
        if line.startswith("| ") and not line.startswith("| ---"):
            yield [cell.strip() for cell in line.strip("|").split(" |")]


def request(wait):
    """Medians of e2e.md's first table over io_uring: without a model, and of a whole request by its parts."""
    found, inside = {}, False
    for cells in rows("e2e.md"):
        if cells[0] == "loop" and found:
            break
        if cells[0]:
            inside = cells[:2] == ["io_uring", wait]
        if inside and len(cells) == 7:
            found[cells[2].removeprefix("of it: ")] = float(cells[4])
    return found


def floor(case, who):
    return next(float(cells[2]) for cells in rows("ipc.md") if cells[0] == case and cells[1].startswith(who))


def panels():
    for title, wait, case, bare in (("both awake", "spin", "awake", "a cache line"), ("both asleep", "sleep", "asleep", "a futex")):
        parts = request(wait)
        yield title, [
            (f"{bare}, there and back", [("exchange", floor(case, bare))]),
            ("a request without a model", [("all else", parts["no model"])]),
            ("one picture, fashion", [(name, parts[name]) for name in ("queue", "forward pass", "all else")]),
        ]


def text(x, y, what, anchor="start", more=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{more}>{what}</text>'


def draw_panel(out, top, title, bars):
    most = max(sum(value for _, value in parts) for _, parts in bars)
    scale = (WIDTH - LEFT - RIGHT) / most
    out.append(text(LEFT, top, title, more=' font-weight="bold"'))
    for i, (name, parts) in enumerate(bars):
        x, y = float(LEFT), top + 12 + i * STEP
        out.append(text(LEFT - 8, y + BAR - 7, name, "end"))
        for part, value in parts:
            out.append(f'<rect x="{x:.1f}" y="{y}" width="{max(value * scale, 1):.1f}" height="{BAR}" fill="{COLOURS[part]}"><title>{part}: {value:g} us</title></rect>')
            x += max(value * scale, 1)
        out.append(text(x + 6, y + BAR - 7, f"{sum(value for _, value in parts):.3g} us"))
    return top + 12 + len(bars) * STEP + 30


def picture():
    out, top = [], 24
    for title, bars in panels():
        top = draw_panel(out, top, title, bars)
    x = LEFT
    for name, colour in COLOURS.items():
        out.append(f'<rect x="{x}" y="{top - 12}" width="12" height="12" fill="{colour}"/>' + text(x + 18, top - 2, name))
        x += 34 + 8 * len(name)
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{top + 14}" font-family="sans-serif" font-size="13">'
    ground = f'<rect width="{WIDTH}" height="{top + 14}" fill="white"/>'
    return "\n".join([head, ground, *out, "</svg>"]) + "\n"


if __name__ == "__main__":
    pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else SOURCE / "docs" / "pictures" / "latency.svg").write_text(picture(), encoding="utf-8")
