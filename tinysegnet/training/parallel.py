"""`mpiexec -n 2 python -m mpi4py train.py --parallel`: one training on several processes, the ranks of MPI.

Each rank has its share of the images of every batch, and all have the same network. What looks at the whole batch is a
sum over the ranks: the statistics of batch norm and the sums of its backward, the number of labelled pixels, and the
gradients, of which each rank has the part that came by its own images. So many ranks and one make the same network, but
for rounding.
"""

import os
import platform
import sys
import time
import traceback
from contextlib import contextmanager
from dataclasses import replace
from types import SimpleNamespace

import numpy as np

from tinysegnet import __version__
from tinysegnet.ops.batchnorm import EPS, channel_sum, for_a_row, statistics
from tinysegnet.support import threads
from tinysegnet.support.errors import InputError, exit_in_words
from tinysegnet.support.ranks import Alone
from tinysegnet.support.signals import Stopped
from tinysegnet.support.threads import parallel_map, row_bands
from tinysegnet.training.runs import Run

LAUNCHED = "PMI_RANK", "PMIX_RANK", "OMPI_COMM_WORLD_RANK"      # what the launchers of MPI put into the environment
LAUNCHED_SIZE = "PMI_SIZE", "OMPI_COMM_WORLD_SIZE"
HOW = "mpiexec -n 2 python -m mpi4py train.py --parallel"
AT_ONCE = 2**20         # numbers, in a sum by the order of the ranks


class Ranks(Alone):
    """One of several ranks.

    comm          an mpi4py communicator, or what has its rank, size, allgather, Allgather, Allreduce and bcast
    reproducible  whether sums go by the order of the ranks, so that they have the same bits whatever MPI is at hand
    """

    def __init__(self, comm, reproducible=False):
        self.comm, self.rank, self.size, self.reproducible = comm, comm.rank, comm.size, reproducible

    def gather(self, value):
        if not isinstance(value, np.ndarray):
            return self.comm.allgather(value)
        value = np.ascontiguousarray(value)         # or MPI takes another order, without a word
        parts = np.empty((self.size, *value.shape), value.dtype)
        self.comm.Allgather(value, parts)
        return list(parts)

    def sum(self, a):
        a = np.asarray(a)
        flat = a.ravel()            # by rows, however it lies in memory
        total = np.empty_like(flat)
        if self.reproducible:
            for start in range(0, flat.size, AT_ONCE):
                first, *others = self.gather(flat[start : start + AT_ONCE])
                for other in others:
                    first += other
                total[start : start + AT_ONCE] = first
        else:
            self.comm.Allreduce(flat, total)        # MPI's SUM: of its MAX, ranks can disagree where there is a NaN
        return total.reshape(a.shape)

    def from_first(self, value):
        return self.comm.bcast(value)

    def generator(self, seed):
        return OfTheBatch(np.random.default_rng(seed), self)


class OfTheBatch:
    """Draws for the images of a rank what a generator draws for all of the batch."""

    def __init__(self, rng, ranks):
        self.rng, self.ranks = rng, ranks

    def random(self, shape, dtype):
        """shape: (N, ...), N of this rank's images"""
        counts = self.ranks.gather(shape[0] if self.ranks.counted else 0)
        first = sum(counts[: self.ranks.rank]) if self.ranks.counted else 0
        return self.rng.random((sum(counts), *shape[1:]), dtype)[first : first + shape[0]]


def spread(functions, ranks):
    """The Functions of a training on one process, for one of several ranks."""
    return functions._replace(
        ops=operations(functions.ops, ranks), ranks=ranks,
        sgd_step=summed(functions.sgd_step, ranks), adam_step=summed(functions.adam_step, ranks),
    )


def summed(update, ranks):
    """An optimiser's update by the sums of the gradients over all ranks, which go as one message."""
    def update_by_sums(params, grads, *args):
        flat = np.concatenate([grads[name].ravel() for name in params])
        ends = np.cumsum([w.size for w in params.values()])
        parts = np.split(ranks.sum(flat), ends[:-1])
        update(params, {name: part.reshape(w.shape) for (name, w), part in zip(params.items(), parts)}, *args)

    return update_by_sums


def operations(ops, ranks):
    """These ops, but that batch norm and the loss are those of the whole batch, of which a rank has some images.

    A gradient of a parameter is the part of it that came by the images of this rank, that of beta and gamma too: all of
    them are summed before the optimiser sees them.
    """
    def batch_norm(x, gamma, beta):
        mean, var = of_all(ranks, *statistics(x), pixels=counted(x, ranks))
        inv_std = 1 / np.sqrt(var + EPS)
        x_hat, y = np.empty_like(x), np.empty_like(x)
        m, s, scale, shift = (for_a_row(a, x) for a in (mean, inv_std, gamma, beta))

        def job(band):
            x_hat[band] = (x[band] - m) * s
            y[band] = scale * x_hat[band] + shift

        parallel_map(job, row_bands(x))
        return y, (mean, var), (x_hat, gamma, inv_std)

    def batch_norm_backward(dy, cache):
        x_hat, gamma, inv_std = cache

        def sums(band):
            return channel_sum(dy[band] * x_hat[band]), channel_sum(dy[band])

        dgamma, dbeta = (ranks.counted * sum(parts) for parts in zip(*parallel_map(sums, row_bands(dy))))
        *sums_of_all, pixels = ranks.sum(np.stack([dgamma, dbeta, np.full_like(dbeta, counted(dy, ranks), float)]))
        stretch, shift = (for_a_row((a / pixels).astype(dy.dtype), dy) for a in sums_of_all)
        scale, dx = for_a_row(ranks.counted * gamma * inv_std, dy), np.empty_like(dy)

        def job(band):
            dx[band] = scale * (dy[band] - shift - x_hat[band] * stretch)

        parallel_map(job, row_bands(dy))
        return dx, dgamma, dbeta

    def softmax_cross_entropy(logits, labels, class_weights, ignore):
        loss, cache = ops.softmax_cross_entropy(logits, labels, class_weights, ignore)
        labelled = ranks.counted * (labels != ignore).sum()
        share = (labelled / max(ranks.sum(labelled), 1)).astype(logits.dtype)
        return ranks.sum(share * loss), (cache, share)

    def softmax_cross_entropy_backward(dloss, cache):
        cache, share = cache
        return ops.softmax_cross_entropy_backward(share * dloss, cache)

    of_the_batch = batch_norm, batch_norm_backward, softmax_cross_entropy, softmax_cross_entropy_backward
    return SimpleNamespace(**vars(ops) | {op.__name__: op for op in of_the_batch})


def counted(x, ranks):
    """The pixels (N, H, W) of x that count."""
    return ranks.counted * x[..., 0].size


def of_all(ranks, mean, var, pixels):
    """Mean and variance of a channel over all ranks, by the rule of Chan, Golub and LeVeque: see ops/batchnorm.py. In
    the order of the ranks, and in float64, which counts pixels beyond 2^24."""
    parts = ranks.gather(np.stack([np.full_like(mean, pixels, float), mean, var]))
    pixels, means, variances = np.stack(parts, axis=1)
    share = pixels / pixels.sum(axis=0)
    total = (share * means).sum(axis=0)
    return total.astype(mean.dtype), (share * (variances + (means - total) ** 2)).sum(axis=0).astype(mean.dtype)


@contextmanager
def begun(reproducible, out_of_memory):
    """Ranks, inside `with`. However one leaves, but Stopped or at the end, all end, with its exit code; what went wrong
    is said once, of a full memory what to do as `exit_in_words` would. Raises InputError if there is no MPI."""
    ranks = world(reproducible)
    stderr = sys.stderr
    if ranks.rank:
        sys.stdout = sys.stderr = open(os.devnull, "w", encoding="utf-8")       # rank 0 speaks for all
    threads.limit(processors(ranks))
    try:
        yield ranks
    except Stopped:
        from mpi4py import MPI
        MPI.Finalize()      # together: else the first to leave would have the others killed, and that was the exit code
        raise
    except BaseException as error:
        sys.stderr = stderr
        if ranks.rank:
            time.sleep(3)           # by then rank 0 has said what all have, and ended this one
            if not isinstance(error, SystemExit):
                print(f"rank {ranks.rank}: ", end="", file=stderr)
        code = said(error, out_of_memory)
        sys.stdout.flush()
        sys.stderr.flush()
        ranks.comm.Abort(code)


def said(error, out_of_memory):
    """Say an exception as the command line does. Returns the exit code."""
    def again():
        raise error

    try:
        exit_in_words(again, out_of_memory)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
    except BaseException:
        traceback.print_exc()
    return 1


def world(reproducible):
    """The Ranks that mpiexec has started. Raises InputError if it was not mpiexec, or not that of the MPI that mpi4py
    uses, or mpi4py is not installed."""
    try:
        from mpi4py import MPI
    except ImportError as error:
        way_out = "pip install 'tinysegnet[mpi]', and see docs/parallel.md"
        raise InputError(f"--parallel needs mpi4py, and an MPI: {way_out}") from error
    if MPI.COMM_WORLD.size == 1 and not any(name in os.environ for name in LAUNCHED):
        raise InputError(f"--parallel is for a program that mpiexec starts: {HOW}")
    if MPI.COMM_WORLD.size == 1 and any(os.environ.get(name, "1") != "1" for name in LAUNCHED_SIZE):
        raise InputError("mpiexec is not of the MPI that mpi4py uses, so that each process is alone: take that one's")
    return Ranks(MPI.COMM_WORLD.Dup(), reproducible)


def processors(ranks):
    """How many of its machine's processors are this rank's: those that it may use, by as many ranks as may use them."""
    mine = platform.node(), sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None
    return max(1, threads.workers() // ranks.gather(mine).count(mine))


def check_settings(given):
    """Raise InputError if the settings that are given do not go with --parallel."""
    if given.get("backend", "numpy") != "numpy":
        raise InputError("--parallel is written for NumPy: train with --backend numpy, or without --parallel")
    if given.get("ops", "library") != "library":
        raise InputError("--ops lessons trains on one process: leave out --parallel")


def check_alike(ranks, settings, fingerprint):
    """Raise InputError, on all ranks, if their settings cannot be spread, or one has others than rank 0, or other data.

    Then the arrays that they will sum have one length and one dtype on all: of others MPI makes wrong sums in silence.
    """
    if settings.lovasz is not None:
        way_out = "leave out --parallel, or give --set lovasz=none"
        raise InputError(f"the Lovasz loss puts all pixels of a batch in order: {way_out}")
    if settings.batch < ranks.size:
        way_out = f"give --batch {ranks.size}, or start fewer"
        raise InputError(f"a batch of {settings.batch} images is too few for {ranks.size} ranks: {way_out}")
    mine = vars(settings) | {"data": fingerprint, "tinysegnet": __version__, "numpy": np.__version__}
    first, *others = ranks.gather(mine)
    for rank, other in enumerate(others, start=1):
        for name, value in other.items():
            if value != first[name]:
                way_out = "give all of them the same"
                raise InputError(f"rank {rank} has {name} {value}, and rank 0 has {first[name]}: {way_out}")


class Follower(Run):
    """A run as the other ranks have it: of what is on the disk they know nothing, and are given it by rank 0."""

    def begin(self, fingerprint):
        return []

    def resume(self, fingerprint, images):
        pass

    def best_model(self):
        return self.model

    def log(self, **line):
        pass

    def save(self):
        pass

    def end_epoch(self, figures, judged=None):
        self.epoch, self.step = self.epoch + 1, 0
        return None, None


def hand_out(run, ranks):
    """Give all ranks the state of rank 0's run, so that they go on from there."""
    if ranks.size > 1:
        run.model = same_model(run.model, ranks)
        run.opt_state, run.epoch, run.step = ranks.from_first((run.opt_state, run.epoch, run.step))


def same_model(model, ranks):
    """The Model of rank 0, on all; the network, which cannot be sent, all have."""
    if ranks.size == 1:
        return model
    params, stats, meta = ranks.from_first((model.params, model.stats, model.meta))
    return replace(model, params=params, stats=stats, meta=meta)
