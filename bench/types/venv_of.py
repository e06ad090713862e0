# SPDX-License-Identifier: Apache-2.0
"""Goes on in a virtual environment of the build's where a package is missing here."""
import importlib.util
import os
import subprocess
import sys


def enter(folder, packages):
    """Goes on in `folder`, which is made and filled from PyPI, unless all packages are there already."""
    if all(importlib.util.find_spec(package) for package in packages):
        return
    python = folder / "bin/python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    subprocess.run([python, "-m", "pip", "install", "--quiet", *packages], check=True, stdout=sys.stderr)
    if sys.prefix == str(folder):
        sys.exit(f"what pip has put into {folder} cannot be found there")
    os.execv(python, [python, *sys.argv])
