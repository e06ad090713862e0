# SPDX-License-Identifier: Apache-2.0
"""Data sets that are made of those below WISP_DATA before a model is trained. A function gets that folder and a folder to work in, where what it made
once stays, and returns what to train on, what to test on, and options of both; and other sets to test on, by name."""
import collections
import pathlib
import subprocess
import tarfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
DIGITS = "zero one two three four five six seven eight nine".split()

Data = collections.namedtuple("Data", "train test options others", defaults=[(), {}])


def once(folder, make):
    """The folder, made by the function unless it was."""
    if not (folder / "made").exists():
        folder.mkdir(parents=True, exist_ok=True)
        make(folder)
        (folder / "made").touch()
    return folder


def unpack(archive, folder):
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")


# ---- digits ----

def add_folder(tar, folder):
    """Files DIGIT_REST.wav, by name, with the digit as a word, which is the model's label. Nothing of the machine stands in their headers: the same tar
    everywhere."""
    for path in sorted(folder.iterdir()):
        entry = tarfile.TarInfo(f"{folder.name}/{DIGITS[int(path.name[0])]}{path.name[1:]}")
        entry.size = path.stat().st_size
        with open(path, "rb") as file:
            tar.addfile(entry, file)


def digits(data, work):
    """People and espeak-ng's voices in one tar to train on; each apart to test on."""
    people = once(work / "people", lambda folder: unpack(data / "fsdd/fsdd.tar.xz", folder))
    voices = once(work / "voices", lambda folder: subprocess.run([ROOT / "scripts/make-voices", folder], check=True))
    made = {}
    for name, folders in (("digits", [people / "train", voices / "train"]), ("people-test", [people / "test"]), ("voices-test", [voices / "test"])):
        made[name] = work / f"{name}.tar"
        with tarfile.open(made[name], "w") as tar:
            for folder in folders:
                add_folder(tar, folder)
    return Data(made["digits"], made["people-test"], others={"voices": made["voices-test"]})
