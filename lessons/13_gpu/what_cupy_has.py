"""python lessons/13_gpu/what_cupy_has.py

Writes what_cupy_has.txt anew, from the CuPy that is installed; it takes no GPU. There stand its version, and in a line
each what CuPy has under a name that NumPy has too: a function, a constant or, after "ndarray." or "ufunc.", a method;
and behind it the names of its arguments as in a def: behind "*" they are given by name alone, and "*axes" takes any
number. "..." stands for those that are not known.
"""

import inspect
import re
from pathlib import Path

FILE = Path(__file__).with_name("what_cupy_has.txt")


def lines():
    import cupy
    import numpy

    yield f"CuPy {cupy.__version__}"
    kinds = ("", numpy, cupy), ("ndarray.", numpy.ndarray, cupy.ndarray), ("ufunc.", numpy.ufunc, cupy.ufunc)
    for of, module, theirs in kinds:
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
        names = re.findall(r"(?:^|, |,)\\?(?:\w+ )?(\*?\w+|\*)(?=[,=]|$)", said[1]) if said else ["..."]
        return [name for name in names if name != "self"]
    names = []
    for name, parameter in parameters.items():
        if parameter.kind is parameter.KEYWORD_ONLY and not any(other.startswith("*") for other in names):
            names.append("*")
        names.append({parameter.VAR_KEYWORD: "...", parameter.VAR_POSITIONAL: f"*{name}"}.get(parameter.kind, name))
    return [name for name in names if name != "self"]


if __name__ == "__main__":
    FILE.write_text("\n".join(lines()) + "\n", encoding="utf-8")
