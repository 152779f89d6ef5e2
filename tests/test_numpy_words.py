"""What a learner is told of an exception: the sentence for what NumPy or Python really says."""

import math

import numpy as np
import pytest

from lessons.engine.numpy_words import MEANINGS, meaning
from lessons.engine.watch import TroubleError, watched

X, DY, COUNTS = np.ones((2, 4, 5, 3)), np.ones((2, 4, 5, 2)), np.zeros((2, 3), int)
ROWS, NONE, PAIR = np.ones((4, 3)), None, (1, 2)


def store(array, place, value):
    array = array.copy()
    array[place] = value


RAISING = [
    (lambda: X @ DY.T, "a @ b sums over the last axis of a and the last but one of b"),
    (lambda: np.dot(ROWS, ROWS), "both must have one size"),
    (lambda: X @ 3, "a single number multiplies by *"),
    (lambda: np.pad(X, ((1, 1), (1, 1))), "np.pad takes (before, after) for each axis"),
    (lambda: np.broadcast_to(ROWS, (3, 4)), "np.broadcast_to only repeats axes of size 1"),
    (lambda: ROWS - ROWS.max(axis=1), "keepdims=True"),
    (lambda: DY @ np.ones((3, 3, 3, 2)).swapaxes(2, 3), "w[i, j] picks one matrix"),
    (lambda: np.einsum("nhwc,nhwf->cf", X, DY[:, 1:]), "one letter stands for two sizes"),
    (lambda: np.einsum("nrqc,fc->nrqf", X, ROWS[:, :2]), "one letter stands for two sizes"),
    (lambda: store(X, np.s_[:], np.ones((2, 0, 0, 3))), "[p:-p], say, takes nothing where p is 0"),
    (lambda: store(ROWS, np.s_[:], np.ones((4, 10))), "does not have the sizes of the place on the left"),
    (lambda: store(ROWS, [0, 1], np.ones((3, 3))), "does not have"),
    (lambda: np.ones(3).__iadd__(ROWS), "the result has another shape than the array"),
    (lambda: np.ones((1, 1, 2)).__iadd__(np.ones((1, 0, 2))), "a slice, say, that takes nothing"),
    (lambda: [a for a, b in [(1, 2, 3)]], "more parts than names on the left"),
    (lambda: [a for a, b in [np.ones(1)]], "as many parts as its first axis is long"),
    (lambda: np.bincount(COUNTS), "takes one of a single axis, such as x.ravel()"),
    (lambda: np.bincount(np.ones(3)), "whole numbers are needed here"),
    (lambda: max(X, 0), "Python's max() and min() want one True or False"),
    (lambda: compile("y = 1\n".encode("utf-16"), "a.py", "exec"), "save it as UTF-8"),
    (lambda: X.reshape(2, 2, 2, 2, 2, 3), "keeps every number, so the new sizes must multiply to 120"),
    (lambda: X[0, 4], "axis 1 has the size 4, and its entries are numbered from 0: 4 is not among them"),
    (lambda: X.sum(axis=4), "the axes are numbered from 0, and their number here is 4: there is no axis 4"),
    (lambda: X[4 / 2], "of whole numbers a // b is one"),
    (lambda: X[: 4 / 2], "one whole number is needed here"),
    (lambda: range(np.arange(3)), "one whole number is needed here"),
    (lambda: np.zeros((4 / 2, 3)), "one whole number is needed here"),
    (lambda: np.broadcast_to(X, X.shape).__setitem__(0, 1), "x.copy(), may be changed"),
    (lambda: np.add(X, 1, out=np.broadcast_to(X, X.shape)), "may only be read"),
    (lambda: NONE.shape, "something here is None"),
    (lambda: NONE * X, "something here is None"),
    (lambda: PAIR.shape, "a, b = ... takes it apart"),
    (lambda: X.reshape[2], "is called with round brackets"),
    (lambda: X[np.ones((2, 5), bool)], "a mask picks from the first axes"),
    (lambda: COUNTS.__iadd__(0.5), "should be stored in, by += say, is int64: make that float64"),
    (lambda: np.zeros(3, np.uint8).__iadd__(np.ones(3, int)), ".astype(np.uint8) turns it into that"),
    (lambda: (X > 0) - (X > 1), "True and False cannot be subtracted"),
    (lambda: X.transpose(0, 1), "the number of every axis, each once"),
    (lambda: np.array([[1, 2], [3]]), "an array needs them all alike"),
    (lambda: store(np.ones(2), 0, ROWS), "there is room for one number"),
    (lambda: math.exp(ROWS), "one number is needed here"),
]


@pytest.mark.filterwarnings("ignore::SyntaxWarning")
@pytest.mark.parametrize("function, sentence", RAISING)
def test_an_exception_is_said_in_words(function, sentence):
    with pytest.raises(TroubleError) as caught:
        watched(function, __file__, "nowhere")()
    said = " ".join(str(caught.value).split())
    assert f"it means: {meaning(caught.value.__cause__, {})}" in said and sentence in said
    assert max(map(len, str(caught.value).splitlines())) <= 79 and said.isascii()


def test_each_meaning_is_met():
    met = set()
    for function, _ in RAISING:
        with pytest.raises(Exception) as caught:
            function()
        met.add(meaning(caught.value, {}))
    for _, sentence in MEANINGS:
        beginning = sentence.partition("{")[0]
        assert any(said.startswith(beginning) for said in met), sentence


@pytest.mark.parametrize("function", [
    lambda: np.ones(1)[1], lambda: np.ones(1).sum(axis=1), lambda: np.ones(1).reshape(2)
], ids=("index", "axis", "reshape"))
def test_of_one_thing_nothing_is_said_as_of_several(function):
    with pytest.raises((IndexError, ValueError)) as caught:
        function()
    said = meaning(caught.value, {})
    assert " 1" in said and not any(f" 1 {several}" in said for several in ("entries", "axes", "numbers"))


def test_of_other_exceptions_nothing_is_said():
    for error in ValueError("no"), KeyError("w"), ZeroDivisionError("division by zero"), RecursionError(), ValueError():
        assert meaning(error, {"x": X}) == ""


def test_an_assert_without_words():
    def stop():
        raise AssertionError

    with pytest.raises(TroubleError) as caught:
        watched(stop, __file__, "nowhere")()
    assert str(caught.value).startswith("  AssertionError\n  it means:  what this line asserts is not so\n")


def test_channels_that_were_padded_too_are_said():
    x = np.arange(48.0).reshape(2, 3, 4, 2)
    for padded in np.pad(x, 1), np.pad(x[1], 2):
        p = (padded.shape[-1] - 2) // 2
        sentence = f"padded is x with {p} more on either side in all axes, that of the channels too"
        assert meaning(ValueError("anything"), {"x": x, "padded": padded}).startswith(sentence)
        assert meaning(KeyError("anything"), {"x": x, "padded": padded}) == ""
    right = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    for other in right, right + 1, np.pad(x, 1) + 1, x:
        assert meaning(ValueError("anything"), {"x": x, "other": other}) == ""
