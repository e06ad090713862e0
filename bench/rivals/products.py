#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""SciPy's and PyTorch's products of a CSR matrix, for python.c, which writes on standard input and reads from standard output:

    which                                    the names of those who are here
    open NAME ROWS COLUMNS N COUNT           and, as they stand in memory, starts and columns (int32), values and x (float32); then: y (float32)
    time NAME CALLS                          the nanoseconds of so many calls
    close NAME

Both are called where least stands in between: SciPy's compiled loop, which `@` ends in, and PyTorch's product into a tensor that is there."""
import importlib.util
import sys
import time

FROM, TO = sys.stdin.buffer, sys.stdout.buffer


def scipy(rows, columns, n, starts, places, values, x):
    import numpy
    from scipy.sparse import _sparsetools

    y = numpy.zeros(rows * n, "float32")  # to which the product is added
    if n == 1:
        return y, lambda: _sparsetools.csr_matvec(rows, columns, starts, places, values, x, y)
    return y, lambda: _sparsetools.csr_matvecs(rows, columns, n, starts, places, values, x, y)


def torch(rows, columns, n, starts, places, values, x):
    import warnings

    import torch

    warnings.simplefilter("ignore")  # that CSR is beta
    torch.set_num_threads(1)
    weight = torch.sparse_csr_tensor(torch.from_numpy(starts), torch.from_numpy(places), torch.from_numpy(values), (rows, columns))
    x = torch.from_numpy(x)
    y = torch.zeros(rows if n == 1 else (rows, n))
    x = x if n == 1 else x.view(columns, n)
    multiply = torch.mv if n == 1 else torch.mm
    return y.numpy().reshape(-1), lambda: multiply(weight, x, out=y)


NAMES = {"scipy_csr": (scipy, "scipy"), "torch_csr": (torch, "torch")}


def read(kind, count):
    import numpy

    return numpy.frombuffer(bytearray(FROM.read(4 * count)), kind)  # PyTorch wants what may be written


def opened(name, rows, columns, n, count):
    operands = read("int32", rows + 1), read("int32", count), read("float32", count), read("float32", columns * n)
    y, run = NAMES[name][0](rows, columns, n, *operands)
    run()
    say(y.tobytes())
    return run


def timed(run, calls):
    begun = time.perf_counter_ns()
    for _ in range(calls):
        run()
    return time.perf_counter_ns() - begun


def say(what):
    TO.write(what)
    TO.flush()


def main():
    runs = {}
    for line in iter(FROM.readline, b""):
        word, *more = line.decode().split()
        if word == "which":
            say(f"{' '.join(name for name, (_, package) in NAMES.items() if importlib.util.find_spec(package))}\n".encode())
        elif word == "open":
            runs[more[0]] = opened(more[0], *map(int, more[1:]))
        elif word == "time":
            say(f"{timed(runs[more[0]], int(more[1]))}\n".encode())
        elif word == "close":
            del runs[more[0]]


main()
