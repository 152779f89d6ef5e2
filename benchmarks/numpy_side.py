"""What is measured of tinysegnet. torch_side.py has the same for PyTorch, under the same names.

Each function prepares, on fresh random data, and returns a callable that runs once what its name says.
"""

import itertools
import re
import time
from pathlib import Path

import numpy as np

from tinysegnet import networks
from tinysegnet.data.normalisation import normalise
from tinysegnet.inference import Model
from tinysegnet.ops import fast as ops
from tinysegnet.support.backend import select, to_device
from tinysegnet.training import optim
from tinysegnet.training.step import train_step

CLASSES, IGNORE = 11, 11


def set_up(threads, tf32):
    """Both are in the environment."""


def seconds(function, backend="numpy"):
    """How long it takes, on a GPU by the GPU's own clock, and what it returns."""
    if backend == "numpy":
        start = time.perf_counter()
        result = function()
        return time.perf_counter() - start, result
    cuda = select(backend).cuda
    start, end = cuda.Event(), cuda.Event()
    start.record()
    result = function()
    end.record()
    end.synchronize()
    return cuda.get_elapsed_time(start, end) / 1000, result


def peak_memory(backend="numpy"):
    """In MB, the most that this process had; on a GPU what CuPy's pool has asked for, which it keeps."""
    if backend != "numpy":
        return select(backend).get_default_memory_pool().total_bytes() / 1e6
    # On Linux. (getrusage's ru_maxrss would begin with what the process had that started this one.)
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(re.search(r"VmHWM:\s*(\d+) kB", status)[1]) / 1024


def pictures(N, H, W, seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (N, H, W, 3), np.uint8), rng.integers(0, CLASSES + 1, (N, H, W), np.uint8)


def training_step(network, N, H, W, backend="numpy"):
    xp, batches = select(backend), itertools.cycle([pictures(N, H, W, seed) for seed in range(3)])
    model, loss = new_model(network, xp), (xp.ones(CLASSES, "float32"), IGNORE)
    optimiser = optim.Optimiser(optim.sgd_step, optim.start("sgd", model.params), 0.9, 5e-4, model.network.decays)

    def step():
        images, labels = next(batches)
        return train_step(model, optimiser, (normalise(images, xp), to_device(labels, xp)), loss, 0.01, ops)

    return step


def new_model(name, xp):
    network = networks.build(name, classes=CLASSES)
    return Model(network, *(to_device(arrays, xp) for arrays in networks.init(network, seed=0)), meta={})


def inference(network, N, H, W, backend="numpy"):
    xp, (images, _) = select(backend), pictures(N, H, W)
    model = new_model(network, xp)
    return lambda: model.network.predict(model.params, model.stats, normalise(images, xp), ops)


def operations(N, H, W, backend="numpy"):
    """Name -> (forward, which returns what backward needs; backward, or None)."""
    xp = select(backend)
    rng = np.random.default_rng(0)

    def draw(*shape):
        return to_device(rng.standard_normal(shape, np.float32), xp)

    x, dy, gamma, beta = draw(N, H, W, 64), draw(N, H, W, 64), draw(64), draw(64)
    _, labels = pictures(N, H, W)
    labels, ones = to_device(labels, xp), xp.ones(CLASSES, "float32")
    pooled, corners = ops.max_pool(x)

    def convolution(K, C, F):
        x_, dy_, w, b = draw(N, H, W, C), draw(N, H, W, F), draw(K, K, C, F), draw(F)
        return lambda: ops.conv2d(x_, w, b)[1], lambda cache: ops.conv2d_backward(dy_, cache, need_dx=C > 3)

    params = new_model("segnet-basic", xp).params
    velocity, grads = ({name: xp.ones_like(a) for name, a in params.items()} for _ in range(2))
    logits = draw(N, H, W, CLASSES)
    return {
        "convolution 7x7, 64 to 64": convolution(7, 64, 64),
        "convolution 7x7, 3 to 64, no dx": convolution(7, 3, 64),
        "convolution 1x1, 64 to 11": convolution(1, 64, CLASSES),
        "batch norm": (
            lambda: ops.batch_norm(x, gamma, beta)[2], lambda cache: ops.batch_norm_backward(dy, cache)
        ),
        "ReLU": (lambda: ops.relu(x)[1], lambda cache: ops.relu_backward(dy, cache)),
        "max-pooling": (
            lambda: ops.max_pool(x)[1], lambda corners: ops.max_pool_backward(pooled, corners, x.shape)
        ),
        "unpooling": (
            lambda: ops.max_unpool(pooled, corners, x.shape), lambda _: ops.max_unpool_backward(dy, corners)
        ),
        "softmax cross-entropy": (
            lambda: ops.softmax_cross_entropy(logits, labels, ones, IGNORE)[1],
            lambda cache: ops.softmax_cross_entropy_backward(ones[0], cache),
        ),
        "SGD": (lambda: optim.sgd_step(params, grads, velocity, 1e-6, 0.9, 5e-4), None),
    }
