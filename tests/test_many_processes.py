"""Lesson 24: the ring of its page, what is drawn of it, and the figures that stand in its sentences."""

import queue
import re
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from lessons.engine import course
from tinysegnet import ops
from tinysegnet.ops import fast
from tinysegnet.training import parallel

LESSON = course.LESSONS / "24_many_processes"
ring = course.beside(LESSON / "ring.py", "ring")
draw = course.load(LESSON / "figures" / "draw.py")
PAGE = " ".join((LESSON / "README.md").read_text(encoding="utf-8").split())


@pytest.mark.parametrize("R", [1, 2, 3, 5, 8])
@pytest.mark.parametrize("shape", [(), (1,), (7,), (16,), (3, 4, 5)])
def test_every_rank_gets_the_sum(R, shape):
    """Also of fewer numbers than there are ranks, and what is given stays as it is."""
    given = np.random.default_rng(R).integers(-99, 99, (R, *shape))
    before = given.copy()
    for total in ring.on_ranks(R, lambda rank: rank.sum(given[rank.rank])):
        np.testing.assert_array_equal(total, before.sum(axis=0))
        assert total.shape == shape and total.dtype == given.dtype
    np.testing.assert_array_equal(given, before)


def test_every_rank_gets_what_all_have():
    for rows in ring.on_ranks(3, lambda rank: rank.gather(np.float32([rank.rank, -0.5]))):
        np.testing.assert_array_equal(rows, [[0, -0.5], [1, -0.5], [2, -0.5]])
        assert rows[0].dtype == np.float32


def test_a_part_grows_by_a_rank_each_turn_and_is_then_passed_on():
    """Part k is that of rank k at first, is whole on the rank before k, and goes round from there."""
    R, has = draw.R, draw.trace()
    assert len(has) == 2 * (R - 1) + 1
    for part in range(R):
        for turn in range(1, R):
            in_it = sum(2 ** ((part + i) % R) for i in range(turn + 1))
            assert has[turn, (part + turn) % R, part] == in_it
        for turn in range(R - 1, 2 * R - 1):
            whole = {rank for rank in range(R) if has[turn, rank, part] == 2**R - 1}
            assert whole == {(part - 1 + i) % R for i in range(turn - R + 2)}


def test_a_rank_sends_to_its_right_and_less_than_two_arrays():
    """As question 1 and the sentence on the ring say."""
    sent = [[] for _ in range(7)]

    class Counting(queue.SimpleQueue):
        def __init__(self, rank):
            self.left = (rank - 1) % 7

        def put(self, part):
            sent[self.left].append(part.size)
            super().put(part)

    queues = [Counting(rank) for rank in range(7)]
    ranks = [ring.Rank(rank, queues) for rank in range(7)]
    with ThreadPoolExecutor(7) as threads:
        list(threads.map(lambda rank: rank.sum(np.zeros(700)), ranks))
    assert sent == [[100] * 12] * 7
    assert "12 turns, with 100 numbers in each: 1,200. Rank 0, in the simple way, would send 4,200" in PAGE
    assert 12 * 100 == 2 * (7 - 1) / 7 * 700 and 6 * 700 == 4200


@pytest.mark.parametrize("R", [2, 3, 5])
def test_the_library_trains_on_a_ring(R):
    """Its batch norm and its loss by Ranks of threads: those of the whole batch."""
    rng = np.random.default_rng(0)
    x, dy = rng.normal(2, 3, (2, 5, 4, 3, 2))
    gamma, beta, labels = rng.normal(1, 1, 2), rng.normal(0, 1, 2), rng.integers(0, 3, (5, 4, 3))       # 2 is void

    def of_one(rank):
        of_all = parallel.operations(fast.ops_with(), rank)
        y, _, cache = of_all.batch_norm(rank.share(x), gamma, beta)
        loss, _ = of_all.softmax_cross_entropy(rank.share(x), rank.share(labels), np.ones(2), 2)
        return y, of_all.batch_norm_backward(rank.share(dy), cache)[0], loss

    y, _, cache = ops.batch_norm(x, gamma, beta)
    results = ring.on_ranks(R, of_one)
    for got, expected in zip(zip(*results), (y, ops.batch_norm_backward(dy, cache)[0])):
        np.testing.assert_allclose(np.concatenate(got), expected, atol=1e-12)
    loss, _ = ops.softmax_cross_entropy(x, labels, np.ones(2), 2)
    assert [float(result[2]) for result in results] == pytest.approx([float(loss)] * R, rel=1e-12)


def test_the_numbers_in_the_sentences():
    """Those that no example prints."""
    x = np.array([1, 7, 7, 9])
    halves = x.reshape(2, 2)
    means, variances = halves.mean(axis=1), halves.var(axis=1)
    assert (x.mean(), x.var(), *means, *variances) == (6, 9, 4, 8, 9, 1)
    assert "The mean of the four is 6, and their variance 9." in PAGE
    assert variances.mean() == 5 and "(9 + 1) / 2 = 5" in PAGE
    assert ((means - 6) ** 2).tolist() == [4, 4] and "(4 - 6)² = (8 - 6)² = 4, and 5 + 4 = 9" in PAGE
    assert (9 * 1 + 4) / 10 == 1.3 and "(9 · 1 + 4) / 10 = 1.3" in PAGE
    assert -np.log(1 / 16) == pytest.approx(4 * np.log(2)) and "a loss of 4 log 2" in PAGE
    weights = re.search(r"pushes with a weight of 1/(\d+), and should with 1/(\d+)", PAGE).groups()
    logits, labels = np.zeros((2, 3, 3, 2)), np.zeros((2, 3, 3), int)
    labels[1].flat[1:] = 255

    def push(some):
        loss, cache = ops.softmax_cross_entropy(logits[some], labels[some], np.ones(2), 255)
        return ops.softmax_cross_entropy_backward(np.ones_like(loss), cache)[-1, 0, 0, 1]

    assert push([1]) / 2 / push([0, 1]) == int(weights[1]) / int(weights[0])
    road, car = 149 / 150, 50 / 51
    assert f"{100 * (road + car) / 2:.2f}" == "98.69" and "149 / 150" in PAGE and "50 / 51" in PAGE
    assert (99 / 100 + 0) / 2 * 50 + 50 == 74.75 and "74.75 %" in PAGE


@pytest.mark.parametrize("R", [2, 3, 4])
def test_a_part_is_added_up_beginning_with_its_own_rank(R):
    a = np.random.default_rng(1).standard_normal((R, 10 * R)).astype(np.float32)
    total = ring.on_ranks(R, lambda rank: rank.sum(a[rank.rank]))[0]
    for k, parts in enumerate(np.split(a, R, axis=1)):
        expected = parts[k]
        for i in range(1, R):
            expected = expected + parts[(k + i) % R]
        np.testing.assert_array_equal(np.split(total, R)[k], expected)
