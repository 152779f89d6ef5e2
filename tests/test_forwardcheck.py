"""What check_forward says of right and of wrong forwards."""

import re

import numpy as np
import pytest

from tinysegnet import ops
from tinysegnet.checker.forwardcheck import ForwardError, check_forward
from tinysegnet.checker.mistakes import FORWARD_TABLES, conv

rng = np.random.default_rng(5)
TABLE = FORWARD_TABLES["max_pool"]
X, W, B = rng.standard_normal((2, 4, 5, 3)), rng.standard_normal((3, 3, 3, 2)), rng.standard_normal(2)


def report(learner, library=ops.conv2d, args=(X, W, B), **options):
    with pytest.raises(ForwardError) as caught:
        check_forward(learner, library, *args, **options)
    assert max(map(len, str(caught.value).splitlines())) <= 79
    return str(caught.value), caught.value.wrong


def test_the_library_agrees_with_itself():
    check_forward(ops.conv2d, ops.conv2d, X, W, B)
    check_forward(ops.max_pool, ops.max_pool, X, names=("x",), results=("y", "corners"))


def test_the_whole_report():
    def conv2d(x, w, b):
        return ops.conv2d(x, w[::-1, ::-1], b)

    text, wrong = report(conv2d)
    lines = text.splitlines()
    assert wrong == {"y"} and lines[0] == "conv2d disagrees with the library"
    assert lines[1].startswith("  y  80 of 80 entries wrong, worst at y[")
    assert "rotated by 180 degrees" in text and lines[-1] == "  read  tinysegnet/ops/conv.py"
    assert lines[-2] == "  case  x (2, 4, 5, 3)  w (3, 3, 3, 2)  b (2,)"


@pytest.mark.parametrize(
    "spoil, sentence",
    [
        (lambda y: y * 0, "it is zero everywhere"),
        (lambda y: y * 3, "it is 3 times what it should be, everywhere"),
        (lambda y: y + np.asarray(0.25, y.dtype), "it is 0.25 more than it should be, everywhere"),
        (lambda y: np.abs(y), "it is right but for the sign of some entries"),
        (lambda y: y.reshape(2, 5, 4, 2).swapaxes(1, 2), "its numbers are the right ones, in other places"),
        (lambda y: y.swapaxes(1, 2), "y  should have the shape (2, 4, 5, 2), has (2, 5, 4, 2)"),
        (lambda y: y.swapaxes(1, 2), "it is the right answer with its axes in the order (0, 2, 1, 3)"),
        (lambda y: np.where(y > 0, y, 0), "places, and right in the others: what should reach them?"),
        (lambda y: np.where(np.arange(2) == 1, y + 1, y).astype(y.dtype), "all that is wrong is in channel 1"),
        (lambda y: y + np.pad(np.zeros((2, 3)), 1, constant_values=1).astype(y.dtype)[None, :, :, None],
         "it is wrong only within 1 of the border"),
        (lambda y: y.astype(float), "y  should be float32 where the input is float32, is float64"),
        (lambda y: y / np.zeros((), y.dtype), "y  has NaN or infinite entries, 80 of 80, the first at [0, 0, 0, 0]"),
        (lambda y: None, "y  should be an array, is NoneType"),
        (lambda y: y + (1 if y.dtype == np.float32 else 0), "is right in float64 and not in float32"),
    ],
)
@pytest.mark.filterwarnings("ignore:divide by zero", "ignore:invalid value")
def test_what_is_seen(spoil, sentence):
    def conv2d(x, w, b):
        return spoil(ops.conv2d(x, w, b)[0]), None

    text, wrong = report(conv2d)
    assert sentence in " ".join(text.split()) or sentence in text
    assert wrong == {"y"}


def test_an_argument_that_is_changed():
    def relu(x):
        x[x < 0] = 0
        return x, None

    text, wrong = report(relu, ops.relu, (X,), names=("x",))
    assert wrong == {"x"} and "y  right" in text and "x  was changed in place: work on a copy" in text


def test_labels_that_are_changed():
    """In one dtype they must not be spoilt for the next."""
    def softmax_cross_entropy(logits, labels, class_weights, ignore):
        right = ops.softmax_cross_entropy(logits, labels.copy(), class_weights, ignore)
        labels[labels == ignore] = 0
        return right

    args = np.random.default_rng(0).standard_normal((1, 2, 3, 2)), np.array([[[0, 1, 2], [2, 1, 0]]]), np.ones(2), 2
    names = "logits", "labels", "class_weights"
    text, wrong = report(softmax_cross_entropy, ops.softmax_cross_entropy, args, names=names, results=("loss",))
    assert wrong == {"labels"} and "labels  was changed in place: work on a copy" in text and "loss    right" in text


def test_a_difference_is_shown_with_the_digits_that_it_takes():
    def relu(x):
        return ops.relu(x)[0] + np.float32(3e-8), None

    text, _ = report(relu, ops.relu, (np.array([[[[1.0, 2.0]]]]),), names=("x",))
    learner, library = re.findall(r"(?:yours|library) +([+-]\S+)", text)
    assert learner != library and "in other places" not in text


def test_each_result_has_its_own_verdict():
    def max_pool(x):
        y, corners = ops.max_pool(x)
        return y, 3 - corners

    text, wrong = report(max_pool, ops.max_pool, (X,), names=("x",), results=("y", "corners"))
    assert wrong == {"corners"} and "  y        right" in text


def test_too_few_results():
    text, wrong = report(lambda x: x, ops.max_pool, (X,), results=("y", "corners"))
    assert wrong == {"y", "corners"} and "should return y, corners: 2 arrays, not 1" in text


def test_a_forward_that_fails_on_other_sizes_is_not_compared_with_the_known_mistakes():
    def conv2d(x, w, b):
        if x.shape[0] != 2 or x.shape[2] != 5:
            raise RuntimeError("not this size")
        return ops.conv2d(x, w[::-1, ::-1], b)

    text = " ".join(report(conv2d)[0].split())
    assert "rotated" not in text
    assert "note with arrays of (2, 4, 6, 5), (3, 3, 5, 7), (7,) it fails: RuntimeError: not this size" in text


def test_of_a_wrong_answer_in_which_nothing_is_seen_nothing_is_said():
    def conv2d(x, w, b):
        return ops.conv2d(x, w + 0.1 * w * w, b)

    assert re.findall(r"(?m)^ +(\w+)  ", report(conv2d)[0]) == ["y", "yours", "library", "case", "read"]


def test_what_is_not_the_librarys_is_not_called_so():
    text, _ = report(lambda x: -x, lambda x: x, (X,), names=("x",))
    assert text.startswith("<lambda> disagrees with the right answer\n") and re.search(r"(?m)^ +right +[+-]\d", text)


def test_beside_a_known_mistake_of_one_result_nothing_is_guessed_of_the_others():
    """They may follow from it."""
    def with_mean_and_var(x, gamma, beta):
        y, (mean, var), _ = ops.batch_norm(x, gamma, beta)
        return y, mean, var

    def batch_norm(x, gamma, beta):
        y, mean, var = with_mean_and_var(x, gamma, beta)
        return (y - beta).astype(x.dtype), mean, 2 * var

    args = X, np.array([0.5, 1, 2]), np.array([1.0, 2, -1])
    names, results = ("x", "gamma", "beta"), ("y", "mean", "var")
    text, wrong = report(batch_norm, with_mean_and_var, args, names=names, results=results)
    assert wrong == {"y", "var"} and "mistake    the shift beta is left out" in text and " hint " not in text
    text, _ = report(batch_norm, with_mean_and_var, (*args[:2], 0 * args[2]), names=names, results=results)
    assert "var   3 of 3 entries wrong" in text and "hint       it is 2 times what it should be" in text


def test_zeros_that_are_right_show_nothing():
    """They would be, wherever the others are wrong."""
    first_row = (np.arange(4) == 0)[:, None, None]

    def squared_there(x):
        return np.where(first_row, x * x, x)

    for counted in first_row, np.ones_like(first_row):
        text, _ = report(lambda x, counted=counted: squared_there(x) * counted, lambda x, counted=counted: x * counted,
                         (X,), names=("x",), mistakes=conv.forward)
        assert ("all that is wrong is in row 0" in text) == counted.all()


def test_what_is_no_number_is_not_compared():
    text, _ = report(lambda x, w, b: np.full((*x.shape[:3], w.shape[3]), "0", object), mistakes=conv.forward)
    assert "should be float32 where the input is float32, is object" in text


def test_a_function_of_another_form_on_other_sizes_is_said_without_our_own_names():
    def pool_of_two(x):
        y, corners = ops.max_pool(x)
        return (y + 0.1 * y * y, corners) if x.shape == X.shape else y

    options = {"names": ("x",), "results": ("y", "corners"), "mistakes": TABLE}
    text = " ".join(report(pool_of_two, ops.max_pool, (X,), **options)[0].split())
    assert "it fails: pool_of_two should return y, corners: 2 arrays, not 1" in text and "Error" not in text


def test_a_known_mistake_is_named_whatever_the_dtype():
    """It does not hide the values, which are compared where the dtype is right."""
    text, _ = report(lambda x, w, b: (ops.conv2d(x, w[::-1, ::-1], b)[0].astype(float), None), mistakes=conv.forward)
    assert "should be float32 where the input is float32, is float64" in text and "rotated by 180 degrees" in text
    text, _ = report(lambda x, w, b: (2.0 * ops.conv2d(x, w, b)[0].astype(float), None))
    assert "is float64\n     80 of 80 entries wrong" in text and "it is 2 times what it should be" in text


def test_one_dtype_for_all_hides_no_wrong_values():
    """float32 results of float64 arguments, with values that neither dtype excuses."""
    text, _ = report(lambda x, w, b: ((2 * ops.conv2d(x, w, b)[0]).astype(np.float32), None))
    assert "should be float64 where the input is float64, is float32" in text
    assert "80 of 80 entries wrong" in text and "it is 2 times what it should be" in text
    text, _ = report(lambda x, w, b: (ops.conv2d(x, w, b)[0].astype(np.float32), None))
    assert "entries wrong" not in text
    text, _ = report(lambda x: x.astype(np.uint8), lambda x: np.int64(1) * (x > 0) + 300, (X,), names=("x",))
    assert "should be int64, is uint8\n     120 of 120 entries wrong" in text


def test_a_reason_is_given_once():
    text, wrong = report(lambda x: [-a for a in (x, 2 * x)], lambda x: [x, 2 * x], (X,), results=("y", "z"))
    assert wrong == {"y", "z"} and text.count("-1 times") == 1 and "hint       as for y" in text


def test_the_case_breaks_between_arguments():
    x = np.zeros((2, 3, 4, 5))
    with pytest.raises(ForwardError) as caught:
        check_forward(lambda *args: x + 1, lambda *args: x, *[x] * 7, names=[f"argument_{i}" for i in range(7)])
    rows = str(caught.value).splitlines()
    case = rows[next(i for i, row in enumerate(rows) if row.startswith("  case  ")) :]
    assert len(case) == 4 and all(len(row) <= 79 for row in case)
    assert all(row.count("(2, 3, 4, 5)") == row.count("argument_") for row in case)


@pytest.mark.parametrize("spoil", [
    lambda y: y.astype(float),
    lambda y: y + (1 if y.dtype == np.float32 else 0),
], ids=("another dtype", "other values"))
def test_the_arrays_of_what_is_wrong_in_float32_are_those_in_float32(spoil):
    with pytest.raises(ForwardError) as caught:
        check_forward(lambda x, w, b: spoil(ops.conv2d(x, w, b)[0]), ops.conv2d, X, W, B)
    yours, right = (caught.value.args[0].arrays[name] for name in ("y, yours", "y, right"))
    assert right.dtype == np.float32 and (yours.dtype != right.dtype or (yours != right).all())
