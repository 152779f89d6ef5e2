"""A trained network as a .safetensors, which other programs read, and back again: to the bit.

Its arrays have the names of our parameters, and the layouts and kinds of PyTorch:

    NAME.conv.w, NAME.w      (F, C, K, K), of a depthwise convolution (C, 1, K, K), of a transposed one (C, F, K, K)
    NAME.norm.gamma, beta    (F,)
    NAME.norm.running_mean, running_var     (F,), of our NAME.norm.mean and NAME.norm.var

Its metadata have one entry, META: the meta of the Model as JSON. (Several would come out in no fixed order.)
"""

import json
import math
from pathlib import Path

import numpy as np

from tinysegnet import checkpoint, inference
from tinysegnet.export.onnx import Map, Recorder
from tinysegnet.support import atomic
from tinysegnet.support.errors import InputError
from tinysegnet.support.safetensors import array_of, opened

META = "tinysegnet"
FLOATS = "F32", "F64"
WAY_OUT = "give one that  python -m tinysegnet export --safetensors  wrote"
CONVOLUTION, TRANSPOSED = (3, 2, 0, 1), (2, 3, 0, 1)        # our axes in the order of theirs


def save(path, model):
    """Write a Model to the file `path`. Raises InputError if that cannot be, or the package is missing."""
    atomic.write(path, content(model))


def content(model):
    """The bytes of that file. Raises InputError if the package is missing."""
    try:
        from safetensors.numpy import save
    except ImportError as error:
        raise InputError("--safetensors needs a package: install it with  pip install -e '.[safetensors]'") from error
    arrays = {}
    for name, axes in layouts(model.network).items():
        array = model.params[name] if name in model.params else model.stats[name]
        arrays[name_in_file(name)] = np.ascontiguousarray(array.transpose(axes))    # 0.8.0 writes others wrong, unsaid
    return save(arrays, {META: json.dumps(model.meta)})


def load(path):
    """meta, params and stats of the network in a file that `save` wrote. Raises InputError if there is none."""
    with opened(path, "import-weights", "name a .safetensors") as file:
        meta = meta_of(file, path)
        network = inference.network_of(meta, path)
        shapes, arrays = network.shapes | network.stats, {}
        for name in sorted({name_in_file(name) for name in shapes} ^ set(file.keys())):
            amiss = "which its network has not" if name in file.keys() else "and its network has"
            raise InputError(f"{path} {'has' if name in file.keys() else 'lacks'} {name}, {amiss}: {WAY_OUT}")
        if sum(map(math.prod, shapes.values())) > Path(path).stat().st_size:        # said before memory is asked for
            raise InputError(f"{path} is too small for the network that it names: {WAY_OUT}")
        for name, axes in layouts(network).items():
            shape = [shapes[name][axis] for axis in axes]
            array = array_of(file, path, name_in_file(name), shape, FLOATS, WAY_OUT)
            arrays[name] = np.ascontiguousarray(array.transpose(np.argsort(axes)))
    params, stats = ({name: arrays[name] for name in names} for names in (network.shapes, network.stats))
    inference.check_arrays(network, params, stats, path)
    return meta, params, stats


def meta_of(file, path):
    """The meta of the Model in an opened file. Raises InputError if it is missing, or not of a network of this kind."""
    text = (file.metadata() or {}).get(META)
    if text is None:
        raise InputError(f"{path} does not say which network it holds, and with which classes: {WAY_OUT}")
    try:
        meta = json.loads(text)
        checkpoint.check_meta(meta)
    except Exception as error:              # whatever there may be instead fails in its own way
        raise InputError(f"{path} does not say rightly which network it holds: {WAY_OUT}") from error
    return meta


def name_in_file(name):
    block, _, kind = name.rpartition(".")
    return f"{block}.running_{kind}" if kind in ("mean", "var") else name


def layouts(network):
    """{name: our axes in the order of the file's} of all arrays of a network."""
    found = {name: CONVOLUTION if len(shape) == 4 else (0,) for name, shape in (network.shapes | network.stats).items()}
    return found | dict.fromkeys(kernels_of_transposed_convolutions(network), TRANSPOSED)


def kernels_of_transposed_convolutions(network):
    """Their names. No shape tells them from others, so one listens while the graph of the network is written."""
    params = {name: np.zeros(shape, np.float32) for name, shape in network.shapes.items()}
    heard = []

    class Listener(Recorder):
        def conv_transpose2d(self, x, w, b, shape):
            heard.append(w)
            return super().conv_transpose2d(x, w, b, shape)

    side = 2**network.levels
    network.predict(params, None, Map("image", (1, side, side, 3)), Listener(params))
    return {name for name, array in params.items() if any(array is w for w in heard)}
