"""A trained network as an ONNX graph, which other programs compute: onnxruntime, OpenVINO, OpenCV.

An `ops` that records writes it. A network's `predict` is called with maps that have a shape and no numbers, and each
operation appends those nodes of ONNX that compute the same. So every network can be exported, and none knows of it.

ONNX has maps as (N, C, H, W), and so has the graph; the shapes here are (N, H, W, C), as everywhere in tinysegnet.
"""

import json
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

import tinysegnet
from tinysegnet import inference
from tinysegnet.data.normalisation import CENTRED, DEVIATION, IMAGENET, MEAN, STANDARDISED
from tinysegnet.support import atomic
from tinysegnet.support.errors import InputError

OPSET, IR_VERSION = 13, 8       # of ONNX 1.8 and 1.10: what older programs read, newer ones do too
IMAGE, LOGITS, META = "image", "logits", "tinysegnet"
LOWEST = -1e30                  # beyond the border, where no window may find its maximum
LARGEST = 2**31 - 2**20         # bytes of the arrays: a file of this kind must stay below 2 GB


def save(path, model, size, batch=1):
    """Write the graph of a Model for so many images of a size, (H, W), to the file `path`.

    Raises InputError if the package is missing, the network cannot halve that size, is too large, or the file cannot be
    written.
    """
    atomic.write(path, graph(model, size, batch).SerializeToString())


def graph(model, size, batch=1):
    """The onnx.ModelProto of a Model, with its batch norms folded and its normalisation inside.

        image   float32 (batch, 3, H, W): RGB, 0 to 255
        logits  float32 (batch, classes, H, W)

    Its metadata have the meta of the Model as JSON, under META. Raises InputError as `save` does.
    """
    try:
        from onnx import TensorProto, helper, numpy_helper
    except ImportError as error:
        raise InputError("--onnx needs a package: install it with  pip install -e '.[onnx]'") from error
    params = model.folded or inference.fold_all(model.params, model.stats)
    ops = Recorder(params)
    image = Map(IMAGE, (batch, *size, 3))
    logits = model.network.predict(params, None, ops.normalise(image, model.meta["normalisation"]), ops)
    if sum(array.nbytes for array in ops.constants.values()) > LARGEST:
        raise InputError("an ONNX file holds 2 GB at the most, and this network is larger: train one of fewer filters")

    def value(map, name):
        N, H, W, C = map.shape
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, [N, C, H, W])

    nodes = []
    for i, (kind, inputs, output, attributes) in enumerate(ops.nodes):
        output = LOGITS if output == logits.name else output
        nodes.append(helper.make_node(kind, inputs, [output], name=f"{i}.{kind}", **attributes))
    constants = [numpy_helper.from_array(array, name) for name, array in ops.constants.items()]
    whole = helper.make_graph(
        nodes, model.meta["network"]["name"], [value(image, IMAGE)], [value(logits, LOGITS)], constants
    )
    made = helper.make_model(
        whole, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION,
        producer_name="tinysegnet", producer_version=tinysegnet.__version__,
    )
    helper.set_model_props(made, {META: json.dumps(model.meta)})
    return made


class Map(NamedTuple):
    """What a node gives: its name in the graph, and its shape (N, H, W, C)."""

    name: str
    shape: tuple


@dataclass(frozen=True)
class Corners:
    """Where the maxima of a pooled map were, found where it is unpooled: `pooled` is compared with the four corners of
    `windows`, the map that it was pooled from, of even height and width. Without maps, all are first corners."""

    windows: Map | None = None
    pooled: Map | None = None

    def __mul__(self, number):
        """`corners * 0` makes them first corners, see unpool_fixed in networks/more/blocks.py."""
        if number:
            raise ValueError(f"corners can be multiplied by 0 alone, got {number}")
        return Corners()


class Recorder:
    """An `ops` that computes nothing: each of its operations appends the nodes that would.

    nodes      (kind, names of the inputs, name of the output, attributes), each after those that it needs
    constants  {name: array}; a parameter that is used as it is has its own name

    It has the operations that the `predict` of a network calls. The caches are None.
    """

    def __init__(self, params):
        self.nodes, self.constants = [], {}
        self.names = {id(array): name for name, array in params.items()}

    def node(self, kind, *inputs, shape, **attributes):
        """Append one, and return its Map, of that shape. inputs: Maps; arrays, which become constants; or None."""
        names = ["" if i is None else i.name if isinstance(i, Map) else self.constant(i) for i in inputs]
        output = f"{kind}_{len(self.nodes)}"
        self.nodes.append((kind, names, output, attributes))
        return Map(output, tuple(shape))

    def constant(self, array, axes=None):
        """The name of an array in the graph, where its axes are in that order: float32, or int64."""
        name = self.names.get(id(array), f"constant_{len(self.constants)}")
        array = np.asarray(array)
        array = array.astype(np.int64 if array.dtype.kind == "i" else np.float32)
        self.constants[name] = np.ascontiguousarray(array.transpose(axes)) if axes else array
        return name

    def normalise(self, x, kind):
        """x as data/normalisation.py has it."""
        N, H, W, C = shape = x.shape
        if kind in (CENTRED, IMAGENET):
            x = self.node("Div", x, 255.0, shape=shape)
            if kind == CENTRED:
                return self.node("Sub", x, 0.5, shape=shape)
            mean, deviation = (np.reshape(values, (1, 3, 1, 1)) for values in (MEAN, DEVIATION))
            return self.node("Div", self.node("Sub", x, mean, shape=shape), deviation, shape=shape)
        if kind == STANDARDISED:
            x = self.node("Sub", x, self.mean_of_colour(x), shape=shape)
            variance = self.mean_of_colour(self.node("Mul", x, x, shape=shape))
            deviation = self.node("Sqrt", variance, shape=variance.shape)
            return self.node("Div", x, self.node("Add", deviation, 1.0, shape=deviation.shape), shape=shape)
        one = N, H, W, 1                        # LOCAL_RESPONSE
        squares = self.node("ReduceSum", self.node("Mul", x, x, shape=shape), [1], shape=one, keepdims=1)
        largeness = self.node("Add", self.node("Mul", squares, 2e-5, shape=one), 1.0, shape=one)
        return self.node("Mul", x, self.node("Pow", largeness, -0.75, shape=one), shape=shape)

    def mean_of_colour(self, x):
        """Row by row first: programs add up in float32, which loses digits in a long sum. Of a mean of means OpenVINO
        would make one mean again, and of this it does not."""
        N, H, _, C = x.shape
        of_rows = self.node("ReduceMean", x, shape=(N, H, 1, C), axes=[3], keepdims=1)
        total = self.node("ReduceSum", of_rows, [2], shape=(N, 1, 1, C), keepdims=1)
        return self.node("Div", total, float(H), shape=(N, 1, 1, C))

    def conv2d(self, x, w, b):
        N, H, W, _ = x.shape
        K, _, _, F = w.shape
        return self.convolution(x, w, b, (3, 2, 0, 1), shape=(N, H, W, F), pads=[K // 2] * 4), None

    def depthwise_conv2d(self, x, w, b):
        K, _, C = w.shape
        return self.convolution(x, w[..., None], b, (2, 3, 0, 1), shape=x.shape, pads=[K // 2] * 4, group=C), None

    def conv_transpose2d(self, x, w, b, shape):
        """It gives twice the size, of which `shape` may lack a row or a column. K is at least 2."""
        (N, H, W, _), (K, _, _, F) = x.shape, w.shape
        before, after = (K - 1) // 2, K // 2 - 1            # what falls outside
        y = self.convolution(
            x, w, b, (2, 3, 0, 1), "ConvTranspose",
            shape=(N, 2 * H, 2 * W, F), strides=[2, 2], pads=[before, before, after, after],
        )
        return self.cut(y, shape), None

    def convolution(self, x, w, b, axes, kind="Conv", *, shape, **attributes):
        inputs = x, Map(self.constant(w, axes), ()), b
        return self.node(kind, *inputs, shape=shape, kernel_shape=list(w.shape[:2]), **attributes)

    def relu(self, x):
        return self.node("Relu", x, shape=x.shape), None

    def add(self, a, b):
        return self.node("Add", a, b, shape=a.shape)

    def concatenate(self, a, b):
        return self.node("Concat", a, b, shape=(*a.shape[:3], a.shape[3] + b.shape[3]), axis=1), None

    def max_pool(self, x):
        """MaxPool without its indices, which few programs understand alike."""
        N, H, W, C = x.shape
        if H % 2 or W % 2:
            N, H, W, C = even = N, H + H % 2, W + W % 2, C
            pads = [0, 0, 0, 0, 0, 0, even[1] - x.shape[1], even[2] - x.shape[2]]
            x = self.node("Pad", x, pads, LOWEST, shape=even, mode="constant")
        y = self.node("MaxPool", x, shape=(N, H // 2, W // 2, C), kernel_shape=[2, 2], strides=[2, 2])
        return y, Corners(x, y)

    def max_unpool(self, x, corners, shape):
        """Each value goes to the first corner that is equal to the maximum, and zeros to the others."""
        if corners.pooled is None:
            zeros = self.node("Mul", x, 0.0, shape=x.shape)
            return self.put_into_corners([x, zeros, zeros, zeros], shape)
        (_, H, W, _), parts = corners.windows.shape, []
        for corner in range(4):
            begin, end, axes, step = [*divmod(corner, 2)], [H, W], [2, 3], [2, 2]
            values = self.node("Slice", corners.windows, begin, end, axes, step, shape=x.shape)
            here = self.node("Equal", corners.pooled, values, shape=x.shape)
            parts.append(self.node("Where", here, x, 0.0, shape=x.shape))
            if corner < 3:
                x = self.node("Where", here, 0.0, x, shape=x.shape)         # what has found its corner is gone
        return self.put_into_corners(parts, shape)

    def upsample_nearest(self, x, shape):
        return self.put_into_corners([x] * 4, shape), None

    def put_into_corners(self, parts, shape):
        """The map of that shape whose windows have in their four corners the values of four maps."""
        N, H, W, C = parts[0].shape
        together = self.node("Concat", *parts, shape=(N, H, W, 4 * C), axis=1)
        y = self.node("DepthToSpace", together, shape=(N, 2 * H, 2 * W, C), blocksize=2, mode="DCR")
        return self.cut(y, shape)

    def cut(self, y, shape):
        """Without the last row or column, where `shape` has them not."""
        if y.shape == tuple(shape):
            return y
        return self.node("Slice", y, [0, 0], list(shape[1:3]), [2, 3], shape=shape)

    def resize_bilinear(self, x, shape):
        (N, _, _, C), (_, height, width, _) = x.shape, shape
        to_size = {"mode": "linear", "coordinate_transformation_mode": "half_pixel"}
        return self.node("Resize", x, None, None, [N, C, height, width], shape=shape, **to_size), None
