"""Is a forward right? The library decides, and a report says in words what is wrong.

    check_forward(conv2d, ops.conv2d, x, w, b)

passes in silence, or raises ForwardError whose text is the report.
"""

import inspect
from copy import deepcopy
from functools import partial

import numpy as np

from tinysegnet.checker.diagnosis import axis_names, explain, observations, shape_hints
from tinysegnet.checker.gradcheck import cast, name_of
from tinysegnet.checker.mistakes import table_for
from tinysegnet.checker.report import Report, arrays_of, findings, in_words
from tinysegnet.support.shapes import is_array

# In float64, of the largest entry: the same sums in another order differ by less. In float32 only what float64 does not
# show is looked for, such as a float32 sum that has lost its digits.
TOLERANCE = {np.float32: 1e-3, np.float64: 1e-9}
ANOTHER = "is another one if asked for again: does it depend on chance, or on the last call?"


class ForwardError(AssertionError):
    """A forward is wrong. The text is the report; `wrong` names the results that are, and what else is amiss."""

    def __init__(self, text, wrong):
        super().__init__(text)
        self.wrong = set(wrong)


def check_forward(learner, library, *args, names=("x", "w", "b"), results=("y",), mistakes=None):
    """Compare each result of `learner` with that of `library`, and raise ForwardError if one differs.

    learner, library  take args and return a tuple that begins with the results, or the one result
    args            copies are given, of floating arrays in float32 and in float64
    names           of the first of args, for the report
    results         the names of what is compared; what comes after it, a cache, is anyone's own affair
    mistakes        a table of known wrong answers, by default that in checker/mistakes/ for a forward of that name
    """
    violations, wrong, in_float32, to_show = {}, {}, {}, {}
    for dtype in (np.float32, np.float64):
        given = cast(args, dtype)
        returned = by_name(learner(*given), results, name_of(learner))
        truth = by_name(library(*cast(args, dtype)), results, name_of(library))
        for i, (before, after) in enumerate(zip(cast(args, dtype), given)):
            if isinstance(before, np.ndarray) and not np.array_equal(before, after, equal_nan=before.dtype.kind == "f"):
                name = names[i] if i < len(names) else f"argument {i + 1}"
                violations[name] = "was changed in place: work on a copy"
        for name in results:
            if sentence := violation(returned[name], truth[name], np.dtype(dtype)):
                violations.setdefault(name, sentence)
                to_show.setdefault(name, (returned[name], truth[name]))
                wrong.pop(name, None)
            if not sentence or of_another_dtype(returned[name], truth[name]):       # whose values may be wrong too
                wrong[name] = wrong_entries(returned[name], truth[name], TOLERANCE[np.float32 if sentence else dtype])
            if dtype == np.float32 and not sentence and wrong[name].any():
                in_float32[name] = returned[name], truth[name]
    for name in in_float32.keys() - violations.keys():
        if not wrong[name].any():
            again = by_name(learner(*cast(args, np.float32)), results, name_of(learner))[name]
            violations[name] = "is right in float64 and not in float32: where are digits lost?"
            to_show[name] = in_float32[name]
            if not np.array_equal(again, in_float32[name][0], equal_nan=True):
                violations[name] = ANOTHER
    once_more = by_name(learner(*cast(args, np.float64)), results, name_of(learner))
    for name in wrong.keys() - violations.keys():       # of a buffer that is kept the first call may be right
        again = once_more[name]
        if not (alike(again, returned[name]) if wrong[name].any() else agrees(again, truth[name])):
            violations[name] = ANOTHER
    bad = violations.keys() | {name for name, entries in wrong.items() if entries.any()}
    if bad:
        table = mistakes or table_for(learner)
        whose = "library" if str(inspect.unwrap(library).__module__).startswith("tinysegnet.") else "right answer"
        by_chance = {name for name, sentence in violations.items() if sentence == ANOTHER}     # which hints nothing
        why = reasons(learner, library, returned, truth, wrong, bad - by_chance, table)
        found = findings(returned, truth, wrong, violations, whose.split()[0], lambda name, worst: why.get(name, ()))
        to_show = {name: (returned[name], truth[name]) for name in results} | to_show
        does = f"disagrees with the {whose}" if bad & {*results} else "breaks its contract"
        raise ForwardError(Report(
            f"{name_of(learner)} {does}", found, in_words(names, args), table and table.read,
            arrays_of(names, args, *({name: pair[i] for name, pair in to_show.items()} for i in (0, 1))),
        ), bad)


def by_name(result, results, function):
    values = result if isinstance(result, tuple | list) else (result,)
    if len(values) < len(results):
        text = f"{function} should return {', '.join(results)}: {len(results)} arrays, not {len(values)}"
        raise ForwardError(text, results)
    return dict(zip(results, values))


def violation(learner, truth, dtype):
    """A sentence if a result is not of the kind that it must be, whatever its values; None if it is."""
    truth = np.asarray(truth)
    if not is_array(learner):
        return f"should be {'an array' if truth.ndim else 'a NumPy number'}, is {type(learner).__name__}"
    if learner.shape != truth.shape:
        return f"should have the shape {truth.shape}, has {learner.shape}"
    if learner.dtype != truth.dtype:
        where = f" where the input is {dtype}" if truth.dtype == dtype else ""
        return f"should be {truth.dtype}{where}, is {learner.dtype}"
    if np.isfinite(truth).all() and not np.isfinite(learner).all():
        bad = np.argwhere(~np.isfinite(learner))
        if not learner.ndim:
            return f"is {learner}, in {learner.dtype}"
        count = f"{len(bad)} of {learner.size}"
        return f"has NaN or infinite entries, {count}, the first at {bad[0].tolist()}, in {learner.dtype}"
    return None


def of_another_dtype(learner, truth):
    """Whether only the dtype of a result is not what it must be: its values can be compared."""
    same_shape = holds_numbers(learner) and learner.shape == np.shape(truth)
    return same_shape and learner.dtype != np.asarray(truth).dtype and bool(np.isfinite(learner).all())


def wrong_entries(learner, truth, tolerance=TOLERANCE[np.float64]):
    if np.asarray(truth).dtype.kind != "f":
        return np.asarray(learner != truth)
    return ~(np.abs(learner - truth) <= tolerance * np.abs(truth).max(initial=1e-300))        # ~(<=): NaN is wrong


def agrees(learner, truth):
    """Whether a result in float64 is right."""
    return violation(learner, truth, np.dtype(np.float64)) is None and not wrong_entries(learner, truth).any()


def alike(one, other):
    """Whether two results are the same but for rounding."""
    if not (holds_numbers(one) and holds_numbers(other) and one.shape == other.shape):
        return True                                     # which is another matter
    return not wrong_entries(one, other).any() or not (np.isfinite(one) & np.isfinite(other)).all()


def reasons(learner, library, returned, truth, wrong, bad, table):
    """{name: [(kind, sentence)]} of the results that are bad; if one is a known mistake, what else is seen may follow
    from it, and is left out.

    wrong  {name: which entries are, of those that could be compared}
    """
    found = {}
    for name in [name for name in returned if name in bad and holds_numbers(returned[name])]:
        result, right = returned[name], np.asarray(truth[name])

        def answer(args, name=name):
            both = (by_name(f(*deepcopy(args)), returned, name_of(f))[name] for f in (learner, library))
            return args, *both

        if name in wrong and wrong[name].any():
            axes = axis_names(name, right.ndim, table)
            coarser = TOLERANCE[np.float64 if result.dtype == right.dtype else np.float32]
            sentences = observations(result, right, wrong[name], partial(wrong_entries, tolerance=coarser), axes)
        else:
            sentences = shape_hints(result, right, wrong_entries)
        found[name] = explain(table, name, answer, sentences)
    known = {name: given for name, given in found.items() if any(kind == "mistake" for kind, _ in given)}
    return known or found


def holds_numbers(result):
    return is_array(result) and result.dtype.kind in "fiub"
