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
from tinysegnet.checker.forwardcheck import ForwardError, check_forward
from tinysegnet.checker.gradcheck import GradientError, check_backward

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
    library, *cases, results=(), names=("x", "w", "b"), cache=False, mistakes=None, adapt=lambda function: function
):
    """A check of a function by its results: see forwardcheck.check_forward.

    results  their names; by default those of the table of mistakes, or y
    cache    whether it must return the library's cache after the results, for its backward
    adapt    adapt(function) brings a function of another form into one that returns the results
    """
    results = results or (mistakes.results if mistakes else ()) or ("y",)

    def check(function):
        mine, answered = adapt(function), Answered()

        def filled(*args):
            """Its results, and the library's where it has none yet."""
            right = as_tuple(library(*deepcopy(args)))
            found = separate(mine(*args), len(parts))
            if len(found) != len(parts):
                raise ForwardError(f"  {function.__name__} should return {', '.join(parts)}", parts)
            answered.note(parts, found)
            if cache and found[-1] is not None and not alike(found[-1], right[-1]):
                reports.setdefault("cache", f"  the cache of {function.__name__} should be what its docstring says")
            return tuple(right[i] if value is None else value for i, value in enumerate(found))

        filled.__name__ = function.__name__
        parts, reports = (*results, "cache") if cache else tuple(results), {}
        for args in cases:
            try:
                check_forward(filled, library, *deepcopy(args), names=names, results=results, mistakes=mistakes)
            except ForwardError as error:
                reports = dict.fromkeys(error.wrong, without_verdict_on(answered.never, str(error))) | reports
            except TroubleError:
                if not reports:             # what an easier case has shown comes first
                    raise
                break
        return judged(parts, answered, reports)

    return check


def gradients(forward, backward, *cases, names, mistakes=None, adapt=lambda function: function):
    """A check of a backward by finite differences: see gradcheck.check_backward. The cache is the library's.

    forward, backward  the library's, in the form that check_backward takes
    """

    def check(function):
        mine, answered, parts = adapt(function), Answered(), [f"d{name}" for name in names]

        def filled(dy, cache):
            right, found = as_tuple(backward(dy, cache)), separate(mine(dy, cache), len(parts))
            answered.note(parts, found)
            return tuple(right[i] if value is None and i < len(right) else value for i, value in enumerate(found))

        filled.__name__ = function.__name__
        reports = {}
        for args in cases:
            try:
                check_backward(forward, filled, *deepcopy(args), names=names, mistakes=mistakes)
            except GradientError as error:
                reports = dict.fromkeys(error.wrong, without_verdict_on(answered.never, str(error))) | reports
            except TroubleError:
                if not reports:
                    raise
                break
        return judged(parts, answered, reports)

    return check


class Answered:
    """Which parts were None in some case, and which were not."""

    def __init__(self):
        self.missing, self.given = set(), set()

    def note(self, parts, found):
        for part, value in zip(parts, found):
            (self.missing if value is None else self.given).add(part)

    @property
    def never(self):
        return self.missing - self.given


def as_tuple(result):
    return tuple(result) if isinstance(result, tuple | list) else (result,)


def as_array(function):
    """A function that returns one number, as one that returns it as a NumPy number, and without a warning."""

    def run(*args):
        with np.errstate(all="ignore"):
            number = function(*args)
        return np.float64(number) if isinstance(number, int | float) else number

    run.__name__ = function.__name__
    return run


def separate(given, count):
    """What a learner's function has returned as so many results; nothing at all stands for None each."""
    if given is None:
        return (None,) * count
    return (given,) if count == 1 else as_tuple(given)


def alike(mine, library):
    """Whether two caches are the same: arrays, whole numbers, and tuples of them."""
    if isinstance(library, tuple):
        return isinstance(mine, tuple | list) and len(mine) == len(library) and all(map(alike, mine, library))
    if isinstance(library, int):
        return isinstance(mine, int | np.integer) and mine == library
    return isinstance(mine, np.ndarray) and mine.dtype == library.dtype and np.array_equal(mine, library)


def without_verdict_on(parts, report):
    for part in parts:
        report = re.sub(rf"(?m)^(\s+{re.escape(part)}\s+)right$", r"\1TODO", report)
    return report


def judged(parts, answered, reports):
    """A verdict for each part. What is wrong with the function as a whole (an argument changed) counts for all.

    reports  {part, or what else is wrong: why}
    """
    whole = next((report for name, report in reports.items() if name not in parts), None)
    verdicts = {}
    for part in parts:
        if part in answered.never:
            verdicts[part] = Verdict(TODO)
        elif part in answered.missing:
            verdicts[part] = Verdict(WRONG, f"  {part} is None in some cases and not in others: is a return missing?")
        elif report := reports.get(part, whole):
            verdicts[part] = Verdict(WRONG, report)
        else:
            verdicts[part] = Verdict(DONE)
    return verdicts


def milliseconds(function, args, rounds=5):
    """The median time of some calls; of fewer, down to one, if they take long."""
    times = []
    while len(times) < rounds and sum(times) < 200:
        given = deepcopy(args)
        start = time.perf_counter()
        function(*given)
        times.append(1000 * (time.perf_counter() - start))
    return statistics.median(times)
