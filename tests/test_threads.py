import os
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, current_thread, main_thread

import numpy as np
import pretend_gpu
import pytest
from test_training import WEIGHTS, start, street

from tinysegnet.support import threads
from tinysegnet.support.errors import InputError
from tinysegnet.training import loop as training


@pytest.fixture(params=[1, 2, 5])
def count(request, monkeypatch):
    with_threads(request.param, monkeypatch)
    return request.param


def with_threads(count, monkeypatch):
    pool = ThreadPoolExecutor(count)
    monkeypatch.setattr(threads, "workers", lambda: count)
    monkeypatch.setattr(threads, "pool", lambda: pool)


def test_a_training_step_has_the_same_bits_on_any_number_of_threads(monkeypatch):
    monkeypatch.setattr(threads, "BAND_BYTES", 20_000)         # several bands of each image
    images, labels = street(n=2, height=44, width=60)
    states = []
    for count in (1, 2, 5):
        with_threads(count, monkeypatch)
        state = start(width=8)
        training.train_step(*state, images, labels, WEIGHTS, 11, 0.1)
        states.append(state)
    for others in states[1:]:
        for ours, theirs in zip(others, states[0]):
            for name in theirs:
                np.testing.assert_array_equal(ours[name], theirs[name])


def test_results_come_in_the_order_of_the_items(count):
    def job(i):
        time.sleep(0.001 * (7 - i))
        return i * i

    assert threads.parallel_map(job, range(7)) == [i * i for i in range(7)]


def test_what_a_job_raises_is_raised_when_all_have_ended(count):
    done, all_here = [], Barrier(count)

    def job(i):
        if i < count:
            all_here.wait(10)
        if current_thread() is main_thread():
            raise ZeroDivisionError
        time.sleep(0.02)
        done.append(i)

    with pytest.raises(ZeroDivisionError):
        threads.parallel_map(job, range(100))
    assert len(done) < 20               # what was not begun is left
    before = len(done)
    time.sleep(0.05)
    assert len(done) == before


@pytest.mark.parametrize("others", [1, 4])
def test_what_another_thread_raises_is_raised(monkeypatch, others):
    with_threads(1 + others, monkeypatch)
    all_here = Barrier(1 + others)

    def job(i):
        all_here.wait(10)
        if current_thread() is not main_thread():
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        threads.parallel_map(job, range(1 + others))


def test_threads_are_as_silent_as_the_caller(count):
    all_here = Barrier(count)           # so that each thread has one

    def job(i):
        all_here.wait(10)
        return np.float32(3e38) * np.float32(3e38)

    with warnings.catch_warnings(), np.errstate(over="ignore"):
        warnings.simplefilter("error")
        assert threads.parallel_map(job, range(count)) == [np.inf] * count


@pytest.mark.parametrize("shape", [(2, 45, 6, 3), (1, 1, 1, 1), (3, 8, 500, 64)])
@pytest.mark.parametrize("band_bytes", [1, 10_000, 10**9])
def test_bands_cover_the_images_and_cut_no_window(monkeypatch, shape, band_bytes):
    monkeypatch.setattr(threads, "BAND_BYTES", band_bytes)
    seen = np.zeros(shape, np.float32)
    for images, rows in threads.bands(seen):
        assert rows.start % 2 == 0
        seen[images, rows] += 1
    assert (seen == 1).all()


def test_a_gpu_has_one_band():
    x = pretend_gpu.zeros((3, 400, 500, 64), "float32")
    (band,) = threads.bands(x)
    assert x[band].shape == x.shape


@pytest.mark.parametrize("asked", ["0", "many", "-1", "1.5"])
def test_what_is_no_number_of_threads_is_said(monkeypatch, asked):
    monkeypatch.setenv("TINYSEGNET_THREADS", asked)
    with pytest.raises(InputError, match=f"TINYSEGNET_THREADS should be a number of threads, such as 2, got '{asked}'"):
        threads.workers.__wrapped__()


@pytest.mark.parametrize("asked, count", [("3", 3), ("", None)])
def test_how_many_threads(monkeypatch, asked, count):
    monkeypatch.setenv("TINYSEGNET_THREADS", asked)
    of_the_machine = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    assert threads.workers.__wrapped__() == (count or of_the_machine)
