# SPDX-License-Identifier: Apache-2.0
"""A figure's picture, from its CSV file alone: a panel a size, accuracy over sparsity, the dense network as a band of two standard
errors; below it what holds, and every run that is missing."""
import math

from figures import METHODS
from page import WIDTH, Page
from verdicts import accuracies, verdict_of, mean_error, missing_words

COLORS = {"dense": "#1c2633", "er": "#1a63a6", "erk": "#1a63a6", "uniform": "#cc5c0f", "snip": "#267f3d", "snip-ratio": "#854099"}
STATES = {"holds": "#267f3d", "does not hold": "#c92654", "open": "#5c6978"}
LEFT, TOP, HEIGHT, GAP, LINE, LETTERS = 96, 128, 300, 26, 19, 172


def ticks(low, high):
    """Round numbers around both, at most eight."""
    for step in (s * 10.0 ** p for p in range(-4, 1) for s in (1, 2, 5)):
        first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
        if last - first <= 7:
            return [step * i for i in range(first, max(last, first + 1) + 1)]
    return [0, 1]


def panel(page, figure, rows, size, left, right, marks):
    low, high, bottom = marks[0], marks[-1], TOP + HEIGHT

    sparsities = figure.axis

    def place(sparsity, accuracy):
        share = (sparsity - sparsities[0]) / (sparsities[-1] - sparsities[0])
        return left + (right - left) * share, bottom - HEIGHT * (accuracy - low) / (high - low)

    def across(accuracy):
        return [place(sparsities[0], accuracy), place(sparsities[-1], accuracy)]

    page.text(left, TOP - 12, f"{figure.what} {size}", 15, "#1c2633", bold=True)
    for mark in marks:
        page.line(across(mark), "#d6dbe3", 0.8)
    for sparsity in sparsities:
        page.line([place(sparsity, low), place(sparsity, high)], "#d6dbe3", 0.8)
        page.text(place(sparsity, low)[0], bottom + 18, f"{sparsity:g}", anchor="middle")
    dense, _ = accuracies(figure, rows, size, "dense", 0)
    if dense:
        mean, error = mean_error(dense)
        page.band(left, across(min(mean + 2 * error, high))[0][1], right, across(max(mean - 2 * error, low))[0][1], COLORS["dense"])
        page.line(across(mean), COLORS["dense"], 1.2, dashed=True)
    for method in [m for m in METHODS if m != "dense"]:
        made = sorted({run.sparsity for run in rows if run.size == size and run.method == method})
        means = [place(s, mean_error(accuracies(figure, rows, size, method, s)[0])[0]) for s in made]
        if len(means) > 1:
            page.line(means, COLORS[method])
    for run, row in rows.items():
        if run.size == size and run.sparsity >= sparsities[0]:
            page.dot(*place(run.sparsity, float(row["test_accuracy"])), COLORS[run.method])
    if not any(run.size == size for run in rows):
        page.text((left + right) / 2, TOP + HEIGHT / 2, "no run yet", 14, anchor="middle")


def wrap(words):
    """Lines of at most LETTERS, the later ones indented."""
    line, lines = "", []
    for word in words.split(" "):
        if len(line) + len(word) > LETTERS:
            lines.append(line)
            line = "   "
        line += (" " if line.strip() else "") + word
    return lines + [line]


def panels(page, figure, rows):
    sizes = list(dict.fromkeys(run.size for run in figure.runs))
    values = [float(row["test_accuracy"]) for row in rows.values()] or [0.5]
    marks, width = ticks(min(values), max(values)), (WIDTH - LEFT - 40 - GAP * (len(sizes) - 1)) / len(sizes)
    for mark in marks:
        page.text(LEFT - 8, TOP + HEIGHT - HEIGHT * (mark - marks[0]) / (marks[-1] - marks[0]) + 4, f"{100 * mark:.4g} %", anchor="end")
    for number, size in enumerate(sizes):
        left = LEFT + number * (width + GAP)
        panel(page, figure, rows, size, left, left + width, marks)
    page.text(WIDTH / 2, TOP + HEIGHT + 40, "sparsity; dots are runs, lines their means; dashed: dense, with two standard errors", 13, anchor="middle")
    x = LEFT
    for method in [m for m in METHODS if any(run.method == m for run in rows)]:
        page.dot(x, TOP + HEIGHT + 62, COLORS[method], 4)
        page.text(x + 9, TOP + HEIGHT + 66, method)
        x += 40 + 8 * len(method)


def draw(path, name, figure, table):
    page, rows = Page(), table.read()
    page.text(48, 48, figure.title, 24, "#1c2633", bold=True)
    commits = ", ".join(sorted({row["wisp"] for row in rows.values()}))
    page.text(48, 74, f"./scripts/bench claim {name}: {len(rows)} of {len(figure.runs)} runs, {figure.epochs} epochs each, accuracy of the last on the "
              f"{figure.measured}; by wisp {commits or '-'}", 13)
    panels(page, figure, rows)
    y = TOP + HEIGHT + 102
    for check in figure.checks:
        verdict = verdict_of(figure, rows, check)
        page.text(48, y, verdict.state + ("" if verdict.whole or verdict.state == "open" else ", so far"), 13, STATES[verdict.state], bold=True)
        page.text(196, y, verdict.text, 13, "#1c2633")
        y += LINE + 2
    missing = [line for words in missing_words(table.missing(), METHODS) for line in wrap(words)]
    page.text(48, y + 12, "Missing runs:" if missing else "No run is missing.", 13, "#1c2633", bold=True)
    for number, line in enumerate(missing):
        page.text(48, y + 12 + LINE * (number + 1), line)
    page.write(path, y + 12 + LINE * (len(missing) + 1) + 12)
