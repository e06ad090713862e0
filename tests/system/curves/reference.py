#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes kept.csv: the same trainings by PyTorch, in double precision, of dense weights times the mask that wisp drew. README.md.

usage: reference.py BUILD-FOLDER        (pip install torch numpy)
"""
import csv
import json
import math
import os
import struct
import sys
import tempfile

import numpy
import torch
from torch.nn import functional as F

sys.dont_write_bytecode = True
import networks  # noqa: E402

MEDIA = json.loads(networks.MEDIA)
TYPES = {"F32": "<f4", "I64": "<i8", "U16": "<u2", "I32": "<i4"}


def read_model(path):
    """Layers as the file lists them, and its tensors by name (docs/model-file.md)."""
    with open(path, "rb") as file:
        data = file.read()
    begin = 8 + struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:begin])
    metadata = header.pop("__metadata__")
    tensors = {name: numpy.frombuffer(data[begin + d["data_offsets"][0]:begin + d["data_offsets"][1]], TYPES[d["dtype"]])
               for name, d in header.items() if d["dtype"] in TYPES}
    return json.loads(metadata["wisp.graph"]), tensors


class Layer:
    """Its parameters as leaves; `mask` is where its weight has connections."""

    def __init__(self, described, tensors):
        self.__dict__.update(described)
        starts = tensors.get(f"{self.name}.weight.crow_indices")
        own = {key[len(self.name) + 1:]: value for key, value in tensors.items() if key.startswith(self.name + ".")}
        self.vectors = {key: torch.tensor(value, dtype=torch.float64, requires_grad=key not in ("mean", "variance"))
                        for key, value in own.items() if "." not in key}
        self.weight = None
        if starts is not None:
            dense = numpy.zeros((len(starts) - 1, self.columns))
            rows = numpy.repeat(numpy.arange(len(starts) - 1), numpy.diff(starts))
            dense[rows, own["weight.col_indices"]] = own["weight.values"]
            mask = numpy.zeros_like(dense)
            mask[rows, own["weight.col_indices"]] = 1
            self.weight, self.mask = torch.tensor(dense, requires_grad=True), torch.tensor(mask)
            self.density = len(own["weight.values"]) / dense.size

    def masked(self):
        self.effective = self.weight * self.mask
        self.effective.retain_grad()  # of connections that are not there, too
        return self.effective


def convolve(layer, x):
    p = {key: int(value) for key, value in layer.parameters.items()}
    kernel = layer.masked().view(-1, x.shape[1] // p["groups"], p["kernel_height"], p["kernel_width"])
    return F.conv2d(x, kernel, layer.vectors["bias"], p["stride"], p["padding"], 1, p["groups"])


def normalise_batch(layer, x):
    return F.batch_norm(x, None, None, layer.vectors["scale"], layer.vectors["shift"], True, 0, layer.parameters["epsilon"])


def normalise_tokens(layer, x):
    return F.layer_norm(x.transpose(1, 2), [x.shape[1]], layer.vectors["scale"], layer.vectors["shift"], layer.parameters["epsilon"]).transpose(1, 2)


def attend(layer, *values):
    heads = int(layer.parameters["heads"])
    q, k, v = (x.unflatten(1, (heads, -1)) for x in values)
    scores = torch.einsum("nhdt,nhds->nhts", q, k) / math.sqrt(q.shape[2])
    return torch.einsum("nhts,nhds->nhdt", scores.softmax(3), v).flatten(1, 2)


def project(layer, x):
    return torch.einsum("oi,nit->not", layer.masked(), x) + layer.vectors["bias"][:, None]


def remember(layer, x):
    """lstm: rows are the input, forget, cell and output gates."""
    hidden = cell = torch.zeros(x.shape[0], layer.weight.shape[0] // 4, dtype=torch.float64)
    states = []
    for t in range(x.shape[2]):
        i, f, g, o = (torch.cat([x[:, :, t], hidden], 1) @ layer.masked().T + layer.vectors["bias"]).chunk(4, 1)
        cell = torch.sigmoid(f + layer.parameters["forget_bias"]) * cell + torch.sigmoid(i) * torch.tanh(g)
        hidden = torch.sigmoid(o) * torch.tanh(cell)
        states.append(hidden)
    return torch.stack(states, 2)


def gate(layer, x):
    """gru, from the last frame to the first; the reset gate works on the hidden neurons, before the product."""
    assert layer.parameters["direction"] == "backward"
    count = layer.weight.shape[0] // 3
    hidden, states = torch.zeros(x.shape[0], count, dtype=torch.float64), {}
    weight, bias = layer.masked(), layer.vectors["bias"]
    for t in reversed(range(x.shape[2])):
        r, z = torch.sigmoid(torch.cat([x[:, :, t], hidden], 1) @ weight[:2 * count].T + bias[:2 * count]).chunk(2, 1)
        n = torch.tanh(torch.cat([x[:, :, t], r * hidden], 1) @ weight[2 * count:].T + bias[2 * count:])
        hidden = states[t] = n + z * (hidden - n)
    return torch.stack([states[t] for t in range(x.shape[2])], 2)


KINDS = {
    "linear": lambda layer, x: x.flatten(1) @ layer.masked().T + layer.vectors["bias"],
    "conv2d": convolve, "batch_norm": normalise_batch, "layer_norm": normalise_tokens, "attention": attend, "projection": project,
    "lstm": remember, "gru": gate,
    "relu": lambda layer, x: torch.relu(x), "tanh": lambda layer, x: torch.tanh(x), "silu": lambda layer, x: F.silu(x),
    "gelu": lambda layer, x: F.gelu(x), "add": lambda layer, x, y: x + y, "tokens": lambda layer, x: x.flatten(2),
    "position": lambda layer, x: x + layer.vectors["embedding"].view(x.shape[1:]),
    "max_pool": lambda layer, x: F.max_pool2d(x, int(layer.parameters["kernel"]), int(layer.parameters["stride"])),
    "global_pool": lambda layer, x: x.flatten(2).mean(2),
    "slice": lambda layer, x: x[:, :, int(layer.parameters["begin"])],
    "softmax": lambda layer, x: x,  # the loss takes the logits
}


def read_samples(folder, shape):
    with open(os.path.join(folder, "d/train-images-idx3-ubyte"), "rb") as file:
        pixels = numpy.frombuffer(file.read()[16:], "u1").reshape(networks.SAMPLES, *shape)
    with open(os.path.join(folder, "d/train-labels-idx1-ubyte"), "rb") as file:
        labels = numpy.frombuffer(file.read()[8:], "u1").astype("i8")
    return torch.tensor((pixels / 255 - MEDIA["mean"]) / MEDIA["deviation"]), torch.tensor(labels)


def step_sgd(recipe, slots, value, gradient, rate, decay):
    d = gradient + decay * value
    slots["v"] = recipe["momentum"] * slots.get("v", 0) + d
    value -= rate * (recipe["momentum"] * slots["v"] + d)


def step_adamw(recipe, slots, value, gradient, rate, decay):
    slots["t"] = slots.get("t", 0) + 1
    slots["m"] = recipe["momentum"] * slots.get("m", 0) + (1 - recipe["momentum"]) * gradient
    slots["v"] = 0.999 * slots.get("v", 0) + 0.001 * gradient ** 2
    m, v = slots["m"] / (1 - recipe["momentum"] ** slots["t"]), slots["v"] / (1 - 0.999 ** slots["t"])
    value -= rate * decay * value + rate * m / (v.sqrt() + 1e-8)


def update(recipe, layers, slots):
    """One step of all parameters; the gradient as a whole is no longer than `clip`. Vectors do not decay."""
    step = {"sgd": step_sgd, "adamw": step_adamw}[recipe["optimizer"]]
    moved = [(layer.weight, layer) for layer in layers if layer.weight is not None]
    moved += [(v, None) for layer in layers for v in layer.vectors.values() if v.requires_grad]
    norm = math.sqrt(sum(float((v.grad ** 2).sum()) for v, _ in moved))
    scale = min(1, recipe.get("clip", math.inf) / norm)
    with torch.no_grad():
        for number, (value, layer) in enumerate(moved):
            by_density = layer and recipe["rate-by-density"] == "full"
            rate = recipe["rate"] * (min(1 / layer.density, 10) if by_density else 1)
            step(recipe, slots.setdefault(number, {}), value, scale * value.grad, rate, recipe["decay"] if layer else 0)
            value.grad = None


def exchange(recipe, layers, slots, step):
    """RigL: the weakest connections give way to as many where the gradient is largest and none was; what is new begins at 0."""
    words = dict(word.split("=") for word in recipe["regrow"].split(",")[1:])
    if step == 0 or step % int(words["every"]):
        return
    fraction = float(words["fraction"]) * (1 + math.cos(math.pi * step / (float(words["until"]) * networks.STEPS))) / 2
    for number, layer in enumerate(layer for layer in layers if layer.weight is not None):
        with torch.no_grad():
            mask, weight, grown = layer.mask.view(-1), layer.weight.view(-1), layer.effective.grad.abs().view(-1).clone()
            count = min(int(fraction * int(mask.sum())), int((mask == 0).sum()))
            grown[mask == 1] = -1
            weakest = torch.where(mask == 1, weight.abs(), math.inf).topk(count, largest=False).indices
            new = grown.topk(count).indices
            for at, there in ((weakest, 0), (new, 1)):
                mask[at] = there
                for values in (weight, layer.weight.grad.view(-1), *(slot.view(-1) for slot in slots.get(number, {}).values())):
                    values[at] = 0


def run(layers, values):
    values = [values]
    for layer in layers:
        values.append(KINDS[layer.kind](layer, *(values[i] for i in layer.inputs)))
    return values[-1]


class Classes:
    """Cross-entropy with labels; what is told is without the smoothing."""

    def __init__(self, folder, name, pictures, labels):
        self.recipe, self.pictures, self.labels = networks.RUNS[name][1], pictures, labels

    def step(self, layers):
        out = run(layers, self.pictures)
        F.cross_entropy(out, self.labels, label_smoothing=self.recipe.get("label-smoothing", 0)).backward()
        return F.cross_entropy(out, self.labels).item()


class Taught:
    """Cross-entropy with a teacher's answers, both softened, times T^2; what is told is with those as they are."""

    def __init__(self, folder, name, pictures, _labels):
        self.hot, self.pictures = networks.RUNS[name][1]["temperature"], pictures
        self.said = run(load(folder, networks.BESIDE[name]), pictures).detach()

    def step(self, layers):
        out = run(layers, self.pictures)
        (self.hot ** 2 * F.cross_entropy(out / self.hot, (self.said / self.hot).softmax(1))).backward()
        return F.cross_entropy(out, self.said.softmax(1)).item()


class Opposed:
    """The adversary learns to tell targets from answers, and steps; then the network goes down its own loss and that of being told."""

    def __init__(self, folder, name, pictures, _labels):
        self.recipe, self.pictures, self.slots = networks.RUNS[name][1], pictures, {}
        self.adversary = load(folder, networks.BESIDE[name])

    def step(self, layers):
        out = run(layers, self.pictures)
        told = F.softplus(-run(self.adversary, self.pictures)).mean() + F.softplus(run(self.adversary, out.detach())).mean()
        told.backward()
        update(self.recipe, self.adversary, self.slots)
        loss = F.mse_loss(out, self.pictures) + self.recipe["adversarial"] * F.softplus(-run(self.adversary, out)).mean()
        loss.backward()
        for layer in self.adversary:  # which this was not for
            for value in (layer.weight, *layer.vectors.values()):
                if value is not None:
                    value.grad = None
        return loss.item()


SCHOOLS = {"taught": Taught, "opposed": Opposed}


def load(folder, name):
    described, tensors = read_model(os.path.join(folder, f"{name}.built"))
    return [Layer(d, tensors) for d in described]


def curve(folder, name):
    layers, recipe, slots, losses = load(folder, name), networks.RUNS[name][1], {}, []
    flat = layers[0].kind in ("linear", "lstm")
    shown = read_samples(folder, (networks.SIDE, networks.SIDE) if flat else (1, networks.SIDE, networks.SIDE))
    school = SCHOOLS.get(name, Classes)(folder, name, *shown)
    for step in range(networks.STEPS):
        losses.append(school.step(layers))
        if "regrow" in recipe:
            exchange(recipe, layers, slots, step)
        update(recipe, layers, slots)
    return losses


def main(binaries):
    forge = os.path.join(os.path.abspath(binaries), "bin/wisp-forge")
    with tempfile.TemporaryDirectory() as folder, open(os.path.join(networks.HERE, "kept.csv"), "w", newline="", encoding="ascii") as file:
        networks.write_data(folder)
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["network", "step", "loss"])
        for name in networks.RUNS:
            networks.build(forge, folder, name)
            writer.writerows([name, step, f"{loss:.9f}"] for step, loss in enumerate(curve(folder, name), 1))


if __name__ == "__main__":
    main(sys.argv[1])
