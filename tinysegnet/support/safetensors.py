"""Files of the kind .safetensors, read with the package of that name. Nothing in them is believed before it is looked
at."""

from contextlib import contextmanager
from pathlib import Path

import numpy as np

from tinysegnet.support.errors import InputError


@contextmanager
def opened(path, asked_by, way_out):
    """The file as safetensors.safe_open gives it, whose arrays become NumPy's.

    asked_by  what needs the package, in the sentence that says so
    way_out   which file to name, if there is none

    Raises InputError if it is missing or damaged, or the package is missing.
    """
    if not Path(path).is_file():
        raise InputError(f"there is no file '{path}': {way_out}")
    try:
        from safetensors import SafetensorError, safe_open
    except ImportError as error:
        raise InputError(f"{asked_by} needs a package: install it with  pip install -e '.[safetensors]'") from error
    open(path, "rb").close()            # what keeps it from being read: safetensors says that it is not there
    try:
        with safe_open(path, "numpy") as file:
            yield file
    except SafetensorError as error:
        raise InputError(f"{path} is not a .safetensors file, or a damaged one ({error}): take another") from error


def array_of(file, path, name, shape, floats, way_out):
    """The array of that name in an opened file, if it is numbers of that shape, and variances not below 0.

    floats   the types of numbers to be taken, as .safetensors calls them: "F32", ...
    way_out  which file to give, if it has not the array in that shape

    Raises InputError if it is not so.
    """
    if name not in file.keys():
        raise InputError(f"{path} has no {name}: {way_out}")
    stored = file.get_slice(name)
    found, dtype = tuple(stored.get_shape()), stored.get_dtype()
    if found != tuple(shape):
        raise InputError(f"{path}: {name} should be {tuple(shape)}, and is {found}: {way_out}")
    if dtype not in floats:                                 # NumPy has no bfloat16
        raise InputError(f"{path}: {name} is {dtype}: save it as one of {', '.join(floats)}")
    array = file.get_tensor(name)
    with np.errstate(over="ignore"):
        is_number = np.isfinite(array.astype(np.float32))
    if not is_number.all() or (name.endswith("running_var") and array.min() < 0):
        raise InputError(f"{path}: {name} has values that cannot be: take another file")
    return array
