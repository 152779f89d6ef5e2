"""What an op or a network accepts, said in one line."""

import math

import numpy as np

from tinysegnet.support.errors import InputError


def check_arrays(op, **arrays):
    """Raise ValueError unless every array has its shape and all have one dtype, float32 or float64.

        check_arrays("conv2d", x=(x, "N H W C"), w=(w, "K K C F"), b=(b, "F"))

    A shape is a string of letters (a letter has one size wherever it stands), a tuple of sizes, or "..." for any
    shape. No size may be 0. What comes after it is what asks for that shape, and may be what is wrong.
    """
    sizes, first = {}, None
    for name, (array, shape, *asking) in arrays.items():
        if not hasattr(array, "dtype"):
            raise ValueError(f"{op}: {name} should be an array, got {type(array).__name__}")
        if first is None:
            first = name
            if array.dtype.name not in ("float32", "float64"):
                raise ValueError(f"{op}: {name} should be float32 or float64, got {array.dtype}")
        if array.dtype != arrays[first][0].dtype:
            raise ValueError(f"{op}: {name} should be {arrays[first][0].dtype} like {first}, got {array.dtype}")
        if not fits(array.shape, shape, sizes) and asking:
            raise ValueError(f"{op}: {name} is {tuple(array.shape)}, and {asking[0]} asks for {describe(shape, sizes)}")
        if not fits(array.shape, shape, sizes):
            raise ValueError(f"{op}: {name} should be {describe(shape, sizes)}, got {tuple(array.shape)}")


def fits(actual, shape, sizes):
    """Whether the sizes `actual` are of that shape; letters seen for the first time are entered in `sizes`."""
    if shape == "...":
        return 0 not in actual
    if isinstance(shape, tuple):
        return tuple(actual) == shape
    letters = shape.split()
    if len(letters) != len(actual) or 0 in actual:
        return False
    known = dict(sizes)
    ok = all(known.setdefault(letter, size) == size for letter, size in zip(letters, actual))
    if ok:
        sizes.update(known)
    return ok


def describe(shape, sizes):
    if shape == "...":
        return "an array that is not empty"
    if isinstance(shape, tuple):
        return str(shape)
    letters = shape.split()
    known = [f"{letter} = {sizes[letter]}" for letter in dict.fromkeys(letters) if letter in sizes]
    return f"({', '.join(letters)}{',' if len(letters) == 1 else ''})" + (f" with {', '.join(known)}" if known else "")


def check_size(levels, height, width, share=1, what="them"):
    """Raise InputError if images of that size cannot be halved so many times.

    share, what  if something else than the whole image is halved: its share of height and width, and what it is
    """
    smallest = math.ceil(2**levels / share)
    if min(height, width) < smallest:
        raise InputError(
            f"images of {height}x{width} pixels are too small for a network that halves {what} {levels} times: "
            f"use at least {smallest}x{smallest}"
        )


def check_doubled(op, shape, of):
    """Raise ValueError unless a map of that shape, (N, H', W', C), is halved to `of`: H' is 2H or 2H - 1, so is W'."""
    N, H, W, C = of
    shape = shape if hasattr(shape, "__len__") else (shape,)
    if tuple(shape) not in [(N, height, width, C) for height in (2 * H, 2 * H - 1) for width in (2 * W, 2 * W - 1)]:
        raise ValueError(f"{op}: shape should be {(N, 2 * H, 2 * W, C)}, or H or W one less, got {tuple(shape)}")


def ceil_div(a, b):
    """a / b, rounded up to a whole number."""
    return -(-a // b)


def is_array(value):
    """Whether it is an array or a number of NumPy's. A masked array or a matrix is neither: it has rules of its own."""
    return type(value) is np.ndarray or isinstance(value, np.generic)
