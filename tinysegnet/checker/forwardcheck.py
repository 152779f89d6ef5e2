"""Is a forward right? The library decides, and a report says in words what is wrong.

    check_forward(conv2d, ops.conv2d, x, w, b)

passes in silence, or raises ForwardError whose text is the report.
"""

from copy import deepcopy

import numpy as np

from tinysegnet.checker.diagnosis import axis_names, explain, observations, shape_hints
from tinysegnet.checker.gradcheck import cast, name_of
from tinysegnet.checker.mistakes import table_for
from tinysegnet.checker.report import report

# In float64, of the largest entry: the same sums in another order differ by less. In float32 only what float64 does not
# show is looked for, such as a float32 sum that has lost its digits.
TOLERANCE = {np.float32: 1e-3, np.float64: 1e-9}


class ForwardError(AssertionError):
    """A forward is wrong. The text is the report; `wrong` names the results that are, and what else is amiss."""

    def __init__(self, text, wrong):
        super().__init__(text)
        self.wrong = set(wrong)


def check_forward(yours, library, *args, names=("x", "w", "b"), results=("y",), mistakes=None):
    """Compare each result of `yours` with that of `library`, and raise ForwardError if one differs.

    yours, library  take args and return a tuple that begins with the results, or the one result
    args            copies are given, of floating arrays in float32 and in float64
    names           of the first of args, for the report
    results         the names of what is compared; what comes after it, a cache, is anyone's own affair
    mistakes        a table of known wrong answers, by default that in checker/mistakes/ for a forward of that name
    """
    trouble, wrong, in_float32 = {}, {}, set()
    for dtype in (np.float32, np.float64):
        given = cast(args, dtype)
        found = by_name(yours(*given), results, name_of(yours))
        truth = by_name(library(*cast(args, dtype)), results, name_of(library))
        for i, (before, after) in enumerate(zip(cast(args, dtype), given)):
            if isinstance(before, np.ndarray) and not np.array_equal(before, after, equal_nan=before.dtype.kind == "f"):
                trouble[names[i] if i < len(names) else f"argument {i + 1}"] = "was changed in place: work on a copy"
        for name in results:
            if sentence := breach(found[name], truth[name], np.dtype(dtype)):
                trouble.setdefault(name, sentence)
            elif name not in trouble:
                wrong[name] = wrong_entries(found[name], truth[name], TOLERANCE[dtype])
                if dtype == np.float32 and wrong[name].any():
                    in_float32.add(name)
    for name in in_float32 - trouble.keys():
        if not wrong[name].any():
            trouble[name] = "is right in float64 and not in float32: where are digits lost?"
    bad = trouble.keys() | {name for name, entries in wrong.items() if entries.any()}
    if bad:
        table = mistakes or table_for(yours)
        plain = [(name, a) for name, a in zip(names, args) if isinstance(a, np.ndarray | int | float)]
        about = [f"{name} {a.shape if isinstance(a, np.ndarray) else a}" for name, a in plain]
        compared = {name: entries for name, entries in wrong.items() if name not in trouble}
        reasons = explainer(yours, library, found, truth, wrong, table)
        title = f"{name_of(yours)} disagrees with the library"
        raise ForwardError(report(title, found, truth, compared, trouble, "library", reasons, about, table), bad)


def by_name(result, results, function):
    values = result if isinstance(result, tuple | list) else (result,)
    if len(values) < len(results):
        text = f"{function} should return {', '.join(results)}: {len(results)} arrays, not {len(values)}"
        raise ForwardError(text, results)
    return dict(zip(results, values))


def breach(found, truth, dtype):
    """A sentence if a result is not of the kind that it must be, whatever its values; None if it is."""
    truth = np.asarray(truth)
    if not isinstance(found, np.ndarray | np.generic):
        return f"should be an array, is {type(found).__name__}"
    if found.shape != truth.shape:
        return f"should have the shape {truth.shape}, has {found.shape}"
    if found.dtype != truth.dtype:
        where = f" where the input is {dtype}" if truth.dtype == dtype else ""
        return f"should be {truth.dtype}{where}, is {found.dtype}"
    if np.isfinite(truth).all() and not np.isfinite(found).all():
        bad = np.argwhere(~np.isfinite(found))
        if not found.ndim:
            return f"is {found}, in {found.dtype}"
        return f"has {len(bad)} entries that are NaN or infinite, the first at {bad[0].tolist()}, in {found.dtype}"
    return None


def wrong_entries(found, truth, tolerance=TOLERANCE[np.float64]):
    if np.asarray(truth).dtype.kind != "f":
        return np.asarray(found != truth)
    return ~(np.abs(found - truth) <= tolerance * np.abs(truth).max(initial=1e-300))        # ~(<=): NaN is wrong


def explainer(yours, library, found, truth, wrong, table):
    """reasons(name, worst), as report wants it; one that was given for a result is not repeated for another."""
    said = {}

    def reasons(name, worst):
        mine, right = found[name], np.asarray(truth[name])

        def answer(args):
            return args, *(by_name(function(*deepcopy(args)), found, "")[name] for function in (yours, library))

        if worst is not None:
            seen = observations(mine, right, wrong[name], wrong_entries, axis_names(name, right.ndim, table))
        elif isinstance(mine, np.ndarray) and mine.shape != right.shape:
            seen = shape_hints(mine, right, wrong_entries)
        else:
            return                      # not the values are wrong
        for kind, sentence in explain(table, name, answer, seen):
            first = said.setdefault(sentence, name)
            yield kind, sentence if first == name else f"as for {first}"

    return reasons
