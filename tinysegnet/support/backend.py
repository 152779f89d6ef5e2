"""NumPy or CuPy: which library an array belongs to, and the two ways across."""

import ctypes
import platform
import sys

import numpy

from tinysegnet.support.errors import InputError

M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_MAX = -1, -2, -4       # malloc.h


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
    try:
        import cupy
    except ImportError as error:
        raise InputError(
            "CuPy cannot be imported: install it with  pip install -e '.[cuda13]'  (or '.[cuda12]' "
            f"for a CUDA 12 driver), or run with --backend numpy ({first_line(error)})"
        ) from error
    try:
        cupy.zeros(1) + 1           # the driver, a device and the compiler of kernels, all at once
    except Exception as error:      # each of the three fails in its own way
        if "NoDevice" in str(error):
            raise InputError("CuPy finds no GPU: see CUDA_VISIBLE_DEVICES, or run with --backend numpy") from error
        raise InputError(
            "CuPy cannot use the GPU: see that  nvidia-smi  runs and that the CUDA version it prints is not below "
            f"CuPy's, or run with --backend numpy ({first_line(error)})"
        ) from error
    return cupy


def keep_freed_memory():
    """Let the C library keep the memory of large arrays that are done with, for the next ones. Linux with glibc only.

    Otherwise it goes back to the system and has to be asked for again, page by page, in every step.
    """
    if platform.libc_ver()[0] == "glibc":
        mallopt = ctypes.CDLL(None).mallopt
        for option, value in ((M_MMAP_MAX, 0), (M_TRIM_THRESHOLD, 2**31 - 1), (M_TOP_PAD, 64 * 2**20)):
            mallopt(option, value)


def first_line(error):
    return str(error).strip().partition("\n")[0]


def to_device(a, xp):
    """A copy of the NumPy array `a`, or of a dict of them, where `xp` computes; `a` itself if that is NumPy."""
    if isinstance(a, dict):
        return {name: to_device(value, xp) for name, value in a.items()}
    return a if xp is numpy else xp.asarray(a)


def to_numpy(a):
    """The array `a`, from whichever library, as a NumPy array on the host."""
    return a if isinstance(a, (numpy.ndarray, numpy.generic)) else a.get()
