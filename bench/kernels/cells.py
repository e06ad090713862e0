# SPDX-License-Identifier: Apache-2.0
"""The table that the kernels are held to: which cells it has, what is aimed at, and the CSV file in which each stands once it is measured."""
import csv
import math
import os
from collections import namedtuple

SHAPES = [(512, 512), (1024, 1024), (2048, 2048), (4096, 1024), (1024, 4096)]
SPARSITIES = [0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99]
BATCHES = [1, 8, 16, 64, 256]
# Times faster than the fastest dense product, geometric means over the shapes.
AIMS = {
    0.5: (1.5, 1.05, 1.15, 1.5, 1.5),
    0.7: (2.4, 1.6, 1.9, 2.4, 2.4),
    0.8: (3.6, 2.3, 2.7, 3.5, 3.5),
    0.9: (5.8, 4.4, 5.2, 6.5, 6.3),
    0.95: (9, 8.5, 10, 12, 11.5),
    0.98: (15, 18, 24, 28, 27),
    0.99: (28, 33, 45, 52, 50),
}
DENSE = ["openblas", "onednn", "onednn_sgemm", "mkl"]
SPARSE = ["mkl_sparse", "scipy_csr", "torch_csr"]
BF16 = "onednn_bf16"
RIVALS = [*DENSE, BF16, *SPARSE]
CACHES = ["warm", "cold"]
LEVELS = {"l1": 48 << 10, "l2": 1 << 20, "l3": 32 << 20, "memory": math.inf}  # bytes that a level holds: of the machines that were measured

FIELDS = ["kernel", "m", "k", "batch", "sparsity", "caches", "wisp_us", *(f"{rival}_us" for rival in RIVALS), "speedup", "sparse_speedup", "rounds", "bytes", "gflops",
          "fma_percent", "bytes_a_cycle", "level", "level_percent", "ghz", "commit"]

Cell = namedtuple("Cell", "m k sparsity batch caches")


def every_cell():
    return [Cell(m, k, sparsity, batch, caches) for m, k in SHAPES for sparsity in SPARSITIES for batch in BATCHES for caches in CACHES]


def cell_of(row):
    return Cell(int(row["m"]), int(row["k"]), float(row["sparsity"]), int(row["batch"]), row["caches"])


def aim(sparsity, batch):
    return AIMS[sparsity][BATCHES.index(batch)]


def fastest(row, rivals):
    """Microseconds of the fastest of those that were there."""
    times = [float(row[f"{rival}_us"]) for rival in rivals if row.get(f"{rival}_us")]
    return min(times) if times else None


def mean(values):
    return math.exp(sum(map(math.log, values)) / len(values))


def row_of(line, machine, commit):
    """A row of the table from a line of the program, and from what it measured of the machine."""
    us, held = line["median_us"], line["bytes"] + 4 * line["n"] * (line["rows"] + line["columns"])
    level = next(name for name, size in LEVELS.items() if held <= size)
    row = {"kernel": line["format"], "m": line["rows"], "k": line["columns"], "batch": line["n"], "sparsity": line["sparsity"], "caches": line["caches"], "wisp_us": us,
           **{f"{rival}_us": line.get(f"{rival}_us", "") for rival in RIVALS}}
    dense, sparse = fastest(row, DENSE), fastest(row, SPARSE)
    cycle = line["bytes"] / us / machine["ghz"] / 1e3
    return row | {"speedup": round(dense / us, 3), "sparse_speedup": round(sparse / us, 3) if sparse else "", "rounds": line["rounds"], "bytes": line["bytes"],
                  "gflops": line["gflops"], "fma_percent": round(100 * line["gflops"] / machine["fma_gflops"], 1), "bytes_a_cycle": round(cycle, 2), "level": level,
                  "level_percent": round(100 * cycle / machine[f"{level}_bytes_a_cycle"], 1), "ghz": machine["ghz"], "commit": commit}


class Table:
    """Its rows by cell, in the order of every_cell(); written anew and in one step with each that comes."""

    def __init__(self, path):
        self.path, self.rows = path, {}
        if path.exists():
            with open(path, newline="", encoding="utf-8") as file:
                self.rows = {cell_of(row): row for row in csv.DictReader(file)}

    def missing(self):
        return [cell for cell in every_cell() if cell not in self.rows]

    def add(self, row):
        self.rows[cell_of(row)] = {field: str(row[field]) for field in FIELDS}
        part = self.path.with_suffix(".part")
        with open(part, "w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, FIELDS, lineterminator="\n")
            writer.writeheader()
            writer.writerows(self.rows[cell] for cell in every_cell() if cell in self.rows)
        os.rename(part, self.path)

    def over_shapes(self, sparsity, batch, caches):
        return [self.rows[cell] for cell in (Cell(m, k, sparsity, batch, caches) for m, k in SHAPES) if cell in self.rows]

    def commits(self):
        return sorted({row["commit"] for row in self.rows.values()})
