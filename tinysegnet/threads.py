"""The loops of an op on several processors: NumPy lets other threads run while it computes."""

import os
from collections import deque
from concurrent.futures import ThreadPoolExecutor, wait
from contextvars import copy_context
from functools import lru_cache

import numpy
from threadpoolctl import ThreadpoolController

from tinysegnet.errors import InputError

BAND_BYTES = 2**20      # so that what an op makes of a band is still in the processor's cache when it is needed again


def each(job, items, on_gpu=False):
    """[job(item) for item in items], several at a time. No job may need what another one does, or call `each` itself.

    The threads are as many as the process may use processors, or TINYSEGNET_THREADS. While they work, each has matrix
    products to itself: the threads of the BLAS library would only get in their way. (It is told so for the whole
    process: two threads of a program should not be here at once.) For a GPU one item comes after the other.
    """
    items = list(items)
    results = [None] * len(items)
    left = deque(range(len(items)))

    def work():
        while True:
            try:
                i = left.popleft()              # whoever is free takes the next
            except IndexError:
                return
            results[i] = job(items[i])

    others = []
    with blas().limit(limits=1, user_api="blas"):
        try:
            for _ in range(0 if on_gpu else min(workers(), len(items)) - 1):
                others.append(pool().submit(copy_context().run, work))      # the context has NumPy's errstate
            work()
        finally:
            left.clear()                        # after Ctrl-C, say
            wait(others)
    for other in others:
        other.result()                          # so that what a job raises is raised here
    return results


def bands(x):
    """Cut images (N, H, W, C) into bands of rows: x[band] is (1, rows, W, C), an even number of rows but for the last.

    For an op that treats pixels, or windows of 2 x 2, one by one. A GPU has all at once, as one band.
    """
    N, H, W, C = x.shape
    if not isinstance(x, numpy.ndarray):
        return [(slice(0, N), slice(0, H))]
    rows = max(2, BAND_BYTES // (W * C * x.itemsize) // 2 * 2)
    return [
        (slice(n, n + 1), slice(top, min(top + rows, H)))
        for n in range(N) for top in range(0, H, rows)
    ]


@lru_cache
def workers():
    asked = os.environ.get("TINYSEGNET_THREADS", "")
    if asked.isdecimal() and int(asked):
        return int(asked)
    if asked:
        raise InputError(f"TINYSEGNET_THREADS should be a number of threads, such as 2, got {asked!r}: set it anew")
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@lru_cache
def pool():
    return ThreadPoolExecutor(workers())


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=pool.cache_clear)        # a forked process has none of these threads


@lru_cache
def blas():
    return ThreadpoolController()
