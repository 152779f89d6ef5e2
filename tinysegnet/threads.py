"""The loops of an op on several processors: NumPy lets other threads run while it computes."""

import os
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

from threadpoolctl import ThreadpoolController


def each(job, items):
    """job(item) for every item, several at a time. No job may need what another one does, or call `each` itself.

    The threads are as many as the process may use processors, or TINYSEGNET_THREADS. While they work, each has matrix
    products to itself: the threads of the BLAS library would only get in their way.
    """
    if workers() == 1:
        for item in items:
            job(item)
        return
    with blas().limit(limits=1, user_api="blas"):
        for _ in pool().map(job, items):        # so that what a job raises is raised here
            pass


@lru_cache
def workers():
    asked = os.environ.get("TINYSEGNET_THREADS", "")
    if asked.isdecimal() and int(asked):
        return int(asked)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@lru_cache
def pool():
    return ThreadPoolExecutor(workers())


@lru_cache
def blas():
    return ThreadpoolController()
