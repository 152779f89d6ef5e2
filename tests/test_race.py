"""The race of lesson 15: all that take part compute the same."""

import sys
from pathlib import Path

import numpy as np
import pytest

from lessons.engine import course
from tinysegnet import ops
from tinysegnet.ops import conv

race = course.load(course.LESSONS / "15_fast_convolution/race.py")


@pytest.fixture
def arrays():
    rng = np.random.default_rng(0)
    shapes = (1, 9, 12, 5), (7, 7, 5, 4), 4, (1, 9, 12, 4)
    return [rng.standard_normal(shape).astype(np.float32) for shape in shapes]


def test_all_give_the_same_gradients(arrays):
    learner = {
        "conv2d": conv.conv2d, "conv2d_backward": conv.conv2d_backward,
        "conv2d_by_tiles": lambda x, w, b, T: ops.conv2d(x, w, b), "conv2d_by_tiles_backward": ops.conv2d_backward,
    }
    entrants = race.entrants(*arrays, learner)
    assert {"im2col, yours", "tiles, yours", "im2col, the library's", "tiles, the library's"} <= set(entrants)
    dx, dw, db = entrants.pop("im2col, the library's")()
    for name, step in entrants.items():
        gradients = [np.asarray(gradient) for gradient in step()]
        if name.startswith("PyTorch"):
            gradients = [gradients[0].transpose(0, 2, 3, 1), gradients[1].transpose(2, 3, 1, 0), gradients[2]]
        for gradient, right in zip(gradients, (dx, dw, db)):
            np.testing.assert_allclose(gradient, right, rtol=0, atol=1e-4)


def test_the_loops_are_the_convolution(arrays):
    x, w, *_ = arrays
    y = race.six_loops(x[0].tolist(), w.tolist())           # of windows that lie inside
    right, _ = ops.conv2d(x, w, np.zeros(4, np.float32))
    np.testing.assert_allclose(y, right[0, 3:-3, 3:-3], atol=1e-4)


def test_the_times_are_medians_without_the_first_and_the_loops_are_reckoned(monkeypatch):
    taken = iter([9.0, 1.0, 2.0, 3.0, 0.004, 0.002, 0.003])        # one to warm up; three of the loops
    monkeypatch.setattr(race, "seconds", lambda step: next(taken))
    monkeypatch.setattr(race, "entrants", lambda *args: {"only": None})
    monkeypatch.setattr(race.time, "sleep", lambda seconds: None)
    times = race.race((30, 40), {})
    larger = 30 * 40 / (3 * 3) * (64 / 8) ** 2                          # than the corner, in multiplications
    assert list(times) == ["six loops", "only"] and times["only"] == 2.0
    assert times["six loops"] == pytest.approx(3 * 0.002 * larger)      # forward, dx and dw


@pytest.mark.parametrize("seconds, words", [
    (0.0123, "12 ms"), (0.9, "900 ms"), (1.0, "1.0 s"), (119, "119.0 s"), (120, "2.0 minutes"), (7200, "2.0 hours"),
])
def test_a_time_is_said_in_words(seconds, words):
    assert race.in_words(seconds) == words


def test_a_race_ends_in_a_chart(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(sys, "argv", ["race.py", "--size", "8x9"])
    monkeypatch.setattr(race, "CHANNELS", 8)
    monkeypatch.setattr(race.my_segnet, "finished_functions", dict)
    monkeypatch.setattr(course, "MINE", tmp_path / "mine")
    race.main()
    said = capsys.readouterr().out
    assert "reckoned from a corner" in said and max(map(len, said.splitlines()[:-1])) < 80
    assert Path(tmp_path / "mine/race.png").stat().st_size > 1000


def test_an_own_one_that_needs_too_much_memory_stays_out(arrays, monkeypatch, capsys):
    monkeypatch.setattr(race.my_segnet, "free_megabytes", lambda: 0.001)
    learner = {"conv2d": conv.conv2d, "conv2d_backward": conv.conv2d_backward}
    assert "im2col, yours" not in race.entrants(*arrays, learner) and "does not race" in capsys.readouterr().out
