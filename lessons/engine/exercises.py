"""What an exercise is, and how a learner's answer to it is judged.

A lesson lists its exercises in test_exercise.py:

    Exercise("relu", values(ops.relu, *cases, names=("x",), cache=True), answer=ops.relu, hints=..., ...)
    Exercise("relu_backward", gradients(ops.relu, ops.relu_backward, *cases, names=("x",)), ...)

The cases are a ladder, from small to awkward, the same at every run; for each part the first that fails is reported.
"""

import re
import statistics
import time
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from lessons.engine.course import LIBRARY
from lessons.engine.watch import TroubleError
from tinysegnet.forwardcheck import ForwardError, check_forward
from tinysegnet.gradcheck import GradientError, check_backward

DONE, WRONG, TODO, BORROWED = "done", "wrong", "TODO", "borrowed"


class Verdict(NamedTuple):
    kind: str           # DONE, WRONG, TODO or BORROWED
    text: str = ""      # why


@dataclass(frozen=True)
class Exercise:
    name: str               # of the function in the learner's file
    check: Callable         # check(function) -> {part: Verdict}; a part is a gradient, a result, or the cache
    answer: Callable        # the library's, which --answers library tries in the learner's place
    hints: tuple            # three: what to look at, the shapes, the first line
    differs: str            # how the library's differs
    read: str               # the next file to open
    race: Callable          # race() -> arguments on which both are timed
    forbidden: Path = LIBRARY       # calls into this folder are borrowing


def values(
    library, *cases, results=("y",), names=("x", "w", "b"), cache=False, mistakes=None, adapt=lambda function: function
):
    """A check of a function by its results: see forwardcheck.check_forward.

    cache  whether it must return the library's cache after the results, for its backward
    adapt  adapt(function) brings a function of another form into one that returns the results
    """

    def check(function):
        mine, todo = adapt(function), set()

        def filled(*args):
            """Its results, and the library's where it has none yet."""
            right = as_tuple(library(*deepcopy(args)))
            given = mine(*args)
            found = (None,) * len(parts) if given is None else as_tuple(given)
            if cache and len(found) != len(parts):
                raise ForwardError(f"{function.__name__} should return {', '.join(parts)}", parts)
            todo.update(name for name, value in zip(parts, found) if value is None)
            if cache and found[-1] is not None and not alike(found[-1], right[-1]):
                reports.setdefault("cache", f"  the cache of {function.__name__} should be what its docstring says")
            return tuple(right[i] if value is None and i < len(right) else value for i, value in enumerate(found))

        filled.__name__ = function.__name__
        parts, reports = (*results, "cache") if cache else tuple(results), {}
        for args in cases:
            try:
                check_forward(filled, library, *deepcopy(args), names=names, results=results, mistakes=mistakes)
            except ForwardError as error:
                reports = dict.fromkeys(error.wrong, str(error)) | reports
            except TroubleError:
                if not reports:             # what an easier case has shown comes first
                    raise
                break
        return judged(parts, todo, reports)

    return check


def gradients(forward, backward, *cases, names, mistakes=None, adapt=lambda function: function):
    """A check of a backward by finite differences: see gradcheck.check_backward. The cache is the library's.

    forward, backward  the library's, in the form that check_backward takes
    """

    def check(function):
        mine, todo = adapt(function), set()

        def filled(dy, cache):
            right, given = backward(dy, cache), mine(dy, cache)
            right, found = as_tuple(right), (None,) * len(names) if given is None else as_tuple(given)
            todo.update(name for name, value in zip(names, found) if value is None)
            return tuple(right[i] if value is None and i < len(right) else value for i, value in enumerate(found))

        filled.__name__ = function.__name__
        reports = {}
        for args in cases:
            try:
                check_backward(forward, filled, *deepcopy(args), names=names, mistakes=mistakes)
            except GradientError as error:
                reports = dict.fromkeys(error.wrong, without_verdict_on(todo, str(error))) | reports
            except TroubleError:
                if not reports:
                    raise
                break
        return judged([f"d{name}" for name in names], {f"d{name}" for name in todo}, reports)

    return check


def as_tuple(result):
    return tuple(result) if isinstance(result, tuple | list) else (result,)


def alike(mine, library):
    """Whether two caches are the same: arrays, and tuples of them."""
    if isinstance(library, tuple):
        return isinstance(mine, tuple | list) and len(mine) == len(library) and all(map(alike, mine, library))
    return isinstance(mine, np.ndarray) and mine.dtype == library.dtype and np.array_equal(mine, library)


def without_verdict_on(names, report):
    for name in names:
        report = re.sub(rf"(?m)^(\s+d{name}\s+)right$", r"\1TODO", report)
    return report


def judged(parts, todo, reports):
    """A verdict for each part. What is wrong with the function as a whole (an argument changed) counts for all.

    reports  {part, or what else is wrong: why}
    """
    whole = next((report for name, report in reports.items() if name not in parts), None)
    verdicts = {}
    for part in parts:
        if part in todo:
            verdicts[part] = Verdict(TODO)
        elif report := reports.get(part, whole):
            verdicts[part] = Verdict(WRONG, report)
        else:
            verdicts[part] = Verdict(DONE)
    return verdicts


def milliseconds(function, args, rounds=5):
    """The median time of a call."""
    times = []
    for _ in range(rounds):
        given = deepcopy(args)
        start = time.perf_counter()
        function(*given)
        times.append(1000 * (time.perf_counter() - start))
    return statistics.median(times)
