"""Memory that a learner's function asks for by np.empty and never writes: seen by what it was filled with."""

from contextlib import contextmanager

import numpy as np

# NaNs that no computation begins with. Most carry their digits on: what is computed with them is one of them too.
MARKS = {
    np.dtype("float32"): np.uint32(0x7FCB_AD0B),
    np.dtype("float64"): np.uint64(0x7FFB_AD0B_AD0B_AD0B),
}


@contextmanager
def marked():
    """Inside, np.empty and np.empty_like give floating arrays that are full of marks."""
    before = {name: getattr(np, name) for name in ("empty", "empty_like")}

    def marking(make):
        def run(*args, **options):
            array = make(*args, **options)
            if array.dtype in MARKS:
                array.view(MARKS[array.dtype].dtype).fill(MARKS[array.dtype])
            return array

        return run

    try:
        for name, make in before.items():
            setattr(np, name, marking(make))
        yield
    finally:
        for name, make in before.items():
            setattr(np, name, make)


def never_written(name, array):
    """A sentence if entries of a result are memory that was never written, or computed from it; or None."""
    if not isinstance(array, np.ndarray) or array.dtype not in MARKS:
        return None
    mark = MARKS[array.dtype]
    places = np.argwhere(np.ascontiguousarray(array).view(mark.dtype) == mark) if array.ndim else []
    if not len(places):
        return None
    count = f"{len(places)} entries" if len(places) > 1 else "an entry"
    where = f"{name}{places[0].tolist()}"
    return (
        f"{name} has {count} from memory that was never written, see {where}: np.empty gives what lay there before, so "
        "begin with np.zeros"
    )
