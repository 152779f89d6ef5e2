"""A sentence must be true: known mistakes are wrong, differ from one another, and are recognised as themselves."""

from itertools import combinations

import numpy as np
import pytest
from cases import ARGS, FORWARD, NAMES, RIGHT

from tinysegnet import ops
from tinysegnet.checker.diagnosis import equal
from tinysegnet.checker.finite_differences import upstream
from tinysegnet.checker.forwardcheck import ForwardError, check_forward
from tinysegnet.checker.gradcheck import GradientError, check_backward
from tinysegnet.checker.mistakes import FORWARD_TABLES, TABLES
from tinysegnet.checker.mistakes.batchnorm import EPS, normalised
from tinysegnet.checker.mistakes.table import Table
from tinysegnet.checker.report import report_row
from tinysegnet.ops.more import resize

pytestmark = pytest.mark.usefixtures("measured_once")
ALL = [(op, wrong) for op, table in TABLES.items() for wrong in table.mistakes]


def answers(op, args):
    """dy for these arguments, the right gradients, and those of each mistake."""
    y, *_, cache = FORWARD[op](*args)
    dy = upstream(y, seed=0)
    gradients = RIGHT[op](dy, cache)
    right = dict(zip([f"d{name}" for name in NAMES[op]], gradients if isinstance(gradients, tuple) else (gradients,)))
    return dy, right, [wrong(dy, *args) for wrong in TABLES[op].mistakes]


def apart(a, b):
    return a.shape != b.shape or np.abs(a - b).max() > 1e-3 * np.abs(b).max()


@pytest.mark.parametrize("op", TABLES)
def test_at_least_three_and_on_two_cases_of_different_sizes(op):
    table = TABLES[op]
    assert len(table.mistakes) >= 3
    shapes = [np.shape(args[0]) for args in table.cases()]
    assert all(len(set(shape)) == len(shape) == 4 for shape in shapes), "(N, H, W, C) of four different sizes"
    assert len(shapes) >= 2 and any(shape[1] % 2 for shape in shapes), "two cases, and one with an odd H"


@pytest.mark.parametrize("op", TABLES)
def test_every_mistake_is_wrong_and_every_pair_is_apart(op):
    for args in TABLES[op].cases():
        _, right, wrongs = answers(op, args)
        for mistake, wrong in zip(TABLES[op].mistakes, wrongs):
            assert wrong and wrong.keys() <= right.keys()
            for name, gradient in wrong.items():
                assert apart(gradient, right[name]), f"{mistake.__name__} gives the right {name}"
        for (a, first), (b, second) in combinations(zip(TABLES[op].mistakes, wrongs), 2):
            for name in first.keys() & second.keys():
                assert apart(first[name], second[name]), f"{a.__name__} and {b.__name__} give the same {name}"


def noting(op):
    """A list, and the forward of an op that notes there what it is given."""
    given = []

    def forward(*args):
        given.append(args)
        return FORWARD[op](*args)

    return given, forward


@pytest.mark.parametrize("op, wrong", ALL, ids=[f"{op}-{wrong.__name__}" for op, wrong in ALL])
def test_each_is_recognised_as_itself(op, wrong):
    """A backward that makes just this mistake gets just this sentence."""
    given, forward = noting(op)

    def backward(dy, cache):
        gradients = RIGHT[op](dy, cache)
        gradients = list(gradients) if isinstance(gradients, tuple) else [gradients]
        for name, gradient in wrong(dy, *given[-1]).items():
            gradients[NAMES[op].index(name[1:])] = gradient.astype(dy.dtype)
        return tuple(gradients)

    backward.__name__ = op
    with pytest.raises(GradientError) as caught:
        check_backward(forward, backward, *ARGS[op], names=NAMES[op])
    report = " ".join(str(caught.value).split())
    assert report.count(" mistake ") == 1
    assert wrong.sentence in report
    assert wrong.sentence[0].islower() and "\n" not in wrong.sentence


def test_what_lacks_in_the_cases_is_said(monkeypatch):
    for table, name in (FORWARD, "FORWARD"), (NAMES, "NAMES"), (ARGS, "ARGS"):
        with pytest.raises(AssertionError, match=rf"^gelu_backward has no entry in {name} of tests/cases\.py$"):
            table["gelu_backward"]
    with pytest.raises(AssertionError, match=r"^there is no function gelu_backward in tinysegnet/ops"):
        RIGHT["gelu_backward"]
    monkeypatch.setattr(resize, "gelu_backward", abs, raising=False)        # as in a file of ops/more/
    assert RIGHT["gelu_backward"] is abs and RIGHT["relu_backward"] is ops.relu_backward


@pytest.mark.parametrize(
    "op, dx",
    [
        ("relu_backward", lambda dy, x: np.maximum(dy, 0)),
        ("batch_norm_backward", lambda dy, x, gamma, beta: gamma / np.sqrt(x.var((0, 1, 2)) + EPS) * (
            dy - dy.mean((0, 1, 2)) - normalised(x) * dy.mean((0, 1, 2)) * normalised(x).mean((0, 1, 2)))),
    ],
)
def test_a_sentence_is_true_of_the_value_however_it_was_written(op, dx):
    """Of the first no mask is there; of the second the path through the variance is, though it comes to nothing."""
    given, forward = noting(op)

    def backward(dy, cache):
        gradients = RIGHT[op](dy, cache)
        wrong = dx(dy, *given[-1]).astype(dy.dtype)
        return (wrong, *gradients[1:]) if isinstance(gradients, tuple) else wrong

    backward.__name__ = op
    with pytest.raises(GradientError) as caught:
        check_backward(forward, backward, *ARGS[op], names=NAMES[op])
    report = " ".join(str(caught.value).split())
    assert "mistake dy passes where" in report or "mistake the path through the variance adds nothing" in report
    assert "mask" not in report


FORWARDS = [(op, wrong) for op, table in FORWARD_TABLES.items() for wrong in table.mistakes]


def results(table, args):
    """The right results by their names."""
    values = table.forward(*args)
    return dict(zip(table.results, values if isinstance(values, tuple) else (values,)))


def alike(a, b):
    """Whether the answers to all cases are the same, to 7 digits."""
    return all(np.shape(one) == np.shape(other) and equal(one, other) for one, other in zip(a, b))


def test_every_op_has_a_dozen_known_mistakes():
    for backward, table in TABLES.items():
        op = backward.removesuffix("_backward")
        assert op in FORWARD_TABLES, f"{backward} has a table, so {op} needs one in FORWARD_TABLES"
        assert len(table.mistakes) + len(FORWARD_TABLES[op].mistakes) >= 12, op


@pytest.mark.parametrize("op", FORWARD_TABLES)
def test_every_wrong_forward_is_wrong_and_every_pair_is_apart(op):
    table = FORWARD_TABLES[op]
    right = [results(table, args) for args in table.cases()]
    answers = {wrong.__name__: [wrong(*args) for args in table.cases()] for wrong in table.mistakes}
    for name, answer in answers.items():
        assert answer[0] and answer[0].keys() <= set(table.results)
        for result in answer[0]:
            assert not alike([of[result] for of in answer], [of[result] for of in right]), f"{name} is right"
    for (a, first), (b, second) in combinations(answers.items(), 2):
        for result in first[0].keys() & second[0].keys():
            assert not alike([of[result] for of in first], [of[result] for of in second]), f"{a} and {b} are alike"


@pytest.mark.parametrize("op, wrong", FORWARDS, ids=[f"{op}-{wrong.__name__}" for op, wrong in FORWARDS])
def test_each_wrong_forward_is_recognised_as_itself(op, wrong):
    table = FORWARD_TABLES[op]

    def forward(*args):
        right, answer = results(table, args), wrong(*args)
        kinds = {name: np.asarray(value).dtype for name, value in right.items()}
        return tuple(np.asarray(answer.get(name, right[name]), kinds[name]) for name in right)

    forward.__name__ = op
    for args in table.cases():
        try:
            check_forward(forward, table.forward, *args, results=table.results)
        except ForwardError as error:
            report = " ".join(str(error).split())
            break
    assert wrong.sentence in report
    assert report.count(" mistake ") == len(wrong(*args))
    assert wrong.sentence[0].islower() and "\n" not in wrong.sentence


def test_what_a_mistake_returns_fits_its_names():
    """One result, several, or some of a dict; too few are an error."""
    table = Table("a page", results=("y", "z"))
    assert table.mistake("both", "y", "z", both=lambda x: (x, x), too_few=lambda x: (x,)) is None
    table.mistake("one", "z")(lambda x: x)
    table.mistake("some", "z", of_dict=lambda x: {"y": x, "z": 2 * x})
    both, too_few, one, some = table.mistakes
    assert both(1) == {"y": 1, "z": 1} and one(1) == {"z": 1} and some(1) == {"z": 2}
    with pytest.raises(ValueError, match="shorter"):
        too_few(1)


def test_a_report_breaks_no_line_at_a_hyphen():
    """lessons.grade puts the lines of a sentence together again, with a blank between them."""
    row = report_row("y", f"mistake    {'that ' * 11}SegNet-Basic has none there", width=1, hanging=11)
    assert len(row) == 2 and not row[0].endswith("-")
