import os
import subprocess
import sys
import time
import warnings
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier, Event, Thread, current_thread, main_thread

import numpy as np
import pretend_gpu
import pytest
from test_training import begun, sgd, step, street
from threadpoolctl import OpenBLASController, threadpool_info, threadpool_limits

from tinysegnet.ops.fast import conv_fft, winograd
from tinysegnet.support import threads
from tinysegnet.support.errors import InputError


@pytest.fixture(params=[1, 2, 5])
def count(request, monkeypatch):
    with_threads(request.param, monkeypatch)
    return request.param


def with_threads(count, monkeypatch):
    pool = ThreadPoolExecutor(count)
    monkeypatch.setattr(threads, "workers", lambda: count)
    monkeypatch.setattr(threads, "pool", lambda: pool)


@pytest.mark.parametrize(
    "network, filters, way, layers", [("segnet-basic", 8, conv_fft, 4), ("segnet", 32, winograd, 4)]
)
def test_a_training_step_has_the_same_bits_on_any_number_of_threads(monkeypatch, network, filters, way, layers):
    monkeypatch.setattr(threads, "BAND_BYTES", 20_000)         # several bands of each image,
    monkeypatch.setattr(way, "GROUP_BYTES", 50_000)            # and several groups of tiles
    images, labels = street(n=2, height=44, width=60)
    calls, states = Counter(), []
    for name in ("conv2d", "correlate"):
        monkeypatch.setattr(way, name, counted(getattr(way, name), calls))
    for count in (1, 2, 5):
        with_threads(count, monkeypatch)
        model = begun(network, filters=filters)
        optimiser = sgd(model)
        step(model, optimiser, images, labels)
        states.append((model.params, model.stats, optimiser.state))
    for others in states[1:]:
        for actual, expected in zip(others, states[0]):
            for name in expected:
                np.testing.assert_array_equal(actual[name], expected[name])
    assert calls["conv2d"] >= 3 * layers and calls["correlate"] > 2 * calls["conv2d"], "an image is no longer cut"


def counted(function, calls):
    def call(*args):
        calls[function.__name__] += 1
        return function(*args)

    return call


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
    assert len(done) < 90               # what was not begun is left
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
    for images, rows in threads.row_bands(seen):
        assert rows.start % 2 == 0
        seen[images, rows] += 1
    assert (seen == 1).all()


def test_a_gpu_has_one_band():
    x = pretend_gpu.zeros((3, 400, 500, 64), "float32")
    (band,) = threads.row_bands(x)
    assert x[band].shape == x.shape


@pytest.mark.parametrize("asked", ["0", "many", "-1", "1.5", "9" * 5000])
def test_what_is_no_number_of_threads_is_said(monkeypatch, asked):
    monkeypatch.setenv("TINYSEGNET_THREADS", asked)
    said = f"TINYSEGNET_THREADS should be a number of threads, such as 2, got '{asked[:30]}"
    with pytest.raises(InputError, match=said) as error:
        threads.workers.__wrapped__()
    assert len(str(error.value)) < 160


@pytest.mark.parametrize("asked, count", [("3", 3), ("16", 16), ("", None)])
def test_how_many_threads(monkeypatch, asked, count):
    monkeypatch.setenv("TINYSEGNET_THREADS", asked)
    of_the_machine = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    assert threads.workers.__wrapped__("no such folder") == (count or of_the_machine)


def quota_in(folder, text):
    """A group of version 2 with that in its cpu.max, or of version 1 with the two numbers in two files."""
    folder.mkdir(parents=True, exist_ok=True)
    if "cgroup/cpu" in str(folder):
        for name, number in zip(("quota", "period"), text.split()):
            (folder / f"cpu.cfs_{name}_us").write_text(f"{number}\n")
    else:
        (folder / "cpu.max").write_text(f"{text}\n")


OF_2, OF_1 = "0::/a/b\n", "11:memory:/m\n4:cpu,cpuacct:/a/b\n0::/\n"


@pytest.mark.parametrize(
    "cgroup, groups, count",
    [
        (OF_2, {"a/b": "150000 100000"}, 2),
        (OF_2, {"a/b": "200000 100000"}, 2),
        (OF_2, {"a/b": "200001 100000"}, 3),
        (OF_2, {"a/b": "1000 100000"}, 1),
        (OF_2, {"a/b": "max 100000", "a": "max 100000", "": "max 100000"}, 8),
        (OF_2, {"a/b": "max 100000", "a": "300000 100000"}, 3),     # a group above
        (OF_2, {"a/b": "500000 100000", "a": "400000 100000", "": "600000 100000"}, 4),
        (OF_2, {"": "250000 100000"}, 3),                           # in a container
        ("0::/../../c\n", {"": "250000 100000"}, 3),
        (OF_2, {"a/b": "9900000 100000"}, 8),                       # more than there are
        (OF_2, {"other": "100000 100000"}, 8),
        (OF_1, {"cpu,cpuacct/a/b": "150000 100000"}, 2),
        (OF_1, {"cpu/a/b": "150000 100000"}, 2),
        (OF_1, {"cpu/a/b": "-1 100000", "cpu/a": "50000 20000"}, 3),
        (OF_1, {"cpu": "50000 50000"}, 1),
        (OF_1, {"cpu/a/b": "150000 100000", "unified": "50000 50000"}, 1),          # both
        ("4:cpuset:/a\n", {"cpu/a": "150000 100000"}, 8),                           # which is no quota
        # what makes no sense
        (OF_2, {"a/b": ""}, 8), (OF_2, {"a/b": "many 100000"}, 8), (OF_2, {"a/b": "150000"}, 8),
        (OF_2, {"a/b": "150000 0"}, 8), (OF_2, {"a/b": "-5 -1", "a": "300000 100000"}, 3),
        (OF_2, {"a/b": "9" * 999 + " 1"}, 8), (OF_2, {"a/b": "9" * 9999 + " 1"}, 8),
        (OF_1, {"cpu/a/b": "150000"}, 8), (OF_1, {"cpu/a/b": "150000 0"}, 8),
        ("", {"": "100000 100000"}, 8), ("nonsense\n\n0::/a/b\n", {"a": "300000 100000"}, 3),
        ("0::/a\0b\n", {"": "300000 100000"}, 3), (None, {"": "100000 100000"}, 8),
    ],
)
def test_a_container_has_the_processors_of_its_quota(tmp_path, monkeypatch, cgroup, groups, count):
    monkeypatch.delenv("TINYSEGNET_THREADS", raising=False)
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: range(8), raising=False)
    if cgroup is not None:
        (tmp_path / "proc/self").mkdir(parents=True)
        (tmp_path / "proc/self/cgroup").write_text(cgroup)
    for group, text in groups.items():
        quota_in(tmp_path / "sys/fs/cgroup" / group, text)
    assert threads.workers.__wrapped__(tmp_path) == count
    monkeypatch.setenv("TINYSEGNET_THREADS", "5")
    assert threads.workers.__wrapped__(tmp_path) == 5


def test_what_is_no_text_is_no_quota(tmp_path, monkeypatch):
    monkeypatch.delenv("TINYSEGNET_THREADS", raising=False)
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: range(8), raising=False)
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "sys/fs/cgroup/cpu.max").mkdir(parents=True)
    for content in (b"0::/\n", b"\xff\xfe"):
        (tmp_path / "proc/self/cgroup").write_bytes(content)
        assert threads.workers.__wrapped__(tmp_path) == 8


def blas_threads():
    """Of NumPy's BLAS. SciPy has one of its own, which is there if another test has imported it."""
    blas = [library for library in threadpool_info() if library["user_api"] == "blas"]
    return [library["num_threads"] for library in blas if "scipy.libs" not in library["filepath"]]


@contextmanager
def two_blas_threads():
    """As many as BLAS has anyway on two processors, with nobody who claims to be the only one to set them."""
    limits = threadpool_limits(2, user_api="blas")
    let_others_set_limits()
    try:
        yield
    finally:
        limits.restore_original_limits()
        let_others_set_limits()


def let_others_set_limits():
    """threadpoolctl 3.7 and later take a limit from one thread alone, until that says that it has done."""
    if clear := getattr(OpenBLASController, "clear_controlling_thread", None):
        clear(force=True)


def test_two_callers_that_overlap_leave_blas_as_it_was():
    """The first to come is the first to go: what it puts back is not for the other to lose, nor the other's to keep."""
    in_first, in_second, out_of_first, out_of_second, seen = Event(), Event(), Event(), Event(), {}

    def first():
        def job(_):
            in_first.set()
            assert in_second.wait(10)

        threads.parallel_map(job, [0])
        out_of_first.set()
        assert out_of_second.wait(10)           # it is still there, as the main thread is

    def second():
        def job(_):
            seen["both"] = blas_threads()
            in_second.set()
            assert out_of_first.wait(10)
            seen["one"] = blas_threads()

        assert in_first.wait(10)
        threads.parallel_map(job, [0])
        seen["none"] = blas_threads()
        out_of_second.set()

    with two_blas_threads():
        before = blas_threads()
        callers = [Thread(target=first), Thread(target=second)]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join(20)
        assert before and set(before) == {2} and blas_threads() == before
    assert {name: set(numbers) for name, numbers in seen.items()} == {"both": {1}, "one": {1}, "none": {2}}


def test_blas_runs_on_one_thread_whichever_thread_calls():
    """One after the other, while the thread that was the first is still there."""
    results = []

    def call():
        results.append(threads.parallel_map(lambda i: set(blas_threads()), range(3)))

    with two_blas_threads():
        for do in (call, lambda: in_another_thread(call), call):
            do()
            results.append(set(blas_threads()))
    assert results == [[{1}] * 3, {2}] * 3


def in_another_thread(do):
    thread = Thread(target=do)
    thread.start()
    thread.join(20)


def test_many_callers_at_once_leave_blas_as_it_was(monkeypatch):
    with_threads(3, monkeypatch)
    at_once = Barrier(4)
    results = []

    def caller():
        at_once.wait(10)
        for _ in range(20):
            results.append(threads.parallel_map(lambda i: set(blas_threads()), range(5)))

    with two_blas_threads():
        before = blas_threads()
        callers = [Thread(target=caller) for _ in range(4)]
        for one in callers:
            one.start()
        for one in callers:
            one.join(30)
        assert blas_threads() == before
    assert results == [[{1}] * 5] * 80


def test_a_job_that_raises_leaves_blas_as_it_was(count):
    with two_blas_threads():
        before = blas_threads()
        with pytest.raises(ZeroDivisionError):
            threads.parallel_map(lambda i: 1 // i, range(5))
        assert blas_threads() == before


def test_a_job_that_calls_it_again_is_refused(count):
    """Whichever thread it runs on; and afterwards all is as before."""
    def job(i):
        return threads.parallel_map(abs, [i])

    with pytest.raises(RuntimeError, match="called by one of its own jobs: let the job do its work in a plain loop"):
        threads.parallel_map(job, range(7))
    all_here, refused = Barrier(count), []

    def each_on_a_thread_of_its_own(i):
        all_here.wait(10)
        with pytest.raises(RuntimeError, match="by one of its own jobs"):
            threads.parallel_map(abs, [i])
        refused.append(current_thread())

    threads.parallel_map(each_on_a_thread_of_its_own, range(count))
    assert len(set(refused)) == count
    assert threads.parallel_map(abs, [-1, 2, -3]) == [1, 2, 3]


FORKING = """
import os, sys, threading
from threadpoolctl import OpenBLASController, threadpool_info, threadpool_limits
from tinysegnet.support import threads

def blas_threads():
    return [library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"]

threadpool_limits(2, user_api="blas")
if hasattr(OpenBLASController, "clear_controlling_thread"):
    OpenBLASController.clear_controlling_thread(force=True)
assert set(blas_threads()) == {2}
inside, leave = threading.Event(), threading.Event()

def job(_):
    inside.set()
    assert leave.wait(20)

other = threading.Thread(target=threads.parallel_map, args=(job, [0]))
other.start()
assert inside.wait(20) and set(blas_threads()) == {1}
child = os.fork()
if child == 0:
    works = threads.parallel_map(lambda i: set(blas_threads()), range(6)) == [{1}] * 6
    os._exit(0 if works and set(blas_threads()) == {2} and not other.is_alive() else 7)
_, status = os.waitpid(child, 0)
leave.set()
other.join(20)
assert set(blas_threads()) == {2}
sys.exit(os.waitstatus_to_exitcode(status))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_process_that_is_forked_meanwhile_has_its_blas_threads():
    """The child has none of the threads that were at work, and nobody else would give BLAS's back to it."""
    command = [sys.executable, "-W", "ignore", "-c", FORKING]
    environment = os.environ | {"TINYSEGNET_THREADS": "3"}
    process = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert process.returncode == 0, process.stderr


def test_in_turn_means_here_and_with_blas_as_it_is(monkeypatch):
    with_threads(3, monkeypatch)
    seen = threads.parallel_map(lambda i: (i, current_thread(), threads.one_blas_thread.inside), range(5), True)
    assert seen == [(i, current_thread(), 0) for i in range(5)]


def test_where_no_thread_can_be_started_the_memory_is_full(monkeypatch):
    class Pool:
        def submit(self, *_):
            raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threads, "workers", lambda: 2)
    monkeypatch.setattr(threads, "pool", Pool)
    with pytest.raises(MemoryError, match="can't start new thread"):
        threads.parallel_map(str, [1, 2])
    monkeypatch.undo()
    assert threads.parallel_map(str, [1, 2]) == ["1", "2"]
