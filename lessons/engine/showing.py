"""What `--show` adds to the report on a wrong function: the arrays of its case, to look at and to load."""

import textwrap

import numpy as np

from lessons.engine import course
from tinysegnet.support.errors import because

SMALL = 60      # so many numbers are shown; of more only where they lie


def shown(lesson, name, report):
    """The lines on the arrays of a Report, which also go to a file in mine/. A plain text has none."""
    arrays = getattr(report, "arrays", {})
    for what, array in arrays.items():
        yield from lines_of(what, np.asarray(array))
    if arrays:
        yield from keep(lesson, name, {what.replace(", ", "_").replace(" ", "_"): a for what, a in arrays.items()})


def lines_of(what, array):
    """An array in words and, if it is small, in numbers."""
    kind = f"  {what}  {array.dtype} {array.shape}"
    if 0 < array.size <= SMALL:
        yield kind
        numbers = np.array2string(array.squeeze(), max_line_width=75, precision=6)      # axes of 1 are only brackets
        yield from textwrap.indent(numbers, "    ").splitlines()
        return
    finite = array[np.isfinite(array)].astype(float)
    yield f"{kind}, from {finite.min():.6g} to {finite.max():.6g}" if finite.size else kind


def keep(lesson, name, arrays):
    """Write them to a file of their own, and say how to load it, or why it cannot be written."""
    path = course.MINE / f".case-{lesson.name[:2]}-{name}.npz"
    try:
        np.savez(path, **arrays)
    except OSError as error:
        said = f"mine/{path.name} cannot be written{because(error)}"
    else:
        yield f'  case = np.load("mine/{path.name}")'
        said = f"has {', '.join(arrays)}"
    yield from textwrap.wrap(said, 79, initial_indent="  ", subsequent_indent="    ")
