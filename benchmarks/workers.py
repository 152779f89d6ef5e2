"""tinysegnet and PyTorch, each in a process of its own, so that each can be timed while the other waits."""

import importlib
import multiprocessing
import os
import statistics
import time
from functools import partial

from tinysegnet.support.errors import InputError

PAUSE = 0.05            # seconds, for the threads of the one before to fall asleep
HEAD = "| | tinysegnet | PyTorch | ratio |\n|---|---|---|---|"


class Worker:
    """A process in which one of the two runs: `prepare` something, then `time` it.

    module       "numpy_side" or "torch_side"
    threads      how many
    keep_memory  whether the C library keeps freed memory: see backend.keep_freed_memory
    tf32         on a GPU, whether products may be rounded to 10 bits
    options      for the functions of the module: layout, device
    """

    def __init__(self, module, threads=1, keep_memory=False, tf32=False, **options):
        self.pipe, end = multiprocessing.Pipe()
        arguments = end, module, threads, keep_memory, tf32, options
        self.process = multiprocessing.get_context("spawn").Process(target=serve, args=arguments, daemon=True)
        self.process.start()

    def prepare(self, kind, *arguments):
        """Let it prepare a function of numpy_side.py or torch_side.py. Returns the names of what can be timed."""
        return self.ask("prepare", kind, arguments)

    def time(self, name=None):
        """Let it run twice: once to have its own data in the processor's caches again, and once to be timed.

        Returns a list of seconds: of the step, or of forward and backward of an operation.
        """
        time.sleep(PAUSE)
        self.ask("time", name)
        return self.ask("time", name)

    def peak_memory(self):
        """In MB, the most it ever had (on Linux), on a GPU of the memory there."""
        return self.ask("memory")

    def ask(self, *question):
        self.pipe.send(question)
        answer = self.pipe.recv()
        if isinstance(answer, Exception):
            raise answer
        return answer

    def close(self):
        self.pipe.send(None)
        self.process.join()


def serve(pipe, module, threads, keep_memory, tf32, options):
    """What the process of a Worker does."""
    os.environ |= {"TINYSEGNET_THREADS": str(threads), "CUPY_TF32": str(int(tf32))}
    from tinysegnet.support.backend import keep_freed_memory

    if keep_memory:
        keep_freed_memory()
    worker = importlib.import_module(module)
    worker.set_up(threads, tf32)
    while question := pipe.recv():
        try:
            match question:
                case "prepare", kind, arguments:
                    prepared = None         # lets go of the one before
                    prepared = getattr(worker, kind)(*arguments, **options)
                    answer = list(prepared) if isinstance(prepared, dict) else [None]
                case "time", None:
                    answer = [worker.seconds(prepared, **options)[0]]
                case "time", name:
                    forward, backward = prepared[name]
                    first, cache = worker.seconds(forward, **options)
                    answer = [first]
                    if backward:
                        answer.append(worker.seconds(partial(backward, cache), **options)[0])
                case ("memory",):
                    answer = worker.peak_memory(**options)
        except Exception as error:
            answer = error
        pipe.send(answer)


def memory_of(kind, work, *worker, **options):
    """In MB, the most that a process had which did that work three times and nothing else. worker: as of a Worker"""
    worker = Worker(*worker, **options)
    worker.prepare(kind, *work)
    for _ in range(3):
        worker.time()
    megabytes = worker.peak_memory()
    worker.close()
    return megabytes


def need_pytorch():
    try:
        import torch  # noqa: F401
    except ImportError as error:
        raise InputError("PyTorch is not installed: pip install torch") from error


def interleaved(library, peers, name, rounds):
    """Seconds of the library and of the best of its peers, in turn: for each part of what is timed a pair of lists."""
    tries = 1 if rounds < 3 else 2
    best = min(peers, key=lambda peer: min(sum(peer.time(name)) for _ in range(tries)))
    measured = [(library.time(name), best.time(name)) for _ in range(rounds)]
    parts = range(len(measured[0][0]))
    return [(tuple(library[i] for library, _ in measured), tuple(torch[i] for _, torch in measured)) for i in parts]


def row(title, pair, unit=1):
    """A line of the table: medians, and from the lowest to the highest."""
    library, torch = ([seconds / unit for seconds in times] for times in pair)
    ratio = statistics.median(library) / statistics.median(torch)
    return f"| {title} | {spread(library)} | {spread(torch)} | {ratio:.2f} |"


def title(kind, *arguments):
    """Of a row: what is timed, of which network, on pictures of which size."""
    *network, N, H, W = arguments
    return ", ".join([*network, kind.replace("_", " "), f"{H}x{W}", f"batch {N}"])


def spread(times):
    unit, factor = ("ms", 1000) if statistics.median(times) < 0.1 else ("s", 1)
    low, middle, high = (factor * f(times) for f in (min, statistics.median, max))
    digits = 0 if middle >= 100 else 1 if middle >= 10 else 2
    return f"{middle:.{digits}f} {unit} ({low:.{digits}f} to {high:.{digits}f})"
