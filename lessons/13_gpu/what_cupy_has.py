"""python lessons/13_gpu/what_cupy_has.py

Writes what_cupy_has.txt anew, from the CuPy that is installed; it takes no GPU. There stand its version, and in a line
each what CuPy has under a name that NumPy has too: a function, a constant or, after "ndarray.", a method; and behind it
the names that its arguments can be given by, or "..." if it says nothing of them.
"""

import inspect
import re
from pathlib import Path

FILE = Path(__file__).with_name("what_cupy_has.txt")


def lines():
    import cupy
    import numpy

    yield f"CuPy {cupy.__version__}"
    for of, module, theirs in (("", numpy, cupy), ("ndarray.", numpy.ndarray, cupy.ndarray)):
        for name in sorted(dir(module)):
            if not name.startswith("_") and hasattr(theirs, name):
                yield " ".join([of + name, *arguments(getattr(theirs, name))])


def arguments(one):
    """The names of its arguments, of what can be called."""
    if not callable(one) or isinstance(one, type):
        return []
    try:
        parameters = inspect.signature(one).parameters
    except (TypeError, ValueError):         # a ufunc, or compiled: the first line of its description has them
        said = re.search(r"\w+\((.*?)\)(?: ->|$)", (one.__doc__ or "").partition("\n")[0])
        names = re.findall(r"(?:^|[ ,*])(\w+)(?=[,=]|$)", said[1]) if said else ["..."]
        return [name for name in names if name != "self"]
    open_ended = any(one.kind is one.VAR_KEYWORD for one in parameters.values())
    return [*(name for name, one in parameters.items() if one.kind is not one.VAR_KEYWORD), *["..."] * open_ended]


if __name__ == "__main__":
    FILE.write_text("\n".join(lines()) + "\n", encoding="utf-8")
