"""How answers of every form are judged: the exercises of the course, with functions made here."""

import gc
import io
import pdb
import re
import sys
import threading
import time
from itertools import combinations

import every_exercise
import numpy as np
import planted_right
import planted_right_3
import pytest
from mutation import mutated

from lessons.engine import course, watch
from lessons.engine.exercises import DONE, TODO, WRONG, Exercise, alike, as_tuple, values
from lessons.engine.judging import duration
from lessons.engine.watch import TroubleError, watched
from tinysegnet import ops
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
    assert set(kinds.values()) == {WRONG} or list(kinds.values()) == [WRONG, DONE], (kinds, said)
    assert sentence in " ".join(said.split())


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
    named = every_exercise.by_name([("09_network", first), ("15_tape", second)])
    assert named == {"backward": first, "tape_backward": second}
    with pytest.raises(AssertionError, match="09_network and 21_mine both have an exercise backward: give one"):
        every_exercise.by_name([("09_network", first), ("21_mine", second)])


def test_what_is_no_exception_is_no_way_out():
    with pytest.raises(TroubleError, match="Skipped: not today"):
        watched(lambda: pytest.skip("not today"), __file__, "nowhere")()


def test_a_neighbour_of_the_library_is_nothing_borrowed(tmp_path):
    (tmp_path / "tinysegnet_old.py").write_text("def f():\n    return 1\n")
    function = watched(course.load(tmp_path / "tinysegnet_old.py").f, __file__, tmp_path / "tinysegnet")
    assert function() == 1 and not function.borrowed


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
            time.sleep(0.001)
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
