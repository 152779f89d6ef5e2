"""The loops of an op on several processors: NumPy lets other threads run while it computes."""

import os
import threading
from collections import deque
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from contextvars import copy_context
from functools import lru_cache
from pathlib import Path

import numpy
from threadpoolctl import OpenBLASController, ThreadpoolController

from tinysegnet.support.errors import InputError
from tinysegnet.support.shapes import ceil_div

BAND_BYTES = 2**20      # so that what an op makes of a band is still in the processor's cache when it is needed again


def parallel_map(job, items, in_turn=False):
    """[job(item) for item in items], several at a time. No job may need what another one does.

    The threads are as many as `workers` says. BLAS runs on one thread meanwhile: its own would only get in their way.
    `in_turn`, as for a GPU, it is no more than that list.

    Raises RuntimeError if a job calls it again: the threads would wait for each other for ever.
    """
    if getattr(here, "in_job", False):
        raise RuntimeError("parallel_map was called by one of its own jobs: let the job do its work in a plain loop")
    if in_turn:
        return [job(item) for item in items]
    items = list(items)
    results = [None] * len(items)
    left = deque(range(len(items)))

    def work():
        here.in_job = True
        try:
            while True:
                try:
                    i = left.popleft()          # whoever is free takes the next
                except IndexError:
                    return
                results[i] = job(items[i])
        finally:
            here.in_job = False

    others = []
    with one_blas_thread:
        try:
            for _ in range(min(workers(), len(items)) - 1):
                try:
                    others.append(pool().submit(copy_context().run, work))      # the context has NumPy's errstate
                except RuntimeError as error:       # so Python says that the system has no room for one more thread
                    raise MemoryError(str(error)) from error
            work()
        finally:
            left.clear()                        # after Ctrl-C, say
            wait(others)
    for other in others:
        other.result()                          # so that what a job raises is raised here
    return results


class OneBlasThread:
    """`with one_blas_thread:` BLAS runs on one thread, for the whole process: there is no other way.

    Several threads may be inside: the first sets the limit, and the last takes it away again.
    """

    def __init__(self):
        self.lock, self.inside, self.limit = threading.Lock(), 0, None

    def __enter__(self):
        with self.lock:
            if self.inside == 0:
                self.limit = self.alone(lambda: blas().limit(limits=1, user_api="blas"))
            self.inside += 1

    def __exit__(self, *_):
        with self.lock:
            self.inside -= 1
            if self.inside == 0:
                self.alone(self.limit.restore_original_limits)

    def alone(self, set_limits):
        """set_limits(), from whichever thread. From version 3.7 on, threadpoolctl listens to the first thread that has
        set a limit, and to no other until that has ended or is cleared; but the first in need not be the last out."""
        clear = getattr(OpenBLASController, "clear_controlling_thread", lambda force: None)
        clear(force=True)
        try:
            return set_limits()
        finally:
            clear(force=True)

    def after_fork(self):
        """A forked process has none of the threads that were inside, but for the one that forked, perhaps in a job."""
        self.lock, was_inside = threading.Lock(), self.inside
        self.inside = int(getattr(here, "in_job", False))
        if was_inside and not self.inside:
            self.alone(self.limit.restore_original_limits)


one_blas_thread = OneBlasThread()
here = threading.local()        # in_job: whether this thread is at work on a job


def on_gpu(x):
    return not isinstance(x, numpy.ndarray)


def row_bands(x):
    """Cut images (N, H, W, C) into bands of rows: x[band] is (1, rows, W, C), an even number of rows but for the last.

    For an op that treats pixels, or windows of 2 x 2, one by one. A GPU has all at once, as one band.
    """
    N, H, W, C = x.shape
    if on_gpu(x):
        return [(slice(0, N), slice(0, H))]
    rows = max(2, BAND_BYTES // (W * C * x.itemsize) // 2 * 2)
    return [
        (slice(n, n + 1), slice(top, min(top + rows, H)))
        for n in range(N) for top in range(0, H, rows)
    ]


@lru_cache
def workers(root="/"):
    """How many threads compute: TINYSEGNET_THREADS, or one for each processor that the process may use.

    Where a container has the time of 1.5 processors, there are two.
    """
    asked = os.environ.get("TINYSEGNET_THREADS", "")
    if asked.isdecimal() and len(asked) < 6 and int(asked):
        return int(asked)
    if asked:
        raise InputError(f"TINYSEGNET_THREADS should be a number of threads, such as 2, got {asked!r:.40}: set it anew")
    there = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min([there, *quotas(Path(root))])


def quotas(root):
    """Yields how many processors each control group of Linux lets this process have; nothing where there is none.

    A group is a folder, and those above it count too. What is not there, says nothing, or sets no limit ("max" or -1)
    is passed over: a container may see other folders than /proc tells of, its own group as the root perhaps.
    """
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except (OSError, ValueError):
        return
    for line in lines:
        controllers, _, group = line.partition(":")[2].partition(":")
        if not controllers or "cpu" in controllers.split(","):          # none: it is of version 2
            files = ["cpu.cfs_quota_us", "cpu.cfs_period_us"] if controllers else ["cpu.max"]
            group = Path(group.lstrip("/"))
            for mount in (controllers, "cpu" if controllers else "unified"):
                for folder in (root / "sys/fs/cgroup" / mount / part for part in (group, *group.parents)):
                    with suppress(OSError, ValueError):
                        quota, period = map(int, " ".join((folder / file).read_text() for file in files).split())
                        if quota > 0 and period > 0:
                            yield ceil_div(quota, period)


@lru_cache
def pool():
    return ThreadPoolExecutor(workers())


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=lambda: (pool.cache_clear(), one_blas_thread.after_fork()))


def limit(count):
    """Let so many threads compute from now on, and no more of BLAS. Before the first parallel_map."""
    os.environ["TINYSEGNET_THREADS"] = str(count)
    workers.cache_clear()
    blas().limit(limits=count, user_api="blas")


@lru_cache
def blas():
    return ThreadpoolController()
