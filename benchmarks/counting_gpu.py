"""A GPU that computes nothing and counts: an array library with the shapes and dtypes of CuPy's results, and no values.

    counting_gpu.reset()
    ...                                 anything that asks array_module for its functions
    counting_gpu.launches, .bytes, .flops

A launch is a kernel that the host has to order, by the rules of CuPy 14.2. (A stacked product of which one factor is
broadcast takes three more for each leading axis, to find its matrices; a factor that is neither
contiguous nor, in two dimensions, the transpose of something contiguous is copied first.) Each is taken to read all of
its arrays once and to write all of its result, which is what moves if nothing stays in a cache.
"""

import builtins
import math
from collections import Counter
from types import SimpleNamespace

import numpy
from numpy import uint8  # noqa: F401 - as the other names of this module, for those who ask array_module

launches, bytes, flops = Counter(), Counter(), Counter()
silent = False                                              # within a fused kernel


def reset():
    for counter in (launches, bytes, flops):
        counter.clear()


def totals():
    """Launches, bytes and floating point operations so far."""
    return numpy.array([builtins.sum(counter.values()) for counter in (launches, bytes, flops)], float)


def count(kernel, reads, writes, times=1):
    if not silent:
        launches[kernel] += times
        bytes[kernel] += builtins.sum(a.nbytes for a in (*reads, *writes) if isinstance(a, ndarray))


class ndarray:  # noqa: N801, the name that CuPy gives it
    """An array on the device; `host` is memory that is never looked at, and has the right shape, strides and dtype."""

    __hash__ = None

    def __init__(self, host):
        self.host = host

    shape = property(lambda self: self.host.shape)
    dtype = property(lambda self: self.host.dtype)
    size = property(lambda self: self.host.size)
    ndim = property(lambda self: self.host.ndim)
    nbytes = property(lambda self: self.host.nbytes)
    T = property(lambda self: ndarray(self.host.T))
    real = property(lambda self: ndarray(self.host.real))
    imag = property(lambda self: ndarray(self.host.imag))

    def conj(self):
        return elementwise("conj")(self) if self.dtype.kind == "c" else self

    def __len__(self):
        return len(self.host)

    def __getitem__(self, index):
        return ndarray(self.host[index])

    def __setitem__(self, index, value):
        target = self[index]
        if not (isinstance(value, ndarray) and same_memory(target, value)):
            count("copy", [value], [target])

    def transpose(self, *axes):
        return ndarray(self.host.transpose(*axes))

    def swapaxes(self, one, other):
        return ndarray(self.host.swapaxes(one, other))

    def reshape(self, *shape):
        try:
            return ndarray(self.host.reshape(*shape, copy=False))
        except ValueError:
            return ndarray(self.copy().host.reshape(*shape))

    def copy(self):
        return new("copy", self.shape, self.dtype, [self])

    def take(self, indices, axis):
        axis %= self.host.ndim
        shape = self.shape[:axis] + indices.shape + self.shape[axis + 1 :]
        return new("copy", shape, self.dtype, [self, indices])

    def astype(self, dtype):
        """In memory in the order of the axes that it had."""
        result = ndarray(numpy.empty_like(self.host, dtype))
        count("copy", [self], [result])
        return result

    def __getattr__(self, name):
        if name in ("sum", "max"):
            return lambda *args, **options: reduced(name, self, *args, **options)
        raise AttributeError(f"counting_gpu has no array.{name}")

    def __matmul__(self, other):
        return matmul(self, other)


def same_memory(a, b):
    return a.host.ctypes.data == b.host.ctypes.data and (a.shape, a.host.strides) == (b.shape, b.host.strides)


def new(kernel, shape, dtype, reads=()):
    result = empty(shape, dtype)
    count(kernel, reads, [result])
    return result


def empty(shape, dtype=float):
    return ndarray(numpy.empty(shape, dtype))


def empty_like(a):
    return empty(a.shape, a.dtype)


def zeros(shape, dtype=float):
    return new("fill", shape, dtype)


def ones_like(a):
    return new("fill", a.shape, a.dtype)


ones, zeros_like = zeros, ones_like


def arange(n):
    return new("fill", (n,), int)


def asarray(a):
    return a if isinstance(a, ndarray) else ndarray(numpy.array(a))


def ascontiguousarray(a):
    return a if a.host.flags.c_contiguous else a.copy()


def moveaxis(a, source, destination):
    return ndarray(numpy.moveaxis(a.host, source, destination))


def pad(a, widths):
    """Zeros and a copy; if it is large, a copy, and one strip after the other of zeros."""
    shape = [low + n + high for n, (low, high) in zip(a.shape, widths)]
    result = empty(shape, a.dtype)
    small = result.size < 4_000_000
    if small:
        result[...] = 0
    result[tuple(slice(low, low + n) for n, (low, _) in zip(a.shape, widths))] = a
    for axis, (low, high) in enumerate(widths):
        for strip in [] if small else [slice(0, low)] * bool(low) + [slice(shape[axis] - high, None)] * bool(high):
            result[(slice(None),) * axis + (strip,)] = 0
    return result


def concatenate(arrays, axis):
    """A kernel for each array."""
    result = ndarray(numpy.concatenate([numpy.empty(a.shape, a.dtype) for a in arrays], axis))
    for a in arrays:
        count("copy", [a], [a])
    return result


def tile(a, repeats):
    return new("copy", numpy.tile(numpy.empty(a.shape, bool), repeats).shape, a.dtype, [a])


def elementwise(name):
    """A ufunc: one kernel."""
    def function(*args, out=None):
        arrays = [a for a in args if isinstance(a, ndarray)]
        if out is None:
            kinds = [a.dtype if isinstance(a, ndarray) else a for a in args]
            dtype = bool if name in COMPARISONS else numpy.result_type(*kinds)
            if name in OF_REALS and numpy.dtype(dtype).kind in "iub":
                dtype = float
            out = empty(numpy.broadcast_shapes(*(a.shape for a in arrays)), dtype)
        count("elementwise", arrays, [out])
        return out

    return function


COMPARISONS = "lt", "le", "gt", "ge", "eq", "ne"
OF_REALS = "truediv", "sqrt", "exp", "log"
for name in ("sqrt", "exp", "log", "maximum", "where", "add", "subtract", "multiply"):
    globals()[name] = elementwise(name)


def operator(name, operation):
    def method(self, *others):
        if name.startswith("__i") and name != "__invert__":
            return operation(self, *others, out=self)
        return operation(*others, self) if name.startswith("__r") else operation(self, *others)

    return method


for each in "add sub mul truediv floordiv mod pow and or xor".split():
    for prefix in ("", "r", "i"):
        setattr(ndarray, f"__{prefix}{each}__", operator(f"__{prefix}{each}__", elementwise(each)))
for each in (*COMPARISONS, "neg", "invert"):
    setattr(ndarray, f"__{each}__", operator(f"__{each}__", elementwise(each)))


def reduced(name, a, axis=None, keepdims=False):
    axes = range(a.ndim) if axis is None else (axis,) if isinstance(axis, int) else axis
    axes = {i % a.ndim for i in axes}
    shape = [1 if i in axes else n for i, n in enumerate(a.shape) if keepdims or i not in axes]
    dtype = int if name == "sum" and a.dtype.kind in "iub" else a.dtype
    return new("reduction", shape, dtype, [a])


def sum(a, axis=None):
    return reduced("sum", a, axis)


def matmul(a, b):
    if max(a.ndim, b.ndim) > 2:
        return stacked(a, b)
    a, b = (x if x.host.flags.c_contiguous or x.host.flags.f_contiguous else x.copy() for x in (a, b))
    return product(a, b, a.shape[:-1] + b.shape[1:], 1)


def stacked(a, b):
    a, b = ascontiguousarray(a), ascontiguousarray(b)
    a_stack, b_stack = a.shape[:-2], b.shape[:-2]
    stack = numpy.broadcast_shapes(a_stack, b_stack)
    broadcast = math.prod(a_stack) != math.prod(b_stack)
    shape = stack + ((a.shape[-2],) if a.ndim > 1 else ()) + ((b.shape[-1],) if b.ndim > 1 else ())
    return product(a, b, shape, 1 + 3 * len(stack) * broadcast)


def product(a, b, shape, times):
    result = empty(shape, a.dtype)
    count("product", [a, b], [result], times)
    flops["product"] += (8 if a.dtype.kind == "c" else 2) * math.prod(shape) * a.shape[-1]
    return result


def as_strided(a, shape, strides):
    return ndarray(numpy.lib.stride_tricks.as_strided(a.host, shape, strides))


lib = SimpleNamespace(stride_tricks=SimpleNamespace(as_strided=as_strided))


def fuse():
    """What is done within a fused function is one kernel."""
    def decorator(function):
        def fused(*args):
            global silent
            silent, before = True, silent
            try:
                results = function(*args)
            finally:
                silent = before
            count("fused", args, results if isinstance(results, tuple) else [results])
            return results

        return fused

    return decorator
