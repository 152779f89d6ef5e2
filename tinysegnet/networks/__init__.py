"""Networks by their names:

    network = networks.build("segnet-basic", classes=11, filters=64)
    params, stats = networks.init(network, seed=0)
    logits, batch_stats, cache = network.forward(params, x)
    _, grads = network.backward(dlogits, cache)

What a network can do is said in blocks.py: forward, backward, predict.
"""

import inspect
from importlib import import_module

import numpy as np

from tinysegnet.networks.blocks import Block, Param, fold

__all__ = ["NETWORKS", "Block", "Param", "build", "fold", "init"]

# The module here that has it, as a function of the same name.
NETWORKS = {
    "segnet-basic": "segnet_basic",
}
MOST = {"levels": 12}       # no image can be halved more often; the others are bounded by memory


def build(name, **arguments):
    """The Block of a network. All take classes=11 and filters=64 (of the first level; the others in proportion).

    Raises ValueError that lists the right ones if there is no such network or it takes no such argument, and if an
    argument is not a whole number of at least 1 or kernel is even.
    """
    if name not in NETWORKS:
        raise ValueError(f"there is no network {name!r}: choose one of {', '.join(NETWORKS)}")
    function = getattr(import_module(f"tinysegnet.networks.{NETWORKS[name]}"), name.replace("-", "_"))
    known = inspect.signature(function).parameters
    for argument, value in arguments.items():
        if argument not in known:
            raise ValueError(f"{name} has no argument {argument!r}: it takes {', '.join(known)}")
        if type(value) is not int or not 1 <= value <= MOST.get(argument, value):
            most = f" to {MOST[argument]}" if argument in MOST else " or more"
            raise ValueError(f"{name}: {argument} should be a whole number, 1{most}, got {value!r}")
        if argument == "kernel" and value % 2 == 0:
            raise ValueError(f"{name}: kernel should be odd, so that it has a centre, got {value}")
    return function(**arguments)


def init(block, seed, dtype=np.float32):
    """params and stats of a network before its first step, drawn with NumPy by the seed, in the order of the network.

    How a parameter starts is said where its block is made; means start at 0, variances at 1.
    """
    rng = np.random.default_rng(seed)

    def begun(param):
        if callable(param.start):
            return param.start(rng, param.shape).astype(dtype)
        return np.full(param.shape, param.start, dtype)

    params = {name: begun(param) for name, param in block.params.items()}
    stats = {name: np.full(shape, 1 if name.endswith("var") else 0, dtype) for name, shape in block.stats.items()}
    return params, stats
