"""How much there is to compute, and how fast this machine could."""

import platform
import statistics
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from threadpoolctl import threadpool_info, threadpool_limits

from tinysegnet import networks
from tinysegnet.ops.fast import conv_fft
from tinysegnet.ops.pool import pooled_shape
from tinysegnet.support.shapes import ceil_div


def processor():
    """Its name, as the system gives it."""
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def blas_kernels():
    np.ones((2, 2)) @ np.ones((2, 2))
    return "; ".join(
        f"{library['internal_api']} {library['version']} with kernels for {library.get('architecture', '?')}"
        for library in threadpool_info() if library["user_api"] == "blas"
    )


def matrix_product_rate(threads):
    """Floating-point operations per second in a product of two large float32 matrices."""
    a = np.random.default_rng(0).standard_normal((2048, 2048), np.float32)
    with threadpool_limits(threads, "blas"):
        a @ a
        times = []
        for _ in range(5):
            start = time.perf_counter()
            a @ a
            times.append(time.perf_counter() - start)
    return 2 * 2048**3 / statistics.median(times)


def convolutions_of_a_step(N, H, W):
    """Floating-point operations of SegNet-Basic's 7x7 convolutions, forward and backward: directly, and by tiles."""
    direct = tiled = 0
    for (_, height, width, C), (K, _, _, F) in convolutions(networks.build("segnet-basic"), N, H, W):
        if K == 7:
            products = 2 if C == 3 else 3                   # y, dw, and dx but for the first layer
            direct += products * 2 * K * K * N * height * width * C * F
            tiled += by_tiles(N, height, width, C, F, need_dx=C > 3)
    return direct, tiled


def convolutions(network, N, H, W):
    """The shapes of x and w of each convolution, as an `ops` that computes nothing has seen them go by."""
    shapes = []

    def conv2d(x, w, b):
        shapes.append((x.shape, w.shape))
        return empty(*x.shape[:3], w.shape[3]), None

    ops = SimpleNamespace(
        conv2d=conv2d,
        batch_norm=lambda x, gamma, beta: (x, (gamma, beta), None),
        relu=lambda x: (x, None),
        max_pool=lambda x: (empty(*pooled_shape(x.shape)), None),
        max_unpool=lambda x, corners, shape: empty(*shape),
    )
    network.forward({name: empty(*shape) for name, shape in network.shapes.items()}, empty(N, H, W, 3), ops)
    return shapes


def empty(*shape):
    """An array of that shape that takes no memory."""
    return np.broadcast_to(np.float32(0), shape)


def by_tiles(N, H, W, C, F, need_dx):
    T = conv_fft.tile_side(H, W, 7)
    M, L = T - 6, T // 2 + 1
    rows, tiles = N * ceil_div(H, M), N * ceil_div(H, M) * ceil_div(W, M)

    def transform(length, channels):                        # down and across, or back
        return 2 * 2 * L * length * channels * (rows * W + 2 * L * tiles)

    product = 3 * 2 * L * 2 * L * tiles * C * F             # Gauss's three
    forward = transform(T, C) + product + transform(M, F)
    backward = transform(T, C) + transform(M, F) + product
    return forward + backward + (product + transform(T, C) if need_dx else 0)
