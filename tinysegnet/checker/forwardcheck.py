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


def check_forward(learner, library, *args, names=("x", "w", "b"), results=("y",), mistakes=None):
    """Compare each result of `learner` with that of `library`, and raise ForwardError if one differs.

    learner, library  take args and return a tuple that begins with the results, or the one result
    args            copies are given, of floating arrays in float32 and in float64
    names           of the first of args, for the report
    results         the names of what is compared; what comes after it, a cache, is anyone's own affair
    mistakes        a table of known wrong answers, by default that in checker/mistakes/ for a forward of that name
    """
    violations, wrong, in_float32 = {}, {}, set()
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
            elif name not in violations:
                wrong[name] = wrong_entries(returned[name], truth[name], TOLERANCE[dtype])
                if dtype == np.float32 and wrong[name].any():
                    in_float32.add(name)
    for name in in_float32 - violations.keys():
        if not wrong[name].any():
            violations[name] = "is right in float64 and not in float32: where are digits lost?"
    bad = violations.keys() | {name for name, entries in wrong.items() if entries.any()}
    if bad:
        table = mistakes or table_for(learner)
        plain = [(name, a) for name, a in zip(names, args) if isinstance(a, np.ndarray | int | float)]
        arguments = [f"{name} {a.shape if isinstance(a, np.ndarray) else a}" for name, a in plain]
        compared = {name: entries for name, entries in wrong.items() if name not in violations}
        reasons = explainer(learner, library, returned, truth, wrong, table)
        title = f"{name_of(learner)} disagrees with the library"
        text = report(title, returned, truth, compared, violations, "library", reasons, arguments, table)
        raise ForwardError(text, bad)


def by_name(result, results, function):
    values = result if isinstance(result, tuple | list) else (result,)
    if len(values) < len(results):
        text = f"{function} should return {', '.join(results)}: {len(results)} arrays, not {len(values)}"
        raise ForwardError(text, results)
    return dict(zip(results, values))


def violation(learner, truth, dtype):
    """A sentence if a result is not of the kind that it must be, whatever its values; None if it is."""
    truth = np.asarray(truth)
    if not isinstance(learner, np.ndarray | np.generic):
        return f"should be an array, is {type(learner).__name__}"
    if learner.shape != truth.shape:
        return f"should have the shape {truth.shape}, has {learner.shape}"
    if learner.dtype != truth.dtype:
        where = f" where the input is {dtype}" if truth.dtype == dtype else ""
        return f"should be {truth.dtype}{where}, is {learner.dtype}"
    if np.isfinite(truth).all() and not np.isfinite(learner).all():
        bad = np.argwhere(~np.isfinite(learner))
        if not learner.ndim:
            return f"is {learner}, in {learner.dtype}"
        return f"has {len(bad)} entries that are NaN or infinite, the first at {bad[0].tolist()}, in {learner.dtype}"
    return None


def wrong_entries(learner, truth, tolerance=TOLERANCE[np.float64]):
    if np.asarray(truth).dtype.kind != "f":
        return np.asarray(learner != truth)
    return ~(np.abs(learner - truth) <= tolerance * np.abs(truth).max(initial=1e-300))        # ~(<=): NaN is wrong


def explainer(learner, library, returned, truth, wrong, table):
    """reasons(name, worst), as report wants it; one that was given for a result is not repeated for another."""
    given_for = {}

    def reasons(name, worst):
        result, right = returned[name], np.asarray(truth[name])

        def answer(args):
            return args, *(by_name(function(*deepcopy(args)), returned, "")[name] for function in (learner, library))

        if worst is not None:
            sentences = observations(result, right, wrong[name], wrong_entries, axis_names(name, right.ndim, table))
        elif isinstance(result, np.ndarray) and result.shape != right.shape:
            sentences = shape_hints(result, right, wrong_entries)
        else:
            return                      # not the values are wrong
        for kind, sentence in explain(table, name, answer, sentences):
            first = given_for.setdefault(sentence, name)
            yield kind, sentence if first == name else f"as for {first}"

    return reasons
