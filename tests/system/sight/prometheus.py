#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What `wisp stats --prometheus` prints, as Prometheus' own parser reads it: every metric that docs/metrics.md names and no other, of the type named there, by its
conventions, and numbers that agree with what was asked.

usage: prometheus.py BUILD-FOLDER
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from programs import Programs, check, serving

try:
    from prometheus_client.parser import text_string_to_metric_families
except ImportError:
    if os.environ.get("WISP_SYSTEM_PYTHON") or not os.path.exists("/usr/bin/python3"):
        print("skipped: prometheus_client (python3-prometheus-client) is not installed")
        sys.exit(77)
    # Another Python is first on the path: Debian's has what Debian installed.
    os.execve("/usr/bin/python3", ["/usr/bin/python3", *sys.argv], dict(os.environ, WISP_SYSTEM_PYTHON="1"))

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../.."))
MODEL = os.path.join(ROOT, "models", "langid.safetensors")


def documented():
    """NAME: (type, labels) of the table."""
    rows = {}
    with open(os.path.join(ROOT, "docs", "metrics.md"), encoding="utf-8") as file:
        for line in file:
            match = re.match(r"\| `(wisp_\w+)` \| (\w+) \| ([^|]*)\|", line)
            if match:
                rows[match[1]] = match[2], set(re.findall(r"`(\w+)`", match[3]))
    return rows


def check_family(family, name, kind, labels):
    check(f"{name} is a {family.type}, and documented as {kind}", family.type == kind)
    check(f"{name} has no help", family.documentation)
    check(f"{name}: a counter ends in _total, and nothing else does", (kind == "counter") == name.endswith("_total"))
    for sample in family.samples:
        check(f"{name}: labels {sample.labels}", set(sample.labels) - {"le"} == labels)


def check_histogram(family):
    series = {}
    for sample in family.samples:
        who = tuple(sorted((k, v) for k, v in sample.labels.items() if k != "le"))
        series.setdefault(who, {})[sample.name.removeprefix(family.name) + sample.labels.get("le", "")] = sample.value
    for who, values in series.items():
        buckets = [(float(key.removeprefix("_bucket")), value) for key, value in values.items() if key.startswith("_bucket")]
        check(f"{family.name}{who}: bounds that do not grow", [b for b, _ in buckets] == sorted({b for b, _ in buckets}))
        check(f"{family.name}{who}: counts that fall", [c for _, c in buckets] == sorted(c for _, c in buckets))
        check(f"{family.name}{who}: +Inf is not the count", buckets[-1] == (float("inf"), values["_count"]))
        check(f"{family.name}{who}: a sum without a count", bool(values["_count"]) == bool(values["_sum"]))


def read(text):
    families = {}
    for family in text_string_to_metric_families(text):
        name = family.name + ("_total" if family.type == "counter" else "")
        check(f"{name} comes twice", name not in families)
        families[name] = family
    return families


def value(families, name, **labels):
    found = [sample.value for sample in families[name].samples if sample.labels == labels]
    check(f"{name}{labels}: {len(found)} of it", len(found) == 1)
    return found[0]


with tempfile.TemporaryDirectory() as folder:
    programs = Programs(sys.argv[1], folder)
    with serving(programs, MODEL) as socket:
        programs.run("bin/wisp", "run", "-s", socket, "text", "--lines", "-", data=b"one\ntwo\nthree\nfour\n")
        text = programs.run("bin/wisp", "stats", "-s", socket, "--prometheus").decode()
    families, rows = read(text), documented()
    check(f"not both documented and there: {set(families) ^ set(rows)}", set(families) == set(rows))
    for name, family in families.items():
        check_family(family, name, *rows[name])
        if family.type == "histogram":
            check_histogram(family)
    uid = str(os.getuid())
    check("wisp_up", value(families, "wisp_up") == 1)
    check("four requests of the model", value(families, "wisp_model_requests_total", model="langid") == 4)
    check("four requests of the user", value(families, "wisp_user_requests_total", uid=uid) == 4)
    check("time used", 0 < value(families, "wisp_model_used_seconds_total", model="langid") < 60)
    down = read(programs.run("bin/wisp", "stats", "-s", socket, "--prometheus").decode())
    check("a daemon that is gone", list(down) == ["wisp_up"] and value(down, "wisp_up") == 0)
    if shutil.which("promtool"):
        said = subprocess.run(["promtool", "check", "metrics"], input=text.encode(), capture_output=True, check=False)
        check(f"promtool: {said.stderr.decode()}{said.stdout.decode()}", said.returncode == 0)
    print(f"prometheus: {len(families)} metrics, {sum(len(f.samples) for f in families.values())} numbers read")
