"""Is a forward right? The library decides, and a report says in words what is wrong.

    check_forward(conv2d, ops.conv2d, x, w, b)

passes in silence, or raises ForwardError whose text is the report.
"""

from copy import deepcopy
from functools import partial

import numpy as np

from tinysegnet.checker.diagnosis import (
    axis_names,
    constant_ratio,
    equal,
    only_one_index,
    only_the_border,
    rearranged,
    transposed,
)
from tinysegnet.checker.gradcheck import cast, name_of
from tinysegnet.checker.mistakes import table_for
from tinysegnet.checker.report import case_rows, report_row, side_by_side

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
        mistakes = mistakes or table_for(yours)
        text = "\n".join(report(yours, library, args, names, found, truth, trouble, wrong, mistakes))
        raise ForwardError(text, bad)


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


def report(yours, library, args, names, found, truth, trouble, wrong, mistakes):
    row, said = partial(report_row, width=max(map(len, [*trouble, *found]))), {}
    yield f"{name_of(yours)} disagrees with the library"
    for name in found:
        mine, right, reasons = found[name], np.asarray(truth[name]), []
        if name in trouble:
            yield from row(name, trouble[name])
            if isinstance(mine, np.ndarray) and mine.shape != right.shape:      # else not the values are wrong
                reasons = explain(name, yours, library, list(found), mistakes, [shape_hint(mine, right)])
        elif not wrong[name].any():
            yield from row(name, "right")
        else:
            error = np.where(wrong[name], np.abs(mine.astype(float) - right.astype(float)), 0)
            worst = np.unravel_index(np.argmax(error >= 0.999 * error.max()), error.shape)      # the first, if some tie
            place = f", worst at {name}{[int(i) for i in worst]}" if worst else ""
            yield from row(name, f"{np.count_nonzero(wrong[name])} of {error.size} entries wrong{place}")
            shown = side_by_side(mine[worst], right[worst])
            yield from row("", f"yours      {shown[0]}")
            yield from row("", f"library    {shown[1]}")
            seen = observations(name, mine, right, wrong[name], mistakes)
            reasons = explain(name, yours, library, list(found), mistakes, seen)
        for kind, sentence in reasons:
            first = said.setdefault(sentence, name)
            yield from row("", f"{kind:<11}{sentence if first == name else f'as for {first}'}", hanging=11)
    for name in [name for name in trouble if name not in found]:
        yield from row(name, trouble[name])
    plain = [(name, a) for name, a in zip(names, args) if isinstance(a, np.ndarray | int | float)]
    yield from case_rows([f"{name} {a.shape if isinstance(a, np.ndarray) else a}" for name, a in plain])
    if mistakes:
        yield f"  read  {mistakes.READ}"


def explain(name, yours, library, results, mistakes, seen):
    """Reasons for a wrong result, as (kind, sentence): known mistakes if it is one, else the first thing to be seen."""
    named, note = recognised(name, yours, library, results, mistakes) if mistakes else ([], None)
    if named:
        return [("mistake", sentence) for sentence in named]
    if seen := next((sentence for sentence in seen if sentence), None):
        return [("hint", seen)]
    return [("note", note)] if note else []


def recognised(name, yours, library, results, mistakes):
    """The sentences of the known mistakes whose answer `yours` gives on every case of the table, if one is wrong; a
    note if there is none."""
    candidates, wrong_somewhere = list(mistakes.MISTAKES), False
    for args in mistakes.cases():
        try:
            mine = by_name(yours(*deepcopy(args)), results, "")[name]
        except Exception as error:          # it may fail on sizes that it was not asked about
            return [], f"not compared with the known mistakes: on other sizes it raised {type(error).__name__}: {error}"
        candidates = [wrong for wrong in candidates if equal(mine, wrong(*deepcopy(args)).get(name))]
        if candidates and not equal(mine, by_name(library(*deepcopy(args)), results, "")[name]):
            wrong_somewhere = True
    if candidates and wrong_somewhere:
        return sorted({" ".join(wrong.__doc__.split()) for wrong in candidates}), None
    return [], f"none of the {len(mistakes.MISTAKES)} known mistakes gives this"


def observations(name, found, truth, wrong, mistakes):
    """What can be seen in the numbers without knowing the op, the surest first; None for each that is not so."""

    def same(other):
        return not wrong_entries(found, other).any()

    yield "it is zero everywhere" if not found.any() else None
    if truth.dtype.kind == "f" and truth.any():
        yield constant_ratio(found, truth, same, (), 0)
        yield "it is right but for the sign of some entries" if same(np.copysign(truth, found)) else None
        yield transposed(found, truth, same)
        yield rearranged(found, truth, wrong_entries)
    axes = axis_names(name, truth.ndim, mistakes)
    yield only_one_index(wrong, axes)
    yield only_the_border(wrong) if axes[1:2] == ("row",) else None


def shape_hint(found, truth):
    if not isinstance(found, np.ndarray) or found.ndim != truth.ndim or found.shape == truth.shape:
        return None
    return transposed(found, truth, lambda other: other.shape == found.shape and not wrong_entries(found, other).any())
