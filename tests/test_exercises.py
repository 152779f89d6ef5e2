"""How answers of every form are judged: the exercises of the course, with functions made here."""

import gc
import io
import pdb
import re
import signal
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations
from types import ModuleType

import every_exercise
import numpy as np
import planted_right
import planted_right_3
import pytest
from mutation import mutated, planted

from lessons.engine import course, failing, judging, slips, watch
from lessons.engine import planted as planted_bug
from lessons.engine.exercises import DONE, TODO, WRONG, Exercise, alike, as_tuple, values
from lessons.engine.judging import duration
from lessons.engine.watch import TroubleError, watched
from tinysegnet import ops
from tinysegnet.metrics.confusion import confusion_matrix
from tinysegnet.training import optim

EXERCISES = every_exercise.by_name()


def checked(name, function):
    """{part: kind}, and all that is said."""
    function.__name__ = name
    with np.errstate(all="ignore"):
        verdicts = EXERCISES[name].check(function)
    return {part: verdict.kind for part, verdict in verdicts.items()}, "\n".join(v.text for v in verdicts.values())


def test_gradients_in_another_order_are_said_only_if_each_is_right():
    def exchanged(dy, cache):
        dx, dw, db = ops.conv2d_backward(dy, cache)
        return dw, dx, db

    kinds, said = checked("conv2d_backward", exchanged)
    assert {*kinds.values()} == {WRONG}
    assert "conv2d_backward returns dw, dx, db, each of them right: return dx, dw, db" in said

    def nearly(dy, cache):
        dw, dx, db = exchanged(dy, cache)
        return dw * (1 + 1e-5), dx, db

    kinds, said = checked("conv2d_backward", nearly)
    assert kinds["dw"] == WRONG and "each of them right" not in said


def padded_back(dy, cache, need_dx=True):
    """Right, but that it cuts the border off by [p:-p], which leaves nothing where p is 0."""
    x, w = cache
    p = len(w) // 2
    whole, dw, db = ops.conv2d_backward(dy, cache)
    dx = np.zeros_like(x)
    for n in range(len(x)):
        padded = np.pad(whole[n], ((p, p), (p, p), (0, 0)))
        dx[n] = padded[p:-p, p:-p]
    return (dx if need_dx else None), dw, db


def test_what_raises_in_some_cases_counts_for_the_gradient_that_comes_from_it():
    kinds, said = checked("conv2d_backward", watched(padded_back, __file__, "nowhere"))
    assert kinds == {"dx": WRONG, "dw": DONE, "db": DONE}
    flat = " ".join(said.split())
    assert "fails in 1 of 7 cases, the first with x (2, 3, 2, 3), w (1, 1, 3, 3), b (3,), and is right in" in flat
    assert "such as x (2, 3, 4, 1), w (3, 3, 1, 1), b (1,): where w.shape[0] is 1?" in flat
    assert "  dw  right where it runs to the end\n  db  as for dw\n  ValueError: " in said
    assert "dx[n] = padded[p:-p, p:-p]" in said


def test_what_raises_and_what_is_wrong_stand_in_one_report():
    def conv2d_backward(dy, cache, need_dx=True):
        dx, dw, db = ops.conv2d_backward(dy, cache)
        doubled = 2 * dw
        moved = dx + np.zeros(len(cache[1]))[-2].astype(dx.dtype)
        return moved, doubled, db

    kinds, said = checked("conv2d_backward", watched(conv2d_backward, __file__, "nowhere"))
    assert kinds == {"dx": WRONG, "dw": WRONG, "db": DONE}
    flat = " ".join(said.split())
    assert "dx fails in 1 of 7 cases, the first with x (2, 3, 2, 3)" in flat and "hint it is 2 times what" in flat
    assert "db right where it runs to the end IndexError: index -2 is out of bounds" in flat
    assert "case x (2, 3, 4, 1) w (3, 3, 1, 1)" in flat


@pytest.mark.parametrize(
    "q9, sentence",
    [
        (lambda scores: scores.max(axis=2), "these are the highest scores themselves"),
        (lambda scores: scores.max(axis=2).astype(np.int64), "these are the highest scores themselves"),
        (lambda scores: scores.argmax(axis=0), "that is, in each column, the row with the highest score"),
    ],
)
def test_the_highest_score_and_the_wrong_axis_are_known_whatever_their_dtype_and_shape(q9, sentence):
    assert f"mistake {sentence}" in " ".join(checked("q9", q9)[1].split())


def test_beside_memory_that_was_never_written_the_others_are_judged():
    def conv1x1_backward(dy, cache):
        x, w = cache
        return 2 * (dy @ w.T), np.empty_like(w), dy.sum(axis=(0, 1, 2))

    kinds, said = checked("conv1x1_backward", watched(conv1x1_backward, __file__, "nowhere"))
    assert kinds == {"dx": WRONG, "dw": WRONG, "db": DONE}
    assert "it is 2 times what it should be" in said and "dw  right" not in said and "db  right" in said
    assert "dw has 6 entries from memory that was never written" in " ".join(said.split())


def test_odd_sizes_are_asked_about():
    def max_pool(x):
        N, H, W, C = x.shape
        four = x.reshape(N, H // 2, 2, W // 2, 2, C).swapaxes(2, 3).reshape(N, H // 2, W // 2, 4, C)
        return four.max(axis=3), four.argmax(axis=3).astype(np.uint8)

    kinds, said = checked("max_pool", watched(max_pool, __file__, "nowhere"))
    assert set(kinds.values()) == {WRONG} and "TroubleError" not in said
    assert "fails in 8 of 11 cases, the first with x (2, 5, 7, 6), and is right" in " ".join(said.split())
    assert said.count("where H or W is odd?") == said.count("corners  as for y\n") == 2        # one text, of both parts


def test_what_is_known_of_other_sizes_comes_without_our_own_names():
    """Wrong on the first case already; it fails on those of the table."""
    def q6(x):
        return x[:, 1::2, 1::2].copy() if len(x) == 1 else x.reshape(1, 2, 3)

    said = checked("q6", watched(q6, __file__, "nowhere"))[1]
    assert "with arrays of (2, 4, 6, 3) it fails: ValueError: cannot reshape" in " ".join(said.split())
    assert "TroubleError" not in said and "there:" not in said

    def q6_from(x):
        try:
            return q6(x)
        except ValueError as error:
            raise IndexError("one image alone") from error

    said = checked("q6", watched(q6_from, __file__, "nowhere"))[1]
    assert "it fails: IndexError: one image alone" in " ".join(said.split())


def test_what_never_comes_to_an_end_is_asked_once():
    calls = []

    def relu(x):
        calls.append(len(x))
        while len(x) == 2:
            pass
        return ops.relu(x)

    kinds, said = checked("relu", watched(relu, __file__, "nowhere", seconds=0.2))
    assert set(kinds.values()) == {WRONG} and calls.count(2) == 1
    assert "fails in 1 of 2 cases, the first with x (2, 4, 5, 3)" in said and "still running after 0.2 seconds" in said


def test_what_raises_in_the_first_case_is_said_first():
    """That it is also wrong in a case in which it happens to fit comes after it."""
    def conv1x1(x, w, b):
        y = x @ w.T + b
        return y, (x, w)

    kinds, said = checked("conv1x1", watched(conv1x1, __file__, "nowhere"))
    assert kinds == {"y": WRONG, "cache": DONE} and said.startswith("conv1x1 fails in some cases\n")
    flat = " ".join(said.split())
    assert "a @ b sums over the last axis of a" in flat
    assert "fails in 5 of 6 cases, the first with x (4, 1, 1, 3), w (3, 2), b (2,), and runs, but is not" in flat


def one_return(dy, a, b):
    c = dy * 2
    for k in (1, 2):
        c = c + k * a[7]
    np.add(c, 1)
    np.add(b, 1, out=b)
    d, e = np.multiply(b, 3), dy
    return c, d, e


def loop_over(dy, a, b):
    c = 0
    for k in range(int(a[7])):
        c += k
    return b, c, dy


def returns_whatever(dy, a, b):
    result = dy, a[7], b
    return result


def through_a_view(dy, a, b):
    c = np.zeros(2)
    inside = np.transpose(c[:1])
    inside += a[7]
    return c, b, inside + dy


def through_a_view_of_a_view(dy, a, b):
    c, d = np.zeros((2, 2)), b
    column = c.reshape(4, 1)
    e = column.T[0]
    e[0] = a[7]
    return dy, d, c


def through_a_loop_over_rows(dy, a, b):
    c, d = np.zeros((2, 2)), np.zeros(2)
    for _, (row, k) in enumerate(zip(c, dy)):
        row[...] = k * a[7]
    return d, b, c


def through_a_condition(dy, a, b):
    c, e = dy, b
    if a[7] > 0:
        c = 2 * dy
    return b, c, e


def through_the_end_of_a_loop(dy, a, b):
    c, d, e, k = 0, (m := a[7]), dy, 0
    while k < m:
        c, k = c + 1, k + 1
    return c, d, e


def through_how_often(dy, a, b):
    c, e = 0, dy
    m: int = a[7]
    for _ in range(m):
        c = c + 1
    return e, c, b


def through_an_end_before(dy, a, b):
    c, m = 0, a[7]
    for k in (1, 2):
        if k > m:
            break
        c = c + k
    return c, m, dy


def of_one_call(dy, a, b):
    c, d = divmod(b, 2)
    d = d * a[7]
    return c, d, dy


@pytest.mark.parametrize(
    "function, args, places",
    [
        (one_return, (1, np.zeros(3), np.zeros(2)), {0}),
        (one_return, (1, np.zeros(9), (0,)), {1}),
        (one_return, (1, np.zeros(9), None), {1}),
        (lambda dy, a, b: (dy, a[7], b), (1, np.zeros(3), 0), {0, 1, 2}),       # its source is no function
        (loop_over, (1, np.zeros(3), 0), {1}),
        (through_a_view, (1, np.zeros(3), 0), {0, 2}),
        (through_a_view_of_a_view, (1, np.zeros(3), 0), {2}),
        (through_a_loop_over_rows, ((1, 2), np.zeros(3), 0), {2}),
        (through_a_condition, (1, np.zeros(3), 0), {1}),
        (through_the_end_of_a_loop, (1, np.zeros(3), 0), {0, 1}),
        (through_how_often, (1, np.zeros(3), 0), {1}),
        (through_an_end_before, (1, np.zeros(3), 0), {0, 1, 2}),
        (of_one_call, (1, (1, 2), 0), {1}),
        (returns_whatever, (1, np.zeros(3), 0), {0, 1, 2}),
        (np.add, ("a", 1, None), {0, 1, 2}),
    ],
)
def test_from_which_line_each_result_comes(function, args, places):
    with pytest.raises(Exception) as caught:
        function(*args)
    assert failing.reached(function, caught.value, 3) == places


def test_the_place_in_a_return_line_counts():
    def function(dy, a, b):
        return dy, a[7] + a, b

    with pytest.raises(IndexError) as caught:
        function(1, np.zeros(3), 2)
    assert failing.reached(function, caught.value, 3) == {1}
    assert failing.reached(function, caught.value, 2) == {0, 1}         # another number of results was asked for


def test_what_the_failing_cases_have_in_common():
    x = {shape: np.zeros(shape) for shape in ((1, 2, 4, 1), (2, 4, 4, 1), (1, 3, 4, 1))}
    even_1, even_2, odd = ((a, 3) for a in x.values())
    assert failing.what_about(("x", "K"), [odd], [even_1, even_2]) == ": where H or W is odd?"
    assert failing.what_about(("x", "K"), [even_1, odd], [even_2]) == ": where x.shape[0] is 1?"
    assert failing.what_about(("x", "K", "b"), [even_1], [odd, even_2]) == ""
    whole, cut = (even_1[0], (1, 4, 8, 1)), (even_1[0], (1, 4, 7, 1))
    assert failing.what_about(("x", "shape"), [cut], [whole]) == ": where H or W is odd?"


def test_a_wrong_shape_in_one_case_counts_for_that_gradient_alone():
    def conv1x1_backward(dy, cache):
        x, w = cache
        dx, dw, db = dy @ w.T, np.einsum("nhwc,nhwf->cf", x, dy), dy.sum(axis=(0, 1, 2))
        return dx, (dw.T if len(x) == 3 else dw), db

    kinds, said = checked("conv1x1_backward", conv1x1_backward)
    assert kinds == {"dx": DONE, "dw": WRONG, "db": DONE}
    assert "dw  should have the shape of w, (1, 2), has (2, 1)" in said


def test_there_is_one_report_on_a_function_and_it_does_not_contradict_itself():
    """dx is wrong in the second case, and dw in the fifth."""
    def conv1x1_backward(dy, cache):
        x, w = cache
        dx, dw, db = dy @ w.T, np.einsum("nhwc,nhwf->cf", x, dy), dy.sum(axis=(0, 1, 2))
        return (dx if len(x) == 4 else dx + 1), (dw + 1 if len(x) == 3 else dw), db

    function = conv1x1_backward
    verdicts = EXERCISES["conv1x1_backward"].check(function)
    assert {part: verdict.kind for part, verdict in verdicts.items()} == {"dx": WRONG, "dw": WRONG, "db": DONE}
    [said] = {verdict.text for verdict in verdicts.values() if verdict.text}
    rows = said.splitlines()
    assert rows[1].startswith("  dx  3 of 3 entries wrong") and "  db  right" in rows
    assert "  case  x (1, 1, 1, 3)  w (3, 2)  b (2,)  dy from seed 0" in rows
    assert "      case       x (3, 4, 1, 1)  w (1, 2)  b (2,)  dy from seed 0" in rows[rows.index("  db  right") - 2 :]
    assert not re.search(r"(?m)^  d[xw]  right", said)
    arrays = said.arrays
    assert arrays["x"].shape == (1, 1, 1, 3) and arrays["x, of dw"].shape == (3, 4, 1, 1) and "x, of dx" not in arrays
    assert (arrays["dx, yours"] == arrays["dx, right"]).sum() == 0 and arrays["dx, yours"].shape == (1, 1, 1, 3)
    np.testing.assert_allclose(arrays["dw, yours"], arrays["dw, right"] + 1)
    np.testing.assert_allclose(np.einsum("nhwc,nhwf->cf", arrays["x, of dw"], arrays["dy, of dw"]), arrays["dw, right"])


@pytest.mark.parametrize("in_place", [True, False], ids=("an argument", "no array"))
def test_what_is_wrong_in_a_later_case_may_have_no_arrays(in_place):
    def conv1x1_backward(dy, cache):
        dx, dw, db = EXERCISES["conv1x1_backward"].answer(dy.copy(), cache)
        if in_place and len(dy) != 4:
            dy[:] = 0
        return 2 * dx, (dw if in_place or len(dy) == 4 else "none"), db

    said = EXERCISES["conv1x1_backward"].check(conv1x1_backward)["dx"].text
    assert "it is 2 times" in said and ("dy  was changed" in said if in_place else "should be an array, is str" in said)
    assert ("dw, yours" in said.arrays) == in_place


@pytest.mark.parametrize("name, part, place", [
    ("class_weights", 0, "class 3"), ("q10", 0, "axis 0, index 3"), ("conv1x1_backward", 2, "channel 3"),
    ("circular_convolution", 0, "axis 0, index 3"),
])
def test_a_place_is_called_what_it_is(name, part, place):
    def answer(*args):
        results = [*as_tuple(EXERCISES[name].answer(*args))]
        if len(results[part]) > 4:
            results[part] = results[part] + (np.arange(len(results[part])) == 3)
        return tuple(results) if len(results) > 1 else results[0]

    assert f"all that is wrong is in {place}\n" in checked(name, answer)[1]


def test_places_of_winograd_are_no_images():
    def transform_kernel(w):
        w_hat = EXERCISES["transform_kernel"].answer(w)
        w_hat[3, 1] += 1
        return w_hat

    assert "all that is wrong is in place down 3, place across 1\n" in checked("transform_kernel", transform_kernel)[1]


def test_what_a_small_case_does_not_show_the_largest_does():
    """Of one row that is forgotten nothing is left in the first case; in the second another row is right."""
    def q6(x):
        y = np.zeros((len(x), x.shape[1] // 2, x.shape[2] // 2, x.shape[3]), x.dtype)
        for r in range(len(y[0]) - 1):
            y[:, r] = x[:, 2 * r + 1, ::2]
        return y

    said = checked("q6", q6)[1]
    assert "zero everywhere" not in said and "6 of 6 entries wrong" in said
    assert "hint       all that is wrong is in row 1\n     case       x (2, 4, 6, 3)\n  case  x (1, 2, 4, 3)\n" in said


def test_corners_counted_from_0_for_the_second_get_no_hint_from_a_single_window():
    def max_unpool(x, corners, shape):
        y = np.zeros(shape, x.dtype)
        for k, view in enumerate((y[:, ::2, 1::2], y[:, 1::2, ::2], y[:, 1::2, 1::2])):
            _, h, w, _ = view.shape
            view[...] = (x * (corners == k))[:, :h, :w]
        return y

    assert " hint " not in checked("max_unpool", max_unpool)[1]


def test_an_answer_that_is_another_at_each_call_is_not_called_imprecise():
    seeds = iter(range(99))

    def relu(x):
        draw = np.random.default_rng(next(seeds)).random(x.shape)
        return (x * (draw > 2) + np.maximum(x, 0) + (0 if x.dtype == np.float64 else draw)).astype(x.dtype), x > 0

    said = checked("relu", relu)[1]
    assert "is another one if asked for again" in said and "digits" not in said


def loss_parts(*args):
    loss, (log_p, one_hot, weights) = ops.softmax_cross_entropy(*args)
    return loss, log_p, one_hot, weights


def with_another(*args):
    loss, cache = ops.softmax_cross_entropy(*args)
    return loss, (*cache, 1)


@pytest.mark.parametrize(
    "name, function, sentence",
    [
        ("relu_backward", lambda dy, cache: (dy * cache,), "dx should be an array, is tuple"),
        ("relu_backward", lambda dy, cache: (dy * cache).astype(object), "is object"),
        ("relu", lambda x: ([[1, 2], [3]], x > 0), "y should be an array, is list"),
        ("relu", lambda x: (np.ma.masked_less(x, 0).clip(0), x > 0), "y should be an array, is MaskedArray"),
        ("relu", lambda x: (ops.relu(x)[0], np.ma.array(x > 0)), "it should be bool (1, 1, 2, 2), and is Masked"),
        ("relu_backward", lambda dy, mask: np.ma.masked_array(7 * dy, ~mask), "dx should be an array, is MaskedArray"),
        ("relu_backward", lambda dy, cache: [[1, 2], [3]], "dx should be an array, is list"),
        ("relu_backward", lambda dy, cache: np.float64, "dx should be an array, is type"),
        ("conv1x1_backward", lambda dy, cache: ([[1, 2], [3]],) * 3, "dx should be an array, is list"),
        ("conv1x1_backward", lambda dy, cache: (dy[0, 0].view(np.matrix),) * 3, "dx should be an array, is matrix"),
        ("confusion_matrix", lambda *args: confusion_matrix(*args).view(np.matrix), "should be an array, is matrix"),
        ("cosine_rate", lambda lr, done, steps: 10**400, "is inf, in float64"),
        ("relu", lambda x: np.maximum(x, 0), "relu should return y, cache"),
        ("softmax", lambda logits: (ops.softmax(logits), "more"), "p should be an array, is tuple"),
        ("softmax_cross_entropy", loss_parts, "should return loss, (log_p, one_hot, weights)"),
        ("softmax_cross_entropy", lambda *args: ops.softmax_cross_entropy(*args)[0], "should return loss, (log_p,"),
        ("softmax_cross_entropy", with_another, "should return loss, (log_p, one_hot, weights)"),
        ("q10", lambda labels, classes: [np.sum(labels == k) for k in range(classes)], "y should be an array, is list"),
        ("conv1x1_backward", lambda dy, cache: dy.sum(axis=(0, 1, 2)), "should return dx, dw, db: 3 arrays, not 1"),
    ],
)
def test_an_answer_of_another_form_is_wrong(name, function, sentence):
    kinds, said = checked(name, function)
    assert set(kinds.values()) == {WRONG} or sorted(kinds.values()) == [DONE, WRONG], (kinds, said)
    assert sentence in " ".join(said.split())


def test_a_buffer_that_is_kept_is_right_only_once():
    kept = {}

    def conv1x1(x, w, b):
        y = kept.setdefault((x.shape, w.shape, x.dtype), np.zeros((*x.shape[:3], len(b)), x.dtype))
        y += x @ w + b
        return y, (x, w)

    kinds, said = checked("conv1x1", conv1x1)
    assert kinds == {"y": WRONG, "cache": DONE} and "y  is another one if asked for again" in said


def test_what_seterr_sets_counts_for_the_function_alone():
    def softmax(logits):
        p = ops.softmax(logits)
        np.seterr(all="raise")
        return p

    before = np.geterr()
    kinds, _ = checked("softmax", watched(softmax, __file__, "nowhere"))
    assert kinds == {"p": DONE} and np.geterr() == before


def test_each_gradient_has_a_verdict_of_its_own():
    def conv1x1_backward(dy, cache):
        x, w = cache
        dw = np.einsum("nhwc,nhwf->cf", x, dy) / len(x)
        return None, dw, dy.sum(axis=(0, 1, 2))

    kinds, said = checked("conv1x1_backward", conv1x1_backward)
    assert kinds == {"dx": TODO, "dw": WRONG, "db": DONE}
    assert "dw is divided by the number of images" in " ".join(said.split())
    assert re.search(r"(?m)^  dx +TODO$", said) and re.search(r"(?m)^  db +right$", said)


def test_a_result_that_is_still_to_do_is_not_called_right():
    kinds, said = checked("max_pool", lambda x: (x[:, ::2, ::2].copy(), None))
    assert kinds == {"y": WRONG, "corners": TODO} and re.search(r"(?m)^  corners +TODO$", said)


def test_none_in_some_cases_is_not_to_do():
    kinds, said = checked("relu_backward", lambda dy, cache: dy * cache if dy.size < 10 else None)
    assert kinds == {"dx": WRONG} and "dx is None in some cases and not in others: is a return missing?" in said


@pytest.mark.parametrize("threshold", [-1, -0.01, -1e-4, 1e-4, 0.01, 1])
def test_no_other_threshold_passes_for_0(threshold):
    assert checked("relu", lambda x: (np.maximum(x, 0), x > threshold))[0] == {"y": DONE, "cache": WRONG}
    assert checked("relu", lambda x: (np.where(x > threshold, x, 0), x > 0))[0] == {"y": WRONG, "cache": DONE}


@pytest.mark.parametrize(
    "answer, right, wrong",
    [
        ("class_weights", "pixels > 0", "pixels > 1"),
        ("class_average", "rows > 0", "rows > 1"),
        ("mean_iou", "union > 0", "union > 1"),
        ("leaky_relu_backward", "x > 0", "x > 0.1"),
        ("conv2d_stride2_backward", "(N, H + K, W + K, C)", "(N, W + K, W + K, C)"),
        ("conv_transpose2d", "2 * W + K", "2 * H + K"),
        ("draw_mask", ">= rate", "> rate"),
        ("boundary_f1", "if both > 0", "if both > 1"),
    ],
)
def test_what_differs_in_few_cases_is_rejected(answer, right, wrong):
    function = watched(mutated(getattr(planted_right_3, answer), right, wrong), __file__, "nowhere")
    try:
        kinds, _ = checked(answer, function)
    except TroubleError:
        return
    assert WRONG in kinds.values()


def test_a_sum_over_other_axes_has_not_even_the_right_shape():
    def conv1x1_backward(dy, cache):
        dx, dw, _ = planted_right.conv1x1_backward(dy, cache)
        return dx, dw, dy.sum(axis=axes)

    for axes in combinations(range(4), 3):
        kinds, said = checked("conv1x1_backward", conv1x1_backward)
        assert kinds["db"] == (DONE if axes == (0, 1, 2) else WRONG)
        assert axes == (0, 1, 2) or "db should have the shape of b, (2,), has" in " ".join(said.split())
    for axes in combinations(range(4), 2):
        kinds, said = checked("q1", lambda x, axes=axes: x.mean(axis=axes))
        assert kinds == {"y": DONE if axes == (1, 2) else WRONG}
        assert axes == (1, 2) or "y should have the shape (1, 3), has" in " ".join(said.split())


@pytest.mark.parametrize(
    "given",
    [
        lambda dw, db: (None, None, None),
        lambda dw, db: (None, dw, 2 * db),
        lambda dw, db: (None, dw / 2, db),
        lambda dw, db: (dw, db),
        lambda dw, db: 1 / 0,
    ],
)
def test_without_dx_the_others_must_be_there(given):
    def conv2d_backward(dy, cache, need_dx=True):
        dx, dw, db = ops.conv2d_backward(dy, cache)
        return (dx, dw, db) if need_dx else given(dw, db)

    learner = watched(conv2d_backward, __file__, "nowhere")
    kinds, said = checked("conv2d_backward", learner)
    assert kinds == {"dx": WRONG, "dw": DONE, "db": DONE} and "need_dx=False" in said


def by_key(params, grads, state, lr, momentum=0.9, weight_decay=0.0):
    """An SGD for a network of one w and one b."""
    state["w"] *= momentum
    state["w"] += lr * (grads["w"] + weight_decay * params["w"])
    state["b"] *= momentum
    state["b"] += lr * grads["b"]
    params["w"] -= state["w"]
    params["b"] -= state["b"]


def decaying(decays):
    """An SGD in which those decay for which decays(name, w)."""
    def sgd_step(params, grads, state, lr, momentum=0.9, weight_decay=0.0):
        for name, w in params.items():
            state[name] *= momentum
            state[name] += lr * (grads[name] + weight_decay * w * decays(name, w))
            w -= state[name]

    return sgd_step


@pytest.mark.parametrize("step, right", [
    (by_key, False), (decaying(lambda name, w: name == "w"), False), (decaying(lambda name, w: w.ndim > 2), False),
    (decaying(lambda name, w: w.ndim == 4), True),
], ids=["by key", "by name", "by more than two", "right"])
def test_a_step_is_for_parameters_of_any_name_and_form(step, right):
    try:
        kinds, _ = checked("sgd_step", watched(step, __file__, "nowhere"))
    except TroubleError as trouble:
        assert not right and "KeyError: 'w'" in str(trouble)
    else:
        assert (set(kinds.values()) == {DONE}) == right


@pytest.mark.parametrize("name, function", [
    ("global_accuracy", lambda counts: None if counts.sum() == 0 else np.trace(counts) / counts.sum()),
    ("global_accuracy", lambda counts: "none" if counts.sum() == 0 else np.trace(counts) / counts.sum()),
    ("numerical_gradient", lambda f, x: np.full(x.shape, None)),
    ("numerical_gradient", lambda f, x: x > 0),
])
def test_what_is_no_number_is_wrong_and_no_failure_of_the_judge(name, function):
    kinds, _ = checked(name, function)
    assert {*kinds.values()} == {WRONG}


def test_looks_that_are_all_kept_are_too_many():
    def mean_and_variance(looks):
        looks = np.array(list(looks))
        return looks.mean(axis=0), looks.var(axis=0)

    kinds, said = checked("mean_and_variance", watched(mean_and_variance, __file__, "nowhere"))
    assert {*kinds.values()} == {WRONG} and "MemoryError: the looks are all kept" in said


def test_a_mask_that_nobody_can_repeat_is_said_to_be_another():
    def draw_mask(rng, shape, rate, dtype):
        return ((np.random.random(shape) >= rate) / (1 - rate)).astype(dtype)

    for _ in range(20):         # of few entries two draws may be the same, and then it is called another mistake
        kinds, said = checked("draw_mask", draw_mask)
        assert {*kinds.values()} == {WRONG} and "is another one if asked for again" in said and "hint " not in said


def test_a_step_that_is_there_is_judged_whatever_it_returns():
    def sgd_step(*args):
        optim.sgd_step(*args)
        return NotImplemented

    assert set(checked("sgd_step", sgd_step)[0].values()) == {DONE}
    assert set(checked("sgd_step", lambda *args: NotImplemented)[0].values()) == {TODO}


def test_what_is_right_on_the_cases_of_a_table_is_no_mistake_of_it():
    right = EXERCISES["numerical_gradient"].answer

    def numerical_gradient(f, x):
        return right(f, x) if x.ndim else np.zeros(())

    kinds, said = checked("numerical_gradient", numerical_gradient)
    assert kinds == {"gradient": WRONG} and "mistake" not in said


@pytest.mark.parametrize("name, right, wrong, sentence", [
    ("mean_iou", "union > 0", "counts.sum(axis=0) > 0", "never predicted is left out"),
    ("adam_step", "w.ndim == 4", "w.ndim > 1", "fewer than four dimensions decay too"),
    ("dice_loss_backward", "(labels[..., None] == np.arange(classes)) & labelled",
     "labels[..., None] == np.arange(classes)", "where `ignore` is the number of a class"),
])
def test_what_shows_only_in_a_rare_case_is_wrong_and_named(name, right, wrong, sentence):
    *_, function = planted(planted_right_3, name, "", "", right, wrong)
    kinds, said = checked(name, function)
    assert WRONG in kinds.values() and sentence in " ".join(said.split())


def test_a_forgotten_velocity_is_told_nothing_untrue():
    def sgd_step(params, grads, velocity, lr, momentum, weight_decay):
        for name, w in params.items():
            velocity[name][...] = lr * (grads[name] + weight_decay * w * (w.ndim == 4))
            w -= velocity[name]

    said = " ".join(checked("sgd_step", sgd_step)[1].split())
    assert "the old velocity is forgotten" in said and "it should move by v" not in said


CACHE = np.ones(2), 3, 0.5, None, "same", True, {"eps": np.float32(1e-5), "nan": np.nan}, [np.array([np.nan])]


@pytest.mark.parametrize(
    "i, other",
    [(0, [1.0, 1.0]), (0, np.ones(2, np.float32)), (0, np.ones(3)), (1, 3.0), (1, 4), (2, 0.25), (2, "0.5"),
     (2, np.nan), (3, 0), (4, "full"), (4, np.array(["same"])), (5, False), (5, 1), (6, {"eps": np.float32(1e-5)}),
     (6, [1e-5]), (6, {"eps": np.float32(1e-5), "nan": 0.0}), (7, [np.array([1.0])]), (7, [])],
)
def test_caches_are_alike_or_not(i, other):
    equal = [np.ones(2), np.int64(3), np.array(0.5), None, "same", np.True_, CACHE[6] | {"nan": float("nan")}, CACHE[7]]
    assert alike(equal, CACHE) and alike(CACHE, CACHE) and not alike(CACHE[:-1], CACHE)
    assert not alike((*CACHE[:i], other, *CACHE[i + 1 :]), CACHE)


def test_what_the_author_of_an_exercise_has_done_wrong_is_no_learners_fault():
    def scaled(x):
        return 2 * x, slice(1)

    x = np.ones((1, 2, 2, 1))
    with pytest.raises(ValueError, match="a cache that holds a slice cannot be compared: let it hold arrays, numbers,"):
        values(scaled, (x,), names=("x",), cache=True)(scaled)
    few = r"values of scaled: the library's answer has 2 results, not 1 \(y\): say cache=True if the last is the cache"
    with pytest.raises(ValueError, match=few):
        values(scaled, (x,), names=("x",))(scaled)
    with pytest.raises(ValueError, match=r"has 2 results, not 3 \(y, z, cache\): name them in results"):
        values(scaled, (x,), names=("x",), results=("y", "z"), cache=True)(lambda x: None)


def test_two_exercises_of_one_name_are_told_apart_or_refused():
    first, second = (Exercise("backward", check, abs, (), "", "", tuple) for check in (abs, as_tuple))
    named = every_exercise.by_name([("09_network", first), ("17_tape", second)])
    assert named == {"backward": first, "tape_backward": second}
    with pytest.raises(AssertionError, match="09_network and 99_mine both have an exercise backward: give one"):
        every_exercise.by_name([("09_network", first), ("99_mine", second)])


def test_what_is_no_exception_is_no_way_out():
    with pytest.raises(TroubleError, match="Skipped: not today"):
        watched(lambda: pytest.skip("not today"), __file__, "nowhere")()


def test_a_neighbour_of_the_library_is_nothing_borrowed(tmp_path):
    (tmp_path / "tinysegnet_old.py").write_text("def f():\n    return 1\n")
    function = watched(course.load(tmp_path / "tinysegnet_old.py").f, __file__, tmp_path / "tinysegnet")
    assert function() == 1 and not function.borrowed


def test_what_the_judge_itself_calls_is_nothing_borrowed():
    """Lesson 12 forbids the engine, which planted its bugs: whoever asks it has not found them."""
    function = watched(lambda: 1, __file__, course.LESSONS / "engine")
    assert function() == 1 and not function.borrowed
    function = watched(lambda: planted_bug.culprit("A"), __file__, course.LESSONS / "engine")
    assert function() and function.borrowed == {"tinysegnet"}


def test_what_the_checker_has_left_behind_is_nothing_borrowed(tmp_path):
    """A generator of the library's that was not read to its end is cleared away at any time, and runs for that."""
    (tmp_path / "left.py").write_text("def numbers():\n    yield 1\n    yield 2\ndef begun():\n    return numbers()\n")
    left = course.load(tmp_path / "left.py")

    def leave():
        circle = [left.numbers()]
        circle.append(circle)
        next(circle[0])

    def learner():
        gc.collect()

    gc.disable()
    try:
        leave()
        function = watched(learner, __file__, tmp_path)
        function()
    finally:
        gc.enable()
    assert not function.borrowed
    function = watched(lambda: [*left.begun()], __file__, tmp_path)
    assert function() == [1, 2] and function.borrowed == {"tinysegnet"}


def test_only_what_computes_runs_for_too_long(monkeypatch):
    """A machine that is busy with something else makes nobody's loop endless; what waits for ever is cut in the end."""
    def wait(seconds):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            time.sleep(0.01)
        return "done"

    def compute():
        until = time.process_time() + 99
        while time.process_time() < until:
            pass

    assert watched(wait, __file__, "nowhere", seconds=0.1)(0.5) == "done"
    with pytest.raises(TroubleError, match=r"still running after 0\.1 seconds"):
        watched(compute, __file__, "nowhere", seconds=0.1)()
    monkeypatch.setattr(watch, "PATIENCE", 0.2)
    with pytest.raises(TroubleError, match=r"has waited for 0\.2 seconds: what for\?"):
        watched(wait, __file__, "nowhere", seconds=0.1)(99)
    began = time.monotonic()
    monkeypatch.setattr(time, "process_time", lambda: (time.monotonic() - began) / 4)       # the machine is busy
    with pytest.raises(TroubleError, match=r"still running after 0\.2 seconds: is there a loop without an end\?"):
        watched(endless, __file__, "nowhere", seconds=0.1)()


@pytest.mark.skipif(not watch.SIGNAL, reason="such signals are of Unix")
@pytest.mark.parametrize("wait", [lambda: time.sleep(99), lambda: threading.Event().wait(99)])
def test_what_sleeps_or_waits_is_woken(monkeypatch, wait):
    monkeypatch.setattr(watch, "PATIENCE", 0.2)
    before, start = signal.getsignal(watch.SIGNAL), time.monotonic()
    with pytest.raises(TroubleError, match=r"has waited for 0\.2 seconds: what for\?"):
        watched(wait, __file__, "nowhere", seconds=5)()
    assert time.monotonic() - start < 60 and signal.getsignal(watch.SIGNAL) == before


def test_what_a_thread_borrows_is_borrowed():
    def relu(x):
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(ops.relu, x).result()

    before = threading.getprofile()
    function = watched(relu, __file__, course.LIBRARY)
    function(np.ones(3))
    assert function.borrowed == {"tinysegnet"} and threading.getprofile() == before


def test_a_ufunc_of_another_library_is_borrowed(monkeypatch):
    """Nobody hears that it is called. By the function itself, by a helper, and by its module."""
    theirs, own = np.frompyfunc(lambda x: x, 1, 1), np.frompyfunc(lambda x: -x, 1, 1)
    module = ModuleType("scipy.special")
    vars(module).update({theirs.__name__: theirs, "expit": theirs})
    monkeypatch.setitem(sys.modules, "scipy.special", module)

    def lenders(line, **names):
        space = {"np": np} | names
        exec(f"def helper(z):\n    return {line}\ndef sigmoid(z):\n    return helper(z)", space)
        return {*map(frozenset, (slips.lenders_of_ufuncs(space[name], watch.OTHERS) for name in ("helper", "sigmoid")))}

    assert lenders("expit(z)", expit=theirs) == lenders("special.expit(z)", special=module) == {frozenset(["scipy"])}
    assert lenders("np.exp(z)") == lenders("mine(z)", mine=own) == {frozenset()}


def test_a_return_in_a_function_inside_is_not_its_own():
    def forgotten(x):
        def inner(i):
            return x[i]

        inner(0)

    def given(x):
        def inner(i):
            x[i] = 0

        inner(0)
        return x

    assert judging.returns_nothing(forgotten) and not judging.returns_nothing(given)


def test_a_bare_except_is_no_way_on():
    """It may catch the end that was thrown, and once more."""
    def stubborn():
        while True:
            try:
                sum(range(100))
            except:  # noqa: E722
                pass

    with pytest.raises(TroubleError, match=r"still running after 0\.1 seconds: is there a loop without an end\?"):
        watched(stubborn, __file__, "nowhere", seconds=0.1)()
    assert watched(lambda: "done", __file__, "nowhere", seconds=0.1)() == "done"


class Typed:
    """What somebody types to a debugger, after half a second of thought each."""

    def __init__(self, *commands):
        self.commands = [*commands]

    def readline(self):
        time.sleep(0.5)
        return f"{self.commands.pop(0)}\n"


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(watch, "LOOK", 0.05)
    monkeypatch.setattr(watch, "PATIENCE", 0.2)
    monkeypatch.setattr(watch, "DEBUGGED", threading.Event())


def debugged(*commands, then=lambda: "done"):
    """A function that somebody stops in, and does that before it goes on."""
    def function():
        pdb.Pdb(stdin=Typed(*commands), stdout=io.StringIO(), nosigint=True, readrc=False).set_trace()
        return then()

    return watched(function, __file__, "nowhere", seconds=0.1)


def endless():
    while True:
        pass


def test_no_clock_runs_while_a_debugger_is_at_work(impatient):
    assert debugged("p 1", "n", "c")() == "done" and watch.DEBUGGED.is_set()
    with pytest.raises(TroubleError, match=r"still running|has waited"):
        debugged("c", then=endless)()


def test_no_clock_runs_where_everything_is_traced(impatient):
    """As by the debugger of an editor."""
    before = sys.gettrace()
    sys.settrace(lambda *_: None)
    try:
        watched(time.sleep, __file__, "nowhere", seconds=0.1)(0.5)
    finally:
        sys.settrace(before)
    assert watch.DEBUGGED.is_set()
    with pytest.raises(TroubleError, match="has waited"):
        watched(time.sleep, __file__, "nowhere", seconds=0.1)(0.5)


@pytest.mark.skipif(not hasattr(sys, "monitoring"), reason="sys.monitoring is of Python 3.12")
def test_no_clock_runs_where_a_debugger_monitors(impatient):
    sys.monitoring.use_tool_id(sys.monitoring.DEBUGGER_ID, "a debugger")
    try:
        watched(time.sleep, __file__, "nowhere", seconds=0.1)(0.5)
    finally:
        sys.monitoring.free_tool_id(sys.monitoring.DEBUGGER_ID)
    assert watch.DEBUGGED.is_set()


def test_whoever_leaves_a_debugger_leaves_the_judging(impatient):
    with pytest.raises(KeyboardInterrupt):
        debugged("q")()


@pytest.mark.parametrize(
    "time, words", [(0.12345, "0.123 ms"), (12.34, "12.3 ms"), (999.4, "999 ms"), (999.6, "1 s"), (1450, "1.45 s")]
)
def test_a_time_has_three_digits(time, words):
    assert duration(time) == words
