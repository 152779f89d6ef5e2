"""A training on several ranks, which here are threads that meet: the same network as on one. With MPI: test_mpi.py."""

import argparse
import copy
import json
import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import tiny_camvid
from train_in_process import train_script

from tinysegnet import checkpoint, ops
from tinysegnet.commands import train as command
from tinysegnet.data import folder, streets
from tinysegnet.data.batches import evaluation_pairs, training_batches
from tinysegnet.ops import fast
from tinysegnet.ops.more.dropout import draw_mask
from tinysegnet.support import threads
from tinysegnet.support.errors import InputError
from tinysegnet.support.ranks import ALONE
from tinysegnet.support.signals import Stop
from tinysegnet.training import loop, optim, parallel
from tinysegnet.training.settings import from_recipe


class Comm:
    """What Ranks needs of an mpi4py communicator, for threads of one process."""

    def __init__(self, rank, places, barrier):
        self.rank, self.size, self.places, self.barrier = rank, len(places), places, barrier

    def allgather(self, value):
        self.places[self.rank] = value
        self.barrier.wait(120)
        values = copy.deepcopy(self.places)
        self.barrier.wait(120)
        return values

    def Allgather(self, value, parts):         # noqa: N802 - MPI calls it so
        assert value.flags.c_contiguous and value.dtype == parts.dtype
        parts[...] = self.allgather(value)

    def Allreduce(self, value, total):         # noqa: N802
        assert value.flags.c_contiguous and value.dtype == total.dtype and value.ndim == 1
        total[...] = sum(self.allgather(value))

    def bcast(self, value):
        return self.allgather(value)[0]


def on_ranks(size, job, reproducible=False):
    """[job(ranks) of each rank], all at once."""
    places, barrier = [None] * size, threading.Barrier(size)

    def of_one(rank):
        try:
            return job(parallel.Ranks(Comm(rank, places, barrier), reproducible))
        except BaseException:
            barrier.abort()
            raise

    with ThreadPoolExecutor(size) as pool:
        futures = [pool.submit(of_one, rank) for rank in range(size)]
    errors = [future.exception() for future in futures if future.exception()]
    for error in sorted(errors, key=lambda error: isinstance(error, threading.BrokenBarrierError)):
        raise error             # not that of one who only waited for it
    return [future.result() for future in futures]


def batch(seed=0, N=5):
    rng = np.random.default_rng(seed)
    x, dy = rng.normal(2, 3, (2, N, 6, 7, 4))
    return x, dy, rng.normal(1, 1, 4), rng.normal(0, 1, 4), rng.integers(0, 5, (N, 6, 7))       # 4 is void


sizes = pytest.mark.parametrize("size", [1, 2, 3, 5, 7])        # of 5 images; on 7 some have none


def mine(ranks, a):
    """This rank's part of a batch; if it has none, the first image, that does not count."""
    part = ranks.share(a)
    ranks.counted = len(part) > 0
    return part if ranks.counted else a[:1]


@sizes
@pytest.mark.parametrize("dtype, tolerance", [("float64", 1e-12), ("float32", 1e-5)])
def test_batch_norm_is_that_of_the_whole_batch(size, dtype, tolerance):
    x, dy, gamma, beta, _ = (a.astype(dtype) for a in batch())
    y, (mean, var), cache = ops.batch_norm(x, gamma, beta)
    dx, dgamma, dbeta = ops.batch_norm_backward(dy, cache)

    def of_one(ranks):
        of_rank = parallel.operations(fast.ops_with(), ranks)
        y, stats, cache = of_rank.batch_norm(mine(ranks, x), gamma, beta)
        dx, *grads = of_rank.batch_norm_backward(mine(ranks, dy), cache)
        assert {a.dtype for a in (y, *stats, dx, *grads)} == {np.dtype(dtype)}
        return ranks.counted, y, stats, dx, grads

    results = on_ranks(size, of_one)
    for _, _, stats, _, _ in results:
        np.testing.assert_allclose(stats, (mean, var), rtol=tolerance)
        np.testing.assert_array_equal(stats, results[0][2])                 # to the bit the same on all
    for k, expected in ((1, y), (3, dx)):
        got = np.concatenate([result[k] for result in results if result[0]])
        np.testing.assert_allclose(got, expected, rtol=tolerance, atol=tolerance)
    for total, expected in zip(map(sum, zip(*(result[4] for result in results))), (dgamma, dbeta), strict=True):
        np.testing.assert_allclose(total, expected, rtol=tolerance, atol=10 * tolerance)
    assert not any(result[3].any() for result in results if not result[0])


@sizes
def test_the_loss_is_that_of_the_whole_batch(size):
    _, _, weights, _, labels = batch()
    labels[1] = 4                                               # so that ranks have other counts
    logits, weights = np.random.default_rng(1).normal(0, 2, (*labels.shape, 4)), abs(weights)
    loss, cache = ops.softmax_cross_entropy(logits, labels, weights, 4)
    dlogits = ops.softmax_cross_entropy_backward(np.ones(()), cache)

    def of_one(ranks):
        of_rank = parallel.operations(fast.ops_with(), ranks)
        loss, cache = of_rank.softmax_cross_entropy(mine(ranks, logits), mine(ranks, labels), weights, 4)
        return ranks.counted, loss, of_rank.softmax_cross_entropy_backward(np.ones(()), cache)

    results = on_ranks(size, of_one)
    assert [float(result[1]) for result in results] == pytest.approx([float(loss)] * size, rel=1e-13)
    np.testing.assert_allclose(np.concatenate([result[2] for result in results if result[0]]), dlogits, atol=1e-15)
    assert not any(result[2].any() for result in results if not result[0])


def test_a_batch_without_a_labelled_pixel_has_the_loss_0():
    logits, labels = np.ones((2, 3, 4, 2), np.float32), np.full((2, 3, 4), 9)

    def of_one(ranks):
        of_rank = parallel.operations(fast.ops_with(), ranks)
        return of_rank.softmax_cross_entropy(mine(ranks, logits), mine(ranks, labels), np.ones(2), 9)[0]

    assert on_ranks(2, of_one) == [0, 0]


class Few:
    """Of the streets some, of which the last batch of 4 has one."""

    def __init__(self):
        whole = streets.dataset()
        self.classes, self.ignore, self.palette = whole.classes, whole.ignore, whole.palette

    def samples(self, split):
        return streets.dataset().samples(split)[:13]

    @staticmethod
    @lru_cache
    def read(sample):
        return streets.dataset().read(sample)


def begun(ranks, dtype, network="segnet-basic", optimiser="sgd", functions=None):
    """A Trainer before its first step, and the batches of an epoch, of 4 images."""
    data, functions = Few(), functions or loop.Functions()
    settings = from_recipe("streets", data="streets", size=(16, 24), steps=4, batch=4, filters=4, optimiser=optimiser,
                           network=network, lr=0.01, epochs=20, schedule="constant")
    model = loop.new_model(settings, data)
    model = replace(model, params={name: w.astype(dtype) for name, w in model.params.items()},
                    stats={name: a.astype(dtype) for name, a in model.stats.items()})
    functions = functions if ranks is ALONE else parallel.spread(functions, ranks)
    survey = SimpleNamespace(pixels=np.arange(1, 12), image_pixels=np.full(11, 20))
    trainer = loop.prepare(model, optim.start(optimiser, model.params), settings, data, survey, functions)
    return trainer, lambda epoch: training_batches(data, settings, epoch, 0, ranks)


def trained(ranks, *args):
    """The params, the stats and the losses after two epochs of 4 steps."""
    trainer, batches = begun(ranks, *args)
    losses = [loss for epoch in (1, 2) for loss in loop.train_steps(trainer, batches(epoch), 4 * (epoch - 1))]
    return trainer.model.params, trainer.model.stats, losses


@pytest.fixture
def in_dtype(monkeypatch):
    normalise = loop.normalise
    return lambda dtype: monkeypatch.setattr(loop, "normalise", lambda *args: normalise(*args).astype(dtype))


@pytest.mark.parametrize("network, optimiser", [
    ("segnet-basic", "sgd"), ("bayesian-segnet-basic", "sgd"), ("segnet-basic", "adam"),
])
@pytest.mark.parametrize("size", [2, 3, 4])
def test_ranks_make_the_network_that_one_makes(in_dtype, size, network, optimiser):
    """Two epochs, of which the last batch has fewer images than there are ranks."""
    in_dtype("float64")
    *alone, losses = trained(ALONE, "float64", network, optimiser)
    for reproducible in (False, True):
        results = on_ranks(size, lambda ranks: trained(ranks, "float64", network, optimiser), reproducible)
        for *those, of_rank in results:
            for arrays, expected in zip(those, alone):
                largest = max(np.abs(a).max() for a in expected.values())
                for name, a in expected.items():
                    # The bias before a batch norm has the gradient 0, of which Adam makes steps from rounding; the
                    # mean that the batch norm keeps goes with it.
                    if optimiser == "sgd" or not name.endswith(("conv.b", "norm.mean")):
                        assert np.abs(arrays[name] - a).max() <= 1e-12 * largest, name
            assert of_rank == pytest.approx(losses, rel=1e-12)
            for name, a in results[0][0].items():
                np.testing.assert_array_equal(those[0][name], a)            # to the bit the same on all


def test_judging_and_exact_statistics_are_those_of_one():
    """Of a network with dropout, on 13 photographs, in batches of which the last has one."""
    def of_one(ranks):
        trainer, batches = begun(ranks, "float32", "bayesian-segnet-basic")
        model, functions = trainer.model, trainer.functions
        counts = loop.evaluate(model, evaluation_pairs(Few(), "val", ranks), Few().ignore, functions)
        return loop.exact_statistics(model, batches(0), functions.ops, ranks), counts

    stats, counts = of_one(ALONE)
    for on_rank, counts_on_rank in on_ranks(2, of_one):
        np.testing.assert_array_equal(counts_on_rank, counts)
        for name, a in stats.items():
            np.testing.assert_allclose(on_rank[name], a, rtol=1e-4, atol=1e-5, err_msg=name)


def test_a_sum_by_the_order_of_the_ranks(monkeypatch):
    """In pieces, of any shape and order in memory, and not by twos."""
    monkeypatch.setattr(parallel, "AT_ONCE", 4)
    values = np.random.default_rng(0).normal(0, 1, (3, 5, 6)).astype("f")
    in_order = (values[0] + values[1]) + values[2]
    assert (in_order != values[0] + (values[1] + values[2])).any()
    for a, expected in ((values, in_order), (values.transpose(0, 2, 1), in_order.T)):
        for total in on_ranks(3, lambda ranks, a=a: ranks.sum(a[ranks.rank]), reproducible=True):
            np.testing.assert_array_equal(total, expected)
    for reproducible in (False, True):
        for total in on_ranks(3, lambda ranks: ranks.sum(np.int64(ranks.rank + 2**40)), reproducible):
            assert total == 3 * 2**40 + 3 and total.shape == ()


def test_masks_are_those_of_the_whole_batch():
    whole = draw_mask(np.random.default_rng([1, 2]), (5, 2, 3, 4), 0.5, "f")

    def of_one(ranks):
        rng, masks = ranks.generator([1, 2]), []
        part = mine(ranks, whole)
        masks = [draw_mask(rng, part.shape, 0.5, "f") for _ in range(2)]        # the second one is not the first again
        return ranks.counted, *masks

    for size in (2, 3, 7):
        results = [result for result in on_ranks(size, of_one) if result[0]]
        np.testing.assert_array_equal(np.concatenate([result[1] for result in results]), whole)
        assert (np.concatenate([result[2] for result in results]) != whole).any()


def test_each_image_is_seen_by_one_rank(tmp_path):
    data = folder.dataset(tiny_camvid.make(tmp_path / "tiny", (("train", 7), ("val", 5))))
    settings = from_recipe("best", data="tiny", size=(24, 32), steps=2, batch=4)
    alone = list(training_batches(data, settings, 1))

    def of_one(ranks):
        batches = [(*batch, ranks.counted) for batch in training_batches(data, settings, 1, 0, ranks)]
        return batches, [labels for _, labels in evaluation_pairs(data, "val", ranks)]

    for size in (2, 4):
        results = on_ranks(size, of_one)
        for number, (images, labels) in enumerate(alone):
            parts = [batches[number] for batches, _ in results]
            expected = {2: [[2, 2], [1, 2]], 4: [[1, 1, 1, 1], [1, 1, 1]]}[size][number]
            assert [len(part[0]) for part in parts if part[2]] == expected
            np.testing.assert_array_equal(np.concatenate([part[0] for part in parts if part[2]]), images)
            np.testing.assert_array_equal(np.concatenate([part[1] for part in parts if part[2]]), labels)
        assert sum(len(val) for _, val in results) == 5


def test_all_ranks_go_on_at_the_step_where_the_first_is():
    def of_one(ranks):
        trainer, _ = begun(ranks, "float32")
        at = (3, 2) if ranks.rank == 0 else (1, 0)
        run = SimpleNamespace(model=trainer.model, opt_state={"rank": ranks.rank}, epoch=at[0], step=at[1])
        parallel.hand_out(run, ranks)
        return run.epoch, run.step, run.opt_state

    assert on_ranks(3, of_one) == [(3, 2, {"rank": 0})] * 3


def spoilt(ranks):
    """What is said of a step in which one rank's classifier gives no number, and whether no parameter moved."""
    def conv2d(x, w, b):
        y, cache = fast.conv2d(x, w, b)
        return (y * np.float32("nan") if ranks.rank == 1 and w.shape[3] == 11 else y), cache

    trainer, batches = begun(ranks, "float32", functions=loop.Functions(ops=fast.ops_with(conv2d=conv2d)))
    before = {name: w.copy() for name, w in trainer.model.params.items()}
    with pytest.raises(InputError) as caught, np.errstate(all="ignore"):
        list(loop.train_steps(trainer, batches(1), 0))
    return str(caught.value), all((w == before[name]).all() for name, w in trainer.model.params.items())


def test_what_is_not_a_number_on_one_rank_stops_all_with_one_sentence():
    (said, unmoved), other = on_ranks(2, spoilt)
    assert (said, unmoved) == other and unmoved
    assert said.startswith("the loss became nan at step 1, first in the output of classifier: train again")


def test_a_signal_to_one_rank_stops_all_after_the_same_step():
    def of_one(ranks):
        with Stop(ranks) as stop:
            seen = []
            for number in stop.until(range(9)):
                seen.append(number)
                if ranks.rank == 1 and number == 3:
                    stop.note(signal.SIGTERM, None)
            with pytest.raises(SystemExit, match="143"):
                stop.leave_if_asked(SimpleNamespace(path=Path("runs/first")))
        return seen

    assert on_ranks(3, of_one) == [[0, 1, 2, 3]] * 3


def test_a_signal_that_comes_while_the_ranks_talk_is_not_lost():
    """And what rank 1 has heard from rank 0 does not make the first signal to itself a second one."""
    def of_one(ranks):
        with Stop(ranks) as stop:
            gather = ranks.gather

            def interrupted(value):
                values = gather(value)
                if ranks.rank == 0 and stop.number is None:
                    stop.note(signal.SIGTERM, None)
                return values

            ranks.gather = interrupted
            seen = list(stop.until(range(9)))
            if ranks.rank:
                stop.note(signal.SIGTERM, None)
        return seen

    assert on_ranks(2, of_one) == [[0]] * 2


def test_a_system_without_sigusr1(monkeypatch):
    monkeypatch.delattr(signal, "SIGUSR1", raising=False)
    for size in (1, 2):
        with Stop(SimpleNamespace(size=size)) as stop:
            assert list(stop.handlers) == [signal.SIGINT, signal.SIGTERM]


def test_rank_0_says_when_it_is_time_to_save(monkeypatch):
    monkeypatch.setattr("tinysegnet.support.signals.time.monotonic", lambda: next(clock.times))
    clock = threading.local()

    def until(ranks):
        clock.times = iter([0, 1, 2, 7] if ranks.rank == 0 else [0, 100, 100, 100])
        with Stop(ranks) as stop:
            return list(stop.until(range(9), seconds=5))

    assert on_ranks(2, until) == [[0, 1, 2]] * 2


# the command


def args_of(*options):
    parser = argparse.ArgumentParser()
    command.add_options(parser.add_argument)
    return parser.parse_args(["--data", "tiny", "--size", "24x32", "--batch", "3", *options, "--parallel"])


@pytest.fixture
def train(tmp_path, monkeypatch):
    """train(ranks, *options), in a folder with a data set of 7 photographs; on 0 ranks as without --parallel."""
    tiny_camvid.make(tmp_path / "tiny", (("train", 7), ("val", 3)))
    monkeypatch.chdir(tmp_path)
    train_script(monkeypatch)

    def train(size, *options):
        if size:
            on_ranks(size, lambda ranks: command.run_on(args_of(*options), ranks))
        else:
            command.run_on(SimpleNamespace(**vars(args_of(*options)) | {"parallel": False}), ALONE)

    return train


@pytest.mark.parametrize("more", [(), ("--set", "statistics=running", "--set", "average=0.9")])
def test_a_run_on_ranks_is_that_of_one_and_goes_on_with_another_number(train, more):
    options = "--seed", "3", "--lr", "0.01", *more
    train(0, *options, "--name", "alone", "--epochs", "1")
    train(0, "--name", "alone", "--epochs", "2", "--resume")
    train(2, *options, "--name", "spread", "--epochs", "1")
    train(3, "--name", "spread", "--epochs", "2", "--resume")
    names = {path.name for path in Path("runs/alone").iterdir()}
    assert names == {path.name for path in Path("runs/spread").iterdir()}
    for file in ("last.npz", "best.npz"):
        (meta, groups), (of_one, expected) = (checkpoint.load(f"runs/{run}/{file}") for run in ("spread", "alone"))
        assert all(meta.get(key) == of_one.get(key) for key in ("epoch", "step", "statistics"))
        for group in expected:
            for name, a in expected[group].items():
                np.testing.assert_allclose(groups[group][name], a, atol=1e-5, err_msg=name)
    logs = [[json.loads(line) for line in Path(f"runs/{run}/log.jsonl").read_text().splitlines()]
            for run in ("spread", "alone")]
    assert [(line["epoch"], line.get("step")) for line in logs[0]] == [(x["epoch"], x.get("step")) for x in logs[1]]
    assert [line["loss"] for line in logs[0]] == pytest.approx([line["loss"] for line in logs[1]], rel=1e-4)


def test_of_an_epoch_that_is_not_judged_rank_1_says_nothing(tmp_path, capsys):
    settings = from_recipe("streets", data="streets", size=(16, 24), steps=1, filters=1, epochs=2, judge_every=2)
    run = parallel.Follower(tmp_path / "run", settings, Few(), np)
    of_rank_1 = loop.Functions(ranks=SimpleNamespace(rank=1))
    command.end_epoch(run, SimpleNamespace(functions=of_rank_1), None)
    assert (run.epoch, run.step) == (2, 0) and not capsys.readouterr().out


@pytest.mark.parametrize("options, said", [
    (["--backend", "cupy"], "^--parallel is written for NumPy: train with --backend numpy, or without --parallel$"),
    (["--ops", "lessons"], "^--ops lessons trains on one process: leave out --parallel$"),
    (["--set", "lovasz=0.5"], "^the Lovasz loss puts all pixels of a batch in order: leave out --parallel, or give "),
    (["--batch", "2"], "^a batch of 2 images is too few for 3 ranks: give --batch 3, or start fewer$"),
])
def test_what_cannot_be_spread_is_said(train, options, said):
    with pytest.raises(InputError, match=said):
        train(3, *options, "--epochs", "1")
    assert not Path("runs").exists()


def test_ranks_that_are_not_alike_are_said_on_all():
    settings = from_recipe("streets", data="streets", size=(24, 32), steps=4)

    def of_one(given):
        def of_rank(ranks):
            with pytest.raises(InputError) as caught:
                parallel.check_alike(ranks, *given(ranks.rank))
            return str(caught.value)

        return on_ranks(2, of_rank)

    said = of_one(lambda rank: (settings, "one" if rank else "other"))
    assert said == ["rank 1 has data one, and rank 0 has other: give all of them the same"] * 2
    said = of_one(lambda rank: (replace(settings, lr=0.5) if rank else settings, "one"))
    assert said == ["rank 1 has lr 0.5, and rank 0 has 0.001: give all of them the same"] * 2
    on_ranks(2, lambda ranks: parallel.check_alike(ranks, replace(settings, data=str(ranks.rank)), "one"))


def test_without_mpi(monkeypatch):
    monkeypatch.setitem(sys.modules, "mpi4py", None)
    with pytest.raises(InputError, match=r"^--parallel needs mpi4py, and an MPI: pip install 'tinysegnet\[mpi\]', and"):
        command.run(args_of())
    with pytest.raises(InputError, match=r"^--reproducible is for --parallel; "):
        command.run(SimpleNamespace(parallel=False, reproducible=True))
    alone = SimpleNamespace(MPI=SimpleNamespace(COMM_WORLD=SimpleNamespace(size=1)))
    monkeypatch.setitem(sys.modules, "mpi4py", alone)
    for name in parallel.LAUNCHED:
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(InputError, match=r"^--parallel is for a program that mpiexec starts: mpiexec -n 2 py"):
        command.run(args_of())
    monkeypatch.setenv("PMI_RANK", "0")
    monkeypatch.setenv("PMI_SIZE", "2")
    with pytest.raises(InputError, match=r"^mpiexec is not of the MPI that mpi4py uses, "):
        command.run(args_of())


def test_what_one_rank_lacks_is_said_and_all_end(monkeypatch, capsys):
    """Of a full memory, what the command says of it."""
    codes = []
    of_one = SimpleNamespace(rank=0, comm=SimpleNamespace(Abort=codes.append))
    monkeypatch.setattr(parallel, "world", lambda reproducible: of_one)
    monkeypatch.setattr(parallel, "processors", lambda ranks: 1)
    monkeypatch.setattr(parallel.threads, "limit", lambda count: None)
    advice = "use a smaller --batch or --size, or fewer --filters"
    for error, code, words in (
        (MemoryError("12 GB"), 2, f"error: out of memory: {advice} (12 GB)\n"),
        (InputError("no"), 2, "error: no\n"), (KeyboardInterrupt("why"), 130, "stopped: why\n"),
        (SystemExit(143), 143, ""),
    ):
        def fails(args, ranks, error=error):
            raise error

        monkeypatch.setattr(command, "run_on", fails)
        command.run(args_of())
        assert (codes.pop(), capsys.readouterr().err) == (code, words)


@pytest.mark.parametrize("machines, affinities, count", [
    ("aa", [{0, 1, 2, 3}] * 2, [2, 2]), ("aab", [{0, 1, 2}] * 3, [1, 1, 3]), ("aa", [{0}, {1}], [1, 1]),
    ("aaaa", [{0, 1}] * 4, [1, 1, 1, 1]),
])
def test_each_rank_has_its_share_of_the_processors_of_its_machine(monkeypatch, machines, affinities, count):
    rank = threading.local()
    monkeypatch.setattr(parallel.platform, "node", lambda: machines[rank.number])
    monkeypatch.setattr(parallel.os, "sched_getaffinity", lambda _: affinities[rank.number], raising=False)
    monkeypatch.setattr(parallel.threads, "workers", lambda: len(affinities[rank.number]))

    def of_one(ranks):
        rank.number = ranks.rank
        return parallel.processors(ranks)

    assert on_ranks(len(machines), of_one) == count


def test_a_limit_of_threads(monkeypatch):
    monkeypatch.setenv("TINYSEGNET_THREADS", "3")
    monkeypatch.setattr(threads, "blas", lambda: SimpleNamespace(limit=lambda **given: limits.append(given)))
    limits = []
    threads.workers.cache_clear()
    try:
        assert threads.workers() == 3
        threads.limit(2)
        assert threads.workers() == 2 and limits == [{"limits": 2, "user_api": "blas"}]
    finally:
        monkeypatch.undo()
        threads.workers.cache_clear()
