#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The bits that wisp gives, against those that it gave: README.md says how.

usage: digests.py BUILD-FOLDER          compares with kept.txt, with every set of kernels that runs here
       digests.py BUILD-FOLDER --write  writes kept.txt anew, from one set of kernels

A digest is of values: of answers, or of a model file's tensors, name by name. What else stands in a file does not count.
"""
import array
import hashlib
import json
import os
import signal
import struct
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True  # nothing beside the sources
from data import write_data  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.normpath(os.path.join(HERE, "../../.."))
KEPT = os.path.join(HERE, "kept.txt")
SHIPPED = ("fashion", "langid", "digits")
SAMPLES = 32
ROWS = (1, 7, 32)

# Structures of what is built, and the rest of the command. Plain and odd widths, dense and sparse, few and many layers,
# columns in 16 and in 32 bits, every way to share and to draw connections.
BUILT = {
    "mlp": "-l 784-300-100-10 -s 0.9 --method er --sampling exact -S 1",
    "bernoulli": "-l 784-300-100-10 -s 0.9 --method er --sampling bernoulli --repair -S 2",
    "single": "-l 100-10 -s 0.5 --method uniform -S 3",
    "wide-input": "-l 70000-32-10 -s 0.96 --method er --repair -S 4",
    "wide-hidden": "-l 20-70000-10 -s 0.99 --method er -S 5",
    "deep": "-l 256-256-256-256-256-5 -s 0.9 --method uniform -S 6",
    "dense": "-l 33-65-17-3 -s 0 -S 7",
    "fixed": "-l 500-400-30 --method fixed --fixed 0.2,0.9 -S 8",
    "constant": "-l 128-128-10 -s 0.8 --method erk --weights constant=0.25 --sampling bernoulli -S 9",
    "graph": "--structure {folder}/graph.yaml -s 0.7 --method er --layer-density out=0.9 -S 10",
    "edges": "-l 40-30-4 -d 0.2 --method uniform --edges fc1={folder}/edges.csv -S 11",
    "gelu": "--structure {folder}/gelu.yaml -s 0.5 --method er -S 13",
    "recurrent": "--structure {folder}/recurrent.yaml -s 0.5 --method er -S 14",
    "inherited": "-l 100-10 -s 0.8 --method er --base {folder}/single.safetensors -S 12",
}

GRAPH = """\
name: graph
processing: image.classification
input: [48]
layers:
  - linear: 64
  - linear: 40
  - relu
  - relu
  - linear: 30
  - softmax
  - linear: {name: out, neurons: 12}
"""

GELU = """\
name: gelu
processing: image.classification
input: [144]
layers:
  - linear: 40
  - gelu
  - linear: 30
  - gelu: {approximation: tanh}
  - linear: 4
  - softmax
"""

RECURRENT = """\
name: recurrent
processing: image.classification
input: [12, 12]
layers:
  - lstm: {neurons: 14, output: state}
  - gru: {neurons: 10, direction: backward}
  - slice: {axis: 1, begin: 0}
  - linear: 4
  - softmax
"""

# A residual network with normalisations, and attention.
RESIDUAL = """\
name: residual
processing: image.classification
input: [1, 12, 12]
layers:
  - conv2d: {channels: 6, kernel: 3, padding: 1}
  - batch_norm
  - relu: {name: first}
  - conv2d: {channels: 6, kernel: 3, padding: 1, groups: 2}
  - batch_norm: {name: second}
  - add: {from: [second, first]}
  - relu
  - max_pool
  - conv2d: {channels: 8, kernel: 3, stride: 2}
  - silu
  - global_pool
  - linear: 4
  - softmax
"""

ATTENTION = """\
name: attention
processing: image.classification
input: [1, 12, 12]
layers:
  - conv2d: {name: patches, channels: 16, kernel: 4, stride: 4}
  - tokens
  - position: {name: placed}
  - layer_norm
  - self_attention: {name: attention, heads: 2}
  - add: {name: middle, from: [previous, placed]}
  - layer_norm
  - projection: 24
  - gelu
  - projection: 16
  - add: {from: [previous, middle]}
  - layer_norm
  - global_pool
  - dropout: 0.1
  - linear: 4
  - softmax
"""

# Labels in their order, of texts.
WRITTEN = """\
name: written
processing: text.translation
input: [16]
layers:
  - embedding: {vocabulary: 300, neurons: 24}
  - position
  - conv1d: {channels: 32, kernel: 3, padding: 1}
  - relu
  - projection: {name: words, neurons: 40}
"""

# Two that are trained against each other.
MADE = """\
name: made
processing: image.generation
inputs: {noise: [6]}
layers:
  - linear: {neurons: 40, from: noise}
  - leaky_relu: {slope: 0.2}
  - linear: 144
"""

ADVERSARY = """\
name: adversary
processing: image.generation
input: [144]
layers:
  - linear: 32
  - batch_norm
  - leaky_relu: {slope: 0.2}
  - dropout: {rate: 0.1}
  - linear: 1
"""

OPPOSED = ("-e 2 --optimizer adamw -b 16 -r 0.002 --momentum 0.5 --decay 0.01 --balance none --schedule cosine --warmup 1 "
           "--label-smoothing 0.1 --input-dropout 0 --adversarial 1 --adversarial-loss logistic -S 13")

IMAGE = '{"kind":"image","width":12,"height":12,"channels":1,"fit":"stretch","background":0,"mean":0.5,"deviation":0.25}'
TEXT = '{"kind":"text","features":2048,"characters":[1,3],"words":[1,1],"weight":"log","norm":"l2","limit":65536}'
AUDIO = ('{"kind":"audio","mels":12,"frames":10,"rate":8000,"window":256,"low":60,"high":4000,"trim_db":40,"floor_db":60,'
         '"mean":0.5,"deviation":0.25}')

WORDS = '{"kind":"text","features":300,"sequence":16}'

# What several recipes begin with.
PLAIN = ("-p image.classification -e 2 --optimizer sgd --rate-by-density none -b 16 -r 0.05 --momentum 0.9 --decay 0.0005 --balance none --schedule cosine --warmup 1 "
         "--label-smoothing 0 --input-dropout 0 --validation 0.2 --candidates 1 ")
MOVED = PLAIN.replace("-e 2", "-e 3")

# Model, data and recipe of what is trained: every option is said, so that another default changes nothing here.
TRAINED = {
    "image-sgd": ("-l 144-40-4 -s 0.6 --method er -S 21", "image", IMAGE,
                  "-p image.classification -e 3 --optimizer sgd --rate-by-density none -b 16 -r 0.05 --momentum 0.9 --decay 0.0005 --balance none "
                  "--schedule cosine --warmup 1 --label-smoothing 0 --input-dropout 0 --validation 0.2 --candidates 1 -S 5"),
    "image-all": ("-l 144-60-30-4 -s 0.8 --method erk --candidates 3 -S 22", "image", IMAGE,
                  "-p image.classification -e 3 --optimizer sgd --rate-by-density none -b 10 -r 0.1 --momentum 0.8 --decay 0.001 --balance full "
                  "--schedule step --warmup 0.5 --label-smoothing 0.1 --input-dropout 0.1 --augment shift=2,flip=0.5 "
                  "--validation 0.25 --candidates 3 -S 6"),
    "image-adamw": ("-l 144-50-4 -s 0.75 --method uniform --repair -S 23", "image", IMAGE,
                    "-p image.classification -e 3 --optimizer adamw -b 32 -r 0.003 --momentum 0.9 --decay 0.01 --balance root "
                    "--schedule constant --warmup 0 --label-smoothing 0.05 --input-dropout 0.2 --augment shift=1 "
                    "--validation 0.2 --candidates 2 -S 7"),
    "image-groups": ("-l 144-40-4 -s 0.6 --method er -S 29", "image", IMAGE,
                     "-p image.classification -e 3 --optimizer sgd --rate-by-density none -b 100 -r 0.1 --momentum 0.9 --decay 0.001 --balance none "
                     "--schedule cosine --warmup 1 --label-smoothing 0.1 --input-dropout 0.1 --augment shift=1 --validation 0.2 --candidates 1 -S 13"),
    "image-gelu": ("--structure {folder}/gelu.yaml -s 0.6 --method er -S 27", "image", IMAGE,
                   "-p image.classification -e 2 --optimizer sgd --rate-by-density none -b 16 -r 0.05 --momentum 0.9 --decay 0.0005 --balance none "
                   "--schedule cosine --warmup 1 --label-smoothing 0 --input-dropout 0 --validation 0.2 --candidates 1 -S 11"),
    "image-recurrent": ("--structure {folder}/recurrent.yaml -s 0.6 --method er -S 28", "image", IMAGE,
                        "-p image.classification -e 2 --optimizer sgd --rate-by-density none -b 16 -r 0.05 --momentum 0.9 --decay 0.0005 --balance none "
                        "--schedule cosine --warmup 1 --label-smoothing 0 --input-dropout 0 --validation 0.2 --candidates 1 -S 12"),
    "image-residual": ("--structure {folder}/residual.yaml -s 0.5 --method erk -S 31", "image", IMAGE,
                       "-p image.classification -e 2 --optimizer sgd --rate-by-density full -b 16 -r 0.02 --momentum 0.9 --decay 0.0005 --balance none "
                       "--schedule cosine --warmup 1 --label-smoothing 0.1 --input-dropout 0 --augment shift=1,flip=0.5 --validation 0.2 --candidates 1 -S 15"),
    "image-attention": ("--structure {folder}/attention.yaml -s 0.6 --method erk -S 32", "image", IMAGE,
                        "-p image.classification -e 2 --optimizer adamw --rate-by-density full -b 16 -r 0.002 --momentum 0.9 --decay 0.01 --balance none "
                        "--schedule one-cycle --warmup 0 --label-smoothing 0 --input-dropout 0 --clip 1 --average ema=0.9 --validation 0.2 --candidates 1 -S 16"),
    "image-set": ("-l 144-40-4 -s 0.7 --method er -S 33", "image", IMAGE, MOVED + "--regrow set,fraction=0.3,every=5 -S 17"),
    "image-rigl": ("-l 144-40-4 -s 0.7 --method er -S 33", "image", IMAGE, MOVED + "--regrow rigl,fraction=0.3,every=5,until=0.75 -S 17"),
    "image-taught": ("-l 144-30-4 -s 0.8 --method er -S 34", "image", IMAGE, PLAIN + "--teacher {folder}/image-sgd-trained.safetensors --temperature 2 -S 18"),
    "image-rounds": ("-l 144-30-4 -s 0.6 --method er -S 35", "image", IMAGE,
                     PLAIN + "--labelled 60 --rounds 2 --passes 3 --agreement 0.8 --augment shift=1 -S 19"),
    "image-sure": ("-l 144-30-4 -s 0.6 --method er -S 35", "image", IMAGE,
                   PLAIN + "--labelled 60 --rounds 0 --disagreement 1 --confidence 0.7 --augment shift=1 --strong-augment shift=1,cutout=0.3 --unlabelled-batches 1 "
                   "--mean-teacher --average ema=0.95 -S 20"),
    "text-ctc": ("--structure {folder}/written.yaml -s 0.5 --method erk -S 36", "pairs.tsv", WORDS, "--loss ctc " + PLAIN.replace("image.classification", "text.translation") + "-S 21"),
    "text-adamw": ("-l 2048-32-3 -s 0.9 --method er -S 24", "text.tsv", TEXT,
                   "-p text.classification -e 3 --optimizer adamw -b 8 -r 0.003 --momentum 0.9 --decay 0.01 --balance root "
                   "--schedule cosine --warmup 1 --label-smoothing 0.1 --input-dropout 0 --augment crop=0.3 --validation 0.2 "
                   "--candidates 2 -S 8"),
    "text-sgd": ("-l 2048-3 -s 0.5 --method uniform -S 25", "text.tsv", TEXT,
                 "-p text.classification -e 3 --optimizer sgd --rate-by-density none -b 16 -r 0.5 --momentum 0.9 --decay 0.000001 --balance auto "
                 "--schedule cosine --warmup 1 --label-smoothing 0 --input-dropout 0.1 --validation 0.2 --candidates 1 -S 9"),
    "audio-sgd": ("-l 120-40-3 -s 0.6 --method er -S 26", "audio", AUDIO,
                  "-p audio.classification -e 2 --optimizer sgd --rate-by-density none -b 8 -r 0.05 --momentum 0.9 --decay 0.0005 --balance none "
                  "--schedule cosine --warmup 1 --label-smoothing 0 --input-dropout 0 --augment speed=0.1,noise=30,cut=0.1,mask=0.1 "
                  "--validation 0.2 --candidates 1 -S 10"),
}


class Bits:
    """The programs of one build in one scratch folder, with one set of kernels; `found` is name to digest."""

    def __init__(self, build, folder, kernels):
        self.bin = os.path.join(build, "bin")
        self.answers = os.path.join(build, "tests/bin/answers")
        self.folder = folder
        self.environment = dict(os.environ, WISP_DB=os.path.join(folder, "structures.db"), LC_ALL="C.UTF-8")
        self.environment.pop("WISP_CPU", None)
        if kernels:
            self.environment["WISP_CPU"] = kernels
        self.found = {}

    def run(self, program, *words, data=None):
        done = subprocess.run([os.path.join(self.bin, program), *words], input=data, env=self.environment, cwd=self.folder,
                              capture_output=True, timeout=120, check=False)
        if done.returncode:
            sys.exit(f"{program} {' '.join(words)}: exit {done.returncode}: {done.stderr.decode(errors='replace')}")
        return done.stdout

    def path(self, name):
        return os.path.join(self.folder, name + ".safetensors")

    def build(self, name, command):
        words = command.format(folder=self.folder).split()
        self.run("wisp-forge", "build", *words, "-t", "2", "-n", name, "-o", self.path(name), "--no-history", "--force")

    def build_all(self):
        for name, command in BUILT.items():
            self.build(name, command)
            self.found["built " + name] = digest_of_tensors(self.path(name))

    def ask_all(self):
        """Every model of SHIPPED and BUILT in one daemon, in requests of different sizes."""
        paths = {name: os.path.join(SOURCE, "models", name + ".safetensors") for name in SHIPPED}
        paths.update((name, self.path(name)) for name in BUILT)
        socket = os.path.join(self.folder, "socket")
        models = [word for path in paths.values() for word in ("-m", path)]
        with subprocess.Popen([os.path.join(self.bin, "wispd"), "-s", socket, "-l", "error", *models],
                              env=self.environment) as daemon:
            try:
                self.wait_for(socket, daemon)
                for name, path in paths.items():
                    self.found["answers " + name] = self.ask(socket, name, path)
            finally:
                daemon.send_signal(signal.SIGTERM)
        if daemon.returncode:
            sys.exit(f"wispd: exit {daemon.returncode}")

    def wait_for(self, socket, daemon):
        ping = [os.path.join(self.bin, "wisp"), "ping", "-s", socket]
        while subprocess.run(ping, env=self.environment, capture_output=True, check=False).returncode:
            if daemon.poll() is not None:
                sys.exit(f"wispd: exit {daemon.returncode} before it answered")
            time.sleep(0.02)

    def ask(self, socket, name, path):
        size = input_size(path)
        data = inputs(name, size)
        digests = {rows: digest([("answers", self.run(self.answers, socket, name, str(rows), data=data))]) for rows in ROWS}
        if len(set(digests.values())) != 1:
            sys.exit(f"{name}: the answers depend on how many samples are asked at once: {digests}")
        return digests[ROWS[0]]

    def encode_all(self):
        """Files through the codecs and the shipped models. The lines of sounds have a name of their own."""
        run = lambda model, file: self.run("wisp", "run", "-m", os.path.join(SOURCE, "models", model + ".safetensors"), "--raw",
                                           os.path.join(SOURCE, "examples", file))
        self.found["file picture.png"] = digest([("answer", run("fashion", "picture.png"))])
        for language in ("en", "fi", "tr", "zh"):
            self.found[f"file {language}.txt"] = digest([("answer", run("langid", f"sentences/{language}.txt"))])
        self.found["sound recording.wav"] = digest([("answer", run("digits", "recording.wav"))])

    def train_all(self):
        for name, (structure, data, media, recipe) in TRAINED.items():
            self.build(name, structure)
            kind = "sound" if data == "audio" else "trained"
            digests = {}
            for threads in ("1", "2"):
                out = self.path(name + "-trained")
                self.run("wisp-forge", "train", self.path(name), "-D", os.path.join(self.folder, data), "-m", media,
                         *recipe.format(folder=self.folder).split(), "-t", threads, "--no-history", "--json", "-o", out)
                digests[threads] = digest_of_tensors(out)
            if digests["1"] != digests["2"]:
                sys.exit(f"{name}: the trained weights depend on the number of threads: {digests}")
            self.found[f"{kind} {name}"] = digests["1"]
            said = json.loads(self.run("wisp-forge", "eval", out, "-D", os.path.join(self.folder, data), "--split", "train",
                                       "-b", "7", "--json", *(("--loss", "ctc") if name == "text-ctc" else ())))
            counts = json.dumps(said["confusion"] if "confusion" in said else [said["edits"], said["right"]])
            self.found[f"{kind} {name} evaluated"] = digest([("confusion", counts.encode())])

    def oppose(self):
        """A generator and its adversary."""
        for name in ("made", "adversary"):
            self.build(name, f"--structure {self.folder}/{name}.yaml -s 0.6 --method er -S 29")
        digests = []
        for threads in ("1", "2"):
            self.run("wisp-forge", "train", self.path("made"), "-D", os.path.join(self.folder, "image"), "-m", IMAGE,
                     "--adversary", self.path("adversary"), *OPPOSED.split(), "-t", threads, "--no-history", "--json",
                     "-o", self.path("made-trained"), "--save-adversary", self.path("adversary-trained"))
            digests.append([digest_of_tensors(self.path(name)) for name in ("made-trained", "adversary-trained")])
        if digests[0] != digests[1]:
            sys.exit(f"made: the trained weights depend on the number of threads: {digests}")
        self.found["trained made"], self.found["trained adversary"] = digests[0]


def digest(parts):
    total = hashlib.sha256()
    for name, data in parts:
        total.update(f"{name} {len(data)}\n".encode())
        total.update(data)
    return total.hexdigest()[:32]


def read_header(path):
    with open(path, "rb") as file:
        data = file.read()
    length = struct.unpack_from("<Q", data)[0]
    return json.loads(data[8:8 + length]), data[8 + length:]


def digest_of_tensors(path):
    header, data = read_header(path)
    tensors = sorted(name for name in header if name != "__metadata__" and not name.startswith("__pad_"))
    if not tensors:
        sys.exit(f"{path}: no tensors")
    return digest((f"{name} {header[name]['dtype']}", data[slice(*header[name]["data_offsets"])]) for name in tensors)


def input_size(path):
    size = 1
    for side in json.loads(read_header(path)[0]["__metadata__"]["wisp.input"]):
        size *= side
    return size


def inputs(name, size):
    """SAMPLES samples, exact, with both signs and with zeros; the more features, the smaller, so that no softmax is full."""
    step = 1 / 64 / 2 ** max(0, size.bit_length() - 10)
    values = [(byte - 128) * step for byte in range(256)]
    return array.array("f", map(values.__getitem__, hashlib.shake_128(name.encode()).digest(SAMPLES * size))).tobytes()


def kernels_here():
    """The first, the best, is what the programs take by themselves: that is left to them."""
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:
        flags = set(file.read().split())
    sets = {"scalar": set(), "avx2": {"avx2", "fma"}, "avx512": {"avx512f", "avx512bw", "avx512vl", "avx512dq"}}
    return [None] + [name for name, needed in sets.items() if needed <= flags][:-1]


def measure(build, kernels):
    with tempfile.TemporaryDirectory() as folder:
        write_data(folder)
        for name, text in (("graph", GRAPH), ("gelu", GELU), ("recurrent", RECURRENT), ("made", MADE), ("adversary", ADVERSARY),
                           ("residual", RESIDUAL), ("attention", ATTENTION), ("written", WRITTEN)):
            with open(os.path.join(folder, name + ".yaml"), "w", encoding="ascii") as file:
                file.write(text)
        bits = Bits(build, folder, kernels)
        bits.build_all()
        bits.ask_all()
        bits.encode_all()
        bits.train_all()
        bits.oppose()
        return bits.found


def read_kept():
    with open(KEPT, encoding="ascii") as file:
        lines = [line.rsplit(maxsplit=1) for line in file if line.strip() and not line.startswith("#")]
    return dict(lines)


def compare(kept, found, kernels):
    wrong = [f"{name}: {found.get(name, 'not there any more')}, and was {kept.get(name, 'not there')}"
             for name in sorted(kept.keys() | found.keys()) if kept.get(name) != found.get(name)]
    for line in wrong:
        print(f"{kernels or 'default'} kernels: {line}")
    return len(wrong)


def main():
    if len(sys.argv) not in (2, 3) or sys.argv[2:] not in ([], ["--write"]):
        sys.exit(__doc__)
    build = os.path.abspath(sys.argv[1])
    if sys.argv[2:]:
        found = measure(build, None)
        with open(KEPT, "w", encoding="ascii") as file:
            file.write("# Written by digests.py --write; see README.md.\n")
            file.writelines(f"{name} {value}\n" for name, value in found.items())
        return
    kept, wrong, sets = read_kept(), 0, kernels_here()
    for kernels in sets:
        wrong += compare(kept, measure(build, kernels), kernels)
    print(f"{len(kept)} digests compared with {len(sets)} sets of kernels, {wrong} differ")
    sys.exit(1 if wrong or not kept else 0)


if __name__ == "__main__":
    main()
