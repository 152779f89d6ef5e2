"""The sentences of the lessons' own tables must be true too, as test_mistakes.py demands of those of the library."""

import pickle
from collections.abc import Callable
from copy import deepcopy
from itertools import combinations
from typing import NamedTuple

import numpy as np
import pytest
from test_edits import check_formulas

from lessons.engine import course, exercises
from lessons.engine.exercises import as_tuple
from tinysegnet.checker import forwardcheck
from tinysegnet.checker.diagnosis import equal
from tinysegnet.checker.finite_differences import upstream
from tinysegnet.checker.forwardcheck import ForwardError, check_forward
from tinysegnet.checker.gradcheck import GradientError, check_backward
from tinysegnet.checker.mistakes import FORWARD_TABLES, TABLES
from tinysegnet.checker.mistakes.table import Table

LIBRARYS = {*TABLES.values(), *FORWARD_TABLES.values()}


class Use(NamedTuple):
    """How an exercise has a table compared with a learner's function."""

    table: Table
    names: tuple            # of what is compared: results, or gradients
    given: Callable         # given(args) -> what a mistake is given, and the right answers by their names
    check: Callable         # check(wrong, args) raises if wrong(what a mistake is given) is wrong in one of the names
    backward: bool = False


def forward_use(learner, library, *_, names, results=("y",), mistakes=None):
    def right(args):
        return dict(zip(results, as_tuple(library(*deepcopy(args)))))

    def check(wrong, args):
        def forward(*args):
            answer, values = wrong(*deepcopy(args)), right(args)
            return tuple(np.asarray(answer.get(name, value), np.asarray(value).dtype) for name, value in values.items())

        check_forward(forward, library, *args, names=names, results=results, mistakes=mistakes)

    return Use(mistakes, tuple(results), lambda args: (args, right(args)), check)


def backward_use(forward, learner, *_, names, mistakes=None):
    results = tuple(f"d{name}" for name in names)

    def given(args):
        y, *_, cache = forward(*args)
        dy = upstream(np.asarray(y), seed=0)
        return (dy, *args), dict(zip(results, as_tuple(learner(dy, cache))))

    answers = {}                                    # the right ones: all mistakes are set among the same

    def right(dy, cache, args):
        asked = pickle.dumps((dy, args))
        if asked not in answers:
            answers[asked] = as_tuple(learner(dy, cache))
        return answers[asked]

    def check(wrong, args):
        calls = []

        def noted(*args):
            calls.append(args)
            return forward(*args)

        def backward(dy, cache):
            answer, values = wrong(dy, *calls[-1]), right(dy, cache, calls[-1])
            return tuple(np.array(answer.get(name, value), dy.dtype) for name, value in zip(results, values))

        check_backward(noted, backward, *args, names=names, mistakes=mistakes)

    return Use(mistakes, results, given, check, backward=True)


@pytest.fixture(scope="module", params=course.lessons(), ids=lambda lesson: lesson.name[:2])
def uses(request, measured_once):
    """The Uses of a lesson's tables: what its exercises ask of the checker, with the right answers, is noted."""
    found = {}

    def noting(use_of):
        def note(*args, mistakes=None, **options):
            if mistakes is not None and mistakes not in LIBRARYS:
                use = use_of(*args, mistakes=mistakes, **options)
                found.setdefault((mistakes, use.names), use)

        return note

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(forwardcheck, "check_forward", noting(forward_use))
        patch.setattr(exercises, "check_forward", noting(forward_use))
        patch.setattr(exercises, "check_backward", noting(backward_use))
        module = course.load(request.param / "test_exercise.py")
        for exercise in module.EXERCISES:
            exercise.check(exercise.answer)
        assert {table for table in vars(module).values() if isinstance(table, Table)} <= {table for table, _ in found}
    return [*found.values()]


def alike(answers, name, others):
    """Whether both give the same under a name on all cases, to 7 digits."""
    pairs = [(a.get(name), b.get(name)) for a, b in zip(answers, others)]
    return all(a is not None and equal(a, b) for a, b in pairs)


def test_every_mistake_is_wrong_and_none_has_the_answers_of_another(uses):
    wrong_somewhere = set()
    for use in uses:
        cases = [use.given(args) for args in use.table.cases()]
        right = [truth for _, truth in cases]
        answers = {}                # {(mistake, the name of what is wrong): what it gives on all cases}
        for wrong in use.table.mistakes:
            answer = [wrong(*deepcopy(given)) for given, _ in cases]
            for name in use.names:
                if name in answer[0] and not alike(answer, name, right):
                    answers[wrong, name] = answer
                    wrong_somewhere.add((use.table, wrong))
                    if use.backward:
                        same = [args for args, one, truth in zip(cases, answer, right) if alike([one], name, [truth])]
                        assert not same, f"{wrong.__name__} gives the right {name} in some case"
        for ((a, name), first), ((b, other), second) in combinations(answers.items(), 2):
            if name == other and a.sentence != b.sentence:          # of several ways to one mistake some are alike
                assert not alike(first, name, second), f"{a.__name__} and {b.__name__} give the same {name}"
    assert wrong_somewhere == {(use.table, wrong) for use in uses for wrong in use.table.mistakes}


def test_the_edits_of_formulas_are_told_apart(uses):
    for use in uses:
        if use.table.formulas:
            cases = [use.given(args) for args in use.table.cases()]
            targets = set().union(*(formula.targets for formula in use.table.formulas))
            named = [name for name in use.names if name.replace(" ", "_") in targets]
            cases = [(given, {name: right[name] for name in named}) for given, right in cases]
            check_formulas(use.table, cases)


@pytest.mark.docs       # a minute in all
def test_each_is_recognised_as_itself_with_its_own_sentence(uses):
    recognised = set()
    for use in uses:
        for wrong in use.table.mistakes:
            assert "\n" not in wrong.sentence and not wrong.sentence.split()[0].istitle()
            for args in use.table.cases():
                try:
                    use.check(wrong, args)
                except (ForwardError, GradientError) as error:
                    report = " ".join(str(error).split())
                    rest = report.replace(wrong.sentence, "")
                    assert not [other.sentence for other in use.table.mistakes if other.sentence in rest]
                    if rest != report:
                        recognised.add((use.table, wrong))
                        break
    assert recognised == {(use.table, wrong) for use in uses for wrong in use.table.mistakes}
