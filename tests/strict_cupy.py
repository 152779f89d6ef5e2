"""A stand-in for CuPy that runs on NumPy and refuses what CuPy refuses, for machines without a GPU.

Arrays of this module do not turn into NumPy arrays by themselves, do not mix with them, know no `where=`, and give 0-d
arrays where NumPy gives scalars. `synchronisations` counts how often the host had to wait for a value.
"""

import numpy

synchronisations = 0
REFUSED = {"errstate", "einsum_path", "random", "memmap", "nditer", "add.at", "vectorize"}


def unwrap(value):
    if isinstance(value, ndarray):
        return value.host
    if isinstance(value, numpy.ndarray):
        raise TypeError("strict_cupy: a NumPy array where a device array belongs")
    if isinstance(value, list | tuple):
        return type(value)(unwrap(item) for item in value)
    return value


def wrap(result):
    if isinstance(result, tuple):
        return tuple(wrap(item) for item in result)
    return ndarray(numpy.asarray(result)) if isinstance(result, numpy.ndarray | numpy.generic) else result


def call(function, *args, **kwargs):
    if "where" in kwargs:
        raise TypeError("strict_cupy: CuPy's functions take no where=")
    return wrap(function(*map(unwrap, args), **{key: unwrap(value) for key, value in kwargs.items()}))


def asarray(a, dtype=None):
    return a if isinstance(a, ndarray) and dtype is None else ndarray(numpy.array(getattr(a, "host", a), dtype))


array = asarray


def __getattr__(name):
    if name.startswith("__") or name in REFUSED:
        raise AttributeError(f"strict_cupy has no {name}, because CuPy has none or it must not be used")
    found = getattr(numpy, name)
    if not callable(found) or isinstance(found, type):
        return found
    return lambda *args, **kwargs: call(found, *args, **kwargs)


def wait(value):
    global synchronisations
    synchronisations += 1
    return value


def wait_for_masks(index):
    """CuPy counts the entries of a boolean index on the host."""
    for part in index if isinstance(index, tuple) else (index,):
        if isinstance(part, numpy.ndarray) and part.dtype == bool:
            wait(part)
    return index


class ndarray:  # noqa: N801, the name that CuPy gives it
    __array_ufunc__ = None
    __hash__ = None

    def __init__(self, host):
        self.host = host

    def __array__(self, *args, **kwargs):
        raise TypeError("strict_cupy: implicit conversion to a NumPy array; use .get()")

    def get(self):
        return wait(self.host.copy())

    def __float__(self):
        return wait(float(self.host))

    def __int__(self):
        return wait(int(self.host))

    def __bool__(self):
        return wait(bool(self.host))

    def __iter__(self):
        raise TypeError("strict_cupy: iterating over a device array is slow")

    def __len__(self):
        return len(self.host)

    def __getitem__(self, index):
        return wrap(self.host[wait_for_masks(unwrap(index))])

    def __setitem__(self, index, value):
        self.host[wait_for_masks(unwrap(index))] = unwrap(value)

    def __getattr__(self, name):
        if name.startswith("__"):           # __array_interface__ would be a way round __array__
            raise AttributeError(name)
        found = getattr(self.host, name)
        return (lambda *args, **kwargs: call(found, *args, **kwargs)) if callable(found) else wrap(found)


def operator(name):
    def method(self, *others):
        if name.startswith("__i"):
            getattr(self.host, name)(*map(unwrap, others))
            return self
        return call(getattr(self.host, name), *others)

    return method


BINARY = "add sub mul truediv floordiv mod pow matmul and or xor lshift rshift".split()
for each in BINARY:
    for prefix in ("", "r", "i"):
        setattr(ndarray, f"__{prefix}{each}__", operator(f"__{prefix}{each}__"))
for each in "lt le gt ge eq ne neg pos abs invert".split():
    setattr(ndarray, f"__{each}__", operator(f"__{each}__"))
