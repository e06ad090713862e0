# SPDX-License-Identifier: Apache-2.0
"""The networks of the figures as documents of structures (docs/structures.md), by their size."""


def document(shape, lines):
    """A document of one structure; layers as lines that are indented from where the list is."""
    head = ["structures:", "  - name: claim", "    processing: image.classification", f"    input: {shape}", "    layers:"]
    return "\n".join(head + ["      " + line for line in lines]) + "\n"


def mlp(width, hidden=3, dropout=0):
    """784-width-…-10."""
    layer = [f"- linear: {width}", "- relu"] + ([f"- dropout: {{rate: {dropout}}}"] if dropout else [])
    return document([784], layer * hidden + ["- linear: 10", "- softmax"])


def residual_mlp(depth, width=128):
    """So many layers with weights: one in, one out, and blocks of two with what went into them added."""
    assert depth % 2 == 0 and depth >= 4
    block = ["- linear: {name: a, neurons: %d}" % width, "- batch_norm", "- relu", "- linear: {name: b, neurons: %d}" % width,
             "- batch_norm", "- add: {from: [previous, start]}", "- relu: {name: out}"]
    return document([784], [f"- linear: {width}", "- batch_norm", "- relu", f"- repeat: {(depth - 2) // 2}", "  name: block",
                            "  layers:"] + ["    " + line for line in block] + ["- linear: 10", "- softmax"])


def residual_block(channels):
    return ["- conv2d: {name: a, channels: %d, kernel: 3, padding: 1}" % channels, "- batch_norm", "- relu",
            "- conv2d: {name: b, channels: %d, kernel: 3, padding: 1}" % channels, "- batch_norm",
            "- add: {from: [previous, start]}", "- relu: {name: out}"]


def stage(number, channels, blocks, before):
    """A block that halves the picture, and blocks after it; the name of what comes out."""
    name = f"down{number}"
    lines = [f"- conv2d: {{name: {name}.a, channels: {channels}, kernel: 3, stride: 2, padding: 1}}", "- batch_norm", "- relu",
             f"- conv2d: {{name: {name}.b, channels: {channels}, kernel: 3, padding: 1}}", f"- batch_norm: {{name: {name}.b.norm}}",
             f"- conv2d: {{name: {name}.skip, from: {before}, channels: {channels}, kernel: 1, stride: 2}}",
             f"- batch_norm: {{name: {name}.skip.norm}}", f"- add: {{from: [{name}.b.norm, {name}.skip.norm]}}",
             f"- relu: {{name: {name}.out}}"]
    if blocks == 0:
        return lines, f"{name}.out"
    lines += [f"- repeat: {blocks}", f"  name: stage{number}.block", "  layers:"]
    return lines + ["    " + line for line in residual_block(channels)], f"stage{number}.block{blocks}.out"


def resnet(filters, depth=8, side=14):
    """He et al. 2016: three stages of (depth - 2) / 6 blocks, twice the filters in each."""
    blocks = (depth - 2) // 6
    lines = [f"- conv2d: {{name: stem, channels: {filters}, kernel: 3, padding: 1}}", "- batch_norm", "- relu: {name: stem.out}",
             f"- repeat: {blocks}", "  name: stage1.block", "  layers:"] + ["    " + line for line in residual_block(filters)]
    before = f"stage1.block{blocks}.out"
    for number in (2, 3):
        more, before = stage(number, filters << (number - 1), blocks - 1, before)
        lines += more
    return document([1, side, side], lines + ["- global_pool", "- linear: 10", "- softmax"])


def vit(blocks, width=64, heads=4):
    """49 patches of 4 x 4 pixels, pooled by the mean."""
    block = ["- layer_norm", "- self_attention: {name: attention, heads: %d}" % heads, "- add: {name: middle, from: [previous, start]}",
             "- layer_norm", "- projection: {name: mlp1, neurons: %d}" % (2 * width), "- gelu",
             "- projection: {name: mlp2, neurons: %d}" % width, "- add: {name: out, from: [previous, middle]}"]
    return document([1, 28, 28], [f"- conv2d: {{name: patches, channels: {width}, kernel: 4, stride: 4}}", "- tokens", "- position",
                                  f"- repeat: {blocks}", "  name: block", "  layers:"] + ["    " + line for line in block] +
                    ["- layer_norm", "- global_pool", "- linear: 10", "- softmax"])
