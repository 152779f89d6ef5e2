"""What the checker says of an edit of the right formula must be true, and of one edit alone."""

import ast
from copy import deepcopy
from warnings import catch_warnings

import numpy as np
import pytest
from cases import FORWARD, NAMES, RIGHT

from tinysegnet import ops
from tinysegnet.checker.edits import LONGEST, Formula, edited, equal
from tinysegnet.checker.finite_differences import upstream
from tinysegnet.checker.gradcheck import GradientError, check_backward
from tinysegnet.checker.mistakes import FORWARD_TABLES, TABLES
from tinysegnet.checker.mistakes.table import Table

ALL = TABLES | FORWARD_TABLES


def given(op, args):
    """What a known mistake of that op is given, and the library's results by their names."""
    if op in FORWARD_TABLES:
        results = ALL[op].forward(*args)
        return args, dict(zip(ALL[op].results, results if isinstance(results, tuple) else (results,)))
    y, *_, cache = FORWARD[op](*args)
    dy = upstream(np.asarray(y), seed=0)
    gradients = RIGHT[op](dy, cache)
    gradients = gradients if isinstance(gradients, tuple) else (gradients,)
    return (dy, *args), dict(zip([f"d{name}" for name in NAMES[op]], gradients))


def planted(formula, cases, name):
    """{what was edited: its answers to all cases}, of the edits that a learner could have made: that give a wrong and
    finite result, not zero everywhere."""
    found = {}
    for words, target, function in formula.edits(cases[0][0]):
        try:
            runs = [function(*deepcopy(args)) for args, _ in cases]
        except Exception:
            continue
        answers = [np.asarray(run.get(name.replace(" ", "_"))) for run in runs]
        right = [truth[name] for _, truth in cases]
        useful = all(a.dtype.kind in "biuf" and np.isfinite(a).all() and np.any(a) for a in answers)
        if useful and np.any(np.abs(runs[0][target]) > 1e-12) and not all(map(equal, answers, right)):
            words += "" if target == name.replace(" ", "_") or " = " in words else f", in {target}"
            assert words not in found, f"two edits are called {words!r}"
            found[words] = answers
    return found


def check_formulas(table, cases):
    """That each is right, each edit is recognised, and no other gives the same numbers. How many edits there are.

    cases  (what a known mistake is given, {name: the right result}), of each of the table's
    """
    count = 0
    with np.errstate(all="ignore"), catch_warnings(action="ignore"):
        for arguments, right in cases:
            for formula in table.formulas:
                values = formula.compiled()(*deepcopy(arguments))
                names = [name for name in right if name.replace(" ", "_") in formula.targets]
                assert names and all(equal(values[name.replace(" ", "_")], right[name]) for name in names)
        for name in cases[0][1]:
            edits = {}
            for formula in table.formulas:
                edits |= planted(formula, cases, name)
            count += len(edits)
            answers = list(edits.items())
            for i, (words, mine) in enumerate(answers):
                for others, theirs in answers[:i]:
                    assert not all(map(equal, mine, theirs)), f"{words!r} and {others!r} give the same {name}"
                at = iter(zip(cases, mine))

                def answer(args, at=at):
                    (arguments, _), result = next(at)
                    return arguments, result, None

                whole = f"yours is what  {words}  gives, one edit away from the right formula"
                part = f"your answer equals the right formula with one edit: {words}"
                assert edited(table, name, answer) == (whole if " = " in words else part)
    return count


@pytest.mark.parametrize("op", ALL)
def test_each_edit_is_recognised_and_no_other_gives_the_same_numbers(op):
    assert check_formulas(ALL[op], [given(op, args) for args in ALL[op].cases()]) >= 2


def table_of(function, *cases):
    table = Table("a page", lambda: [(case,) for case in cases], ["y"])
    table.formula(function)
    return table


def halved(x):
    y = x / 2
    return y


X = np.arange(1.0, 7).reshape(2, 3)


def said(answer, *cases):
    return edited(table_of(halved, *cases or (X, -X[:1])), "y", lambda args: (args, answer(*args), None))


def test_what_cannot_be_said_is_not_said():
    """Of a right answer, one that is zero, or infinite, or right in some cases and otherwise wrong in the others."""
    assert said(lambda x: x) == "yours is what  y = x  gives, one edit away from the right formula"
    assert said(halved) is None
    assert said(lambda x: x / 2 + 1e-3) is None
    assert said(lambda x: x if x.size > 3 else x + 1) is None
    with np.errstate(divide="ignore"):
        assert said(lambda x: x / 0) is None
    assert said(lambda x: x[..., None]) is None


def positive(x):
    y = np.maximum(x, 0)
    return y


def square_less_itself(x):
    z = x - 1
    y = x - z
    return y


def test_what_many_edits_give_is_not_said():
    """Where all of x is positive, some edits are right; and there is more than one way to zeros."""
    def of(formula, answer):
        return edited(table_of(formula, X), "y", lambda args: (args, answer(*args), None))

    assert [words for words, _, function in Formula(positive).edits((X,)) if np.array_equal(function(X)["y"], X)]
    assert of(positive, positive) is None
    assert [words for words, _, function in Formula(square_less_itself).edits((X,)) if not function(X)["y"].any()]
    assert of(square_less_itself, np.zeros_like) is None


def test_a_function_that_raises_on_these_sizes_and_one_of_another_forward():
    def raises(args):
        raise ValueError

    assert edited(table_of(halved, X), "y", raises) is None
    assert edited(table_of(halved, X), "y", lambda args: None) is None


def of_everything(x, w, b):
    n, z = 3 * len(x) // 2, x.copy()
    u = -(np.sqrt(x.sum(axis=0)) - b * (w[::-1, ::-1] @ z)[1:])
    v = np.where(x > 1, z[:, : n // 2], np.log(x))
    v = w.swapaxes(0, 1) * (b - n)
    u = -(b - n)
    return u, v


KINDS = (
    "b left out of b * (w[::-1, ::-1] @ z)[1:]", "x.sum(axis=1) in the place of x.sum(axis=0)",
    "np.sqrt left out of np.sqrt(x.sum(axis=0))",
    "x < 1 in the place of x > 1", "x.mean(axis=0) in the place of x.sum(axis=0)",
    "n // 2 + 1 in the place of n // 2", "2: in the place of 1:", ":-1 in the place of 1:", "v = w * (b - n)",
    "np.log left out of np.log(x)", "z.sum(axis=0) in the place of x.sum(axis=0)", "v = w.swapaxes(0, 1)",
    "v = w.swapaxes(0, 1) * b - n", "n - b in the place of b - n", "v = np.where(x > 1, np.log(x), z[:, :n // 2])",
    "w[:, ::-1].swapaxes(0, 1) in the place of w.swapaxes(0, 1)",
)


def test_the_kinds_of_edits():
    """Each is there, and afterwards the formula is what it was, also where not all were asked for."""
    formula, untouched = Formula(of_everything), ast.unparse(Formula(of_everything).definition)
    words = [words for words, _, _ in formula.edits((np.ones((2, 2)), np.ones((2, 2, 2)), np.ones(2)))]
    assert set(KINDS) <= set(words), set(KINDS) - set(words)
    assert all(len(each) <= 2 * LONGEST + 40 for each in words)
    assert ast.unparse(formula.definition) == untouched
    next(formula.edits((np.ones((2, 2)), np.ones((2, 2, 2)), np.ones(2))))
    assert ast.unparse(formula.definition) == untouched


def test_a_known_mistake_goes_before_an_edit():
    def relu_backward(dy, cache):
        return dy * ~cache

    with pytest.raises(GradientError, match="the mask is the wrong way round") as caught:
        check_backward(ops.relu, relu_backward, X - 3.5, names=("x",))
    assert "right formula" not in str(caught.value)
