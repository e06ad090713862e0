# SPDX-License-Identifier: Apache-2.0
"""The table's picture: a panel a number of samples, times faster than the fastest dense product over sparsity, what is aimed at, and who else multiplies sparse
weights, or dense ones in bf16."""
import math

import cells
from page import WIDTH, Page

LEFT, TOP, HEIGHT, GAP = 64, 110, 380, 18
MARKS = [0.25, 0.5, 1, 2, 4, 8, 16, 32, 64]
LINES = {  # by name: its colour, whether dashed, and of a row how many times faster than the fastest dense product
    "wisp": ("#1a63a6", False, lambda row: float(row["speedup"])),
    "wisp, caches cold": ("#267f3d", False, None),
    "aimed at": ("#1c2633", True, None),
    "fastest other sparse product": ("#cc5c0f", False, lambda row: cells.fastest(row, cells.DENSE) / cells.fastest(row, cells.SPARSE)),
    "oneDNN in bf16, dense": ("#854099", False, lambda row: cells.fastest(row, cells.DENSE) / float(row[f"{cells.BF16}_us"])),
}


def value(name, table, sparsity, batch):
    """Of one line at one place: the geometric mean over the shapes, or None where somebody was missing."""
    if name == "aimed at":
        return cells.aim(sparsity, batch)
    rows = table.over_shapes(sparsity, batch, "cold" if name.endswith("cold") else "warm")
    try:
        return cells.mean([(LINES[name][2] or LINES["wisp"][2])(row) for row in rows])
    except (TypeError, ValueError, ZeroDivisionError):
        return None


def panel(page, table, batch, left, right):
    bottom = TOP + HEIGHT

    def place(sparsity, times):
        share = (cells.SPARSITIES.index(sparsity) + 0.5) / len(cells.SPARSITIES)
        return left + (right - left) * share, bottom - HEIGHT * math.log(max(times, MARKS[0]) / MARKS[0]) / math.log(MARKS[-1] / MARKS[0])

    page.text(left, TOP - 12, f"{batch} sample{'s' if batch > 1 else ''}", 15, "#1c2633", bold=True)
    for mark in MARKS:
        y = place(cells.SPARSITIES[0], mark)[1]
        page.line([(left, y), (right, y)], "#1c2633" if mark == 1 else "#d6dbe3", 0.8)
        if left == LEFT:
            page.text(left - 8, y + 4, f"{mark:g} x", anchor="end")
    for sparsity in cells.SPARSITIES:
        page.text(place(sparsity, 1)[0], bottom + 18, f"{sparsity:.0%}", anchor="middle")
        for row in table.over_shapes(sparsity, batch, "warm"):
            page.dot(*place(sparsity, float(row["speedup"])), LINES["wisp"][0], 1.8)
    for name, (color, dashed, _) in LINES.items():
        values = [(sparsity, value(name, table, sparsity, batch)) for sparsity in cells.SPARSITIES]
        points = [place(sparsity, times) for sparsity, times in values if times]
        if points:
            page.line(points, color, 1.6, dashed)


def draw(path, table):
    page, width = Page(), (WIDTH - LEFT - 24 - GAP * (len(cells.BATCHES) - 1)) / len(cells.BATCHES)
    page.text(48, 40, "Sparse weights against the fastest dense product", 24, "#1c2633", bold=True)
    page.text(48, 66, f"./scripts/bench kernels: {len(table.rows)} of {len(cells.every_cell())} cells; one core; lines are geometric means over five shapes, dots the shapes; "
              f"by wisp {', '.join(table.commits()) or '-'}", 13)
    for number, batch in enumerate(cells.BATCHES):
        left = LEFT + number * (width + GAP)
        panel(page, table, batch, left, left + width)
    x = LEFT
    for name, (color, dashed, _) in LINES.items():
        page.line([(x, TOP + HEIGHT + 42), (x + 26, TOP + HEIGHT + 42)], color, 2, dashed)
        page.text(x + 32, TOP + HEIGHT + 46, name, 13)
        x += 60 + 7.4 * len(name)
    page.write(path, TOP + HEIGHT + 64)
