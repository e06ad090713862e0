# SPDX-License-Identifier: Apache-2.0
"""The picture of structures.csv: how far each structure's loss fell, over its connections."""
import math

from page import WIDTH, Page
from runs import FALL

COLORS = {"image": "#1a63a6", "text": "#267f3d", "audio": "#cc5c0f"}
WRONG, DARK, GREY = "#c92654", "#1c2633", "#d6dbe3"
LEFT, RIGHT, TOP, BOTTOM = 96, WIDTH - 40, 128, 508


def fall(row):
    before, after = float(row["loss_before"]), float(row["loss_after"])
    return (before - after) / abs(before)


def holds(row):
    return bool(row["updates"]) and fall(row) >= FALL and row["different"] == "0" and int(row["numbers"]) > 0


def place(low, high, connections, fallen):
    across = (math.log10(connections) - low) / (high - low)
    return LEFT + (RIGHT - LEFT) * across, BOTTOM - (BOTTOM - TOP) * min(max(fallen, 0), 1)


def axes(page, low, high):
    for tenth in range(0, 11, 2):
        y = BOTTOM - (BOTTOM - TOP) * tenth / 10
        page.line([(LEFT, y), (RIGHT, y)], DARK if tenth == 10 * FALL else GREY, 0.8, dashed=tenth == 10 * FALL)
        page.text(LEFT - 8, y + 4, f"{10 * tenth} %", anchor="end")
    for power in range(low, high + 1):
        x = place(low, high, 10 ** power, 0)[0]
        page.line([(x, TOP), (x, BOTTOM)], GREY, 0.8)
        page.text(x, BOTTOM + 18, f"{10 ** power:,}", anchor="middle")
    page.text(WIDTH / 2, BOTTOM + 40, "connections; up: by how much of itself the training loss has fallen, where the training was ended; dashed: a fifth", 13, anchor="middle")


def legend(page):
    for number, (modality, color) in enumerate(COLORS.items()):
        page.dot(LEFT + 90 * number, BOTTOM + 62, color, 4)
        page.text(LEFT + 90 * number + 9, BOTTOM + 66, modality)
    page.dot(LEFT + 270, BOTTOM + 62, WRONG, 4)
    page.text(LEFT + 279, BOTTOM + 66, "it did not fall by a fifth, or an answer differs")


def draw(path, rows, count):
    page, trained = Page(), [row for row in rows.values() if row["updates"]]
    well = [row for row in trained if holds(row)]
    large = [row for row in rows.values() if not row["updates"]]
    page.text(48, 48, f"{len(well)} of {count} structures were trained, saved and served", 24, DARK, bold=True)
    page.text(48, 74, "./scripts/bench structures; each answers from the daemon as in the forge, to the bit, but where it is red", 13)
    powers = [math.log10(int(row["connections"])) for row in trained] or [3, 4]
    low, high = math.floor(min(powers)), math.ceil(max(powers))
    axes(page, low, high)
    for row in trained:
        page.dot(*place(low, high, int(row["connections"]), fall(row)), COLORS[row["processing"].split(".")[0]] if holds(row) else WRONG, 4)
    legend(page)
    y = BOTTOM + 96
    for row in large:
        page.text(48, y, f"does not fit into this machine's memory: {row['structure']}, {int(row['bytes_needed']):,} bytes", 13)
        y += 19
    if len(rows) < count:
        page.text(48, y, f"not made yet: {count - len(rows)}", 13)
    page.write(path, y + 24)
