"""What an exercise is, and how a learner's answer to it is judged.

A lesson lists its exercises in test_exercise.py:

    Exercise("relu", values(ops.relu, *cases, names=("x",), cache=True), answer=ops.relu, hints=..., ...)
    Exercise("relu_backward", gradients(ops.relu, ops.relu_backward, *cases, names=("x",)), ...)

The cases are a ladder, from small to awkward, the same at every run; for each part the first that fails is reported, in
one report on the function.
"""

import statistics
import sys
import textwrap
import time
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path
from typing import NamedTuple

import numpy as np

from lessons.engine import failing
from lessons.engine.course import LIBRARY
from lessons.engine.unwritten import never_written
from lessons.engine.watch import TroubleError
from tinysegnet.checker.forwardcheck import ForwardError, check_forward, wrong_entries
from tinysegnet.checker.gradcheck import GradientError, check_backward
from tinysegnet.checker.report import Finding, Report, arrays_of, in_words, of_several_cases
from tinysegnet.support.shapes import is_array

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
    other: str = "the library's"    # what the answer is called


def values(
    library, *cases, results=(), names=("x", "w", "b"), cache=False, mistakes=None, adapt=lambda function: function
):
    """A check of a function by its results: see forwardcheck.check_forward.

    results  their names; by default those of the table of mistakes, or y
    cache    whether it must return the library's cache after the results, for its backward
    adapt    adapt(function) brings a function of another form into one that returns the results
    """
    results = results or (mistakes.results if mistakes else ()) or ("y",)

    parts = (*results, "cache") if cache else tuple(results)

    def check(function):
        learner, answers = adapt(function), Answers(function, parts, names)

        def filled(*args):
            """The learner's results, and the library's where there are none yet."""
            right = as_tuple(library(*deepcopy(args)))
            check_count(function.__name__, right, parts, cache)
            returned = separate(learner(*args), len(parts))
            if len(returned) != len(parts):
                raise ForwardError(f"  {function.__name__} should return {', '.join(parts)}", parts)
            answers.note(returned)
            returned = answers.written(returned)
            if order := exchanged(returned, right, alike):
                raise ForwardError(in_order(function.__name__, parts, order), parts)
            if cache and returned[-1] is not None and (why := unlike(returned[-1], right[-1])):
                text = f"the cache of {function.__name__} should be what its docstring says: {why}"
                answers.blame(["cache"], textwrap.fill(text, 79, initial_indent="  ", subsequent_indent="    "))
            return tuple(right[i] if value is None else value for i, value in enumerate(returned))

        def compare(*args):
            check_forward(filled, library, *args, names=names, results=results, mistakes=mistakes)

        filled.__name__ = function.__name__         # known mistakes are looked up by it
        return answers.verdicts(compare, cases)

    return check


def check_count(name, right, parts, cache):
    """Raise ValueError, for the author of the exercise, unless the library gives just what is named."""
    if len(right) != len(parts):
        more = len(right) > len(parts) and not cache
        advice = "say cache=True if the last is the cache, or name them in results" if more else "name them in results"
        named = f"{len(parts)} ({', '.join(parts)})"
        raise ValueError(f"values of {name}: the library's answer has {len(right)} results, not {named}: {advice}")


def gradients(forward, backward, *cases, names, mistakes=None, adapt=lambda function: function):
    """A check of a backward by finite differences: see gradcheck.check_backward. The cache is the library's.

    forward, backward  the library's, in the form that check_backward takes
    """

    parts = tuple(f"d{name}" for name in names)

    def check(function):
        learner, answers = adapt(function), Answers(function, parts, names)

        def filled(dy, cache):
            """The learner's gradients, and the library's where there are none yet."""
            right, returned = as_tuple(backward(dy, cache)), separate(learner(dy, cache), len(parts))
            answers.note(returned)
            returned = answers.written(returned)
            if order := exchanged(returned, right, close):
                raise GradientError(in_order(function.__name__, parts, order), parts)
            return tuple(right[i] if value is None and i < len(right) else value for i, value in enumerate(returned))

        def compare(*args):
            check_backward(forward, filled, *args, names=names, mistakes=mistakes)

        filled.__name__ = function.__name__
        return answers.verdicts(compare, cases)

    return check


class Answers:
    """What a learner's function has given in all cases so far, and what is wrong with it.

    function
    parts    the names of its results, or gradients
    names    of its first arguments
    given    the parts that were not None in some case; likewise missing, those that were
    reports  [(names of what is wrong, why)], from the easier case to the harder
    """

    def __init__(self, function, parts, names):
        self.function, self.parts, self.names = function, parts, names
        self.given, self.missing, self.reports = set(), set(), []

    def note(self, returned):
        for part, value in zip(self.parts, returned):
            if value is None:
                self.missing.add(part)
            else:
                self.given.add(part)

    def written(self, returned):
        """What was returned, with None for a part that has entries that were never written: it is wrong, whatever the
        others are."""
        kept = list(returned)
        for i, (part, value) in enumerate(zip(self.parts, returned)):
            if sentence := never_written(part, value):
                self.blame([part], textwrap.fill(sentence, 79, initial_indent="  ", subsequent_indent="    "))
                kept[i] = None
        return tuple(kept)

    def blame(self, names, report):
        self.reports.append((set(names), report))

    def verdicts(self, compare, cases):
        """A Verdict on each part, after compare(*args) in one case after the other."""
        ended, raised, before = [], [], 0
        for args in cases:
            try:
                compare(*deepcopy(args))
            except (ForwardError, GradientError) as error:
                self.blame(error.wrong, error.args[0])
            except TroubleError as trouble:
                before = before if raised else len(self.reports)
                raised.append((args, trouble))
                if isinstance(trouble.__cause__, TimeoutError):
                    break                   # another case may take as long
                continue
            ended.append(args)
        if raised and not ended:
            if any(not isinstance(trouble.__cause__, NotImplementedError) for _, trouble in raised):
                raise raised[0][1]
            self.missing = {*self.parts}            # what people write where there is nothing yet
            raised = []
        if raised:
            self.blame_what_raised(ended, raised, before)
        self.make_one_report("right where it runs to the end" if raised else "right")
        return {part: self.verdict(part) for part in self.parts}

    def blame_what_raised(self, ended, raised, before):
        """A report on the parts that come from the line that raised, after so many others; it goes for no other part.

        ended, raised  the arguments with which the function came to an end, and (arguments, trouble) if it did not
        """
        failed, (args, trouble) = [args for args, _ in raised], raised[0]
        places = failing.reached(self.function, trouble.__cause__, len(self.parts))
        parts = [part for i, part in enumerate(self.parts) if i in places]
        wrong = [name for names, _ in self.reports for name in names if name in parts]
        with_first, with_other = (", ".join(in_words(self.names, one)) for one in (args, ended[0]))
        sentence = (f"fails in {len(failed)} of {len(ended) + len(failed)} cases, the first with {with_first}, and "
                    f"{'runs, but is not always right,' if wrong else 'is right'} in others, such as {with_other}"
                    f"{failing.what_about(self.names, failed, ended)}")
        found = dict.fromkeys(self.parts, Finding()) | dict.fromkeys(parts, Finding((sentence,)))
        title, more = f"{self.function.__name__} fails in some cases", str(trouble).splitlines()
        report = Report(title, found, arrays=arrays_of(self.names, args), more=more)
        self.reports.insert(before, (set(parts), report))

    def make_one_report(self, right):
        """Of those that tell each part its own; a plain text has no parts. `right` is said of a part that is."""
        several = [report for _, report in self.reports if isinstance(report, Report)]
        if several:
            plain = {name for names, report in self.reports if not isinstance(report, Report) for name in names}
            instead = dict.fromkeys(self.parts, right) | dict.fromkeys(self.missing - self.given, "TODO")
            one = of_several_cases(several, instead, plain)
            self.reports = [(names, one if isinstance(report, Report) else report) for names, report in self.reports]

    def verdict(self, part):
        """On one part. What is wrong with the function as a whole, an argument changed, say, counts for all."""
        if part in self.missing and part in self.given:
            return Verdict(WRONG, f"  {part} is None in some cases and not in others: is a return missing?")
        if part in self.missing:
            return Verdict(TODO)
        why = next((report for names, report in self.reports if part in names or names - set(self.parts)), None)
        return Verdict(DONE) if why is None else Verdict(WRONG, why)


def as_tuple(result):
    return tuple(result) if isinstance(result, tuple | list) else (result,)


def as_array(function):
    """A function that returns one number, as one that returns it as a NumPy number, and without a warning."""

    def run(*args):
        with np.errstate(all="ignore"):
            number = function(*args)
        if isinstance(number, int) and abs(number) > sys.float_info.max:
            return np.float64("inf" if number > 0 else "-inf")
        return np.float64(number) if isinstance(number, int | float) else number

    run.__name__ = function.__name__
    return run


def separate(returned, count):
    """What a learner's function has returned as so many results; nothing at all stands for None each."""
    if returned is None:
        return (None,) * count
    return (returned,) if count == 1 else as_tuple(returned)


def exchanged(returned, right, same):
    """The places in `right` of what was returned, if all of it is right and in another order; None otherwise."""
    if len(returned) != len(right) or all(map(same, returned, right)):
        return None
    table = [[same(value, other) for other in right] for value in returned]         # each pair once: orders are many
    orders = permutations(range(len(right))) if all(map(any, table)) else ()
    return next((order for order in orders if all(row[i] for row, i in zip(table, order))), None)


def in_order(name, parts, order):
    given = ", ".join(parts[i] for i in order)
    return f"  {name} returns {given}, each of them right: return {', '.join(parts)}"


def close(learner, library):
    """Whether an array is another but for rounding, in float64: in float32 one could not be sure."""
    same_kind = is_array(learner) and described(learner) == described(library)
    return same_kind and learner.dtype == np.float64 and not wrong_entries(learner, library).any()


def unlike(learner, library):
    """In what a cache differs from the library's, in words; nothing if it is alike."""
    if alike(learner, library):
        return ""
    if isinstance(library, tuple | list):
        if not isinstance(learner, tuple | list):
            return f"it should have {len(library)} parts, and is {described(learner)}"
        if exchanged(learner, library, alike):
            return "its parts are right, in another order"
        if len(learner) != len(library):
            return f"it should have {len(library)} parts, and has {len(learner)}"
        i = next(i for i, pair in enumerate(zip(learner, library)) if not alike(*pair))
        wanted, given = described(library[i]), difference(learner[i], library[i])
        return f"its part {i + 1} of {len(library)} should be {wanted}, and is {given}"
    return f"it should be {described(library)}, and is {difference(learner, library)}"


def difference(learner, library):
    same_kind = described(learner) == described(library)
    return "one with other values" if same_kind and isinstance(library, np.ndarray) else described(learner)


def described(value):
    """Of an array its dtype and shape, of a number its value."""
    if type(value) is np.ndarray:
        return f"{value.dtype} {value.shape}"
    if isinstance(value, tuple | list | dict):
        return f"a {type(value).__name__} of {len(value)}"
    return repr(value) if isinstance(value, int | float | str | bool | np.generic | None) else type(value).__name__


def alike(learner, library):
    """Whether two caches are the same, to the bit: arrays, numbers, strings, booleans, None, and tuples, lists or
    dicts of these. NaN equals NaN.

    Raises ValueError, for the author of the exercise, if the library's holds anything else.
    """
    match library:
        case tuple() | list():
            same_length = isinstance(learner, tuple | list) and len(learner) == len(library)
            return same_length and all(map(alike, learner, library))
        case dict():
            same_keys = isinstance(learner, dict) and learner.keys() == library.keys()
            return same_keys and all(alike(learner[key], library[key]) for key in library)
        case np.ndarray():
            same_dtype = type(learner) is np.ndarray and learner.dtype == library.dtype
            return same_dtype and np.array_equal(learner, library, equal_nan=library.dtype.kind in "fc")
        case None:
            return learner is None
        case str():
            return isinstance(learner, str) and learner == library
        case bool() | np.bool():
            return isinstance(learner, bool | np.bool) and bool(learner) == bool(library)
        case int() | np.integer():
            return whole(learner) and learner == library
        case float() | complex() | np.inexact():
            number = learner[()] if isinstance(learner, np.ndarray) and not learner.ndim else learner
            same_kind = whole(number) or isinstance(number, float | complex | np.inexact)
            return same_kind and bool(number == library or (np.isnan(number) and np.isnan(library)))
    raise ValueError(
        f"a cache that holds a {type(library).__name__} cannot be compared: let it hold arrays, numbers, strings, "
        "booleans, None, and tuples, lists or dicts of these"
    )


def whole(number):
    return isinstance(number, int | np.integer) and not isinstance(number, bool)


def milliseconds(function, args, rounds=5):
    """The median time of some calls; of fewer, down to one, if they take long."""
    times = []
    while len(times) < rounds and sum(times) < 200:
        given = deepcopy(args)
        start = time.perf_counter()
        function(*given)
        times.append(1000 * (time.perf_counter() - start))
    return statistics.median(times)
