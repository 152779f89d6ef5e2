"""NumPy or CuPy: which library an array belongs to, and the two ways across."""

import ctypes
import platform
import sys

import numpy

from tinysegnet.support.errors import InputError

M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_MAX = -1, -2, -4       # malloc.h
PARTS_OF_CUDA = "libcublas", "nvrtc", "headers", "cuda root", "cuda_path"      # as CuPy's errors name what it lacks


def array_module(x):
    """The library that `x` belongs to: `numpy`, `cupy`, or whichever package defines the type of `x`.

    An op that has to allocate asks this instead of importing a library, so one source runs on both.
    """
    return sys.modules[type(x).__module__.partition(".")[0]]


def select(name):
    """The array library called `name`, "numpy" or "cupy".

    Raises InputError, with the way out, if it is CuPy and CuPy, its driver or a device is missing.
    """
    if name == "numpy":
        return numpy
    if name != "cupy":
        raise InputError(f"unknown backend {name!r}: choose numpy or cupy")
    if missing := missing_for_cupy():
        sentence, error = missing
        raise InputError(f"{sentence}, or run with --backend numpy ({reason(error)})") from error
    import cupy

    return cupy


def missing_for_cupy():
    """What is missing to compute with CuPy, with the way out, and the error that shows it; None if nothing is."""
    try:
        import cupy
    except ImportError as error:
        install = "install it with  pip install -e '.[cuda13]'  (or '.[cuda12]' for a CUDA 12 driver)"
        return f"CuPy cannot be imported: {install}", error
    try:
        ones = cupy.ones((2, 2), "float32")
        (ones @ (ones + 1)).get()
    except Exception as error:      # the driver, a device, the compiler of kernels and cuBLAS fail each in its own way
        if "NoDevice" in str(error):
            return "CuPy finds no GPU: see CUDA_VISIBLE_DEVICES", error
        if any(part in str(error).lower() for part in PARTS_OF_CUDA):
            install = "install it with  pip install -e '.[cuda13]'  (or '.[cuda12]' for a CUDA 12 driver)"
            return f"CuPy lacks a part of CUDA: {install}, which brings all parts", error
        driver = "see that  nvidia-smi  runs, or install NVIDIA's driver; if it prints a CUDA version below 13, install"
        return f"CuPy cannot use the GPU: {driver} '.[cuda12]' in the place of '.[cuda13]'", error
    return None


def keep_freed_memory():
    """Let the C library keep the memory of large arrays that are done with, for the next ones. Linux with glibc only.

    Otherwise it goes back to the system and has to be asked for again, page by page, in every step.
    """
    if platform.libc_ver()[0] == "glibc":
        mallopt = ctypes.CDLL(None).mallopt
        for option, value in ((M_MMAP_MAX, 0), (M_TRIM_THRESHOLD, 2**31 - 1), (M_TOP_PAD, 64 * 2**20)):
            mallopt(option, value)


def reason(error):
    """The first line that says something: CuPy puts a ruled box around what it has to say of a broken installation."""
    lines = str(error.__cause__ or error).splitlines()
    return next((line.strip() for line in lines if any(map(str.isalnum, line))), type(error).__name__)


def to_device(a, xp):
    """A copy of the NumPy array `a`, or of a dict of them, where `xp` computes; `a` itself if that is NumPy."""
    if isinstance(a, dict):
        return {name: to_device(value, xp) for name, value in a.items()}
    return a if xp is numpy else xp.asarray(a)


def to_numpy(a):
    """The array `a`, from whichever library, as a NumPy array on the host."""
    return a if isinstance(a, (numpy.ndarray, numpy.generic)) else a.get()


def copy_to_host(a):
    """Order a copy of the 0-d array `a` to the host, and return a function that waits for it and gives it as a float.

    It waits for what has been ordered by now, and not for what will be ordered before it is called.
    """
    cuda = getattr(array_module(a), "cuda", None)
    if cuda is None:
        return lambda: float(a)
    pinned = numpy.frombuffer(cuda.alloc_pinned_memory(a.nbytes), a.dtype, count=1)     # else the copy would wait
    a.reshape(1).get(out=pinned, blocking=False)
    copied = cuda.Event()
    copied.record()

    def read():
        copied.synchronize()
        return float(pinned[0])

    return read
