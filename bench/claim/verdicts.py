# SPDX-License-Identifier: Apache-2.0
"""What a figure's runs say of its checks."""
import math
import statistics
from collections import namedtuple

# `state`: "holds", "does not hold" or "open"; `whole`: every run that the table has for it was made.
Verdict = namedtuple("Verdict", "state text whole")


def accuracies(figure, rows, size, method, sparsity):
    """Those that there are, and how many there are to be."""
    runs = [run for run in figure.runs if (run.size, run.method, run.sparsity) == (size, method, sparsity)]
    return [float(rows[run]["test_accuracy"]) for run in runs if run in rows], len(runs)


def mean_error(values):
    """The mean and its standard error; 0 where one run says nothing of it."""
    return statistics.fmean(values), statistics.stdev(values) / math.sqrt(len(values)) if len(values) > 1 else 0


def name(check):
    return f"{check.method} at {100 * check.sparsity:g} %, {check.size}"


def verdict_of(figure, rows, check):
    mine, all_mine = accuracies(figure, rows, check.size, check.method, check.sparsity)
    if check.least is not None:
        if not mine:
            return Verdict("open", f"{name(check)}: at least {100 * check.least:.1f} %: no run yet", False)
        mean, _ = mean_error(mine)
        return Verdict("holds" if mean >= check.least else "does not hold",
                       f"{name(check)}: {100 * mean:.2f} %, to be at least {100 * check.least:.1f} ({len(mine)} of {all_mine} seeds)",
                       len(mine) == all_mine)
    other, all_other = accuracies(figure, rows, check.size, check.rival, 0 if check.rival == "dense" else check.sparsity)
    wanted = f"to be {100 * check.ahead:+.1f} or more"
    if not mine or not other:
        lacking = check.method if not mine else check.rival
        return Verdict("open", f"{name(check)}, against {check.rival}: {wanted}: no run of {lacking} yet", False)
    (mean, error), (rival, rival_error) = mean_error(mine), mean_error(other)
    slack = 2 * math.hypot(error, rival_error)
    less = ("of one seed there is no standard error" if min(len(mine), len(other)) == 1 else
            f"two standard errors are {100 * slack:.2f}" if check.strict else f"less {100 * slack:.2f} for two standard errors")
    return Verdict("holds" if mean - rival >= check.ahead - (0 if check.strict else slack) else "does not hold",
                   f"{name(check)}, against {check.rival}: {100 * (mean - rival):+.2f} points, {wanted}, {less} "
                   f"({len(mine)} of {all_mine} seeds against {len(other)} of {all_other})",
                   len(mine) == all_mine and len(other) == all_other)


def missing_words(missing, methods):
    """The runs that are missing, in a line for each method and size."""
    groups = {}
    for run in missing:
        groups.setdefault((run.method, run.size), {}).setdefault(run.sparsity, []).append(run.seed)
    for (method, size), sparsities in sorted(groups.items(), key=lambda group: list(methods).index(group[0][0])):
        seeds = {}
        for sparsity, of in sparsities.items():
            seeds.setdefault(tuple(of), []).append(sparsity)
        parts = [(f"at {' '.join(f'{s:g}' for s in sorted(of))} " if method != "dense" else "") + f"(seed{'s' * (len(numbers) > 1)} {', '.join(map(str, numbers))})"
                 for numbers, of in seeds.items()]
        yield f"{method}, {size}: {', '.join(parts)}"
