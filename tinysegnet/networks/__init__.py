"""Networks by their names. What a network can do is said in blocks.py.

    network = networks.build("segnet-basic", classes=11, filters=64)
    params, stats = networks.init(network, seed=0)
    logits, batch_stats, cache = network.forward(params, x)         # several times faster with ops=tinysegnet.ops.fast
    _, grads = network.backward(dlogits, cache)
"""

import inspect
from importlib import import_module

import numpy as np

from tinysegnet.networks.blocks import Block, Param

__all__ = ["NETWORKS", "Block", "Param", "build", "defaults", "init"]

NETWORKS = {"segnet-basic": "segnet_basic", "segnet": "more.segnet", "unet": "more.unet"} | dict.fromkeys((
    "bayesian-segnet-basic", "bayesian-segnet",
), "more.bayesian") | dict.fromkeys((
    "bilinear-interpolation", "segnet-basic-encoder-addition", "segnet-basic-single-channel-decoder",
    "segnet-basic-replication", "segnet-basic-fixed-index", "segnet-basic-no-pooling",
), "more.decoders") | dict.fromkeys((
    "fcn-basic", "fcn-basic-no-addition", "fcn-basic-no-dim-reduction", "fcn-basic-no-addition-no-dim-reduction",
), "more.fcn_basic")      # of each the module of its function


def build(name, /, **given):
    """The Block of a network. All take classes=11 and filters=64 (of the first level; the others in proportion).

    Raises ValueError, which lists what is right, if there is no such network or an argument is unknown or wrong.
    """
    known = defaults(name)
    for argument, value in given.items():
        if argument not in known:
            raise ValueError(f"{name} has no argument {argument!r}: it takes {', '.join(known)}")
        if type(value) is not int or not 1 <= value <= 9999:
            raise ValueError(f"{name}: {argument} should be a whole number from 1 to 9999, got {value!r}")
        if argument == "kernel" and value % 2 == 0:
            raise ValueError(f"{name}: kernel should be odd, so that it has a centre, got {value}")
    return function_of(name)(**given)


def defaults(name):
    """{argument: its value if none is given} of a network."""
    return {argument: p.default for argument, p in inspect.signature(function_of(name)).parameters.items()}


def function_of(name):
    if name not in NETWORKS:
        raise ValueError(f"there is no network {name!r}: choose one of {', '.join(NETWORKS)}")
    return getattr(import_module(f"tinysegnet.networks.{NETWORKS[name]}"), name.replace("-", "_"))


def init(block, seed, dtype=np.float32):
    """params and stats of a network before its first step, drawn with NumPy by the seed, in the order of the network:
    how a parameter starts is said where its block is made; means start at 0, variances at 1."""
    rng = np.random.default_rng(seed)

    def begun(param):
        start = param.start(rng, param.shape) if callable(param.start) else np.full(param.shape, param.start)
        return start.astype(dtype)

    params = {name: begun(param) for name, param in block.params.items()}
    stats = {name: np.full(shape, 1 if name.endswith("var") else 0, dtype) for name, shape in block.stats.items()}
    return params, stats
