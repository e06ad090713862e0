# SPDX-License-Identifier: Apache-2.0
"""The table as docs/results/kernels.md has it."""
import cells

HEAD = "| sparsity | " + " | ".join(f"n = {batch}" for batch in cells.BATCHES) + " |\n" + "| --- " * (len(cells.BATCHES) + 1) + "|"


def mean_of(table, sparsity, batch, caches, value):
    values = [value(row) for row in table.over_shapes(sparsity, batch, caches)]
    return cells.mean(values) if values and all(values) else None


def shown(number):
    return "-" if number is None else f"{number:.1f}" if number >= 10 else f"{number:.2f}"


def means(table, caches, value, beside=lambda sparsity, batch, mean: ""):
    print(HEAD)
    for sparsity in cells.SPARSITIES:
        row = []
        for batch in cells.BATCHES:
            mean = mean_of(table, sparsity, batch, caches, value)
            row.append(shown(mean) + beside(sparsity, batch, mean))
        print(f"| {sparsity:.0%} | " + " | ".join(row) + " |")
    print()


def speedup(row):
    return float(row["speedup"])


def against(rivals):
    def value(row):
        time = cells.fastest(row, rivals)
        return time and time / float(row["wisp_us"])
    return value


def beside_aim(sparsity, batch, mean):
    wanted = cells.aim(sparsity, batch)
    return f" of {wanted:g}" if mean is None or mean >= wanted else f" of **{wanted:g}**"


def each_cell(table, caches):
    print("| weight " + HEAD.replace("\n", "\n| --- "))
    for m, k in cells.SHAPES:
        for sparsity in cells.SPARSITIES:
            rows = [table.rows.get(cells.Cell(m, k, sparsity, batch, caches)) for batch in cells.BATCHES]
            shows = [f"{shown(float(row['wisp_us']))} ({shown(speedup(row))}, {shown(float(row['sparse_speedup'] or 0) or None)})" if row else "-" for row in rows]
            print(f"| {m} x {k} | {sparsity:.0%} | " + " | ".join(shows) + " |")
    print()


def lost(table, caches):
    """Where somebody else is faster."""
    for cell in cells.every_cell():
        row = table.rows.get(cell)
        if row and cell.caches == caches:
            for what, rivals in (("dense", cells.DENSE), ("sparse", cells.SPARSE)):
                times = against(rivals)(row)
                if times and times < 1:
                    who = min((name for name in rivals if row[f"{name}_us"]), key=lambda name: float(row[f"{name}_us"]))
                    print(f"{caches}, {what}: {cell.m} x {cell.k}, {cell.sparsity:.0%}, n = {cell.batch}: {times:.2f} of {who}")


def write(table):
    for caches in cells.CACHES:
        print(f"{caches}: times faster than the fastest dense product\n")
        means(table, caches, speedup, beside_aim if caches == "warm" else lambda *_: "")
        for name in (*cells.SPARSE, cells.BF16):
            print(f"{caches}: times faster than {name}\n")
            means(table, caches, against([name]))
        lost(table, caches)
    for field in ("fma_percent", "level_percent"):
        print(f"warm: {field}\n")
        means(table, "warm", lambda row, field=field: float(row[field]))
    print("warm, cell by cell: us (times faster than dense, than sparse)\n")
    each_cell(table, "warm")
