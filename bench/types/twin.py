# SPDX-License-Identifier: Apache-2.0
"""A model file as an ONNX graph: the same network with every connection that it has not as a weight of 0, which costs what the dense network of its shape
costs. The table at the end says what each kind of layer becomes; a model with another kind is refused by name."""
import json

import numpy
from onnx import TensorProto, helper, numpy_helper
from safetensors import safe_open

OPSET = 17


class Unknown(Exception):
    """A kind of layer that nothing is known about here."""


class Graph:
    """Nodes, weights, and of each value its name and its rank without the batch."""

    def __init__(self, path, half):
        with safe_open(path, "numpy") as file:
            self.metadata = file.metadata()
            self.tensors = {key: file.get_tensor(key) for key in file.keys() if not key.startswith("__pad_")}
        self.layers = json.loads(self.metadata["wisp.graph"])
        self.shape = json.loads(self.metadata.get("wisp.input", "null"))
        if self.shape is None or "wisp.decoding" in self.metadata:
            raise Unknown("a decoder: a graph has no loop over the words that come")
        self.nodes, self.weights, self.names, self.ranks = [], [], ["input"], [len(self.shape)]
        cut = next((at for at, layer in enumerate(self.layers) if layer["kind"] == "quantize"), len(self.layers))
        if half == "encoder":
            self.layers = self.layers[:cut]
        if half == "decoder":
            self.layers = self.layers[cut + 1:]
            self.names, self.ranks = ["input"] * (cut + 2), [len(self.shape)] * (cut + 2)  # of those before nothing is taken
        self.turned = set()  # names of sequences whose features stand last, as matrix products over them want it

    def dense(self, layer):
        """Its weight, rows x columns."""
        starts, index, values = (self.tensors[f"{layer['name']}.weight.{part}"] for part in ("crow_indices", "col_indices", "values"))
        out = numpy.zeros((len(starts) - 1, layer["columns"]), "float32")
        out[numpy.repeat(numpy.arange(len(starts) - 1), numpy.diff(starts)), index] = values
        return out

    def vector(self, layer, which):
        return self.tensors.get(f"{layer['name']}.{which}")

    def weight(self, array, name):
        self.weights.append(numpy_helper.from_array(numpy.ascontiguousarray(array), name))
        return name

    def node(self, kind, inputs, **attributes):
        """Adds one; its output's name."""
        name = f"value{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], **attributes))
        return name

    def features_last(self, name):
        if name in self.turned:
            return name
        turned = self.node("Transpose", [name], perm=[0, 2, 1])
        self.turned.add(turned)
        return turned

    def features_first(self, name):
        return self.node("Transpose", [name], perm=[0, 2, 1]) if name in self.turned else name

    def width(self, value):
        """Features of a value whose layers back to the last weight keep them."""
        while value:
            layer = self.layers[value - 1]
            starts = self.tensors.get(f"{layer['name']}.weight.crow_indices")
            if starts is not None:
                return len(starts) - 1
            value = layer["inputs"][0]
        return self.shape[0]

    def whole(self, values):
        return self.weight(numpy.array(values, "int64"), f"whole{len(self.weights)}")


def same(kind, **attributes):
    return lambda g, layer, inputs, rank: (g.node(kind, inputs, **attributes), rank)


def along(g, name, like):
    """A value that stands as `like` does."""
    if like in g.turned:
        g.turned.add(name)
    return name


def each(kind):
    return lambda g, layer, inputs, rank: (along(g, g.node(kind, inputs), inputs[0]), rank)


def add(g, layer, inputs, rank):
    if any(name in g.turned for name in inputs):
        inputs = [g.features_last(name) for name in inputs]
    return along(g, g.node("Add" if len(inputs) == 2 else "Sum", inputs), inputs[0]), rank


def bias(g, layer):
    vector = g.vector(layer, "bias")
    return [] if vector is None else [g.weight(vector, layer["name"] + ".bias")]


def linear(g, layer, inputs, rank):
    flat = inputs[0] if rank == 1 else g.node("Flatten", inputs, axis=1)
    return g.node("Gemm", [flat, g.weight(g.dense(layer), layer["name"]), *bias(g, layer)], transB=1), 1


def kernel(layer, rank):
    p = layer["parameters"]
    return [int(p["kernel"])] if rank == 2 else [int(p["kernel_height"]), int(p["kernel_width"])]


def window(layer, rank):
    p = layer["parameters"]
    return {"kernel_shape": kernel(layer, rank), "strides": [int(p.get("stride", 1))] * (rank - 1), "pads": [int(p.get("padding", 0))] * 2 * (rank - 1)}


def convolution(g, layer, inputs, rank):
    dense = g.dense(layer)
    weight = g.weight(dense.reshape(len(dense), -1, *kernel(layer, rank)), layer["name"])
    return g.node("Conv", [*inputs, weight, *bias(g, layer)], group=int(layer["parameters"].get("groups", 1)), **window(layer, rank)), rank


def deconvolution(g, layer, inputs, rank):
    dense = g.dense(layer)
    weight = dense.reshape(len(dense), -1, *kernel(layer, rank)).transpose(1, 0, 2, 3)
    extra = [int(layer["parameters"].get("extra", 0))] * 2
    return g.node("ConvTranspose", [*inputs, g.weight(weight, layer["name"]), *bias(g, layer)], output_padding=extra, **window(layer, rank)), rank


def pool(kind):
    def add(g, layer, inputs, rank):
        p = layer["parameters"]
        size = int(p.get("kernel", 2))
        return g.node(kind, inputs, kernel_shape=[size] * 2, strides=[int(p.get("stride", 0)) or size] * 2, pads=[int(p.get("padding", 0))] * 4), rank
    return add


def global_pool(g, layer, inputs, rank):
    axes = [1] if inputs[0] in g.turned else list(range(2, rank + 1))
    return g.node("ReduceMean", inputs, axes=axes, keepdims=0), 1


def tokens(g, layer, inputs, rank):
    return g.features_last(g.node("Reshape", [*inputs, g.whole([0, 0, -1])])), 2


def position(g, layer, inputs, rank):
    places = g.vector(layer, "embedding").reshape(g.width(layer["inputs"][0]), -1).T[None]
    name = g.features_last(inputs[0])
    return along(g, g.node("Add", [name, g.weight(places, layer["name"])]), name), rank


def layer_norm(g, layer, inputs, rank):
    name = g.features_last(inputs[0])
    vectors = [g.weight(g.vector(layer, which), f"{layer['name']}.{which}") for which in ("scale", "shift")]
    return along(g, g.node("LayerNormalization", [name, *vectors], axis=-1, epsilon=float(layer["parameters"].get("epsilon", 1e-5))), name), rank


def projection(g, layer, inputs, rank):
    name = g.features_last(inputs[0])
    product = g.node("MatMul", [name, g.weight(g.dense(layer).T, layer["name"])])
    vector = bias(g, layer)
    return along(g, g.node("Add", [product, *vector]) if vector else product, name), rank


def gelu(g, layer, inputs, rank):
    if layer["parameters"].get("approximation") not in (None, 0, "none"):
        raise Unknown("a gelu by tanh")
    number = lambda value: g.weight(numpy.array(value, "float32"), f"number{len(g.weights)}")  # noqa: E731
    below = g.node("Add", [g.node("Erf", [g.node("Div", [inputs[0], number(2 ** 0.5)])]), number(1)])
    return along(g, g.node("Mul", [g.node("Mul", [inputs[0], below]), number(0.5)]), inputs[0]), rank


def attention(g, layer, inputs, rank):
    if len(inputs) > 3 or layer["parameters"].get("causal"):
        raise Unknown("attention with a mask")
    heads = int(layer["parameters"].get("heads", 1))
    factor = (g.width(layer["inputs"][0]) / heads) ** -0.5
    parts = [g.node("Reshape", [g.features_last(name), g.whole([0, 0, heads, -1])]) for name in inputs]
    q, k, v = (g.node("Transpose", [part], perm=perm) for part, perm in zip(parts, ([0, 2, 1, 3], [0, 2, 3, 1], [0, 2, 1, 3])))
    scores = g.node("Mul", [g.node("MatMul", [q, k]), g.weight(numpy.array(factor, "float32"), f"{layer['name']}.factor")])
    answer = g.node("Transpose", [g.node("MatMul", [g.node("Softmax", [scores], axis=-1), v])], perm=[0, 2, 1, 3])
    out = g.node("Reshape", [answer, g.whole([0, 0, -1])])
    g.turned.add(out)
    return out, 2


def embedding(g, layer, inputs, rank):
    words = g.node("Cast", inputs, to=TensorProto.INT64)
    return g.node("Transpose", [g.node("Gather", [g.weight(g.dense(layer).T, layer["name"]), words])], perm=[0, 2, 1]), 2


def reshape(g, layer, inputs, rank):
    p = layer["parameters"]
    return g.node("Reshape", [*inputs, g.whole([-1, *(int(p.get(key, 1)) for key in ("channels", "height", "width"))])]), 3


def upsample(g, layer, inputs, rank):
    p = layer["parameters"]
    scale = g.weight(numpy.array([1, 1] + [p.get("factor", 2)] * 2, "float32"), layer["name"])
    ways = {"mode": "linear", "coordinate_transformation_mode": "half_pixel"} if p.get("interpolation") in ("bilinear", 1) else \
        {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    return g.node("Resize", [*inputs, "", scale], **ways), rank


def batch_norm(g, layer, inputs, rank):
    vectors = [g.weight(g.vector(layer, which), f"{layer['name']}.{which}") for which in ("scale", "shift", "mean", "variance")]
    return g.node("BatchNormalization", [*inputs, *vectors], epsilon=float(layer["parameters"].get("epsilon", 1e-5))), rank


def pixel_unshuffle(g, layer, inputs, rank):
    """ONNX's SpaceToDepth has another order of channels. Only where it comes first, for the sides are to be known."""
    if layer["inputs"] != [0]:
        raise Unknown("a layer pixel_unshuffle that is not the first")
    factor, (channels, height, width) = int(layer["parameters"].get("factor", 2)), g.shape
    parted = g.weight(numpy.array([0, channels, height // factor, factor, width // factor, factor], "int64"), layer["name"] + ".parted")
    joined = g.weight(numpy.array([0, channels * factor * factor, height // factor, width // factor], "int64"), layer["name"] + ".joined")
    turned = g.node("Transpose", [g.node("Reshape", [*inputs, parted])], perm=[0, 1, 3, 5, 2, 4])
    return g.node("Reshape", [turned, joined]), rank


KINDS = {
    "relu": each("Relu"), "sigmoid": each("Sigmoid"), "tanh": each("Tanh"), "softmax": same("Softmax", axis=1), "add": add, "gelu": gelu,
    "tokens": tokens, "position": position, "layer_norm": layer_norm, "projection": projection, "attention": attention,
    "concat": same("Concat", axis=1), "dropout": lambda g, layer, inputs, rank: (inputs[0], rank),
    "linear": linear, "conv1d": convolution, "conv2d": convolution, "deconv2d": deconvolution, "max_pool": pool("MaxPool"),
    "average_pool": pool("AveragePool"), "global_pool": global_pool, "embedding": embedding, "reshape": reshape, "upsample": upsample,
    "pixel_shuffle": lambda g, layer, inputs, rank: (g.node("DepthToSpace", inputs, blocksize=int(layer["parameters"].get("factor", 2)), mode="CRD"), rank),
    "pixel_unshuffle": pixel_unshuffle,
    "batch_norm": batch_norm,
}


def halves(path):
    """What is served of a file by itself: of a model that compresses, what becomes numbers of a picture, and a picture of those."""
    with safe_open(path, "numpy") as file:
        graph = json.loads(file.metadata()["wisp.graph"])
    return ("encoder", "decoder") if any(layer["kind"] == "quantize" for layer in graph) else (None,)


def export(path, half=None):
    """The model of a file, or a half of it, serialised, and the shape of a sample of the whole."""
    g = Graph(path, half)
    for layer in g.layers:
        if layer["kind"] not in KINDS:
            raise Unknown(f"a layer {layer['kind']}")
        inputs = layer["inputs"]
        name, rank = KINDS[layer["kind"]](g, layer, [g.names[i] for i in inputs], g.ranks[inputs[0]])
        g.names.append(name)
        g.ranks.append(rank)
    outputs = json.loads(g.metadata.get("wisp.outputs", "null"))
    last = g.features_first(g.names[outputs[0]["value"] if outputs else -1])
    graph = helper.make_graph(g.nodes, "twin", [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["batch", *(g.shape if half != "decoder" else [None] * 3)])],
                              [helper.make_tensor_value_info(last, TensorProto.FLOAT, None)], g.weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)])
    model.ir_version = 8
    return model.SerializeToString(), g.shape
