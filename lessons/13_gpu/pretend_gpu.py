"""A pretended GPU, to practise on: it computes with NumPy, refuses what CuPy refuses, and notes when the host waits.

    x = pretend_gpu.asarray(numpy_array)        to the device
    y = x.get()                                 and back

It knows nothing of speed. Where CuPy would be silent and wrong, it is not: two values written to one place are refused.
"""

import sys
from pathlib import Path
from types import SimpleNamespace

import numpy

# The names that CuPy has too, and with which arguments: see what_cupy_has.py.
VERSION, *LINES = Path(__file__).with_name("what_cupy_has.txt").read_text(encoding="utf-8").splitlines()
CUPY = {name: arguments for name, *arguments in map(str.split, LINES)}

waits = []          # a line for each time the host had to wait: where, and for what
REFUSED = {
    "errstate": "CuPy has none: keep the bad value from arising, as in a / maximum(b, 1)",
    "random": "draw with NumPy on the host, so that both backends see the same numbers",
    "vectorize": "it calls Python for each number",
    "at": "CuPy has it for few dtypes, and adds in another order at each run",
}
HAS_TO_LOOK = {     # the host cannot tell the size of the result without the values
    "bincount": 2, "nonzero": 1, "flatnonzero": 1, "argwhere": 1, "unique": 1,
}


def wait(reason):
    """Note that the host waits, and on which line of whose file."""
    frame = sys._getframe(1)
    while frame.f_code.co_filename == __file__ or "/numpy/" in frame.f_code.co_filename.replace("\\", "/"):
        frame = frame.f_back
    file = frame.f_code.co_filename.replace("\\", "/").rpartition("/")[2]
    waits.append(f"{file}, line {frame.f_lineno}: {reason}")


def refused(name, of=""):
    return AttributeError(f"pretend_gpu has no {of}{name}: {REFUSED.get(name, f'{VERSION} has none')}")


def function(one, name, of=""):
    """One of NumPy's functions, if CuPy has it too."""
    if of + name not in CUPY:
        raise refused(name, of)
    return Function(one, name, CUPY[of + name])


def inside(value):
    """The NumPy array in a device array; constants as they are."""
    if isinstance(value, ndarray):
        return value.host
    if isinstance(value, numpy.ndarray):
        raise TypeError("a NumPy array where one of the device belongs: both must be on one side")
    if isinstance(value, list | tuple):
        return type(value)(map(inside, value))
    return value


def outside(result):
    """What came out of NumPy as a device array, a single number as well: it has no dimension, and is still there."""
    if isinstance(result, list | tuple):
        return type(result)(map(outside, result))
    return ndarray(numpy.asarray(result)) if isinstance(result, numpy.ndarray | numpy.generic) else result


class Function:
    """One of NumPy's functions, on the device, with the arguments that `takes` names, as in what_cupy_has.txt."""

    def __init__(self, function, name, takes=("...",)):
        self.function, self.name, self.takes = function, name, takes

    def __call__(self, *args, **kwargs):
        if "where" in kwargs:
            raise TypeError(f"{self.name} takes no where= on a GPU: multiply by the mask, or use where(mask, a, b)")
        self.check_arguments(args, kwargs)
        for _ in range(HAS_TO_LOOK.get(self.name, 0)):
            wait(f"{self.name}, which looks at the values")
        return outside(self.function(*map(inside, args), **{key: inside(value) for key, value in kwargs.items()}))

    def check_arguments(self, args, kwargs):
        if "..." in self.takes:
            return
        all_of_them = f"in {VERSION}: it takes {', '.join(self.takes)}"
        if others := kwargs.keys() - self.takes:
            raise TypeError(f"{self.name} has no {min(others)}= {all_of_them}")
        starred = [i for i, name in enumerate(self.takes) if name.startswith("*")]
        most = starred[0] if starred else len(self.takes)
        if len(args) > most and (not starred or self.takes[most] == "*"):
            raise TypeError(f"{self.name} has at most {most} arguments without a name {all_of_them}")

    def __getattr__(self, name):
        if name in REFUSED:
            raise refused(name, of=f"{self.name}.")
        return function(getattr(self.function, name), name, "ufunc.")


def __getattr__(name):
    if name.startswith("__"):
        raise AttributeError(name)
    if name in REFUSED:
        raise refused(name)
    value = getattr(numpy, name)
    if callable(value) and not isinstance(value, type):
        return function(value, name)
    if name not in CUPY:
        raise refused(name)
    return value


def asarray(a, dtype=None):
    """A copy on the device; an array that is there already as it is."""
    if isinstance(a, ndarray):
        return a if dtype is None else a.astype(dtype)
    if isinstance(a, list | tuple) and any(isinstance(item, ndarray) for item in a):
        raise TypeError("a list of device arrays is not an array: use stack")
    return ndarray(numpy.array(a, dtype))


array = asarray
as_strided = Function(numpy.lib.stride_tricks.as_strided, "as_strided")
lib = SimpleNamespace(stride_tricks=SimpleNamespace(as_strided=as_strided))


class ndarray:  # noqa: N801, the name that CuPy gives it
    """An array on the device. What a CuPy array does by itself, it does; for the rest ask for a copy, with .get()."""

    __hash__ = None

    def __init__(self, host):
        self.host = host

    def get(self):
        wait("get(), a copy to the host")
        return self.host.copy()

    def __array__(self, *args, **kwargs):
        raise TypeError("a device array does not turn into a NumPy array by itself: was the other one made by np., and "
                        "should be by xp.? (.get() would bring it to the host, and wait)")

    def __array_ufunc__(self, ufunc, method, *args, **kwargs):
        """np.exp of a device array: CuPy sees to it, and so do we."""
        called = function(ufunc, ufunc.__name__)
        return (called if method == "__call__" else getattr(called, method))(*args, **kwargs)

    def __array_function__(self, function, types, args, kwargs):
        """np.zeros_like, np.stack, ... of device arrays: likewise."""
        return getattr(sys.modules[__name__], function.__name__)(*args, **kwargs)

    def __getitem__(self, index):
        self.look_at(index)
        return outside(self.host[inside(index)])

    def __setitem__(self, index, value):
        self.look_at(index)
        index, value = inside(index), inside(value)
        if numpy.ndim(value) and any(isinstance(i, numpy.ndarray) and i.dtype.kind in "iu" for i in parts(index)):
            written = numpy.zeros(self.host.shape, int)
            numpy.add.at(written, index, 1)
            if written.max(initial=0) > 1:
                raise TypeError("several values are written to one place, and nobody knows which of them will stay")
        self.host[index] = value

    def look_at(self, index):
        """CuPy counts the True of a mask on the host, to know how large the result is."""
        if any(isinstance(i, ndarray) and i.dtype == bool for i in parts(index)):
            wait("a mask as an index, whose True are counted")

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        if name in ("item", "tolist"):
            wait(f"{name}(), a copy to the host")
            return getattr(self.host, name)
        value = getattr(self.host, name)
        return function(value, name, "ndarray.") if callable(value) else outside(value)

    def __len__(self):
        return len(self.host)

    def __iter__(self):
        return (self[i] for i in range(len(self)))

    def __repr__(self):
        wait("print, which needs the values")
        return repr(self.host)


def parts(index):
    return index if isinstance(index, tuple) else (index,)


def conversion(name, reason):
    def method(self):
        wait(reason)
        return getattr(self.host, name)()

    return method


def operator(name):
    def method(self, *others):
        if name.startswith("__i") and name != "__invert__":
            getattr(self.host, name)(*map(inside, others))
            return self
        return Function(getattr(self.host, name), name)(*others)

    return method


for kind, why in (("float", "float()"), ("int", "int()"), ("bool", "if, or bool()"), ("index", "a number as an index")):
    setattr(ndarray, f"__{kind}__", conversion(f"__{kind}__", why))
for each in "add sub mul truediv floordiv mod pow matmul and or xor lshift rshift".split():
    for prefix in ("", "r", "i"):
        setattr(ndarray, f"__{prefix}{each}__", operator(f"__{prefix}{each}__"))
for each in "lt le gt ge eq ne neg pos abs invert".split():
    setattr(ndarray, f"__{each}__", operator(f"__{each}__"))
